"""Rows as lines, which hold them while they come; text is made of such lines."""

import csv
import io
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast, final

__all__ = [
    "Delimited",
    "JsonLines",
    "Line",
    "Lines",
    "PlainLines",
    "Row",
    "Vectors",
    "cell_of",
    "counted_vectors",
    "json_line",
    "json_rows",
    "names_in",
]

Row = Mapping[str, Any]
Line = Callable[[Row], str]
BLOCK = 4096
"""Rows that are made into another form at a time."""
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""Characters that JSON leaves as they are and some readers of lines take for line ends."""
_APART = str.maketrans("\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " " * 11)
"""Characters that part cells or lines, as a space."""


_AS_IS = frozenset({str, int, type(None)})
"""Types of cells that are written as they are."""


class Lines(ABC):
    """The form of rows as lines."""

    def head(self) -> bytes:
        """Return what stands before the first row."""
        return b""

    @abstractmethod
    def block(self, rows: Sequence[Row]) -> bytes:
        """Return the lines of rows."""


@final
@dataclass(frozen=True, slots=True)
class JsonLines(Lines):
    """An object a line; each has the names that its row has."""

    def block(self, rows: Sequence[Row]) -> bytes:
        """Return the lines of rows."""
        return "".join([f"{json_line(row)}\n" for row in rows]).encode()


@final
@dataclass(frozen=True, slots=True)
class PlainLines(Lines):
    """A line of text for each row."""

    line: Line

    def block(self, rows: Sequence[Row]) -> bytes:
        """Return the lines of rows."""
        return "".join([f"{self.line(row)}\n" for row in rows]).encode()


@final
@dataclass(frozen=True, slots=True)
class Delimited(Lines):
    """Cells with a separator between them, below a header."""

    columns: Sequence[str]
    separator: str
    quoted: bool
    """Quote cells with separators or line ends in them, which else become spaces."""

    def head(self) -> bytes:
        """Return the header."""
        return self._written([self.columns])

    def block(self, rows: Sequence[Row]) -> bytes:
        """Return the lines of rows."""
        columns = self.columns
        return self._written(
            [
                [cell if type(cell) in _AS_IS else cell_of(cell) for cell in map(row.get, columns)]
                for row in rows
            ]
        )

    def _written(self, rows: Iterable[Sequence[Any]]) -> bytes:
        if not self.quoted:
            join = self.separator.join
            cells = (
                ["" if cell is None else str(cell).translate(_APART) for cell in row]
                for row in rows
            )
            return "".join([f"{join(row)}\n" for row in cells]).encode()
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self.separator, lineterminator="\n").writerows(rows)
        return out.getvalue().encode()


@final
@dataclass(frozen=True, slots=True)
class Vectors(Lines):
    """The numbers of one column, end to end, below the head of a NumPy array of none."""

    column: str

    def head(self) -> bytes:
        """Return the head of an array whose size is not known yet."""
        return _array_head(0, 0)

    def block(self, rows: Sequence[Row]) -> bytes:
        """Return the vectors of rows."""
        return b"".join([row[self.column].tobytes() for row in rows])


def counted_vectors(lines: Path, made: Path, rows: int) -> None:
    """Make an array of what ``Vectors`` wrote, now that the number of rows is known."""
    width = (lines.stat().st_size - len(_array_head(0, 0))) // (4 * max(rows, 1))
    with lines.open("r+b") as file:
        file.write(_array_head(rows, width))
    lines.replace(made)


def _array_head(rows: int, width: int) -> bytes:
    """Return the head of NumPy's format 1.0, 128 bytes, so that it can be filled in at the end."""
    content = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + content.ljust(117).encode() + b"\n"


def cell_of(value: Any) -> Any:
    """Return a value as a cell of text has it: nothing of none, lists as JSON."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        written = json_line(value)
        return json.loads(written) if written.startswith('"') else written
    return value


def json_line(value: Any) -> str:
    """Return a value as JSON on one line; what JSON cannot hold is null, or text."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        written = json.dumps(_finite(value), ensure_ascii=False, default=_plain)
    return written.translate(_LINE_ENDS)


def _plain(value: Any) -> Any:
    """Return a value of another package, or of time, as JSON can hold it."""
    if callable(convert := getattr(value, "tolist", None)):
        return _finite(convert())
    if callable(convert := getattr(value, "isoformat", None)):
        return convert()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in cast("Row", value).items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in cast("Sequence[Any]", value)]
    return value


def json_rows(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Read back the rows of a file of JSON lines, some at a time."""
    with path.open(encoding="utf-8", newline="\n") as file:
        while block := [json.loads(line) for line in islice(file, BLOCK)]:
            yield block


def names_in(path: Path) -> list[str]:
    """Return the names that any row of a file of JSON lines has, in the order that they come in."""
    return [*{name: None for block in json_rows(path) for row in block for name in row}]
