"""Trials: one model after the other, or several at a time, until as many or as long as wanted.

All of a search stands in ``DIR.trials``: Optuna's journal, the folder of the best model so far, and
at the end a table, a figure and the best options as TOML; ``DIR`` is a copy of the best model. A
trial's validation losses decide whether it is given up; which trial is best, the score that leads
the task.
"""

import json
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from munmaek.errors import ConfigError, InputError, TrainingError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import Running
from munmaek.folder.ownership import check_ours
from munmaek.folder.writing import check_free
from munmaek.metrics.score import lower_is_better
from munmaek.pipeline import NOTHING_MORE, train_recipe, work_folder
from munmaek.several import keep
from munmaek.tasks import task_named
from munmaek.text.memory import Sources
from munmaek.tuning.space import Dimension, applied, defaults, space_of, suggested
from munmaek.writing import beside, claim, remove_whole, writing

__all__ = ["Found", "Search", "Standing", "Trial", "trials_folder", "tune_recipe"]

JOURNAL: Final = "journal.jsonl"
HOLDS_OUT: Final = "5%"
"""Rows held out for counted models, which else count all: without scores nothing can be chosen."""
_CLOSE: Final = 10
"""Share of a run, in percent, that a trial has at least before it may be given up."""


@dataclass(frozen=True, slots=True)
class Search:
    """The model that is sought, the data and the bounds of a search."""

    recipe: Recipe
    data: Sources
    folder: Path
    """Folder of the best model."""
    valid: Sources = ()
    init: Any = None
    trials: int = 20
    """Models to train, those given up early among them."""
    seconds: float | None = None
    """Time after which no trial goes on; None never ends one."""
    only: Sequence[str] = ()
    """Options to search, by name; none is all there are."""
    jobs: int = 1
    """Processes, each with a trial at a time."""
    device: str = "cpu"
    log_to: Any = None
    extra: Extra = NOTHING_MORE
    force: bool = False
    resume: bool = False

    @property
    def space(self) -> list[Dimension]:
        """Return the options that are searched."""
        return space_of(self.recipe, begun=self.init is not None, only=self.only)


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


@dataclass(frozen=True, slots=True)
class Standing:
    """Progress of a search."""

    progress: float
    text: str


def trials_folder(folder: Path) -> Path:
    """Return where a search keeps its trials: ``DIR.trials``."""
    return beside(folder, ".trials")


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
    _optuna()
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
        keep(place / _name(found.best.number), search.folder)
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


def _optuna() -> Any:
    """Return Optuna, which says nothing by itself.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        optuna: Any = import_module("optuna")
    except ImportError as error:
        message = "Optuna is not installed: pip install 'munmaek[search]'"
        raise UnsupportedError(message) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


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


def opened(search: Search, place: Path, *, worker: int = 0) -> Any:
    """Return the study, made or gone on with.

    Args:
        search: what is searched for.
        place: its folder.
        worker: the number of a process; each draws otherwise.

    Raises:
        InputError: the study there is another search's.
    """
    optuna = _optuna()
    journal = import_module("optuna.storages.journal")
    path = str(place / JOURNAL)
    backend = journal.JournalFileBackend(path, lock_obj=journal.JournalFileOpenLock(path))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name="munmaek",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=_CLOSE),
    )
    seed = search.recipe.seed + 1000 * worker + len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=search.jobs > 1)
    if worker == 0:
        _same_search(search, study)
    return study


def _same_search(search: Search, study: Any) -> None:
    """Keep the recipe in the study, unless that of another search is there."""
    now = json.dumps(search.recipe.model_dump(mode="json"), sort_keys=True)
    then = study.user_attrs.get("recipe")
    if then is None:
        study.set_user_attr("recipe", now)
    elif then != now:
        message = (
            f"--resume: the search in {trials_folder(search.folder)} has other options or another "
            "stage; give the same command, or --force to start over"
        )
        raise InputError(message)


def _settle(study: Any, space: Sequence[Dimension], place: Path) -> None:
    """Close trials that a process left behind, and begin with the options as they are."""
    states = import_module("optuna.trial").TrialState
    for each in study.get_trials(states=(states.RUNNING,)):
        study.tell(each.number, state=states.FAIL)
        for left in (place / _name(each.number), work_folder(place / _name(each.number))):
            shutil.rmtree(left, ignore_errors=True)
    if not study.trials:
        study.enqueue_trial(defaults(space))


def _name(number: int) -> str:
    return f"trial-{number}"


class Worker:
    """Trains one model after another in one process."""

    def __init__(
        self,
        search: Search,
        *,
        report: Callable[[Standing], None] | None = None,
        should_stop: Callable[[], bool],
        worker: int = 0,
    ) -> None:
        """Take what is searched for.

        Args:
            search: the same in every process.
            report: told how far the search is.
            should_stop: asked after every step.
            worker: the number of the process.
        """
        self.search, self.report, self.asked = search, report, should_stop
        self.place = trials_folder(search.folder)
        self.study = opened(search, self.place, worker=worker)
        self.space = search.space
        self.ends = None if search.seconds is None else time.monotonic() + search.seconds

    def work(self) -> None:
        """Make trials until there are as many, or the time is over, or somebody stops it."""
        while not self.ended() and finished(self.study) < self.search.trials:
            self.study.optimize(self.trial, n_trials=1)

    def ended(self) -> bool:
        """Return whether no trial is to go on."""
        return self.asked() or (self.ends is not None and time.monotonic() >= self.ends)

    def trial(self, trial: Any) -> float:
        """Train one model; return its leading score, the higher the better.

        Raises:
            TrialPruned: it was given up, cut short or refused; ``state`` says which.
        """
        optuna = _optuna()
        watch = Watch(self, trial)
        folder, began = self.place / _name(trial.number), time.monotonic()
        try:
            recipe = applied(self.search.recipe, suggested(trial, self.space))
            model = self._trained(recipe, folder, watch)
        except (ConfigError, TrainingError) as error:
            if trial.number == 0:
                raise
            trial.set_user_attr("state", "refused")
            trial.set_user_attr("reason", str(error))
            raise optuna.TrialPruned from error
        scores = {name: float(each["value"]) for name, each in model.info.scores.items()}
        trial.set_user_attr("scores", scores)
        trial.set_user_attr("seconds", time.monotonic() - began)
        value = signed(scores, headline(self.search.recipe, scores))
        stopped = model.info.training.get("stopped") == "interrupted"
        if stopped:
            trial.set_user_attr("state", "given up" if watch.given_up else "cut short")
        if stopped and (watch.given_up or self._has_done()):
            remove_whole(folder)
        elif not stopped:
            self._clear(value, folder)
        remains = work_folder(folder)
        if remains.exists():
            remove_whole(remains)
        if stopped:
            trial.set_user_attr("value", value)
            raise optuna.TrialPruned
        return value

    def _trained(self, recipe: Recipe, folder: Path, watch: "Watch") -> Any:
        search = self.search
        return train_recipe(
            recipe,
            search.data,
            folder=folder,
            valid=search.valid,
            init=search.init,
            extra=search.extra,
            running=Running(
                True, False, search.device, watch.report, watch.should_stop, search.log_to
            ),
        )

    def _has_done(self) -> bool:
        return any(each.value is not None for each in self.study.trials)

    def _clear(self, value: float, own: Path) -> None:
        """Leave only the folder of the best trial: the new one's, or that of one before."""
        done = [each for each in self.study.trials if each.value is not None]
        if any(each.value >= value for each in done):
            remove_whole(own)
            return
        for each in done:
            shutil.rmtree(self.place / _name(each.number), ignore_errors=True)


