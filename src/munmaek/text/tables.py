"""Some columns of a TSV, CSV or JSONL file, found by name, number or place."""

import csv
import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, cast

from munmaek.errors import InputError
from munmaek.text.files import display_name, format_suffix, raw_lines

__all__ = [
    "JSONL",
    "TABLES",
    "Column",
    "json_records",
    "json_text",
    "json_values",
    "read_columns",
]

JSONL = frozenset({".jsonl", ".ndjson"})
TABLES = frozenset({".csv", ".tsv"})

SPACES = " \t\u00a0\u3000"
"""Stripped from both ends of a text; control characters are not."""

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a reader wants."""

    role: str
    """What it holds, for messages: "text", "label"."""
    known: tuple[str, ...]
    """Names it is known by without being told, lower case."""
    asked: str | int | None = None
    """The user's choice: a name, a number from 0, or None to find it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Lower-case names that a header may give it, best first."""
        return (self.asked.lower(),) if isinstance(self.asked, str) else self.known


Columns = Sequence[Column]


def read_columns(path: str | Path, columns: Columns) -> Iterator[tuple[int, *tuple[str, ...]]]:
    """Line number and the columns' NFC text, stripped of spaces, of every row.

    Raises:
        InputError: an unreadable file, a row too short or too long, a column not found.
    """
    suffix = format_suffix(path)
    if suffix in JSONL:
        for line, record in json_records(path):
            yield line, *(json_text(path, line, record, column) for column in columns)
        return
    rows = _csv_rows(path) if suffix == ".csv" else _tsv_rows(path)
    yield from _chosen(path, rows, columns)


def json_values(path: str | Path, column: Column) -> Iterator[str]:
    """The string under one key of every line of a JSONL file."""
    return (json_text(path, line, record, column) for line, record in json_records(path))


def _fail(path: str | Path, line: int, complaint: str) -> NoReturn:
    message = f"{display_name(path)}, line {line}: {complaint}"
    raise InputError(message)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


# Delimited text


def _tsv_rows(path: str | Path) -> Iterator[Row]:
    lines = chain.from_iterable(raw_lines(path))
    return ((n, line.split("\t")) for n, line in enumerate(lines, start=1) if line.strip(SPACES))


def _csv_rows(path: str | Path) -> Iterator[Row]:
    # A quoted field may span lines, so the reader gets the line ends back.
    reader = csv.reader((f"{line}\n" for line in chain.from_iterable(raw_lines(path))), strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        _fail(path, reader.line_num, f"not CSV: {error}; a field with quotes doubles them")


def _chosen(
    path: str | Path, rows: Iterator[Row], columns: Columns
) -> Iterator[tuple[int, *tuple[str, ...]]]:
    first_row = next(rows, None)
    if first_row is None:
        message = f"{display_name(path)}: no rows; a table of {_roles(columns)} is wanted"
        raise InputError(message)
    line, head = first_row
    found = _header(head, columns)
    if found is None:
        found = _places(path, line, head, columns)
        rows = chain([(line, head)], rows)
    width = len(head)
    for number, row in rows:
        if len(row) != width:
            _check_width(path, number, row, width, columns)
        yield number, *(row[place].strip(SPACES) for place in found)


def _roles(columns: Columns) -> str:
    *before, last = (column.role for column in columns)
    return f"{', '.join(before)} and {last}"


def _header(head: list[str], columns: Columns) -> list[int] | None:
    """Places of the columns if the row is a header, else None."""
    cells = [cell.strip(SPACES).lower() for cell in head]
    found = [
        column.asked
        if isinstance(column.asked, int)
        else next((cells.index(name) for name in column.names if name in cells), None)
        for column in columns
    ]
    named = any(name in cells for column in columns for name in column.names)
    places = [place for place in found if place is not None]
    if not named or len(places) < len(found) or max(places) >= len(head):
        return None
    return places


def _places(path: str | Path, line: int, head: list[str], columns: Columns) -> list[int]:
    """Places of the columns in a file without header."""
    for column in columns:
        if isinstance(column.asked, str):
            _fail(path, line, f"no column {column.asked!r}; the first row has {_cells(head)}")
    asked = [column.asked for column in columns if isinstance(column.asked, int)]
    wanted = len(columns)
    for column in columns:
        if isinstance(column.asked, int) and not 0 <= column.asked < len(head):
            _fail(
                path,
                line,
                f"no column {column.asked} for the {column.role}; the row has {len(head)}, "
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
            f"{'a comma' if format_suffix(path) == '.csv' else 'a tab'}; got {_shown(head[0])}",
        )
    if len(head) > wanted:
        _fail(
            path,
            line,
            f"{len(head)} columns and no header with known names; say which hold the "
            f"{_roles(columns)}; the first row has {_cells(head)}",
        )
    free = iter(place for place in range(wanted) if place not in asked)
    return [column.asked if isinstance(column.asked, int) else next(free) for column in columns]


def _cells(row: list[str]) -> str:
    return ", ".join(_shown(cell) for cell in row[:8]) + (", …" if len(row) > 8 else "")


def _check_width(path: str | Path, line: int, row: list[str], width: int, columns: Columns) -> None:
    if len(row) < width:
        _fail(
            path,
            line,
            f"{len(row)} column{'s' if len(row) > 1 else ''}, {width} wanted "
            f"({_roles(columns)} among them); got {_shown(row[0])}",
        )
    if any(cell.strip(SPACES) for cell in row[width:]):
        _fail(path, line, f"{len(row)} columns, {width} wanted; a separator inside the text?")


# JSON lines


def json_records(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line of a JSONL file that is not blank.

    Raises:
        InputError: an unreadable file, or a line that is no JSON object.
    """
    for number, line in enumerate(chain.from_iterable(raw_lines(path)), start=1):
        if not line.strip(SPACES):
            continue
        try:
            record: object = json.loads(line, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            _fail(path, number, f"not JSON ({error}); JSONL has one object a line")
        if not isinstance(record, dict):
            _fail(path, number, f"a JSON {type(record).__name__}, an object is wanted")
        yield number, cast("dict[str, Any]", record)


def _no_number(name: str) -> NoReturn:
    message = f"{name} is no value of JSON; is one missing there?"
    raise ValueError(message)


def json_text(path: str | Path, line: int, record: dict[str, Any], column: Column) -> str:
    """What the object has under the column's key: NFC text, stripped of spaces; numbers as written.

    Raises:
        InputError: no such key, or neither text nor number under it.
    """
    if isinstance(column.asked, int):
        _fail(path, line, f"JSONL has keys, no columns: give the {column.role}'s key")
    names = (column.asked,) if column.asked is not None else column.known
    key = next((name for name in names if name in record), None)
    if key is None:
        keys = ", ".join(repr(name) for name in record) or "none"
        _fail(path, line, f"no key {' or '.join(map(repr, names))}; keys there: {keys}")
    value = record[key]
    if isinstance(value, bool | int | float):
        # In JSON 1.0 is the number 1.
        whole = isinstance(value, float) and value.is_integer()
        value = json.dumps(int(value) if whole else value)
    if not isinstance(value, str):
        _fail(path, line, f"{key!r} is {json.dumps(value)[:40]}, a string is wanted")
    if not value.isascii():
        # An escape such as \ud800 may give half a character, which no UTF-8 file can hold.
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            _fail(path, line, f"{key!r} holds half a surrogate pair, which is no character")
        value = unicodedata.normalize("NFC", value)
    return value.strip(SPACES)
