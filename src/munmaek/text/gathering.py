"""Files that a pattern matches, read one after the other: tables of the same columns."""

import csv
from collections.abc import Sequence
from typing import Any, cast

from munmaek.errors import InputError
from munmaek.text.columns import KNOWN_NAMES
from munmaek.text.files import display_name
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.json_files import parse_json
from munmaek.text.memory import Source, Table, paired_texts
from munmaek.text.record_files import is_bitext
from munmaek.text.sources import encoded, encoding_of, matching
from munmaek.text.spaces import SPACES

__all__ = ["expanded", "head_of"]


def expanded(path: Source) -> Sequence[Source]:
    """Return the files that a pattern matches, sorted; any other source alone.

    Raises:
        InputError: none matches, or the header of a table is another than that of the first.
    """
    if isinstance(path, Table):
        return [path]
    files = matching(str(path))
    if files == [str(path)]:
        return [path]
    found = encoded(files, encoding_of(path))
    if len(found) > 1 and not is_bitext(found[0]):
        _check_alike(found)
    return found


def _check_alike(files: Sequence[Source]) -> None:
    first: Sequence[str] = ()
    for number, file in enumerate(files):
        header = _header(open_text(file))
        if number == 0:
            first = header
        elif set(header) != set(first):
            message = (
                f"{display_name(file)}: its columns are {_shown(header)}, and those of "
                f"{display_name(files[0])} {_shown(first)}; files of one pattern have the same"
            )
            raise InputError(message)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _header(opened: OpenedText) -> Sequence[str]:
    """Return the names of a table's columns; none of lines, and of a table without header."""
    names = head_of(opened)
    if opened.form is Form.JSONL:
        return names if opened.named else ()
    known = any(name.lower() in KNOWN_NAMES for name in names)
    return names if known else ()


def head_of(opened: OpenedText) -> Sequence[str]:
    """Return the cells of a table's first row, which may be names; the keys of a first record.

    What is given is still to be read.
    """
    if opened.records is not None:
        return opened.keys
    line = next((line for line in opened.first if line.strip(SPACES)), "")
    if opened.form is Form.JSONL:
        try:
            record = parse_json(line)
        except ValueError:
            return ()
        return [*paired_texts(cast("dict[str, Any]", record))] if isinstance(record, dict) else ()
    if opened.form is Form.CSV:
        return _first_row(opened)
    return [cell.strip(SPACES) for cell in line.split("\t")]


def _first_row(opened: OpenedText) -> Sequence[str]:
    lines = (f"{line}\n" for line in opened.first[:100])
    try:
        rows = csv.reader(lines, delimiter=opened.separator)
        return next(([cell.strip(SPACES) for cell in row] for row in rows if row), ())
    except csv.Error:
        return ()
