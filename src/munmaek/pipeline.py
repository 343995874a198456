"""The whole way of the data on one screen: files → tokens → network → evaluated, saved model."""

import json
import shutil
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from munmaek.errors import InputError, MunmaekWarning
from munmaek.fit.config import MAY_CHANGE
from munmaek.fit.examining import with_finding
from munmaek.fit.extra import Extra
from munmaek.fit.ranks import leads
from munmaek.fit.recipe import Recipe, validation_roles
from munmaek.fit.record import Progress
from munmaek.fit.running import Run
from munmaek.fit.trained import Trained
from munmaek.folder.ownership import check_ours
from munmaek.folder.writing import check_free
from munmaek.models import stage_named
from munmaek.tasks import task_named
from munmaek.tasks.loading import load
from munmaek.text.json_files import read_json_object
from munmaek.writing import beside, claim, remove_whole, write_text, writing

__all__ = [
    "train",
    "work_folder",
]

Paths = Sequence[str | Path]

NOTHING_MORE: Final = Extra()


def work_folder(folder: Path) -> Path:
    """Where a run keeps its checkpoints and log until the model is done: ``DIR.partial``."""
    return beside(folder, ".partial")


def train(
    recipe: Recipe,
    paths: Paths,
    *,
    folder: Path,
    valid: Paths = (),
    init: Path | None = None,
    force: bool = False,
    resume: bool = False,
    device: str = "cpu",
    extra: Extra = NOTHING_MORE,
    report: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train, evaluate on the validation data and save.

    While it runs, ``DIR.partial`` holds the checkpoints, so that the same call with ``resume`` goes
    on after an interruption. A run that is stopped is evaluated and saved like a finished one, and
    can still be resumed.

    Args:
        recipe: what to train.
        paths: the training data; two files for a translator.
        folder: where the model is to be.
        valid: the validation data; none holds some of the training data out, where the model needs
            validation or the recipe says how much.
        init: a trained model to begin from; its tokenizer is taken too. Of a model for n-grams,
            which are counted, the tokenizer alone.
        force: replace what is at ``folder``, and an interrupted run.
        resume: go on with an interrupted run; how long it lasts may differ.
        device: ``cpu``, ``cuda`` or ``mps``.
        extra: what is trained on besides.
        report: told of every step that is worth telling.
        should_stop: asked after every step.

    Raises:
        InputError: data that cannot be used, or ``folder`` exists.
        ConfigError: an option that cannot be used.
        UnsupportedError: a stage that cannot do the task.
        TrainingError: the loss is no number.
        DiskError: the disk is full; the last checkpoint is whole.
    """
    stage_named(recipe.stage).network_class(recipe.task)
    recipe.stage_config()
    recipe.train_config()
    work = work_folder(folder)
    with _flushing(recipe), _working(recipe, folder, force=force, resume=resume):
        before = None if init is None else load(init)
        if before is not None and recipe.stage == "ngram":
            message = (
                "--init: n-grams are counted, so that only the tokenizer of the other model is "
                "taken over; --tokenizer says the same"
            )
            warnings.warn(message, MunmaekWarning, stacklevel=2)
        run = Run(device, work, resume, before, report, should_stop)
        model = _fit(recipe, paths, valid, run, extra)
        if leads():
            model.save(folder, force=force or resume, beside=_records(work))
            _close(work, finished=model.info.training.get("stopped") != "interrupted")
    return model


def _flushing(recipe: Recipe) -> AbstractContextManager[None]:
    """Flush subnormal numbers, from before a network's first work; counting needs no torch."""
    if recipe.is_counted:
        return nullcontext()
    from munmaek.fit.precision import flushing_subnormals

    return flushing_subnormals()


@contextmanager
def _working(recipe: Recipe, folder: Path, *, force: bool, resume: bool) -> Generator[None]:
    """Hold the folder and what goes with it, in the one process that writes."""
    if not leads():
        yield
        return
    with claim(folder):
        work = _claim(folder, recipe, force=force, resume=resume)
        try:
            yield
        except BaseException:
            _abandon(work)
            raise


def _claim(folder: Path, recipe: Recipe, *, force: bool, resume: bool) -> Path:
    """Make sure that nothing of value is in the way, before any work is done."""
    work = work_folder(folder)
    if resume and not work.exists() and folder.exists():
        message = f"{folder}: its training is finished, so there is nothing to resume"
        raise InputError(message)
    if work.exists() and not (force or resume):
        message = f"{work}: an interrupted run is there; --resume goes on, --force starts over"
        raise InputError(message)
    if not resume:
        check_free(folder, force=force)
    with writing(work):
        if work.exists() and not resume:
            check_ours(work)
            remove_whole(work)
        work.mkdir(parents=True, exist_ok=True)
    _same_recipe(work / "recipe.json", recipe)
    return work


def _same_recipe(path: Path, recipe: Recipe) -> None:
    """Keep the recipe at ``path``, unless that of another run is there."""
    now = recipe.model_dump(mode="json")
    if path.exists():
        then = read_json_object(path)
        for name in now:
            before, after = (_lasting(name, each.get(name)) for each in (then, now))
            if before != after:
                message = (
                    f"--resume: the interrupted run had {name} = {before!r}, now {after!r}; "
                    "give the same command, or --force to start over"
                )
                raise InputError(message)
    write_text(path, json.dumps(now, ensure_ascii=False, indent=2) + "\n")


def _lasting(name: str, value: Any) -> Any:
    """What of an option must be the same when a run goes on."""
    if name != "train":
        return value
    options = cast("dict[str, Any]", value if isinstance(value, dict) else {})
    return {option: each for option, each in options.items() if option not in MAY_CHANGE}


def _abandon(work: Path) -> None:
    """Leave nothing behind of a run that failed before there was anything to resume."""
    if not any(work.glob("checkpoints/*")):
        shutil.rmtree(work, ignore_errors=True)


def _records(work: Path) -> dict[str, Path]:
    """What a run wrote about itself, which its model keeps."""
    return {name: work / name for name in ("log.jsonl", "tensorboard") if (work / name).exists()}


def _close(work: Path, *, finished: bool) -> None:
    if finished:
        with writing(work, "the model itself is whole"):
            remove_whole(work)


def _fit(recipe: Recipe, paths: Paths, valid: Paths, run: Run, extra: Extra) -> Trained:
    """Read, prepare, fit and validate, each as the task does it."""
    task = task_named(recipe.task)
    task.check_extra(extra)
    work = task.loaded()
    corpus = work.read(paths, recipe)
    held = work.read_validation(valid, recipe) if valid else None
    prepared = work.prepare(corpus, held, recipe, init=run.init, extra=extra)
    model = work.fit(prepared, recipe, run)
    measured = work.validate(model, prepared)
    if measured is None:
        return model
    info = model.info
    for each in measured.findings:
        info = with_finding(info, each)
    return replace(model, info=info.with_scores(measured.scores, roles=validation_roles(recipe)))
