r"""Merges of byte-pair encoding, learned from distinct words with their counts; compiled.

    most frequent pair of neighbours → a new subword, in all words; and again

Of equally frequent pairs the one with the lower first id comes first, then that with the lower
second id. Counts are kept current: a merge takes away the pairs that its occurrences were part of
and brings those with the new subword. A queue holds the pairs by count; one whose count has fallen
since is put back with that of now when it comes up. So does the trainer of the ``tokenizers``
library, step by step, also where it may surprise: a subword that two merges make is one subword,
a pair that came up anew has an entry of its own for the words where it did, and the count of a pair
stays as it is when it is merged.

Source: Sennrich et al. 2016, section 3.2.

Letters: W words, S symbols of all words.
"""

from typing import NamedTuple

import numpy as np

from munmaek.arrays import Int32s, Int64s, Uint32s, Uint64s
from munmaek.compiling import kept

__all__ = [
    "FREE",
    "IDS",
    "MERGES",
    "PAIRS",
    "QUEUED",
    "TOUCHED",
    "Pairs",
    "Places",
    "Queue",
    "Tokens",
    "Words",
    "begin",
    "learn",
    "name_all",
    "refill",
]

IDS, MERGES, QUEUED, PAIRS, PLACES, TOUCHED = range(6)
"""Numbers of a state [6]."""
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_ONE, _HALF = np.uint64(1), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class Words(NamedTuple):
    """Distinct words in ids of subwords."""

    symbols: Int32s
    """[S]: word w begins at ``begins[w]``, and has ``sizes[w]`` of them."""
    begins: Int64s
    sizes: Int64s
    counts: Int64s
    """[W]: how often each occurs."""


class Tokens(NamedTuple):
    """Subwords as code points, and a hash table of their ids + 1."""

    letters: Uint32s
    limits: Int64s
    """Subword i is ``letters[limits[i] : limits[i + 1]]``."""
    slots: Int32s
    prefix: Uint32s
    """Stands before subwords that continue a word, and is left out within a new one."""


class Pairs(NamedTuple):
    """Pairs of neighbours in a hash table: key first id · 2³² + second id."""

    keys: Uint64s
    counts: Int64s
    heads: Int64s
    """The first of the places where each came up within a step; −1 for none."""
    tails: Int64s
    touched: Int64s
    """Slots of the pairs with such places."""


class Places(NamedTuple):
    """Lists of words, linked."""

    words: Int32s
    after: Int64s


class Queue(NamedTuple):
    """A heap of pairs, that with the highest count and the lowest key first."""

    counts: Int64s
    keys: Uint64s
    heads: Int64s
    """Places where each is to be merged."""


_compiled = kept(nogil=True)
_inlined = kept(nogil=True, forceinline=True)


@_inlined
def _slot(keys: Uint64s, key: np.uint64) -> np.uint64:
    """Return the slot of a pair, or the free one where it belongs."""
    mask = np.uint64(len(keys) - 1)
    hashed = key * _MULTIPLIER
    slot = (hashed ^ (hashed >> _HALF)) & mask
    while keys[slot] != key and keys[slot] != FREE:
        slot = (slot + _ONE) & mask
    return slot


@_inlined
def _change(pairs: Pairs, state: Int64s, key: np.uint64, change: int) -> np.uint64:
    """Change the count of a pair, and return its slot."""
    slot = _slot(pairs.keys, key)
    if pairs.keys[slot] == FREE:
        pairs.keys[slot] = key
        pairs.counts[slot] = 0
        pairs.heads[slot] = -1
        state[PAIRS] += 1
    pairs.counts[slot] += change
    return slot


@_inlined
def _note(pairs: Pairs, places: Places, state: Int64s, slot: np.uint64, word: int) -> None:
    """Add a word to the places where a pair came up, once."""
    place = state[PLACES]
    if pairs.heads[slot] < 0:
        pairs.heads[slot] = place
        pairs.touched[state[TOUCHED]] = slot
        state[TOUCHED] += 1
    elif places.words[pairs.tails[slot]] == word:
        return
    else:
        places.after[pairs.tails[slot]] = place
    pairs.tails[slot] = place
    places.words[place] = word
    places.after[place] = -1
    state[PLACES] += 1


@_inlined
def _before(queue: Queue, one: int, other: int) -> bool:
    """Return whether an entry comes up before another."""
    if queue.counts[one] != queue.counts[other]:
        return queue.counts[one] > queue.counts[other]
    return queue.keys[one] < queue.keys[other]


