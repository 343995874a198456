"""All that an evaluation found, as a program is given it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from munmaek.metrics import Measure, Score
from munmaek.metrics.diagnosis import Finding
from munmaek.tasks.judged import Cell, Shown
from munmaek.tasks.work import Measured

__all__ = ["Evaluation"]


class Evaluation(dict[str, Score]):
    """Scores by their names, each with its 95 % interval and signature, and what is behind them."""

    def __init__(self, measured: Measured) -> None:
        super().__init__(measured.scores)
        self.measured = measured
        """Source of all the rest."""

    @cached_property
    def shown(self) -> Sequence[Shown]:
        """Return tables and figures: of each label, type or phenomenon, confusions and curves."""
        return self.measured.shown or self.measured.show()

    @property
    def tables(self) -> dict[str, list[dict[str, Cell]]]:
        """Return the same by name as rows of named cells, as data frames are made of.

        Of a classifier there are ``labels`` (precision, recall, F1, support and areas of each),
        ``confusion``, ``roc``, ``precision_recall`` and ``calibration``; other tasks have others.
        """
        return {
            each.name: [
                dict(zip((str(name) for name in each.head), row, strict=True)) for row in each.rows
            ]
            for each in self.shown
        }

    @property
    def worst(self) -> list[dict[str, Any]]:
        """Return the rows that are judged worst, the worst first; asked for with ``worst=20``."""
        return self.measured.entries.get("worst", [])

    @property
    def against(self) -> dict[str, Any] | None:
        """Return the other model's scores and the tests; asked for with ``against=FOLDER``."""
        return self.measured.entries.get("against")

    @property
    def entries(self) -> Mapping[str, Any]:
        """Return all else that was found, as JSON has it."""
        return self.measured.entries

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Return the numbers of each row that scores are computed of, by the score's name."""
        return self.measured.measures

    @property
    def findings(self) -> Sequence[Finding]:
        """Return failures that were looked for, found or not."""
        return self.measured.findings or ()

    @property
    def outputs(self) -> Sequence[str]:
        """Return the model's output for each row, where the evaluation keeps it."""
        return self.measured.outputs

    def to_json(self) -> dict[str, Any]:
        """Return scores, tables, figures and all else as plain values."""
        return {
            **self.entries,
            "scores": {name: score.to_json() for name, score in self.items()},
            "shown": [each.to_json() for each in self.shown],
        }
