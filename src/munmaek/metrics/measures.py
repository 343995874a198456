r"""Scores in the making: the numbers of every row, and the way from them to one score.

What a score is computed of is kept row by row, so that the same numbers give the score, its
interval, the score of some rows, and the test of one system against another. Most scores are
functions of sums; two are not:

    macro F1     mean over labels c of 2·hits_c / (predicted_c + gold_c)
    Spearman     Pearson's r of the ranks, which are those of each resample

Letters: N rows, K numbers of a row, B resamples.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import Sums, Way, bootstrap_interval

__all__ = [
    "LABEL_F1",
    "MEAN",
    "RANK_CORRELATION",
    "Measure",
    "label_codes",
    "mean_measure",
    "ratio",
    "ratio_measure",
]


def ratio(sums: Floats) -> Floats:
    """Return the first of two sums over the second: [B, 2] → [B]; 0 of nothing."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] != 0)


MEAN = Sums(ratio)


class _Anew(ABC):
    """A way that is computed of each resample as if it was the data."""

    @abstractmethod
    def of(self, table: Floats, counts: Floats) -> float:
        """Return the score of rows [N, K], each counted so often: [N]."""

    def weighted(self, table: Floats, counts: Floats) -> Floats:
        """Return the scores of resamples: [B]."""
        return np.array([self.of(table, each) for each in counts])

    def exchanged(self, first: Floats, second: Floats, swapped: Floats) -> tuple[Floats, Floats]:
        """Return the scores of both after the exchange: [B] each."""
        once = np.ones(len(first))
        pairs = [
            (
                self.of(np.where(each, second, first), once),
                self.of(np.where(each, first, second), once),
            )
            for each in (swapped[:, :, None] != 0)
        ]
        both = np.array(pairs).reshape(-1, 2)
        return both[:, 0], both[:, 1]


@final
class LabelF1(_Anew):
    """Macro F1 of rows of a predicted and a gold label, by ``label_codes``."""

    def of(self, table: Floats, counts: Floats) -> float:
        """Return the mean F1 of the labels that occur."""
        codes = np.unique(table, return_inverse=True)[1].reshape(table.shape)
        size = int(codes.max(initial=-1)) + 1
        right = np.where(codes[:, 0] == codes[:, 1], counts, 0.0)
        hits, *sides = (
            np.bincount(codes[:, side], weights=each, minlength=size)
            for side, each in ((1, right), (0, counts), (1, counts))
        )
        both = sides[0] + sides[1]
        return float((2 * hits[both > 0] / both[both > 0]).mean()) if both.any() else 0.0


@final
class RankCorrelation(_Anew):
    """Spearman's ρ of rows of two numbers."""

    def of(self, table: Floats, counts: Floats) -> float:
        """Return Pearson's r of the ranks; 0 where one side does not vary."""
        x, y = (_ranks(table[:, side], counts) for side in (0, 1))
        total = counts.sum()
        x, y = x - (counts @ x) / total, y - (counts @ y) / total
        size = float(np.sqrt((counts @ (x * x)) * (counts @ (y * y))))
        return float(counts @ (x * y)) / size if size > 0 else 0.0


LABEL_F1, RANK_CORRELATION = LabelF1(), RankCorrelation()


def _ranks(values: Floats, counts: Floats) -> Floats:
    """Return the rank of each value among all, counted so often; equal ones share their mean."""
    place = np.unique(values, return_inverse=True)[1]
    sizes = np.bincount(place, weights=counts)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[place]


def label_codes(labels: Sequence[str]) -> Floats:
    """Return a number for each label, the same for the same label wherever it stands: [N]."""
    known = {
        each: int.from_bytes(hashlib.sha256(each.encode()).digest()[:6], "big")
        for each in dict.fromkeys(labels)
    }
    return np.array([known[each] for each in labels], dtype=np.float64)


@final
@dataclass(frozen=True, slots=True)
class Measure:
    """A score in the making: numbers of every row, and the way from them to the score."""

    name: str
    unit: str
    statistics: NDArray[np.generic]
    """[N, K]."""
    way: Way
    how: tuple[tuple[str, str], ...]
    """Parts of the signature."""
    higher_is_better: bool = True
    fewest: int = 1
    """Rows that it needs to say anything."""
    basis: str = ""
    """The model's own that it counts in, such as its tokens: two are compared where it is one."""

    def given(self, rows: int) -> bool:
        """Return whether so many rows are enough."""
        return rows >= self.fewest

    def value(self, rows: NDArray[np.bool_] | None = None) -> float:
        """Return the number, of all rows or of those where ``rows`` is true."""
        chosen = np.asarray(
            self.statistics if rows is None else self.statistics[rows], dtype=np.float64
        )
        return float(self.way.weighted(chosen, np.ones((1, len(chosen))))[0])

    def score(
        self,
        signature: Signature,
        *,
        rng: np.random.Generator | None = None,
        rows: NDArray[np.bool_] | None = None,
    ) -> Score:
        """Return the score of all rows or of those where ``rows`` is true.

        Args:
            signature: what the model shares over scores.
            rng: draws the resamples of the 95 % interval; None gives none.
            rows: which rows, [N].
        """
        chosen = self.statistics if rows is None else self.statistics[rows]
        score = Score(self.name, self.value(rows), self.unit, signature.extended(*self.how))
        if rng is None or len(chosen) < 2:
            return score
        return score.within(*bootstrap_interval(chosen, self.way, rng=rng))

    @property
    def hits(self) -> NDArray[np.bool_] | None:
        """Return the rows that are right, of a measure that is their share: [N]; else None."""
        table = np.asarray(self.statistics)
        if self.way != MEAN or table.shape[1] != 2 or not (table[:, 1] == 1).all():
            return None
        return table[:, 0] == 1 if np.isin(table[:, 0], (0, 1)).all() else None


def mean_measure(
    name: str,
    values: NDArray[np.generic],
    unit: str,
    *,
    of: str,
    score: Callable[[Floats], Floats] = ratio,
    higher_is_better: bool = True,
) -> Measure:
    """Return the measure that is the mean of ``values`` [N], or a function of their sum and number.

    Args:
        name: of the score.
        values: of each row.
        unit: of the score.
        of: what a row is, for the signature.
        score: sums [B, 2] → scores [B].
        higher_is_better: a larger value is a better one.
    """
    table = np.stack([np.asarray(values, dtype=np.float64), np.ones(len(values))], axis=1)
    way = MEAN if score is ratio else Sums(score)
    return Measure(name, unit, table, way, (("unit", of),), higher_is_better)


def ratio_measure(
    name: str,
    part: NDArray[np.generic],
    whole: NDArray[np.generic],
    *,
    how: tuple[tuple[str, str], ...],
) -> Measure:
    """Return the measure that is the sum of ``part`` [N] over that of ``whole`` [N]: a share."""
    table = np.stack([part, whole], axis=1).astype(np.float64)
    return Measure(name, "share", table, MEAN, how)
