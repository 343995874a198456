r"""Products in 8-bit integers, for a processor: weights once, activations as they come.

    W ≈ diag(s) W₈                   one scale for each row of W, |W₈| ≤ 127
    x ≈ r (x₈ − 128)                 one scale for each token, x₈ unsigned
    W x ≈ r · diag(s) · W₈ (x₈ − 128)

The integer product is oneDNN's, where torch has it. Letters: N tokens, K inputs, O outputs.
"""

from inspect import unwrap
from typing import Any, cast

import numba
import numpy as np
import torch
from torch import Tensor, nn

from munmaek.arrays import Bytes, Float32s
from munmaek.compiling import kept

__all__ = [
    "Int8Linear",
    "as_numpy",
    "as_tensor",
    "compiled",
    "inlined",
    "largest_of",
    "parallel_range",
    "quantise",
    "round_row",
]

ZERO = 128
_LIMIT, _SHIFT = np.float32(127.0), np.float32(ZERO + 0.5)
# Sums in any order: else they are not computed in vectors.
_options: dict[str, Any] = {"fastmath": True, "error_model": "numpy"}


def compiled(function: Any) -> Any:
    """Compile a function whose ``parallel_range`` runs in threads."""
    # Type checks that a test run wraps around functions are not for compiled code.
    return kept(parallel=True, **_options)(unwrap(function))


def inlined(function: Any) -> Any:
    """Compile a function into those that call it."""
    return kept(inline="always", **_options)(unwrap(function))


parallel_range: Any = cast("Any", numba).prange


def as_numpy(tensor: Tensor) -> Any:
    """Return the tensor's numbers as an array."""
    return tensor.detach().contiguous().numpy()


def as_tensor(array: Any) -> Tensor:
    """Return the array's numbers as a tensor."""
    return cast("Any", torch).from_numpy(array)


class Int8Linear:
    """A linear layer's weight in integers, without its bias."""

    def __init__(
        self,
        layer: nn.Linear,
        *,
        zero: int = ZERO,
        shift: float = 0.0,
        shared: Tensor | None = None,
    ) -> None:
        """Take the layer, the x₈ that is 0, what was added to its input before, and c."""
        weight = layer.weight.detach().float()
        if shared is not None:
            weight = weight * shared
        self.scale = (weight.abs().amax(1) / 127).clamp(min=1e-12)
        self.weight = (weight / self.scale[:, None]).round().to(torch.int8)
        moved = (self.weight.float() * self.scale[:, None]).sum(1) * shift
        self.bias: Float32s = as_numpy(layer.bias.detach().float() - moved)
        self.zero = zero
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.packed = self._pack()

    def _pack(self) -> Any:
        try:
            return torch.ops.onednn.qlinear_prepack(self.weight, None)
        except (AttributeError, RuntimeError):  # a torch or a processor without it
            return None

    def __call__(self, rows: Bytes) -> Float32s:
        """Return diag(s) W₈ (x₈ − 128) for each token: [N, O]."""
        given = as_tensor(rows)
        if self.packed is None:
            return self.plain(rows)
        product = torch.ops.onednn.qlinear_pointwise(
            given, 1.0, self.zero, self.packed, self.scale, self.zeros, None, 1.0, 0, torch.float32,
            "none", [], "",
        )  # fmt: skip
        return as_numpy(product)

    def plain(self, rows: Bytes) -> Float32s:
        """Do the same without the integer product; whole numbers below 2²⁴ are exact in float32."""
        given = as_tensor(rows).float() - self.zero
        return as_numpy((given @ self.weight.float().T) * self.scale)


@inlined
def largest_of(row: Any) -> Any:
    """Return the largest magnitude of a row, at least 1e-30.

    Magnitudes of floats are ordered as the integers of their bits; LLVM computes the maximum of
    integers in vectors, and that of floats one by one.
    """
    bits = row.view(np.int32)
    found = np.int32(0x0DA24260)  # 1e-30
    for place in range(bits.shape[0]):
        found = max(found, bits[place] & np.int32(0x7FFFFFFF))
    out = np.empty(1, np.int32)
    out[0] = found
    return out.view(np.float32)[0]


@inlined
def round_row(row: Any, coded: Any) -> Any:
    """Write x₈ of one token and give its scale."""
    largest = largest_of(row)
    step = _LIMIT / largest
    for place in range(row.shape[0]):
        # Truncation after + ½ rounds, as 128 keeps it positive.
        coded[place] = np.uint8(np.int32(row[place] * step + _SHIFT))
    return largest / _LIMIT


@compiled
def quantise(x: Any) -> Any:
    """Return x₈ [N, K] and r [N] of float32 rows [N, K]."""
    coded = np.empty(x.shape, np.uint8)
    scales = np.empty(x.shape[0], np.float32)
    for token in parallel_range(x.shape[0]):
        scales[token] = round_row(x[token], coded[token])
    return coded, scales
