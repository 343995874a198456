"""The model in a quarter of the room, or less: n-grams packed to the bit, asked where they lie.

``compress`` loses nothing: every value comes back with the same bits. ``quantise`` keeps 256 values
an order for log-probabilities and as many for backoff weights, trained on those there are, so a
distribution then sums to 1 only about; unigrams stay exact. Both are slower to ask than
``NgramTables`` and answer the same questions.

The rising last words of a context and a rank structure over runs are after Germann et al. 2009,
"Tightly Packed Tries", and the pointers after Pibiri & Venturini 2017, "Efficient Data Structures
for Massive N-Gram Datasets", section 3.

Letters: V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Float32s, Int32s, Int64s, Uint32s, Uint64s
from munmaek.errors import ArtefactError
from munmaek.memory import free_memory
from munmaek.ngram import compact_kernels as kernels
from munmaek.ngram.bisecting import below
from munmaek.ngram.bits import SAMPLED, low_width, words_for, write_bits, write_rising
from munmaek.ngram.codebooks import Column, exact_column, trained_column
from munmaek.ngram.compact_kernels import COLUMNS, Packed
from munmaek.ngram.compiled import compiled
from munmaek.ngram.links import fill_links
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.soundness import words_are_sound
from munmaek.ngram.tables import (
    LARGEST_BACKOFF,
    NgramTables,
    TableArrays,
    check_values,
    expect,
    sampled,
)
from munmaek.progress import followed

__all__ = ["CompactTables", "compress", "fast", "for_much_text", "quantise", "tables_from"]


_WIDEST = 32
_REPAID = 4
"""Bytes of text for each n-gram, above which unpacking pays: twice of where it was measured to."""
_FAST_SIZE = 22
"""Bytes of an n-gram in the fast form, about."""
_SHARE = 0.25
"""Share of the free memory that the fast form may take."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class CompactTables(TableArrays):
    """The form packed to the bit."""

    dtypes: ClassVar = {
        "starts": np.int64,
        "layout": np.int64,
        "unigram_logprobs": np.float32,
        "unigram_backoffs": np.float32,
        "ranked": np.int32,
        "records": np.uint64,
        "pointers": np.uint64,
        "samples": np.uint32,
        "books": np.float32,
    }

    layout: Int64s
    """[n, 14]: how the records of each order are cut; see ``compact_kernels``."""
    unigram_logprobs: Float32s
    """[V]: natural log-probabilities of order 1."""
    unigram_backoffs: Float32s
    """[V], or [0] where n is 1: natural log of the backoff weights of order 1."""
    ranked: Int32s
    """[V]: ids from the likeliest unigram to the least."""
    records: Uint64s
    """The n-grams of orders 2 to n."""
    pointers: Uint64s
    """The beginnings of the continuations of each context, as Elias–Fano numbers."""
    samples: Uint32s
    """Places of every 64th of them."""
    books: Float32s
    """Values that codes stand for."""

    @property
    def packed(self) -> Packed:
        """The arrays as compiled code takes them."""
        return Packed(
            starts=self.starts,
            layout=self.layout,
            unigrams=self.unigram_logprobs,
            unigram_backoffs=self.unigram_backoffs,
            records=self.records,
            pointers=self.pointers,
            samples=self.samples,
            books=self.books,
        )

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], *, order: int, vocab_size: int
    ) -> Self:
        """Take arrays back without copying them.

        Shapes, types and the layout are checked, so that opening is instant and no query leaves the
        arrays; ``verify`` reads it all.

        Raises:
            ArtefactError: an array is missing, of another type, or its size does not fit.
        """
        arrays = cls.checked(tensors, order=order, vocab_size=vocab_size)
        expect("shape of 'layout'", arrays["layout"].shape, (order, COLUMNS))
        expect("shape of 'unigram_logprobs'", arrays["unigram_logprobs"].shape, (vocab_size,))
        backoffs = vocab_size if order > 1 else 0
        expect("shape of 'unigram_backoffs'", arrays["unigram_backoffs"].shape, (backoffs,))
        expect("shape of 'ranked'", arrays["ranked"].shape, (vocab_size,))
        for name in ("records", "pointers", "samples", "books"):
            expect(f"axes of '{name}'", arrays[name].ndim, 1)
        check_values("unigram_logprobs", sampled(arrays["unigram_logprobs"]), most=0.0)
        for name in ("unigram_backoffs", "books"):
            check_values(name, sampled(arrays[name]), most=LARGEST_BACKOFF)
        made = cls(**arrays)
        made._check_layout()
        return made

    def _check_layout(self) -> None:
        """Check that every part of every order lies within its array."""
        for level, row in enumerate(self.layout.tolist()):
            count = int(self.starts[level + 1] - self.starts[level])
            widths = row[kernels.WORD : kernels.BACKOFF + 1]
            sound = all(0 <= number < 2**62 for number in row)
            sound = sound and max(*widths, row[kernels.LOW_WIDTH]) <= _WIDEST
            end = row[kernels.START] + count * sum(widths)
            sound = sound and end <= 64 * (len(self.records) - 1)
            for book in (kernels.BOOK, kernels.BACKOFF_BOOK):
                sound = sound and row[book] + row[book + 1] <= len(self.books)
            if level + 1 < self.order:
                ends = row[kernels.LOW] + (count + 1) * row[kernels.LOW_WIDTH]
                sound = sound and max(ends, row[kernels.HIGH]) <= 64 * (len(self.pointers) - 1)
                sound = sound and row[kernels.SAMPLE] + count // SAMPLED < len(self.samples)
            expect(f"layout of order {level + 1} fits", bool(sound), wanted=True)

    def find(self, gram: Sequence[int]) -> tuple[float, float | None, int] | None:
        """Return log-probability, backoff weight and continuations of an n-gram, or None."""
        node = int(gram[0])
        for level, word in enumerate(gram[1:]):
            node = int(kernels.child(self.packed, level, node, int(word)))
            if node < 0:
                return None
        level = len(gram) - 1
        logprob = float(kernels.logprob_at(self.packed, level, node))
        if level + 1 == self.order:
            return logprob, None, 0
        begin, end = kernels.children(self.packed, level, node)
        return logprob, float(kernels.backoff_at(self.packed, level, node)), int(end - begin)

    def verify(self) -> None:
        """Read every array and check that all fits together.

        Raises:
            ArtefactError: n-grams out of order, or a value that cannot stand there.
        """
        expanded = self.expand()
        expanded.verify()
        if not np.array_equal(expanded.ranked, self.ranked):
            message = "n-gram tables: 'ranked' is damaged; take the model from a good copy"
            raise ArtefactError(message)

    def expand(self) -> NgramTables:
        """Return the fast form, with the values that this one gives.

        Raises:
            ArtefactError: damaged pointers or words.
        """
        nodes, lower = int(self.starts[-1]), int(self.starts[-2])
        words = np.arange(nodes, dtype=np.int32)
        first = np.full(lower + 1, nodes, dtype=np.int32)
        logprobs = np.empty(nodes, dtype=np.float32)
        backoffs = np.empty(lower, dtype=np.float32)
        logprobs[: self.vocab_size] = self.unigram_logprobs
        if not _expand(self.packed, first, words, logprobs, backoffs):
            message = "n-gram tables: 'pointers' or words are damaged; take the model from a copy"
            raise ArtefactError(message)
        return NgramTables(
            starts=self.starts,
            words=words,
            links=fill_links(self.starts, first, words),
            first=first,
            logprobs=logprobs,
            backoffs=backoffs,
        )


