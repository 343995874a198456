r"""Several language models as one: linear and log-linear interpolation.

    linear       p(w | h) = Σ_i λ_i p_i(w | h),                λ_i ≥ 0, Σ_i λ_i = 1
    log-linear   p(w | h) = Π_i p_i(w | h)^{λ_i} / Z(h),       Z(h) = Σ_v Π_i p_i(v | h)^{λ_i}

Both are ``LanguageModel``s themselves, so they nest; the models share one vocabulary and are of any
stage. A linear mixture scores as fast as its models. A log-linear one has to sum over the whole
vocabulary for every token, and so has no fast way: its ``score`` is the fold of the definition.

Classifiers are mixed by the same two formulas, with a label for w and a text for h: there the sum Z
is over a few labels.

Sources: Jelinek & Mercer 1980 (linear); Klakow 1998, "Log-linear interpolation of language models";
Hinton 2002, "Training products of experts by minimizing contrastive divergence" (log-linear);
Dempster, Laird & Rubin 1977 (expectation–maximisation).

Letters: K models, V vocabulary size, T tokens, N texts, C labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.lm import LanguageModel, fold_score

__all__ = [
    "LogLinearMixture",
    "Mixture",
    "Together",
    "check_together",
    "interpolated",
    "multiplied",
    "tune_log_linear",
    "tune_log_linear_labels",
    "tune_mixture",
]

State: TypeAlias = tuple[Any, ...]
Models: TypeAlias = tuple[LanguageModel[Any], ...]


class _Sized(Protocol):
    @property
    def vocab_size(self) -> int: ...


def check_together(models: Sequence[_Sized], weights: Sequence[float], *, what: str) -> None:
    """Check that ``what``, "a mixture" for one, can be made of these.

    Raises:
        ValueError: not a weight for each model, or models of different vocabularies.
    """
    if not models or len(models) != len(weights):
        message = f"{what} needs a weight for each model: {len(models)} against {len(weights)}"
        raise ValueError(message)
    sizes = [model.vocab_size for model in models]
    if len(set(sizes)) > 1:
        message = f"{what} needs one vocabulary: {' against '.join(map(str, sizes))} tokens"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Together:
    """The states of all models side by side; a state is one of each."""

    models: Sequence[Any]
    """``LanguageModel``s, or all of them ``BatchedLanguageModel``s."""
    weights: Sequence[float]
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
        """Return all models' start states."""
        return tuple(model.start() for model in self.models)

    def advance(self, state: State, token: Any) -> State:
        """Return all models' next states."""
        pairs = zip(self.models, state, strict=True)
        return tuple(model.advance(own, token) for model, own in pairs)

    def _rows(self, state: State) -> Floats:
        """Return the natural-log probability of every next token under each model: [K, V]."""
        pairs = zip(self.models, state, strict=True)
        return np.stack([model.logprobs(own) for model, own in pairs])


@dataclass(frozen=True, slots=True)
class Mixture(Together):
    """Linear interpolation: weights are shares, which sum to 1."""

    def __post_init__(self) -> None:
        check_together(self.models, self.weights, what="a mixture")
        if min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-6:
            message = f"mixture weights must be at least 0 and sum to 1, got {self.weights}"
            raise ValueError(message)

    def logprobs(self, state: State) -> Floats:
        """Return the natural-log probability of every next token: [V]."""
        return interpolated(self._rows(state), self.weights)

    def score(self, ids: Sequence[int]) -> Floats:
        """Return the natural-log probability of each of ``ids``: [T]."""
        return interpolated(np.stack([model.score(ids) for model in self.models]), self.weights)

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Score many sequences, in their order."""
        together = zip(*(model.score_many(sequences) for model in self.models), strict=True)
        return [interpolated(np.stack(rows), self.weights) for rows in together]


@dataclass(frozen=True, slots=True)
class LogLinearMixture(Together):
    """Log-linear interpolation: weights are exponents, at least 0, and need not sum to 1."""

    def __post_init__(self) -> None:
        check_together(self.models, self.weights, what="a mixture")
        if min(self.weights) < 0 or not np.isfinite(self.weights).all():
            message = f"log-linear weights must be at least 0 and finite, got {self.weights}"
            raise ValueError(message)

    def logprobs(self, state: State) -> Floats:
        """Return the natural-log probability of every next token: [V]."""
        return multiplied(self._rows(state), self.weights)

    def score(self, ids: Sequence[int]) -> Floats:
        """Return the natural-log probability of each of ``ids`` [T], one sum over V for each."""
        return fold_score(self, ids)

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Score many sequences, in their order."""
        return [self.score(ids) for ids in sequences]


def interpolated(rows: Floats, weights: Sequence[float]) -> Floats:
    """Return the logarithm of Σ λ p from the logarithms of K models: [K, …] → […]."""
    with np.errstate(divide="ignore"):
        shares = np.log(np.array(weights)).reshape(-1, *[1] * (rows.ndim - 1))
    return np.logaddexp.reduce(rows + shares, axis=0)


