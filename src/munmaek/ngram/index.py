"""Where the continuations of contexts that have many of them lie: a hash table over the trie.

Most contexts have a handful of continuations, found by running along them. Those with more than
``FEW`` have theirs in one table with open addressing (linear probing), so that any of them is found
with about one access to memory. A slot holds the word above and the node below, 0 when free; the
context needs no place in it, because a node says by its position which context it continues.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.ngram.compiled import compiled
from munmaek.ngram.spare import Spare

__all__ = ["FEW", "PROBES", "bits_for", "build_index", "slot_of"]

FEW = 16
"""Words of one line of the processor's cache."""
PROBES = 4096
"""Slots at most from where a continuation should lie to where it does."""

Int32s: TypeAlias = NDArray[np.int32]
Uint64s: TypeAlias = NDArray[np.uint64]

_FULL = 0.75


def build_index(first: Int32s, words: Int32s, *, spare: Spare | None = None) -> Uint64s:
    """The table for a trie: a power of two of slots, a single free one where nothing is in it.

    Args:
        first: as the tables have it.
        words: likewise.
        spare: where the memory comes from; None takes it new.
    """
    bits = bits_for(_entries(first))
    spare = spare or Spare()
    while True:
        slots = spare.take(1 << bits, np.uint64)
        slots[:] = 0
        if _fill(first, words, slots):
            return slots
        spare.give(slots)
        bits += 1


def bits_for(entries: int) -> int:
    """The least power of two of slots that so many entries leave free enough."""
    return int(np.ceil(np.log2(max(entries / _FULL, 1))))


@compiled
def _entries(first: Int32s) -> int:
    entries = 0
    for context in range(len(first) - 1):
        size = first[context + 1] - first[context]
        if size > FEW:
            entries += size
    return entries


@compiled
def slot_of(context: np.uint64, word: np.uint64, mask: np.uint64) -> np.uint64:
    """Where the search for ``word`` after ``context`` begins.

    Multipliers of splitmix64 (Steele et al. 2014), so that neighbours scatter.
    """
    key = (context << np.uint64(20)) ^ word
    key *= np.uint64(0x9E3779B97F4A7C15)
    key ^= key >> np.uint64(32)
    key *= np.uint64(0xBF58476D1CE4E5B9)
    return (key >> np.uint64(32)) & mask


@compiled
def _fill(first: Int32s, words: Int32s, slots: Uint64s) -> bool:
    """False where an entry would lie too far from its place."""
    one = np.uint64(1)
    mask = np.uint64(len(slots) - 1)
    for context in range(len(first) - 1):
        if first[context + 1] - first[context] <= FEW:
            continue
        for node in range(first[context], first[context + 1]):
            word = np.uint64(words[node])
            slot = slot_of(np.uint64(context), word, mask)
            probes = 0
            while slots[slot] != 0:
                slot = (slot + one) & mask
                probes += 1
                if probes == PROBES:
                    return False
            slots[slot] = (word << np.uint64(32)) | np.uint64(node)
    return True
