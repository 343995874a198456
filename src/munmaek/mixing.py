r"""Several language models as one: linear and log-linear interpolation.

    linear       p(w | h) = Σ_i λ_i p_i(w | h),                λ_i ≥ 0, Σ_i λ_i = 1
    log-linear   p(w | h) = Π_i p_i(w | h)^{λ_i} / Z(h),       Z(h) = Σ_v Π_i p_i(v | h)^{λ_i}

Both are ``LanguageModel``s themselves, so they nest; the models share one vocabulary and are of any
stage. A linear mixture scores as fast as its models. A log-linear one has to sum over the whole
vocabulary for every token, and so has no fast way: its ``score`` is the fold of the definition.

Sources: Jelinek & Mercer 1980 (linear); Klakow 1998, "Log-linear interpolation of language models";
Dempster, Laird & Rubin 1977 (expectation–maximisation).

Letters: K models, V vocabulary size, T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.lm import LanguageModel, fold_score

__all__ = ["LogLinearMixture", "Mixture", "tune_log_linear", "tune_mixture"]

Floats = NDArray[np.float64]
State: TypeAlias = tuple[Any, ...]
Models: TypeAlias = tuple[LanguageModel[Any], ...]


def _check(models: Models, weights: Sequence[float]) -> None:
    if not models or len(models) != len(weights):
        message = f"a mixture needs a weight for each model: {len(models)} against {len(weights)}"
        raise ValueError(message)
    sizes = [model.vocab_size for model in models]
    if len(set(sizes)) > 1:
        message = f"a mixture needs one vocabulary: {' against '.join(map(str, sizes))} tokens"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class _Together:
    """The states of all models side by side."""

    models: Models
    weights: tuple[float, ...]
    """λ, one for each model."""

    @property
    def vocab_size(self) -> int:
        """V, common to all models."""
        return self.models[0].vocab_size

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        return self.models[0].eos

    def start(self) -> State:
        """All models' start states."""
        return tuple(model.start() for model in self.models)

    def advance(self, state: State, token: int) -> State:
        """All models' next states."""
        pairs = zip(self.models, state, strict=True)
        return tuple(model.advance(own, token) for model, own in pairs)

    def _rows(self, state: State) -> Floats:
        """Natural-log probability of every next token under each model: [K, V]."""
        pairs = zip(self.models, state, strict=True)
        return np.stack([model.logprobs(own) for model, own in pairs])


@dataclass(frozen=True, slots=True)
class Mixture(_Together):
    """Linear interpolation: weights are shares, which sum to 1."""

    def __post_init__(self) -> None:
        _check(self.models, self.weights)
        if min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-6:
            message = f"mixture weights must be at least 0 and sum to 1, got {self.weights}"
            raise ValueError(message)

    def logprobs(self, state: State) -> Floats:
        """Natural-log probability of every next token: [V]."""
        return _mixed(self._rows(state), self.weights)

    def score(self, ids: Sequence[int]) -> Floats:
        """Natural-log probability of each of ``ids``: [T]."""
        return _mixed(np.stack([model.score(ids) for model in self.models]), self.weights)

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """``score`` of many sequences, in their order."""
        together = zip(*(model.score_many(sequences) for model in self.models), strict=True)
        return [_mixed(np.stack(rows), self.weights) for rows in together]


@dataclass(frozen=True, slots=True)
class LogLinearMixture(_Together):
    """Log-linear interpolation: weights are exponents, at least 0, and need not sum to 1."""

    def __post_init__(self) -> None:
        _check(self.models, self.weights)
        if min(self.weights) < 0 or not np.isfinite(self.weights).all():
            message = f"log-linear weights must be at least 0 and finite, got {self.weights}"
            raise ValueError(message)

    def logprobs(self, state: State) -> Floats:
        """Natural-log probability of every next token: [V]."""
        raised = _raised(self._rows(state), self.weights)
        return raised - np.logaddexp.reduce(raised)

    def score(self, ids: Sequence[int]) -> Floats:
        """Natural-log probability of each of ``ids`` [T], one sum over V for each."""
        return fold_score(self, ids)

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """``score`` of many sequences, in their order."""
        return [self.score(ids) for ids in sequences]