class Watch:
    """Follows one trial: its validation losses go to Optuna, which may give it up."""

    def __init__(self, worker: Worker, trial: Any) -> None:
        """Begin before its first step."""
        self.worker, self.trial = worker, trial
        self.last: float | None = None
        self.step = 0
        self.given_up = False

    def report(self, now: Any) -> None:
        """Take where the run stands."""
        validation = getattr(now, "validation", None)
        if validation is not None and validation != self.last:
            self.last = validation
            self._compare(validation, now.progress)
        if self.worker.report is not None:
            self.worker.report(standing(self.worker.study, self.worker.search, now.progress))

    def _compare(self, validation: float, progress: float) -> None:
        """Give the trial up where others were better at the same share of their runs."""
        step = 10 * round(10 * progress)
        if step > self.step and progress < 1 and not self.given_up:
            self.step = step
            self.trial.report(-validation, step=step)
            self.given_up = self.trial.should_prune()

    def should_stop(self) -> bool:
        """Return whether the trial ends here."""
        return self.given_up or self.worker.ended()


def finished(study: Any) -> int:
    """Return the trials that are over."""
    return sum(each.state.is_finished() and each.state.name != "FAIL" for each in study.trials)


def standing(study: Any, search: Search, inner: float = 0.0) -> Standing:
    """Return how far a search is; ``inner`` is the share of the trial at hand."""
    done = finished(study)
    best = [each.value for each in study.trials if each.value is not None]
    said = f", best {abs(max(best)):.4g}" if best else ""
    share = min(1.0, (done + inner) / search.trials)
    return Standing(share, f"trial {min(done + 1, search.trials)} of {search.trials}{said}")


def headline(recipe: Recipe, scores: Mapping[str, float]) -> str:
    """Return the score by which models are chosen.

    Raises:
        ConfigError: there is none.
    """
    found = next((name for name in task_named(recipe.task).headline if name in scores), None)
    if found is None:
        message = (
            f"no score of '{recipe.task}' to choose options by; give --valid FILE with data that "
            "it is measured on, or --hold-out 5%"
        )
        raise ConfigError(message)
    return found


def signed(scores: Mapping[str, float], metric: str) -> float:
    """Return a score, the higher the better."""
    return -scores[metric] if lower_is_better(metric) else scores[metric]


def _found(search: Search, study: Any, *, interrupted: bool) -> Found:
    """Return all trials and the best.

    Raises:
        InputError: none was trained.
    """
    trials = [_read(each) for each in study.trials if each.state.is_finished()]
    place = trials_folder(search.folder)
    kept = [each for each in trials if each.scores and (place / _name(each.number)).exists()]
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
