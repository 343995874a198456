"""``results.json`` as typed entries: what is there is read, what is absent is empty.

The file may come from another version or another hand, so only what the report needs is asked for,
and a number that is not finite counts as absent.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from munmaek.metrics import Score
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import TRAINING_FAILURES
from munmaek.text.catalogue import Catalogue

__all__ = ["Bucket", "Row", "numbers", "read_baselines", "read_finding", "read_rows"]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Scores of the sentences whose source has ``low`` to ``high`` words."""

    low: int
    high: int
    count: int
    scores: Mapping[str, Score]

    @property
    def words(self) -> str:
        """The range as text, such as ``6–10``."""
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


@dataclass(frozen=True, slots=True)
class Row:
    """One model of a comparison, or a baseline."""

    name: str
    task: str
    stage: str
    label: str
    scores: Mapping[str, Score]
    spread: Mapping[str, float] = field(default_factory=dict[str, float])
    """Standard deviation over seeds of the scores that are means over them."""
    context: str = ""
    parameters: float | None = None
    size: float | None = None
    """Bytes of its weights or tables."""
    train_seconds: float | None = None
    train_speed: float | None = None
    """Tokens per second while training."""
    use_speed: float | None = None
    """``use_unit`` per second."""
    use_unit: str = "tokens"
    buckets: tuple[Bucket, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Findings on its training, and on a translator's outputs."""
    curve: tuple[tuple[float, float], ...] = field(default=(), repr=False)
    """Validation loss in nats by step."""
    baseline: bool = False

    def faults(self, catalogue: Catalogue) -> tuple[str, ...]:
        """Return what is wrong with how it was trained, a line each."""
        found = [x for x in self.findings if x.found and x.name in TRAINING_FAILURES]
        return tuple(each.words(catalogue) for each in found)


def read_rows(results: Mapping[str, Any]) -> list[Row]:
    """Return the models, in their order."""
    return [_row(entry) for entry in results.get("models") or ()]


def read_baselines(results: Mapping[str, Any]) -> list[Row]:
    """Return what the models are judged by, in their order."""
    return [
        Row(
            name=str(entry.get("label", "")),
            task=str(entry.get("task", "")),
            stage="",
            label=str(entry.get("label", "")),
            scores=_scores(entry.get("scores")),
            baseline=True,
        )
        for entry in results.get("baselines") or ()
    ]


def _row(entry: Mapping[str, Any]) -> Row:
    name = str(entry.get("name", ""))
    return Row(
        name=name,
        task=str(entry.get("task", "")),
        stage=str(entry.get("stage", "")),
        label=str(entry.get("label") or name),
        scores=_scores(entry.get("scores")),
        spread=_spreads(entry.get("spread")),
        context=str(entry.get("context") or ""),
        parameters=_finite(entry.get("parameters")),
        size=_finite(entry.get("bytes")),
        train_seconds=_finite(entry.get("train_seconds")),
        train_speed=_finite(entry.get("tokens_per_second")),
        use_speed=_finite(entry.get("use_per_second")),
        use_unit=str(entry.get("use_unit") or "tokens"),
        buckets=tuple(_bucket(each) for each in entry.get("by_length") or ()),
        findings=tuple(read_finding(each) for each in entry.get("diagnosis") or ()),
        curve=tuple(_points(entry.get("curve") or ())),
    )


def _bucket(entry: Mapping[str, Any]) -> Bucket:
    scores: dict[str, Any] = {
        name: each for name, each in entry.items() if isinstance(each, Mapping)
    }
    return Bucket(
        int(entry.get("low", 0)),
        int(entry.get("high", 0)),
        int(entry.get("count", 0)),
        _scores(scores),
    )


def read_finding(entry: Mapping[str, Any]) -> Finding:
    """Return what ``Finding.to_json`` wrote."""
    evidence: Mapping[str, Any] = entry.get("evidence") or {}
    known = {name: value for name, value in evidence.items() if _finite(value) is not None}
    names, said = (str(entry.get(each, "")) for each in ("names", "message"))
    return Finding(str(entry.get("name", "")), bool(entry.get("found")), known, names, said)


def _scores(entries: Mapping[str, Any] | None) -> dict[str, Score]:
    scores = {
        name: Score.from_json(name, entry)
        for name, entry in (entries or {}).items()
        if entry is not None and entry.get("value") is not None
    }
    return {name: score for name, score in scores.items() if not math.isnan(score.value)}


def _spreads(entries: Mapping[str, Any] | None) -> dict[str, float]:
    found = {name: _finite(value) for name, value in (entries or {}).items()}
    return {name: value for name, value in found.items() if value is not None}


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def numbers(values: Iterable[Any]) -> list[float]:
    """Return values as numbers, NaN where they are none."""
    found = (_finite(value) for value in values)
    return [math.nan if value is None else float(value) for value in found]


def _points(pairs: Iterable[Any]) -> list[tuple[float, float]]:
    found = [numbers(pair) for pair in pairs]
    return [
        (pair[0], pair[1])
        for pair in found
        if len(pair) == 2 and math.isfinite(pair[0]) and math.isfinite(pair[1])
    ]
