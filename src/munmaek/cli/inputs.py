"""Text that a command reads, some lines at a time, in order and without a line lost."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from munmaek.cli.console import write_message

__all__ = ["BLOCK", "block_of", "in_blocks"]

Item = TypeVar("Item")

BLOCK = 512
"""Lines that go through a model together."""


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
