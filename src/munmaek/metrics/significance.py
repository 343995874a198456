"""Bootstrap over sentences, from sums alone.

A corpus score is a function f of sums of per-sentence statistics x_i. A resample draws N sentences
with replacement; only how often each was drawn, c_i, matters:

    f(Σ_i c_i x_i),   c ~ Multinomial(N, 1/N)

so B resamples of K statistics are one matrix product [B, N] · [N, K]. Approximate randomisation
asks instead how often chance alone, swapping the systems sentence by sentence, makes them differ so
much: another such product. Sources: Efron & Tibshirani 1993, §13 (percentile interval); Koehn 2004,
§3 (bootstrap for BLEU), §4 (paired); Noreen 1989; Riezler & Maxwell 2005, §4 (randomisation).

Letters: N sentences, K statistics of a sentence, B resamples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats
from munmaek.progress import followed

__all__ = [
    "Comparison",
    "approximate_randomisation",
    "bootstrap_interval",
    "bootstrap_sums",
    "paired_bootstrap",
    "percentile_interval",
]


RESAMPLES = 1000
_CHUNK_CELLS = 4_000_000  # counts held at once: 32 MB


def bootstrap_sums(
    statistics: NDArray[np.generic], *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Floats:
    """Return the sums of resampled sentences: statistics [N, K] → [B, K]."""
    values = np.ascontiguousarray(statistics, dtype=np.float64)
    size = len(values)
    if size == 0:
        return np.zeros((resamples, values.shape[1]))
    rows = max(1, min(resamples, _CHUNK_CELLS // size))
    out = np.empty((resamples, values.shape[1]))
    for first in followed(range(0, resamples, rows), "resamples"):
        last = min(first + rows, resamples)
        counts = np.empty((last - first, size))
        for row in range(last - first):
            counts[row] = np.bincount(rng.integers(0, size, size), minlength=size)
        out[first:last] = counts @ values
    return out


def bootstrap_interval(
    statistics: NDArray[np.generic],
    score: Callable[[Floats], Floats],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Return 95 % percentile interval of ``score(sums)``, sums being [B, K] and the result [B]."""
    point = float(score(np.asarray(statistics, dtype=np.float64).sum(0)[None, :])[0])
    scores = score(bootstrap_sums(statistics, rng=rng, resamples=resamples))
    return percentile_interval(scores, point)


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
    score: Callable[[Floats], Floats],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Test whether two systems differ on the same sentences (Koehn 2004, §4).

    Args:
        first: per-sentence statistics of one system, [N, K].
        second: the same sentences of the other, [N, K].
        score: sums [B, K] → scores [B], for either system.
        rng: draws the resamples, the same for both systems.
        resamples: B.

    Raises:
        ValueError: the systems scored different numbers of sentences.
    """
    _check_paired(first, second)
    both = np.concatenate([first, second], axis=1)
    split = first.shape[1]

    def difference(sums: Floats) -> Floats:
        return score(sums[:, :split]) - score(sums[:, split:])

    point = float(difference(both.sum(0, dtype=np.float64)[None, :])[0])
    sampled = difference(bootstrap_sums(both, rng=rng, resamples=resamples))
    # One is added above and below: the observed difference is itself one of the outcomes.
    extreme = np.count_nonzero(np.abs(sampled - sampled.mean()) >= abs(point))
    p_value = (1 + float(extreme)) / (1 + resamples)
    return Comparison(point, *percentile_interval(sampled, point), p_value)


def approximate_randomisation(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    score: Callable[[Floats], Floats],
    *,
    rng: np.random.Generator,
    trials: int = RESAMPLES,
) -> float:
    """Return the chance that equal systems differ at least as much as these two; two-sided.

    Args:
        first: per-sentence statistics of one system, [N, K].
        second: the same sentences of the other, [N, K].
        score: sums [B, K] → scores [B], for either system.
        rng: says in each trial which sentences change sides.
        trials: B.

    Raises:
        ValueError: the systems scored different numbers of sentences.
    """
    _check_paired(first, second)
    one, other = (np.asarray(each, dtype=np.float64) for each in (first, second))
    sums, total = one.sum(0), one.sum(0) + other.sum(0)
    change = other - one
    rows = max(1, min(trials, _CHUNK_CELLS // max(1, len(one))))

    def difference(kept: Floats) -> Floats:
        return np.abs(score(kept) - score(total - kept))

    observed = float(difference(sums[None, :])[0])
    extreme = 0
    for done in range(0, trials, rows):
        swapped = rng.random((min(rows, trials - done), len(one))) < 0.5
        found = difference(sums + swapped.astype(np.float64) @ change)
        # Half a millionth: sums in another order must not make equal what differs, or the reverse.
        extreme += int(np.count_nonzero(found >= observed * (1 - 5e-7)))
    return (1 + extreme) / (1 + trials)


def _check_paired(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    if first.shape != second.shape:
        message = f"paired systems need the same statistics, got {first.shape} and {second.shape}"
        raise ValueError(message)
