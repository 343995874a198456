"""The hash table of ``munmaek.ngram.index`` made in little memory, the same to the bit.

Entries are put in in the order of their nodes, each at the first free slot from its home on. What
becomes of a range of slots depends only on the entries at home there and on those that found the
range before full, so ranges are filled one after the other. Entries that leave the last range go on
in the first one, which is then filled anew, and so on as long as others leave than before.
"""

import numpy as np
from numpy.typing import NDArray

from munmaek.ngram.compiled import compiled
from munmaek.ngram.index import FEW, PROBES, bits_for, slot_of
from munmaek.ngram.scratch import Buckets, Column, Scratch, chunks_of

__all__ = ["index_on_disk"]

Int32s = NDArray[np.int32]
Uint64s = NDArray[np.uint64]


def index_on_disk(first: Column, words: Column, scratch: Scratch, *, piece: int) -> Column:
    """The table as ``build_index`` makes it, mapped from a file.

    Args:
        first: as in ``NgramTables``; mapped already.
        words: the same.
        scratch: where the files are.
        piece: how many rows to hold at a time.
    """
    bits = bits_for(_entries(first, piece))
    while True:
        made = _Table(first, words, scratch, piece, bits).fill()
        if made is not None:
            return made
        bits += 1


def _entries(first: Column, piece: int) -> int:
    contexts, total = first.array, 0
    for begin in range(0, len(contexts) - 1, piece):
        sizes = np.diff(contexts[begin : begin + piece + 1])
        total += int(sizes[sizes > FEW].sum(dtype=np.int64))
        first.release()
    return total


class _Table:
    def __init__(
        self, first: Column, words: Column, scratch: Scratch, piece: int, bits: int
    ) -> None:
        self.first, self.words, self.piece = first, words, piece
        self.slots = 1 << bits
        self.width = min(1 << (4 * piece).bit_length(), self.slots)
        self.ranges = self.slots // self.width
        self.buckets = Buckets(scratch.folder, "entries", count=self.ranges, columns=3)
        self.column = scratch.column(f"index-{bits}", np.uint64)

    def fill(self) -> Column | None:
        """None where an entry would lie too far from its place."""
        self._sort_entries()
        for _ in range(self.ranges):
            self.column.append(np.zeros(self.width, dtype=np.uint64))
        table = self.column.map()
        left = [np.empty((0, 3), dtype=np.int32) for _ in range(self.ranges)]
        place = 0
        while True:
            at = place % self.ranges
            came = left[at - 1] if place else left[at]
            leaving = self._fill_range(at, came, table)
            if leaving is None:
                return None
            self.column.release()
            settled = place >= self.ranges and np.array_equal(leaving, left[at])
            left[at] = leaving
            place += 1
            done = place == self.ranges and not len(leaving)
            if settled or done:
                break
        for bucket in range(self.ranges):
            self.buckets.remove(bucket)
        return self.column

    def _sort_entries(self) -> None:
        contexts, words = self.first.array, self.words.array
        for low, high in chunks_of(self.first, 0, len(contexts) - 1, piece=self.piece):
            begin, after = int(contexts[low]), int(contexts[high])
            rows = np.empty((after - begin, 3), dtype=np.int32)
            filled = _rows(contexts[low : high + 1], words[begin:after], low, self.slots - 1, rows)
            self.buckets.add(rows[:filled], rows[:filled, 0] // np.int32(self.width))
            self.first.release()
            self.words.release()

    def _fill_range(self, at: int, came: Int32s, table: Uint64s) -> Int32s | None:
        """Entries that found the range full, or None where one is too far from home."""
        own = self.buckets.read(at, 0, self.buckets.size(at))
        rows = own
        if len(came):
            rows = np.concatenate([came, own])
            rows = rows[np.argsort(rows[:, 2], kind="stable")]
        slots = np.zeros(self.width, dtype=np.uint64)
        leaving = np.empty((len(rows), 3), dtype=np.int32)
        count = _put(rows, at * self.width, self.slots, slots, leaving)
        if count < 0:
            return None
        table[at * self.width : (at + 1) * self.width] = slots
        return leaving[:count].copy()


@compiled
def _rows(first: Int32s, words: Int32s, base: int, mask: int, rows: Int32s) -> int:
    """Home, word and node of the continuations of contexts that have many."""
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
def _put(rows: Int32s, begin: int, total: int, slots: Uint64s, leaving: Int32s) -> int:
    """How many entries leave; −1 where one would lie too far from its place."""
    left = 0
    for row in range(len(rows)):
        home = np.int64(rows[row, 0])
        slot = home - begin if begin <= home < begin + len(slots) else np.int64(0)
        probes = (begin + slot - home) % total
        while slot < len(slots) and slots[slot] != 0 and probes < PROBES:
            slot += 1
            probes += 1
            if slot == total:
                slot = 0  # the only range there is
        if probes >= PROBES:
            return -1
        if slot == len(slots):
            for column in range(3):
                leaving[left, column] = rows[row, column]
            left += 1
        else:
            slots[slot] = (np.uint64(rows[row, 1]) << np.uint64(32)) | np.uint64(rows[row, 2])
    return left
