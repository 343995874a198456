"""The cost of a training, before it is paid: for every task, the run as it would be, a few steps.

forecast(Recipe.of("lm", "transformer", …), ["corpus.txt"]).seconds
"""

from pathlib import Path

from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.forecast import Forecast, RehearsedError
from munmaek.fit.precision import flushing_subnormals
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import Run, Running
from munmaek.planning.making import planner_of
from munmaek.tasks import task_named
from munmaek.tasks.loading import load
from munmaek.text.memory import Sources
from munmaek.text.sources import encoded

__all__ = ["forecast"]

NOTHING_MORE = Extra()


def forecast(
    recipe: Recipe,
    paths: Sources,
    *,
    valid: Sources = (),
    init: Path | None = None,
    extra: Extra = NOTHING_MORE,
    device: str = "cpu",
) -> Forecast:
    """Take a few steps of what ``pipeline.train_recipe`` would do and say what all of it costs.

    Raises:
        ConfigError: n-grams, which are counted.
        UnsupportedError: a stage that trains otherwise than by steps.
    """
    if recipe.is_counted:
        raise ConfigError("--dry-run: n-grams are counted in one go, with no steps to be timed")
    task = task_named(recipe.task)
    task.check_extra(extra)
    planner = planner_of(None, Running(device=device), resume=False)
    before = None if init is None else load(init)
    run = Run(device, init=before, planner=planner, rehearsal=True)
    own, other = encoded(paths, recipe.encoding), encoded(valid, recipe.encoding)
    try:
        with flushing_subnormals():
            task.loaded().train(own, other, recipe, run, extra)
    except RehearsedError as found:
        return found.forecast
    message = f"--dry-run: '{recipe.task}' with '{recipe.stage}' trains without steps to be timed"
    raise UnsupportedError(message)
