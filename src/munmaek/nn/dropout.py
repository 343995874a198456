"""Dropout: of single numbers (Srivastava et al. 2014, §4) and of whole columns.

    y = x · m / q,   m ~ Bernoulli(q),   q = 1 − rate

On a processor q is rounded to a multiple of 2⁻¹⁶, since a number is kept by comparing 16 random
bits; what is kept is divided by the rounded q, so that the mean is exact. That takes a quarter of
the random numbers of ``torch.nn.functional.dropout``, which draws each alone. The bits come from
torch's default generator.
"""

from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Dropout", "VariationalDropout", "dropout"]

_LEVELS = 1 << 16


def dropout(x: Float[Tensor, "*N"], rate: float) -> Float[Tensor, "*N"]:
    """Return ``x`` with a share ``rate`` of its numbers zeroed, below 1, and the rest scaled up."""
    kept = round((1.0 - rate) * _LEVELS)
    if x.device.type != "cpu" or not 0 < kept < _LEVELS:
        return F.dropout(x, rate)
    return x * _mask(x, kept).mul_(_LEVELS / kept)


def _mask(like: Tensor, kept: int) -> Tensor:
    """Return 1 with a probability of ``kept`` / 2¹⁶, else 0, in the shape and type of ``like``."""
    count = like.numel()
    words = torch.empty((count + 3) // 4, dtype=torch.int64)
    bits = words.random_(-(1 << 63), None).view(torch.int16)[:count].view(like.shape)
    mask = torch.empty_like(like, requires_grad=False, memory_format=torch.contiguous_format)
    return torch.lt(bits, kept - _LEVELS // 2, out=mask)


@final
class Dropout(nn.Module):
    """``dropout`` while training, nothing in evaluation mode."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
        """Return ``x``, or what is left of it."""
        return dropout(x, self.rate) if self.training and self.rate > 0 else x


@final
class VariationalDropout(nn.Module):
    """Dropout whose mask is drawn once a row and held over time (Gal & Ghahramani 2016, §4)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """Return ``inputs``; while training with whole columns zeroed and the rest scaled up."""
        if not self.training or self.rate == 0.0:
            return inputs
        ones = inputs.new_ones(inputs.shape[0], 1, inputs.shape[2])
        return inputs * F.dropout(ones, self.rate)
