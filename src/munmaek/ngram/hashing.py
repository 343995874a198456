"""Words in a hash table with open addressing: the table of growing and of fixed vocabularies.

A slot holds 32 bits of a word's hash above and its number + 1 below, 0 when free. The bytes are
compared too, so no two words are ever taken for one. Word w is ``blob[limits[w] : limits[w + 1]]``.

The loops that read text have all of this written out once more: a call for each word would count
references to the arrays.
"""

import numpy as np

from munmaek.arrays import Bools, Bytes, Int64s, Uint64s
from munmaek.ngram.compiled import Index, compiled, inlined

__all__ = ["MULTIPLIER", "fill_slots", "mixed", "slot_entry", "word_hash", "word_slot"]

MULTIPLIER = np.uint64(0x100000001B3)
"""Multiplier of the hash: h ← (h + byte) · multiplier, byte by byte, then ``mixed``."""


@inlined
def mixed(hashed: np.uint64) -> np.uint64:
    """Return the hash of a word from the sum over its bytes."""
    return (hashed ^ (hashed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)


@inlined
def word_hash(letters: Bytes, begin: Index, end: Index) -> np.uint64:
    """Return the hash of the word ``letters[begin:end]``."""
    hashed = np.uint64(0)
    for place in range(begin, end):
        hashed = (hashed + np.uint64(letters[place])) * MULTIPLIER
    return mixed(hashed)


@inlined
def slot_entry(hashed: np.uint64, word: Index) -> np.uint64:
    """Return what a slot holds of the word of that number."""
    return (hashed & np.uint64(0xFFFFFFFF00000000)) | np.uint64(word + 1)


@inlined
def word_slot(
    letters: Bytes, begin: Index, end: Index, hashed: np.uint64, blob: Bytes, limits: Int64s,
    slots: Uint64s,
) -> np.uint64:  # fmt: skip
    """Return the slot of the word ``letters[begin:end]``, or the free one where it belongs."""
    mask = np.uint64(len(slots) - 1)
    slot = hashed & mask
    while slots[slot] != 0:
        if (slots[slot] ^ hashed) >> np.uint64(32) == 0:
            word = np.int64(slots[slot] & np.uint64(0xFFFFFFFF)) - 1
            start = limits[word]
            length = limits[word + 1] - start
            if length == end - begin:
                same = 0
                while same < length and blob[start + same] == letters[begin + same]:
                    same += 1
                if same == length:
                    break
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled
def fill_slots(blob: Bytes, limits: Int64s, kept: Bools, slots: Uint64s) -> None:
    """Put the ``kept`` words, which need not be distinct, into slots that are free."""
    mask = np.uint64(len(slots) - 1)
    for word in range(len(kept)):
        if kept[word]:
            hashed = word_hash(blob, limits[word], limits[word + 1])
            slot = hashed & mask
            while slots[slot] != 0:
                slot = (slot + np.uint64(1)) & mask
            slots[slot] = slot_entry(hashed, word)
