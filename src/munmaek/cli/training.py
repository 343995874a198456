"""The work of ``munmaek train`` once its options are a recipe."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.cli.console import (
    seconds_text,
    size_text,
    write,
    write_json,
    write_message,
    write_warnings,
)
from munmaek.cli.evaluate import scores_json, write_scores
from munmaek.cli.labelled import sum_up_folds, sum_up_several
from munmaek.cli.stopping import INTERRUPTED, listening
from munmaek.fit.devices import joined, usable_device
from munmaek.models import stages
from munmaek.tasks import task_named
from munmaek.terminal import told

if TYPE_CHECKING:
    from munmaek.fit.running import Running

__all__ = ["Job", "forecast", "sum_up", "train_once", "train_several", "write_plan"]


NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Job:
    """One command's recipe, data and place of the result."""

    recipe: Any
    data: Sequence[str]
    folder: Path
    valid: Sequence[str]
    init: Path | None
    force: bool
    resume: bool
    device: str
    """The name that was asked for."""
    extra: Any
    """``munmaek.fit.extra.Extra``."""
    log_to: Sequence[str] | None = None
    engine: str | None = None
    """The engine to count on; None counts in this process."""
    cached: bool | None = None
    """Keep the tokens of a text in a file; None does where it is large."""


@contextmanager
def _at_work(job: Job) -> Generator["Running", None, None]:
    """Yield how the job is carried out: on which device, who is told, who may stop it."""
    from munmaek.fit.running import Running

    recipe = job.recipe
    chosen = "cpu" if recipe.is_counted else joined(usable_device(job.device))
    with listening() as stopper, told(f"{recipe.stage} ({recipe.task})") as tell:

        def should_stop() -> bool:
            stopper.running = True  # asked after every step, so there is something to save
            return stopper.asked

        running = Running(job.force, job.resume, chosen, tell, should_stop, job.log_to, write_plan)
        yield replace(running, cached=job.cached)


def write_plan(plan: Any) -> None:
    """Say what the budget chose, before the run begins."""
    from munmaek.fit.ranks import leads
    from munmaek.planning.said import language_here, paragraph

    if leads():
        write_message(paragraph(plan.to_json(), plan.stage, language_here()))


def train_folds(job: Job, folds: int, *, json: bool) -> None:
    """Test on each part of the data a model trained on the others, then train on all of it.

    Raises:
        SystemExit: it was stopped early.
    """
    from munmaek.folds import cross_validate

    with _at_work(job) as running:
        found = cross_validate(
            job.recipe,
            job.data,
            folds=folds,
            folder=job.folder,
            init=job.init,
            running=running,
        )
    if not json:
        sum_up_folds(found)
    if len(found.folds) < folds:
        write_message("stopped early; the same command with --resume goes on")
        raise SystemExit(INTERRUPTED)
    train_once(job, json=json, besides={"cross_validation": found.to_json()})


def train_once(job: Job, *, json: bool, besides: Mapping[str, Any] = NOTHING) -> None:
    """Train a model, save it and sum it up.

    Raises:
        SystemExit: it was stopped early, and saved.
    """
    from munmaek.fit.ranks import leads

    if job.recipe.is_counted:
        _say_compiling()
    with _at_work(job) as running:
        trained = _trained(job, replace(running, report=running.report if leads() else None))
    if not leads():
        return
    pairs = getattr(job.recipe, "pairs", False)
    sum_up(trained.info, job.folder, json=json, pairs=pairs, besides=besides)
    if trained.info.training.get("stopped") == "interrupted":
        write_message(
            f"stopped early; the same command with --resume goes on from {job.folder}.partial"
        )
        raise SystemExit(INTERRUPTED)


def _trained(job: Job, running: "Running") -> Any:
    """Train in this process, or on an engine."""
    if job.engine is not None:
        from munmaek.engines import train_on

        return train_on(
            job.engine,
            job.recipe,
            job.data,
            folder=job.folder,
            valid=job.valid,
            extra=job.extra,
            running=running,
        )
    from munmaek import pipeline

    return pipeline.train_recipe(
        job.recipe,
        job.data,
        folder=job.folder,
        valid=job.valid,
        init=job.init,
        extra=job.extra,
        running=running,
    )


