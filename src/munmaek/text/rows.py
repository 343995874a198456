"""Whole rows of any source of text, one after another: no column lost, in constant memory.

``open_rows`` tells the layout as ``open_text`` does, so that every form that it knows comes as rows
with named columns. A row that cannot be read does not end the reading: it comes with its fault.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple, final

from munmaek.errors import InputError
from munmaek.text.columns import TEXT_NAMES, Column
from munmaek.text.files import at_line, display_name
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.gathering import expanded
from munmaek.text.labels import marked_labels
from munmaek.text.memory import Source, paired_texts
from munmaek.text.spaces import SPACES
from munmaek.text.tables import (
    Columns,
    delimited,
    given_records,
    json_record,
    json_text,
    width_fault,
)

__all__ = ["Row", "Rows", "open_rows", "rows_of", "unlike"]

TEXT = (Column("text", TEXT_NAMES),)


class Row(NamedTuple):
    """A row: all its cells, and the texts that are wanted of it."""

    number: int
    """Its line in the file, or its number in what has no lines, from 1."""
    cells: dict[str, Any]
    """By column, as they stand in the file; nothing where there is a fault."""
    texts: tuple[str, ...]
    """Texts of the wanted columns, in NFC, without spaces at both ends; empty of a blank line."""
    fault: InputError | None = None
    """Says why the row cannot be read: file, line, reason."""


@final
@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one source, read as they are gone through, once."""

    name: str
    """Name of the source in messages."""
    form: Form
    columns: tuple[str, ...]
    """All names in their order; none of JSON lines, where each line names its own."""
    rows: Iterator[Row]
    """All rows, those that cannot be read among them."""
    live: Callable[[], bool] | None = None
    """Tells of a pipe that is answered as it is written whether more of it has come already."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the cells of every row.

        Raises:
            InputError: a row that cannot be read.
        """
        return (row.cells for row in self._whole())

    def texts(self) -> Iterator[tuple[str, ...]]:
        """Yield the texts of every row.

        Raises:
            InputError: a row that cannot be read.
        """
        return (row.texts for row in self._whole())

    def _whole(self) -> Iterator[Row]:
        for row in self.rows:
            if row.fault is not None:
                raise row.fault
            yield row


def open_rows(
    source: Source,
    columns: Columns = TEXT,
    *,
    extra: int = 0,
    ends: str = SPACES,
    live: bool = False,
) -> Rows:
    """Open a file, standard input or a table in memory and find the columns that are wanted.

    Plain lines are rows of one column, which has the first name that the wanted one is known by;
    where two columns are wanted of them, a tab parts the two. A table without header has such
    names too, and numbers (``column2``) where nothing is wanted of a column.

    Args:
        source: where rows come from.
        columns: what is wanted of each, one at least.
        extra: columns that a table without header may have behind those that are wanted.
        ends: characters that are stripped off both ends of a plain line.
        live: read what has come of a pipe, and wait for no more; see ``Rows.live``.

    Raises:
        InputError: what ``open_text`` raises, or a column that is not there.
    """
    first, *others = expanded(source)
    opened = open_text(first, live=live)
    rows = rows_of(opened, columns, extra=extra, ends=ends)
    if others:
        found = (rows_of(open_text(each), columns, extra=extra, ends=ends).rows for each in others)
        whole = chain(rows.rows, chain.from_iterable(found))
        return replace(rows, name=display_name(source), rows=whole)
    return rows if opened.live is None else replace(rows, live=opened.live.has_more)


def rows_of(
    opened: OpenedText, columns: Columns = TEXT, *, extra: int = 0, ends: str = SPACES
) -> Rows:
    """Return the rows of a source that is open already; see ``open_rows``.

    Raises:
        InputError: a column that is not there.
    """
    asked = any(column.asked is not None for column in columns)
    if opened.form is Form.JSONL:
        names = tuple(opened.keys) if opened.named else ()
        return Rows(opened.name, opened.form, names, _records(opened, columns))
    if opened.form is Form.FASTTEXT and not asked:
        return _plain(opened, ("label", "text"), _marked(opened, ends))
    if opened.form is Form.LINES and not asked:
        names = unlike(column.known[0] for column in columns)
        lines = _lines(opened, names[0], ends) if len(names) == 1 else _parted(opened, names)
        return _plain(opened, names, lines)
    return _table(opened, columns, extra)


