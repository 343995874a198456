r"""Several models that decode together, whatever their architectures.

    mean of probabilities       p(v | h) = Σ_i λ_i p_i(v | h)
    mean of log-probabilities   log p(v | h) = Σ_i λ_i log p_i(v | h) − log Z(h)
    shallow fusion              score(v | h) = log p(v | h) + λ log q(v | h)

The first two are distributions; shallow fusion (Gulcehre et al. 2015, §4.1) is not, and the sums
that hypotheses carry under it are no log-probabilities. Each is a ``BatchedLanguageModel`` itself,
so they nest: the single-context twins are in ``munmaek.mixing``.

Letters: K models, N rows, V vocabulary size, S source positions.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.decode.hypothesis import Floats
from munmaek.decode.ranking import row_count
from munmaek.lm import BatchedLanguageModel
from munmaek.mixing import State, Together, check_together

__all__ = ["GeometricEnsemble", "MeanEnsemble", "ShallowFusion"]

Model: TypeAlias = BatchedLanguageModel[Any]


@dataclass(frozen=True, slots=True)
class _Ensemble(Together):
    """The rows of all models side by side; weights are shares that sum to 1."""

    def __post_init__(self) -> None:
        check_together(self.models, self.weights, what="an ensemble")
        if not (min(self.weights) > 0 and abs(sum(self.weights) - 1) < 1e-6):
            message = f"weights must be above 0 and sum to 1, got {list(self.weights)}"
            raise ValueError(message)

    def select(self, state: State, rows: Int64s) -> State:
        """Return all models' states of those rows."""
        pairs = zip(self.models, state, strict=True)
        return tuple(model.select(own, rows) for model, own in pairs)

    def row_count(self, state: State) -> int:
        """Return N, the same for all models."""
        return row_count(self.models[0], state[0])

    def attention(self, state: State) -> NDArray[np.float32] | None:
        """Return the weighted mean of those that have attention: [N, S], or None."""
        total: NDArray[np.float32] | None = None
        mass = 0.0
        for model, own, weight in zip(self.models, state, self.weights, strict=True):
            weights = model.attention(own)
            if weights is not None:
                part = weights * np.float32(weight)
                total, mass = part if total is None else total + part, mass + weight
        return None if total is None else total / np.float32(mass)


@dataclass(frozen=True, slots=True)
class MeanEnsemble(_Ensemble):
    """The mean of probabilities: what any of the models thinks likely stays likely."""

    def logprobs(self, state: State) -> Floats:
        """Return the natural-log probability of every next token for every row: [N, V]."""
        rows = [model.logprobs(own) for model, own in zip(self.models, state, strict=True)]
        highest = np.maximum.reduce(rows)
        highest[np.isneginf(highest)] = 0.0
        total = np.zeros_like(highest)
        for row, weight in zip(rows, self.weights, strict=True):
            total += weight * np.exp(row - highest)
        with np.errstate(divide="ignore"):
            return np.log(total) + highest


@dataclass(frozen=True, slots=True)
class GeometricEnsemble(_Ensemble):
    """The mean of log-probabilities, normalised: what one model thinks impossible is so for all."""

    def logprobs(self, state: State) -> Floats:
        """Return the natural-log probability of every next token for every row: [N, V]."""
        pairs = zip(self.models, state, self.weights, strict=True)
        total = sum(weight * model.logprobs(own) for model, own, weight in pairs)
        raised = np.asarray(total)
        highest = raised.max(axis=1, keepdims=True)
        return raised - highest - np.log(np.exp(raised - highest).sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class ShallowFusion:
    """A model of translation and, beside it, one of its target language."""

    model: Model
    language_model: Model
    """A language model of as many rows as ``model``, over the same vocabulary."""
    weight: float
    """λ, above 0."""

    def __post_init__(self) -> None:
        if not self.weight > 0:
            message = f"the language model's weight must be above 0, got {self.weight}"
            raise ValueError(message)
        sizes = (self.model.vocab_size, self.language_model.vocab_size)
        if sizes[0] != sizes[1]:
            message = f"the language model must share the vocabulary of {sizes[0]}, got {sizes[1]}"
            raise ValueError(message)

    @property
    def vocab_size(self) -> int:
        """V of both."""
        return self.model.vocab_size

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        return self.model.eos

    def start(self) -> State:
        """Return both start states."""
        return self.model.start(), self.language_model.start()

    def logprobs(self, state: State) -> Floats:
        """Return the scores of every next token for every row, not normalised: [N, V]."""
        spoken = self.language_model.logprobs(state[1])
        return self.model.logprobs(state[0]) + self.weight * spoken

    def advance(self, state: State, tokens: Int64s) -> State:
        """Return both next states."""
        return self.model.advance(state[0], tokens), self.language_model.advance(state[1], tokens)

    def select(self, state: State, rows: Int64s) -> State:
        """Return both states of those rows."""
        return self.model.select(state[0], rows), self.language_model.select(state[1], rows)

    def row_count(self, state: State) -> int:
        """Return N, the same for both."""
        return row_count(self.model, state[0])

    def attention(self, state: State) -> NDArray[np.float32] | None:
        """Return the translation model's."""
        return self.model.attention(state[0])
