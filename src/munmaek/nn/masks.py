"""Which positions may be seen: True keeps, False hides.

Letters: B sentences in the batch, T positions that ask (queries), S positions that are asked
(keys), P positions already seen.
"""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

__all__ = ["causal_mask", "key_mask", "padding_mask"]


def padding_mask(lengths: Int[Tensor, " B"], size: int) -> Bool[Tensor, "B T"]:
    """True at the real tokens: row b's first ``lengths[b]`` of ``size`` positions."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def key_mask(lengths: Int[Tensor, " B"], size: int) -> Bool[Tensor, "B 1 1 S"] | None:
    """The padding mask as attention takes it, or None when no row is padded.

    None lets the fused kernel run without a mask, which is faster.
    """
    mask = padding_mask(lengths, size)
    return None if bool(mask.all()) else mask[:, None, None, :]


def causal_mask(
    queries: int, keys: int, *, device: torch.device | None = None
) -> Bool[Tensor, "T S"]:
    """True where a query may see a key: itself and what is before it.

    The last query stands at the last key, so the first ``keys - queries`` keys are a past that
    every query sees.
    """
    ones = torch.ones(queries, keys, dtype=torch.bool, device=device)
    return ones.tril(diagonal=keys - queries)
