"""The record of a saved model, ``munmaek.json``, with the fields that its task has."""

from pathlib import Path
from typing import Any

from munmaek.folder.info import MIXTURE
from munmaek.folder.manifest import MANIFEST, read_manifest
from munmaek.folder.schema import check_manifest
from munmaek.tasks import tasks

__all__ = ["read_record"]


def read_record(folder: Path) -> dict[str, Any]:
    """Return the manifest, checked whole, its files too, before anything is built of it.

    A task that is not known is let through: whoever opens the model says so.

    Raises:
        ArtefactError: as ``munmaek.folder.manifest.read_manifest``, and where a field of the task's
            own is missing, of another type or out of range; names the first.
    """
    record = read_manifest(folder)
    row = tasks().get(record["task"])
    if row is not None:
        schema = row.manifest_class(mixed=record["stage"] == MIXTURE)
        check_manifest(record, schema, where=str(folder / MANIFEST))
    return record