@_inlined
def _swap(queue: Queue, one: int, other: int) -> None:
    queue.counts[one], queue.counts[other] = queue.counts[other], queue.counts[one]
    queue.keys[one], queue.keys[other] = queue.keys[other], queue.keys[one]
    queue.heads[one], queue.heads[other] = queue.heads[other], queue.heads[one]


@_compiled
def _push(queue: Queue, state: Int64s, count: int, key: np.uint64, head: int) -> None:
    at = state[QUEUED]
    queue.counts[at], queue.keys[at], queue.heads[at] = count, key, head
    state[QUEUED] += 1
    while at > 0 and _before(queue, at, (at - 1) >> 1):
        _swap(queue, at, (at - 1) >> 1)
        at = (at - 1) >> 1


@_compiled
def _sink(queue: Queue, size: int) -> None:
    """Let the first entry sink to where it belongs."""
    at = 0
    while True:
        best = 2 * at + 1
        if best >= size:
            return
        if best + 1 < size and _before(queue, best + 1, best):
            best += 1
        if not _before(queue, best, at):
            return
        _swap(queue, at, best)
        at = best


@_inlined
def _enqueue(pairs: Pairs, queue: Queue, state: Int64s) -> None:
    """Put the pairs that came up within a step into the queue."""
    for index in range(state[TOUCHED]):
        slot = pairs.touched[index]
        if pairs.counts[slot] > 0:
            _push(queue, state, pairs.counts[slot], pairs.keys[slot], pairs.heads[slot])
        pairs.heads[slot] = -1
    state[TOUCHED] = 0


@_compiled
def begin(words: Words, pairs: Pairs, places: Places, state: Int64s, word: int) -> int:
    """Count the pairs of all words from ``word`` on, and return the first without room."""
    while word < len(words.sizes):
        first, size = words.begins[word], words.sizes[word]
        if 2 * (state[PAIRS] + size) > len(pairs.keys):
            break
        for at in range(first, first + size - 1):
            key = np.uint64(words.symbols[at]) << _HALF | np.uint64(words.symbols[at + 1])
            slot = _change(pairs, state, key, words.counts[word])
            _note(pairs, places, state, slot, word)
        word += 1
    return word


@_compiled
def refill(old: Pairs, new: Pairs) -> None:
    """Put all pairs into a larger table."""
    for index in range(len(old.keys)):
        if old.keys[index] != FREE:
            slot = _slot(new.keys, old.keys[index])
            new.keys[slot], new.counts[slot] = old.keys[index], old.counts[index]
            new.heads[slot], new.tails[slot] = old.heads[index], old.tails[index]
    # Those that came up are found again by their places.
    held = 0
    for slot in range(len(new.keys)):
        if new.keys[slot] != FREE and new.heads[slot] >= 0:
            new.touched[held] = slot
            held += 1


@_inlined
def _named(tokens: Tokens, size: int, number: int) -> int:
    """Return the id of the subword that lies behind the last one, and put it into the table.

    Args:
        tokens: all subwords.
        size: its letters.
        number: the id that it gets where it is new.
    """
    start = tokens.limits[number]
    hashed = np.uint64(size)
    for at in range(start, start + size):
        hashed = (hashed ^ np.uint64(tokens.letters[at])) * _MULTIPLIER
        hashed ^= hashed >> _HALF
    mask = np.uint64(len(tokens.slots) - 1)
    slot = hashed & mask
    while tokens.slots[slot] != 0:
        other = tokens.slots[slot] - 1
        begin, end = tokens.limits[other], tokens.limits[other + 1]
        same = end - begin == size
        at = 0
        while same and at < size:
            same = tokens.letters[begin + at] == tokens.letters[start + at]
            at += 1
        if same:
            return other
        slot = (slot + _ONE) & mask
    tokens.slots[slot] = number + 1
    tokens.limits[number + 1] = start + size
    return number


@_compiled
def name_all(tokens: Tokens, sizes: Int64s) -> None:
    """Put the first subwords, which are distinct and lie end to end, into the table."""
    for number in range(len(sizes)):
        _named(tokens, sizes[number], number)


