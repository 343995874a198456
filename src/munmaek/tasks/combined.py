"""Results of a measured model, and several models made into one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from munmaek.metrics import Measure, Score
from munmaek.metrics.diagnosis import Finding
from munmaek.tasks.judged import Shown, nothing_shown
from munmaek.text.memory import Sources

__all__ = ["Combined", "Combiner", "Measured", "Mixed", "Mixing"]

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Measured:
    """Results of a model on data that it was not trained on."""

    scores: Mapping[str, Score]
    findings: Sequence[Finding] | None = None
    """Failures that were looked for, found or not; None where none are looked for."""
    per_second: float | None = None
    """``unit`` that it reads a second."""
    unit: str = "texts"
    """``tokens``, ``texts`` or ``sentences``."""
    entries: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further results, as JSON has them."""
    outputs: Sequence[str] = ()
    """The output for each text."""
    measures: Mapping[str, Measure] = field(default_factory=dict[str, Measure])
    """Numbers of each row that the scores are computed of, to test models against each other."""
    shown: Sequence[Shown] = ()
    """Tables and figures of what is behind the scores."""
    show: Callable[[], Sequence[Shown]] = nothing_shown
    """Makes them, where they were not asked for."""
    corpus: Any = None
    """The rows that it was measured on, where they are known."""


@dataclass(frozen=True, slots=True)
class Combined(Generic[M]):
    """A model made of some of those that are compared."""

    model: M
    context: str
    """The kind of its context."""
    measured: Measured


@dataclass(frozen=True, slots=True)
class Mixing:
    """Options of mixing trained models into one."""

    weights: Sequence[float] | None
    """Weight of each model; None tunes them."""
    tune: Sources | None
    """Data to tune them on."""
    columns: Mapping[str, str | int | None]
    """Columns of tables: ``text``, ``label`` and ``second``."""
    log_linear: bool
    """Multiply powers of the probabilities instead of adding shares."""
    names: Sequence[str]
    """Names of the models."""
    fuse: bool = False
    """Make one model of the same kind of them, not one that asks them all."""


@dataclass(frozen=True, slots=True)
class Mixed(Generic[M]):
    """Several models as one."""

    model: M
    weights: Sequence[float]
    corpus: Any = None
    """Data that it may be measured on, where there is such."""
    entries: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further facts about it, as JSON has them."""
    remark: str = ""
    """The same in a line."""


class Combiner(ABC, Generic[M]):
    """Makes a model of some of those that a comparison has tested."""

    @abstractmethod
    def chosen(self, compared: Sequence[tuple[M, Measured]]) -> Sequence[M]:
        """Return the models to combine, of all with what their tests say; none if none fit."""

    @abstractmethod
    def combine(self, parts: Sequence[M], held: Any, test: Any) -> Combined[M]:
        """Return ``parts`` in one, as is best on ``held``, measured on ``test``."""
