"""Byte-pair encoding learned from distinct words with their counts.

What is learned is what the trainer of the ``tokenizers`` library learns of the same words, merge by
merge; that one takes no counts, but every word as often as it occurs. How: ``merge_kernels``.

Letters: W words, S symbols of all words, V vocabulary size.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int32s, Int64s
from munmaek.text import merge_kernels as kernels
from munmaek.text.merge_kernels import Pairs, Places, Queue, Tokens, Words
from munmaek.text.merges import Learned

__all__ = ["learn_merges"]

_POINTS = 0x110000


def learn_merges(
    counts: Mapping[str, int],
    *,
    first: Sequence[str],
    alphabet: Sequence[str],
    vocab_size: int,
    min_count: int,
    prefix: str = "",
) -> Learned:
    """Learn subwords and merges; see ``learn_subword_merges``.

    Counts have 64 bits where the library's have 32.
    """
    named = dict.fromkeys([*first, *sorted(alphabet)])
    points, begins = _code_points(counts)
    known = np.zeros(_POINTS, dtype=np.bool_)
    known[[ord(each) for each in alphabet]] = True
    within = np.ones(len(points), dtype=np.bool_)
    within[begins[:-1][np.diff(begins) > 0]] = False
    for point in _in_order(points[within & known[points]]) if prefix else ():
        named.setdefault(prefix + chr(point))
    ids = {token: number for number, token in enumerate(named)}
    symbols = _ids_of(ids, alphabet, "")[points]
    if prefix:
        symbols[within] = _ids_of(ids, alphabet, prefix)[points[within]]
    kept = symbols >= 0
    limits = np.concatenate([[0], np.cumsum(kept)])[begins]
    words = Words(
        symbols[kept], limits[:-1], np.diff(limits), np.fromiter(counts.values(), np.int64)
    )
    return _Learning(words, list(ids), prefix, vocab_size).learned(vocab_size, min_count)


def _code_points(words: Mapping[str, int]) -> tuple[NDArray[np.uint32], Int64s]:
    """Return the characters of all words end to end, and the limits of each [W + 1]."""
    limits = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=limits[1:])
    return np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32), limits


def _in_order(points: NDArray[np.uint32]) -> list[int]:
    """Return the distinct characters in the order in which they come."""
    found, places = np.unique(points, return_index=True)
    return found[np.argsort(places)].tolist()


def _ids_of(ids: Mapping[str, int], alphabet: Sequence[str], prefix: str) -> Int32s:
    """Return the id of each character behind the prefix, −1 of those outside the alphabet."""
    table = np.full(_POINTS, -1, dtype=np.int32)
    for character in alphabet:
        table[ord(character)] = ids.get(prefix + character, -1)
    return table


class _Learning:
    """The arrays of a run, which grow where room is short."""

    def __init__(self, words: Words, tokens: list[str], prefix: str, vocab_size: int) -> None:
        """Begin with these subwords."""
        size = max(len(words.symbols), 1)
        self._state = np.zeros(6, dtype=np.int64)
        self._state[kernels.IDS] = len(tokens)
        self._words, self._tokens = words, _tokens(tokens, prefix, vocab_size)
        self._pairs = _pairs(1 << 16)
        # Each symbol is in two pairs, and each merge, of which every one takes a symbol away,
        # brings two: memory that is never written to takes no room.
        self._places = Places(np.empty(3 * size, np.int32), np.empty(3 * size, np.int64))
        self._queue = Queue(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.int64))
        self._merges = np.empty((vocab_size, 2), dtype=np.int32)

    def learned(self, vocab_size: int, min_count: int) -> Learned:
        """Learn, and return what is learned."""
        state, word = self._state, 0
        while True:
            word = kernels.begin(self._words, self._pairs, self._places, state, word)
            if word == len(self._words.sizes):
                break
            self._more_pairs()
        self._queue = _longer(self._queue, 2 * (int(state[kernels.TOUCHED]) + 1))
        while not kernels.learn(
            self._words, self._tokens, self._pairs, self._places, self._queue, self._merges,
            state, (vocab_size, min_count),
        ):  # fmt: skip
            self._make_room()
        tokens = list(_strings(self._tokens, int(state[kernels.IDS])))
        merges = self._merges[: state[kernels.MERGES]].tolist()
        # A pair that was merged twice has the rank of the second time, as a model of it would.
        latest = {(left, right): place for place, (left, right) in enumerate(merges)}
        ranked = sorted(latest, key=latest.__getitem__)
        return Learned(tokens, [(tokens[left], tokens[right]) for left, right in ranked])

    def _make_room(self) -> None:
        """Make all arrays longer that may be too short for the next step."""
        ids = int(self._state[kernels.IDS])
        if 2 * (self._state[kernels.PAIRS] + 2 * ids + 4) > len(self._pairs.keys):
            self._more_pairs()
        if self._state[kernels.QUEUED] + 2 * ids + 4 > len(self._queue.keys):
            self._queue = _longer(self._queue, 2 * len(self._queue.keys) + 4 * ids + 8)
        if self._state[kernels.MERGES] == len(self._merges):
            self._merges = np.concatenate([self._merges, np.empty_like(self._merges)])
        letters, end = self._tokens.letters, int(self._tokens.limits[ids])
        # A subword has as many characters as two have, or less.
        if end + 2 * int(np.diff(self._tokens.limits[: ids + 1]).max()) > len(letters):
            self._tokens = self._tokens._replace(letters=np.concatenate([letters, letters]))

    def _more_pairs(self) -> None:
        more = _pairs(2 * len(self._pairs.keys))
        kernels.refill(self._pairs, more)
        self._pairs = more


def _tokens(tokens: list[str], prefix: str, vocab_size: int) -> Tokens:
    points = np.frombuffer("".join(tokens).encode("utf-32-le"), dtype=np.uint32)
    most = max(vocab_size, len(tokens)) + 1
    letters = np.empty(2 * len(points) + 16 * most, dtype=np.uint32)
    letters[: len(points)] = points
    made = Tokens(
        letters=letters,
        limits=np.zeros(most + 1, dtype=np.int64),
        slots=np.zeros(2 << most.bit_length(), dtype=np.int32),
        prefix=np.frombuffer(prefix.encode("utf-32-le"), dtype=np.uint32),
    )
    kernels.name_all(made, np.fromiter(map(len, tokens), np.int64, len(tokens)))
    return made


def _pairs(size: int) -> Pairs:
    keys = np.full(size, kernels.FREE, dtype=np.uint64)
    return Pairs(keys, *(np.full(size, -1, dtype=np.int64) for _ in range(4)))


def _longer(queue: Queue, size: int) -> Queue:
    made: list[NDArray[Any]] = []
    for each in queue:
        made.append(np.empty(size, dtype=each.dtype))
        made[-1][: len(each)] = each
    return Queue(*made)


def _strings(tokens: Tokens, number: int) -> Iterator[str]:
    limits = tokens.limits[: number + 1].tolist()
    text = tokens.letters[: limits[-1]].tobytes().decode("utf-32-le")
    for begin, end in pairwise(limits):
        yield text[begin:end]