@_compiled
def _joined(tokens: Tokens, first: int, second: int, number: int) -> int:
    """Return the id of the subword of two: ``number`` where it is new."""
    at = tokens.limits[number]
    for letter in range(tokens.limits[first], tokens.limits[first + 1]):
        tokens.letters[at] = tokens.letters[letter]
        at += 1
    begin, end = tokens.limits[second], tokens.limits[second + 1]
    prefixed = 0 < len(tokens.prefix) <= end - begin
    for letter in range(len(tokens.prefix)):
        prefixed = prefixed and tokens.letters[begin + letter] == tokens.prefix[letter]
    for letter in range(begin + (len(tokens.prefix) if prefixed else 0), end):
        tokens.letters[at] = tokens.letters[letter]
        at += 1
    return _named(tokens, at - tokens.limits[number], number)


@_inlined
def _merge(
    words: Words, pairs: Pairs, places: Places, state: Int64s, word: int, key: np.uint64, made: int
) -> None:
    """Merge a pair in one word, from left to right, and change the counts of its neighbours."""
    first, second = np.int32(key >> _HALF), np.int32(key & _LOW)
    symbols, count = words.symbols, words.counts[word]
    read = written = words.begins[word]
    end = read + words.sizes[word]
    while read < end:
        if symbols[read] != first or read + 1 == end or symbols[read + 1] != second:
            symbols[written] = symbols[read]
            read += 1
            written += 1
            continue
        if written > words.begins[word]:
            left = np.uint64(symbols[written - 1]) << _HALF
            _change(pairs, state, left | np.uint64(first), -count)
            slot = _change(pairs, state, left | np.uint64(made), count)
            _note(pairs, places, state, slot, word)
        read += 2
        if read < end:
            right = np.uint64(symbols[read])
            _change(pairs, state, np.uint64(second) << _HALF | right, -count)
            slot = _change(pairs, state, np.uint64(made) << _HALF | right, count)
            _note(pairs, places, state, slot, word)
        symbols[written] = made
        written += 1
    words.sizes[word] = written - words.begins[word]


@_inlined
def _has_room(tokens: Tokens, pairs: Pairs, queue: Queue, merges: Int32s, state: Int64s) -> bool:
    """Return whether a step has room; the first and the last part of a subword are all it joins."""
    number = state[IDS]
    # A step brings pairs with one new subword, before or behind each of those that there are.
    most = 2 * number + 4
    key = queue.keys[0]
    first, second = np.int64(key >> _HALF), np.int64(key & _LOW)
    size = tokens.limits[first + 1] - tokens.limits[first]
    size += tokens.limits[second + 1] - tokens.limits[second]
    return (
        2 * (state[PAIRS] + most) <= len(pairs.keys)
        and state[QUEUED] + most <= len(queue.keys)
        and state[MERGES] < len(merges)
        and tokens.limits[number] + size <= len(tokens.letters)
    )


@_compiled
def learn(
    words: Words,
    tokens: Tokens,
    pairs: Pairs,
    places: Places,
    queue: Queue,
    merges: Int32s,
    state: Int64s,
    bounds: tuple[int, int],
) -> bool:
    """Learn merges [M, 2] until there are enough subwords or no pairs; False where room is short.

    Args:
        words: merged in place.
        tokens: the subwords so far.
        pairs: counts of all pairs.
        places: where they came up.
        queue: of the pairs.
        merges: gets the ids of the two parts of each.
        state: how far all that is.
        bounds: most subwords, and least count of a pair.
    """
    vocab_size, min_count = bounds
    _enqueue(pairs, queue, state)
    while state[IDS] < vocab_size and state[QUEUED] > 0:
        if not _has_room(tokens, pairs, queue, merges, state):
            return False
        key, place = queue.keys[0], queue.heads[0]
        current = pairs.counts[_slot(pairs.keys, key)]
        if queue.counts[0] != current:
            queue.counts[0] = current
            _sink(queue, state[QUEUED])
            continue
        if current < min_count:
            break
        state[QUEUED] -= 1
        _swap(queue, 0, state[QUEUED])
        _sink(queue, state[QUEUED])
        made = _joined(tokens, np.int64(key >> _HALF), np.int64(key & _LOW), state[IDS])
        state[IDS] = max(state[IDS], made + 1)
        merges[state[MERGES], 0], merges[state[MERGES], 1] = key >> _HALF, key & _LOW
        state[MERGES] += 1
        while place >= 0:
            _merge(words, pairs, places, state, places.words[place], key, made)
            place = places.after[place]
        _enqueue(pairs, queue, state)
    return True
