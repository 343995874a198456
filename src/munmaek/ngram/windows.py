r"""N-grams as numbers that any engine can add up, and the trie of the sums.

The window of a place of the text is its next n words, or as many as there are up to ``</s>``. What
occurs at a place is what its window begins with, so the raw count of a k-gram is the sum of the
counts of the windows that begin with it: windows and integers are all that has to be brought
together from the parts of a text.

A window is packed into C numbers below 2^63, m words in each, the first word highest, a word w as
w + 1 and what lies past ``</s>`` as 0. Sorted by these numbers, windows lie as the n-grams of a
trie do, so that one pass over them makes it.

Letters: V vocabulary size, n order, C numbers a window, W windows, N nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int32s, Int64s
from munmaek.errors import InputError, OrderError
from munmaek.ngram.compiled import compiled
from munmaek.ngram.counting import Trie, count
from munmaek.ngram.links import fill_links
from munmaek.ngram.parallel import cuts_by_weight

__all__ = ["Packing", "TrieBuilder", "windows_of"]

_BITS = 63
_SLICES = 16
_MOST = 2**31 - 1


@final
@dataclass(frozen=True, slots=True)
class Packing:
    """The form of windows as numbers."""

    order: int
    """n."""
    bits: int
    """Bits of one word."""

    @classmethod
    def of(cls, order: int, vocab_size: int) -> Self:
        """Return the smallest form for ids below ``vocab_size``."""
        return cls(order, int(vocab_size).bit_length())

    @property
    def words(self) -> int:
        """The words in one number."""
        return _BITS // self.bits

    @property
    def columns(self) -> int:
        """C."""
        return -(-self.order // self.words)

    def place(self, at: int) -> tuple[int, int]:
        """Return the number that holds the word ``at`` of a window, and its shift there."""
        return at // self.words, (self.words - 1 - at % self.words) * self.bits


def windows_of(
    text: Int32s, packing: Packing, *, vocab_size: int, bos: int, eos: int, threads: int = 1
) -> tuple[Int64s, Int64s]:
    """Count the windows of a text natively.

    Args:
        text: sentences as ``munmaek.ngram.counting.bound`` makes them: [P + 1].
        packing: the form of windows.
        vocab_size: V.
        bos: the id of ``<s>``.
        eos: the id of ``</s>``.
        threads: how many kernels run side by side.

    Returns:
        The windows that occur, each once [C, W], and how often each does [W].
    """
    ends, begins = np.flatnonzero(text == eos), np.flatnonzero(text[:-1] == bos)
    longest = int((ends - begins).max()) + 1
    order = min(packing.order, longest)
    trie = count(text, order=order, vocab_size=vocab_size, bos=bos, eos=eos, threads=threads)
    return _ended(trie, packing, eos)


def _ended(trie: Trie, packing: Packing, eos: int) -> tuple[Int64s, Int64s]:
    """Return the n-grams of a trie that nothing continues, as windows with their counts."""
    found, counts = list[Int64s](), list[Int32s]()
    keys = np.zeros((packing.columns, int(trie.starts[1])), dtype=np.int64)
    for order in range(1, trie.order + 1):
        level = trie.level(order)
        column, shift = packing.place(order - 1)
        keys[column] |= (trie.words[level].astype(np.int64) + 1) << shift
        last = order == trie.order
        ended = trie.counts[level] > 0 if last else trie.words[level] == eos
        ended &= trie.counts[level] > 0
        found.append(keys[:, ended])
        counts.append(trie.counts[level][ended])
        if not last:
            continuing = np.diff(trie.first[level.start : level.stop + 1])
            keys = np.repeat(keys, continuing, axis=1)
    return np.concatenate(found, axis=1), np.concatenate(counts).astype(np.int64)


@final
class TrieBuilder:
    """Makes a trie of sorted windows, given some at a time."""

    def __init__(self, packing: Packing, *, vocab_size: int) -> None:
        """Begin with none."""
        order = packing.order
        self.packing, self._order = packing, order
        self._previous = np.zeros(order, dtype=np.int64)
        self._open = np.zeros(order, dtype=np.int64)
        self._nodes = np.zeros(order + 1, dtype=np.int64)
        self._histogram = np.zeros(vocab_size, dtype=np.int64)
        self._first = np.full(vocab_size, -1, dtype=np.int64)
        none = [list[NDArray[np.int64]]() for _ in range(order)]
        self._words = [list[Int32s]() for _ in none]
        self._counts = [list[Int64s]() for _ in none]
        self._firsts = none

    def add(self, keys: Int64s, counts: Int64s) -> None:
        """Take up windows that come after all those before.

        Args:
            keys: [C, W], in rising order.
            counts: [W].
        """
        size = len(counts)
        words = np.empty((self._order, size), dtype=np.int32)
        firsts = np.empty((self._order, size), dtype=np.int64)
        closed = np.empty((self._order, size), dtype=np.int64)
        filled = np.zeros((2, self._order), dtype=np.int64)
        packing = (self.packing.bits, self.packing.words)
        state = (self._previous, self._open, self._nodes, self._histogram, self._first)
        _grow(keys, counts, packing, state, words, firsts, closed, filled)
        for level in range(1, self._order):
            opened, ended = filled[0, level], filled[1, level]
            self._words[level].append(words[level, :opened].copy())
            self._firsts[level].append(firsts[level, :opened].copy())
            self._counts[level].append(closed[level, :ended].copy())

    def finish(self, order: int, *, eos: int) -> Trie:
        """Return the trie of n-grams up to ``order``.

        Raises:
            InputError: more n-grams than can be numbered, or one that occurs too often.
            OrderError: no sentence is long enough for an n-gram of that order.
        """
        levels = [int(np.count_nonzero(self._histogram)), *self._nodes[1 : self._order].tolist()]
        longest = sum(size > 0 for size in levels)
        if order > longest:
            sequences = int(self._histogram[eos])
            raise OrderError(order, longest, f"the longest of {sequences} sequences")
        sizes = [len(self._histogram), *self._nodes[1:order].tolist()]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._check(int(starts[-1]))
        words = np.empty(int(starts[-1]), dtype=np.int32)
        counts, first = np.empty_like(words), np.empty(int(starts[-2]) + 1, dtype=np.int32)
        words[: sizes[0]], counts[: sizes[0]] = np.arange(sizes[0]), self._histogram
        for level in range(1, order):
            begin, end = int(starts[level]), int(starts[level + 1])
            words[begin:end] = _joined(self._words[level])
            left = self._open[level : level + 1] if self._previous[level] else self._open[:0]
            counts[begin:end] = _joined([*self._counts[level], left])
        first[-1] = starts[-1]
        for level in range(order - 1):
            local = _filled(self._first, sizes[1]) if level == 0 else _joined(self._firsts[level])
            first[starts[level] : starts[level + 1]] = local + starts[level + 1]
        links = fill_links(starts, first, words)
        return Trie(starts, words, links, first, counts, cuts_by_weight(self._histogram, _SLICES))

    def _check(self, nodes: int) -> None:
        if nodes > _MOST:
            message = f"more than {_MOST} n-grams are too many for one table; lower the order"
            raise InputError(message)
        if self._histogram.max(initial=0) > _MOST:
            message = f"a word occurs more than {_MOST} times, which one table cannot hold"
            raise InputError(message)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _filled(first: Int64s, end: int) -> Int64s:
    """Give words that nothing continues the place where the next word's n-grams begin."""
    known = np.where(first < 0, end, first)
    return np.minimum.accumulate(known[::-1])[::-1]


