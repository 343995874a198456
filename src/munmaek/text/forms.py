"""Layouts of a file of text: plain lines, a table, or JSON lines.

Its name tells where it ends in ``.tsv``, ``.csv`` or ``.jsonl``; else what it begins with does: a
JSON object on every line, or a header of known names over as many columns in every line. Text that
merely has tabs, commas or braces is plain lines. Files of other forms (``record_files``) are read
as JSON lines are.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from typing import Any

from munmaek.errors import InputError
from munmaek.text.columns import FIRST_NAMES, KNOWN_NAMES, SOURCE_NAMES
from munmaek.text.files import display_name, format_suffix, is_typed, lines_of, unpacked
from munmaek.text.json_files import parse_json
from munmaek.text.labels import FASTTEXT
from munmaek.text.live import LiveBlocks, has_come, is_piped
from munmaek.text.memory import Source, Table, TableRow, paired_texts
from munmaek.text.record_files import Records, folder_records, form_in, records_in
from munmaek.text.sources import encoding_of

__all__ = ["Form", "OpenedText", "form_of", "named_form", "open_text", "refuse_records"]


class Form(Enum):
    """A layout; the value is what messages call it."""

    LINES = "plain lines"
    TSV = "a table (TSV)"
    CSV = "a table (CSV)"
    JSONL = "JSONL"
    FASTTEXT = "a file of fastText"


_BY_SUFFIX = {
    ".jsonl": Form.JSONL,
    ".ndjson": Form.JSONL,
    ".csv": Form.CSV,
    ".tsv": Form.TSV,
    ".tab": Form.TSV,
}
_SAMPLE = 1000
"""Lines that are looked at, at most."""
_TEXTS = frozenset((*FIRST_NAMES, *SOURCE_NAMES))


@dataclass(frozen=True, slots=True)
class OpenedText:
    """A file of text that is being read."""

    name: str
    """The file's name in messages."""
    form: Form
    blocks: Iterator[list[str]]
    """All its lines, as ``raw_lines`` gives them."""
    separator: str = ","
    """Between the cells of CSV; spreadsheets of many countries write a semicolon."""
    skipped: int = 0
    """Lines before them, which say how they are to be read."""
    records: Iterator[dict[str, Any] | None] | None = None
    """The rows, where there are no lines: of memory, or of a file of records; None is empty."""
    first: Sequence[str] = ()
    """The first lines, which ``blocks`` has too."""
    keys: Sequence[str] = ()
    """The columns of the first of the records."""
    named: bool = False
    """All records have the same columns, in the same order."""
    kind: str = ""
    """The form of a file of records, as messages call it."""
    live: LiveBlocks | None = None
    """The lines of a pipe that is read as it is written."""

    @property
    def lines(self) -> Iterator[str]:
        """Its lines, one by one."""
        return chain.from_iterable(self.live or self.blocks)


def open_text(path: Source, *, live: bool = False) -> OpenedText:
    """Open a file and tell its layout; a table in memory has that of JSON lines.

    Args:
        path: the file.
        live: of a pipe read no more than has come; the first lines that come tell its layout.

    Raises:
        InputError: what ``raw_lines`` raises, and what the readers of other forms do.
        UnsupportedError: a form whose library is not installed.
    """
    if isinstance(path, Table):
        return _recorded(str(path), path.records())
    name = display_name(path)
    if (records := folder_records(path)) is not None:
        return _recorded(name, records, "a folder")
    live = live and is_piped(path)
    content = unpacked(path, live=live)
    begins = next(content, b"")
    if (kind := form_in(path, begins)) is not None:
        return _recorded(name, records_in(kind, path, begins, content), kind)
    content = chain([begins], content) if begins else content
    return _lined(path, name, lines_of(content, name, encoding_of(path)), live=live)


def _recorded(name: str, records: Records, kind: str = "") -> OpenedText:
    """Return a file of records; what cannot be read at all is refused at once."""
    begun = [*islice(records, 1)]
    keys = tuple(paired_texts(begun[0])) if begun and begun[0] is not None else ()
    named = bool(begun) and isinstance(begun[0], TableRow)
    whole = chain(begun, records)
    return OpenedText(name, Form.JSONL, iter(()), records=whole, keys=keys, named=named, kind=kind)


