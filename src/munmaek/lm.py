r"""The central abstraction: a language model turns context into a prediction.

    log p(w_1 … w_T) = Σ_t log p(w_t | h_t),   h_1 = start(),   h_{t+1} = advance(h_t, w_t)

The state is the last n−1 tokens, a hidden vector or a key–value cache. Everything here follows from
``start``, ``logprobs`` and ``advance`` alone, so it is written once for every stage. Logarithms are
natural (nats); bits and perplexity exist only at the edges.

Letters: V vocabulary size, T tokens of a sequence, N contexts held at once, S source positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BatchedLanguageModel",
    "LanguageModel",
    "Mixture",
    "fold_score",
    "tune_mixture",
]

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        """The state before the first token of a sentence."""
        ...

    def logprobs(self, state: S) -> Floats:
        """Natural-log probability of every next token: shape [V], exp of it sums to 1."""
        ...

    def advance(self, state: S, token: int) -> S:
        """The state after reading ``token``; ``state`` itself is unchanged."""
        ...

    def score(self, ids: Sequence[int]) -> Floats:
        """Natural-log probability of each of ``ids``: shape [T]; equal to ``fold_score``."""
        ...

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """``score`` of many sequences, in their order, the fast way."""
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
        """The state of all rows before their first token."""
        ...

    def logprobs(self, state: S) -> NDArray[np.float32] | Floats:
        """Natural-log probability of every next token for every row: shape [N, V]."""
        ...

    def advance(self, state: S, tokens: Ints) -> S:
        """The state after row n reads ``tokens[n]``: tokens has shape [N]."""
        ...

    def select(self, state: S, rows: Ints) -> S:
        """The state that holds ``rows`` of this one, in that order, repeats allowed."""
        ...

    def attention(self, state: S) -> NDArray[np.float32] | None:
        """Weights over the source behind ``logprobs(state)``: [N, S], or None without attention."""
        ...


def fold_score(model: LanguageModel[S], ids: Sequence[int]) -> Floats:
    """The slow, obvious twin of ``LanguageModel.score``: fold start, logprobs and advance."""
    state = model.start()
    out = np.empty(len(ids), dtype=np.float64)
    for position, token in enumerate(ids):
        out[position] = model.logprobs(state)[token]
        state = model.advance(state, token)
    return out


@dataclass(frozen=True, slots=True)
class Mixture(Generic[A, B]):
    r"""Linear interpolation of two models over one vocabulary (Jelinek & Mercer 1980).

        p(w | c) = λ p_first(w | c) + (1 − λ) p_second(w | c)

    It is a ``LanguageModel`` itself, so mixtures nest.
    """

    first: LanguageModel[A]
    second: LanguageModel[B]
    weight: float
    """λ, the share of the first model, within 0 and 1."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1.0:
            message = f"mixture weight must be within 0 and 1, got {self.weight}"
            raise ValueError(message)
        if self.first.vocab_size != self.second.vocab_size:
            message = (
                "a mixture needs one vocabulary: "
                f"{self.first.vocab_size} against {self.second.vocab_size} tokens"
            )
            raise ValueError(message)

    @property
    def vocab_size(self) -> int:
        """V, common to both models."""
        return self.first.vocab_size

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        return self.first.eos

    def start(self) -> tuple[A, B]:
        """Both models' start states."""
        return self.first.start(), self.second.start()

    def logprobs(self, state: tuple[A, B]) -> Floats:
        """Natural-log probability of every next token: [V]."""
        return _mix(self.first.logprobs(state[0]), self.second.logprobs(state[1]), self.weight)

    def advance(self, state: tuple[A, B], token: int) -> tuple[A, B]:
        """Both models' next states."""
        return self.first.advance(state[0], token), self.second.advance(state[1], token)

    def score(self, ids: Sequence[int]) -> Floats:
        """Natural-log probability of each of ``ids``: [T]."""
        return _mix(self.first.score(ids), self.second.score(ids), self.weight)

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """``score`` of many sequences, in their order."""
        pairs = zip(
            self.first.score_many(sequences), self.second.score_many(sequences), strict=True
        )
        return [_mix(first, second, self.weight) for first, second in pairs]


def _mix(first: Floats, second: Floats, weight: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.logaddexp(first + np.log(weight), second + np.log1p(-weight))


def tune_mixture(first: Floats, second: Floats, *, steps: int = 50) -> float:
    r"""The λ that makes held-out text likeliest, by expectation–maximisation.

        λ ← mean_t  λ p_1(t) / (λ p_1(t) + (1 − λ) p_2(t))

    Args:
        first: natural-log probabilities that the first model gave to held-out tokens, shape [T].
        second: the same tokens under the second model, shape [T].
        steps: iterations; the likelihood never falls from one to the next (Dempster et al. 1977).
    """
    weight = 0.5
    for _ in range(steps):
        share = np.exp(first + np.log(weight) - _mix(first, second, weight))
        weight = float(np.clip(share.mean(), 1e-6, 1 - 1e-6))
    return weight