@compiled
def _grow(
    keys: Int64s,
    counts: Int64s,
    packing: tuple[int, int],
    state: tuple[Int64s, Int64s, Int64s, Int64s, Int64s],
    words: Int32s,
    firsts: Int64s,
    closed: Int64s,
    filled: Int64s,
) -> None:
    """Open a node for every beginning of a window that the one before has not.

    ``state`` are the words of the window before, the counts of its nodes, how many nodes each order
    has, and counts and first continuations of unigrams. The count of a node is known when it is
    closed, which may be many windows later.
    """
    bits, per = packing
    previous, opened, nodes, histogram, first = state
    order, mask = len(previous), (1 << bits) - 1
    for row in range(len(counts)):
        same = True
        for level in range(order):
            shift = (per - 1 - level % per) * bits
            word = (keys[level // per, row] >> shift) & mask
            if same and word == previous[level]:
                if word == 0:
                    break
            else:
                if same:
                    _close(level, previous, opened, closed, filled)
                    same = False
                previous[level] = word
                if word == 0:
                    break
                opened[level] = 0
                if level == 0:
                    first[word - 1] = nodes[1]
                else:
                    at = filled[0, level]
                    words[level, at] = word - 1
                    firsts[level, at] = nodes[level + 1]
                    filled[0, level] = at + 1
                nodes[level] += 1
            if level == 0:
                histogram[word - 1] += counts[row]
            opened[level] += counts[row]


@compiled
def _close(level: int, previous: Int64s, opened: Int64s, closed: Int64s, filled: Int64s) -> None:
    """Close the nodes of the window before from a level on; the counts of unigrams stay open."""
    for deeper in range(max(level, 1), len(previous)):
        if previous[deeper] == 0:
            break
        closed[deeper, filled[1, deeper]] = opened[deeper]
        filled[1, deeper] += 1
        previous[deeper] = 0
