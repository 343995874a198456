"""Words of a fixed vocabulary in UTF-8 text to their ids, compiled.

A word is what stands between white space: space, tab, carriage return, vertical tab, form feed
and the line's end. Words are looked up in a table of ``munmaek.ngram.hashing``.

Letters: V vocabulary size, T tokens, S sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from munmaek.arrays import Bytes, Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.hashing import MULTIPLIER, fill_slots, mixed
from munmaek.ngram.intrinsics import prefetch

__all__ = ["Sentences", "WordTable", "find_bytes"]


_BATCH = 64
"""Words whose slots are asked for before the first is looked at."""
_FULL = 0.5


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sentences:
    """Lines of text as ids, each ended by ``</s>``."""

    ids: Int32s
    """[T]."""
    offsets: Int64s
    """[S + 1]: sentence s is ``ids[offsets[s] : offsets[s + 1]]``."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class WordTable:
    """Words to ids; made once, then read by any number of threads."""

    blob: Bytes
    """The words end to end."""
    limits: Int64s
    """[V + 1]: word w is ``blob[limits[w] : limits[w + 1]]``."""
    slots: Uint64s

    @classmethod
    def of(cls, words: Sequence[str], *, without: Sequence[int] = ()) -> Self:
        """Make the table of ``words``, the index of each its id.

        Args:
            words: distinct; one that holds white space is never found.
            without: ids whose words are taken for unknown ones when they stand in a text.
        """
        encoded = [word.encode() for word in words]
        blob = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        limits = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(word) for word in encoded], out=limits[1:])
        return cls.of_bytes(blob, limits, without=without)

    @classmethod
    def of_bytes(cls, blob: Bytes, limits: Int64s, *, without: Sequence[int] = ()) -> Self:
        """Do the same for words end to end, word w at ``blob[limits[w] : limits[w + 1]]``."""
        count = len(limits) - 1
        slots = np.zeros(1 << int(count / _FULL).bit_length(), dtype=np.uint64)
        kept = np.ones(count, dtype=np.bool_)
        kept[list(without)] = False
        fill_slots(blob, limits, kept, slots)
        return cls(blob=blob, limits=limits, slots=slots)

    def first_repeated(self) -> int:
        """Return the first word that stood before, or −1."""
        return int(_first_repeated(self.blob, self.limits, self.slots))

    def read(self, text: Bytes, *, eos: int, unk: int) -> Sentences:
        """Read the lines of ``text``; the last one may lack its line end.

        Args:
            text: UTF-8.
            eos: the id of ``</s>``, put after each line.
            unk: the id for other words.
        """
        # A word takes two bytes with what parts it from the next, a line at least one.
        ids = np.empty(len(text) + 2, dtype=np.int32)
        offsets = np.zeros(len(text) + 2, dtype=np.int64)
        tokens, lines = _read(text, self.blob, self.limits, self.slots, unk, eos, ids, offsets)
        return Sentences(ids=ids[:tokens], offsets=offsets[: lines + 1])


@compiled
def find_bytes(
    blob: Bytes, limits: Int64s, slots: Uint64s, text: Bytes, begin: int, length: int
) -> int:
    """Return the id of ``text[begin : begin + length]``, the first of equal words, or −1."""
    # By the inlined ``word_hash`` and ``word_slot``, reading ARPA files took a third longer.
    mask = np.uint64(len(slots) - 1)
    hashed = np.uint64(0)
    for place in range(begin, begin + length):
        hashed = (hashed + np.uint64(text[place])) * MULTIPLIER
    hashed = mixed(hashed)
    slot = hashed & mask
    entry = slots[slot]
    while entry != np.uint64(0):
        if (entry ^ hashed) >> np.uint64(32) == np.uint64(0):
            word = np.int64((entry & np.uint64(0xFFFFFFFF)) - np.uint64(1))
            start = limits[word]
            if limits[word + 1] - start == length:
                same = 0
                while same < length and blob[start + same] == text[begin + same]:
                    same += 1
                if same == length:
                    return int(word)
        slot = (slot + np.uint64(1)) & mask
        entry = slots[slot]
    return -1


@compiled
def _first_repeated(blob: Bytes, limits: Int64s, slots: Uint64s) -> int:
    for word in range(len(limits) - 1):
        begin, length = limits[word], limits[word + 1] - limits[word]
        if find_bytes(blob, limits, slots, blob, begin, length) != word:
            return word
    return -1


@compiled
def _read(  # noqa: C901, PLR0912, PLR0915 - one loop: a call for each word costs as much again
    text: Bytes,
    blob: Bytes,
    limits: Int64s,
    slots: Uint64s,
    unk: int,
    eos: int,
    ids: Int32s,
    offsets: Int64s,
) -> tuple[int, int]:
    """Fill ``ids`` and ``offsets``: how many tokens and lines."""
    mask = np.uint64(len(slots) - 1)
    begins = np.empty(_BATCH, dtype=np.uint64)
    lengths = np.empty(_BATCH, dtype=np.uint64)
    hashes = np.empty(_BATCH, dtype=np.uint64)
    places = np.empty(_BATCH, dtype=np.uint64)
    at, end = np.uint64(0), np.uint64(len(text))
    one, space = np.uint64(1), np.uint8(32)
    token, line, waiting = np.uint64(0), np.uint64(0), np.uint64(0)
    begun = False
    while at < end or waiting > np.uint64(0):
        while at < end and waiting < np.uint64(_BATCH):
            byte = text[at]
            if byte == np.uint8(10):
                ids[token] = eos
                token += one
                line += one
                offsets[line] = token
                begun = False
                at += one
                continue
            begun = True
            if byte == space or (byte >= np.uint8(9) and byte <= np.uint8(13)):
                at += one
                continue
            begin = at
            hashed = np.uint64(0)
            while byte > space or byte < np.uint8(9) or (byte > np.uint8(13) and byte < space):
                hashed = (hashed + np.uint64(byte)) * MULTIPLIER
                at += one
                if at == end:
                    break
                byte = text[at]
            hashed = mixed(hashed)
            prefetch(slots, hashed & mask)
            begins[waiting], lengths[waiting] = begin, at - begin
            hashes[waiting], places[waiting] = hashed, token
            waiting += one
            token += one
        for place in range(waiting):
            item = np.uint64(place)
            hashed, begin, length = hashes[item], begins[item], lengths[item]
            slot = hashed & mask
            found = np.int32(unk)
            entry = slots[slot]
            while entry != np.uint64(0):
                if (entry ^ hashed) >> np.uint64(32) == np.uint64(0):
                    word = (entry & np.uint64(0xFFFFFFFF)) - one
                    start = np.uint64(limits[word])
                    if np.uint64(limits[word + one]) - start == length:
                        same = np.uint64(0)
                        while same < length and blob[start + same] == text[begin + same]:
                            same += one
                        if same == length:
                            found = np.int32(word)
                            break
                slot = (slot + one) & mask
                entry = slots[slot]
            ids[places[item]] = found
        waiting = np.uint64(0)
    if begun:
        ids[token] = eos
        token += one
        line += one
        offsets[line] = token
    return int(token), int(line)