def multiplied(rows: Floats, weights: Sequence[float]) -> Floats:
    """Return the logarithm of Π p^λ / Z from the logarithms of K models: [K, …, V] → […, V].

    A weight of 0 takes no notice of what its model thinks impossible.
    """
    total = np.zeros(rows.shape[1:])
    for row, weight in zip(rows, weights, strict=True):
        if weight:
            total += weight * row
    return total - np.logaddexp.reduce(total, axis=-1, keepdims=True)


def tune_mixture(logprobs: Sequence[Floats], *, steps: int = 200) -> tuple[float, ...]:
    r"""Tune linear weights to make held-out text likeliest, by expectation–maximisation.

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
            shares = np.exp(rows + np.log(weights)[:, None] - interpolated(rows, weights.tolist()))
        renewed = shares.mean(axis=1)
        if np.abs(renewed - weights).max() < 1e-9:
            break
        weights = renewed
    return tuple(float(weight) for weight in weights / weights.sum())


def tune_log_linear(
    models: Models, sequences: Sequence[Sequence[int]], *, steps: int = 12
) -> tuple[float, ...]:
    r"""Tune exponents to make held-out text likeliest, by Newton's method.

        ∂L/∂λ_i = Σ_t log p_i(t) − E[log p_i],     ∂²L/∂λ_i∂λ_j = −Σ_t Cov[log p_i, log p_j]

    The log-likelihood is concave in λ; every step goes over the text once with whole
    distributions, so a few thousand tokens are plenty. A step that does not raise the likelihood
    is halved; exponents stay at 0 where they would fall below.

    Args:
        models: over one vocabulary.
        sequences: held-out sentences, eos last.
        steps: times to go over the text at most.
    """
    return _highest(lambda weights: _slopes(models, weights, sequences), len(models), steps)


def tune_log_linear_labels(
    logprobs: Floats, gold: Int64s, *, steps: int = 100
) -> tuple[float, ...]:
    """Tune as ``tune_log_linear``, of classifiers, whose distributions are at hand.

    Args:
        logprobs: finite natural-log probability of each label under each: [K, N, C].
        gold: index of each text's label [N].
        steps: at most.
    """
    right = logprobs[:, np.arange(len(gold)), gold]

    def slopes(weights: Floats) -> _Slopes:
        mixed = multiplied(logprobs, weights.tolist())
        share = np.exp(mixed)
        mean = (logprobs * share).sum(2)
        curvature = np.einsum("inc,jnc->ij", logprobs * share, logprobs) - mean @ mean.T
        likelihood = float(mixed[np.arange(len(gold)), gold].sum())
        return _Slopes(likelihood, (right - mean).sum(1), curvature)

    return _highest(slopes, len(logprobs), steps)


@dataclass(frozen=True, slots=True, eq=False)
class _Slopes:
    """The log-likelihood at some weights, its gradient [K] and minus its Hessian [K, K]."""

    likelihood: float
    gradient: Floats
    curvature: Floats


def _highest(slopes: Callable[[Floats], _Slopes], models: int, steps: int) -> tuple[float, ...]:
    """Return where the likelihood is highest among exponents of at least 0, by Newton's method."""
    weights = np.full(models, 1 / models)
    here = slopes(weights)
    step = _newton(weights, here)
    for _ in range(steps):
        renewed = np.maximum(weights + step, 0.0)
        there = slopes(renewed)
        if there.likelihood < here.likelihood:
            step = step / 2
            continue
        moved = np.abs(renewed - weights).max()
        weights, here = renewed, there
        if moved < 1e-4:
            break
        step = _newton(weights, here)
    return tuple(float(weight) for weight in weights)


def _newton(weights: Floats, at: _Slopes) -> Floats:
    """Return the step to the top of the parabola; exponents at 0 that would fall stay there."""
    free = np.flatnonzero((weights > 0) | (at.gradient > 0))
    step = np.zeros(len(weights))
    # A hair of ridge, for models that are one and the same.
    curvature = at.curvature[np.ix_(free, free)] + 1e-9 * np.eye(len(free))
    step[free] = np.linalg.solve(curvature, at.gradient[free])
    return step


def _slopes(models: Models, weights: Floats, sequences: Sequence[Sequence[int]]) -> _Slopes:
    likelihood, gradient = 0.0, np.zeros(len(models))
    curvature = np.zeros((len(models), len(models)))
    for ids in sequences:
        state = tuple(model.start() for model in models)
        for token in ids:
            rows = np.stack([m.logprobs(own) for m, own in zip(models, state, strict=True)])
            possible = np.logical_and.reduce(np.isfinite(rows), axis=0)
            if possible[token]:
                kept = rows[:, possible]
                raised = weights @ kept
                total = np.logaddexp.reduce(raised)
                share = np.exp(raised - total)
                mean = kept @ share
                likelihood += float(weights @ rows[:, token] - total)
                gradient += rows[:, token] - mean
                curvature += (kept * share) @ kept.T - np.outer(mean, mean)
            pairs = zip(models, state, strict=True)
            state = tuple(model.advance(own, token) for model, own in pairs)
    return _Slopes(likelihood, gradient, curvature)
