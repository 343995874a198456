"""Text that a command reads, some lines at a time, in order and without a line lost."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from munmaek.cli.console import write_message
from munmaek.progress import followed
from munmaek.text.spaces import SPACES

__all__ = ["BLOCK", "Texts", "block_of", "in_blocks"]

Item = TypeVar("Item")

BLOCK = 512
"""Lines that go through a model together."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a file: its lines, or a column of a table."""

    path: str
    """The file, or ``-`` for standard input."""
    column: str | int | None = None
    """Name or number of the column, where it is asked for."""
    names: Sequence[str] | None = None
    """Names of the column in a table, best first; None is the names of a text."""
    extra: int = 0
    """Columns that a table without header may have behind it."""
    ends: str = SPACES
    """Characters that are stripped off both ends of a plain line."""

    def read(self) -> Iterator[str]:
        """Yield one text after another.

        Raises:
            InputError: a file that is missing, a directory, empty or no text; a table without such
                a column.
        """
        from munmaek.text.columns import TEXT_NAMES
        from munmaek.text.corpora import read_texts

        names = self.names or TEXT_NAMES
        return read_texts(self.path, names, column=self.column, extra=self.extra, ends=self.ends)

    def blocks(self, *, most: int = BLOCK) -> Iterator[list[str]]:
        """Yield texts in blocks of ``most``; from a terminal one by one: each is answered."""
        found = in_blocks(self.read(), block_of(self.path, most=most))
        return iter(self.followed(found, size=len))

    def followed(self, items: Iterable[Item], *, size: Callable[[Item], float]) -> Iterable[Item]:
        """Tell how far the file is while ``items``, of so many lines each, are gone through."""
        from munmaek.text.files import count_lines

        return followed(items, "lines", total=lambda: count_lines(self.path), size=size)


def block_of(path: str, *, most: int = BLOCK) -> int:
    """Return how many lines go through a model together: one where a person types them."""
    typed = path == "-" and sys.stdin.isatty()
    if typed:
        write_message("reading from the terminal, a sentence a line; Ctrl-D ends")
    return 1 if typed else most


def in_blocks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of ``size``, the last shorter; what was printed of one is out before the next."""
    source = iter(items)
    while block := list(islice(source, size)):
        yield block
        sys.stdout.flush()
