"""Words of a fixed vocabulary in UTF-8 text to their ids, compiled.

A word is what stands between white space: space, tab, carriage return, vertical tab, form feed
and the line's end. Words are looked up in a table of ``munmaek.ngram.hashing``, those of up to
seven bytes, which most of a text are, in one of pairs: a number that is the word itself (its bytes,
the first one lowest, and its length above them), and its id + 1. That takes one access to memory
where the other takes three.

Letters: V vocabulary size, T tokens, S sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from munmaek.arrays import Bools, Bytes, Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import compiled, inlined
from munmaek.ngram.hashing import MULTIPLIER, fill_slots, mixed
from munmaek.ngram.intrinsics import load8, prefetch, trailing_zeros

__all__ = ["Sentences", "WordTable", "find_bytes"]


_BATCH = 64
"""Words whose slots are asked for before the first is looked at."""
_FULL = 0.5
_NEWLINE = 10
_SHORT = 7
"""Bytes of a word, at most, that fit into a number beside their length."""
_EACH, _TOPS = np.uint64(0x2121212121212121), np.uint64(0x8080808080808080)
"""A byte above the space, and the highest bit, in each of eight bytes."""


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
    short: Uint64s
    """Pairs of the words of up to ``_SHORT`` bytes, a power of two of them."""

    @classmethod
    def of(cls, words: Sequence[str], *, without: Sequence[int] = ()) -> Self:
        """Make the table of ``words``, the index of each its id.

        Args:
            words: distinct; one that holds white space is never found.
            without: ids whose words are taken for unknown ones when they stand in a text.
        """
        # All words encoded at once: one after another takes longer than making the table.
        ended = np.frombuffer("".join([f"{word}\n" for word in words]).encode(), dtype=np.uint8)
        ends = np.flatnonzero(ended == _NEWLINE)
        limits = np.zeros(len(words) + 1, dtype=np.int64)
        if len(ends) == len(words):
            limits[1:] = ends - np.arange(len(words))
            return cls.of_bytes(ended[ended != _NEWLINE], limits, without=without)
        encoded = [word.encode() for word in words]
        blob = np.frombuffer(b"".join(encoded), dtype=np.uint8)
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
        few = int(np.count_nonzero(np.diff(limits) <= _SHORT))
        short = np.zeros(2 << int(few / _FULL).bit_length(), dtype=np.uint64)
        _fill_short(blob, limits, kept, short)
        return cls(blob=blob, limits=limits, slots=slots, short=short)

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
        tokens, lines = _read(
            text, self.blob, self.limits, self.slots, self.short, unk, eos, (ids, offsets)
        )
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


@inlined
def _number_of(letters: Bytes, begin: np.uint64, length: np.uint64) -> np.uint64:
    """Return the number that is a word of up to ``_SHORT`` bytes."""
    number = length << np.uint64(56)
    for place in range(length):
        number |= np.uint64(letters[begin + np.uint64(place)]) << np.uint64(8 * place)
    return number


@compiled
def _fill_short(blob: Bytes, limits: Int64s, kept: Bools, short: Uint64s) -> None:
    """Put the short ones of the ``kept`` words into pairs; of equal words the first stays."""
    mask = np.uint64(len(short) // 2 - 1)
    one = np.uint64(1)
    for word in range(len(kept)):
        length = np.uint64(limits[word + 1] - limits[word])
        if not kept[word] or length > np.uint64(_SHORT) or length == np.uint64(0):
            continue
        number = _number_of(blob, np.uint64(limits[word]), length)
        slot = mixed(number) & mask
        while short[slot + slot] != np.uint64(0) and short[slot + slot] != number:
            slot = (slot + one) & mask
        if short[slot + slot] == np.uint64(0):
            short[slot + slot] = number
            short[slot + slot + one] = np.uint64(word + 1)


@compiled
def _read(  # noqa: C901, PLR0912, PLR0915 - one loop: a call for each word costs as much again
    text: Bytes,
    blob: Bytes,
    limits: Int64s,
    slots: Uint64s,
    short: Uint64s,
    unk: int,
    eos: int,
    out: tuple[Int32s, Int64s],
) -> tuple[int, int]:
    """Fill ids and offsets, which ``out`` has: how many tokens and lines."""
    ids, offsets = out
    mask, short_mask = np.uint64(len(slots) - 1), np.uint64(len(short) // 2 - 1)
    begins = np.empty(_BATCH, dtype=np.uint64)
    lengths = np.empty(_BATCH, dtype=np.uint64)
    hashes = np.empty(_BATCH, dtype=np.uint64)
    places = np.empty(_BATCH, dtype=np.uint64)
    at, end = np.uint64(0), np.uint64(len(text))
    one, eight, space, few = np.uint64(1), np.uint64(8), np.uint8(32), np.uint64(_SHORT)
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
            length, hashed = np.uint64(0), np.uint64(0)
            if at + eight <= end:
                some = load8(text, at)
                # The lowest of the bits that are left is that of the first byte up to the space.
                stops = (some - _EACH) & ~some & _TOPS
                if stops != np.uint64(0):
                    length = trailing_zeros(stops) >> np.uint64(3)
                    byte = text[at + length]
                    if byte == space or (byte >= np.uint8(9) and byte <= np.uint8(13)):
                        bits = length << np.uint64(3)
                        hashed = some & ((one << bits) - one) | length << np.uint64(56)
                        at += length
                    else:
                        length = np.uint64(0)
            if length == np.uint64(0):
                byte = text[at]
                while byte > space or byte < np.uint8(9) or (byte > np.uint8(13) and byte < space):
                    hashed = (hashed + np.uint64(byte)) * MULTIPLIER
                    at += one
                    if at == end:
                        break
                    byte = text[at]
                length = at - begin
                hashed = _number_of(text, begin, length) if length <= few else mixed(hashed)
            if length <= few:
                slot = mixed(hashed) & short_mask
                prefetch(short, slot + slot)
            else:
                prefetch(slots, hashed & mask)
            begins[waiting], lengths[waiting] = begin, length
            hashes[waiting], places[waiting] = hashed, token
            waiting += one
            token += one
        for place in range(waiting):
            item = np.uint64(place)
            hashed, begin, length = hashes[item], begins[item], lengths[item]
            found = np.int32(unk)
            if length <= few:
                slot = mixed(hashed) & short_mask
                while short[slot + slot] != np.uint64(0):
                    if short[slot + slot] == hashed:
                        found = np.int32(short[slot + slot + one] - one)
                        break
                    slot = (slot + one) & short_mask
                ids[places[item]] = found
                continue
            slot = hashed & mask
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
