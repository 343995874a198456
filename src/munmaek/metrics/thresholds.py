r"""Thresholds: from which probability on a label is given, and a text is left without one.

Precision that is wanted of a label c: the least threshold t_c such that, of the validation texts
that are given c with a probability of t_c or more, at least that share have it. It is the
threshold that leaves the fewest texts without a label. Recall that is wanted: the greatest t_c
such that at least that share of the texts that have c reach it.

    one label a text    the likeliest label where its probability reaches its threshold, else none;
                        where recall was wanted of a label, it comes first wherever it reaches
    several labels      every label that reaches its threshold, ½ where it has none
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s
from munmaek.metrics.labels import curve

__all__ = [
    "LIKELY",
    "NEVER",
    "NONE",
    "NO_LABEL",
    "Chosen",
    "Thresholds",
    "Wanted",
    "choose_threshold",
    "shares_at",
]

Wanted = Literal["precision", "recall"]
LIKELY = 0.5
"""From which probability on a text has a label that does not rule out others."""
NEVER = float(np.nextafter(1.0, 2.0))
"""A threshold that no probability reaches."""
NO_LABEL = -1
"""The place of the label of a text that is left without one."""


@final
@dataclass(frozen=True, slots=True)
class Chosen:
    """The threshold of a label, and what it does on the texts that it was chosen on."""

    label: str
    wanted: Wanted
    least: float
    """The share that is wanted."""
    threshold: float
    precision: float
    recall: float
    support: int
    """Texts that have the label."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for a model's record."""
        return {name: getattr(self, name) for name in self.__slots__}


def shares_at(scores: Floats, own: NDArray[np.bool_], threshold: float) -> tuple[float, float]:
    """Return precision and recall of giving a label from ``threshold`` on; 0 of nothing."""
    given = scores >= threshold
    hits = int((given & own).sum())
    return hits / max(int(given.sum()), 1), hits / max(int(own.sum()), 1)


def choose_threshold(
    scores: Floats, own: NDArray[np.bool_], *, wanted: Wanted, least: float
) -> float | None:
    """Return the threshold that gives a label as often, or as rarely, as what is wanted allows.

    Args:
        scores: the label's probability of each text that may be given it, [N].
        own: which of these have it, [N].
        wanted: ``precision`` chooses the least threshold that has it, ``recall`` the greatest.
        least: the share that is wanted.

    Returns:
        None where no threshold has it, or no text has the label.
    """
    if not own.any():
        return None
    if wanted == "recall":
        reached = np.sort(scores[own])[::-1]
        return float(reached[max(1, math.ceil(least * len(reached) - 1e-9)) - 1])
    found = curve(scores, own)
    if found is None:
        return float(scores.min())  # all have it, so that any will do
    enough = np.flatnonzero(found.precision >= least)
    return float(found.thresholds[enough[-1]]) if len(enough) else None


@final
@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds of a model's labels, by label; a label without one has none."""

    by_label: Mapping[str, float] = field(default_factory=dict[str, float])
    wanted: Wanted = "precision"

    def __bool__(self) -> bool:
        return bool(self.by_label)

    def of(self, labels: Sequence[str], *, without: float = 0.0) -> Floats:
        """Return the threshold of each label [C], ``without`` where there is none."""
        return np.array([self.by_label.get(each, without) for each in labels])

    def one(self, probabilities: Floats, labels: Sequence[str]) -> Int64s:
        """Return the place of the label that each text is given, ``NO_LABEL`` of none: [N].

        Args:
            probabilities: of each label, [N, C].
            labels: their names, [C].
        """
        if not len(probabilities):
            return np.empty(0, dtype=np.int64)
        best = probabilities.argmax(1).astype(np.int64)
        if not self.by_label:
            return best
        least = self.of(labels)
        reached = probabilities >= least
        if self.wanted == "precision":
            return np.where(reached[np.arange(len(best)), best], best, NO_LABEL)
        named = np.array([each in self.by_label for each in labels])
        over = np.where(reached & named, probabilities / np.maximum(least, 1e-300), 0.0)
        rest = np.where(named, -1.0, probabilities)
        others = np.full(len(best), NO_LABEL) if named.all() else rest.argmax(1)
        return np.where(over.max(1) > 0, over.argmax(1), others).astype(np.int64)

    def several(self, probabilities: Floats, labels: Sequence[str]) -> NDArray[np.bool_]:
        """Return which labels each text is given, where it may have several: [N, C]."""
        return probabilities >= self.of(labels, without=LIKELY)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for a model's record."""
        return {"by_label": dict(self.by_label), "wanted": self.wanted}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "Thresholds":
        """Return what ``to_json`` wrote; none of None."""
        return cls() if data is None else cls(dict(data["by_label"]), data["wanted"])


NONE = Thresholds()
