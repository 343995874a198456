r"""Adaptive softmax: frequent tokens directly, rare ones through their cluster (Grave et al. 2017).

    log p(w) = log softmax(head)_w                                           w among the frequent
    log p(w) = log softmax(head)_{c} + log softmax(tail_c)_w                 w in the rare cluster c

It is exactly normalised. Ids are taken to go from the most frequent to the rarest. The weights of
cluster k have width D / 4^k, or those of the embedding at full width where they are tied.

Letters: N rows, D width, V vocabulary size, C rare clusters, F frequent tokens and clusters,
S tokens of a cluster.
"""

import math
from collections.abc import Sequence
from typing import cast, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.nn.embeddings import log_frequencies

__all__ = ["AdaptiveSoftmax", "usual_cutoffs"]


def usual_cutoffs(vocab_size: int) -> tuple[int, ...]:
    """Return where clusters begin: at a tenth (2,000 at least) and two fifths of the vocabulary."""
    first = min(max(2000, vocab_size // 10), vocab_size // 2)
    return (first, max(first + 1, 2 * vocab_size // 5))


@final
class AdaptiveSoftmax(nn.Module):
    """Log-probabilities of the next token in two steps."""

    weight: nn.Parameter | None

    def __init__(
        self, dimension: int, vocab_size: int, *, cutoffs: Sequence[int], tied: bool
    ) -> None:
        super().__init__()
        self.edges = (*cutoffs, vocab_size)
        self.clusters = nn.Parameter(torch.zeros(len(cutoffs), dimension))
        self.cluster_bias = nn.Parameter(torch.zeros(len(cutoffs)))
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.weight = None
        self.tails = nn.ModuleList()
        if not tied:
            head = torch.randn(cutoffs[0], dimension) / math.sqrt(dimension)
            self.weight = nn.Parameter(head)
            for number, size in enumerate(self._sizes(), 1):
                width = max(1, dimension // 4**number)
                down = nn.Linear(dimension, width, bias=False)
                self.tails.append(nn.Sequential(down, nn.Linear(width, size, bias=False)))

    def begin_with(self, counts: Int[Tensor, " V"]) -> None:
        """Begin as a unigram model; see ``munmaek.nn.embeddings.OutputLayer``."""
        logs = log_frequencies(counts)
        with torch.no_grad():
            self.bias.copy_(logs)
            for number, (begin, end) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
                self.cluster_bias[number] = logs[begin:end].logsumexp(0)

    def _sizes(self) -> list[int]:
        return [end - begin for begin, end in zip(self.edges, self.edges[1:], strict=False)]

    def _head(self, hidden: Tensor, embedding: Tensor) -> Float[Tensor, "*N F"]:
        """Return the log-probabilities of the frequent tokens and then of the clusters."""
        frequent = embedding[: self.edges[0]] if self.weight is None else self.weight
        weight = torch.cat([frequent, self.clusters])
        bias = torch.cat([self.bias[: self.edges[0]], self.cluster_bias])
        return F.linear(hidden, weight, bias).float().log_softmax(-1)

    def _tail(self, number: int, hidden: Tensor, embedding: Tensor) -> Float[Tensor, "*N S"]:
        begin, end = self.edges[number : number + 2]
        bias = self.bias[begin:end]
        if self.weight is None:
            return F.linear(hidden, embedding[begin:end], bias).float().log_softmax(-1)
        scores = cast("Tensor", self.tails[number](hidden))
        return (scores + bias).float().log_softmax(-1)

    def forward(
        self, hidden: Float[Tensor, "*N D"], embedding: Float[Tensor, "V D"]
    ) -> Float[Tensor, "*N V"]:
        """Return the log-probabilities of every token."""
        head = self._head(hidden, embedding)
        first = self.edges[0]
        parts = [head[..., :first]]
        for number in range(len(self.edges) - 1):
            tail = self._tail(number, hidden, embedding)
            parts.append(tail + head[..., first + number, None])
        return torch.cat(parts, -1)

    def log_likelihood(
        self,
        hidden: Float[Tensor, "N D"],
        gold: Int[Tensor, " N"],
        embedding: Float[Tensor, "V D"],
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold); a cluster is computed for its own tokens alone."""
        head, first = self._head(hidden, embedding), self.edges[0]
        column = gold.clone()
        total = head.new_zeros(())
        for number, (begin, end) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            rows = ((gold >= begin) & (gold < end)).nonzero()[:, 0]
            column[rows] = first + number
            if len(rows):
                tail = self._tail(number, hidden[rows], embedding)
                total = total + tail.gather(1, (gold[rows] - begin)[:, None]).sum()
        return total + head.gather(1, column[:, None]).sum()
