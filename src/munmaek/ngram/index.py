"""The places of the continuations of contexts that have many of them: a hash table over the trie.

Most contexts have a handful of continuations, found by running along them. Those with more than
``FEW`` have theirs in one table with open addressing (linear probing), so that any of them is found
with about one access to memory. A slot holds the word above and the node below, 0 when free; the
context needs no place in it, because a node says by its position which context it continues.
"""

import numpy as np

from munmaek.arrays import Int32s, Int64s, Uint64s
from munmaek.ngram.bisecting import below
from munmaek.ngram.compiled import Index, compiled, inlined
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.parallel import in_threads

__all__ = [
    "FEW",
    "PROBES",
    "bits_for",
    "build_index",
    "large_contexts",
    "place_entry",
    "settle",
    "slot_of",
]

FEW = 16
"""Words of one line of the processor's cache."""
PROBES = 4096
"""Slots at most from where a continuation should lie to where it does."""


_FULL = 0.75
_RANGES = 4
"""Ranges of slots, at most, filled side by side: each goes through all entries for its own."""


def build_index(
    first: Int32s,
    words: Int32s,
    *,
    large: tuple[Int32s, int] | None = None,
    pool: MemoryPool | None = None,
    threads: int = 1,
) -> Uint64s:
    """Build the table of a trie: a power of two of slots, one free one where it is empty.

    Args:
        first: as the tables have it.
        words: likewise.
        large: what ``large_contexts`` gives, where it is known already.
        pool: where the memory comes from; None takes it new.
        threads: how many kernels run side by side; the result is the same to the bit.
    """
    contexts, entries = large or large_contexts(first)
    bits = bits_for(entries)
    pool = pool or MemoryPool()
    while True:
        slots = pool.take(1 << bits, np.uint64)
        if _fill_all(first, words, contexts, slots, threads):
            return slots
        pool.give(slots)
        bits += 1


def large_contexts(first: Int32s) -> tuple[Int32s, int]:
    """Return the contexts with many continuations, and how many they have together."""
    contexts = np.empty(_count_large(first), dtype=np.int32)
    return contexts, _list_large(first, contexts)


def _fill_all(first: Int32s, words: Int32s, contexts: Int32s, slots: Uint64s, threads: int) -> bool:
    """Fill all slots; False where an entry would lie too far from its place."""
    ranges = 1 << min(threads, _RANGES).bit_length() - 1
    width = max(len(slots) // ranges, min(len(slots), PROBES))
    begins = range(0, len(slots), width)
    left = np.empty((len(begins), PROBES, 2), dtype=np.int64)

    def work(part: int) -> int:
        return _fill(first, words, contexts, slots, begins[part], begins[part] + width, left[part])

    leaving = in_threads(threads, work, range(len(begins)))
    return all(
        count >= 0 and settle(first, words, begin + width, left[part, :count], slots)
        for part, (begin, count) in enumerate(zip(begins, leaving, strict=True))
    )


def bits_for(entries: int) -> int:
    """Return the least power of two of slots that so many entries leave free enough."""
    return int(np.ceil(np.log2(max(entries / _FULL, 1))))


@compiled
def _count_large(first: Int32s) -> int:
    contexts = 0
    for context in range(len(first) - 1):
        contexts += first[context + 1] - first[context] > FEW
    return contexts


@compiled
def _list_large(first: Int32s, contexts: Int32s) -> int:
    """List contexts with many continuations, and return how many they have together."""
    entries = 0
    at = 0
    for context in range(len(first) - 1):
        size = first[context + 1] - first[context]
        if size > FEW:
            contexts[at] = context
            at += 1
            entries += size
    return entries


@compiled
def slot_of(context: np.uint64, word: np.uint64, mask: np.uint64) -> np.uint64:
    """Return where the search for ``word`` after ``context`` begins.

    Multipliers of splitmix64 (Steele et al. 2014), so that neighbours scatter.
    """
    key = (context << np.uint64(20)) ^ word
    key *= np.uint64(0x9E3779B97F4A7C15)
    key ^= key >> np.uint64(32)
    key *= np.uint64(0xBF58476D1CE4E5B9)
    return (key >> np.uint64(32)) & mask


@compiled
def _fill(
    first: Int32s,
    words: Int32s,
    contexts: Int32s,
    slots: Uint64s,
    low: int,
    high: int,
    left: Int64s,
) -> int:
    """Put in the entries at home in one range of slots, in the order of their nodes.

    ``left`` [PROBES, 2] gets home and node of those that find no room before its end.

    Returns:
        How many these are; −1 where an entry would lie too far from its place.
    """
    part = slots[low:high]
    part[:] = 0
    mask = np.uint64(len(slots) - 1)
    leaving = 0
    for context in contexts:
        for node in range(first[context], first[context + 1]):
            home = np.int64(slot_of(np.uint64(context), np.uint64(words[node]), mask))
            if low <= home < high:
                leaving = place_entry(part, low, home, words[node], node, left, leaving)
                if leaving < 0:
                    return -1
    return leaving


@inlined
def place_entry(
    slots: Uint64s, begin: int, home: np.int64, word: Index, node: Index, left: Int64s, leaving: int
) -> int:
    """Put an entry into the range of slots that begins with slot ``begin``, or into ``left``.

    Returns:
        How many find no room before the range's end; −1 where an entry would lie too far from its
        place.
    """
    slot = home - begin
    end = min(len(slots), slot + PROBES)
    while slot < end and slots[slot] != 0:
        slot += 1
    if slot < end:
        slots[slot] = (np.uint64(word) << np.uint64(32)) | np.uint64(node)
    elif end < len(slots) or leaving == PROBES:
        return -1
    else:
        left[leaving, 0], left[leaving, 1] = home, node
        leaving += 1
    return leaving


@compiled
def settle(first: Int32s, words: Int32s, begin: int, left: Int64s, slots: Uint64s) -> bool:
    """Put in entries that left their range, which ends at slot ``begin``.

    An entry takes the place of one with a higher node, which goes on in its stead: so the table is
    as if all had come in the order of their nodes (Amble & Knuth 1974, "Ordered hash tables"), and
    does not depend on the ranges.

    Returns:
        False where an entry would lie too far from its place.
    """
    mask = len(slots) - 1
    for row in range(len(left)):
        home, node = left[row, 0], left[row, 1]
        slot = begin & mask
        while True:
            if (slot - home) & mask >= PROBES:
                return False
            held = slots[slot]
            other = np.int64(held & np.uint64(0xFFFFFFFF))
            if held == 0 or other > node:
                slots[slot] = (np.uint64(words[node]) << np.uint64(32)) | np.uint64(node)
                if held == 0:
                    break
                node = other
                context = below(first, node + 1) - 1
                word = np.uint64(words[node])
                home = np.int64(slot_of(np.uint64(context), word, np.uint64(mask)))
            slot = (slot + 1) & mask
    return True
