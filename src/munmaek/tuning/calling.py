"""``munmaek.tune``: the options that train the best model, for data in memory or in files."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from munmaek.durations import parse_duration
from munmaek.errors import explaining_missing_torch
from munmaek.fit.devices import usable_device
from munmaek.pipeline import options_of, sources_for
from munmaek.tasks import task_named
from munmaek.tasks.loading import load
from munmaek.terminal import watched
from munmaek.text.memory import are_paired
from munmaek.tuning.results import write_results
from munmaek.tuning.space import recipe_toml
from munmaek.tuning.study import Search
from munmaek.tuning.trials import Trial, tune_recipe

__all__ = ["Trials", "Tuned", "tune"]


@dataclass(frozen=True, slots=True)
class Trials:
    """The models that a search trains."""

    count: int = 20
    """The number of them, those given up early among them."""
    only: Sequence[str] = ()
    """Options to search, where not all are that have a range and are not given."""
    jobs: int = 1
    """Processes, each with a trial at a time; several need files."""
    resume: bool = False
    """Go on with an interrupted search."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best model of a search, and how it was found."""

    model: Any
    """The trained model of the best trial."""
    options: Mapping[str, Any]
    """Options that were searched, with the values of the best trial."""
    metric: str
    score: float
    trials: tuple[Trial, ...]
    toml: str
    """All that was chosen for the best model, as ``munmaek train --config`` reads it."""


@explaining_missing_torch()
def tune(
    task: str,
    *data: Any,
    model: str,
    trials: int | Trials = 20,
    budget: float | str | None = None,
    valid: Any = None,
    init: Any = None,
    save: Path | str | None = None,
    force: bool = False,
    **options: Any,
) -> Tuned:
    """Train one model after another with other options, and return the best with what was tried.

    Args:
        task: as ``munmaek.train`` takes it.
        data: what to train on, as ``munmaek.train`` takes it.
        model: the stage.
        trials: models to train, those given up early among them; or which, and how.
        budget: time of the whole search, in seconds or as ``1h``; None ends none.
        valid: validation data, by whose score a model is chosen; without it some is held out.
        init: a trained model, or its folder, to begin from.
        save: folder of the best model; the trials stand in ``DIR.trials``. Without it nothing is
            left on the disk.
        force: replace what is there.
        options: options of ``munmaek.train`` that every trial has, and its ``device``.

    Raises:
        InputError: data that cannot be used, with its row or line; or ``save`` exists.
        ConfigError: an option that there is not, or nothing to search.
        UnsupportedError: a stage that cannot do the task, or Optuna is not installed.
    """
    device = options.pop("device", "auto")
    asked = trials if isinstance(trials, Trials) else Trials(trials)
    row = task_named(task)
    sources = sources_for(row, data)
    values, extra = options_of(row, model, options)
    if are_paired(sources) and "pairs" in row.recipe_class().model_fields:
        values.setdefault("pairs", True)
    recipe = row.recipe_class().of(values, where="the options")
    seconds = parse_duration(budget, where="budget =") if isinstance(budget, str) else budget
    with ExitStack() as stack:
        place = Path(save or stack.enter_context(TemporaryDirectory())) / ("" if save else "best")
        search = Search(
            recipe,
            sources,
            place,
            valid=() if valid is None else sources_for(row, valid),
            init=init,
            trials=asked.count,
            seconds=seconds,
            only=asked.only,
            jobs=asked.jobs,
            device="cpu" if recipe.is_counted else usable_device(device),
            extra=extra,
            force=force,
            resume=asked.resume,
        )
        report = stack.enter_context(watched(f"{recipe.stage} ({task})"))
        found = tune_recipe(search, report=report)
        write_results(found)
        return Tuned(
            load(place),
            dict(found.best.options),
            found.metric,
            found.best.scores[found.metric],
            found.trials,
            recipe_toml(found.recipe),
        )
