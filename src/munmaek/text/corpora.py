r"""Text from files: plain lines, labelled rows, parallel sentences.

``-`` is standard input. Files may be compressed (gzip, xz, bzip2, Zstandard); the first bytes tell,
and a name that says otherwise is an error. Text is strict UTF-8, a byte order mark at the start of
a file is dropped, every string is brought to NFC, ``\r\n`` and ``\r`` end a line like ``\n``.
Control characters, NUL too, are kept. Every complaint is one line: file, line, wanted, given.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from munmaek.errors import InputError
from munmaek.text.files import display_name, format_suffix, raw_lines
from munmaek.text.tables import JSONL, SPACES, TABLES, Column, json_values, read_columns

__all__ = [
    "Corpus",
    "LabelledCorpus",
    "ParallelCorpus",
    "corpus_name",
    "read_labelled",
    "read_lines",
    "read_parallel",
    "read_text",
    "text_lines",
]

TEXT_NAMES = (
    "text", "document", "sentence", "review", "comment", "comments", "content", "utterance",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "sentiment", "intent", "target", "gold_label",
)  # fmt: skip
SOURCE_NAMES = ("source", "src")
TARGET_NAMES = ("target", "tgt", "trg")

Paths = Sequence[str | Path] | str | Path


@dataclass(frozen=True, slots=True)
class Corpus:
    """Running text: each line is a sentence that ends with its own end-of-sentence prediction."""

    name: str
    lines: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        return _sha256(self.lines)


@dataclass(frozen=True, slots=True)
class LabelledCorpus:
    """Texts with the label of each, as written in the file."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        return _sha256(self.texts, self.labels)


@dataclass(frozen=True, slots=True)
class ParallelCorpus:
    """Source sentences with the target of each."""

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        return _sha256(self.sources, self.targets)


def read_lines(path: str | Path) -> Iterator[str]:
    """Lines of a plain text file, block by block, without their ends; empty lines are kept.

    Spaces at both ends of a line are stripped.

    Raises:
        InputError: a file that is missing, a directory, empty, damaged or not UTF-8.
    """
    for lines in raw_lines(path):
        for line in lines:
            yield line.strip(SPACES)


def read_text(paths: Paths) -> Corpus:
    """Running text of one or more files, in order; ``.jsonl`` gives the values of its key "text".

    Raises:
        InputError: what ``read_lines`` raises, a table where running text is wanted, no text.
    """
    files = _listed(paths)
    lines = tuple(chain.from_iterable(text_lines(path) for path in files))
    if not any(lines):
        message = f"{corpus_name(files)}: only empty lines; a corpus needs text"
        raise InputError(message)
    return Corpus(corpus_name(files), lines)


def read_labelled(
    paths: Paths,
    *,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
) -> LabelledCorpus:
    """Labelled texts of TSV, CSV or JSONL files.

    TSV (any name but ``.csv`` and ``.jsonl``) is read without quoting, CSV with quoting. A first
    row that holds a known or asked-for name of each column is a header. Without header, two
    columns are text, then label. Rows without text are kept; blank lines are passed over.

    Args:
        paths: the files, one after the other; each has its own header or none.
        text_column: name of the column or key, or its number from 0.
        label_column: the same for the label.

    Raises:
        InputError: what ``read_lines`` raises, a row or column that cannot be found, no label.
    """
    files = _listed(paths)
    columns = (
        Column("text", TEXT_NAMES, text_column),
        Column("label", LABEL_NAMES, label_column),
    )
    texts: list[str] = []
    labels: list[str] = []
    for path in files:
        for line, text, label in read_columns(path, columns):
            if not label:
                message = f"{display_name(path)}, line {line}: the label is empty"
                raise InputError(message)
            texts.append(text)
            labels.append(label)
    if not texts:
        message = f"{corpus_name(files)}: a header and no rows"
        raise InputError(message)
    return LabelledCorpus(corpus_name(files), tuple(texts), tuple(labels))


def read_parallel(paths: Paths) -> ParallelCorpus:
    """Sentence pairs: two files of lines (source, target), or one TSV, CSV or JSONL file.

    A table has two columns, source then target, or a header with the names "source" and "target";
    JSONL has these keys.

    Raises:
        InputError: what ``read_lines`` raises, and files of different lengths with both counts.
    """
    files = _listed(paths)
    if len(files) > 2:
        message = f"parallel text is two files, source and target, or one table; got {len(files)}"
        raise InputError(message)
    if len(files) == 1:
        columns = (Column("source", SOURCE_NAMES), Column("target", TARGET_NAMES))
        rows = list(read_columns(files[0], columns))
        sources = tuple(source for _, source, _ in rows)
        targets = tuple(target for _, _, target in rows)
    else:
        sources, targets = (tuple(text_lines(path)) for path in files)
    if len(sources) != len(targets):
        message = (
            f"{display_name(files[0])} has {len(sources)} lines and {display_name(files[1])} has "
            f"{len(targets)}; line n of the one must translate line n of the other"
        )
        raise InputError(message)
    if not any(sources) or not any(targets):
        message = f"{corpus_name(files)}: no text on one side"
        raise InputError(message)
    return ParallelCorpus(corpus_name(files), sources, targets)


def _listed(paths: Paths) -> list[str | Path]:
    files = [paths] if isinstance(paths, str | Path) else list(paths)
    if not files:
        raise InputError("no file given; - is standard input")
    return files


def corpus_name(files: Sequence[str | Path]) -> str:
    """What a corpus of these files is called: their names without folders."""
    return ", ".join(display_name(path) if str(path) == "-" else Path(path).name for path in files)


def text_lines(path: str | Path) -> Iterable[str]:
    """Lines of running text of one file, without their ends.

    Raises:
        InputError: what ``read_lines`` raises, a table where running text is wanted.
    """
    suffix = format_suffix(path)
    if suffix in TABLES:
        message = (
            f"{display_name(path)}: a table where plain text is wanted; "
            f"give a file with one sentence a line, or JSONL with the key 'text'"
        )
        raise InputError(message)
    if suffix in JSONL:
        values = json_values(path, Column("text", ("text",)))
        return chain.from_iterable(value.split("\n") for value in values)
    return read_lines(path)


def _sha256(*columns: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for column in columns:
        digest.update(f"{len(column)}\n".encode())
        digest.update("\n".join(column).encode("utf-8"))
    return digest.hexdigest()
