r"""Text from files: plain lines, labelled rows, parallel sentences.

``-`` is standard input. Files may be compressed (gzip, xz, bzip2, Zstandard); the first bytes tell,
and a name that says otherwise is an error. Text is strict UTF-8, a byte order mark at the start of
a file is dropped, every string is brought to NFC, ``\r\n`` and ``\r`` end a line like ``\n``.
Control characters, NUL too, are kept. Every error message is one line: file, line, wanted, given.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from munmaek.errors import InputError
from munmaek.text.columns import (
    FIRST_NAMES,
    LABEL_NAMES,
    SECOND_NAMES,
    TEXT_NAMES,
    VALUE_NAMES,
    Column,
)
from munmaek.text.files import at_line, display_name, raw_lines
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.gathering import expanded
from munmaek.text.label_rows import label_rows
from munmaek.text.labels import marked_labels, one_spelling
from munmaek.text.memory import Source, Sources, Table
from munmaek.text.sources import File
from munmaek.text.spaces import SPACES
from munmaek.text.tables import Columns, opened_columns

__all__ = [
    "Corpus",
    "LabelledCorpus",
    "Pairs",
    "content_hash",
    "corpus_name",
    "listed",
    "opened_lines",
    "read_labelled",
    "read_lines",
    "read_text",
    "read_text_pairs",
    "read_texts",
    "read_valued",
    "text_lines",
    "values_of",
]

Paths = Sources | Source


@dataclass(frozen=True, slots=True)
class Corpus:
    """Running text: each line is a sentence that ends with its own end-of-sentence prediction."""

    name: str
    lines: tuple[str, ...]

    @property
    def size(self) -> int:
        """Return the number of lines."""
        return len(self.lines)

    def chosen(self, rows: Sequence[int], *, name: str | None = None) -> "Corpus":
        """Return those lines, in that order."""
        lines = tuple(self.lines[row] for row in rows)
        return Corpus(self.name if name is None else name, lines)

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        return content_hash(self.lines)


@dataclass(frozen=True, slots=True)
class LabelledCorpus:
    """Texts, or pairs of texts, with the label of each as written in the file."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    seconds: tuple[str, ...] | None = None
    """The second text of each pair; None where single texts are labelled."""
    places: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)
    """File and line of each row, where they are known."""
    sets: tuple[tuple[str, ...], ...] | None = None
    """All labels of each row, where some have several or none; ``labels`` has them joined."""

    @property
    def size(self) -> int:
        """Return the number of texts, or of pairs of texts."""
        return len(self.texts)

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        pair = () if self.seconds is None else (self.seconds,)
        return content_hash(self.texts, *pair, self.labels)

    @property
    def label_sets(self) -> tuple[tuple[str, ...], ...]:
        """All labels of each row."""
        return tuple((label,) for label in self.labels) if self.sets is None else self.sets

    @property
    def every_label(self) -> tuple[str, ...]:
        """The labels of one row after another."""
        return tuple(chain.from_iterable(self.label_sets))

    def place(self, row: int) -> str:
        """Return where a row stands, for messages: ``reviews.tsv, line 3``."""
        if not self.places:
            return f"{self.name}: row {row + 1}"
        file, line = self.places[row]
        return at_line(file, line)

    def chosen(self, rows: Sequence[int], *, name: str | None = None) -> "LabelledCorpus":
        """Return those rows, in that order."""
        return LabelledCorpus(
            self.name if name is None else name,
            tuple(self.texts[row] for row in rows),
            tuple(self.labels[row] for row in rows),
            None if self.seconds is None else tuple(self.seconds[row] for row in rows),
            tuple(self.places[row] for row in rows) if self.places else (),
            None if self.sets is None else tuple(self.sets[row] for row in rows),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows hold two texts each."""

    second_column: str | int | None = None
    """Name or number of the second text's column; None finds it."""


def read_lines(path: str | Path) -> Iterator[str]:
    """Read lines of a plain text file, block by block, without their ends; empty ones too.

    Spaces at both ends of a line are stripped.

    Raises:
        InputError: a file that is missing, a directory, empty, damaged or not UTF-8.
    """
    for lines in raw_lines(path):
        for line in lines:
            yield line.strip(SPACES)


def read_text(paths: Paths, *, column: str | int | None = None) -> Corpus:
    """Read the running text of one or more files, in order; a table gives the column of its text.

    Args:
        paths: the files.
        column: name or number of a table's column; None finds it.

    Raises:
        InputError: what ``text_lines`` raises, no text.
    """
    files = listed(paths)
    lines = tuple(chain.from_iterable(text_lines(path, column=column) for path in files))
    if not any(lines):
        message = f"{corpus_name(files)}: only empty lines; a corpus needs text"
        raise InputError(message)
    return Corpus(corpus_name(files), lines)


def read_labelled(
    paths: Paths,
    *,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    pairs: Pairs | None = None,
) -> LabelledCorpus:
    """Read labelled texts, or pairs of texts, of TSV, CSV, JSONL or fastText files.

    TSV (any name but ``.csv`` and ``.jsonl``) is read without quoting, CSV with quoting. A first
    row that holds a known or asked-for name of each column is a header. A file that begins with
    ``__label__`` is read as fastText reads it. Without header, two
    columns are text, then label, and three of pairs first text, second text, label. Rows without
    text are kept; blank lines are passed over.

    Args:
        paths: the files, one after the other; each has its own header or none.
        text_column: name of the column or key, or its number from 0.
        label_column: the same for the label.
        pairs: that pairs are wanted, and where the second text stands; None reads single texts.

    Raises:
        InputError: what ``read_lines`` raises, a row or column that cannot be found, no label.
    """
    return _read_labelled(paths, text_column, Column("label", LABEL_NAMES, label_column), pairs)


def read_valued(
    paths: Paths,
    *,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    pairs: Pairs | None = None,
) -> LabelledCorpus:
    """Read texts, or pairs, with a number each, as ``read_labelled``; see ``values_of``.

    Args:
        paths: the files.
        text_column: name or number of the text's column.
        label_column: the same for the number.
        pairs: that pairs are wanted, and where the second text stands; None reads single texts.

    Raises:
        InputError: what ``read_labelled`` raises, and what is no finite number.
    """
    column = Column("value", VALUE_NAMES, label_column)
    corpus = _read_labelled(paths, text_column, column, pairs)
    values_of(corpus)
    return corpus


def values_of(corpus: LabelledCorpus) -> tuple[float, ...]:
    """Return the labels as numbers.

    Raises:
        InputError: one is no finite number; names file and line.
    """
    return tuple(_number(corpus, row, label) for row, label in enumerate(corpus.labels))


def _number(corpus: LabelledCorpus, row: int, label: str) -> float:
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"{corpus.place(row)}: a number is wanted as the value, got {label[:40]!r}"
        raise InputError(message)
    return value


def _read_labelled(
    paths: Paths, text_column: str | int | None, label: Column, pairs: Pairs | None
) -> LabelledCorpus:
    files = listed(paths)
    columns = [Column("text", TEXT_NAMES, text_column)]
    if pairs is not None:
        first = Column("first text", FIRST_NAMES, text_column)
        columns = [first, Column("second text", SECOND_NAMES, pairs.second_column)]
    rows = [(display_name(path), row) for path in files for row in label_rows(path, columns, label)]
    if not rows:
        message = f"{corpus_name(files)}: a header and no rows"
        raise InputError(message)
    spelled = iter(one_spelling([each for _, row in rows for each in row.labels]))
    sets = tuple(tuple(islice(spelled, len(row.labels))) for _, row in rows)
    texts, *seconds = zip(*(row.texts for _, row in rows), strict=True)
    return LabelledCorpus(
        corpus_name(files),
        texts,
        tuple(map(",".join, sets)),
        seconds[0] if seconds else None,
        tuple((name, row.line) for name, row in rows),
        sets if any(len(labels) != 1 for labels in sets) else None,
    )


def listed(paths: Paths) -> list[Source]:
    """Return the files, those that patterns match among them.

    Raises:
        InputError: there is none.
    """
    given = [paths] if isinstance(paths, str | Path | File | Table) else list(paths)
    if not given:
        raise InputError("no file given; - is standard input")
    return [file for each in given for file in expanded(each)]


def corpus_name(files: Sources) -> str:
    """Return what a corpus of these files is called: their names without folders."""
    return ", ".join(
        display_name(path) if str(path) == "-" else Path(str(path)).name for path in files
    )


def text_lines(path: Source, *, column: str | int | None = None) -> Iterable[str]:
    """Return lines of running text of one file, without ends; a cell may hold several.

    Raises:
        InputError: what ``read_texts`` raises.
    """
    return chain.from_iterable(_lines(each, column) for each in expanded(path))


def _lines(path: Source, column: str | int | None) -> Iterable[str]:
    return opened_lines(open_text(path), column=column)


def opened_lines(opened: OpenedText, *, column: str | int | None = None) -> Iterable[str]:
    """Return lines of running text of what is open already, as ``text_lines`` does.

    Raises:
        InputError: what ``read_texts`` raises.
    """
    if opened.form in _PLAIN and column is None:
        return _stripped(opened)
    texts = _column(opened, Column("text", TEXT_NAMES, column), 0, blanks=False)
    return chain.from_iterable(text.split("\n") for text in texts)


def read_texts(
    path: Source,
    names: Sequence[str] = TEXT_NAMES,
    *,
    role: str = "text",
    column: str | int | None = None,
    extra: int = 0,
    blanks: bool = True,
    ends: str = SPACES,
) -> Iterator[str]:
    """Read one text after another: the lines of a plain file, or a column of a table's rows.

    A table is a file named ``.tsv``, ``.csv`` or ``.jsonl``, or one that begins as such a table
    does. The labels of a file of fastText are no part of its texts.

    Args:
        path: the file.
        names: of the column, best first.
        role: what it holds, for messages.
        column: its name, or its number from 0, where it is known; None finds it.
        extra: columns that a table without header may have behind it.
        blanks: a blank line of a table is an empty text, as one of plain lines always is.
        ends: characters that are stripped off both ends of a plain line.

    Raises:
        InputError: a file that is missing, a directory, empty, damaged or no text in UTF-8; a table
            without such a column.
    """
    wanted = Column(role, tuple(names), column)
    first, *others = expanded(path)
    found = _texts(first, wanted, extra, ends, blanks=blanks)
    # The first is opened now, so that what cannot be read is refused before anything is done.
    return chain(found, *(_later(each, wanted, extra, ends, blanks=blanks) for each in others))


def _later(path: Source, *given: Any, blanks: bool) -> Iterator[str]:
    yield from _texts(path, *given, blanks=blanks)


def _texts(path: Source, column: Column, extra: int, ends: str, *, blanks: bool) -> Iterator[str]:
    opened = open_text(path)
    if opened.form in _PLAIN and column.asked is None:
        return _stripped(opened, ends)
    return _column(opened, column, extra, blanks=blanks)


def read_text_pairs(
    path: Source,
    *,
    first_column: str | int | None = None,
    second_column: str | int | None = None,
    extra: int = 0,
) -> Iterator[tuple[str, str]]:
    """Read the two texts after two others, as ``read_texts``; plain lines have a tab between them.

    Raises:
        InputError: what ``read_texts`` raises, and a line that has not two texts.
    """
    columns = (
        Column("first text", FIRST_NAMES, first_column),
        Column("second text", SECOND_NAMES, second_column),
    )
    return chain.from_iterable(_text_pairs(each, columns, extra) for each in expanded(path))


def _text_pairs(path: Source, columns: Columns, extra: int) -> Iterator[tuple[str, str]]:
    opened = open_text(path)
    if opened.form is Form.LINES and all(each.asked is None for each in columns):
        return _parted(opened)
    rows = opened_columns(opened, columns, extra=extra, blanks=True)
    return ((texts[0], texts[1]) for _, *texts in rows)


def _parted(opened: OpenedText) -> Iterator[tuple[str, str]]:
    """Yield the two texts of each plain line."""
    for number, line in enumerate(opened.lines, start=1):
        parts = [part.strip() for part in line.split("\t")] if line.strip(SPACES) else ["", ""]
        if len(parts) != 2:
            few = f"{len(parts)} text{'s' if len(parts) > 1 else ''}"
            place = at_line(opened.name, number)
            message = f"{place}: two texts with a tab between are wanted, got {few}"
            raise InputError(message)
        yield parts[0], parts[1]


_PLAIN = (Form.LINES, Form.FASTTEXT)


def _stripped(opened: OpenedText, ends: str = SPACES) -> Iterator[str]:
    if opened.form is Form.FASTTEXT:
        return (marked_labels(line)[0].strip(ends) for line in opened.lines)
    return (line.strip(ends) for line in opened.lines)


def _column(opened: OpenedText, column: Column, extra: int, *, blanks: bool) -> Iterator[str]:
    return (text for _, text in opened_columns(opened, (column,), extra=extra, blanks=blanks))


def content_hash(*columns: Sequence[str]) -> str:
    """Return the sha256 of columns of texts: what a corpus of them is known by."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update(f"{len(column)}\n".encode())
        digest.update("\n".join(column).encode("utf-8"))
    return digest.hexdigest()
