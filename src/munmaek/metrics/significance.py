"""Bootstrap over sentences, from sums alone.

A corpus score is a function f of sums of per-sentence statistics x_i. A resample draws N sentences
with replacement; only how often each was drawn, c_i, matters:

    f(Σ_i c_i x_i),   c ~ Multinomial(N, 1/N)

so B resamples of K statistics are one matrix product [B, N] · [N, K]. What is no function of sums,
as a rank correlation is none, is computed of each resample. Approximate randomisation
asks instead how often chance alone, swapping the systems sentence by sentence, makes them differ so
much. McNemar's test asks it exactly of right and wrong, by the rows that only one system has right.
Sources: Efron & Tibshirani 1993, §13 (percentile interval); Koehn 2004,
§3 (bootstrap for BLEU), §4 (paired); Noreen 1989; Riezler & Maxwell 2005, §4 (randomisation);
McNemar 1947; Holm 1979.

Letters: N sentences, K statistics of a sentence, B resamples.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats
from munmaek.progress import followed

__all__ = [
    "Comparison",
    "Sums",
    "Way",
    "approximate_randomisation",
    "bootstrap_counts",
    "bootstrap_interval",
    "bootstrap_sums",
    "holm",
    "mcnemar",
    "paired_bootstrap",
    "percentile_interval",
]


RESAMPLES = 1000
_CHUNK_CELLS = 4_000_000  # counts held at once: 32 MB


@runtime_checkable
class Way(Protocol):
    """The way from the numbers of each row to one score."""

    def weighted(self, table: Floats, counts: Floats) -> Floats:
        """Return the scores [B] of rows [N, K], each counted so often: [B, N]."""
        ...

    def exchanged(self, first: Floats, second: Floats, swapped: Floats) -> tuple[Floats, Floats]:
        """Return the scores [B] of two systems whose rows change sides where it is 1: [B, N]."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Sums:
    """A score that is a function of the sums of each row's statistics."""

    score: Callable[[Floats], Floats]
    """Sums [B, K] → scores [B]."""

    def weighted(self, table: Floats, counts: Floats) -> Floats:
        """Return the score of the weighted sums: [B]."""
        return self.score(counts @ table)

    def exchanged(self, first: Floats, second: Floats, swapped: Floats) -> tuple[Floats, Floats]:
        """Return the scores of what both have after the exchange: [B] each."""
        kept = first.sum(0) + swapped @ (second - first)
        return self.score(kept), self.score(first.sum(0) + second.sum(0) - kept)


Score = Callable[[Floats], Floats] | Way


def _way(score: Score) -> Way:
    return score if isinstance(score, Way) else Sums(score)


