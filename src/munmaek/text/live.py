"""Standard input that is answered while it is written: how much of it has come."""

import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from operator import length_hint
from typing import final

__all__ = ["LiveBlocks", "has_come", "is_piped"]

PATIENCE = 0.2
"""Seconds that are waited for more lines, before those that are there tell what they are."""


def is_piped(path: object) -> bool:
    """Return whether a source is written while it is read: a terminal, a pipe, a socket."""
    if str(path) != "-" or not isinstance(getattr(sys.stdin, "buffer", None), io.BufferedReader):
        return False
    try:
        return not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def has_come() -> bool:
    """Return whether more of standard input comes within a moment; at a terminal it does not."""
    if sys.stdin.isatty():
        return False
    try:
        return bool(select.select([sys.stdin.fileno()], [], [], PATIENCE)[0])
    except (OSError, ValueError):  # of Windows, whose pipes cannot be asked
        return False


@final
class LiveBlocks:
    """Blocks of lines of which it is known whether any is left that has come."""

    def __init__(self, blocks: Iterator[list[str]]) -> None:
        """Take the blocks."""
        self._blocks, self._lines = blocks, iter(list[str]())

    def __iter__(self) -> "LiveBlocks":
        return self

    def __next__(self) -> Iterator[str]:
        self._lines = iter(next(self._blocks))
        return self._lines

    def has_more(self) -> bool:
        """Return whether lines of the block at hand are left."""
        return length_hint(self._lines) > 0
