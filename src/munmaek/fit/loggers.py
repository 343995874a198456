"""Loggers that follow a run: TensorBoard, MLflow, Weights & Biases, or one of your own.

A logger is told what is trained, then a line of numbers now and then, and at the end the scores.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, cast, runtime_checkable

from munmaek.errors import ConfigError, UnsupportedError

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
    """Writes event files of TensorBoard into a folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made with the first line."""
        self.folder = folder
        self._writer: Any = None

    def start(self, recipe: Mapping[str, Any]) -> None:
        """Make sure that it is installed."""
        del recipe
        _imported("torch.utils.tensorboard", "TensorBoard", "tensorboard")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write a scalar for each number."""
        if self._writer is None:
            board = _imported("torch.utils.tensorboard", "TensorBoard", "tensorboard")
            self._writer = board.SummaryWriter(str(self.folder))
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def finish(self, scores: Mapping[str, float]) -> None:
        """Close the files; what the model scores stands in its record."""
        del scores
        if self._writer is not None:
            self._writer.close()
            self._writer = None


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
