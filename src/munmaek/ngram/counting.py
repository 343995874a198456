r"""The n-grams of a text as a trie, with raw or adjusted counts.

    a(w_1 … w_k) = c(w_1 … w_k)            if k = n or w_1 = <s>
                 = |{v : c(v w_1 … w_k) > 0}|   otherwise

(Kneser & Ney 1995; Heafield et al. 2013, section 3.2.) ``munmaek.ngram.sorting`` finds and links
the n-grams in the order of their words. That is the order of the trie, so what is left goes along
it: an occurrence of a k-gram that does not end its sentence is one of a (k+1)-gram, so raw counts
say which nodes continue which.

Letters: P positions of the text, V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int32s, Int64s
from munmaek.errors import InputError
from munmaek.ngram.bisecting import below
from munmaek.ngram.compiled import compiled
from munmaek.ngram.intrinsics import prefetch
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.sorting import Grams, sort_grams

__all__ = ["Trie", "adjust", "bound", "check_length", "continue_contexts", "count", "unbound"]


_MAX_POSITIONS = 2**31 - 2
_AHEAD = 32


@dataclass(frozen=True, slots=True, eq=False)
class Trie:
    """Nodes as ``munmaek.ngram.tables`` has them, each with a count."""

    starts: Int64s
    """[n + 1]: order k has the nodes ``starts[k − 1]`` up to ``starts[k]``."""
    words: Int32s
    """[N]: the last word."""
    links: Int32s
    """[N]: the n-gram without its first word; −1 for unigrams."""
    first: Int32s
    """[L + 1]: context c is continued by the nodes ``first[c]`` up to ``first[c + 1]``."""
    counts: Int32s
    """[N]: raw counts as ``count`` gives them, adjusted ones after ``adjust``."""
    cuts: Int64s
    """[S + 1]: ids that cut the vocabulary into slices of about the same work, and V."""

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.starts) - 1

    def level(self, order: int) -> slice:
        """Return the nodes of one order."""
        return slice(int(self.starts[order - 1]), int(self.starts[order]))


def bound(ids: NDArray[np.integer], offsets: Int64s, *, bos: int, eos: int) -> Int32s:
    """Lay the text out as ``<s> … </s>`` after ``<s> … </s>``, and one more ``<s>``: [P + 1]."""
    positions = len(ids) + 2 * (len(offsets) - 1)
    check_length(positions)
    text = np.empty(positions + 1, dtype=np.int32)
    _bound(ids, offsets, bos, eos, text)
    return text


def unbound(text: Int32s, *, bos: int, eos: int) -> tuple[Int32s, Int64s]:
    """Return the ids [N] and the limits of the sequences [S + 1] that ``bound`` was given."""
    ids = np.empty(len(text), dtype=np.int32)
    offsets = np.zeros(len(text) // 2 + 1, dtype=np.int64)
    size, sequences = _unbound(text, bos, eos, ids, offsets)
    return ids[:size], offsets[: sequences + 1]


@compiled
def _unbound(text: Int32s, bos: int, eos: int, ids: Int32s, offsets: Int64s) -> tuple[int, int]:
    at = 0
    sequence = 0
    for word in text:
        if word == eos:
            sequence += 1
            offsets[sequence] = at
        elif word != bos:
            ids[at] = word
            at += 1
    return at, sequence


def check_length(positions: int) -> None:
    """Refuse a text that 32 bits cannot number.

    Raises:
        InputError: too many positions.
    """
    if positions > _MAX_POSITIONS:
        message = (
            f"the text has {positions} tokens; at most {_MAX_POSITIONS} can be counted at once"
        )
        raise InputError(message)


@compiled
def _bound(ids: NDArray[np.integer], offsets: Int64s, bos: int, eos: int, text: Int32s) -> None:
    at = 0
    for sequence in range(len(offsets) - 1):
        text[at] = bos
        at += 1
        for position in range(offsets[sequence], offsets[sequence + 1]):
            text[at] = ids[position]
            at += 1
        text[at] = eos
        at += 1
    text[at] = bos


def count(
    text: Int32s,
    *,
    order: int,
    vocab_size: int,
    bos: int,
    eos: int,
    threads: int = 1,
    pool: MemoryPool | None = None,
) -> Trie:
    """Count all n-grams; raw counts, the same for any number of threads.

    Args:
        text: as ``bound`` makes it.
        order: n, the longest n-grams.
        vocab_size: V; every id gets a unigram, those not in the text with count 0.
        bos: the id of ``<s>``.
        eos: the id of ``</s>``.
        threads: how many kernels run side by side.
        pool: where large arrays come from, and where what is not needed any more goes.

    Raises:
        InputError: no sequence is long enough to hold an n-gram of that order.
    """
    pool = pool or MemoryPool()
    sizes = {"order": order, "vocab_size": vocab_size, "bos": bos, "eos": eos}
    grams = sort_grams(text, threads=threads, pool=pool, **sizes)
    words = pool.take(len(grams.links), np.int32)
    words[:vocab_size] = np.arange(vocab_size)
    first = pool.take(int(grams.starts[-2]) + 1, np.int32)
    first[-1] = grams.starts[-1]
    for longer in range(2, order + 1):
        _fill_words(grams, longer, words, threads)
    for shorter in range(1, order):
        _fill_first(grams, shorter, words, eos, first, threads)
    return Trie(grams.starts, words, grams.links, first, grams.counts, grams.cuts)


def _fill_words(grams: Grams, order: int, words: Int32s, threads: int) -> None:
    """Fill in the last word of each n-gram: that of the one without its first."""
    begins = grams.begins[order]
    in_threads(
        threads,
        lambda part: _words_of_links(begins[part], begins[part + 1], grams.links, words),
        range(len(begins) - 1),
    )


@compiled
def _words_of_links(low: int, high: int, links: Int32s, words: Int32s) -> None:
    last = len(links) - 1
    for node in range(low, high):
        prefetch(words, links[min(node + _AHEAD, last)])
        words[node] = words[links[node]]


def _fill_first(
    grams: Grams, order: int, words: Int32s, eos: int, first: Int32s, threads: int
) -> None:
    begins, longer = grams.begins[order], grams.begins[order + 1]
    in_threads(
        threads,
        lambda part: continue_contexts(
            begins[part],
            begins[part + 1],
            longer[part],
            grams.counts,
            words,
            eos,
            first[begins[part] : begins[part + 1]],
        ),
        range(len(begins) - 1),
    )


@compiled
def continue_contexts(
    low: int, high: int, node: int, counts: Int32s, words: Int32s, eos: int, first: Int32s
) -> int:
    """Give each context as many nodes as make up its occurrences; none after ``</s>``.

    Args:
        low: the first context.
        high: the one after the last.
        node: the first node that continues one of them.
        counts: raw counts of all nodes.
        words: last words of all nodes.
        eos: the id of ``</s>``.
        first: filled with the first node of each context: [high − low].

    Returns:
        The node after the last.
    """
    for context in range(low, high):
        first[context - low] = node
        left = counts[context] if words[context] != eos else 0
        while left > 0:
            left -= counts[node]
            node += 1
    return node


def adjust(trie: Trie, *, bos: int, threads: int = 1) -> None:
    """Make adjusted counts of raw ones.

    Args:
        trie: its counts are changed.
        bos: the id of ``<s>``; its unigram count becomes 0, for it is never predicted.
        threads: how many kernels run side by side.
    """

    def work(part: int) -> None:
        low, high = trie.cuts[part], trie.cuts[part + 1]
        _count_links(trie.starts, trie.words, trie.first, trie.links, low, high, bos, trie.counts)

    in_threads(threads, work, range(len(trie.cuts) - 1))
    trie.counts[bos] = 0


@compiled
def _count_links(
    starts: Int64s,
    words: Int32s,
    first: Int32s,
    links: Int32s,
    low: int,
    high: int,
    bos: int,
    counts: Int32s,
) -> None:
    """Count the links that lead to n-grams which begin with a word of the slice.

    They come from below the bigrams whose second word it is: one run of nodes an order under every
    first word. No other slice touches the counts of these n-grams. Those that begin with ``<s>``
    keep theirs: no link leads to them.
    """
    order = len(starts) - 1
    if order == 1:
        return
    begin, end = np.int64(low), np.int64(high)
    kept, after = np.int64(bos), np.int64(bos + 1)
    for shorter in range(1, order):
        counts[begin : min(kept, end)] = 0
        counts[max(after, begin) : end] = 0
        if shorter < order - 1:
            begin, end = np.int64(first[begin]), np.int64(first[end])
            kept, after = np.int64(first[kept]), np.int64(first[after])
    last = len(links) - 1
    for word in range(starts[1]):
        run = words[first[word] : first[word + 1]]
        begin = first[word] + below(run, low)
        end = first[word] + below(run, high)
        for longer in range(2, order + 1):
            if begin == end:
                break
            for node in range(begin, end):
                prefetch(counts, links[min(node + _AHEAD, last)])
                counts[links[node]] += 1
            if longer < order:
                begin, end = first[begin], first[end]
