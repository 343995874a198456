"""Sentences with a label for every word: one word a line, a blank line between sentences.

The form of the CoNLL shared tasks (Tjong Kim Sang & De Meulder 2003): the word stands first and the
label last, with tabs between, or spaces where the file's first word has no tab. Where the first
column counts the words of each sentence, the word stands second (GermEval 2014); ten such columns
are CoNLL-U (Universal Dependencies), whose label is the part of speech, and whose ranges (1-2) and
empty nodes (8.1) are passed over. So are ``-DOCSTART-`` lines and remarks, such as ``# …`` and
KLUE's ``## id<TAB>sentence``; a word may be ``#`` or begin with it.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from munmaek.errors import InputError
from munmaek.text.columns import LABEL_NAMES, Column
from munmaek.text.corpora import corpus_name, listed
from munmaek.text.files import at_line, display_name
from munmaek.text.forms import Form, OpenedText, open_text, refuse_records
from munmaek.text.memory import Source, Sources
from munmaek.text.tables import found_key, json_records, json_text

__all__ = ["TaggedCorpus", "read_tagged", "read_words"]

START = "-DOCSTART-"
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaggedCorpus:
    """Sentences as words, with the label of each word."""

    name: str
    sentences: tuple[Words, ...]
    labels: tuple[Words, ...]
    places: tuple[tuple[str, tuple[int, ...]], ...] = field(default=(), compare=False, repr=False)
    """File of each sentence and line of each of its words, where they are known."""

    @property
    def size(self) -> int:
        """Return the number of sentences."""
        return len(self.sentences)

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        digest = hashlib.sha256()
        for words, labels in zip(self.sentences, self.labels, strict=True):
            rows = (f"{word}\t{label}\n" for word, label in zip(words, labels, strict=True))
            digest.update(("".join(rows) + "\n").encode())
        return digest.hexdigest()

    def place(self, sentence: int, word: int) -> str:
        """Return where a word stands, for messages: ``ner.tsv, line 3``."""
        if not self.places:
            return f"{self.name}: sentence {sentence + 1}, word {word + 1}"
        file, lines = self.places[sentence]
        return at_line(file, lines[word])

    def chosen(self, rows: Sequence[int], *, name: str | None = None) -> "TaggedCorpus":
        """Return those sentences, in that order."""
        return TaggedCorpus(
            self.name if name is None else name,
            tuple(self.sentences[row] for row in rows),
            tuple(self.labels[row] for row in rows),
            tuple(self.places[row] for row in rows) if self.places else (),
        )


def read_tagged(paths: Sources) -> TaggedCorpus:
    """Read the sentences with labels, of one or more files.

    Raises:
        InputError: an unreadable file, a line without a label, no sentence.
    """
    sentences: list[Words] = []
    labels: list[Words] = []
    places: list[tuple[str, tuple[int, ...]]] = []
    for path in listed(paths):
        name = display_name(path)
        for rows in _sentences(path):
            sentences.append(tuple(row.word for row in rows))
            labels.append(tuple(_label(name, row) for row in rows))
            places.append((name, tuple(row.line for row in rows)))
    if not sentences:
        message = f"{corpus_name(paths)}: no sentence; one word and its label a line are wanted"
        raise InputError(message)
    return TaggedCorpus(corpus_name(paths), tuple(sentences), tuple(labels), tuple(places))


def read_words(path: Source) -> Iterator[Words]:
    """Read sentences of words, one a line, a blank line between; labels are passed over."""
    for file in listed(path):
        for rows in _sentences(file, labelled=False):
            yield tuple(row.word for row in rows)


class _Row(NamedTuple):
    """A word as a line of the file has it."""

    line: int
    word: str
    label: str
    """Empty where the line has none."""


WORDS = Column("words", ("words", "tokens", "어절", "단어"))
TAGS = Column("labels", ("tags", "ner_tags", "pos_tags", *LABEL_NAMES))


def _recorded(opened: OpenedText, *, labelled: bool) -> Iterator[list[_Row]]:
    """Yield the words and labels of records, a list of each in every row.

    Raises:
        InputError: what is no list, words and labels of different number, or a word that no file
            of such sentences can hold.
    """
    for line, record in json_records(opened):
        if record is None:
            continue
        words = _listed(opened.name, line, record, WORDS)
        labels = _listed(opened.name, line, record, TAGS) if labelled else ["O"] * len(words)
        if len(words) != len(labels):
            message = f"{at_line(opened.name, line)}: {len(words)} words, {len(labels)} labels"
            raise InputError(message)
        for word, label in zip(words, labels, strict=True):
            if not word or not label or {*"\t\n\r"} & {*word, *label}:
                message = (
                    f"{at_line(opened.name, line)}: a word and its label without tabs and ends of "
                    f"lines are wanted, got {word[:40]!r} and {label[:40]!r}"
                )
                raise InputError(message)
        if words:
            yield [_Row(line, *each) for each in zip(words, labels, strict=True)]


def _listed(name: str, line: int, record: dict[str, Any], column: Column) -> list[str]:
    key = found_key(record, column)
    values: object = None if key is None else record[key]
    if key is None or not isinstance(values, list):
        given = ", ".join(f"{key} ({type(each).__name__})" for key, each in record.items())
        message = f"{at_line(name, line)}: a list of {column.role} is wanted, got {given}"
        raise InputError(message)
    one = Column(column.role, (key.lower(),), key)
    kind = type(record)
    return [json_text(name, line, kind({key: each}), one) for each in cast("list[Any]", values)]


Numbered = tuple[int, str]
CONLLU = 10
"""Columns of a CoNLL-U file."""
_HEADING = re.compile(r"#+\s")
_MARKED = re.compile(r"[BIESLUM]-.")
_INDEX = re.compile(r"(\d{1,9})([-.]\d{1,9})?")


def _sentences(path: Source, *, labelled: bool = True) -> Iterator[list[_Row]]:
    """Yield the words of one sentence after another; a file of nothing but remarks has none.

    Raises:
        InputError: a sentence whose first column does not count, where those before it do.
    """
    form: _Form | None = None
    name = display_name(path)
    opened = open_text(path)
    if opened.form is Form.JSONL:
        yield from _recorded(opened, labelled=labelled)
        return
    waiting: list[list[Numbered]] = []  # until a block tells the form
    for block in _blocks(opened):
        waiting.append(block)
        form = form or _Form.of(block)
        if form is not None:
            yield from filter(None, (form.rows(each, name) for each in waiting))
            waiting = []
    if waiting:
        form = _Form.doubtful(waiting[0])
        yield from filter(None, (form.rows(each, name) for each in waiting))


def _blocks(opened: OpenedText) -> Iterator[list[Numbered]]:
    """Yield the lines between blank ones, with their numbers."""
    refuse_records(opened, "a word and its label a line")
    rows: list[Numbered] = []
    for number, line in enumerate(opened.lines, start=1):
        if line.strip() and line.split(maxsplit=1)[0] != START:
            rows.append((number, line))
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of a file's words, told by the first line that can be no remark."""

    width: int
    tabbed: bool
    counted: bool
    """The first column counts the words of each sentence."""
    labels: set[str] = field(default_factory=set[str])
    """Labels of the words seen so far."""

    @classmethod
    def of(cls, block: Sequence[Numbered]) -> "_Form | None":
        """Tell the form of a block's words; None where it may be remarks alone, or a word be 1."""
        lines = [line for _, line in block if not line.startswith("#")]
        if not lines:
            return None
        plain = cls.doubtful([(0, line) for line in lines])
        indices = [match for line in lines if (match := _INDEX.fullmatch(plain.cells(line)[0]))]
        counts = [int(match[1]) for match in indices if match[2] is None]
        counted = len(indices) == len(lines) and counts == list(range(1, len(counts) + 1))
        if not counted or plain.width < 3:
            return plain
        if len(lines) == 1 and plain.width != CONLLU:
            return None
        return cls(plain.width, plain.tabbed, counted=True)

    @classmethod
    def doubtful(cls, block: Sequence[Numbered]) -> "_Form":
        """Return the form of a file of which one can tell no more."""
        line = block[0][1]
        return cls(len(_cells(line, tabbed="\t" in line)), "\t" in line, counted=False)

    def cells(self, line: str) -> list[str]:
        """Return the columns of a line."""
        return _cells(line, tabbed=self.tabbed)

    def rows(self, block: Sequence[Numbered], name: str) -> list[_Row]:
        """Return the words of a block.

        Raises:
            InputError: one whose first column does not count, where the first sentence's does.
        """
        found = [(number, self.cells(line)) for number, line in block if not self._remark(line)]
        if self.counted:
            found = [each for each in found if self._counts(name, *each)]
        rows = [self._row(number, cells) for number, cells in found]
        self.labels.update(row.label for row in rows)
        return rows

    def _remark(self, line: str) -> bool:
        if not line.startswith("#"):
            return False
        *before, last = self.cells(line)
        if self.counted or (self.tabbed and "\t" not in line):
            return True
        if self.tabbed:
            return bool(_HEADING.match(before[0])) or len(last.split()) != 1
        # Between spaces only the number of columns and the label tell "# # O" from a sentence.
        alone = bool(before) and not before[0].strip("#")
        return len(before) + 1 != self.width or (alone and not self._is_label(last))

    def _is_label(self, text: str) -> bool:
        marked = text == "O" or _MARKED.match(text) is not None
        return marked or text in self.labels or not any(map(str.isalnum, text))

    def _counts(self, name: str, number: int, cells: Sequence[str]) -> bool:
        """Return whether a line is a word, rather than a range of words or an empty node."""
        match = _INDEX.fullmatch(cells[0])
        if match is None:
            message = (
                f"{name}, line {number}: the first column counts the words of the sentences "
                f"before, and holds {cells[0][:40]!r} here; is a line broken?"
            )
            raise InputError(message)
        return match[2] is None

    def _row(self, number: int, cells: Sequence[str]) -> _Row:
        if self.counted and self.width == CONLLU:
            return _Row(number, cells[1], cells[3] if len(cells) > 3 else "")
        first = 1 if self.counted and len(cells) > 1 else 0
        label = cells[-1].strip() if len(cells) > first + 1 else ""
        return _Row(number, cells[first], label)


def _cells(line: str, *, tabbed: bool) -> list[str]:
    if tabbed and "\t" in line:
        return line.split("\t")
    return [cell for cell in re.split("[ \t]+", line) if cell]


def _label(name: str, row: _Row) -> str:
    if not row.label:
        message = (
            f"{name}, line {row.line}: a word and its label with a tab between are wanted, "
            f"got {row.word[:40]!r} alone; a blank line ends a sentence"
        )
        raise InputError(message)
    return row.label
