"""The place that sorting on disk has reached, so that a run that was killed is gone on with.

The journal names sizes: what was written beyond them is cut off when a run goes on. It holds for
one text with one order in one amount of memory. It is not put on the disk at once, so it holds only
as long as the system that wrote it runs: a killed process leaves its pages, a power cut does not.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, final

from munmaek.errors import DiskError
from munmaek.locking import LOCKING, FileLock
from munmaek.writing import scratch_folder

__all__ = ["Journal", "boot", "go_on", "kept_folder", "key_of"]

_EVERY = 5.0
"""Seconds between entries, at least."""
_FORM = 1
_CHUNK = 1 << 22


def boot() -> str | None:
    """Return what names this start of the system; None where it has no such name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def key_of(text: Path, *settings: int) -> str:
    """Return the sum over a text of ids and the settings with which it is sorted."""
    digest = hashlib.sha256(json.dumps([_FORM, *settings]).encode())
    with text.open("rb") as file:
        while content := file.read(_CHUNK):
            digest.update(content)
    return digest.hexdigest()


@contextmanager
def kept_folder(parent: Path, output: Path) -> Generator[Path]:
    """Make a folder that is removed when the block ends, and that a kill leaves to the next run.

    Where another process is in it, a ``scratch_folder`` takes its place.

    Args:
        parent: the folder to be in.
        output: what it is for.

    Raises:
        OSError: it cannot be made.
    """
    key = hashlib.sha256(os.fsencode(output.absolute())).hexdigest()[:16]
    lock = FileLock(parent / f".munmaek-counting-{key}.lock")
    if not LOCKING or not lock.take():
        with scratch_folder(parent) as folder:
            yield folder
        return
    folder = lock.path.with_suffix("")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release(keep=folder.exists())


def go_on(path: Path, size: int) -> None:
    """Cut a file off at the size that a journal names.

    Raises:
        DiskError: it is smaller, so that it is not what the journal was written of.
    """
    if not path.exists() or path.stat().st_size < size:
        message = f"{path}: is not as a killed run left it; remove its folder and begin again"
        raise DiskError(message)
    os.truncate(path, size)


@final
class Journal:
    """One entry in a file, replaced by each further one."""

    def __init__(self, folder: Path, key: str, *, every: float | None = None) -> None:
        """Hold entries of a text's key; ``every`` is the seconds between two of them at least."""
        self._path = folder / "sorted.json"
        self._head = {"boot": boot(), "key": key}
        self._every = _EVERY if every is None else every
        self._last = time.monotonic()
        self._removals: list[Callable[[], None]] = []

    def found(self) -> Mapping[str, Any] | None:
        """Return the entry of a run that was killed; None where there is none of this key."""
        try:
            entry = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        same = isinstance(entry, dict) and all(
            cast("dict[str, Any]", entry).get(name) == value for name, value in self._head.items()
        )
        return cast("dict[str, Any]", entry) if same and self._head["boot"] is not None else None

    def reached(
        self,
        entry: Callable[[], Mapping[str, Any]],
        *removals: Callable[[], None],
        now: bool = False,
    ) -> None:
        """Write an entry where one is due.

        Args:
            entry: gives it, when what it names is in its files.
            removals: remove what the entry does not need; called once it is written.
            now: it is due in any case.
        """
        self._removals.extend(removals)
        if not now and time.monotonic() - self._last < self._every:
            return
        aside = self._path.with_suffix(".new")
        aside.write_text(json.dumps({**self._head, **entry()}), encoding="utf-8")
        aside.replace(self._path)
        for remove in self._removals:
            remove()
        self._removals.clear()
        self._last = time.monotonic()
