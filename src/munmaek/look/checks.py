"""Checks that attention links words as a person wants, which can stand in someone's tests.

    aer<0.2    precision>=0.8    recall>0.7    entropy<0.6    coverage>0.8    forbidden<0.05

aer, precision, recall   of each output word's strongest link, against sure and possible marks
forbidden                share of these links that are marked forbidden
entropy                  of attention, mean over output words, as a share of that of even attention
coverage                 mean over source words of the attention each receives, at most 1
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from munmaek.align import MarkedPair
from munmaek.errors import ConfigError, InputError
from munmaek.look.pairs import judge
from munmaek.metrics import alignment_scores
from munmaek.tasks.translate.model import Translator

__all__ = ["Check", "Checked", "measured", "parse_check"]

FIGURES = ("aer", "precision", "recall", "forbidden", "entropy", "coverage")

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One figure and the value that is wanted of it."""

    figure: str
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.figure}{self.sign}{self.limit:g}"

    def met(self, value: float) -> bool:
        """Return whether ``value`` is as wanted."""
        return _SIGNS[self.sign](value, self.limit)


@dataclass(frozen=True, slots=True)
class Checked:
    """A figure beside what was wanted of it."""

    check: Check
    value: float
    low: float | None
    high: float | None
    pairs: int
    """Marked pairs that the figure rests on."""

    @property
    def met(self) -> bool:
        """Return whether it is as wanted; the interval is told but does not decide."""
        return self.check.met(self.value)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "check": str(self.check),
            "figure": self.check.figure,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "pairs": self.pairs,
            "met": self.met,
        }

    def __str__(self) -> str:
        interval = "" if self.low is None else f" ({self.low:.3f} to {self.high:.3f})"
        verdict = "met" if self.met else "NOT met"
        pairs = f"{self.pairs} marked pair{'' if self.pairs == 1 else 's'}"
        return (
            f"{self.check.figure} {self.value:.4f}{interval} on {pairs}: {self.check} is {verdict}"
        )


def parse_check(written: str) -> Check:
    """Read a check such as ``aer<0.2``.

    Raises:
        ConfigError: an unknown figure, sign or number.
    """
    match = re.fullmatch(r"\s*([a-z]+)\s*(<=|>=|<|>)\s*([0-9]*\.?[0-9]+)\s*", written)
    if match is None or match[1] not in FIGURES:
        message = (
            f"--check {written!r}: wanted one of {', '.join(FIGURES)}, then < <= > or >=, then a "
            "number, such as 'aer<0.2'"
        )
        raise ConfigError(message)
    return Check(match[1], match[2], float(match[3]))


def measured(
    model: Translator, marks: Sequence[MarkedPair], checks: Sequence[Check]
) -> list[Checked]:
    """Measure each check's figure over all marked pairs, under forced decoding.

    Raises:
        InputError: a model without attention.
    """
    aligned = model.align([each.source for each in marks], [each.target for each in marks])
    if any(each.weights is None for each in aligned):
        message = f"a '{model.info.stage}' model has no attention to check"
        raise InputError(message)
    found = [frozenset(each.alignment or ()) for each in aligned]
    scores = alignment_scores(
        found,
        [each.sure for each in marks],
        possible=[each.sure | each.possible for each in marks],
        signature=model.signature(beam=1),
        rng=np.random.default_rng(0),
    )
    judged = [
        judge(0, np.zeros((0, 0)) if each.weights is None else each.weights, frozenset())
        for each in aligned
    ]
    links = sum(map(len, found))
    wrong = sum(len(each & pair.forbidden) for each, pair in zip(found, marks, strict=True))
    values = {
        **{name: score.value for name, score in scores.items()},
        "forbidden": wrong / links if links else 0.0,
        "entropy": float(np.mean([each.entropy for each in judged])),
        "coverage": float(np.mean([each.coverage for each in judged])),
    }
    rate = scores["aer"]
    return [
        Checked(
            check,
            values[check.figure],
            rate.low if check.figure == "aer" else None,
            rate.high if check.figure == "aer" else None,
            len(marks),
        )
        for check in checks
    ]
