r"""Tensors as text or bytes: float16, or uint8 with a scale for each slice of the first axis.

    uint8:  value ≈ offset + scale · byte,   |error| ≤ scale / 2

Scale and offset are one for each slice [H] of a tensor of three axes (each head of an attention has
its own), one for all of a smaller one. Bytes are little-endian, the last axis fastest.

Letters: H heads, R rows, C columns.
"""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ArtefactError

__all__ = ["Packed", "pack_float16", "pack_uint8", "unpack"]

Type = Literal["float16", "uint8"]


@dataclass(frozen=True, slots=True)
class Packed:
    """A tensor as bytes with what reads it."""

    shape: tuple[int, ...]
    type: Type
    data: bytes
    scale: float | list[float] = 1.0
    offset: float | list[float] = 0.0
    error: float = 0.0
    """Largest difference from the value that was packed."""

    @property
    def scales_fit(self) -> bool:
        """Return whether there is one scale for all, or one for each slice."""
        many = [len(x) for x in (self.scale, self.offset) if isinstance(x, list)]
        return not many or (len(many) == 2 and set(many) == set(self.shape[:1]))

    def describe(self) -> dict[str, Any]:
        """Return everything but the bytes."""
        return {
            "shape": list(self.shape),
            "type": self.type,
            "scale": self.scale,
            "offset": self.offset,
            "error": self.error,
        }

    def to_json(self) -> dict[str, Any]:
        """Return it with the bytes as base64."""
        return {**self.describe(), "data": base64.b64encode(self.data).decode("ascii")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, name: str) -> "Packed":
        """Read what ``to_json`` wrote.

        Raises:
            ArtefactError: fields missing, or bytes that do not fill the shape.
        """
        try:
            raw = base64.b64decode(data["data"], validate=True)
            shape = tuple(size for size in data["shape"] if _is_size(size))
            scale, offset = _scale(data["scale"]), _scale(data["offset"])
            packed = cls(shape, data["type"], raw, scale, offset)
            wanted = math.prod(shape) * _DTYPES[packed.type].itemsize
            if len(shape) != len(data["shape"]) or not packed.scales_fit:
                raise ValueError("its shape and scales do not fit")
        except (KeyError, TypeError, ValueError) as error:
            message = f"tensor '{name}': damaged ({error}); write the record again"
            raise ArtefactError(message) from None
        if wanted != len(raw):
            message = f"tensor '{name}': {len(raw)} bytes where {wanted} are wanted; write it again"
            raise ArtefactError(message)
        return packed


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


def _scale(value: float | list[float]) -> float | list[float]:
    return [_finite(each) for each in value] if isinstance(value, list) else _finite(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a scale is not finite")
    return float(value)


_DTYPES: dict[str, np.dtype[Any]] = {"float16": np.dtype("<f2"), "uint8": np.dtype("u1")}


def pack_float16(tensor: NDArray[Any]) -> Packed:
    """Pack in half precision: 11 bits of each value; beyond ±65504 is cut, NaN is 0."""
    limit = float(np.finfo(np.float16).max)
    finite = np.clip(np.nan_to_num(tensor.astype(np.float32), posinf=limit), -limit, limit)
    half = finite.astype("<f2")
    error = float(np.abs(half.astype(np.float32) - finite).max(initial=0.0))
    return Packed(half.shape, "float16", half.tobytes(), error=error)


def pack_uint8(tensor: NDArray[Any]) -> Packed:
    """Pack a byte a value, 256 even steps from the least to the greatest of each slice."""
    values = np.nan_to_num(tensor.astype(np.float32))
    slices = values.reshape(len(values), -1) if values.ndim > 2 else values.reshape(1, -1)
    low = slices.min(1, initial=np.inf) if slices.size else np.zeros(len(slices))
    high = slices.max(1, initial=-np.inf) if slices.size else np.zeros(len(slices))
    scale = np.maximum(high - low, 1e-12) / 255
    steps = np.rint((slices - low[:, None]) / scale[:, None]).astype(np.uint8)
    many = values.ndim > 2
    return Packed(
        values.shape,
        "uint8",
        steps.tobytes(),
        scale=[float(each) for each in scale] if many else float(scale[0]),
        offset=[float(each) for each in low] if many else float(low[0]),
        error=float(scale.max(initial=0.0)) / 2,
    )


def unpack(packed: Packed) -> NDArray[np.float32]:
    """Return the values as float32."""
    flat = np.frombuffer(packed.data, dtype=_DTYPES[packed.type])
    values = flat.reshape(packed.shape).astype(np.float32)
    if packed.type == "float16":
        return values
    shape = (-1,) + (1,) * (len(packed.shape) - 1) if isinstance(packed.scale, list) else ()
    scale = np.asarray(packed.scale, dtype=np.float32).reshape(shape)
    return values * scale + np.asarray(packed.offset, dtype=np.float32).reshape(shape)
