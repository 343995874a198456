r"""One vector for a text from the states at its tokens.

    last        h_T, or [h→_T; h←_1] of both directions
    mean, max   over the real tokens
    attention   Σ_t a_t h_t,  a = softmax_t(v · tanh(W h_t))        Yang et al. 2016, §2.2
    concat      [last; max; mean]                                   Howard & Ruder 2018, §3.3

Letters: B texts, T tokens, D width of the states, P of the pooled vector.
"""

import math
from typing import Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.nn.masks import masked_mean, padding_mask
from munmaek.nn.tape import Tape

__all__ = ["Pooling", "PoolingName"]

PoolingName = Literal["last", "max", "mean", "attention", "concat"]


@final
class Pooling(nn.Module):
    """The way of that name; ``size`` is P."""

    def __init__(self, name: PoolingName, dimension: int) -> None:
        super().__init__()
        self.name: PoolingName = name
        self.size = dimension * (3 if name == "concat" else 1)
        if name == "attention":
            self.key = nn.Linear(dimension, dimension)
            self.query = nn.Linear(dimension, 1, bias=False)

    def forward(
        self,
        outputs: Float[Tensor, "B T D"],
        last: Float[Tensor, "B D"],
        lengths: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B P"]:
        """Return the pooled vector; with attention a tape gets ``pool.weights`` [B T]."""
        match self.name:
            case "last":
                return last
            case "mean":
                return masked_mean(outputs, lengths)
            case "max":
                return self._highest(outputs, lengths)
            case "attention":
                return self._attended(outputs, lengths, tape)
            case "concat":
                highest, mean = self._highest(outputs, lengths), masked_mean(outputs, lengths)
                return torch.cat([last, highest, mean], 1)

    @staticmethod
    def _highest(outputs: Tensor, lengths: Tensor) -> Tensor:
        real = padding_mask(lengths, outputs.shape[1])[:, :, None]
        return outputs.masked_fill(~real, -math.inf).amax(1)

    def _attended(self, outputs: Tensor, lengths: Tensor, tape: Tape | None) -> Tensor:
        scores = self.query(torch.tanh(self.key(outputs)))[:, :, 0]
        real = padding_mask(lengths, outputs.shape[1])
        weights = scores.masked_fill(~real, -math.inf).softmax(1)
        if tape is not None:
            tape.record("pool.weights", weights)
        return torch.einsum("bt,btd->bd", weights, outputs)
