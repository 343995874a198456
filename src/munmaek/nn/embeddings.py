r"""Tokens and positions as vectors, and the way back to token scores.

    x_t = √D · E[w_t] + PE(t)                                   Vaswani et al. 2017, §3.4 and §3.5
    PE(t, 2i)   = sin(t / 10000^(2i/D))
    PE(t, 2i+1) = cos(t / 10000^(2i/D))

Letters: V vocabulary size, D width, T positions. E is drawn from N(0, 1/D), so that √D·E has unit
variance and E, tied, gives scores of unit variance to a normalised hidden vector.
"""

import math
from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.errors import ConfigError, InputError
from munmaek.nn.softmax import log_likelihood, sampled_log_likelihood
from munmaek.nn.tape import Tape, note
from munmaek.nn.tracing import is_traced

__all__ = [
    "BeginsFromCounts",
    "LearnedPositions",
    "OutputLayer",
    "SinusoidalPositions",
    "TokenEmbedding",
    "TokenPredictor",
    "embedded_lines",
    "log_frequencies",
    "sinusoids",
    "target_embedding",
]


_UNSCALED = 0.1
"""Standard deviation of what is read as it is."""


class TokenEmbedding(nn.Module):
    """√D · E[ids], or E[ids] without ``scaled``; D is ``dimension`` and E is ``weight`` [V D]."""

    def __init__(self, vocab_size: int, dimension: int, *, scaled: bool = True) -> None:
        super().__init__()
        self.scale = math.sqrt(dimension) if scaled else 1.0
        self.table = nn.Embedding(vocab_size, dimension)
        nn.init.normal_(self.table.weight, std=1 / self.scale if scaled else _UNSCALED)

    @property
    def weight(self) -> Tensor:
        """E, for scores that are tied to it."""
        return self.table.weight

    def forward(self, ids: Int[Tensor, "*N"], *, tape: Tape | None = None) -> Float[Tensor, "*N D"]:
        """Return the vectors of ``ids``; a tape gets them as ``embedding``."""
        vectors = self.table(ids) * self.scale
        if tape is not None:
            tape.record("embedding", vectors)
        return vectors


def embedded_lines(
    tape: Tape | None,
    tokens: Float[Tensor, "B T D"],
    places: Tensor,
    x: Float[Tensor, "B T D"],
) -> None:
    """Write the derivation of what a stack reads: tokens and their places (broadcast), summed."""
    note(tape, "token", "E(w_t)", "", tokens, each="row")
    note(tape, "position", "PE(t)", "", places.expand_as(tokens), each="row")
    note(tape, "input", "x_t", "E(w_t) + PE(t)", x, each="row")


def target_embedding(
    source: TokenEmbedding, vocab_size: int, dimension: int, *, shared: bool
) -> TokenEmbedding:
    """Return a translator's embedding of target tokens: its own, or with ``shared`` the source's.

    Raises:
        ConfigError: ``shared``, and the two sides have different vocabularies.
    """
    if not shared:
        return TokenEmbedding(vocab_size, dimension)
    if source.table.num_embeddings != vocab_size:
        message = (
            f"share_embeddings needs one vocabulary for both sides, got {vocab_size} target tokens "
            f"and {source.table.num_embeddings} of the source; train with joint_vocabulary"
        )
        raise ConfigError(message)
    return source


def log_frequencies(counts: Int[Tensor, " V"]) -> Float[Tensor, " V"]:
    """Return the logarithm of each token's share, counted once more than it was."""
    return (counts + 1).double().div(counts.sum() + len(counts)).log().float()


@runtime_checkable
class BeginsFromCounts(Protocol):
    """An output layer that can begin as a unigram model."""

    def begin_with(self, counts: Int[Tensor, " V"]) -> None:
        """Set the biases from how often each token is to be predicted."""
        ...