def _say_compiling() -> None:
    """Say that the first count on a machine takes longer."""
    from munmaek.ngram.compiled import is_cached
    from munmaek.ngram.sorting import sort_grams

    if not is_cached(sort_grams.__module__):
        write_message("munmaek: compiling for this machine, once ...")


def train_several(
    job: Job, *, sizes: Sequence[int | None], seeds: Sequence[int], json: bool
) -> None:
    """Train once for each seed and each amount of data, and sum them up.

    Raises:
        SystemExit: it was stopped early.
    """
    from munmaek import several
    from munmaek.comparison.runs_page import write_runs_page

    with _at_work(job) as running:
        found = several.train_several(
            job.recipe,
            job.data,
            folder=job.folder,
            plan=several.Plan(seeds, sizes),
            valid=job.valid,
            init=job.init,
            running=running,
        )
    write_runs_page(found.to_json(), several.runs_folder(job.folder) / "report.html")
    sum_up_several(found, json=json)
    if found.interrupted:
        write_message("stopped early; the same command with --resume goes on")
        raise SystemExit(INTERRUPTED)


def forecast(job: Job, *, json: bool) -> None:
    """Write what a run would cost, after a few steps of it."""
    from dataclasses import asdict

    from munmaek import forecasting

    on = "cpu" if job.recipe.is_counted else usable_device(job.device)
    found = forecasting.forecast(
        job.recipe, job.data, valid=job.valid, init=job.init, extra=job.extra, device=on
    )
    if json:
        write_json(asdict(found))
        return
    write(f"parameters  {found.parameters:,}")
    write(f"memory      {size_text(found.memory)} of weights, gradients and moments")
    write(f"data        {found.tokens:,} tokens an epoch")
    write(f"speed       {found.tokens_per_second:,.0f} tokens/s, measured here on {on}")
    write(f"step        {found.step_seconds:.3f} s")
    write(f"time        {seconds_text(found.seconds)} for {found.epochs:.1f} epochs")
    for each in found.shares:
        write(
            f"{each.processes} processes {each.step_seconds:.3f} s a step, "
            f"{seconds_text(each.seconds)} in all; each has {size_text(each.memory)} and sends "
            f"{size_text(each.bytes_per_step)} a step"
        )


def unevaluated(info: Any) -> list[str]:
    """Return why there are no scores; nothing where there are some."""
    if info.scores:
        return []
    return [f"not evaluated: {task_named(info.task).loaded().unscored(info)}"]


def sum_up(
    info: Any,
    folder: Path,
    *,
    json: bool,
    pairs: bool = False,
    besides: Mapping[str, Any] = NOTHING,
) -> None:
    """Show scores, size and time of a model just made, and what one may do with it."""
    diagnosis = info.training.get("diagnosis", [])
    write_warnings(each["message"] for each in diagnosis if each["found"])
    if json:
        found = {"diagnosis": diagnosis} if diagnosis else {}
        told = scores_json(folder, info.task, info.scores)
        if plan := info.training.get("plan"):
            told["plan"] = plan
        told["remarks"] += unevaluated(info)
        write_json({**told, **found, **besides})
        return
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    row = stages().get(info.stage)  # a mixture has none
    kind = "n-grams" if row is not None and row.counted else "weights"
    write_scores(info.scores)
    for line in unevaluated(info):
        write(line)
    write(
        f"\n{folder}: {info.label}, {info.parameters:,} {kind}, {size_text(size)}, "
        f"trained in {seconds_text(info.seconds)}"
    )
    if (text := folder / "text.safetensors").exists():
        write_message(
            f"the training text is kept in it ({size_text(text.stat().st_size)}); --no-keep-text"
        )
    write_message("next:")
    for command in task_named(info.task).afterwards:
        if not (pairs and command.startswith("look")):  # which reads no pairs
            write_message(f"  munmaek {command.format(folder)}")
