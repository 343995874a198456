"""Loggers that follow a run: TensorBoard, MLflow, Weights & Biases, or one of your own.

A logger is told what is trained, then a line of numbers now and then, and at the end the scores.
"""

import os
import socket
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, cast, runtime_checkable

from munmaek.errors import ConfigError, UnsupportedError
from munmaek.writing import writing

__all__ = ["NAMES", "Logger", "TensorBoard", "current", "loggers_of", "telling"]

NAMES: Final = ("tensorboard", "mlflow", "wandb")
"""Names of the loggers that ``--log-to`` makes."""


@runtime_checkable
class Logger(Protocol):
    """Follows a run."""

    def start(self, recipe: Mapping[str, Any]) -> None:
        """Take all that was chosen of the model, before anything is read."""
        ...

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take numbers of the run after so many updates, as ``log.jsonl`` has them."""
        ...

    def finish(self, scores: Mapping[str, float]) -> None:
        """Take the scores on the validation data; none of a run that failed."""
        ...


_current: ContextVar[tuple[Logger, ...]] = ContextVar("loggers", default=())


def current() -> tuple[Logger, ...]:
    """Return the loggers of the run at hand."""
    return _current.get()


@contextmanager
def telling(
    loggers: Sequence[Logger], recipe: Mapping[str, Any]
) -> Generator[Callable[[Mapping[str, Any]], None]]:
    """Let loggers follow what runs inside; yield what takes the scores of the model's record."""
    scores: dict[str, float] = {}

    def take(found: Mapping[str, Any]) -> None:
        scores.update({name: float(each["value"]) for name, each in found.items()})

    started: list[Logger] = []
    token = _current.set(tuple(loggers))
    try:
        for each in loggers:
            each.start(recipe)
            started.append(each)
        yield take
    finally:
        _current.reset(token)
        for each in started:
            each.finish(scores)


def loggers_of(wanted: Any, folder: Path | None) -> tuple[Logger, ...]:
    """Return the loggers that names, loggers of one's own, or several of these stand for.

    Args:
        wanted: a name of ``NAMES``, a ``Logger``, or a list of such; None is none.
        folder: for what is written to files; None where nothing is saved.

    Raises:
        ConfigError: no name of a logger, and no logger.
    """
    if wanted is None:
        return ()
    listed = cast("Sequence[Any]", wanted) if isinstance(wanted, list | tuple) else [wanted]
    return tuple(_logger_of(each, folder) for each in listed)


def _logger_of(wanted: Any, folder: Path | None) -> Logger:
    if isinstance(wanted, str) and wanted in NAMES:
        if wanted == "tensorboard":
            if folder is None:
                raise ConfigError("log_to='tensorboard': it writes beside the model; give save=")
            return TensorBoard(folder / "tensorboard")
        return Mlflow() if wanted == "mlflow" else Wandb()
    if not isinstance(wanted, Logger) or isinstance(wanted, type):
        names = ", ".join(NAMES)
        message = f"--log-to {wanted}: there are {names}; or a logger with start, log and finish"
        raise ConfigError(message)
    return wanted


def _imported(module: str, name: str, extra: str) -> Any:
    """Return a module of an extra.

    Raises:
        UnsupportedError: it is not installed; says what to install.
    """
    try:
        return import_module(module)
    except ImportError as error:
        message = f"{name} is not installed: pip install 'munmaek[{extra}]'"
        raise UnsupportedError(message) from error


class TensorBoard:
    """Writes an event file of TensorBoard into a folder.

    Each line is written when it is told, so that a disk that fails is an error of the run;
    the writers of TensorBoard and PyTorch write in a thread of their own, and lose it there.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made with the first line."""
        self.folder = folder
        self._path: Path | None = None

    def start(self, recipe: Mapping[str, Any]) -> None:
        """Make sure that it is installed."""
        del recipe
        _board("record_writer")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write a scalar for each number.

        Raises:
            DiskError: the file cannot be written.
        """
        values = [{"tag": name, "simple_value": value} for name, value in metrics.items()]
        with writing(self.folder, "the last checkpoint stands; resume"):
            if self._path is None:
                self._path = self._begun()
            self._write(self._path, step=step, summary={"value": values})

    def _begun(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time():010.0f}.{socket.gethostname()}.{os.getpid()}"
        path = self.folder / f"{name}.{len(list(self.folder.glob(f'{name}.*')))}"
        self._write(path, file_version="brain.Event:2")
        return path

    def _write(self, path: Path, **fields: Any) -> None:
        event = _board("event").Event(wall_time=time.time(), **fields)
        with path.open("ab") as file:
            _board("record_writer").RecordWriter(file).write(event.SerializeToString())

    def finish(self, scores: Mapping[str, float]) -> None:
        """Leave the file as it is; what the model scores stands in its record."""
        del scores


def _board(part: str) -> Any:
    """Return TensorBoard's writer of records or its form of an event."""
    places = {
        "record_writer": "tensorboard.summary.writer.record_writer",
        "event": "tensorboard.compat.proto.event_pb2",
    }
    return _imported(places[part], "TensorBoard", "tensorboard")


class Mlflow:
    """Makes a run of MLflow, in the active experiment of the tracking server that is set."""

    def __init__(self) -> None:
        """Begin without a run."""
        self._mlflow: Any = None

    def start(self, recipe: Mapping[str, Any]) -> None:
        """Open a run, within an active one if there is one, with the recipe as parameters."""
        self._mlflow = _imported("mlflow", "MLflow", "mlflow")
        nested = self._mlflow.active_run() is not None
        self._mlflow.start_run(run_name=_title(recipe), nested=nested)
        self._mlflow.log_params({name: str(value)[:500] for name, value in _flat(recipe).items()})

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write numbers of a step."""
        self._mlflow.log_metrics(dict(metrics), step=step)

    def finish(self, scores: Mapping[str, float]) -> None:
        """Write the scores and end the run, as failed where there are none."""
        if scores:
            self._mlflow.log_metrics(dict(scores))
        self._mlflow.end_run(status="FINISHED" if scores else "FAILED")


class Wandb:
    """Makes a run of Weights & Biases, in the project of ``WANDB_PROJECT`` or ``munmaek``."""

    def __init__(self) -> None:
        """Begin without a run."""
        self._run: Any = None

    def start(self, recipe: Mapping[str, Any]) -> None:
        """Open a run with the recipe as its configuration."""
        wandb = _imported("wandb", "Weights & Biases", "wandb")
        project = None if wandb.Settings().project else "munmaek"
        options: dict[str, Any] = {"name": _title(recipe), "config": _flat(recipe)}
        self._run = wandb.init(project=project, reinit="create_new", **options)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write numbers of a step."""
        self._run.log(dict(metrics), step=step)

    def finish(self, scores: Mapping[str, float]) -> None:
        """Set the scores as the run's summary and end it, as failed where there are none."""
        self._run.summary.update(dict(scores))
        self._run.finish(exit_code=0 if scores else 1)


def _title(recipe: Mapping[str, Any]) -> str:
    return f"{recipe['task']}-{recipe['stage']}"


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe's options, those of its tables as ``model.dropout``."""
    out: dict[str, Any] = {}
    for name, value in recipe.items():
        if isinstance(value, Mapping) and name in ("model", "train"):
            table = cast("Mapping[str, Any]", value)
            out |= {f"{name}.{key}": each for key, each in table.items()}
        else:
            out[name] = value
    return out