class OutputLayer(nn.Module):
    """Scores of every token, h Wᵀ + b; W is the embedding's weight when ``tied``.

    A tied layer holds no weight of its own, so that a saved model holds each tensor once.
    """

    weight: nn.Parameter | None

    def __init__(self, dimension: int, vocab_size: int, *, tied: bool) -> None:
        super().__init__()
        own = None if tied else torch.randn(vocab_size, dimension) / math.sqrt(dimension)
        self.weight = None if own is None else nn.Parameter(own)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def begin_with(self, counts: Int[Tensor, " V"]) -> None:
        """Begin as a unigram model, with the log-frequencies of tokens for a bias.

        Else the first epochs are spent on learning how frequent each token is.

        Args:
            counts: how often each token is to be predicted; each is taken to be one more.
        """
        with torch.no_grad():
            self.bias.copy_(log_frequencies(counts))

    def forward(
        self, hidden: Float[Tensor, "*N D"], embedding: Float[Tensor, "V _"]
    ) -> Float[Tensor, "*N V"]:
        """Return scores before softmax; ``embedding`` [V D] is used when the weights are tied."""
        weight = embedding if self.weight is None else self.weight
        return F.linear(hidden, weight, self.bias)

    def log_likelihood(
        self,
        hidden: Float[Tensor, "N D"],
        gold: Int[Tensor, " N"],
        embedding: Float[Tensor, "V _"],
        *,
        smoothing: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold) in nats over the rows, without holding every token's score.

        With ``smoothing`` above 0, the negative of the label-smoothed cross-entropy.
        """
        weight = embedding if self.weight is None else self.weight
        return log_likelihood(hidden, weight, self.bias, gold, smoothing=smoothing)

    def sampled_log_likelihood(
        self,
        hidden: Float[Tensor, "N D"],
        gold: Int[Tensor, " N"],
        embedding: Float[Tensor, "V D"],
        *,
        tokens: int,
        order: Int[Tensor, " V"] | None = None,
    ) -> Float[Tensor, ""]:
        """Estimate from the ``tokens`` / 2 most frequent tokens and as many random others.

        ``order`` as in ``munmaek.nn.softmax.sampled_log_likelihood``.
        """
        weight = embedding if self.weight is None else self.weight
        kept = tokens // 2
        return sampled_log_likelihood(
            hidden, weight, self.bias, gold, kept=kept, sampled=tokens - kept, order=order
        )


class TokenPredictor(nn.Module, ABC):
    """Base of networks whose hidden vectors predict tokens through an output layer."""

    output: OutputLayer

    @property
    @abstractmethod
    def tied_weight(self) -> Tensor:
        """The embedding's weight [V D], which scores where the output layer is tied."""

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Return the scores of the next token, before softmax."""
        return self.output(hidden, self.tied_weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"], *, smoothing: float = 0.0
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold) in nats, label-smoothed; see ``OutputLayer.log_likelihood``."""
        return self.output.log_likelihood(hidden, gold, self.tied_weight, smoothing=smoothing)


def sinusoids(start: int, length: int, dimension: int) -> Float[Tensor, "T D"]:
    """Return PE of the positions ``start`` to ``start + length - 1``, computed in float64."""
    position = torch.arange(start, start + length, dtype=torch.float64)[:, None]
    exponent = torch.arange(0, dimension, 2, dtype=torch.float64) / dimension
    angle = position * 10000.0**-exponent
    pairs = torch.stack([angle.sin(), angle.cos()], 2).flatten(1)
    return pairs[:, :dimension].to(torch.float32)


class SinusoidalPositions(nn.Module):
    """PE for positions of any number; those below ``ready`` are kept in a table."""

    table: Tensor

    def __init__(self, dimension: int, *, ready: int = 512) -> None:
        super().__init__()
        self.dimension = dimension
        self.register_buffer("table", sinusoids(0, ready, dimension), persistent=False)

    def forward(self, start: int, length: int) -> Float[Tensor, "T D"]:
        """Return the vectors of ``length`` positions from ``start`` on."""
        if not is_traced() and start + length <= self.table.shape[0]:
            return self.table[start : start + length]
        return sinusoids(start, length, self.dimension).to(self.table)


class LearnedPositions(nn.Module):
    """A learned vector for each of ``capacity`` positions (Devlin et al. 2019, §3)."""

    def __init__(self, capacity: int, dimension: int) -> None:
        super().__init__()
        self.table = nn.Embedding(capacity, dimension)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, start: int, length: int) -> Float[Tensor, "T D"]:
        """Return the vectors of ``length`` positions from ``start`` on.

        Raises:
            InputError: a position beyond the capacity.
        """
        capacity, wanted = self.table.num_embeddings, start + length
        if wanted > capacity:
            message = (
                f"a text of {wanted} tokens is longer than the model's {capacity} positions: "
                "cut the text, or train with more positions"
            )
            raise InputError(message)
        return self.table.weight[start:wanted]
