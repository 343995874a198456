"""A model is a folder, readable by others, never pickle.

``munmaek.json`` names the format version, the task, the stage and the sha256 of every other file;
``munmaek.folder.manifest`` reads it. The folder is written aside and renamed, so that a crash
leaves the old one whole.
"""

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, final

from munmaek.errors import ArtefactError, DiskError
from munmaek.folder.manifest import MANIFEST, describe_file, file_names, render_manifest
from munmaek.folder.ownership import check_free
from munmaek.writing import (
    claim,
    move_into_place,
    place_of,
    sync_all,
    temporary_beside,
    writing,
)

__all__ = [
    "NOTHING_BESIDE",
    "NewFolder",
    "check_free",
    "copies_of",
    "new_folder",
    "write_folder",
]

NOTHING_BESIDE: Mapping[str, Path] = {}
"""No further file."""


def write_folder(
    folder: Path,
    *,
    files: Mapping[str, Callable[[Path], str | None]],
    manifest: Mapping[str, Any],
    force: bool = False,
) -> None:
    """Write every file and then the manifest, aside; then rename.

    Args:
        folder: where the model is to be.
        files: file name to a function that writes that file at the path it is given; it may give
            the sha256 of what it wrote, which is else computed from the file.
        manifest: what ``munmaek.json`` says besides the format and the hashes.
        force: replace what is there.

    Raises:
        InputError: ``folder`` exists and ``force`` is false.
        DiskError: the disk is full or the place cannot be written; what was there is whole.
    """
    with new_folder(folder, force=force) as new:
        for name, write in files.items():
            new.write(name, write)
        new.finish(manifest)


def copies_of(beside: Mapping[str, Path]) -> dict[str, Callable[[Path], None]]:
    """Return what writes copies of files and folders, by the names they are to have."""

    def write(old: Path, new: Path) -> None:
        copy = shutil.copytree if old.is_dir() else shutil.copyfile
        copy(old, new)

    return {name: partial(write, old) for name, old in beside.items()}


@final
class NewFolder:
    """A model's folder while its files are written, aside."""

    def __init__(self, folder: Path, aside: Path) -> None:
        """Keep where the model goes; nothing is written yet."""
        self._folder, self._aside = folder, aside
        self._hashes: dict[str, str | None] = {}

    def write(self, name: str, write: Callable[[Path], str | None]) -> None:
        """Have a file written, as ``write_folder`` says; several threads may, each its own."""
        self._hashes[name] = write(self._aside / name)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest and put the folder in its place."""
        try:
            hashes = {
                name: describe_file(self._aside / name, self._hashes.get(name))
                for name in file_names(self._aside)
            }
        except ArtefactError as error:  # what was just written cannot be read back
            raise DiskError(str(error)) from error
        text = render_manifest({**manifest, "files": hashes})
        (self._aside / MANIFEST).write_text(text, encoding="utf-8")
        sync_all(self._aside)
        move_into_place(self._aside, place_of(self._folder))


@contextmanager
def new_folder(folder: Path, *, force: bool = False) -> Generator[NewFolder]:
    """Make a folder to write a model into; unless it is finished, nothing is left of it.

    Raises:
        InputError: ``folder`` exists and ``force`` is false.
        DiskError: the disk is full or the place cannot be written; what was there is whole.
    """
    with claim(folder):
        check_free(folder, force=force)
        aside = temporary_beside(place_of(folder))
        try:
            with writing(folder):
                aside.mkdir()
                yield NewFolder(folder, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
