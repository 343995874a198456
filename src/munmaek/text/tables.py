"""Some columns of a TSV, CSV or JSONL file, found by name, number or place."""

import csv
import json
import math
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, NoReturn, cast

from munmaek.errors import InputError
from munmaek.text.columns import Column, note_column
from munmaek.text.files import MEMORY, at_line, display_name
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.json_files import parse_json
from munmaek.text.languages import language_code, names_language
from munmaek.text.memory import Source, TableRow, UnnamedRow, paired_texts
from munmaek.text.spaces import SPACES

__all__ = [
    "Located",
    "delimited",
    "found_key",
    "given_records",
    "json_record",
    "json_records",
    "json_text",
    "opened_columns",
    "read_columns",
    "width_fault",
]

Delimited = tuple[int, list[str], str]
"""Line, cells (none of a blank line), and why the row cannot be read; empty where it can."""
Columns = Sequence[Column]


def read_columns(path: Source, columns: Columns) -> Iterator[tuple[int, *tuple[str, ...]]]:
    """Read the line number and the columns' NFC text, stripped of spaces, of every row.

    Raises:
        InputError: an unreadable file, a row too short or too long, a column not found.
    """
    return opened_columns(open_text(path), columns)


def opened_columns(
    opened: OpenedText, columns: Columns, *, extra: int = 0, blanks: bool = False
) -> Iterator[tuple[int, *tuple[str, ...]]]:
    """Read the columns of a file as ``read_columns`` does.

    Args:
        opened: the file; plain lines are a table with tabs.
        columns: what is wanted.
        extra: columns that a table without header may have behind those that are wanted.
        blanks: a blank line is a row of empty texts, rather than passed over.

    Raises:
        InputError: a row too short or too long, a column not found.
    """
    if opened.form is Form.JSONL:
        for line, record in json_records(opened, blanks=blanks):
            if record is None:
                yield line, *([""] * len(columns))
            else:
                yield line, *(json_text(opened.name, line, record, column) for column in columns)
        return
    found = delimited(opened, columns, extra=extra)
    width = len(found.head)
    for number, row, fault in found.rows:
        if len(row) != width and (fault := fault or width_fault(row, width, columns)):
            _fail(opened.name, number, fault)
        if row:
            yield number, *(row[place].strip(SPACES) for place in found.places)
        elif blanks:
            yield number, *([""] * len(columns))


def _fail(path: Source, line: int, reason: str) -> NoReturn:
    message = f"{at_line(display_name(path), line)}: {reason}"
    raise InputError(message)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


# Delimited text


class Located(NamedTuple):
    """A table of delimited text, its columns found."""

    head: list[str]
    """The cells of the first row that is not blank."""
    named: bool
    """True where that row is a header: the names of the columns."""
    places: list[int]
    """Places of the columns that are wanted."""
    rows: Iterator[Delimited]
    """All others, and the first where it is no header."""


def delimited(opened: OpenedText, columns: Columns, *, extra: int = 0) -> Located:
    """Find the columns of a table of delimited text; plain lines are a table with tabs.

    Args:
        opened: the file.
        columns: what is wanted.
        extra: columns that a table without header may have behind those that are wanted.

    Raises:
        InputError: no rows, or a column not found.
    """
    rows = _csv_rows(opened) if opened.form is Form.CSV else _tsv_rows(opened)
    before: list[Delimited] = []
    for line, head, fault in rows:
        if fault:
            _fail(opened.name, line, fault)
        if head:
            break
        before.append((line, head, fault))
    else:
        message = f"{opened.name}: no rows; a table of {_roles(columns)} is wanted"
        raise InputError(message)
    found = _header(head, columns)
    for column, place in zip(columns, found or (), strict=False):
        note_column(column, head[place].strip(SPACES))
    if found is not None:
        return Located(head, True, found, rows)
    places = _places(opened, line, head, columns, extra)
    for column in columns:
        if isinstance(column.asked, int):
            note_column(column, column.asked)
    return Located(head, False, places, chain(before, [(line, head, "")], rows))


