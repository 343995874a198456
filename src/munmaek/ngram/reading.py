"""A text of white-space words as ids, its vocabulary by frequency: the fast way into the n-grams.

The words, their ids and the rows held out are those of the tokenizer of kind ``words`` on the
lines of ``munmaek.text.corpora.read_text``, without a Python string for each word or line.

Letters: P positions of the bounded text.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np

from munmaek.arrays import Int32s, Int64s
from munmaek.errors import InputError
from munmaek.ngram.blocks import SIZE, Block, Spool, blocks_of, in_memory
from munmaek.ngram.counting import check_length
from munmaek.ngram.parallel import in_threads, usual
from munmaek.ngram.row_bytes import join_rows
from munmaek.ngram.scratch import Column, Scratch
from munmaek.ngram.words import Rows, Vocabulary, renumber, tally
from munmaek.text.files import at_line
from munmaek.text.memory import Sources

__all__ = ["BOS", "EOS", "UNK", "Reserved", "WordRules", "WordText", "ranked", "read_words"]


HoldOut = Callable[[int], Int64s]
"""From a number of rows to those that are not to be counted, in rising order."""

UNK, BOS, EOS = 1, 2, 3
"""Places of the special tokens in every vocabulary of munmaek."""


Keep = Callable[[Int32s], Callable[[], Int32s]]
"""Takes ids, and gives a way to have them again, once."""


def _kept(numbers: Int32s) -> Callable[[], Int32s]:
    own = numbers.copy()  # without the room that was not needed
    return lambda: own


class Reserved(Enum):
    """The fate of words of the text that are written like a special token."""

    REFUSE = "refuse"
    SPACE = "space"
    """Left out, as if white space stood there."""
    WORD = "word"
    """Counted as the unknown word."""


@dataclass(frozen=True, slots=True)
class WordRules:
    """Rules by which words of a text have an id of their own."""

    specials: Sequence[str]
    """``<pad> <unk> <s> </s> <mask>``, which have the first ids."""
    most: int | None = None
    """The size of the vocabulary with the special tokens; None has no limit."""
    min_count: int = 1
    """Occurrences that a word needs not to be unknown."""
    reserved: Reserved = Reserved.REFUSE
    """The fate of words written like a special token."""


@dataclass(frozen=True, slots=True, eq=False)
class WordText:
    """The rows that are counted."""

    text: Int32s
    """Ids as ``<s> … </s>`` after ``<s> … </s>``, and one more ``<s>``: [P + 1]; none on disk."""
    words: tuple[str, ...]
    """The vocabulary by id, special tokens first."""
    rows: int
    held: tuple[str, ...]
    """The rows held out."""
    positions: int
    """P."""
    digest: Future[str]

    @property
    def sha256(self) -> str:
        """sha256 of the rows counted, as ``munmaek.text.corpora.Corpus.fingerprint`` has it.

        It is computed beside what follows; asked for, it is waited for.
        """
        return self.digest.result()


def read_words(
    paths: Sources,
    rules: WordRules,
    *,
    hold_out: HoldOut | None = None,
    threads: int | None = None,
    scratch: Scratch | None = None,
    column: Column | None = None,
    text_column: str | int | None = None,
) -> WordText:
    """Read files twice: once to count their rows, once for their words.

    Args:
        paths: as ``munmaek.text.corpora.read_text`` takes them.
        rules: by which words have an id of their own.
        hold_out: which rows to leave out; None counts all.
        threads: how many blocks are read side by side, by default ``usual``; the result does
            not depend on it.
        scratch: where to keep what cannot be read twice, and ids; None keeps them in memory.
        column: where to write the ids of the text; None gives them as an array.
        text_column: name or number of a table's column; None finds it.

    Raises:
        InputError: what ``read_text`` raises, and a reserved word with its file and line.
    """
    threads = usual() if threads is None else threads
    specials = rules.specials
    spool: Spool = in_memory if scratch is None else scratch.spool
    size = SIZE if scratch is None else SIZE >> 2
    blocks = blocks_of(paths, threads=threads, spool=spool, size=size, column=text_column)
    total = sum(block.rows for block in blocks)
    held = np.empty(0, dtype=np.int64) if hold_out is None else hold_out(total)
    keep: Keep = _kept if scratch is None else scratch.keep
    reader = _Reader(blocks, specials, held, rules.reserved, keep)
    in_threads(threads, lambda work: work(), [reader.read] * threads)
    reader.check(specials)
    beside = ThreadPoolExecutor(1)
    digest = beside.submit(reader.hash)
    beside.shutdown(wait=False)
    words, numbers = reader.rank(specials, most=rules.most, min_count=rules.min_count)
    if column is None:
        text = reader.assemble(numbers, threads)
    else:
        text = np.empty(0, dtype=np.int32)
        reader.write(numbers, column)
    return WordText(
        text=text,
        words=words,
        rows=total - len(held),
        held=tuple(reader.held_rows()),
        positions=sum(reader.sizes),
        digest=digest,
    )


def ranked(
    words: Sequence[bytes], counts: Int64s, *, specials: int, most: int | None, min_count: int = 1
) -> Int64s:
    """Return the places of the words of a vocabulary, by frequency and then by their characters.

    Args:
        words: in UTF-8, in any order.
        counts: how often each occurs.
        specials: how many special tokens stand before them.
        most: the size of the vocabulary with these; None has no limit.
        min_count: how often a word must occur.
    """
    # UTF-8 sorts as its characters do; sorting by frequency afterwards keeps that order.
    enough = np.flatnonzero(counts >= max(min_count, 1)).tolist()
    sorted_words = np.array(sorted(enough, key=words.__getitem__), dtype=np.int64)
    chosen = sorted_words[np.argsort(-counts[sorted_words], kind="stable")]
    return chosen if most is None else chosen[: max(most - specials, 0)]


class _Reader:
    """Blocks are taken by whichever thread is free; each thread has a vocabulary of its own."""

    def __init__(
        self,
        blocks: list[Block],
        specials: Sequence[str],
        held: Int64s,
        reserved: Reserved,
        keep: Keep,
    ) -> None:
        self.keep = keep
        self.sizes = [0] * len(blocks)
        self.blocks, self.held = blocks, held
        self.first = tuple(word.encode() for word in specials)
        self.reserved = {Reserved.REFUSE: -2, Reserved.SPACE: -1, Reserved.WORD: UNK}[reserved]
        self.next = 0
        self.lock = Lock()
        self.vocabularies: list[Vocabulary] = []
        self.counts: list[Int64s] = []
        self.numbered: dict[int, tuple[int, Callable[[], Int32s]]] = {}
        self.spans: dict[int, list[str]] = {}
        self.refused: list[tuple[int, int]] = []

    def read(self) -> None:
        """Number the words of blocks until there is none left."""
        vocabulary, counts = Vocabulary(self.first), np.zeros(0, dtype=np.int64)
        with self.lock:
            worker = len(self.vocabularies)
            self.vocabularies.append(vocabulary)
            self.counts.append(counts)
        while (index := self._take()) is not None:
            block = self.blocks[index]
            rows = Rows(block.begin, block.rows, self.held, BOS, EOS, self.reserved)
            content = block.load()
            numbers = vocabulary.number(content, rows)
            if len(counts) < vocabulary.size:
                counts = np.concatenate([counts, np.zeros(vocabulary.size, dtype=np.int64)])
                self.counts[worker] = counts
            tally(numbers, counts)
            self.sizes[index] = len(numbers)
            self.numbered[index] = worker, self.keep(numbers)
            self.spans[index] = [
                content[begin:end].tobytes().decode() for begin, end in rows.spans.tolist()
            ]
            if rows.refused >= 0:
                self.refused.append((rows.refused, index))

    def _take(self) -> int | None:
        with self.lock:
            index = self.next
            self.next += 1
        return index if index < len(self.blocks) else None

    def hash(self) -> str:
        """Return the sha256 of the number of rows and the rows, stripped of spaces at both ends."""
        rows = sum(block.rows for block in self.blocks) - len(self.held)
        digest = hashlib.sha256(f"{rows}\n".encode())
        begun = False
        for block in self.blocks:
            content = block.load()
            out = np.empty(len(content) + 1, dtype=np.uint8)
            filled = join_rows(content, block.begin, self.held, out)
            # The line feed before the first row is none between rows.
            digest.update(cast("Any", out[0 if begun else 1 : filled]))
            begun = begun or filled > 0
        return digest.hexdigest()

    def check(self, specials: Sequence[str]) -> None:
        """Refuse reserved words, and a text without words.

        Raises:
            InputError: names the file and the line.
        """
        refused = [*self.refused, *self._refused_held()]
        if refused:
            row, index = min(refused)
            block = self.blocks[index]
            line = block.line + row - block.begin
            message = (
                f"{at_line(block.file, line)}: one of the reserved words {' '.join(specials)} "
                "stands in the text; take it out, or give --reserved space (leave out) or word "
                "(unknown)"
            )
            raise InputError(message)
        if all(vocabulary.size <= len(self.first) for vocabulary in self.vocabularies):
            names = ", ".join(dict.fromkeys(Path(block.file).name for block in self.blocks))
            message = f"{names}: only empty lines; a corpus needs text"
            raise InputError(message)

    def _refused_held(self) -> list[tuple[int, int]]:
        """Return the first held-out row with a reserved word that is refused, and its block."""
        if self.reserved != -2:
            return []
        words = {word.decode() for word in self.first}
        inside = [(index, row) for index in sorted(self.spans) for row in self.spans[index]]
        found = zip(self.held.tolist(), inside, strict=True)
        return [(row, at) for row, (at, text) in found if not words.isdisjoint(text.split())][:1]

    def rank(
        self, specials: Sequence[str], *, most: int | None, min_count: int
    ) -> tuple[tuple[str, ...], list[Int32s]]:
        """Return vocabulary, most frequent words first, and what each thread's numbers become."""
        base = self.vocabularies[0]
        merged = [
            base.add(other.blob[: other.limits[other.size]], other.limits[: other.size + 1])
            for other in self.vocabularies[1:]
        ]
        numbers = [np.arange(base.size, dtype=np.int32), *merged]
        counts = np.zeros(base.size, dtype=np.int64)
        for own, numbered in zip(self.counts, numbers, strict=True):
            known = min(len(own), len(numbered))
            counts[numbered[:known]] += own[:known]
        counts[: len(specials)] = 0
        words = base.words()
        chosen = ranked(words, counts, specials=len(specials), most=most, min_count=min_count)
        ids = np.full(base.size, UNK, dtype=np.int32)
        ids[: len(specials)] = np.arange(len(specials))
        ids[chosen] = np.arange(len(specials), len(specials) + len(chosen))
        vocabulary = (*specials, *(words[int(word)].decode() for word in chosen))
        return vocabulary, [ids[numbered] for numbered in numbers]

    def assemble(self, numbers: list[Int32s], threads: int) -> Int32s:
        """Put the whole text together; gives up the blocks."""
        ends = np.cumsum(self.sizes)
        check_length(int(ends[-1]))
        text = np.empty(int(ends[-1]) + 1, dtype=np.int32)
        text[-1] = BOS

        def work(index: int) -> None:
            worker, block = self.numbered.pop(index)
            end = int(ends[index])
            renumber(block(), numbers[worker], text[end - self.sizes[index] : end])

        in_threads(threads, work, range(len(self.sizes)))
        return text

    def write(self, numbers: list[Int32s], column: Column) -> None:
        """Write the whole text into a file; gives up the blocks."""
        check_length(sum(self.sizes))
        for index, size in enumerate(self.sizes):
            worker, block = self.numbered.pop(index)
            ids = np.empty(size, dtype=np.int32)
            renumber(block(), numbers[worker], ids)
            column.append(ids)
        column.append(np.array([BOS]))

    def held_rows(self) -> list[str]:
        """Return the rows held out, in their order, as text."""
        rows = [row for index in range(len(self.blocks)) for row in self.spans[index]]
        if self.reserved != -1:
            return rows
        reserved = {word.decode() for word in self.first}
        return [" ".join(word for word in row.split() if word not in reserved) for row in rows]
