"""The one way from data to a model, for programs and the command line: train, evaluate, load."""

import json
import shutil
import warnings
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, cast

from munmaek.choosing import choose
from munmaek.errors import ConfigError, InputError, MunmaekWarning, explaining_missing_torch
from munmaek.fit.config import MAY_CHANGE
from munmaek.fit.devices import usable_device
from munmaek.fit.extra import Extra
from munmaek.fit.loggers import Logger, TensorBoard, loggers_of, telling
from munmaek.fit.ranks import leads
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import USUAL, Run, Running
from munmaek.fit.trained import Trained
from munmaek.folder.ownership import check_ours
from munmaek.folder.writing import check_free
from munmaek.models import stage_named
from munmaek.planning.making import planner_of
from munmaek.tasks import Task, task_named, tasks
from munmaek.tasks.evaluation import Evaluation
from munmaek.tasks.loading import load
from munmaek.tasks.optioned import keys_of, options_of, sources_for, unknown_option
from munmaek.tasks.work import Measured
from munmaek.terminal import watched
from munmaek.text.json_files import read_json_object
from munmaek.text.memory import Sources, are_paired
from munmaek.text.sources import encoded
from munmaek.writing import beside, claim, reading_back, remove_whole, write_text, writing

__all__ = [
    "evaluate",
    "keys_of",
    "load",
    "measure",
    "options_of",
    "sources_for",
    "train",
    "train_recipe",
    "work_folder",
]

NOTHING_MORE: Final = Extra()


@explaining_missing_torch()
def train(
    task: str,
    *data: Any,
    model: str | None = None,
    valid: Any = None,
    init: Trained | Path | str | None = None,
    save: Path | str | None = None,
    force: bool = False,
    device: str = "auto",
    log_to: Any = None,
    **options: Any,
) -> Any:
    """Train a model on data that a program holds or on files, evaluate it and return it.

    Data in memory are a list of texts; texts and labels, or the columns of the task one after the
    other; a list of rows, as tuples or dicts; a dict of columns; a data frame of pandas or Polars,
    an Arrow table, a ``datasets.Dataset``. Files are given by name, one after the other, and may be
    all that ``munmaek train`` reads.

    Args:
        task: ``lm``, ``classify``, ``regress``, ``tag``, ``translate``, ``mlm``, ``embed``.
        data: what to train on.
        model: the stage: ``ngram``, ``rnn``, ``attention``, ``transformer``, ``bert`` and so on;
            None tries those that suit the task within ``budget`` and returns the best, or what is
            mixed of them, with the table ``info.training["tried"]``.
        valid: validation data of the same kinds, columns as a tuple; without it some of the data is
            held out where the model needs it.
        init: a trained model, or its folder, to begin from.
        save: folder for the model; without it the model is in memory alone, and ``save`` writes it.
        force: replace what is at ``save``.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the fastest there is.
        log_to: ``tensorboard``, ``mlflow``, ``wandb``, an object with the methods of
            ``munmaek.Logger``, or a list of these, that follow the run.
        options: options of the task, the stage and the training loop by their names, such as
            ``epochs=5`` or ``hidden_size=64``; or those of the stage as ``model_options={...}`` and
            those of the loop as ``train_options={...}``.

    Returns:
        The trained model: a ``TrainedLanguageModel``, ``Classifier``, ``Regressor``, ``Tagger``,
        ``Translator`` or ``Encoder``, whose ``info.scores`` are those of the validation data.

    Raises:
        InputError: data that cannot be used, with its row or line; or ``save`` exists.
        ConfigError: an option that there is not, or a value out of range.
        UnsupportedError: a stage that cannot do the task.
    """
    row = task_named(task)
    sources = sources_for(row, data)
    values, extra = options_of(row, model, options)
    if are_paired(sources) and "pairs" in row.recipe_class().model_fields:
        values.setdefault("pairs", True)
    held = () if valid is None else sources_for(row, valid)
    if model is None:
        return _chosen(row, sources, values, held, (init, save, force, device, log_to, extra))
    recipe = row.recipe_class().of(values, where="the options")
    with watched(f"{recipe.stage} ({task})") as report:
        return train_recipe(
            recipe,
            sources,
            folder=None if save is None else Path(save),
            valid=held,
            init=init,
            extra=extra,
            running=Running(
                force=force,
                device="cpu" if recipe.is_counted else usable_device(device),
                report=report,
                log_to=log_to,
            ),
        )


