"""Lines of a text that may be larger than memory, in a file that is read block by block.

The file holds the lines in UTF-8 with a line feed after each. In memory are a byte offset for each
block of lines and, where some lines are left out, a bit of truth for each.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import final, overload

import numpy as np

from munmaek.arrays import Bools, Int64s

__all__ = ["BLOCK", "LineFile"]

BLOCK = 1 << 13
"""Lines that are read at a time."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class LineFile(Sequence[str]):
    """Lines without line feeds, in NFC, as ``munmaek.text.corpora.text_lines`` gives them."""

    path: Path
    marks: Int64s
    """[B + 1]: the byte at which each block begins, and the size of the file."""
    total: int
    """Lines of the file."""
    taken: Bools | None = None
    """[total]: the lines that are meant; None is all."""

    @classmethod
    def written(cls, path: Path, lines: Iterable[str]) -> "LineFile":
        """Write lines to ``path`` and return them.

        Raises:
            OSError: it cannot be written.
        """
        marks, total, rest = [0], 0, iter(lines)
        with path.open("wb") as file:
            while block := list(islice(rest, BLOCK)):
                total += len(block)
                marks.append(marks[-1] + file.write("\n".join([*block, ""]).encode()))
        return cls(path, np.array(marks, dtype=np.int64), total)

    def only(self, rows: Int64s) -> "LineFile":
        """Return some rows of the file, in its order."""
        taken = np.zeros(self.total, dtype=np.bool_)
        taken[rows] = True
        return replace(self, taken=taken)

    def __len__(self) -> int:
        """Return the number of lines that are meant."""
        return self.total if self.taken is None else int(self.taken.sum())

    def blocks(self, begin: int = 0, end: int | None = None) -> Iterator[list[str]]:
        """Yield the lines of the blocks ``begin`` up to ``end``, a list each."""
        with self.path.open("rb") as file:
            file.seek(int(self.marks[begin]))
            for block in range(begin, len(self.marks) - 1 if end is None else end):
                size = int(self.marks[block + 1] - self.marks[block])
                lines = file.read(size).decode().split("\n")[:-1]
                if self.taken is not None:
                    kept = self.taken[block * BLOCK : block * BLOCK + len(lines)]
                    lines = [lines[row] for row in np.flatnonzero(kept).tolist()]
                yield lines

    def __iter__(self) -> Iterator[str]:
        """Yield line after line."""
        for lines in self.blocks():
            yield from lines

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return a line, or lines in a list; those before them are read too."""
        if isinstance(index, slice):
            return list(islice(self, *index.indices(len(self))))
        place = range(len(self))[index]
        return next(islice(self, place, None))

    def fingerprint(self) -> str:
        """Return what ``munmaek.text.corpora.content_hash`` gives of the lines."""
        digest, between = hashlib.sha256(f"{len(self)}\n".encode()), ""
        for lines in self.blocks():
            if lines:
                digest.update((between + "\n".join(lines)).encode())
                between = "\n"
        return digest.hexdigest()
