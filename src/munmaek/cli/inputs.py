"""Text that a command reads, some lines at a time, in order and without a line lost."""

import sys
from collections.abc import Iterator
from itertools import islice

from munmaek.cli.console import say

__all__ = ["blocks_of_lines"]

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

    typed = path == "-" and sys.stdin.isatty()
    if typed:
        say("reading from the terminal, a sentence a line; Ctrl-D ends")
    lines = read_lines(path)
    while block := list(islice(lines, 1 if typed else most)):
        yield block
        sys.stdout.flush()
