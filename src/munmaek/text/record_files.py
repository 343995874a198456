"""Files and folders whose rows are records with named columns: each form and what reads it.

The first bytes tell the form, whatever the name; a folder is told by the files in it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, final

from munmaek.text.arrow import arrow_rows, is_saved_dataset, parquet_rows, saved_rows
from munmaek.text.bitexts import tmx_rows, xliff_rows
from munmaek.text.class_folders import folder_rows
from munmaek.text.excel import excel_rows
from munmaek.text.files import display_name, format_suffix, open_bytes, spooled, text_bytes
from munmaek.text.json_documents import begins_document, document_records
from munmaek.text.kinds import foreign_kind
from munmaek.text.sources import UTF8, encoding_of, is_address, split_part

__all__ = [
    "BITEXTS",
    "XLIFF_SUFFIXES",
    "Records",
    "folder_records",
    "form_in",
    "is_bitext",
    "records_in",
]

Records = Iterator[dict[str, Any] | None]
"""None for an empty row."""
BITEXTS = ("a translation memory (TMX)", "a translation file (XLIFF)")
_ROOT = re.compile(r"<(?:[\w.-]+:)?(tmx|xliff)[\s>]")
_LINED = (".jsonl", ".ndjson", ".csv", ".tsv", ".tab")
XLIFF_SUFFIXES = (".xlf", ".xliff", ".sdlxliff", ".mqxliff", ".mxliff")
"""Suffixes of translation files, those of some tools among them."""


@final
@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that has been begun."""

    path: object
    first: bytes
    content: Iterator[bytes]

    @property
    def name(self) -> str:
        return display_name(self.path)

    @property
    def part(self) -> str:
        return split_part(self.path)[1]

    @property
    def encoding(self) -> str:
        return encoding_of(self.path)

    @property
    def whole(self) -> Iterator[bytes]:
        return chain([self.first], self.content)

    @property
    def xml(self) -> tuple[Iterator[bytes], str | None]:
        """Return the bytes of XML, and their encoding where they are not to say it."""
        if self.encoding == UTF8:
            return self.whole, None
        return text_bytes(self.whole, self.name, self.encoding), UTF8


def _seekable(opened: _Opened) -> Any:
    if str(opened.path) == "-":
        return spooled(opened.whole)
    return open_bytes(opened.path)


def _parquet(opened: _Opened) -> Records:
    return parquet_rows(_seekable(opened), opened.name)


def _arrow(opened: _Opened) -> Records:
    return arrow_rows(_seekable(opened), opened.name)


def _excel(opened: _Opened) -> Records:
    return excel_rows(_seekable(opened), opened.name, opened.part)


def _tmx(opened: _Opened) -> Records:
    content, encoding = opened.xml
    return tmx_rows(content, opened.name, encoding=encoding, language=opened.part)


def _xliff(opened: _Opened) -> Records:
    content, encoding = opened.xml
    return xliff_rows(content, opened.name, encoding=encoding)


def _document(opened: _Opened) -> Records:
    return document_records(opened.whole, opened.name, encoding=opened.encoding, key=opened.part)


DOCUMENT = "a JSON document"
_READERS: Mapping[str, Callable[[_Opened], Records]] = {
    "a Parquet file": _parquet,
    "an Arrow file": _arrow,
    "an Excel workbook (xlsx)": _excel,
    BITEXTS[0]: _tmx,
    BITEXTS[1]: _xliff,
    DOCUMENT: _document,
}


def form_in(path: object, first: bytes) -> str | None:
    """Return the form of records that a file begins as; None of lines and all else.

    Args:
        path: the file, whose name tells too what is JSON.
        first: its first bytes, unpacked.
    """
    kind = foreign_kind(first)
    if kind is not None and kind[0] in _READERS:
        return kind[0]
    root = _ROOT.search(_beginning(path, first[:8192]))
    if root is not None:
        return BITEXTS[root[1] == "xliff"]
    suffix = format_suffix(path)
    if suffix in _LINED:
        return None
    text, named = _beginning(path, first), suffix == ".json"
    return DOCUMENT if begins_document(text, named=named) else None


def _beginning(path: object, first: bytes) -> str:
    """Return the first characters of what is marked up or JSON; nothing of other text."""
    if encoding_of(path) == UTF8 and first[:1] not in b"\xef\xff\xfe \t\r\n<[{":
        return ""  # at once, for most text is so
    marks = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"\xef\xbb\xbf": "utf-8-sig"}
    encoding = next((each for mark, each in marks.items() if first.startswith(mark)), None)
    text = first.decode(encoding or encoding_of(path), errors="ignore").lstrip("\ufeff \t\r\n")
    return text if text.startswith(("<", "[", "{")) else ""


def records_in(form: str, path: object, first: bytes, content: Iterator[bytes]) -> Records:
    """Return the records of a file that has been begun.

    Args:
        form: as ``form_in`` returns it.
        path: the file.
        first: its first bytes, unpacked.
        content: all that follow.
    """
    return _READERS[form](_Opened(path, first, content))


def folder_records(path: object) -> Records | None:
    """Return the records of a folder, of a split that ``#`` names maybe; None of what is none."""
    name, part = split_part(path)
    folder = Path(name)
    if name == "-" or is_address(name) or not folder.is_dir():
        return None
    if is_saved_dataset(folder):
        return saved_rows(folder, part)
    return folder_rows(folder, encoding_of(path))


def is_bitext(path: object) -> bool:
    """Return whether a file's name says that it has texts in two languages or more."""
    return format_suffix(path) in (".tmx", *XLIFF_SUFFIXES)
