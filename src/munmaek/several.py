"""Several runs of one recipe: other seeds, other amounts of training data; mean and spread.

All runs hold the same rows out and, where there is less training data, take it from the same order
of rows, so that nothing differs between them but the seed and the amount. Each run is a model of
its own in ``DIR.runs``; ``DIR`` is a copy of the best on the validation data among those with the
most training data. That one's score is a choice among several: the mean is the fair figure.
"""

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from munmaek.errors import ConfigError, InputError
from munmaek.fit import ranks
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import USUAL, Running
from munmaek.folder.manifest import MANIFEST
from munmaek.folder.ownership import check_ours
from munmaek.folder.writing import check_free
from munmaek.pipeline import train_recipe, work_folder
from munmaek.tasks.records import read_record
from munmaek.writing import (
    beside,
    claim,
    move_into_place,
    place_of,
    reading_back,
    remove_whole,
    sync_all,
    temporary_beside,
    write_text,
    writing,
)

__all__ = ["OneRun", "Plan", "Several", "Summary", "keep", "runs_folder", "train_several"]

SUMMARY = "runs.json"
CURVE_HOLDS_OUT = "5%"


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs that there are: one for each seed and each amount of training data."""

    seeds: Sequence[int]
    """At least one."""
    sizes: Sequence[int | None] = (None,)
    """Rows of training data, None for all."""

    def __post_init__(self) -> None:
        seeds, sizes = self.seeds, self.sizes
        if not seeds or len(set(seeds)) < len(seeds) or len(set(sizes)) < len(sizes):
            message = (
                f"several runs need different seeds and sizes, got {list(seeds)}, {list(sizes)}"
            )
            raise ConfigError(message)


@dataclass(frozen=True, slots=True)
class OneRun:
    """One trained model among several."""

    folder: Path
    seed: int
    rows: int | None
    """Training rows that were asked for; None is all."""
    trained_on: int
    """Training rows that there were."""
    validation: float | None
    """Best validation loss; None of a model that is counted."""
    scores: Mapping[str, Any]
    """Scores on the validation data, as in the model's record."""
    stopped: str | None
    faults: tuple[str, ...] = ()
    """Signs that its training failed, a line each."""

    @classmethod
    def of(cls, folder: Path, seed: int, rows: int | None) -> "OneRun":
        """Read what a saved model's record says of its training."""
        record = read_record(folder)
        training = record["training"]
        return cls(
            folder,
            seed,
            rows,
            int(record["data"]["train"]["rows"]),
            training.get("best_validation"),
            record["scores"],
            training.get("stopped"),
            tuple(e["message"] for e in training.get("diagnosis") or () if e["found"]),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """A score over the seeds of one amount of training data."""

    rows: int
    score: str
    mean: float
    spread: float | None
    """Standard deviation, n − 1 in its denominator; None of a single run."""
    least: float
    most: float
    runs: int


@dataclass(frozen=True, slots=True)
class Several:
    """All runs, and the one that was kept."""

    runs: tuple[OneRun, ...]
    kept: OneRun
    folder: Path

    @property
    def interrupted(self) -> bool:
        """Return whether the last run was stopped, so that not all may be there."""
        return self.runs[-1].stopped == "interrupted"

    def summaries(self) -> list[Summary]:
        """Summarise each score of each amount of training data, in the order they were trained."""
        amounts = list(dict.fromkeys(run.trained_on for run in self.runs))
        return [
            _summary(name, rows, [run for run in self.runs if run.trained_on == rows])
            for rows in amounts
            for name in self.runs[0].scores
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain data for ``--json`` and ``DIR.runs/runs.json``."""
        return {
            "model": str(self.folder),
            "kept": {"seed": self.kept.seed, "folder": str(self.kept.folder)},
            "kept_by": "best loss on the validation data, of those with the most training data",
            "runs": [
                {
                    "folder": str(run.folder),
                    "seed": run.seed,
                    "rows": run.trained_on,
                    "validation": run.validation,
                    "scores": dict(run.scores),
                    "faults": list(run.faults),
                }
                for run in self.runs
            ],
            "summary": [
                {name: getattr(each, name) for name in each.__slots__} for each in self.summaries()
            ],
        }


def _summary(name: str, rows: int, runs: Sequence[OneRun]) -> Summary:
    values = [float(run.scores[name]["value"]) for run in runs if name in run.scores]
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Summary(
        rows, name, statistics.mean(values), spread, min(values), max(values), len(values)
    )


def runs_folder(folder: Path) -> Path:
    """Return where the single runs stand: ``DIR.runs``."""
    return beside(folder, ".runs")


def train_several(
    recipe: Recipe,
    paths: Sequence[str | Path],
    *,
    folder: Path,
    plan: Plan,
    valid: Sequence[str | Path] = (),
    init: Path | None = None,
    running: Running = USUAL,
) -> Several:
    """Run ``train_recipe`` once for each seed and each amount of training data.

    Args:
        recipe: what to train; its seed and ``train_rows`` are those of each run.
        paths: the training data.
        folder: where a copy of the best model is to be; single runs stand in ``DIR.runs``.
        plan: which runs there are.
        valid: the validation data; none holds some of the training data out, where the model needs
            validation or the recipe says how much.
        init: a trained model to begin from.
        running: how the call is carried out; what it replaces is ``DIR.runs`` too, runs that are
            done are kept where it resumes, and a stop leaves out the runs after it.

    Raises:
        ConfigError: torchrun's processes.
        InputError: data that cannot be used, or ``folder`` exists.
        MunmaekError: what ``train_recipe`` raises besides.
    """
    if ranks.several():
        raise ConfigError("several runs come one after another; start them without torchrun")
    place = runs_folder(folder)
    if recipe.is_counted and recipe.hold_out is None and not valid:
        # A curve is nothing but its scores; without one a counted model counts all the text.
        recipe = recipe.model_copy(update={"hold_out": CURVE_HOLDS_OUT})
    runs: list[OneRun] = []
    with claim(folder):
        _claim(folder, place, force=running.force, resume=running.resume)
        for rows, seed in ((rows, seed) for rows in plan.sizes for seed in plan.seeds):
            one = place / _name(rows, seed)
            again = running.resume and (work_folder(one).exists() or (one / MANIFEST).exists())
            if not (again and not work_folder(one).exists()):
                train_recipe(
                    _of_run(recipe, rows, seed, plan.seeds[0]),
                    paths,
                    folder=one,
                    valid=valid,
                    init=init,
                    running=replace(running, force=False, resume=again),
                )
            with reading_back("the run is whole; --resume goes on"):
                runs.append(OneRun.of(one, seed, rows))
            if runs[-1].stopped == "interrupted":
                break
        found = Several(tuple(runs), _best(runs), folder)
        summary = json.dumps(found.to_json(), ensure_ascii=False, indent=1) + "\n"
        write_text(place / SUMMARY, summary)
        keep(found.kept.folder, folder)
    return found


def _of_run(recipe: Recipe, rows: int | None, seed: int, first: int) -> Recipe:
    chosen = first if recipe.hold_out_seed is None else recipe.hold_out_seed
    drawn = {} if rows is None else {"train_rows": rows}
    return recipe.model_copy(update={"seed": seed, "hold_out_seed": chosen, **drawn})


def _name(rows: int | None, seed: int) -> str:
    return f"seed-{seed}" if rows is None else f"rows-{rows}-seed-{seed}"


def _claim(folder: Path, place: Path, *, force: bool, resume: bool) -> None:
    if resume:
        return
    check_free(folder, force=force)
    if place.exists() and not force:
        message = f"{place}: earlier runs are there; --resume goes on, --force starts over"
        raise InputError(message)
    with writing(place):
        if place.exists():
            check_ours(place)
            remove_whole(place)
        place.mkdir(parents=True)


def _best(runs: Sequence[OneRun]) -> OneRun:
    most = max(run.trained_on for run in runs)
    full = [run for run in runs if run.trained_on == most]
    return min(full, key=lambda run: 0.0 if run.validation is None else run.validation)


def keep(source: Path, folder: Path) -> None:
    """Copy a model's folder aside and rename it, so that there is never half a model."""
    place = place_of(folder)
    aside = temporary_beside(place)
    with writing(folder, f"the model stands at {source}"):
        try:
            shutil.copytree(source, aside)
            sync_all(aside)
            move_into_place(aside, place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