def _plain(opened: OpenedText, names: Sequence[str], rows: Iterator[Row]) -> Rows:
    return Rows(opened.name, opened.form, tuple(names), rows)


def unlike(names: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    """Return the names, with a number behind each that stands there already."""
    out: dict[str, None] = {}
    for name in names:
        number, free = 2, name
        while free in out:
            number, free = number + 1, f"{name}_{number}"
        out[free] = None
    return tuple(out)


def _fault(opened: OpenedText, number: int, reason: str) -> Row:
    return Row(number, {}, (), InputError(f"{at_line(opened.name, number)}: {reason}"))


def _lines(opened: OpenedText, name: str, ends: str) -> Iterator[Row]:
    for number, line in enumerate(opened.lines, start=1):
        text = line.strip(ends)
        yield Row(number, {name: text}, (text,))


def _marked(opened: OpenedText, ends: str) -> Iterator[Row]:
    for number, line in enumerate(opened.lines, start=1):
        text, labels = marked_labels(line)
        text = text.strip(ends)
        yield Row(number, {"label": ",".join(labels), "text": text}, (text,))


def _parted(opened: OpenedText, names: Sequence[str]) -> Iterator[Row]:
    """Yield the texts of plain lines that have tabs between them."""
    wanted = {2: "two texts with a tab"}.get(len(names), f"{len(names)} texts with tabs")
    for number, line in enumerate(opened.lines, start=1):
        blank = not line.strip(SPACES)
        texts = ("",) * len(names) if blank else tuple(part.strip() for part in line.split("\t"))
        if len(texts) == len(names):
            yield Row(number, dict(zip(names, texts, strict=True)), texts)
        else:
            few = f"{len(texts)} text{'s' if len(texts) > 1 else ''}"
            yield _fault(opened, number, f"{wanted} between are wanted, got {few}")


def _table(opened: OpenedText, columns: Columns, extra: int) -> Rows:
    found = delimited(opened, columns, extra=extra)
    roles = dict(zip(found.places, columns, strict=True))
    names = [
        (cell.strip(SPACES) if found.named else roles[place].known[0] if place in roles else "")
        or f"column{place}"
        for place, cell in enumerate(found.head)
    ]
    named, width = unlike(names), len(found.head)
    first, *others = found.places

    def rows() -> Iterator[Row]:
        for number, cells, fault in found.rows:
            if len(cells) != width:
                if fault := fault or width_fault(cells, width, columns):
                    yield _fault(opened, number, fault)
                    continue
                cells = cells[:width] or [""] * width
            texts = (cells[first].strip(SPACES),)
            if others:
                texts += tuple([cells[place].strip(SPACES) for place in others])
            yield Row(number, dict(zip(named, cells, strict=False)), texts)

    return Rows(opened.name, opened.form, named, rows())


def _records(opened: OpenedText, columns: Columns) -> Iterator[Row]:
    if opened.records is not None:
        for number, record in given_records(opened.records):
            blank = Row(number, {}, ("",) * len(columns))
            yield blank if record is None else _record(opened, number, record, columns)
        return
    for number, line in enumerate(opened.lines, start=1):
        if not line.strip(SPACES):
            yield Row(number, {}, ("",) * len(columns))
            continue
        try:
            record = json_record(opened.name, number, line)
        except InputError as error:
            yield Row(number, {}, (), error)
        else:
            yield _record(opened, number, record, columns)


def _record(opened: OpenedText, number: int, record: dict[str, Any], columns: Columns) -> Row:
    try:
        paired = paired_texts(record)
        texts = tuple(json_text(opened.name, number, paired, column) for column in columns)
    except InputError as error:
        return Row(number, {}, (), error)
    return Row(number, record, texts)