def _chosen(
    task: Task,
    sources: Sources,
    values: Mapping[str, Any],
    held: Sources,
    how: tuple[Any, Path | str | None, bool, str, Any, Extra],
) -> Any:
    """Return the best model of no stage that is named; ``how`` are the options of ``train``.

    Raises:
        ConfigError: what goes with a named stage alone is given.
    """
    init, save, force, device, log_to, extra = how
    for name, each in {"init": init, "log_to": log_to, **dict.fromkeys(extra.given, True)}.items():
        if each:
            message = f"{name} goes with a stage that is named; give model too"
            raise ConfigError(message)
    with watched(task.name) as report:
        running = Running(force=force, device=usable_device(device), report=report)
        place = None if save is None else Path(save)
        return choose(task.name, sources, values, folder=place, valid=held, running=running).model


def evaluate(model: Any, *data: Any, **options: Any) -> Evaluation:
    """Measure a model on data of its task, in memory or in files.

    Args:
        model: a trained model, or its folder.
        data: as ``train`` takes it.
        options: what ``munmaek evaluate`` has for the task, such as ``beam=1`` of a translator,
            ``worst=20`` or ``against=FOLDER``.

    Returns:
        Each score by its name, with its 95 % interval and its signature; ``tables``, ``worst``,
        ``against`` and more of it are what is behind them.

    Raises:
        InputError: data that cannot be used, with its row or line.
        ConfigError: an option that the task has not.
        ArtefactError: no model there.
    """
    place = Path(model) if isinstance(model, str | Path) else None
    trained: Any = model if place is None else load(place)
    row = task_named(trained.info.task)
    sources = sources_for(row, data)
    if are_paired(sources) and "pairs" in row.asked_class().model_fields:
        options.setdefault("pairs", True)
    return Evaluation(measure(trained, sources, place=place, **options))


def measure(
    model: Trained,
    sources: Sources,
    *,
    place: Path | None = None,
    whole: bool = False,
    **options: Any,
) -> Measured:
    """Return all that an evaluation says of a model: scores, findings, and what else is asked for.

    Args:
        model: a trained model.
        sources: files, or tables in memory.
        place: its folder, for names in what is measured.
        whole: measure too what is shown to machines alone.
        options: of the task's evaluation.

    Raises:
        InputError: data that cannot be used, with its row or line.
        ConfigError: an option that the task has not; names the tasks that have.
    """
    task = task_named(model.info.task)
    kind = task.asked_class()
    for name in options.keys() - kind.model_fields.keys():
        able = [
            f"'{each.name}'" for each in tasks().values() if name in each.asked_class().model_fields
        ]
        if not able:
            raise ConfigError(unknown_option(name, [*kind.model_fields]))
        message = (
            f"--{name.replace('_', '-')} is for models for {', '.join(able)}, this is one for "
            f"'{task.name}'"
        )
        raise ConfigError(message)
    asked = kind.of({**options, "place": place, "whole": whole}, where="the options")
    return task.loaded().evaluate(model, encoded(sources, asked.encoding), asked)


def work_folder(folder: Path) -> Path:
    """Return where a run keeps its checkpoints and log until the model is done: ``DIR.partial``."""
    return beside(folder, ".partial")


