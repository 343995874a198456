"""Where a model is trained, what it begins from, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from munmaek.fit.record import Progress
from munmaek.fit.trained import Trained

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """Where and under whose eyes a model is trained."""

    device: str = "cpu"
    folder: Path | None = None
    """For checkpoints and the log; None keeps none."""
    resume: bool = False
    init: Trained | None = None
    """A trained model whose weights are the beginning."""
    report: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None
