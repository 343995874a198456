"""BPE-dropout: texts cut into other subwords in every epoch (Provilkov et al. 2020, algorithm 1).

At every step of the merging of a word each merge that is possible is left out with a probability;
of the others the one learned first is done, and where none is left the word is finished. Nothing
left out gives the tokenizer's own subwords.

What is left out follows from the seed, the number of the epoch and the place of the text alone, so
that an epoch can be had again: of a counter that begins at their hash, splitmix64 (Steele et al.
2014, figure 13) of each value is a draw.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple, final, overload

import numpy as np

from munmaek.arrays import Int32s, Int64s
from munmaek.compiling import kept
from munmaek.errors import ConfigError
from munmaek.text.tokenizers import Tokenizer

__all__ = ["MERGING", "MergeDropout", "Rows"]

MERGING = frozenset({"bpe", "morphemes+bpe"})
"""Kinds of tokenizer whose subwords are made by merges."""
LONGEST = 256
"""Characters; a longer word has its own subwords always, as merging by scans is quadratic."""


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)

_compiled = kept(nogil=True)


@final
class Rows(Sequence[list[int]]):
    """Token ids of many texts in one array."""

    def __init__(self, ids: Int32s, ends: Int64s) -> None:
        self._ids = ids
        self._starts = np.concatenate([[0], ends]).tolist()

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> list[int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[int]]: ...
    def __getitem__(self, index: int | slice) -> list[int] | list[list[int]]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._ids[self._starts[place] : self._starts[place + 1]].tolist()


@final
class MergeDropout:
    """Texts and the merges of their tokenizer, ready to be cut anew."""

    def __init__(
        self, tokenizer: Tokenizer, texts: Sequence[str], *, rate: float, seed: int
    ) -> None:
        """Look up the words of ``texts`` and their characters.

        Args:
            tokenizer: of a kind in ``MERGING``.
            texts: what is encoded in every epoch.
            rate: the probability of leaving a merge out, at least 0 and below 1.
            seed: of all epochs.

        Raises:
            ConfigError: another kind of tokenizer, or a rate that is no such probability.
        """
        if tokenizer.kind not in MERGING:
            message = (
                f"BPE-dropout needs a tokenizer with merges, {' or '.join(sorted(MERGING))}, "
                f"got '{tokenizer.kind}'; leave it out or choose another tokenizer"
            )
            raise ConfigError(message)
        if not 0 <= rate < 1:
            message = f"BPE-dropout is a probability from 0 to below 1, got {rate}"
            raise ConfigError(message)
        self._threshold = np.uint64(int(rate * 2.0**64))
        self._seed = seed
        self._merges = _merges(tokenizer)
        self._texts = _indexed(tokenizer, texts)
        self._room = int(np.diff(self._texts.word_starts)[self._texts.rows].sum())

    def encode(self, number: int) -> Rows:
        """Return the ids of all texts in epoch ``number``, without beginning or end."""
        out = np.empty(self._room, dtype=np.int32)
        ends = np.empty(len(self._texts.row_starts) - 1, dtype=np.int64)
        _cut_all(
            self._texts,
            self._merges,
            self._threshold,
            np.uint64(self._seed),
            np.uint64(number),
            out,
            ends,
        )
        return Rows(out, ends)


class _Merges(NamedTuple):
    """Rank of each merge by the ids of its two parts, in a table with open addressing."""

    keys: Int64s
    """Left id times ``size`` plus right id; −1 in a free place."""
    ranks: Int32s
    merged: Int32s
    """The id that each rank's merge gives."""
    size: int
    """Size of the vocabulary."""


def _merges(tokenizer: Tokenizer) -> _Merges:
    model = json.loads(tokenizer.content)["model"]
    vocab: dict[str, int] = model["vocab"]
    pairs = [each.split(" ") if isinstance(each, str) else each for each in model["merges"]]
    slots = 1 << max(2, (4 * len(pairs)).bit_length())
    merges = _Merges(
        np.full(slots, -1, dtype=np.int64),
        np.full(slots, -1, dtype=np.int32),
        np.array([vocab[left + right] for left, right in pairs], dtype=np.int32),
        tokenizer.vocab_size,
    )
    wanted = [vocab[left] * merges.size + vocab[right] for left, right in pairs]
    _fill(merges.keys, merges.ranks, np.array(wanted, dtype=np.int64))
    return merges