def _mixed(rows: Floats, weights: Sequence[float]) -> Floats:
    """The logarithm of Σ λ p from logarithms [K, …]."""
    with np.errstate(divide="ignore"):
        shares = np.log(np.array(weights)).reshape(-1, *[1] * (rows.ndim - 1))
    return np.logaddexp.reduce(rows + shares, axis=0)


def _raised(rows: Floats, weights: Sequence[float]) -> Floats:
    """Σ λ log p of logarithms [K, V]; a weight of 0 takes no notice of an impossible word."""
    total = np.zeros(rows.shape[1:])
    for row, weight in zip(rows, weights, strict=True):
        if weight:
            total += weight * row
    return total


def tune_mixture(logprobs: Sequence[Floats], *, steps: int = 200) -> tuple[float, ...]:
    r"""The linear weights that make held-out text likeliest, by expectation–maximisation.

        λ_i ← mean_t  λ_i p_i(t) / Σ_j λ_j p_j(t)

    Tokens that no model thinks possible say nothing and are passed over.

    Args:
        logprobs: natural-log probabilities of the held-out tokens under each model: K of [T].
        steps: iterations; the likelihood never falls from one to the next.

    Raises:
        ValueError: no tokens that any model thinks possible.
    """
    rows = np.stack(list(logprobs))
    rows = rows[:, np.isfinite(rows).any(axis=0)]
    if not rows.shape[1]:
        raise ValueError("no held-out token is possible under any of the models")
    weights = np.full(len(rows), 1 / len(rows))
    for _ in range(steps):
        with np.errstate(divide="ignore"):
            shares = np.exp(rows + np.log(weights)[:, None] - _mixed(rows, weights.tolist()))
        renewed = shares.mean(axis=1)
        if np.abs(renewed - weights).max() < 1e-9:
            break
        weights = renewed
    return tuple(float(weight) for weight in weights / weights.sum())


def tune_log_linear(
    models: Models, sequences: Sequence[Sequence[int]], *, steps: int = 8
) -> tuple[float, ...]:
    r"""The exponents that make held-out text likeliest, by Newton's method.

        ∂L/∂λ_i = Σ_t log p_i(t) − E[log p_i],     ∂²L/∂λ_i∂λ_j = −Σ_t Cov[log p_i, log p_j]

    The log-likelihood is concave in λ; every step goes over the text once with whole
    distributions, so a few thousand tokens are plenty. Exponents below 0 are held at 0.

    Args:
        models: over one vocabulary.
        sequences: held-out sentences, eos last.
        steps: iterations.
    """
    weights = np.full(len(models), 1 / len(models))
    for _ in range(steps):
        slope, curve = np.zeros(len(models)), np.full((len(models), len(models)), 0.0)
        mixture = LogLinearMixture(models, tuple(float(weight) for weight in weights))
        for ids in sequences:
            _add_slopes(mixture, ids, slope, curve)
        # A hair of ridge, for models that are one and the same.
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(models)), slope)
        renewed = np.maximum(weights + np.clip(step, -0.5, 0.5), 0.0)
        if np.abs(renewed - weights).max() < 1e-6:
            break
        weights = renewed
    return tuple(float(weight) for weight in weights)


def _add_slopes(
    mixture: LogLinearMixture, ids: Sequence[int], slope: Floats, curve: Floats
) -> None:
    state = mixture.start()
    for token in ids:
        rows = np.stack([m.logprobs(own) for m, own in zip(mixture.models, state, strict=True)])
        possible = np.logical_and.reduce(np.isfinite(rows), axis=0)
        if possible[token]:
            kept = rows[:, possible]
            raised = _raised(kept, mixture.weights)
            share = np.exp(raised - np.logaddexp.reduce(raised))
            mean = kept @ share
            slope += rows[:, token] - mean
            curve += (kept * share) @ kept.T - np.outer(mean, mean)
        state = mixture.advance(state, token)
