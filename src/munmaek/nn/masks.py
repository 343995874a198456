"""The positions that may be seen: True keeps, False hides.

Letters: B sentences in the batch, T positions that ask (queries), S positions that are asked
(keys), D width.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from munmaek.nn.tracing import is_traced

__all__ = ["causal_mask", "key_mask", "masked_mean", "padding_mask"]


def padding_mask(lengths: Int[Tensor, " B"], size: int) -> Bool[Tensor, "B T"]:
    """Return a mask of the real tokens: row b's first ``lengths[b]`` of ``size`` positions."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def key_mask(lengths: Int[Tensor, " B"], size: int) -> Bool[Tensor, "B 1 1 S"] | None:
    """Return the padding mask as attention takes it, or None when no row is padded.

    None lets the fused kernel run without a mask, which is faster.
    """
    if not is_traced() and int(lengths.min()) >= size:
        return None
    return padding_mask(lengths, size)[:, None, None, :]


def causal_mask(
    queries: int, keys: int, *, device: torch.device | None = None
) -> Bool[Tensor, "T S"]:
    """Return a mask of what each query may see: itself and what is before it.

    The last query stands at the last key, so the first ``keys - queries`` keys are a past that
    every query sees.
    """
    places = torch.arange(keys, device=device)
    return places <= places[keys - queries :, None]


def masked_mean(hidden: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B D"]:
    """Return the mean of each row over its real tokens; zero for a row without any."""
    real = padding_mask(lengths, hidden.shape[1])[:, :, None]
    total = hidden.masked_fill(~real, 0.0).sum(dim=1)
    return total / lengths.clamp(min=1)[:, None].to(total.dtype)
