"""Text that a command reads, some lines at a time, in order and without a line lost."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from munmaek.cli.console import say

__all__ = ["block_of", "blocks_of_lines", "in_blocks"]

Item = TypeVar("Item")

BLOCK = 512
"""Lines that go through a model together."""


def blocks_of_lines(path: str, *, most: int = BLOCK) -> Iterator[list[str]]:
    """The file's lines in blocks; from a terminal one by one, so that each is answered at once.

    Args:
        path: the file, or ``-`` for standard input.
        most: lines of a block.

    Raises:
        InputError: a file that is missing, a directory, empty or not UTF-8.
    """
    from munmaek.text.corpora import read_lines

    return in_blocks(read_lines(path), block_of(path, most=most))


def block_of(path: str, *, most: int = BLOCK) -> int:
    """How many lines go through a model together: one where a person types them, else ``most``."""
    typed = path == "-" and sys.stdin.isatty()
    if typed:
        say("reading from the terminal, a sentence a line; Ctrl-D ends")
    return 1 if typed else most


def in_blocks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size``, the last one shorter; what was printed of one is out before the next."""
    source = iter(items)
    while block := list(islice(source, size)):
        yield block
        sys.stdout.flush()
