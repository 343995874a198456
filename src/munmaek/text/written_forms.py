"""The forms that rows are written in, by the suffix of a file's name: one row of ``FORMS`` each.

A form says how rows become lines while they come (``Lines``), and how the file is made of these
lines at the end. Text is the lines themselves; forms of other packages are made of JSON lines, by
which time all columns and the type of each are known.
"""

import bz2
import gzip
import lzma
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import zstandard

from munmaek.errors import InputError, UnsupportedError
from munmaek.text.unpacking import COMPRESSIONS
from munmaek.text.written_lines import (
    Delimited,
    JsonLines,
    Line,
    Lines,
    PlainLines,
    Row,
    Vectors,
    cell_of,
    counted_vectors,
    json_line,
    json_rows,
    names_in,
)

__all__ = ["FORMS", "Way", "WrittenForm", "packed_into"]

Finish = Callable[[Path, Path, int], None]
"""Makes the file of the lines of so many rows, at another path."""

# Forms made of the lines


def _as_they_are(lines: Path, made: Path, _: int) -> None:
    lines.replace(made)


def _listed(lines: Path, made: Path, _: int) -> None:
    """Write a JSON list of the rows."""
    with lines.open("rb") as rows, made.open("wb") as file:
        before = b"[\n"
        for row in rows:
            file.write(before + row.rstrip(b"\n"))
            before = b",\n"
        file.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _delimited(separator: str, *, quoted: bool) -> Finish:
    """Return what writes a table of rows whose names differ: it has them all."""

    def finish(lines: Path, made: Path, _: int) -> None:
        form = Delimited(names_in(lines), separator, quoted)
        with made.open("wb") as file:
            file.write(form.head())
            for block in json_rows(lines):
                file.write(form.block(block))

    return finish


def _arrow_schema(lines: Path, arrow: Any) -> Any:
    """Return the type of each column over all rows; text of one whose values are of many kinds."""
    types = dict[str, Any]()
    for block in json_rows(lines):
        for name in {name: None for row in block for name in row}:
            own = _arrow_type([row.get(name) for row in block], arrow)
            types[name] = own if name not in types else _common_type(types[name], own, arrow)
    return arrow.schema(list(types.items()))


def _arrow_type(values: Sequence[Any], arrow: Any) -> Any:
    try:
        return arrow.array(values).type
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        return arrow.string()


def _common_type(one: Any, other: Any, arrow: Any) -> Any:
    schemas = [arrow.schema([("value", each)]) for each in (one, other)]
    try:
        return arrow.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        return arrow.string()


def _batches(lines: Path, schema: Any, arrow: Any) -> Iterator[Any]:
    for block in json_rows(lines):
        columns = [
            [_text(row.get(name)) if kind == arrow.string() else row.get(name) for row in block]
            for name, kind in zip(schema.names, schema.types, strict=True)
        ]
        arrays = [
            arrow.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)
        ]
        yield arrow.record_batch(arrays, schema=schema)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json_line(value)


def _parquet(lines: Path, made: Path, _: int) -> None:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    schema = _arrow_schema(lines, arrow)
    with parquet.ParquetWriter(made, schema) as writer:
        for group in _grouped(_batches(lines, schema, arrow)):
            writer.write_table(arrow.Table.from_batches(group))


def _grouped(batches: Iterator[Any], size: int = 16) -> Iterator[list[Any]]:
    """Yield batches together that make a row group."""
    while group := list(islice(batches, size)):
        yield group


def _arrow(lines: Path, made: Path, _: int) -> None:
    arrow = import_module("pyarrow")
    schema = _arrow_schema(lines, arrow)
    with made.open("wb") as file, arrow.ipc.new_file(file, schema) as writer:
        for batch in _batches(lines, schema, arrow):
            writer.write_batch(batch)