class _Texts(NamedTuple):
    """Each different word once as ids of its characters, and each text as indices of words."""

    words: Int32s
    word_starts: Int64s
    rows: Int32s
    row_starts: Int64s


def _indexed(tokenizer: Tokenizer, texts: Sequence[str]) -> _Texts:
    numbers: dict[str, int] = {}
    rows: list[int] = []
    row_starts = [0]
    for runs in tokenizer.runs(texts):
        rows.extend(numbers.setdefault(run, len(numbers)) for run in runs)
        row_starts.append(len(rows))
    spelled = [tokenizer.spelled(run) if len(run) <= LONGEST else None for run in numbers]
    words = [
        tokenizer.run_ids(run) if ids is None else ids
        for run, ids in zip(numbers, spelled, strict=True)
    ]
    return _Texts(
        np.array([symbol for ids in words for symbol in ids], dtype=np.int32),
        np.cumsum([0, *map(len, words)], dtype=np.int64),
        np.array(rows, dtype=np.int32),
        np.array(row_starts, dtype=np.int64),
    )


@_compiled
def _mixed(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> _30)) * FIRST
    value = (value ^ (value >> _27)) * SECOND
    return value ^ (value >> _31)


@_compiled
def _slot(keys: Int64s, key: int) -> int:
    """Return where ``key`` lies, or the free place where it would."""
    place = np.int64(_mixed(np.uint64(key)) & np.uint64(len(keys) - 1))
    while keys[place] >= 0 and keys[place] != key:
        place = (place + 1) & (len(keys) - 1)
    return int(place)


@_compiled
def _fill(keys: Int64s, ranks: Int32s, wanted: Int64s) -> None:
    for rank in range(len(wanted)):
        place = _slot(keys, wanted[rank])
        if keys[place] < 0:
            keys[place] = wanted[rank]
            ranks[place] = rank


@_compiled
def _rank(merges: _Merges, left: int, right: int) -> int:
    """Return the rank of the merge of two ids, or −1."""
    return int(merges.ranks[_slot(merges.keys, np.int64(left) * merges.size + right)])


@_compiled
def _chosen(
    found: Int32s, length: int, threshold: np.uint64, state: np.uint64
) -> tuple[int, np.uint64]:
    """Return the place of the first-learned merge that is not left out, or −1, and the counter."""
    best = -1
    for place in range(length - 1):
        if found[place] < 0:
            continue
        if threshold > 0:
            state += GOLDEN
            if _mixed(state) < threshold:
                continue
        if best < 0 or found[place] < found[best]:
            best = place
    return best, state


@_compiled
def _cut_word(
    work: Int32s,
    found: Int32s,
    length: int,
    merges: _Merges,
    threshold: np.uint64,
    state: np.uint64,
) -> tuple[int, np.uint64]:
    """Merge the first ``length`` ids of ``work`` in place; how many are left, and the counter."""
    for place in range(length - 1):
        found[place] = _rank(merges, work[place], work[place + 1])
    while length > 1:
        best, state = _chosen(found, length, threshold, state)
        if best < 0:
            break
        work[best] = merges.merged[found[best]]
        length -= 1
        for place in range(best + 1, length):
            work[place] = work[place + 1]
            found[place] = found[place + 1]
        if best > 0:
            found[best - 1] = _rank(merges, work[best - 1], work[best])
        if best < length - 1:
            found[best] = _rank(merges, work[best], work[best + 1])
    return length, state


@_compiled
def _cut_all(
    texts: _Texts,
    merges: _Merges,
    threshold: np.uint64,
    seed: np.uint64,
    number: np.uint64,
    out: Int32s,
    ends: Int64s,
) -> None:
    """Cut every row's words; the place after each row's last id goes to ``ends``."""
    starts = texts.word_starts
    longest = 1
    for word in range(len(starts) - 1):
        longest = max(longest, starts[word + 1] - starts[word])
    work = np.empty(longest, dtype=np.int32)
    found = np.empty(longest, dtype=np.int32)
    begin = _mixed(_mixed(seed + GOLDEN) + number)
    end = 0
    for row in range(len(ends)):
        state = _mixed(begin + np.uint64(row))
        for place in range(texts.row_starts[row], texts.row_starts[row + 1]):
            word = texts.rows[place]
            length = starts[word + 1] - starts[word]
            work[:length] = texts.words[starts[word] : starts[word + 1]]
            length, state = _cut_word(work, found, length, merges, threshold, state)
            out[end : end + length] = work[:length]
            end += length
        ends[row] = end
