r"""Scores of predicted numbers beside the true ones.

Pearson   r = Σ (x−x̄)(y−ȳ) / √(Σ (x−x̄)² Σ (y−ȳ)²)
Spearman  ρ = r of the ranks, ties sharing their mean rank
interval  tanh(artanh r ± 1.96 · s),  s = √(1/(n−3)) for Pearson (Fisher 1921),
          s = √((1 + ρ²/2)/(n−3)) for Spearman (Bonett & Wright 2000)
"""

import math
from collections.abc import Sequence

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics.classification import Z95
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import bootstrap_interval

__all__ = ["FEWEST", "correlation", "pearson", "ranks", "regression_scores", "spearman"]


def correlation(first: Floats, second: Floats) -> float:
    """Return Pearson's r; 0 where one side does not vary."""
    x, y = first - first.mean(), second - second.mean()
    size = math.sqrt(float(x @ x) * float(y @ y))
    return min(1.0, max(-1.0, float(x @ y) / size)) if size > 0 else 0.0


def ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    return ((2 * ends - counts + 1) / 2)[place]


def _arrays(predicted: Sequence[float], gold: Sequence[float]) -> tuple[Floats, Floats]:
    if len(predicted) != len(gold) or not len(gold):
        message = f"need a prediction for every value, got {len(predicted)} for {len(gold)}"
        raise ValueError(message)
    return np.asarray(predicted, dtype=np.float64), np.asarray(gold, dtype=np.float64)


def pearson(predicted: Sequence[float], gold: Sequence[float], *, signature: Signature) -> Score:
    """Return Pearson's r with Fisher's interval.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    value = correlation(*_arrays(predicted, gold))
    return _score("pearson", value, len(gold), 1.0, signature)


def spearman(predicted: Sequence[float], gold: Sequence[float], *, signature: Signature) -> Score:
    """Return Spearman's ρ with Bonett and Wright's interval.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    first, second = _arrays(predicted, gold)
    value = correlation(ranks(first), ranks(second))
    return _score("spearman", value, len(gold), 1 + value * value / 2, signature)


def _score(name: str, value: float, count: int, spread: float, signature: Signature) -> Score:
    score = Score(name, value, "correlation", signature.extended(("unit", "text")))
    if count <= 3:
        return score
    if abs(value) == 1.0:
        return score.within(value, value)
    half = Z95 * math.sqrt(spread / (count - 3))
    middle = math.atanh(value)
    return score.within(math.tanh(middle - half), math.tanh(middle + half))


FEWEST = 4
"""Values below which a correlation is not given: that of two is always 1, and Fisher's interval
begins with four."""


def regression_scores(
    predicted: Sequence[float], gold: Sequence[float], *, signature: Signature
) -> dict[str, Score]:
    """Return Pearson, Spearman and the mean squared error in the values' own unit, by name.

    Fewer than ``FEWEST`` values have no correlation.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    first, second = _arrays(predicted, gold)
    error = _squared_error(np.square(first - second)[:, None], signature)
    if len(gold) < FEWEST:
        return {error.name: error}
    scores = (
        pearson(predicted, gold, signature=signature),
        spearman(predicted, gold, signature=signature),
        error,
    )
    return {score.name: score for score in scores}


def _squared_error(squares: Floats, signature: Signature) -> Score:
    signed = signature.extended(("unit", "text"))
    error = Score("mse", float(squares.mean()), "squared value", signed)
    if len(squares) < 2:
        return error
    interval = bootstrap_interval(
        np.concatenate([squares, np.ones_like(squares)], axis=1),
        lambda sums: sums[:, 0] / sums[:, 1],
        rng=np.random.default_rng(0),
    )
    return error.within(*interval)