def _tsv_rows(opened: OpenedText) -> Iterator[Delimited]:
    for number, line in enumerate(opened.lines, start=1):
        yield number, line.split("\t") if line.strip(SPACES) else [], ""


def _csv_rows(opened: OpenedText) -> Iterator[Delimited]:
    # A quoted field may span lines, so the reader gets the line ends back.
    lines = (f"{line}\n" for line in opened.lines)
    reader = csv.reader(lines, strict=True, delimiter=opened.separator)
    while True:
        try:
            for row in reader:
                yield opened.skipped + reader.line_num, row, ""
        except csv.Error as error:
            fault = f"not CSV: {error}; a field with quotes doubles them"
            yield opened.skipped + reader.line_num, [], fault
        else:
            return


def _roles(columns: Columns) -> str:
    *before, last = (column.role for column in columns)
    return f"{', '.join(before)} and {last}" if before else last


_OPTIONS = {
    "text": "--text-column",
    "first text": "--text-column",
    "second text": "--second-column",
    "label": "--label-column",
    "value": "--label-column",
}


def _options(columns: Columns) -> str:
    """Return the options that say where the columns are; nothing where one of them has none."""
    named = [_OPTIONS.get(column.role) for column in columns]
    return "" if None in named else f" ({', '.join(filter(None, named))})"


def _header(head: list[str], columns: Columns) -> list[int] | None:
    """Return the places of the columns if the row is a header, else None."""
    cells = [cell.strip(SPACES).lower() for cell in head]
    found = [
        column.asked
        if isinstance(column.asked, int)
        else next((cells.index(name) for name in column.names if name in cells), column.number)
        for column in columns
    ]
    named = any(name in cells for column in columns for name in column.names)
    places = [place for place in found if place is not None]
    if not named or len(places) < len(found) or max(places) >= len(head):
        return None
    return places


def _places(
    opened: OpenedText, line: int, head: list[str], columns: Columns, extra: int
) -> list[int]:
    """Return the places of the columns in a file without header."""
    path = opened.name
    for column in columns:
        if isinstance(column.asked, str):
            _fail(path, line, f"no column {column.asked!r}; the first row has {_cells(head)}")
        before = column.before
        lost = column.asked is None and isinstance(before, str) and before not in column.known
        if lost and len(head) > len(columns):
            _fail(
                path,
                line,
                f"{_lost(str(before))}; the first row has {_cells(head)}{_options(columns)}",
            )
    asked = [column.number for column in columns if column.number is not None]
    wanted = len(columns)
    for column in columns:
        if (number := column.number) is not None and not 0 <= number < len(head):
            trained = "" if column.asked is not None else ", on which the model was trained"
            _fail(
                path,
                line,
                f"no column {number} for the {column.role}{trained}; the row has {len(head)}, "
                f"counted from 0",
            )
    if len(asked) == wanted:
        return asked
    if len(head) < wanted:
        _fail(
            path,
            line,
            f"{len(head)} column{'s' if len(head) > 1 else ''}, {wanted} wanted: "
            f"{_roles(columns)} separated by "
            f"{'a comma' if opened.form is Form.CSV else 'a tab'}; got {_shown(head[0])}",
        )
    if len(head) > wanted + extra:
        _fail(
            path,
            line,
            f"{len(head)} columns and no header with known names; say which hold"
            f"{'s' if wanted == 1 else ''} the {_roles(columns)}; the first row has {_cells(head)}"
            f"{_options(columns)}",
        )
    free = iter(place for place in range(wanted) if place not in asked)
    return [next(free) if column.number is None else column.number for column in columns]


def _lost(name: str) -> str:
    return f"no column {name!r}, on which the model was trained"


def _cells(row: list[str]) -> str:
    return ", ".join(_shown(cell) for cell in row[:8]) + (", …" if len(row) > 8 else "")


def width_fault(row: list[str], width: int, columns: Columns) -> str:
    """Return why a row has not as many cells as are wanted; nothing of one that has."""
    if not row or len(row) == width:
        return ""
    if len(row) < width:
        return (
            f"{len(row)} column{'s' if len(row) > 1 else ''}, {width} wanted "
            f"({_roles(columns)} among them); got {_shown(row[0])}"
        )
    if any(cell.strip(SPACES) for cell in row[width:]):
        return f"{len(row)} columns, {width} wanted; a separator inside the text?"
    return ""


