r"""N-grams of every order by sorting the places of the text, in one pass an order.

Let the places be sorted by the k-grams that begin there, alike ones numbered alike. Go through them
in that order and put the place before each, with the number of the k-gram after it, into the bucket
of its own word: this sorts the places by (k+1)-grams, for within a bucket the order of the rest is
kept. Nothing is ever compared but numbers with the one before (a radix sort; the step is the
induced sorting of Ko & Aluru 2005). Where the number in a bucket changes, a (k+1)-gram begins, and
that number is the (k+1)-gram without its first word: the links of the trie come for free.

A pass is cut into slices by the word at the place. How many places a slice puts into each bucket
is known beforehand from pairs of neighbours, so slices run side by side, each writing where no
other does, and what comes out does not depend on them.

Letters: P places of the text, V vocabulary size, S slices, n order, N nodes of all orders.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Bytes, Int32s, Int64s
from munmaek.errors import InputError, OrderError
from munmaek.ngram.bisecting import below
from munmaek.ngram.compiled import compiled
from munmaek.ngram.intrinsics import prefetch
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.parallel import cuts_by_weight, in_threads
from munmaek.ngram.words import tally

__all__ = ["Grams", "sort_grams"]


_SLICES_A_THREAD = 4
_MOST_SLICES = 16
_MOST_NODES = 2**31 - 1

# A place with what follows it is one int64: the number of that n-gram above, the place below.
_PLACE = 0xFFFFFFFF

# How many places ahead the word before is fetched, and how many places fill a line of the cache.
_AHEAD, _LINE = 32, 8


@dataclass(slots=True, eq=False)
class Grams:
    """The n-grams of each order in the order of their words, first word first."""

    starts: Int64s
    """[n + 1]: order k has the nodes ``starts[k − 1]`` up to ``starts[k]``; unigrams are ids."""
    links: Int32s
    """[N]: the node without its first word; −1 for unigrams."""
    counts: Int32s
    """[N]: how often each occurs."""
    cuts: Int64s
    """[S + 1]: ids where slices begin, and V."""
    begins: Int64s
    """[n + 1, S + 1]: the first node of order k that begins with a word of each slice."""


def sort_grams(
    text: Int32s, *, order: int, vocab_size: int, bos: int, eos: int, threads: int, pool: MemoryPool
) -> Grams:
    """Find, count and link all n-grams.

    Args:
        text: ids as ``<s> … </s>`` after ``<s> … </s>``, and one more ``<s>``: [P + 1].
        order: n.
        vocab_size: V.
        bos: the id of ``<s>``.
        eos: the id of ``</s>``.
        threads: how many kernels run side by side.
        pool: gets the memory that the sorting took.

    Raises:
        InputError: no sentence is long enough, or there are more n-grams than can be numbered.
    """
    return _Sorter(text, order, vocab_size, bos, eos, threads, pool).run()


@dataclass(eq=False)
class _Sorter:
    """The state between passes."""

    text: Int32s
    order: int
    vocab_size: int
    bos: int
    eos: int
    threads: int
    pool: MemoryPool

    def __post_init__(self) -> None:
        parts = self._histograms()
        self.histogram = parts.sum(axis=0)
        most = max(_MOST_SLICES, self.threads)
        slices = 1 if self.threads == 1 else min(_SLICES_A_THREAD * self.threads, most)
        self.cuts = cuts_by_weight(self.histogram, slices)
        self.slices = range(len(self.cuts) - 1)
        self.begins = np.zeros((self.order + 1, len(self.cuts)), dtype=np.int64)
        self.begins[1] = self.cuts
        self.places = self._sort_by_word(parts)
        limits = self._limits()
        self.sentences = self._places_of(limits[self.bos], limits[self.bos + 1])
        self.ends = self._places_of(limits[self.eos], limits[self.eos + 1])
        self._check_order()

    def run(self) -> Grams:
        """Make all passes."""
        most = self.vocab_size + (self.order - 1) * len(self.places)
        # Memory that is never touched is never given: the size is cut down at the end.
        links, counts = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
        links[: self.vocab_size] = -1
        counts[: self.vocab_size] = self.histogram
        if self.order > 1:
            self._extend_all(links, counts)
        self.pool.give(self.places)
        starts = np.concatenate([[0], self.begins[1:, -1]])
        links.resize(starts[-1], refcheck=False)
        counts.resize(starts[-1], refcheck=False)
        return Grams(starts=starts, links=links, counts=counts, cuts=self.cuts, begins=self.begins)

    def _check_order(self) -> None:
        longest = int((self.ends - self.sentences).max()) + 1
        if self.order > longest:
            raise OrderError(self.order, longest, f"the longest of {len(self.ends)} sequences")

    def _limits(self) -> Int64s:
        return np.concatenate([[0], np.cumsum(self.histogram)])

    def _parts(self) -> Int64s:
        return np.linspace(0, len(self.text) - 1, self.threads + 1).astype(np.int64)

    def _histograms(self) -> Int64s:
        """Return how often each word stands in each part of the text."""
        parts = self._parts()
        counts = np.zeros((self.threads, self.vocab_size), dtype=np.int64)

        def work(part: int) -> None:
            tally(self.text[parts[part] : parts[part + 1]], counts[part])

        in_threads(self.threads, work, range(self.threads))
        return counts

    def _places_of(self, begin: int, end: int) -> Int32s:
        return (self.places[begin:end] & _PLACE).astype(np.int32)

    def _sort_by_word(self, histograms: Int64s) -> Int64s:
        """Sort places by the unigram that stands there."""
        parts, places = self._parts(), self.pool.take(len(self.text) - 1, np.int64)
        cursors = np.cumsum(histograms, axis=0) - histograms + self._limits()[:-1]

        def work(part: int) -> None:
            _sort_by_word(self.text, parts[part], parts[part + 1], cursors[part], places)

        in_threads(self.threads, work, range(self.threads))
        return places

    def _extend_all(self, links: Int32s, counts: Int32s) -> None:
        before = self._count_before()
        source, target = self.places, self.pool.take(len(self.places), np.int64)
        limits = self._limits()
        self._extend_by(limits, self._cursors(before, 1), source, target)
        with ThreadPoolExecutor(1) as beside:
            for order in range(2, self.order + 1):
                source, target = target, source
                limits = self._limits()
                # What one thread does, while there is work for the others.
                cursors = beside.submit(self._cursors, before, order)
                self._number_all(order, limits, source, links, counts)
                if order < self.order:
                    self._extend_by(limits, cursors.result(), source, target)
        self.pool.give(target)

    def _extend_by(self, limits: Int64s, cursors: Int32s, source: Int64s, target: Int64s) -> None:
        def work(part: int) -> None:
            low, high = self.cuts[part], self.cuts[part + 1]
            _extend(source, limits, low, high, self.text, self.bos, cursors[part], target)

        in_threads(self.threads, work, self.slices)

    def _number_all(
        self, order: int, limits: Int64s, places: Int64s, links: Int32s, counts: Int32s
    ) -> None:
        cuts = self.cuts
        opened = in_threads(
            self.threads,
            lambda part: _count_opened(places, limits, cuts[part], cuts[part + 1]),
            self.slices,
        )
        nodes = self.begins[order - 1, -1] + np.concatenate([[0], np.cumsum(opened)])
        self.begins[order] = nodes
        if nodes[-1] > _MOST_NODES:
            message = f"more than {_MOST_NODES} n-grams are too many for one table; lower the order"
            raise InputError(message)

        def work(part: int) -> None:
            low, high = cuts[part], cuts[part + 1]
            _number(places, limits, low, high, nodes[part] - 1, links, counts)

        in_threads(self.threads, work, self.slices)

    def _count_before(self) -> Int32s:
        """Return how often each word stands before one of each slice: [S, V]."""
        slice_of = np.repeat(np.arange(len(self.slices), dtype=np.uint8), np.diff(self.cuts))
        before = np.zeros((len(self.slices), self.vocab_size), dtype=np.int32)
        groups = np.linspace(0, len(self.slices), self.threads + 1).astype(np.int64)

        def work(part: int) -> None:
            _count_before(self.text, slice_of, self.eos, groups[part], groups[part + 1], before)

        in_threads(self.threads, work, range(self.threads))
        return before

    def _cursors(self, before: Int32s, order: int) -> Int32s:
        """Return where each slice begins to write in each bucket of the next order: [S, V].

        Places where an n-gram of ``order`` ends its sentence are taken out of the counts first.
        """
        _end(self.text, self.sentences, self.ends, order, self.cuts, self.histogram, before)
        cursors = np.cumsum(before, axis=0, dtype=np.int32)
        cursors -= before
        cursors += self._limits()[:-1].astype(np.int32)
        return cursors


@compiled
def _sort_by_word(text: Int32s, begin: int, end: int, cursor: Int64s, places: Int64s) -> None:
    for place in range(begin, end):
        word = text[place]
        slot = cursor[word]
        places[slot] = (np.int64(word) << 32) | place
        cursor[word] = slot + 1


@compiled
def _count_before(
    text: Int32s, slice_of: Bytes, eos: int, low: int, high: int, counts: Int32s
) -> None:
    for place in range(len(text) - 1):
        part = slice_of[text[place + 1]]
        if low <= part < high and text[place] != eos:
            counts[part, text[place]] += 1


@compiled
def _end(
    text: Int32s,
    sentences: Int32s,
    ends: Int32s,
    order: int,
    cuts: Int64s,
    histogram: Int64s,
    before: Int32s,
) -> None:
    """Take out the places where an n-gram of ``order`` ends its sentence.

    ``histogram`` then counts the first words of (order + 1)-grams, and ``before`` the pairs of a
    place and the one after it where such an n-gram begins.
    """
    for sentence in range(len(ends)):
        place = ends[sentence] - order + 1
        if place >= sentences[sentence]:
            histogram[text[place]] -= 1
            if order > 1:
                part = below(cuts, int(text[place + 1]) + 1) - 1
                before[part, text[place]] -= 1


@compiled
def _count_opened(places: Int64s, limits: Int64s, low: int, high: int) -> int:
    """Return how many n-grams begin with a word of the slice."""
    opened = 0
    for word in range(low, high):
        begin, end = limits[word], limits[word + 1]
        opened += begin < end
        for slot in range(begin + 1, end):
            opened += (places[slot] ^ places[slot - 1]) > _PLACE
    return opened


@compiled
def _number(
    places: Int64s,
    limits: Int64s,
    low: int,
    high: int,
    node: int,
    links: Int32s,
    counts: Int32s,
) -> None:
    """Number the n-grams of a slice in place; ``node`` is the one before its first.

    Nothing branches on where n-grams begin, which no processor could guess.
    """
    for word in range(low, high):
        previous = np.int64(-1)
        begin = limits[word]
        for slot in range(limits[word], limits[word + 1]):
            packed = places[slot]
            link = packed >> 32
            opens = link != previous
            previous = link
            node += opens
            begin = slot if opens else begin
            links[node] = link
            counts[node] = slot - begin + 1
            places[slot] = (node << 32) | (packed & _PLACE)


@compiled
def _extend(
    places: Int64s,
    limits: Int64s,
    low: int,
    high: int,
    text: Int32s,
    bos: int,
    cursor: Int32s,
    out: Int64s,
) -> None:
    """Sort the places before those of a slice by what stands there and after."""
    last = len(places) - 1
    for word in range(low, high):
        if word == bos:
            continue
        for slot in range(limits[word], limits[word + 1]):
            prefetch(text, (places[min(slot + _AHEAD, last)] & _PLACE) - 1)
            packed = places[slot] - 1
            bucket = text[packed & _PLACE]
            at = cursor[bucket]
            cursor[bucket] = at + 1
            prefetch(out, np.int64(at) + _LINE)
            out[at] = packed
