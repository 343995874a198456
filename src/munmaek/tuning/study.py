"""A search, its study in Optuna's journal, and the score by which its trials are compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.recipe import Recipe
from munmaek.metrics.score import lower_is_better
from munmaek.pipeline import NOTHING_MORE
from munmaek.tasks import task_named
from munmaek.text.memory import Sources
from munmaek.tuning.space import Dimension, space_of
from munmaek.writing import beside

__all__ = [
    "JOURNAL",
    "Search",
    "Standing",
    "finished",
    "headline",
    "opened",
    "optuna_of",
    "signed",
    "standing",
    "trial_name",
    "trials_folder",
]

JOURNAL: Final = "journal.jsonl"
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
class Standing:
    """Progress of a search."""

    progress: float
    text: str


def trials_folder(folder: Path) -> Path:
    """Return where a search keeps its trials: ``DIR.trials``."""
    return beside(folder, ".trials")


def optuna_of() -> Any:
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


def opened(search: Search, place: Path, *, worker: int = 0) -> Any:
    """Return the study, made or gone on with.

    Args:
        search: what is searched for.
        place: its folder.
        worker: the number of a process; each draws otherwise.

    Raises:
        InputError: the study there is another search's.
    """
    optuna = optuna_of()
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


def trial_name(number: int) -> str:
    """Return the name of a trial's folder."""
    return f"trial-{number}"


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
