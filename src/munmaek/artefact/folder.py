"""A model is a folder, readable by others, never pickle.

``munmaek.json`` names the format version, the task, the stage and the sha256 of every other file.
The folder is written aside and renamed, so that a crash leaves the old one whole.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, final

from munmaek.errors import ArtefactError, DiskError, InputError

__all__ = [
    "FORMAT",
    "MANIFEST",
    "NewFolder",
    "check_free",
    "new_folder",
    "read_manifest",
    "verify_files",
    "write_folder",
    "write_text",
]

FORMAT = 1
MANIFEST = "munmaek.json"
_HASHED_AT_ONCE = 16 << 20
"""Bytes of tables of n-grams whose sha256 is checked each time they are opened, at most."""


def check_free(folder: Path, *, force: bool) -> None:
    """Refuse to overwrite.

    Raises:
        InputError: something is at ``folder`` and ``force`` is false, or what is there is not a
            model or an empty folder, which not even ``force`` removes.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not force:
        message = f"{folder}: already exists; choose another -o, or --force to replace it"
        raise InputError(message)
    if not folder.is_dir() or not any(any(folder.glob(name)) for name in _OURS):
        message = f"{folder}: exists and was not made by munmaek, so --force does not remove it"
        raise InputError(message)


# A comparison that was stopped has its models, but no results yet.
_OURS = (MANIFEST, "results.json", f"models/*/{MANIFEST}")


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


@final
class NewFolder:
    """A model's folder while its files are written, aside."""

    def __init__(self, folder: Path, aside: Path) -> None:
        """Nothing is written yet."""
        self._folder, self._aside = folder, aside
        self._hashes: dict[str, str | None] = {}

    def write(self, name: str, write: Callable[[Path], str | None]) -> None:
        """Have a file written, as ``write_folder`` says; several threads may, each its own."""
        self._hashes[name] = write(self._aside / name)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest and put the folder in its place."""
        # A part that is a folder itself has a manifest of its own.
        hashes = {
            name: _describe(self._aside / name, sha256)
            for name, sha256 in sorted(self._hashes.items())
            if (self._aside / name).is_file()
        }
        content = {"format": FORMAT, **manifest, "files": hashes}
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (self._aside / MANIFEST).write_text(text + "\n", encoding="utf-8")
        self._aside.chmod(0o755)
        _replace(self._aside, self._folder)


@contextmanager
def new_folder(folder: Path, *, force: bool = False) -> Generator[NewFolder]:
    """A folder to write a model into; unless it is finished, nothing is left of it.

    Raises:
        InputError: ``folder`` exists and ``force`` is false.
        DiskError: the disk is full or the place cannot be written; what was there is whole.
    """
    check_free(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _disk(folder, error) from error
    try:
        yield NewFolder(folder, aside)
    except OSError as error:
        raise _disk(folder, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _replace(aside: Path, folder: Path) -> None:
    if not folder.exists():
        aside.rename(folder)
        return
    old = folder.with_name(f".{folder.name}-old-{os.getpid()}")
    folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _disk(place: Path, error: OSError) -> DiskError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    message = f"{place}: cannot write: {reason}; nothing there was changed"
    return DiskError(message)


def write_text(path: Path, text: str) -> None:
    """Write a text file aside and rename it.

    Raises:
        DiskError: the disk is full or the place cannot be written; what was there is whole.
    """
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise _disk(path, error) from error
    finally:
        aside.unlink(missing_ok=True)


def _describe(path: Path, sha256: str | None = None) -> dict[str, Any]:
    return {"sha256": sha256 or _sha256(path), "bytes": path.stat().st_size}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, after the files it names have been checked.

    All are there and of the right size, and their sha256 is right. Large tables of n-grams are the
    exception: they are memory-mapped, so that a model of any size opens at once, and only
    ``verify`` reads them whole. Queries stay within tables that were altered, but may be wrong.

    Raises:
        ArtefactError: no model there, a newer format, or a file missing, truncated or altered.
    """
    path = folder / MANIFEST
    if not path.is_file():
        what = "no such folder" if not folder.exists() else f"no {MANIFEST} in it"
        message = f"{folder}: not a munmaek model: {what}"
        raise ArtefactError(message)
    manifest = _parse(path)
    made = manifest.get("format")
    if not isinstance(made, int) or made > FORMAT:
        message = (
            f"{folder}: format {made} is newer than {FORMAT}, the newest known; upgrade munmaek"
        )
        raise ArtefactError(message)
    for name, wanted in _files(manifest).items():
        large = name.endswith(".safetensors") and wanted["bytes"] > _HASHED_AT_ONCE
        _check(folder / name, wanted, whole=not (large and manifest.get("stage") == "ngram"))
    return manifest


def verify_files(folder: Path) -> None:
    """Check the sha256 of every file of a model.

    Raises:
        ArtefactError: no model there, a newer format, or a file missing, truncated or altered.
    """
    for name, wanted in _files(read_manifest(folder)).items():
        _check(folder / name, wanted, whole=True)


def _files(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", manifest.get("files", {}))


def _parse(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: damaged ({error}); train or copy the model again"
        raise ArtefactError(message) from error
    if not isinstance(manifest, dict):
        message = f"{path}: damaged (not an object); train or copy the model again"
        raise ArtefactError(message)
    return cast("dict[str, Any]", manifest)


def _check(path: Path, wanted: dict[str, Any], *, whole: bool) -> None:
    if not path.is_file():
        message = f"{path}: missing from the model; copy the folder again"
        raise ArtefactError(message)
    size = path.stat().st_size
    if size != wanted["bytes"]:
        message = (
            f"{path}: truncated or altered: {size} bytes, {wanted['bytes']} wanted; copy it again"
        )
        raise ArtefactError(message)
    if whole and _sha256(path) != wanted["sha256"]:
        message = f"{path}: altered: its sha256 is not the one in {MANIFEST}; copy the folder again"
        raise ArtefactError(message)