def bootstrap_counts(
    size: int, *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Iterator[Floats]:
    """Yield how often each of ``size`` rows is drawn in each resample, some of them at a time.

    Of all that is resampled with one state of ``rng``, the draws are the same.
    """
    rows = max(1, min(resamples, _CHUNK_CELLS // max(1, size)))
    for first in followed(range(0, resamples, rows), "resamples"):
        counts = np.empty((min(first + rows, resamples) - first, size))
        for row in range(len(counts)):
            counts[row] = np.bincount(rng.integers(0, size, size), minlength=size)
        yield counts


def bootstrap_sums(
    statistics: NDArray[np.generic], *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Floats:
    """Return the sums of resampled sentences: statistics [N, K] → [B, K]."""
    values = np.ascontiguousarray(statistics, dtype=np.float64)
    size = len(values)
    if size == 0:
        return np.zeros((resamples, values.shape[1]))
    drawn = bootstrap_counts(size, rng=rng, resamples=resamples)
    return np.concatenate([counts @ values for counts in drawn])


def bootstrap_interval(
    statistics: NDArray[np.generic],
    score: Score,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a score of rows [N, K].

    Args:
        statistics: of each row, [N, K].
        score: sums [B, K] → scores [B], or another way from rows to scores.
        rng: draws the resamples.
        resamples: B.
    """
    table, way = np.ascontiguousarray(statistics, dtype=np.float64), _way(score)
    point = float(way.weighted(table, np.ones((1, len(table))))[0])
    drawn = bootstrap_counts(len(table), rng=rng, resamples=resamples)
    return percentile_interval(
        np.concatenate([way.weighted(table, counts) for counts in drawn]), point
    )


def percentile_interval(scores: Floats, point: float) -> tuple[float, float]:
    """Return the middle 95 % of resampled ``scores`` [B], stretched to ``point``.

    That is the score of the sentences themselves; the interval of a biased statistic may miss it.
    """
    low, high = np.quantile(scores, (0.025, 0.975))
    return min(float(low), point), max(float(high), point)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same sentences."""

    difference: float
    """Score of the first minus score of the second."""
    low: float
    high: float
    """95 % interval of the difference."""
    p_value: float
    """Share of resamples, centred on no difference, that differ at least as much; two-sided."""


def paired_bootstrap(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    score: Score,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Test whether two systems differ on the same sentences (Koehn 2004, §4).

    Args:
        first: per-sentence statistics of one system, [N, K].
        second: the same sentences of the other, [N, K].
        score: sums [B, K] → scores [B], for either system, or another way from rows to scores.
        rng: draws the resamples, the same for both systems.
        resamples: B.

    Raises:
        ValueError: the systems scored different numbers of sentences.
    """
    _check_paired(first, second)
    one, other = (np.ascontiguousarray(each, dtype=np.float64) for each in (first, second))
    way = _way(score)

    def difference(counts: Floats) -> Floats:
        return way.weighted(one, counts) - way.weighted(other, counts)

    point = float(difference(np.ones((1, len(one))))[0])
    drawn = bootstrap_counts(len(one), rng=rng, resamples=resamples)
    sampled = np.concatenate([difference(counts) for counts in drawn])
    # One is added above and below: the observed difference is itself one of the outcomes.
    extreme = np.count_nonzero(np.abs(sampled - sampled.mean()) >= abs(point))
    p_value = (1 + float(extreme)) / (1 + resamples)
    return Comparison(point, *percentile_interval(sampled, point), p_value)


def approximate_randomisation(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    score: Score,
    *,
    rng: np.random.Generator,
    trials: int = RESAMPLES,
) -> float:
    """Return the chance that equal systems differ at least as much as these two; two-sided.

    Args:
        first: per-sentence statistics of one system, [N, K].
        second: the same sentences of the other, [N, K].
        score: sums [B, K] → scores [B], for either system, or another way from rows to scores.
        rng: says in each trial which sentences change sides.
        trials: B.

    Raises:
        ValueError: the systems scored different numbers of sentences.
    """
    _check_paired(first, second)
    one, other = (np.asarray(each, dtype=np.float64) for each in (first, second))
    way = _way(score)
    rows = max(1, min(trials, _CHUNK_CELLS // max(1, len(one))))

    def difference(swapped: Floats) -> Floats:
        kept, given = way.exchanged(one, other, swapped)
        return np.abs(kept - given)

    observed = float(difference(np.zeros((1, len(one))))[0])
    extreme = 0
    for done in followed(range(0, trials, rows), "trials"):
        swapped = rng.random((min(rows, trials - done), len(one))) < 0.5
        found = difference(swapped.astype(np.float64))
        # Half a millionth: sums in another order must not make equal what differs, or the reverse.
        extreme += int(np.count_nonzero(found >= observed * (1 - 5e-7)))
    return (1 + extreme) / (1 + trials)


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p that two systems are right equally often on the same rows [N].

    Where only one of them is right, either is so with probability ½.
    """
    only = int((first & ~second).sum()), int((second & ~first).sum())
    total, fewer = sum(only), min(only)
    if total == 0:
        return 1.0
    logs = (
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * math.fsum(math.exp(each - total * math.log(2)) for each in logs))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p of several tests, corrected so that one false finding in all is as rare.

    The k-th smallest of m is multiplied by m − k + 1, and is no smaller than those before it
    (Holm 1979).
    """
    out = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        out[index] = highest
    return out


def _check_paired(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    if first.shape != second.shape:
        message = f"paired systems need the same statistics, got {first.shape} and {second.shape}"
        raise ValueError(message)