def train_recipe(
    recipe: Recipe,
    paths: Sources,
    *,
    folder: Path | None,
    valid: Sources = (),
    init: Trained | Path | str | None = None,
    extra: Extra = NOTHING_MORE,
    running: Running = USUAL,
) -> Any:
    """Train what a recipe says, evaluate it on the validation data and save it.

    While it runs, ``DIR.partial`` holds the checkpoints, so that the same call with ``resume`` goes
    on after an interruption. A run that is stopped is evaluated and saved like a finished one, and
    can still be resumed.

    Args:
        recipe: what to train.
        paths: the training data: files, or tables in memory.
        folder: where the model is to be; None saves nothing.
        valid: the validation data; none holds some of the training data out, where the model needs
            validation or the recipe says how much.
        init: a trained model, or its folder, to begin from; its tokenizer is taken too. Of a model
            for n-grams, which are counted, the tokenizer alone.
        extra: what is trained on besides.
        running: how the call is carried out.

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
    if init is not None and recipe.small_enough_to_see:
        message = (
            "--small-enough-to-see: what this begins from has sizes and a tokenizer of its own; "
            "leave it or --init out"
        )
        raise ConfigError(message)
    task = task_named(recipe.task)
    task.check_extra(extra)
    with telling(_loggers(recipe, folder, running), recipe.model_dump(mode="json")) as take:
        model = _train(task, recipe, paths, folder, (valid, init, extra, running))
        take(model.info.scores)
    return model


def _loggers(recipe: Recipe, folder: Path | None, running: Running) -> tuple[Logger, ...]:
    """Return those that follow the run, in the process that leads."""
    found = loggers_of(running.log_to, None if folder is None else work_folder(folder))
    if recipe.is_counted and any(isinstance(each, TensorBoard) for each in found):
        raise ConfigError("--log-to tensorboard: n-grams are counted in one go, with no curve")
    return found if leads() else ()


def _train(
    task: Task,
    recipe: Recipe,
    paths: Sources,
    folder: Path | None,
    beside: tuple[Sources, Trained | Path | str | None, Extra, Running],
) -> Any:
    """Train and save; ``beside`` are validation data, beginning, what is trained on besides."""
    valid, init, extra, running = beside
    work, force, resume = task.loaded(), running.force, running.resume
    paths, valid = encoded(paths, recipe.encoding), encoded(valid, recipe.encoding)
    if init is None:
        _check_resumable(folder, resume=resume)
        written = work.write(
            paths, valid, recipe, extra, folder=folder, force=force, report=running.report
        )
        if written is not None:
            return written
    with _arithmetic(recipe), _working(recipe, folder, force=force, resume=resume) as files:
        before = load(init) if isinstance(init, str | Path) else init
        if before is not None and recipe.is_counted:
            message = (
                "--init: n-grams are counted, so that only the tokenizer of the other model is "
                "taken over; --tokenizer says the same"
            )
            warnings.warn(message, MunmaekWarning, stacklevel=2)
        run = Run(
            running.device,
            files,
            resume,
            before,
            running.report,
            running.should_stop,
            running.clock,
            planner_of(files, running, resume=resume),
            cached=running.cached,
        )
        model = work.train(paths, valid, recipe, run, extra)
        if folder is not None and files is not None and leads():
            model.save(folder, force=force or resume, beside=_records(files))
            _close(files, finished=model.info.training.get("stopped") != "interrupted")
    return model


def _arithmetic(recipe: Recipe) -> AbstractContextManager[Any]:
    """Return how numbers are computed with: networks flush subnormal ones, for they are slow."""
    if recipe.is_counted:
        return nullcontext()
    from munmaek.fit.precision import flushing_subnormals

    return flushing_subnormals()


def _check_resumable(folder: Path | None, *, resume: bool) -> None:
    if resume and folder is not None and folder.exists() and not work_folder(folder).exists():
        message = f"{folder}: its training is finished, so there is nothing to resume"
        raise InputError(message)


@contextmanager
def _working(
    recipe: Recipe, folder: Path | None, *, force: bool, resume: bool
) -> Generator[Path | None]:
    """Hold the folder and what goes with it, in the one process that writes; yield the latter."""
    if folder is None or not leads():
        yield None if folder is None else work_folder(folder)
        return
    with claim(folder):
        work = _claim(folder, recipe, force=force, resume=resume)
        try:
            yield work
        except BaseException:
            _abandon(work)
            raise


def _claim(folder: Path, recipe: Recipe, *, force: bool, resume: bool) -> Path:
    """Make sure that nothing of value is in the way, before any work is done."""
    work = work_folder(folder)
    _check_resumable(folder, resume=resume)
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
        with reading_back("--resume goes on"):
            then = {**_usual(recipe), **read_json_object(path)}
        for name in now:
            before, after = (_lasting(name, each.get(name)) for each in (then, now))
            if before != after:
                message = (
                    f"--resume: the interrupted run had {name} = {before!r}, now {after!r}; "
                    "give the same command, or --force to start over"
                )
                raise InputError(message)
    write_text(path, json.dumps(now, ensure_ascii=False, indent=2) + "\n")


def _usual(recipe: Recipe) -> dict[str, Any]:
    """Return the defaults of options that a run of an earlier version did not have yet."""
    fields = type(recipe).model_fields
    return {name: each.get_default() for name, each in fields.items() if not each.is_required()}


def _lasting(name: str, value: Any) -> Any:
    """Return what of an option must be the same when a run goes on."""
    if name != "train":
        return value
    options = cast("dict[str, Any]", value if isinstance(value, dict) else {})
    return {option: each for option, each in options.items() if option not in MAY_CHANGE}


def _abandon(work: Path) -> None:
    """Leave nothing behind of a run that failed before there was anything to resume."""
    if not any(work.glob("checkpoints/*")):
        shutil.rmtree(work, ignore_errors=True)


def _records(work: Path) -> dict[str, Path]:
    """Return what a run wrote about itself, which its model keeps."""
    return {name: work / name for name in ("log.jsonl", "tensorboard") if (work / name).exists()}


def _close(work: Path, *, finished: bool) -> None:
    if finished:
        with writing(work, "the model itself is whole"):
            remove_whole(work)
