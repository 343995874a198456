"""Rows of a sheet of an Excel workbook; its first row that is not empty names the columns."""

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from munmaek.errors import InputError, MunmaekWarning
from munmaek.text.arrow import plain_value
from munmaek.text.libraries import Reading, data_library
from munmaek.text.memory import TableRow
from munmaek.text.unpacking import FREE, RATIO

__all__ = ["excel_rows"]

KIND = "an Excel workbook (xlsx)"
WIDEST = 16_384
"""Columns of a sheet, at most; Excel has no more."""


def excel_rows(file: BinaryIO, name: str, sheet: str) -> Iterator[TableRow | None]:
    """Yield the rows of the sheet after its header; None for an empty one between others.

    Cells of formulas have the value that was computed last. Times are as ISO 8601 writes them.

    Args:
        file: the workbook.
        name: of the file, for messages.
        sheet: name of the sheet; empty is the first one, and a note says so where there are more.

    Raises:
        InputError: it is damaged, unpacks to far more than tables do, or has no such sheet.
        UnsupportedError: openpyxl is not installed.
    """
    with file, Reading(name, KIND):
        library = data_library("openpyxl", name, KIND)
        _check_size(name, file)
        found = _sheet(_opened(library, file), name, sheet)
        found.reset_dimensions()
        yield from _rows(found.iter_rows(values_only=True), name)


def _opened(library: Any, file: BinaryIO) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations that it leaves out
        return library.load_workbook(file, read_only=True, data_only=True)


def _check_size(name: str, file: BinaryIO) -> None:
    with zipfile.ZipFile(file) as packed:
        for each in packed.infolist():
            if each.file_size > FREE and each.file_size > RATIO * each.compress_size:
                message = (
                    f"{name}: {each.filename} in it unpacks to over {RATIO} times its size, which "
                    "a table hardly does; save it as CSV if it is meant"
                )
                raise InputError(message)
    file.seek(0)


def _sheet(book: Any, name: str, sheet: str) -> Any:
    titles = [each.title for each in book.worksheets]
    if not titles or (sheet and sheet not in titles):
        message = f"{name}: no sheet {sheet!r}; there are {', '.join(titles) or 'none'}"
        raise InputError(message)
    if not sheet and len(titles) > 1:
        message = (
            f"{name}: its first sheet {titles[0]!r} is read, of {len(titles)}; "
            f"{name}#SHEET names another"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
    return book[sheet or titles[0]]


def _rows(rows: Iterator[Sequence[Any]], name: str) -> Iterator[TableRow | None]:
    header: list[str] = []
    blanks = 0  # said only where a row follows: sheets may go on empty for a million rows
    for number, cells in enumerate(rows, start=1):
        filled = [place for place, cell in enumerate(cells[:WIDEST]) if cell not in (None, "")]
        if not header:
            header = _header(cells[: filled[-1] + 1], name) if filled else []
        elif not filled:
            blanks += 1
        else:
            yield from [None] * blanks
            blanks = 0
            yield _row(header, cells, number, name)
    if not header:
        message = f"{name}: an empty sheet; a header and rows are wanted"
        raise InputError(message)


def _row(header: Sequence[str], cells: Sequence[Any], number: int, name: str) -> TableRow:
    if any(cell not in (None, "") for cell in cells[len(header) :]):
        message = (
            f"{name}, row {number}: a cell beyond the {len(header)} columns of the header; give "
            "every column a name"
        )
        raise InputError(message)
    values = (*cells, *[None] * (len(header) - len(cells)))
    pairs = zip(header, values[: len(header)], strict=True)
    row = TableRow((key, "" if cell is None else plain_value(cell)) for key, cell in pairs)
    row.number = number
    return row


def _header(cells: Sequence[Any], name: str) -> list[str]:
    header = [
        f"column {place}" if cell in (None, "") else str(plain_value(cell)).strip()
        for place, cell in enumerate(cells, start=1)
    ]
    twice = next((each for each in header if header.count(each) > 1), None)
    if twice is not None:
        message = f"{name}: two columns are called {twice!r}; give each a name of its own"
        raise InputError(message)
    return header
