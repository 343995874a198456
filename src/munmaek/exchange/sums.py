"""Checksums of published folders: those that we write, and those that Hugging Face's programs keep.

    SHA256SUMS                           written by ``export --to huggingface``; ``sha256sum -c``
    NAME -> ../../blobs/SUM              a snapshot in the cache of huggingface_hub
    .cache/huggingface/download/NAME.metadata   beside a download, the sum in its second line

A sum of 64 digits is the SHA-256, one of 40 is git's: SHA-1 of ``blob SIZE`` and the content.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from munmaek.errors import ArtefactError
from munmaek.folder.manifest import file_names
from munmaek.folder.schema import safe_name
from munmaek.progress import followed

__all__ = ["SUMS", "Verified", "verify_published", "write_sums"]

SUMS = "SHA256SUMS"
_KEPT = Path(".cache", "huggingface", "download")
_SUM = re.compile("[0-9a-f]{64}|[0-9a-f]{40}")
_LISTED = 3
"""Faults that a message names; the others it counts."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Files of a folder that is whole as far as can be told."""

    checked: int
    """Files that are as their checksum says."""
    unknown: tuple[str, ...]
    """Files of which no checksum is known."""


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS`` with every file of the folder."""
    sizes = {name: (folder / name).stat().st_size for name in file_names(folder)}
    named = followed(sizes, "checking", total=sum(sizes.values()), size=sizes.__getitem__)
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in named]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def verify_published(folder: Path) -> Verified:
    """Compare every file with the checksum that is known of it.

    Raises:
        ArtefactError: a file is altered, missing, or not in a list that has all; names them.
    """
    listed = _listed(folder) if (folder / SUMS).exists() else None
    names = [name for name in file_names(folder) if name != SUMS and not name.startswith(".cache/")]
    known = {name: sum_ for name in names if (sum_ := _kept(folder, name)) is not None}
    known |= listed or {}
    faults = list(_faults(folder, known))
    if listed is not None:
        faults += [f"{name}: not in {SUMS}" for name in names if name not in listed]
    if faults:
        more = f" and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        message = f"{folder}: {'; '.join(faults[:_LISTED])}{more}; copy the folder again"
        raise ArtefactError(message)
    return Verified(len(known), tuple(name for name in names if name not in known))


def _listed(folder: Path) -> dict[str, str]:
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
        rows = [re.fullmatch("([0-9a-f]{64})  (.+)", line) for line in text.split("\n")[:-1]]
        found = {safe_name(row[2]): row[1] for row in rows if row is not None}
        if len(found) < len(rows) or not text.endswith("\n"):
            raise ValueError("a line that is no checksum with a name")
    except (OSError, ValueError) as error:
        message = f"{folder / SUMS}: damaged ({error}); copy the folder again"
        raise ArtefactError(message) from error
    return found


def _kept(folder: Path, name: str) -> str | None:
    """Return the sum that a program of Hugging Face keeps of a file, None where it keeps none."""
    path, record = folder / name, folder / _KEPT / f"{name}.metadata"
    if path.is_symlink() and path.readlink().parent.name == "blobs":
        kept = path.readlink().name
    elif record.is_file():
        kept = record.read_text("utf-8", "replace").split("\n")[1:2]
        kept = kept[0].strip() if kept else ""
    else:
        return None
    return kept if _SUM.fullmatch(kept) else None


def _faults(folder: Path, known: dict[str, str]) -> Iterator[str]:
    for name, wanted in sorted(known.items()):
        path = folder / name
        if not path.is_file():
            yield f"{name}: missing"
        elif (_sha256(path) if len(wanted) == 64 else _git_sum(path)) != wanted:
            yield f"{name}: altered: its checksum is another"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git_sum(path: Path) -> str:
    head = f"blob {path.stat().st_size}\0".encode()
    return hashlib.sha1(head + path.read_bytes(), usedforsecurity=False).hexdigest()
