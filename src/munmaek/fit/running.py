"""Device, folder, beginning and progress of training a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munmaek.fit.recipe import Recipe
from munmaek.fit.record import Progress
from munmaek.fit.trained import Trained

__all__ = ["USUAL", "Run", "Running"]


@dataclass(frozen=True, slots=True)
class Run:
    """Device, folder, beginning and progress of a model that is trained."""

    device: str = "cpu"
    folder: Path | None = None
    """For checkpoints and the log; None keeps none."""
    resume: bool = False
    init: Trained | None = None
    """A trained model whose weights are the beginning."""
    report: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None
    clock: Callable[[], float] | None = None
    """Gives the seconds that a budget counts; None is the wall's."""
    planner: Callable[[Recipe, Any], Any] | None = None
    """Returns the ``munmaek.planning.plan.Plan`` of a recipe and the facts of its data; None plans
    nothing."""
    rehearsal: bool = False
    """End with ``munmaek.fit.forecast.RehearsedError`` where training would begin."""
    cached: bool | None = None
    """Read a text from a file of its tokens beside the folder; None does where it is large."""

    def planned(self, recipe: Recipe, facts: Callable[[], Any]) -> Any:
        """Return the plan of a run, None where there is none; facts are counted where needed."""
        wanted = self.planner is not None and self.init is None and not recipe.is_counted
        found = facts() if wanted else None
        return None if found is None or self.planner is None else self.planner(recipe, found)


@dataclass(frozen=True, slots=True)
class Running:
    """The circumstances of a call that trains and saves; nothing of them decides the model."""

    force: bool = False
    """Replace what is at the folder, and an interrupted run."""
    resume: bool = False
    """Go on with an interrupted run; how long it lasts may differ."""
    device: str = "cpu"
    """``cpu``, ``cuda`` or ``mps``."""
    report: Callable[[Any], None] | None = None
    """Takes every step that is worth telling."""
    should_stop: Callable[[], bool] | None = None
    """Asked after every step; true ends the run, which is evaluated and saved."""
    log_to: Any = None
    """Whom else to tell: names of ``munmaek.fit.loggers.NAMES``, loggers of one's own, or both."""
    planned: Callable[[Any], None] | None = None
    """Takes the plan, a ``munmaek.planning.plan.Plan``, before the run begins."""
    plans: bool = True
    """Let the budget choose what is not given; false keeps the defaults."""
    clock: Callable[[], float] | None = None
    """Gives the seconds that a budget counts; None is the wall's, ``time.process_time`` is fair on
    a busy machine."""
    cached: bool | None = None
    """Keep the tokens of a text in a file beside the folder, to train from; None does where the
    text is large. The model is the same."""


USUAL = Running()
