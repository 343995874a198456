"""The better of two systems or of several on the same rows, and the differences that are real.

Every measure is tested alike: the paired bootstrap gives the interval of the difference,
approximate randomisation the chance of one so large where there is none, and of right and wrong
McNemar's test gives that chance exactly. Of several systems each pair is tested, and the chances
are corrected for their number (Holm 1979). A difference that the tests do not tell is not called
one, whatever the two values are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from munmaek.metrics.measures import Measure
from munmaek.metrics.significance import (
    RESAMPLES,
    approximate_randomisation,
    holm,
    mcnemar,
    paired_bootstrap,
)

__all__ = ["LEVEL", "Tested", "all_pairs", "compared"]

LEVEL = 0.05
"""Significance level: p must be below for one system to be called better."""


@dataclass(frozen=True, slots=True)
class Tested:
    """The difference of a score between two systems on the same rows, with its tests."""

    difference: float
    """The first system's score minus the second's."""
    higher_is_better: bool
    low: float | None = None
    high: float | None = None
    """95 % interval of the difference; None of a single row."""
    p_bootstrap: float | None = None
    p_randomisation: float | None = None
    p_mcnemar: float | None = None
    """P-value of McNemar's test, for a share of rows that are right."""

    @property
    def p(self) -> float:
        """Return the chance of such a difference where there is none: the exact one if there is."""
        found = self.p_randomisation if self.p_mcnemar is None else self.p_mcnemar
        return 1.0 if found is None else found

    @property
    def apart(self) -> bool:
        """Return whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def is_told(self) -> bool:
        """Return whether the interval and every test tell the two apart."""
        tests = (self.p_bootstrap, self.p_randomisation, self.p_mcnemar)
        return self.apart and all(each < LEVEL for each in tests if each is not None)

    @property
    def first_leads(self) -> bool:
        """Return whether the first system has the better value."""
        return (self.difference > 0) == self.higher_is_better

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            name: value
            for name in self.__slots__
            if (value := getattr(self, name)) is not None or name != "p_mcnemar"
        }


def compared(
    first: Mapping[str, Measure], second: Mapping[str, Measure], names: Sequence[str]
) -> dict[str, Any]:
    """Return by score how two systems differ, and the better one where that is told.

    Scores that count in what is a model's own, such as its tokens, are left out where the two have
    not the same.

    Args:
        first: what a system's scores are computed of, by name.
        second: the same of the other, of the same rows.
        names: of both.
    """
    out: dict[str, Any] = {}
    for name, measure in first.items():
        if (other := second.get(name)) is None or not _comparable(measure, other):
            continue
        found = _tested(measure, other, trials=RESAMPLES)
        better = names[0 if found.first_leads else 1] if found.is_told else None
        out[name] = {**found.to_json(), "better": better}
    return out


def _comparable(first: Measure, second: Measure) -> bool:
    rows = len(first.statistics)
    same = first.basis == second.basis and first.statistics.shape == second.statistics.shape
    if not (same and first.given(rows)):
        return False
    return all(np.isfinite(np.asarray(each.statistics)).all() for each in (first, second))


def _tested(first: Measure, second: Measure, *, trials: int) -> Tested:
    higher = first.higher_is_better
    if len(first.statistics) < 2:
        return Tested(first.value() - second.value(), higher)
    tables = (first.statistics, second.statistics, first.way)
    paired = paired_bootstrap(*tables, rng=np.random.default_rng(0))
    hits = first.hits, second.hits
    return Tested(
        paired.difference,
        higher,
        paired.low,
        paired.high,
        paired.p_value,
        approximate_randomisation(*tables, rng=np.random.default_rng(0), trials=trials),
        None if hits[0] is None or hits[1] is None else mcnemar(hits[0], hits[1]),
    )


def all_pairs(systems: Mapping[str, Mapping[str, Measure]], score: str) -> list[dict[str, Any]]:
    """Return how each two of several systems differ in one score, corrected for their number.

    Args:
        systems: what each one's scores are computed of, by name; all of the same rows.
        score: the name of the score.

    Returns:
        For each pair ``first``, ``second``, what ``Tested`` has, ``p``, ``p_holm``, and ``better``,
        the name of the better one where the difference is real, else None.
    """
    having = [name for name, measures in systems.items() if score in measures]
    pairs = [
        (one, other)
        for one, other in combinations(having, 2)
        if _comparable(systems[one][score], systems[other][score])
    ]
    # So many trials that the smallest p there is can still be told after the correction.
    trials = max(RESAMPLES, round(2 * len(pairs) / LEVEL))
    tested = [
        _tested(systems[one][score], systems[other][score], trials=trials) for one, other in pairs
    ]
    corrected = holm([each.p for each in tested])
    out: list[dict[str, Any]] = []
    for (one, other), found, p_holm in zip(pairs, tested, corrected, strict=True):
        real = p_holm < LEVEL and found.apart
        better = (one if found.first_leads else other) if real else None
        named = {"first": one, "second": other, "better": better}
        out.append({**named, **found.to_json(), "p": found.p, "p_holm": p_holm})
    return out
