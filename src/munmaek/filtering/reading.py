"""The rows of a corpus, some at a time: their texts, and what is left of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np

from munmaek.arrays import Bools
from munmaek.errors import InputError
from munmaek.progress import followed
from munmaek.tasks.measures import Columns
from munmaek.text.columns import Column
from munmaek.text.files import at_line, count_lines
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.memory import Sources
from munmaek.text.rows import Row, rows_of

__all__ = ["Block", "Cells", "Corpus", "column_names", "plain_cells", "scored_cells"]

EMPTY, DAMAGED = "empty", "unreadable"
Cells = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Block:
    """Rows of one file that go through together."""

    begin: int
    """Rows of the corpus before it."""
    size: int
    """Rows that it was read from."""
    texts: list[str]
    """Texts of the rows that are left."""
    rows: list[Row] | None
    """The rows themselves; None of plain lines, which are nothing but their texts."""
    left_out: dict[str, int]

    def keep(self, kept: Bools, reason: str) -> None:
        """Leave out the others."""
        if (count := int(len(kept) - np.count_nonzero(kept))) > 0:
            self.left_out[reason] = self.left_out.get(reason, 0) + count
            places = np.flatnonzero(kept).tolist()
            self.texts = [self.texts[place] for place in places]
            self.rows = self.rows and [self.rows[place] for place in places]

    def cells(self, places: Sequence[int]) -> Cells:
        """Return the cells of some rows by column."""
        if self.rows is None:
            return plain_cells(self, places)
        return [self.rows[place].cells for place in places]


def plain_cells(block: Block, places: Sequence[int]) -> Cells:
    """Return the texts of some rows alone, each on one line."""
    texts = [block.texts[place] for place in places]
    if block.rows is not None:
        texts = [" ".join(text.split("\n")) if "\n" in text else text for text in texts]
    return [{"text": text} for text in texts]


def scored_cells(block: Block, places: Sequence[int], columns: Columns) -> Cells:
    """Return the cells of some rows with their numbers, whole ones without a point.

    Raises:
        InputError: a row has a column of that name.
    """
    found = {name: _plain(values[places].tolist()) for name, values in columns.items()}
    made: list[dict[str, Any]] = []
    for index, cells in enumerate(block.cells(places)):
        if taken := found.keys() & cells.keys():
            number = block.rows[places[index]].number if block.rows else index
            message = (
                f"{at_line('the input', number)}: has a column {min(taken)}, which --write-scores "
                "would add"
            )
            raise InputError(message)
        made.append({**cells, **{name: values[index] for name, values in found.items()}})
    return made


def _plain(values: list[float]) -> list[float]:
    whole = all(value.is_integer() for value in values)
    return [int(value) for value in values] if whole else values


@dataclass(frozen=True, slots=True)
class Corpus:
    """The files of a corpus."""

    files: Sources
    column: Column
    """The column of the text."""
    size: int
    """Rows that are read together."""
    ends: str
    """Characters that are stripped off both ends of a plain line."""
    skip_damaged: bool

    def blocks(self, name: str) -> Iterator[Block]:
        """Yield the rows that can be read and are not empty, and tell how far all files are.

        Args:
            name: what is told.

        Raises:
            InputError: files of different columns, or a row that cannot be read where these are
                not left out.
        """
        yield from followed(self._read(), name, total=self._lines, size=lambda each: each.size)

    def _lines(self) -> float | None:
        counts = [count_lines(each) for each in self.files]
        return None if None in counts else float(sum(filter(None, counts)))

    def _read(self) -> Iterator[Block]:
        begin, first = 0, None
        for file in self.files:
            opened = open_text(file)
            if self.is_plain(opened):
                names, blocks = ("text",), self._plain(opened)
            else:
                rows = rows_of(opened, (self.column,), ends=self.ends)
                names, blocks = rows.columns, self._table(rows.rows)
            first = first or (opened.name, names)
            if names != first[1]:
                message = (
                    f"{opened.name}: columns {', '.join(names)}, where {first[0]} has "
                    f"{', '.join(first[1])}"
                )
                raise InputError(message)
            for block in blocks:
                block.begin = begin
                begin += block.size
                yield block

    def is_plain(self, opened: OpenedText) -> bool:
        """Return whether a file is nothing but lines."""
        return opened.form is Form.LINES and self.column.asked is None

    def _plain(self, opened: OpenedText) -> Iterator[Block]:
        """Yield plain lines, without a row for each."""
        lines = chain.from_iterable(opened.blocks)
        while raw := list(islice(lines, self.size)):
            texts = [line.strip(self.ends) for line in raw]
            filled = [text for text in texts if text] if "" in texts else texts
            left_out = {EMPTY: len(texts) - len(filled)} if len(filled) < len(texts) else {}
            yield Block(0, len(texts), filled, None, left_out)

    def _table(self, rows: Iterator[Row]) -> Iterator[Block]:
        while raw := list(islice(rows, self.size)):
            damaged = [row.fault for row in raw if row.fault is not None]
            if damaged and not self.skip_damaged:
                raise damaged[0]
            kept = [row for row in raw if row.texts and row.texts[0]]
            empty = len(raw) - len(kept) - len(damaged)
            counts = {EMPTY: empty, DAMAGED: len(damaged)}
            left_out = {name: count for name, count in counts.items() if count}
            yield Block(0, len(raw), [row.texts[0] for row in kept], kept, left_out)


def column_names(corpus: Corpus) -> tuple[str, ...]:
    """Return the names of the first file's columns; none of standard input and of JSON lines."""
    if str(corpus.files[0]) == "-":
        return ()
    opened = open_text(corpus.files[0])
    return ("text",) if corpus.is_plain(opened) else rows_of(opened, (corpus.column,)).columns
