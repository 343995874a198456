"""``munmaek.json``: what a folder holds, guarded by checksums, its own among them.

From format 2 on its last field, ``sha256``, is that of the file itself with zeros in its place, so
that no byte of it changes unseen, and ``files`` names every other file of the folder. A part of a
mixture is a folder with a manifest of its own; the outer one names that manifest.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ArtefactError
from munmaek.folder.schema import Manifest, check_manifest
from munmaek.models import stages
from munmaek.progress import followed
from munmaek.text.json_files import read_json_object

__all__ = [
    "FORMAT",
    "MANIFEST",
    "MARK",
    "check_not_lost",
    "describe_file",
    "file_names",
    "read_manifest",
    "render_manifest",
    "verify_files",
]

_BLOCK = 1 << 22
"""Bytes that are hashed at a time."""

FORMAT = 2
MANIFEST = "munmaek.json"
MARK: Mapping[str, Any] = {"munmaek_format": FORMAT}
"""A field of ``config.json`` that tells of a manifest, should the manifest be lost."""
_SEALED_FROM = 2
_HASHED_AT_ONCE = 16 << 20
"""Bytes of tables of n-grams whose sha256 is checked each time they are opened, at most."""
_ZEROS = "0" * 64
_LISTED = 3
"""Faults that a message names; the others it counts."""


def render_manifest(values: Mapping[str, Any]) -> str:
    """Return the text of ``munmaek.json``, sealed.

    Args:
        values: all that it says but its format and its seal; any that are there are replaced.
    """
    kept = {name: value for name, value in values.items() if name not in ("format", "sha256")}
    content = {"format": FORMAT, **kept, "sha256": _ZEROS}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    return _with_seal(text, _sha256_of(text))


def _with_seal(text: str, seal: str) -> str:
    """Return the text with another seal, which is the last of it."""
    before, found, after = text.rpartition('"sha256": "')
    return f"{before}{found}{seal}{after[len(seal) :]}"


def _sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def describe_file(path: Path, sha256: str | None = None) -> dict[str, Any]:
    """Return what the manifest says of a file; its sha256 is computed where it is not given."""
    return {"sha256": sha256 or _sha256(path), "bytes": path.stat().st_size}


def _sha256(path: Path) -> str:
    try:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            blocks = iter(lambda: file.read(_BLOCK), b"")
            size = path.stat().st_size
            for block in followed(blocks, "checking", total=size, size=len):
                digest.update(block)
        return digest.hexdigest()
    except (FileNotFoundError, PermissionError) as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ArtefactError(message) from error


def file_names(folder: Path) -> Iterator[str]:
    """Yield the names of all files of a folder but its manifest, in order.

    Of a folder within it that has a manifest of its own, that manifest alone.
    """
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            inner = [MANIFEST] if (path / MANIFEST).is_file() else file_names(path)
            yield from (f"{path.name}/{name}" for name in inner)
        elif path.name != MANIFEST:
            yield path.name


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest, after it and the files that it names have been checked.

    All are there and of the right size, and their sha256 is right. Large tables of n-grams are the
    exception: they are memory-mapped, so that a model of any size opens at once, and only
    ``verify`` reads them whole. Queries stay within tables that were altered, but may be wrong.
    Fields that only one task has are checked by ``munmaek.tasks.records.read_record``.

    Raises:
        ArtefactError: no model there, a newer format, a field that cannot be, or a file missing,
            truncated or altered.
    """
    manifest = _sealed_manifest(folder)
    for name, wanted in _files(manifest).items():
        large = name.endswith(".safetensors") and wanted["bytes"] > _HASHED_AT_ONCE
        whole = not (large and _is_counted(manifest))
        if fault := _fault(folder, name, wanted, whole=whole):
            message = f"{folder / name}: {fault}; copy the folder again"
            raise ArtefactError(message)
    return manifest


def _is_counted(manifest: Mapping[str, Any]) -> bool:
    stage = stages().get(str(manifest.get("stage")))
    return stage is not None and stage.counted


