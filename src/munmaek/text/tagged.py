"""Sentences with a label for every word: one word a line, a blank line between sentences.

The form of the CoNLL shared tasks (Tjong Kim Sang & De Meulder 2003): the word stands first and the
label last, with tabs between, or spaces where the file's first word has no tab. ``-DOCSTART-``
lines are passed over, and so are lines that begin with ``#`` and have no tab where one should be.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from munmaek.errors import InputError
from munmaek.text.corpora import corpus_name
from munmaek.text.files import display_name, raw_lines

__all__ = ["TaggedCorpus", "read_tagged", "read_words"]

START = "-DOCSTART-"
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaggedCorpus:
    """Sentences as words, with the label of each word."""

    name: str
    sentences: tuple[Words, ...]
    labels: tuple[Words, ...]
    places: tuple[tuple[str, int], ...] = field(default=(), compare=False, repr=False)
    """File and line of each sentence's first word, where they are known."""

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        digest = hashlib.sha256()
        for words, labels in zip(self.sentences, self.labels, strict=True):
            rows = (f"{word}\t{label}\n" for word, label in zip(words, labels, strict=True))
            digest.update(("".join(rows) + "\n").encode())
        return digest.hexdigest()

    def place(self, sentence: int, word: int) -> str:
        """Where a word stands, for messages: ``ner.tsv, line 3``."""
        if not self.places:
            return f"{self.name}: sentence {sentence + 1}, word {word + 1}"
        file, line = self.places[sentence]
        return f"{file}, line {line + word}"

    def chosen(self, rows: Sequence[int], *, name: str | None = None) -> "TaggedCorpus":
        """Those sentences, in that order."""
        return TaggedCorpus(
            self.name if name is None else name,
            tuple(self.sentences[row] for row in rows),
            tuple(self.labels[row] for row in rows),
            tuple(self.places[row] for row in rows) if self.places else (),
        )


def read_tagged(paths: Sequence[str | Path]) -> TaggedCorpus:
    """Sentences with labels, of one or more files.

    Raises:
        InputError: an unreadable file, a line without a label, no sentence.
    """
    sentences: list[Words] = []
    labels: list[Words] = []
    places: list[tuple[str, int]] = []
    for path in paths:
        name = display_name(path)
        for line, rows in _blocks(path):
            pairs = [_split(name, line + offset, row) for offset, row in enumerate(rows)]
            sentences.append(tuple(word for word, _ in pairs))
            labels.append(tuple(label for _, label in pairs))
            places.append((name, line))
    if not sentences:
        message = f"{corpus_name(paths)}: no sentence; one word and its label a line are wanted"
        raise InputError(message)
    return TaggedCorpus(corpus_name(paths), tuple(sentences), tuple(labels), tuple(places))


def read_words(path: str | Path) -> Iterator[Words]:
    """Sentences of words, one a line with a blank line between; labels there are passed over."""
    for _, rows in _blocks(path):
        yield tuple(_cells(row)[0] for row in rows)


def _blocks(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Lines that belong to one sentence, with the number of the first."""
    rows: list[str] = []
    first, spaced = 1, False
    for number, line in enumerate(chain.from_iterable(raw_lines(path)), start=1):
        remark = line.startswith("#") and "\t" not in line and not spaced
        if line.strip() and not remark and not line.startswith(START):
            first = first if rows else number
            spaced = spaced or "\t" not in line
            rows.append(line)
        elif rows:
            yield first, rows
            rows = []
    if rows:
        yield first, rows


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _split(name: str, number: int, line: str) -> tuple[str, str]:
    cells = _cells(line)
    label = cells[-1].strip()
    if len(cells) < 2 or not label:
        message = (
            f"{name}, line {number}: a word and its label with a tab between are wanted, "
            f"got {line[:40]!r}; a blank line ends a sentence"
        )
        raise InputError(message)
    return cells[0], label
