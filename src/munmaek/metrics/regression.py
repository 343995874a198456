r"""Scores of predicted numbers beside the true ones.

Pearson   r = Σ (x−x̄)(y−ȳ) / √(Σ (x−x̄)² Σ (y−ȳ)²)
Spearman  ρ = r of the ranks, ties sharing their mean rank
R²        1 − Σ (y−x)² / Σ (y−ȳ)², x the predictions, y the true values
interval  tanh(artanh r ± 1.96 · s),  s = √(1/(n−3)) for Pearson (Fisher 1921),
          s = √((1 + ρ²/2)/(n−3)) for Spearman (Bonett & Wright 2000)
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics.classification import Z95
from munmaek.metrics.measures import RANK_CORRELATION, Measure, mean_measure, ratio
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import Sums, bootstrap_interval

__all__ = [
    "FEWEST",
    "correlation",
    "determination_from_sums",
    "pearson",
    "pearson_from_sums",
    "ranks",
    "regression_measures",
    "regression_scores",
    "root_from_sums",
    "spearman",
    "spearman_measure",
]


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
    """Return Pearson, Spearman, R², and the errors in the values' unit, by name.

    Fewer than ``FEWEST`` values have no correlation and no R², nor have values all the same an R².

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    first, second = _arrays(predicted, gold)
    error = _squared_error(np.square(first - second)[:, None], signature)
    made = regression_measures(first, second)
    errors = {
        name: made[name].score(signature, rng=np.random.default_rng(0))
        for name in ("r2", "mae", "rmse")
        if name in made
    }
    if len(gold) < FEWEST:
        return {error.name: error, **errors}
    scores = (
        pearson(predicted, gold, signature=signature),
        spearman(predicted, gold, signature=signature),
        error,
    )
    return {**{score.name: score for score in scores}, **errors}


def regression_measures(predicted: Floats, gold: Floats) -> dict[str, Measure]:
    """Return what the scores of predicted numbers [N] beside true ones [N] are computed of."""
    errors = predicted - gold

    def mean(name: str, values: Floats, unit: str, score: Callable[[Floats], Floats]) -> Measure:
        return mean_measure(name, values, unit, of="text", score=score, higher_is_better=False)

    found = [
        mean("mse", np.square(errors), "squared value", ratio),
        mean("mae", np.abs(errors), "value", ratio),
        mean("rmse", np.square(errors), "value", root_from_sums),
    ]
    if len(gold) >= FEWEST:
        found += [_pearson_measure(predicted, gold), spearman_measure(predicted, gold, of="text")]
    if len(gold) >= FEWEST and np.ptp(gold) > 0:
        y = gold - gold.mean()
        table = np.stack([np.square(errors), y, y * y, np.ones(len(y))], axis=1)
        found.append(
            Measure("r2", "share", table, Sums(determination_from_sums), (("unit", "text"),))
        )
    return {each.name: each for each in found}


def spearman_measure(predicted: Floats, gold: Floats, *, of: str) -> Measure:
    """Return what Spearman's ρ of numbers [N] beside others [N] is computed of."""
    table = np.stack([predicted, gold], axis=1).astype(np.float64)
    how = (("unit", of),)
    return Measure("spearman", "correlation", table, RANK_CORRELATION, how, fewest=FEWEST)


def _pearson_measure(predicted: Floats, gold: Floats) -> Measure:
    middle = gold.mean()  # of both sides and both systems, so that sums stay small
    x, y = predicted - middle, gold - middle
    table = np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y], axis=1)
    how = (("unit", "text"),)
    return Measure("pearson", "correlation", table, Sums(pearson_from_sums), how, fewest=FEWEST)


def pearson_from_sums(sums: Floats) -> Floats:
    """Return Pearson's r of sums of 1, x, y, x², y², xy: [B, 6] → [B]; 0 of what is constant."""
    count, x, y, xx, yy, xy = sums.T
    size = np.sqrt(np.maximum(count * xx - x * x, 0) * np.maximum(count * yy - y * y, 0))
    return np.divide(count * xy - x * y, size, out=np.zeros(len(sums)), where=size > 0)


def determination_from_sums(sums: Floats) -> Floats:
    """Return R² of sums of squared errors, y, y² and 1: [B, 4] → [B]."""
    squares, y, yy, count = sums.T
    whole = yy - y * y / count
    return 1 - np.divide(squares, whole, out=np.zeros(len(sums)), where=whole > 0)


def root_from_sums(sums: Floats) -> Floats:
    """Return the root of the mean: sums [B, 2] → [B]."""
    return np.sqrt(ratio(sums))


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