def check_not_lost(folder: Path) -> None:
    """Refuse a folder of ours without its manifest, which others' programs would know as theirs.

    Raises:
        ArtefactError: its ``config.json`` or its other files say that it had one.
    """
    config = read_json_object(folder / "config.json") if (folder / "config.json").exists() else {}
    marked = not {*MARK, "stage"}.isdisjoint(config)
    if marked or any((folder / name).exists() for name in _OURS_ALONE):
        message = (
            f"{folder}: {MANIFEST} is missing from this munmaek model, and without it nothing here "
            "can be trusted; copy the folder again"
        )
        raise ArtefactError(message)


_OURS_ALONE = ("log.jsonl", "source_tokenizer.json", "text.safetensors", "part-0")
"""Files that only a folder with a manifest has; before format 2 there was no mark."""


def verify_files(folder: Path) -> int:
    """Check the sha256 of every file of a model, its parts', and that there is no other file.

    Returns:
        How many files there are, manifests among them.

    Raises:
        ArtefactError: no model there, a newer format, or files missing, truncated, altered, or
            that were not saved with the model; names them.
    """
    faults = list(_faults(folder, ""))
    if faults:
        more = f" and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        message = f"{folder}: {'; '.join(faults[:_LISTED])}{more}; copy the folder again"
        raise ArtefactError(message)
    return sum(path.is_file() for path in folder.rglob("*"))


def _faults(folder: Path, before: str) -> Iterator[str]:
    try:
        manifest = _sealed_manifest(folder)
    except ArtefactError as error:
        if not before:
            raise
        yield str(error)
        return
    wanted = _files(manifest)
    size = sum(int(record.get("bytes", 1)) for record in wanted.values())
    records = followed(
        wanted.items(), "checking", total=size, size=lambda each: int(each[1].get("bytes", 1))
    )
    for name, record in records:
        if fault := _fault(folder, name, record, whole=True):
            yield f"{before}{name}: {fault}"
    there = list(file_names(folder))
    for name in there:
        if name not in wanted and not (manifest["format"] < _SEALED_FROM and _unlisted(name)):
            yield f"{before}{name}: not saved with the model"
    for name in there:
        if name.endswith(f"/{MANIFEST}"):
            part = name.removesuffix(f"/{MANIFEST}")
            yield from _faults(folder / part, f"{before}{part}/")


def _unlisted(name: str) -> bool:
    """Tell whether a file of a model is one that manifests before format 2 did not name."""
    return name == "log.jsonl" or name.startswith("tensorboard/") or name.endswith(f"/{MANIFEST}")


def _files(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", manifest.get("files", {}))


def _sealed_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        what = "no such folder" if not folder.exists() else f"no {MANIFEST} in it"
        message = f"{folder}: not a munmaek model: {what}"
        raise ArtefactError(message)
    manifest = read_json_object(path)
    _check_format(folder, manifest.get("format"))
    _check_seal(path, manifest)
    check_manifest(manifest, Manifest, where=str(path))
    return manifest


def _check_format(folder: Path, made: object) -> None:
    if not isinstance(made, int) or isinstance(made, bool) or made < 1:
        message = f"{folder}: {MANIFEST} has no known format; train or copy the model again"
        raise ArtefactError(message)
    if made > FORMAT:
        message = (
            f"{folder}: format {made} is newer than {FORMAT}, the newest known; upgrade munmaek"
        )
        raise ArtefactError(message)


def _check_seal(path: Path, manifest: Mapping[str, Any]) -> None:
    """Make sure that nothing of the file itself was altered."""
    if manifest["format"] < _SEALED_FROM and "sha256" not in manifest:
        return
    seal, text = manifest.get("sha256"), path.read_bytes().decode()
    if seal != _sha256_of(_with_seal(text, _ZEROS)) or not text.endswith(f'"{seal}"\n}}\n'):
        message = f"{path}: altered: its own sha256 is another; copy the folder again"
        raise ArtefactError(message)


def _fault(folder: Path, name: str, wanted: Mapping[str, Any], *, whole: bool) -> str | None:
    """Describe what is wrong with a file; None for nothing."""
    path = folder / name
    if path.resolve() != folder.resolve() / name:
        return "a link, a file of this folder is wanted"
    if not path.is_file():
        return "missing from the model"
    size = path.stat().st_size
    if size != wanted["bytes"]:
        return f"truncated or altered: {size} bytes, {wanted['bytes']} wanted"
    if whole and _sha256(path) != wanted["sha256"]:
        return f"altered: its sha256 is not the one in {MANIFEST}"
    return None
