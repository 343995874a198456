"""Dropout of whole words: every occurrence in a batch together (Gal & Ghahramani 2016, §4.2)."""

from typing import final

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["EmbeddingDropout"]


@final
class EmbeddingDropout(nn.Module):
    """Zeroes the vectors of some words wherever they stand, and scales the rest up."""

    def __init__(self, rate: float, *, vocab_size: int) -> None:
        super().__init__()
        self.rate = rate
        self.vocab_size = vocab_size

    def forward(
        self, vectors: Float[Tensor, "B T D"], ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T D"]:
        """``vectors`` of ``ids`` in evaluation mode; else with words dropped."""
        if not self.training or self.rate == 0.0:
            return vectors
        kept = F.dropout(vectors.new_ones(self.vocab_size), self.rate)
        return vectors * kept[ids][..., None]