def tables_from(
    tensors: Mapping[str, NDArray[Any]], *, order: int, vocab_size: int
) -> NgramTables | CompactTables:
    """Return the tables that gave ``tensors``, in their form; nothing is copied.

    Raises:
        ArtefactError: tensors that are missing or do not fit.
    """
    form = CompactTables if "records" in tensors else NgramTables
    return form.from_tensors(tensors, order=order, vocab_size=vocab_size)


def fast(tables: NgramTables | CompactTables) -> NgramTables:
    """Return the fast form of either."""
    return tables if isinstance(tables, NgramTables) else tables.expand()


def for_much_text(
    tables: NgramTables | CompactTables, text_bytes: int
) -> NgramTables | CompactTables:
    """Return the fast form where so much text repays making it, and memory is plenty.

    Both forms give the same scores to the bit. Text is scored several times as fast by the one that
    is made, and making it takes as long as scoring some bytes of text for each n-gram.
    """
    ngrams = sum(tables.counts)
    pays = text_bytes > _REPAID * ngrams
    fits = _FAST_SIZE * ngrams <= free_memory() * _SHARE
    return fast(tables) if pays and fits else tables


@compiled
def _expand(
    trie: Packed, first: Int32s, words: Int32s, logprobs: Float32s, backoffs: Float32s
) -> bool:
    """Fill the arrays; False where contexts' runs do not follow one another."""
    starts = trie.starts
    for level in range(len(starts) - 1):
        if level > 0:
            begin, end = starts[level], starts[level + 1]
            kernels.decode_range(trie, level, begin, words[begin:end], logprobs[begin:end])
        if level == len(starts) - 2:
            break
        expected = starts[level + 1]
        for node in range(starts[level], starts[level + 1]):
            backoffs[node] = kernels.backoff_at(trie, level, node)
            begin, end = kernels.children(trie, level, node)
            if begin != expected:
                return False
            first[node] = begin
            expected = end
        if expected != starts[level + 2]:
            return False
    return words_are_sound(starts, first, words)


def compress(tables: NgramTables, *, threads: int = 1) -> CompactTables:
    """Pack the model without loss, to the bit."""
    return _pack(tables, exact_column, threads=threads)


def quantise(tables: NgramTables, *, threads: int = 1) -> CompactTables:
    """Pack with 256 log-probabilities and 256 backoff weights an order, unigrams exact."""
    return _pack(tables, trained_column, threads=threads)


