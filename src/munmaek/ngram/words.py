"""Words of UTF-8 text to numbers, with a vocabulary that grows as words appear; compiled.

A word is what ``str.split`` gives: what stands between white space of any script. Its number is
looked up in a table of ``munmaek.ngram.hashing``.

Letters: V words so far.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import final

import numpy as np

from munmaek.arrays import Bytes, Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.hashing import MULTIPLIER, fill_slots, mixed, slot_entry, word_hash, word_slot
from munmaek.ngram.intrinsics import load8

__all__ = ["Rows", "Vocabulary", "renumber", "tally"]


# What a byte may be: within a word, white space, the end of a row, or the first of a wide space.
_WORD, _BLANK, _FEED, _WIDE = range(4)
_KINDS = np.zeros(256, dtype=np.uint8)
_KINDS[[9, 11, 12, 13, 28, 29, 30, 31, 32]] = _BLANK
_KINDS[10] = _FEED
_KINDS[[0xC2, 0xE1, 0xE2, 0xE3]] = _WIDE

# Where a kernel stands within a block.
_AT, _ROW, _OPEN, _WORDS, _WANTED, _OUT, _HELD, _BASE, _RESERVED = range(9)


@final
@dataclass(slots=True)
class Vocabulary:
    """Words by number; those of ``first`` come first."""

    first: tuple[bytes, ...]
    blob: Bytes = field(init=False)
    """The words end to end."""
    limits: Int64s = field(init=False)
    """Word w is ``blob[limits[w] : limits[w + 1]]``."""
    slots: Uint64s = field(init=False)
    size: int = field(init=False, default=0)
    """V."""

    def __post_init__(self) -> None:
        self.blob = np.empty(1 << 16, dtype=np.uint8)
        self.limits = np.zeros(1 << 12, dtype=np.int64)
        self.slots = np.zeros(1 << 13, dtype=np.uint64)
        for word in self.first:
            self.add(np.frombuffer(word, dtype=np.uint8))

    def add(self, words: Bytes, limits: Int64s | None = None) -> Int32s:
        """Number words given end to end; new ones are taken up.

        Args:
            words: the bytes.
            limits: word w is ``words[limits[w] : limits[w + 1]]``; None for one word.
        """
        bounds = np.array([0, len(words)]) if limits is None else limits
        self._make_room(len(bounds) - 1, len(words))
        numbers = np.empty(len(bounds) - 1, dtype=np.int32)
        self.size = _add(words, bounds, self.blob, self.limits, self.slots, self.size, numbers)
        return numbers

    def words(self) -> list[bytes]:
        """Return all words, by number."""
        letters = self.blob[: self.limits[self.size]].tobytes()
        limits = self.limits[: self.size + 1].tolist()
        return [letters[begin:end] for begin, end in pairwise(limits)]

    def number(self, block: Bytes, rows: "Rows") -> Int32s:
        """Number the words of a block: each row as ``rows.bos``, its words, ``rows.eos``."""
        out = np.empty(len(block) // 2 + 2 * rows.most + 3, dtype=np.int32)
        state = np.zeros(9, dtype=np.int64)
        state[_ROW] = rows.begin
        state[_HELD] = state[_BASE] = np.searchsorted(rows.held, rows.begin)
        state[_RESERVED] = -1
        while True:
            state[_WORDS] = self.size
            done = _number(
                block, _KINDS, rows.held, (len(self.first), rows.reserved, rows.bos, rows.eos),
                (self.blob, self.limits, self.slots), state, rows.spans, out,
            )  # fmt: skip
            self.size = int(state[_WORDS])
            if done:
                break
            # As much as the word takes that had no room: the next turn gets past it.
            self._make_room(1, int(state[_WANTED]))
        rows.refused = int(state[_RESERVED])
        return out[: state[_OUT]]

    def _make_room(self, words: int, letters: int) -> None:
        """Make room for so much more, and at least twice what there is."""
        while self.limits[self.size] + letters > len(self.blob):
            self.blob = np.concatenate([self.blob, np.empty_like(self.blob)])
        while self.size + words + 2 > len(self.limits):
            self.limits = np.concatenate([self.limits, np.zeros_like(self.limits)])
        if len(self.slots) < 2 * len(self.limits):
            self.slots = np.zeros(2 * len(self.limits), dtype=np.uint64)
            fill_slots(self.blob, self.limits, np.ones(self.size, dtype=np.bool_), self.slots)


@final
@dataclass(slots=True)
class Rows:
    """The rows of one block, and how to read them."""

    begin: int
    """The number of its first row."""
    most: int
    """The number of its rows."""
    held: Int64s
    """Rows of the whole text that are passed over, in rising order."""
    bos: int
    eos: int
    reserved: int
    """The number that stands for a word of ``Vocabulary.first``; −1 leaves it out, −2 refuses."""
    spans: Int64s = field(init=False)
    """[number of held rows in it, 2]: where those begin and end in the block."""
    refused: int = field(init=False, default=-1)
    """The first row with a word of ``Vocabulary.first`` where that is refused; −1 for none."""

    def __post_init__(self) -> None:
        limits = np.searchsorted(self.held, [self.begin, self.begin + self.most])
        self.spans = np.zeros((int(limits[1] - limits[0]), 2), dtype=np.int64)


@compiled
def _take_up(
    letters: Bytes,
    span: tuple[int, int],
    hashed: np.uint64,
    slot: np.uint64,
    blob: Bytes,
    limits: Int64s,
    slots: Uint64s,
    word: int,
) -> None:
    begin, end = span
    start = limits[word]
    for offset in range(end - begin):
        blob[start + offset] = letters[begin + offset]
    limits[word + 1] = start + end - begin
    slots[slot] = slot_entry(hashed, word)


@compiled
def _add(
    words: Bytes,
    bounds: Int64s,
    blob: Bytes,
    limits: Int64s,
    slots: Uint64s,
    size: int,
    numbers: Int32s,
) -> int:
    for index in range(len(numbers)):
        begin, end = bounds[index], bounds[index + 1]
        hashed = word_hash(words, begin, end)
        slot = word_slot(words, begin, end, hashed, blob, limits, slots)
        if slots[slot] == 0:
            _take_up(words, (begin, end), hashed, slot, blob, limits, slots, size)
            size += 1
        numbers[index] = np.int64(slots[slot] & np.uint64(0xFFFFFFFF)) - 1
    return size


@compiled
def _wide_space(block: Bytes, at: int) -> int:
    """Return how many bytes long the white space beyond ASCII is that begins here; 0 for none."""
    left = len(block) - at
    if left < 2:
        return 0
    lead, second = block[at], block[at + 1]
    if lead == 0xC2:
        return 2 if second in (133, 160) else 0
    if left < 3:
        return 0
    third = block[at + 2]
    if lead == 0xE1:
        found = second == 0x9A and third == 0x80
    elif lead == 0xE2:
        thin = second == 0x80 and (third <= 138 or third in (168, 169, 175))
        found = thin or (second == 0x81 and third == 0x9F)
    else:
        found = lead == 0xE3 and second == 0x80 and third == 0x80
    return 3 if found else 0


# One pass over the bytes: what would be a function of its own elsewhere costs a call a byte here.
@compiled
def _number(  # noqa: C901, PLR0912, PLR0915
    block: Bytes,
    kinds: Bytes,
    held: Int64s,
    ids: tuple[int, int, int, int],
    vocabulary: tuple[Bytes, Int64s, Uint64s],
    state: Int64s,
    spans: Int64s,
    out: Int32s,
) -> bool:
    """Number words until the block ends (True) or the vocabulary is full (False).

    ``ids`` are the first of a word that is none of the special ones, what a reserved word gets,
    and those of ``<s>`` and ``</s>``; ``vocabulary`` has the letters of all words, their limits
    and slots.
    """
    first, reserved, bos, eos = ids
    blob, limits, slots = vocabulary
    at, row, opened, words = state[_AT], state[_ROW], state[_OPEN], state[_WORDS]
    token, holding = state[_OUT], state[_HELD]
    size = len(block)
    base = state[_BASE]
    mask = np.uint64(len(slots) - 1)
    full = False
    while at < size:
        if opened == 0:
            opened = 1
            if holding < len(held) and held[holding] == row:
                spans[holding - base, 0] = at
                while at < size and block[at] != 10:
                    at += 1
                spans[holding - base, 1] = at
                holding += 1
                at += 1
                row += 1
                opened = 0
                continue
            out[token] = bos
            token += 1
        kind = kinds[block[at]]
        if kind == _FEED:
            out[token] = eos
            token += 1
            row += 1
            opened = 0
            at += 1
            continue
        if kind == _BLANK:
            at += 1
            continue
        if kind == _WIDE:
            width = _wide_space(block, at)
            if width > 0:
                at += width
                continue
        begin = at
        hashed = np.uint64(0)
        while at < size:
            byte = block[at]
            kind = kinds[byte]
            if kind != _WORD and (kind != _WIDE or _wide_space(block, at) > 0):
                break
            hashed = (hashed + np.uint64(byte)) * MULTIPLIER
            at += 1
        hashed = mixed(hashed)
        # As in ``word_slot``: a call would count references to all these arrays.
        slot = hashed & mask
        word = np.int64(-1)
        length = at - begin
        entry = slots[slot]
        while entry != 0:
            if (entry ^ hashed) >> np.uint64(32) == 0:
                found = np.int64(entry & np.uint64(0xFFFFFFFF)) - 1
                start = limits[found]
                if limits[found + 1] - start == length:
                    if length <= 8 and begin + 8 <= size and start + 8 <= len(blob):
                        differing = load8(blob, start) ^ load8(block, begin)
                        same = length if differing << np.uint64(64 - 8 * length) == 0 else 0
                    else:
                        same = 0
                        while same < length and blob[start + same] == block[begin + same]:
                            same += 1
                    if same == length:
                        word = found
                        break
            slot = (slot + np.uint64(1)) & mask
            entry = slots[slot]
        if word < 0:
            if words + 2 >= len(limits) or limits[words] + at - begin > len(blob):
                state[_WANTED] = at - begin
                at = begin
                full = True
                break
            _take_up(block, (begin, at), hashed, slot, blob, limits, slots, words)
            word = words
            words += 1
        elif word < first:
            if reserved == -2 and state[_RESERVED] < 0:
                state[_RESERVED] = row
            if reserved < 0:
                continue
            word = reserved
        out[token] = word
        token += 1
    if not full and opened == 1:
        out[token] = eos
        token += 1
    state[_AT], state[_ROW], state[_OPEN], state[_WORDS] = at, row, opened, words
    state[_OUT], state[_HELD] = token, holding
    return not full


@compiled
def tally(numbers: Int32s, counts: Int64s) -> None:
    """Count how often each number occurs."""
    for number in numbers:
        counts[number] += 1


@compiled
def renumber(source: Int32s, numbers: Int32s, target: Int32s) -> None:
    """Set ``target[i] = numbers[source[i]]``."""
    for place in range(len(source)):
        target[place] = numbers[source[place]]
