"""Files that a command writes: never over another unasked, and whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from munmaek.errors import InputError

__all__ = ["check_file_free", "write_aside"]


def check_file_free(path: Path, *, force: bool) -> None:
    """Refuse to overwrite, before any work is done.

    Raises:
        InputError: something is at ``path`` and ``force`` is false, or it is a directory.
    """
    if path.is_dir():
        message = f"{path}: is a directory; give -o the name of a file"
        raise InputError(message)
    if path.exists() and not force:
        message = f"{path}: already exists; choose another -o, or --force to replace it"
        raise InputError(message)


def write_aside(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a file beside ``path``, then rename it.

    Raises:
        OSError: the disk is full or the place cannot be written; what was there is whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        write(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
