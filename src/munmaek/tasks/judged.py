"""A model's answers to each row of test data, and how good they are: evaluations rest on them.

Scores say how good a model is; measures are the numbers of every row that the scores are computed
of, so that two models can be tested against each other; losses say which rows are judged worst; and
what is shown are tables and figures, which terminal and page draw without knowing the task.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics import Score
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.measures import Measure

__all__ = ["Judged", "Shown", "nothing_shown", "worst"]

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A table or a figure of an evaluation."""

    name: str
    """Its heading is ``shown.NAME`` in the catalogue of texts."""
    kind: str
    """``table``, ``matrix`` (counts by row and column), ``lines`` or ``points``."""
    head: Sequence[Cell]
    """Names of the columns, the rows' own names first."""
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    """Sentences on what is not there, and why."""
    label_x: str = ""
    """Name of x in the catalogue: ``axis.NAME``."""
    label_y: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for ``results.json``."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Shown":
        """Return what ``to_json`` wrote."""
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


def nothing_shown() -> Sequence[Shown]:
    """Return no table and no figure."""
    return ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A model on the rows of a corpus."""

    scores: Mapping[str, Score]
    measures: Mapping[str, Measure] = field(default_factory=dict[str, Measure])
    """By the name of the score that is computed of it; of a task that can be tested."""
    losses: Floats | None = None
    """Loss of each row, the worst highest, in a unit of the task's own: [N]."""
    row: Callable[[int], dict[str, Any]] | None = None
    """Returns a row with the wanted and the given answer, as JSON has it."""
    entries: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further results, as JSON has them."""
    shown: Callable[[], Sequence[Shown]] = nothing_shown
    """Makes tables and figures."""
    findings: Sequence[Finding] | None = None
    outputs: Sequence[str] = ()
    """The output for each row."""
    unit: str = "texts"


def worst(judged: Judged, count: int) -> list[dict[str, Any]]:
    """Return the rows that are judged worst, the worst first, each with its number from 1 and loss.

    Rows without a finite loss come first, for nothing is worse than what is impossible.
    """
    if judged.losses is None or judged.row is None:
        return []
    losses = np.nan_to_num(judged.losses, nan=np.inf, posinf=np.inf)
    order = np.argsort(-losses, kind="stable")[:count]
    return [
        {"row": int(at) + 1, "loss": float(judged.losses[at]), **judged.row(int(at))}
        for at in order
    ]
