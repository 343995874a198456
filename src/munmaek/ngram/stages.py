"""Progress of a long computation, in stages of known weight."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from munmaek.terminal import seconds_text

__all__ = ["Stage", "Stages"]


@final
@dataclass(frozen=True, slots=True)
class Stage:
    """The stage that is being worked on."""

    name: str
    progress: float
    """Share of the whole, from 0 to 1."""
    seconds_left: float | None
    """At the pace so far; None at the beginning."""

    @property
    def text(self) -> str:
        """Return what is being done and how long it may take."""
        left = self.seconds_left
        return self.name if left is None else f"{self.name}, {seconds_text(left)} left"


@final
class Stages:
    """Turns the progress of one stage into that of the whole and tells it."""

    def __init__(
        self, weights: Mapping[str, float], report: Callable[[Stage], None] | None = None
    ) -> None:
        """Report nothing without ``report``.

        Args:
            weights: the stages in their order, each with its share of the time, in any unit.
            report: called at the beginning of every stage, and within it.
        """
        total = sum(weights.values())
        self._begins: dict[str, tuple[float, float]] = {}
        done = 0.0
        for name, weight in weights.items():
            self._begins[name] = done / total, weight / total
            done += weight
        self._report = report
        self._began = time.monotonic()

    def tell(self, name: str, part: float = 0.0) -> None:
        """Report that the stage of that name has begun, or is so far, from 0 to 1."""
        if self._report is None:
            return
        begin, share = self._begins[name]
        progress = begin + share * part
        seconds = time.monotonic() - self._began
        left = seconds / progress - seconds if progress > 0 else None
        self._report(Stage(name, progress, left))
