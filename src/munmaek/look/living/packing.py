r"""The tensors of a model as a page holds them: one run of bytes, and where each tensor lies in it.

    int8:  value = scale_r · byte,   scale_r = max |row r| / 127,   |error| ≤ scale_r / 2

Matrices are packed in the precision asked for; vectors and tables of n-grams stay float32, whole
numbers int32. Bytes are little-endian, the last axis fastest; every tensor begins at a multiple
of four.

Letters: R rows, C columns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["PRECISIONS", "PackedTensors", "Precision", "pack_tensors", "packed_size", "rounded"]

Precision = Literal["float32", "float16", "int8"]
Arrays = Mapping[str, NDArray[Any]]


def _int8(matrix: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a byte for each value, and each row's scale."""
    scales = np.maximum(np.abs(matrix).max(1, initial=0.0), 1e-12).astype(np.float32) / 127
    steps = np.rint(matrix / scales[:, None]).clip(-127, 127)
    return steps.astype(np.int8), scales.astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Form:
    """One precision of a matrix."""

    size: int
    """Bytes of a value."""
    packed: Callable[[NDArray[Any]], tuple[NDArray[Any], NDArray[np.float32] | None]]
    read: Callable[[NDArray[Any]], NDArray[np.float32]]
    """The values that come back, rounded."""


def _rounded_int8(matrix: NDArray[Any]) -> NDArray[np.float32]:
    steps, scales = _int8(matrix)
    return steps.astype(np.float32) * scales[:, None]


PRECISIONS: Final[Mapping[Precision, _Form]] = {
    "float32": _Form(4, lambda each: (each.astype("<f4"), None), lambda each: each),
    "float16": _Form(
        2, lambda each: (each.astype("<f2"), None), lambda each: each.astype("<f2").astype("<f4")
    ),
    "int8": _Form(1, _int8, _rounded_int8),
}
"""The precisions of matrices, the most exact first."""


@dataclass(frozen=True, slots=True)
class PackedTensors:
    """All tensors of a model."""

    described: dict[str, dict[str, Any]]
    """Shape, type and place of each."""
    data: bytes


def _is_matrix(array: NDArray[Any]) -> bool:
    return array.ndim == 2 and array.dtype.kind == "f"


def rounded(tensors: Arrays, precision: Precision) -> dict[str, NDArray[Any]]:
    """Return the tensors as they come back out of a page."""
    read = PRECISIONS[precision].read
    return {name: read(each) if _is_matrix(each) else each for name, each in tensors.items()}


def packed_size(tensors: Arrays, precision: Precision) -> int:
    """Return how many bytes the tensors take in a page, before they are written in base64."""
    each = PRECISIONS[precision]
    distinct = {_place(array): array for array in tensors.values()}
    return sum(
        array.size * each.size + 4 * len(array) * (each.size == 1)
        if _is_matrix(array)
        else array.size * 4
        for array in distinct.values()
    )


def _place(array: NDArray[Any]) -> tuple[Any, ...]:
    """Return what two names of one tensor share: where it lies, and how."""
    return (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)


def pack_tensors(tensors: Arrays, precision: Precision) -> PackedTensors:
    """Pack all tensors into one run of bytes, one of several names once."""
    described: dict[str, dict[str, Any]] = {}
    packed: dict[tuple[Any, ...], dict[str, Any]] = {}
    parts: list[bytes] = []
    place = 0

    def laid(values: NDArray[Any]) -> int:
        nonlocal place
        raw = values.tobytes()
        raw += b"\0" * (-len(raw) % 4)
        parts.append(raw)
        place += len(raw)
        return place - len(raw)

    for name, array in tensors.items():
        if _place(array) in packed:
            described[name] = packed[_place(array)]
            continue
        if _is_matrix(array):
            values, scales = PRECISIONS[precision].packed(array)
            entry: dict[str, Any] = {"type": precision, "at": laid(values)}
            if scales is not None:
                entry["scales"] = laid(scales)
        elif array.dtype.kind == "f":
            entry = {"type": "float32", "at": laid(array.astype("<f4"))}
        else:
            entry = {"type": "int32", "at": laid(array.astype("<i4"))}
        described[name] = packed[_place(array)] = {"shape": list(array.shape), **entry}
    return PackedTensors(described, b"".join(parts))
