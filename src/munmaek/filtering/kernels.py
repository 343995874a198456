"""Compiled halves of finding duplicates; see ``munmaek.filtering.duplicates``.

Letters: N texts, P hash functions, B bands of R least values, M texts taken up.
"""

from dataclasses import dataclass, field

import numpy as np

from munmaek.arrays import Bools, Bytes, Int32s, Int64s, Uint32s, Uint64s
from munmaek.ngram.compiled import Index, compiled

__all__ = ["MinHashes", "NearIndex", "find_near", "min_hashes", "take_up"]

_SHINGLE = 5
_CHAIN = 64
"""Texts of one band that are compared with, at most: the latest."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class MinHashes:
    """Values that texts are compared by."""

    bands: Uint64s
    """[N, B]: the hash of each run of least values."""
    bytes: Bytes
    """[N, P]: a byte of each least value."""

    def __getitem__(self, kept: Bools) -> "MinHashes":
        """Return those of some texts."""
        return MinHashes(self.bands[kept], self.bytes[kept])


@dataclass(slots=True, eq=False)
class NearIndex:
    """Texts by the runs of their least values."""

    bands: int
    width: int
    room: int
    """Texts that there is room for."""
    count: int = 0
    bytes: Bytes = field(init=False)
    """[room, P]."""
    hashes: Uint64s = field(init=False)
    """[room, B]."""
    slots: Int32s = field(init=False)
    """By hash, the number of the latest run that has it, and 1: text · B + band."""
    before: Int32s = field(init=False)
    """[room · B]: the run before each in its slot, and 1; 0 is none."""

    def __post_init__(self) -> None:
        self.bytes = np.zeros((self.room, self.bands * self.width), dtype=np.uint8)
        self.hashes = np.zeros((self.room, self.bands), dtype=np.uint64)
        self.slots = np.zeros(2 * self.room * self.bands, dtype=np.int32)
        self.before = np.zeros(self.room * self.bands, dtype=np.int32)

    def grow(self, count: int) -> None:
        """Make room for so many more texts."""
        while self.count + count > self.room:
            room, kept = self.room, self.count
            values, hashes = self.bytes[:kept], self.hashes[:kept]
            self.room = 2 * room
            self.__post_init__()
            self.bytes[:kept], self.hashes[:kept] = values, hashes
            for text in range(kept):
                link(self.hashes[text], text, self.slots, self.before)


@compiled
def take_up(slots: Uint64s, keys: Uint64s, fresh: Bools) -> int:
    """Put keys into a hash table; fills which were not there, and returns how many."""
    mask = np.uint64(len(slots) - 1)
    count = 0
    for index in range(len(keys)):
        key = keys[index]
        slot = (key * _MULTIPLIER) >> np.uint64(20) & mask
        while slots[slot] != np.uint64(0) and slots[slot] != key:
            slot = (slot + np.uint64(1)) & mask
        fresh[index] = slots[slot] == np.uint64(0)
        if fresh[index]:
            slots[slot] = key
            count += 1
    return count


def min_hashes(letters: Uint32s, limits: Int64s, bands: int, width: int) -> MinHashes:
    """Return what texts are compared by.

    Args:
        letters: code points of all texts.
        limits: text i is ``letters[limits[i] : limits[i + 1]]``.
        bands: B.
        width: R; P = B · R.
    """
    draw = np.random.default_rng(0)
    functions = bands * width
    factors = draw.integers(0, 1 << 32, functions, dtype=np.uint32) | np.uint32(1)
    terms = draw.integers(0, 1 << 32, functions, dtype=np.uint32)
    count = len(limits) - 1
    made = MinHashes(np.empty((count, bands), np.uint64), np.empty((count, functions), np.uint8))
    fill_hashes(letters, limits, factors, terms, width, made.bands, made.bytes)
    return made


@compiled
def fill_hashes(
    letters: Uint32s,
    limits: Int64s,
    factors: Uint32s,
    terms: Uint32s,
    width: Index,
    bands: Uint64s,
    kept: Bytes,
) -> None:
    """Fill ``bands`` and ``kept`` of all texts; see ``min_hashes``."""
    functions = len(factors)
    least = np.empty(functions, dtype=np.uint32)
    for text in range(len(limits) - 1):
        begin, end = limits[text], limits[text + 1]
        least[:] = np.uint32(0xFFFFFFFF)
        last = max(end - _SHINGLE, begin)
        for place in range(begin, last + 1):
            hashed = np.uint64(1)
            for at in range(place, min(place + _SHINGLE, end)):
                hashed = (hashed ^ np.uint64(letters[at])) * _MULTIPLIER
                hashed ^= hashed >> _HALF
            short = np.uint32(hashed >> np.uint64(16))
            for index in range(functions):
                value = np.uint32(short * factors[index] + terms[index])
                least[index] = min(least[index], value)
        for band in range(bands.shape[1]):
            hashed = np.uint64(band + 1)
            for index in range(band * width, (band + 1) * width):
                hashed = (hashed ^ np.uint64(least[index])) * _MULTIPLIER
                hashed ^= hashed >> _HALF
                kept[text, index] = np.uint8((least[index] * np.uint32(0x9E3779B1)) >> 24)
            bands[text, band] = hashed


def find_near(index: NearIndex, keys: MinHashes, least: float) -> Bools:
    """Return which texts are near none in the index, which are taken up there: [N]."""
    index.grow(len(keys.bands))
    fresh = np.empty(len(keys.bands), dtype=np.bool_)
    # Bytes of other values are the same by chance in one of 256.
    wanted = int(np.ceil(keys.bytes.shape[1] * (least + (1 - least) / 256) - 1e-9))
    index.count = int(
        fill_fresh(
            keys.bands, keys.bytes, wanted, index.count,
            (index.bytes, index.hashes, index.slots, index.before), fresh,
        )
    )  # fmt: skip
    return fresh


@compiled
def link(hashes: Uint64s, text: Index, slots: Int32s, before: Int32s) -> None:
    """Put the runs of a text into the slots of their hashes."""
    bands = len(hashes)
    for band in range(bands):
        slot = hashes[band] % np.uint64(len(slots))
        run = text * bands + band
        before[run] = slots[slot]
        slots[slot] = run + 1


@compiled
def _is_near(
    hashes: Uint64s,
    own: Bytes,
    wanted: Index,
    values: Bytes,
    known: Uint64s,
    slots: Int32s,
    before: Int32s,
) -> bool:
    """Return whether a text has ``wanted`` bytes of one that shares a run with it."""
    bands = len(hashes)
    for band in range(bands):
        run = np.int64(slots[hashes[band] % np.uint64(len(slots))])
        steps = 0
        while run > 0 and steps < _CHAIN:
            text = (run - 1) // bands
            if known[text, (run - 1) % bands] == hashes[band]:
                same = 0
                for index in range(len(own)):
                    same += own[index] == values[text, index]
                if same >= wanted:
                    return True
                steps += 1
            run = np.int64(before[run - 1])
    return False


@compiled
def fill_fresh(
    hashes: Uint64s,
    own: Bytes,
    wanted: Index,
    count: Index,
    index: tuple[Bytes, Uint64s, Int32s, Int32s],
    fresh: Bools,
) -> int:
    """Fill which texts are near none, take those up, and return how many are taken up then.

    ``index`` has the bytes and hashes of the texts taken up, slots, and the run before each.
    """
    values, known, slots, before = index
    for text in range(len(hashes)):
        fresh[text] = not _is_near(hashes[text], own[text], wanted, values, known, slots, before)
        if fresh[text]:
            values[count] = own[text]
            known[count] = hashes[text]
            link(hashes[text], count, slots, before)
            count += 1
    return int(count)
