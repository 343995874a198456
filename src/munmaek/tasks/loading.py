"""From a folder back to the model that was saved there; n-grams come without torch."""

from pathlib import Path
from typing import Any

from munmaek.errors import ArtefactError, UnsupportedError, explaining_missing_torch
from munmaek.fit.trained import Trained
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST, check_not_lost
from munmaek.tasks import task_named, tasks
from munmaek.tasks.connection import Address, is_address
from munmaek.tasks.records import read_record
from munmaek.tasks.work import Work

__all__ = ["is_published", "load", "load_for"]


def is_published(path: Path) -> bool:
    """Return whether a folder has the form that others publish, and no manifest of ours."""
    theirs = any((path / name).is_file() for name in ("config.json", "modules.json"))
    return theirs and not (path / MANIFEST).is_file()


@explaining_missing_torch()
def load(folder: Path | str | Address, *, token: str | None = None) -> Trained:
    """Load the trained model in ``folder``, ready to use on the processor.

    A folder in Hugging Face's form (BERT, RoBERTa, ELECTRA, DistilBERT), or one of
    sentence-transformers, is opened as it is. The address of ``munmaek serve``, ``http://host:port``
    or ``http://host:port/NAME``, gives a model that is asked there.

    Args:
        folder: the folder, or the address.
        token: lets in to a server; None is that of the variable ``MUNMAEK_TOKEN``.

    Raises:
        ArtefactError: no model there, a newer format, or files missing, truncated or altered.
        UnsupportedError: it needs an extra or a stage that is not installed.
        ConfigError: no such model on the server, or a token that it does not know.
        ServerError: the server is not reached.
    """
    if is_address(folder):
        return _served(folder, token)
    path = Path(str(folder))
    if is_published(path):
        check_not_lost(path)
        return _adopted(path)
    manifest = read_record(path)
    try:
        info = Info.from_json(manifest)
        return _work_of(path, info).restore(path, manifest, info)
    except KeyError as error:
        message = f"{path / MANIFEST}: damaged (no {error} in it); train or copy the model again"
        raise ArtefactError(message) from error


def _served(place: Any, token: str | None, *names: str) -> Any:
    from munmaek.tasks.remote import open_remote

    return open_remote(place if isinstance(place, Address) else Address(place, token), *names)


def load_for(folder: Path | str | Address, *names: str, what: str = "") -> Any:
    """Open a model for a use that needs the answer of a task.

    Args:
        folder: of the model, or its address.
        names: the tasks whose answers will do, also from models of others that give them.
        what: names the use; by default the first task's verb.

    Raises:
        UnsupportedError: the model gives another answer.
        ArtefactError: as ``load``.
    """
    rows = [task_named(name) for name in names]
    model: Any = _served(folder, None, *names) if is_address(folder) else load(folder)
    able = dict.fromkeys(name for row in rows for name in (row.name, *row.also))
    if model.info.task not in able:
        wanted = " or ".join(f"'{name}'" for name in able)
        use = what or rows[0].verb
        message = f"{folder}: a model for '{model.info.task}'; {use} needs {wanted}"
        raise UnsupportedError(message)
    return model


def _work_of(path: Path, info: Info) -> Work[Any, Any, Any]:
    row = tasks().get(info.task)
    if row is None:
        message = f"{path}: munmaek {info.version} knows no task '{info.task}'; upgrade munmaek"
        raise ArtefactError(message)
    return row.loaded()


def _adopted(path: Path) -> Trained:
    """Return a published folder as the model of the first task that its head belongs to."""
    from munmaek.exchange.checkpoint import open_checkpoint

    opened = open_checkpoint(path)
    for row in tasks().values():
        if (model := row.loaded().adopt(opened)) is not None:
            return model
    message = f"{path}: a head for '{opened.head}', which no task reads"
    raise ArtefactError(message)
