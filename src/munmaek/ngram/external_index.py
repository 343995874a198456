"""The hash table of ``munmaek.ngram.index`` made in little memory, the same to the bit.

Ranges of slots are filled one after the other with the entries at home there, and those that leave
their range are put in at the end. The table does not depend on the ranges.
"""

import numpy as np

from munmaek.arrays import Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.index import FEW, PROBES, bits_for, place_entry, settle, slot_of
from munmaek.ngram.scratch import Buckets, Column, Scratch, chunks_of

__all__ = ["index_on_disk"]


def index_on_disk(first: Column, words: Column, scratch: Scratch, *, chunk_size: int) -> Column:
    """Return the table as ``build_index`` makes it, mapped from a file.

    Args:
        first: as in ``NgramTables``; mapped already.
        words: the same.
        scratch: where the files are.
        chunk_size: how many rows to hold at a time.
    """
    bits = bits_for(_entries(first, chunk_size))
    while True:
        made = _Table(first, words, scratch, chunk_size, bits).fill()
        if made is not None:
            return made
        bits += 1


def _entries(first: Column, chunk_size: int) -> int:
    contexts, total = first.array, 0
    for begin in range(0, len(contexts) - 1, chunk_size):
        sizes = np.diff(contexts[begin : begin + chunk_size + 1])
        total += int(sizes[sizes > FEW].sum(dtype=np.int64))
        first.release()
    return total


class _Table:
    def __init__(
        self, first: Column, words: Column, scratch: Scratch, chunk_size: int, bits: int
    ) -> None:
        self.first, self.words, self.chunk_size = first, words, chunk_size
        self.slots = 1 << bits
        self.width = min(1 << (4 * chunk_size).bit_length(), self.slots)
        self.ranges = self.slots // self.width
        self.buckets = Buckets(scratch.folder, "entries", count=self.ranges, columns=3)
        self.column = scratch.column(f"index-{bits}", np.uint64)

    def fill(self) -> Column | None:
        """Fill the table; None where an entry would lie too far from its place."""
        self._sort_entries()
        left = [self._fill_range(at) for at in range(self.ranges)]
        for at in range(self.ranges):
            self.buckets.remove(at)
        table = self.column.map()
        for at, leaving in enumerate(left):
            end = (at + 1) * self.width
            if leaving is None or not settle(
                self.first.array, self.words.array, end, leaving, table
            ):
                return None
        for column in (self.column, self.first, self.words):
            column.release()
        return self.column

    def _sort_entries(self) -> None:
        contexts, words = self.first.array, self.words.array
        for low, high in chunks_of(self.first, 0, len(contexts) - 1, chunk_size=self.chunk_size):
            begin, after = int(contexts[low]), int(contexts[high])
            rows = np.empty((after - begin, 3), dtype=np.int32)
            filled = _rows(contexts[low : high + 1], words[begin:after], low, self.slots - 1, rows)
            self.buckets.add(rows[:filled], rows[:filled, 0] // np.int32(self.width))
            self.first.release()
            self.words.release()

    def _fill_range(self, at: int) -> Int64s | None:
        """Return home and node of entries that leave the range; None where one is too far off."""
        slots = np.zeros(self.width, dtype=np.uint64)
        left = np.empty((PROBES, 2), dtype=np.int64)
        rows = self.buckets.read(at, 0, self.buckets.size(at))
        count = _place_all(rows, at * self.width, slots, left)
        self.column.append(slots)
        return left[:count].copy() if count >= 0 else None


@compiled
def _rows(first: Int32s, words: Int32s, base: int, mask: int, rows: Int32s) -> int:
    """Fill in home, word and node of the continuations of contexts that have many."""
    filled = 0
    for context in range(len(first) - 1):
        if first[context + 1] - first[context] <= FEW:
            continue
        for node in range(first[context], first[context + 1]):
            word = words[node - first[0]]
            rows[filled, 0] = slot_of(np.uint64(base + context), np.uint64(word), np.uint64(mask))
            rows[filled, 1] = word
            rows[filled, 2] = node
            filled += 1
    return filled


@compiled
def _place_all(rows: Int32s, begin: int, slots: Uint64s, left: Int64s) -> int:
    """Return how many entries leave; −1 where one would lie too far from its place."""
    leaving = 0
    for row in range(len(rows)):
        home, word, node = np.int64(rows[row, 0]), rows[row, 1], rows[row, 2]
        leaving = place_entry(slots, begin, home, word, node, left, leaving)
        if leaving < 0:
            break
    return leaving