MOST_ROWS, MOST_CHARACTERS = 1_048_576, 32_767
"""Rows of a sheet of Excel, its header counted, and characters of a cell."""
_NO_EXCEL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Characters that its XML cannot hold, which it writes by number: ``_x0007_``."""


def _excel(lines: Path, made: Path, _: int) -> None:
    openpyxl = import_module("openpyxl")
    columns = names_in(lines)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    make = import_module("openpyxl.cell").WriteOnlyCell
    rows = chain.from_iterable(json_rows(lines))
    named: Iterator[Row] = chain([dict(zip(columns, columns, strict=True))], rows)
    with closing(sheet):
        for number, row in enumerate(named, start=1):
            if number > MOST_ROWS:
                message = f"a sheet of Excel has {MOST_ROWS:,} rows at most; write .csv instead"
                raise InputError(message)
            values = [cell_of(row.get(name)) for name in columns]
            sheet.append([_excel_cell(sheet, value, number, make) for value in values])
    book.save(made)


def _excel_cell(sheet: Any, value: Any, number: int, make: Any) -> Any:
    """Return a cell; a text is one even where it begins as a formula does.

    Raises:
        InputError: it is too long for Excel.
    """
    if not isinstance(value, str):
        return value
    written = _NO_EXCEL.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    if len(written) > MOST_CHARACTERS:
        message = (
            f"row {number - 1}: {len(value):,} characters, and a cell of Excel has "
            f"{MOST_CHARACTERS:,} at most; write .csv"
        )
        raise InputError(message)
    cell = make(sheet, value=written)
    cell.data_type = "s"
    return cell


# The table


class Way(NamedTuple):
    """The making of a file: rows as lines, then the file of the lines."""

    lines: Lines
    finish: Finish


@final
@dataclass(frozen=True, slots=True)
class WrittenForm:
    """A form that rows are written in."""

    name: str
    """With its article, for messages."""
    way: Callable[[Sequence[str], Line | None], Way]
    """Gives how it is written; the columns are none where each row has its own."""
    begins: bytes = b""
    """The first bytes of such a file; none is text."""
    package: str = ""
    """It needs, of the extra ``data``."""
    packs: bool = True
    """It may be compressed."""
    wants: tuple[str, ...] = ()
    """Columns without which it cannot be made, such as ``embedding``."""
    nested: bool = False
    """A cell may hold lists and objects."""
    plain: bool = False
    """A row is a text, which need not be a line alone."""

    def check(self) -> None:
        """Make sure that the form can be written.

        Raises:
            UnsupportedError: a package is not installed.
        """
        if self.package and find_spec(self.package) is None:
            message = (
                f"{self.name} needs {self.package}, which is not installed: "
                "pip install 'munmaek[data]'"
            )
            raise UnsupportedError(message)

    def wrote(self, head: bytes) -> bool:
        """Return whether a file that begins like this may be of the form."""
        if self.begins:
            return head.startswith(self.begins)
        packed = any(head.startswith(each[1]) for each in COMPRESSIONS.values())
        return packed or b"\0" not in head


def _first_cell(row: Row) -> str:
    return str(cell_of(next(iter(row.values()), "")))


def _plain_way(_: Sequence[str], line: Line | None) -> Way:
    return Way(PlainLines(line or _first_cell), _as_they_are)


def _table_way(separator: str, *, quoted: bool) -> Callable[[Sequence[str], Line | None], Way]:
    def way(columns: Sequence[str], _: Line | None) -> Way:
        if not columns:
            return Way(JsonLines(), _delimited(separator, quoted=quoted))
        return Way(Delimited(columns, separator, quoted), _as_they_are)

    return way


def _array_way(_: Sequence[str], __: Line | None) -> Way:
    return Way(Vectors("embedding"), counted_vectors)


def _of_json(finish: Finish) -> Callable[[Sequence[str], Line | None], Way]:
    def way(_: Sequence[str], __: Line | None) -> Way:
        return Way(JsonLines(), finish)

    return way


_JSON_LINES = WrittenForm("JSON lines", _of_json(_as_they_are), nested=True)
_TSV = WrittenForm("a table (TSV)", _table_way("\t", quoted=False))
FORMS: Final[Mapping[str, WrittenForm]] = {
    ".txt": WrittenForm("plain lines", _plain_way, plain=True),
    ".tsv": _TSV,
    ".tab": _TSV,
    ".csv": WrittenForm("a table (CSV)", _table_way(",", quoted=True)),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".json": WrittenForm("JSON", _of_json(_listed), nested=True),
    ".parquet": WrittenForm(
        "Parquet", _of_json(_parquet), begins=b"PAR1", package="pyarrow", packs=False
    ),
    ".arrow": WrittenForm(
        "Arrow", _of_json(_arrow), begins=b"ARROW1", package="pyarrow", packs=False
    ),
    ".xlsx": WrittenForm(
        "an Excel workbook", _of_json(_excel), begins=b"PK", package="openpyxl", packs=False
    ),
    ".npy": WrittenForm(
        "an array of vectors",
        _array_way,
        begins=b"\x93NUMPY\x01\x00",
        packs=False,
        wants=("embedding",),
    ),
}
"""By suffix; each row says all about a form, so that another is one more row."""


def packed_into(source: Path, made: Path, suffix: str) -> None:
    """Compress a file; the same content gives the same bytes."""
    with source.open("rb") as content, made.open("wb") as raw, _packing(raw, suffix) as packed:
        shutil.copyfileobj(content, packed, 1 << 20)


def _packing(raw: Any, suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile("", "wb", 6, raw, mtime=0)
    if suffix == ".xz":
        return lzma.LZMAFile(raw, "wb")
    if suffix == ".bz2":
        return bz2.BZ2File(raw, "wb")
    return zstandard.ZstdCompressor().stream_writer(raw, closefd=False)
