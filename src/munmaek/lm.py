r"""The central abstraction: a language model turns context into a prediction.

    log p(w_1 … w_T) = Σ_t log p(w_t | h_t),   h_1 = start(),   h_{t+1} = advance(h_t, w_t)

The state is the last n−1 tokens, a hidden vector or a key–value cache. Everything here follows from
``start``, ``logprobs`` and ``advance`` alone, so it is written once for every stage. Logarithms are
natural (nats); bits and perplexity exist only at the edges.

Letters: V vocabulary size, T tokens of a sequence, N contexts held at once, S source positions.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s

__all__ = [
    "BatchedLanguageModel",
    "LanguageModel",
    "fold_score",
]

S = TypeVar("S")


class LanguageModel(Protocol[S]):
    """One context at a time: the definition that every fast path is tested against.

    ``start()`` is the state after the beginning of a sentence; a sentence ends by predicting
    ``eos``, so a caller who scores whole sentences puts ``eos`` last in ``ids``.
    """

    @property
    def vocab_size(self) -> int:
        """V, the number of token ids."""
        ...

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        ...

    def start(self) -> S:
        """Return the state before the first token of a sentence."""
        ...

    def logprobs(self, state: S) -> Floats:
        """Return natural-log probabilities of every next token: [V], exp of them sums to 1."""
        ...

    def advance(self, state: S, token: int, /) -> S:
        """Return the state after reading ``token``; ``state`` itself is unchanged."""
        ...

    def score(self, ids: Sequence[int]) -> Floats:
        """Return the natural-log probability of each of ``ids``: [T]; equal to ``fold_score``."""
        ...

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Score many sequences, in their order, the fast way."""
        ...


class BatchedLanguageModel(Protocol[S]):
    """Many contexts at once: what sampling and beam search are written over.

    A state holds N rows. A translator becomes one of these once it is given its source sentences;
    then rows of ``start`` are the sources, in order.
    """

    @property
    def vocab_size(self) -> int:
        """V, the number of token ids."""
        ...

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        ...

    def start(self) -> S:
        """Return the state of all rows before their first token."""
        ...

    def logprobs(self, state: S) -> NDArray[np.float32] | Floats:
        """Return the natural-log probability of every next token for every row: shape [N, V]."""
        ...

    def advance(self, state: S, tokens: Int64s, /) -> S:
        """Return the state after row n reads ``tokens[n]``: tokens has shape [N]."""
        ...

    def select(self, state: S, rows: Int64s) -> S:
        """Return the state that holds ``rows`` of this one, in that order, repeats allowed."""
        ...

    def attention(self, state: S) -> NDArray[np.float32] | None:
        """Return weights over the source behind ``logprobs(state)``: [N, S], or None."""
        ...


def fold_score(model: LanguageModel[S], ids: Sequence[int]) -> Floats:
    """Fold start, logprobs and advance: the slow, obvious twin of ``LanguageModel.score``."""
    state = model.start()
    out = np.empty(len(ids), dtype=np.float64)
    for position, token in enumerate(ids):
        out[position] = model.logprobs(state)[token]
        state = model.advance(state, token)
    return out
