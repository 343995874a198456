"""Texts framed as an encoder reads them, and the words they are of, made as they are asked for."""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.data.flat import LazyRows, lengths_of
from munmaek.text.frames import Frame

__all__ = ["FramedRows", "WordGroups"]

Ids = Sequence[int]


@final
class FramedRows(LazyRows):
    """Rows with special tokens around them, cut to a maximum length; empty rows are left out."""

    def __init__(self, rows: Sequence[Ids], frame: Frame, max_length: int) -> None:
        self._rows, self._frame, self._most = rows, frame, max_length
        lengths = lengths_of(rows)
        self._places = np.flatnonzero(lengths)
        room = max_length - frame.special
        self._lengths = np.minimum(lengths[self._places], room) + frame.special

    def __len__(self) -> int:
        """Return the number of rows that are not empty."""
        return len(self._places)

    @property
    def lengths(self) -> Int64s:
        """Return the tokens of each framed row."""
        return self._lengths

    def row(self, index: int) -> list[int]:
        """Return a framed row."""
        return self._frame.row(self._rows[int(self._places[index])], self._most)


@final
class WordGroups(LazyRows):
    """The number, within each row, of the word that each of its tokens belongs to."""

    def __init__(self, rows: Sequence[Ids], begins: NDArray[np.int64]) -> None:
        """Number the words of ``rows``; ``begins`` [V] is 1 of tokens that a word begins with."""
        self._rows, self._begins = rows, begins

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @property
    def lengths(self) -> Int64s:
        """Return the tokens of each row."""
        return lengths_of(self._rows)

    def row(self, index: int) -> list[int]:
        """Return the numbers of the words of a row's tokens, from 0."""
        first = self._begins[np.asarray(self._rows[index])]
        return (np.cumsum(first) - first[0]).tolist()
