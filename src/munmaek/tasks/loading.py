"""From a folder back to the model that was saved there; n-grams come without torch."""

from pathlib import Path
from typing import Any

from munmaek.errors import ArtefactError, UnsupportedError, explaining_missing_torch
from munmaek.fit.trained import Trained
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST, check_not_lost, read_manifest
from munmaek.tasks import task_named, tasks
from munmaek.tasks.work import Work

__all__ = ["is_published", "load", "load_for"]


def is_published(path: Path) -> bool:
    """Return whether a folder has the form that others publish, and no manifest of ours."""
    theirs = any((path / name).is_file() for name in ("config.json", "modules.json"))
    return theirs and not (path / MANIFEST).is_file()


@explaining_missing_torch()
def load(folder: Path | str) -> Trained:
    """Load the trained model in ``folder``, ready to use on the processor.

    A folder in Hugging Face's form (BERT, RoBERTa, ELECTRA, DistilBERT), or one of
    sentence-transformers, is opened as it is.

    Raises:
        ArtefactError: no model there, a newer format, or files missing, truncated or altered.
        UnsupportedError: it needs an extra or a stage that is not installed.
    """
    path = Path(folder)
    if is_published(path):
        check_not_lost(path)
        return _adopted(path)
    manifest = read_manifest(path)
    try:
        info = Info.from_json(manifest)
        return _work_of(path, info).restore(path, manifest, info)
    except KeyError as error:
        message = f"{path / MANIFEST}: damaged (no {error} in it); train or copy the model again"
        raise ArtefactError(message) from error


def load_for(folder: Path | str, *names: str, what: str = "") -> Any:
    """Open a model for a use that needs the answer of a task.

    Args:
        folder: of the model.
        names: the tasks whose answers will do, also from models of others that give them.
        what: names the use; by default the first task's verb.

    Raises:
        UnsupportedError: the model gives another answer.
        ArtefactError: as ``load``.
    """
    rows, model = [task_named(name) for name in names], load(folder)
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