def _lined(path: Source, name: str, blocks: Iterator[list[str]], *, live: bool) -> OpenedText:
    """Return a file of lines with its layout."""
    first = next(blocks, list[str]())
    while live and len(first) < _SAMPLE and (_awaits_rows(first) or has_come()):
        if not (more := next(blocks, list[str]())):
            break
        first += more
    if len(first) < _SAMPLE and not live and not is_typed(path):
        first += next(blocks, list[str]())  # a last line without an end comes by itself
    form = named_form(path) or _form_by(first)
    if form is Form.LINES and format_suffix(path) == ".json":
        form = Form.JSONL  # so that the line that is none is named
    announced = _announced_separator(form, first)
    separator = announced or _separator(form, first)
    form = Form.CSV if announced or (form is Form.TSV and separator != "\t") else form
    skipped = 1 if announced else 0
    first = first[skipped:]
    whole = chain([first], blocks)
    opened = OpenedText(name, form, whole, separator, skipped, first=first)
    return opened if not live else replace(opened, live=LiveBlocks(whole))


def _awaits_rows(lines: Sequence[str]) -> bool:
    """Return whether nothing but what may be the header of a table has come."""
    filled = [line for line in lines if line.strip()]
    return len(filled) == 1 and any(_is_header(filled[0].split(each), needed=1) for each in "\t,")


def named_form(path: Source) -> Form | None:
    """Return the layout that a file's name tells; None of any other name, and of memory."""
    if isinstance(path, Table):
        return None
    return _BY_SUFFIX.get(format_suffix(path))


def form_of(path: str | Path, first: bytes) -> Form:
    """Return the layout of a plain file that begins with ``first``, without opening it."""
    if form_in(path, first) is not None:
        return Form.JSONL
    lines = first.decode("utf-8", errors="ignore").removeprefix("\ufeff").split("\n")
    return named_form(path) or _form_by(lines[:-1] or lines)


def refuse_records(opened: OpenedText, wanted: str) -> None:
    """Refuse a file of records that cannot be lines of the kind that is wanted.

    Raises:
        InputError: JSONL or CSV; says what is wanted.
    """
    if opened.form in (Form.JSONL, Form.CSV):
        message = f"{opened.name}: {opened.form.value}, where {wanted} are wanted; write them so"
        raise InputError(message)


def _form_by(lines: Sequence[str]) -> Form:
    filled = [line for line in lines[:_SAMPLE] if line.strip()]
    if not filled:
        return Form.LINES
    if filled[0].startswith(FASTTEXT):
        return Form.FASTTEXT
    if filled[0].lstrip().startswith("{"):
        return Form.JSONL if all(map(_is_object, filled)) else Form.LINES
    if _is_header(filled[0].split("\t"), needed=1) and _alike([x.split("\t") for x in filled]):
        return Form.TSV
    if "," in filled[0] and _is_header(filled[0].split(","), needed=2) and _is_csv(filled):
        return Form.CSV
    return Form.LINES


_SEPARATED = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


def _announced_separator(form: Form, lines: Sequence[str]) -> str:
    """Return what a table's first line says stands between cells, as Excel writes it: ``sep=;``."""
    found = _SEPARATED.fullmatch(lines[0]) if lines and form in (Form.TSV, Form.CSV) else None
    return found[1] if found else ""


def _separator(form: Form, lines: Sequence[str]) -> str:
    """Return what stands between the cells of a table, where its name says otherwise than it is."""
    usual = "\t" if form is Form.TSV else ","
    filled = [line for line in lines[:_SAMPLE] if line.strip()]
    if form not in (Form.TSV, Form.CSV) or not filled or usual in filled[0]:
        return usual
    for other in "\t;,|":
        rows = [line.split(other) for line in filled]
        if _is_header(rows[0], needed=1) or (other in "\t;" and len(rows[0]) > 1 and _alike(rows)):
            return other
    return usual


def _is_object(line: str) -> bool:
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def _is_header(cells: Sequence[str], *, needed: int) -> bool:
    """Return whether these name columns: one of a text, and ``needed`` others that are known.

    Names are short and hold no sentence.
    """
    names = [cell.strip().strip('"').lower() for cell in cells]
    known = sum(name in KNOWN_NAMES for name in names)
    short = all(0 < len(name) <= 30 and len(name.split()) <= 3 for name in names)
    return len(names) > 1 and short and not _TEXTS.isdisjoint(names) and known > min(needed, 1)


def _alike(rows: Sequence[Sequence[str]]) -> bool:
    return len(rows) > 1 and len({len(row) for row in rows}) == 1


def _is_csv(lines: Sequence[str]) -> bool:
    try:
        rows = list(csv.reader((f"{line}\n" for line in lines), strict=True))
    except csv.Error:
        return False
    # The sample may end within a quoted field.
    return _alike(rows if len(lines) < _SAMPLE else rows[:-1])