def _pack(tables: NgramTables, column: Any, *, threads: int) -> CompactTables:
    starts = tables.starts
    layout = np.zeros((tables.order, COLUMNS), dtype=np.int64)
    word_width = max(int(tables.vocab_size - 1).bit_length(), 1)
    columns: list[tuple[Column, Column | None]] = []
    books: list[Float32s] = []
    bits = 0
    levels, counts = range(1, tables.order), tables.counts
    for level in followed(levels, "packing", total=sum(counts[1:]), size=counts.__getitem__):
        nodes = slice(int(starts[level]), int(starts[level + 1]))
        probabilities = column(tables.logprobs[nodes])
        backoffs = column(tables.backoffs[nodes]) if level + 1 < tables.order else None
        columns.append((probabilities, backoffs))
        row = layout[level]
        row[kernels.START], row[kernels.WORD] = bits, word_width
        _describe(row, kernels.PROBABILITY, kernels.BOOK, kernels.BASE, probabilities, books)
        if backoffs is not None:
            _describe(
                row, kernels.BACKOFF, kernels.BACKOFF_BOOK, kernels.BACKOFF_BASE, backoffs, books
            )
        width = int(row[kernels.WORD : kernels.BACKOFF + 1].sum())
        # Each order begins in a word of its own, so that orders can be packed side by side.
        bits += -(-(nodes.stop - nodes.start) * width // 64) * 64
    records = np.zeros(words_for(bits), dtype=np.uint64)

    def fill(level: int) -> None:
        probabilities, backoffs = columns[level - 1]
        nodes = slice(int(starts[level]), int(starts[level + 1]))
        row = layout[level]
        lower = backoffs is not None
        _write_records(
            records,
            row,
            tables.words[nodes],
            tables.logprobs[nodes],
            probabilities.book,
            tables.backoffs[nodes] if lower else tables.backoffs[:0],
            backoffs.book if lower else probabilities.book[:0],
        )

    in_threads(threads, fill, levels)
    pointers, samples = _write_pointers(tables, layout)
    return CompactTables(
        starts=starts.copy(),
        layout=layout,
        unigram_logprobs=tables.logprobs[: tables.vocab_size].copy(),
        unigram_backoffs=tables.backoffs[: tables.vocab_size].copy(),
        ranked=tables.ranked.copy(),
        records=records,
        pointers=pointers,
        samples=samples,
        books=np.concatenate(books) if books else np.empty(0, dtype=np.float32),
    )


def _describe(
    row: Int64s, width: int, book: int, base: int, column: Column, books: list[Float32s]
) -> None:
    row[width], row[base] = column.width, column.base
    row[book], row[book + 1] = sum(len(each) for each in books), len(column.book)
    books.append(column.book)


@compiled
def _write_records(
    records: Uint64s,
    row: Int64s,
    words: Int32s,
    logprobs: Float32s,
    book: Float32s,
    backoffs: Float32s,
    backoff_book: Float32s,
) -> None:
    place = np.uint64(row[kernels.START])
    for node in range(len(words)):
        width = np.uint64(row[kernels.WORD])
        write_bits(records, place, width, np.uint64(words[node]))
        place += width
        width = np.uint64(row[kernels.PROBABILITY])
        write_bits(records, place, width, _code(logprobs[node], book, row[kernels.BASE]))
        place += width
        if len(backoffs) > 0:
            width = np.uint64(row[kernels.BACKOFF])
            code = _code(backoffs[node], backoff_book, row[kernels.BACKOFF_BASE])
            write_bits(records, place, width, code)
            place += width


@compiled
def _code(value: np.float32, book: Float32s, base: np.int64) -> np.uint64:
    """Return the nearest value of the book, or the distance from ``base``."""
    if len(book) == 0:
        return kernels.ordered_bits(value) - np.uint64(base)
    low = below(book, value)
    if low == len(book) or (low > 0 and value - book[low - 1] < book[low] - value):
        low -= 1
    return np.uint64(low)


def _write_pointers(tables: NgramTables, layout: Int64s) -> tuple[Uint64s, Uint32s]:
    bits, samples = 0, 0
    counts = tables.counts
    for level in range(tables.order - 1):
        count, limit = counts[level] + 1, counts[level + 1]
        width = low_width(count, limit)
        high = (limit >> width) + count
        row = layout[level]
        row[kernels.LOW], row[kernels.LOW_WIDTH] = bits, width
        row[kernels.HIGH] = bits + count * width
        row[kernels.SAMPLE] = samples
        bits += count * width + high
        samples += -(-count // SAMPLED)
    pointers = np.zeros(words_for(bits), dtype=np.uint64)
    places = np.zeros(samples, dtype=np.uint32)
    for level in range(tables.order - 1):
        begin, end = int(tables.starts[level]), int(tables.starts[level + 1])
        row = layout[level]
        write_rising(
            tables.first[begin : end + 1],
            end,
            int(row[kernels.LOW_WIDTH]),
            pointers,
            int(row[kernels.LOW]),
            pointers,
            int(row[kernels.HIGH]),
            places[int(row[kernels.SAMPLE]) :],
        )
    return pointers, places