# JSON lines


def json_records(
    opened: OpenedText, *, blanks: bool = False
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield the line number and object of every line of a JSONL file that is not blank.

    Args:
        opened: the file.
        blanks: give None of a blank line, rather than pass over it.

    Raises:
        InputError: an unreadable file, or a line that is no JSON object.
    """
    if opened.records is not None:
        for number, record in given_records(opened.records):
            if record is not None or blanks:
                yield number, None if record is None else paired_texts(record)
        return
    for number, line in enumerate(opened.lines, start=1):
        if not line.strip(SPACES):
            if blanks:
                yield number, None
            continue
        yield number, paired_texts(json_record(opened.name, number, line))


def given_records(
    records: Iterator[dict[str, Any] | None],
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield the number and the row of what is in memory, or in a file of records."""
    for place, record in enumerate(records, start=1):
        number = record.number if isinstance(record, TableRow) else None
        yield place if number is None else number, record


def json_record(path: Source, line: int, text: str) -> dict[str, Any]:
    """Return the object that a line of a JSONL file is.

    Raises:
        InputError: it is none; names file and line.
    """
    try:
        record: object = parse_json(text)
    except ValueError as error:
        _fail(path, line, f"not JSON ({error}); JSONL has one object a line")
    if not isinstance(record, dict):
        kind = type(record).__name__
        _fail(path, line, f"a JSON {kind}, an object is wanted")
    return cast("dict[str, Any]", record)


def json_text(path: Source, line: int, record: dict[str, Any], column: Column) -> str:
    """Return what the object has under the column's key: NFC text, stripped; numbers as written.

    Raises:
        InputError: no such key, or neither text nor number under it.
    """
    if isinstance(column.asked, int) and not isinstance(record, TableRow):
        kind = "data in memory" if str(path) == MEMORY else "JSONL"
        _fail(path, line, f"{kind} has keys, no columns: give the {column.role}'s key")
    key = found_key(record, column)
    if key is None:
        keys = ", ".join(repr(name) for name in record) or "none"
        names = column.known if column.asked is None else (column.asked,)
        wanted = " or ".join([*map(repr, names[:5]), *["…"][: len(names) > 5]])
        if column.asked is None and isinstance(column.before, str):
            wanted = f"{column.before!r}, on which the model was trained, nor {wanted}"
        _fail(path, line, f"no key {wanted}; keys there: {keys}")
    if not isinstance(record, UnnamedRow):
        note_column(column, key)
    value = record[key]
    if isinstance(value, float) and not math.isfinite(value):
        _fail(path, line, f"{key!r} is {value}, a string is wanted; is one missing there?")
    if isinstance(value, bool | int | float):
        # In JSON 1.0 is the number 1.
        whole = isinstance(value, float) and value.is_integer()
        value = json.dumps(int(value) if whole else value)
    if not isinstance(value, str):
        shown = repr(value) if str(path) == MEMORY else json.dumps(value, ensure_ascii=False)
        _fail(path, line, f"{key!r} is {shown[:40]}, a string is wanted")
    if not value.isascii():
        # An escape such as \ud800 may give half a character, which no UTF-8 file can hold.
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            _fail(path, line, f"{key!r} holds half a surrogate pair, which is no character")
        value = unicodedata.normalize("NFC", value)
    return value.strip(SPACES)


def found_key(record: dict[str, Any], column: Column) -> str | None:
    """Return the key that has one of the column's names, in capitals or not.

    Where the best of these is that of a language, any key that names the language will do.
    """
    if isinstance(column.asked, int):
        return next(islice(record, column.asked, None), None) if column.asked >= 0 else None
    if column.asked is not None and column.asked in record:
        return column.asked
    lower = {key.lower(): key for key in reversed(record)}
    found = next((lower[name] for name in column.names if name in lower), None)
    language = next(iter(column.names), "")
    if found is None and language_code(language):
        return next((key for key in record if names_language(key, language)), None)
    return found
