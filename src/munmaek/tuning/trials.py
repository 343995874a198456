"""Trials: one model after the other, or several at a time, until as many or as long as wanted.

All of a search stands in ``DIR.trials``: Optuna's journal, the folder of the best model so far, and
at the end a table, a figure and the best options as TOML; ``DIR`` is a copy of the best model. A
trial's validation losses decide whether it is given up; which trial is best, the score that leads
the task.
"""

import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from munmaek.errors import InputError
from munmaek.fit.recipe import Recipe
from munmaek.folder.ownership import check_ours
from munmaek.folder.writing import check_free
from munmaek.pipeline import work_folder
from munmaek.several import keep
from munmaek.tuning.space import Dimension, applied, defaults
from munmaek.tuning.study import (
    JOURNAL,
    Search,
    Standing,
    finished,
    headline,
    opened,
    optuna_of,
    signed,
    trial_name,
    trials_folder,
)
from munmaek.tuning.worker import Worker
from munmaek.writing import claim, remove_whole, writing

__all__ = ["Found", "Trial", "tune_recipe"]

HOLDS_OUT: Final = "5%"
"""Rows held out for counted models, which else count all: without scores nothing can be chosen."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial."""

    number: int
    state: str
    """``done``, ``given up`` by its validation losses, ``cut short``, or ``refused``."""
    options: Mapping[str, Any]
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    seconds: float = 0.0
    reason: str = ""
    """The reason of a refusal."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search."""

    search: Search
    metric: str
    """The score that leads."""
    trials: tuple[Trial, ...]
    best: Trial
    interrupted: bool = False

    @property
    def recipe(self) -> Recipe:
        """Return the recipe that trains the best model again."""
        return applied(self.search.recipe, self.best.options)


def tune_recipe(
    search: Search,
    *,
    report: Callable[[Standing], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Found:
    """Train one model after another with other options, and keep the best.

    Raises:
        UnsupportedError: Optuna is not installed.
        ConfigError: nothing to search, or no score to choose by.
        InputError: data that cannot be used, or ``folder`` exists.
        MunmaekError: what ``train_recipe`` raises of the first trial.
    """
    optuna_of()
    if search.recipe.is_counted and search.recipe.hold_out is None and not search.valid:
        recipe = search.recipe.model_copy(update={"hold_out": HOLDS_OUT})
        search = replace(search, recipe=recipe)
    space, place = search.space, trials_folder(search.folder)
    stop = should_stop or (lambda: False)
    with claim(search.folder):
        _claim(search, place)
        study = opened(search, place)
        _settle(study, space, place)
        with _abandoned(study, place):
            _work(search, report=report, should_stop=stop)
        found = _found(search, opened(search, place), interrupted=stop())
        keep(place / trial_name(found.best.number), search.folder)
    return found


def _work(
    search: Search, *, report: Callable[[Standing], None] | None, should_stop: Callable[[], bool]
) -> None:
    if search.jobs == 1:
        Worker(search, report=report, should_stop=should_stop).work()
        return
    from munmaek.tuning.crew import work_together

    work_together(search, report=report, should_stop=should_stop)


@contextmanager
def _abandoned(study: Any, place: Path) -> Generator[None]:
    """Leave nothing behind of a search that failed before a trial was over."""
    try:
        yield
    except BaseException:
        if not finished(study):
            shutil.rmtree(place, ignore_errors=True)
        raise


def _claim(search: Search, place: Path) -> None:
    if search.resume:
        if not (place / JOURNAL).exists():
            message = f"{place}: no search is there to resume; leave --resume out"
            raise InputError(message)
        return
    check_free(search.folder, force=search.force)
    if place.exists() and not search.force:
        message = f"{place}: an earlier search is there; --resume goes on, --force starts over"
        raise InputError(message)
    with writing(place):
        if place.exists():
            check_ours(place)
            remove_whole(place)
        place.mkdir(parents=True)


def _settle(study: Any, space: Sequence[Dimension], place: Path) -> None:
    """Close trials that a process left behind, and begin with the options as they are."""
    states = import_module("optuna.trial").TrialState
    for each in study.get_trials(states=(states.RUNNING,)):
        study.tell(each.number, state=states.FAIL)
        for left in (place / trial_name(each.number), work_folder(place / trial_name(each.number))):
            shutil.rmtree(left, ignore_errors=True)
    if not study.trials:
        study.enqueue_trial(defaults(space))


def _found(search: Search, study: Any, *, interrupted: bool) -> Found:
    """Return all trials and the best.

    Raises:
        InputError: none was trained.
    """
    trials = [_read(each) for each in study.trials if each.state.is_finished()]
    place = trials_folder(search.folder)
    kept = [each for each in trials if each.scores and (place / trial_name(each.number)).exists()]
    if not kept:
        message = f"{place}: no trial was finished in time; give more time, or fewer epochs"
        raise InputError(message)
    metric = headline(search.recipe, kept[0].scores)
    best = max(kept, key=lambda each: (each.state == "done", signed(each.scores, metric)))
    return Found(search, metric, tuple(trials), best, interrupted)


def _read(frozen: Any) -> Trial:
    told = frozen.user_attrs
    state = told.get("state", "done" if frozen.value is not None else "cut short")
    return Trial(
        frozen.number,
        state,
        dict(frozen.params),
        told.get("scores", {}),
        told.get("seconds", 0.0),
        told.get("reason", ""),
    )
