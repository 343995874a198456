r"""KenLM's hash tables of n-grams: asked as they are, and their n-grams recovered.

A table has the hash of an n-gram and its values, not its words:

    h(w)            = the id of w
    h(v, w_1 … w_k) = h(w_1 … w_k) · A  xor  (1 + id of v) · B        modulo 2^64

so that an n-gram is found from its last word on, and longer ones lie under hashes that follow from
its own. An n-gram v … w can only be there where v … and … w are, so the n-grams of one order are
those pairs of n-grams of the order below, alike but for the first and the last word, whose hash is
in the table. Marks at the values say which n-grams go on to the left and to the right.

Source: lm/search_hashed.hh, lm/search_hashed.cc, lm/model.cc and lm/blank.hh of KenLM, commit
4cb443e; a state is the longest context that can still matter, as there.

Letters: V vocabulary size, M n-grams of one order, n order.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import final

import numpy as np

from munmaek.arrays import Float32s, Floats, Int32s, Int64s, Uint32s, Uint64s
from munmaek.errors import UnsupportedError
from munmaek.ngram.compiled import Index, compiled, inlined
from munmaek.ngram.grams import Grams
from munmaek.ngram.kenlm_file import KenlmFile, buckets_for, fail
from munmaek.ngram.kenlm_trie import natural
from munmaek.ngram.parallel import cuts_by_weight, in_threads
from munmaek.progress import followed

__all__ = ["HashedTables", "read_probing"]

_A, _B = np.uint64(8978948897894561157), np.uint64(17894857484156487943)
_WITH_RESTS = 1
"""The kind whose values have a third number."""
_SIGN = np.uint32(1 << 31)
_MOST_PAIRS = 1 << 38
"""Pairs that are tried for the n-grams of one order, at most: about half an hour of a processor."""
_PAIRS = 1 << 28
"""Pairs that one thread tries at a time."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class HashedTables:
    """A file of hash tables."""

    file: KenlmFile
    words: tuple[str, ...] = field(init=False)
    """[V], by id; 0 is ``<unk>``."""
    numbers: Uint32s = field(init=False)
    """The whole file in numbers of four bytes, mapped."""
    values: Float32s = field(init=False)
    """The same as values."""
    layout: Int64s = field(init=False)
    """[n, 3]: of each order where its table begins, its buckets and the numbers of a bucket."""

    def __post_init__(self) -> None:
        file, extra = self.file, int(self.file.kind == _WITH_RESTS)
        version, bound = file.array("<u4", file.begin, 2).tolist()
        if version or not 0 < bound <= file.counts[0] + 1:
            fail(file.path, f"vocabulary in version {version} of {bound:,} words")
        at = file.begin // 4 + 2 + 3 * buckets_for(file.counts[0], file.multiplier)
        layout = [(at, file.counts[0] + 1, 2 + extra)]
        for order, count in enumerate(file.counts[1:], start=2):
            begin, buckets, width = layout[-1]
            wide = 3 if order == len(file.counts) else 4 + extra
            layout.append((begin + buckets * width, buckets_for(count, file.multiplier), wide))
        end = 4 * sum((layout[-1][0], layout[-1][1] * layout[-1][2]))
        file.need(end)
        whole = file.content[: end // 4 * 4]
        object.__setattr__(self, "words", file.words(end, bound))
        object.__setattr__(self, "numbers", whole.view(np.uint32))
        object.__setattr__(self, "values", whole.view(np.float32))
        object.__setattr__(self, "layout", np.array(layout, dtype=np.int64))

    @property
    def order(self) -> int:
        """Words of the longest n-grams."""
        return len(self.layout)

    def step(self, context: tuple[int, ...], word: int) -> tuple[float, int, tuple[int, ...]]:
        """Return log10 p of a word after a context, the n-gram's length, and the next context.

        Args:
            context: ids, the last word first.
            word: its id.
        """
        given = np.array((word, *context), dtype=np.int64)
        result = np.zeros(1)
        length, kept = score_hashed(self.numbers, self.values, self.layout, given, result)
        return float(result[0]), length, (word, *context)[:kept]


@compiled
def _bucket(numbers: Uint32s, layout: Int64s, order: Index, hashed: np.uint64) -> int:
    """Return the place of an n-gram's values, or −1."""
    begin, buckets, width = layout[order - 1, 0], layout[order - 1, 1], layout[order - 1, 2]
    slot = np.int64(hashed % np.uint64(buckets))
    for _ in range(buckets):
        at = begin + slot * width
        key = np.uint64(numbers[at]) | (np.uint64(numbers[at + 1]) << np.uint64(32))
        if key == hashed:
            return at + 2
        if key == 0:
            return -1
        slot += 1
        if slot == buckets:
            slot = 0
    return -1


@compiled
def _combined(hashed: np.uint64, word: Index) -> np.uint64:
    return (hashed * _A) ^ (np.uint64(1 + word) * _B)


@compiled
def score_hashed(
    numbers: Uint32s, values: Float32s, layout: Int64s, words: Int64s, result: Floats
) -> tuple[int, int]:
    """Score a word in its context.

    Args:
        numbers: the file, like the next two.
        values: the same bytes.
        layout: of the orders [n, 3].
        words: the word, then those before it, the last first.
        result: gets log10 p [1].

    Returns:
        The length of the n-gram that matched, and how many of ``words`` the next state keeps.
    """
    order, known = len(layout), len(words)
    at = layout[0, 0] + words[0] * layout[0, 2]
    logprob, length = -abs(np.float64(values[at])), 1
    kept = 0 if numbers[at + 1] == _SIGN else 1
    independent = (numbers[at] & _SIGN) != 0
    hashed = np.uint64(words[0])
    while length < known and not independent:
        hashed = _combined(hashed, words[length])
        at = _bucket(numbers, layout, length + 1, hashed)
        if at < 0:
            break
        length += 1
        logprob = -abs(np.float64(values[at]))
        if length == order:
            break
        independent = (numbers[at] & _SIGN) != 0
        if numbers[at + 1] != _SIGN:
            kept = length
    # The contexts of the n-gram's length and longer pay their weights.
    paid = np.uint64(words[1]) if known > 1 else np.uint64(0)
    for count in range(1, known):
        if count > 1:
            paid = _combined(paid, words[count])
        if count >= length:
            at = layout[0, 0] + words[1] * layout[0, 2]
            if count > 1:
                at = _bucket(numbers, layout, count, paid)
            if at < 0:
                break
            logprob += np.float64(values[at + 1])
    result[0] = logprob
    return length, kept


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The n-grams of one order."""

    ids: Int32s
    """[M, k]."""
    hashes: Uint64s
    """[M]."""
    places: Int64s
    """[M]: of their values."""
    before: Int64s
    """[M]: the n-gram of the order below without the last word; 0 for words."""
    after: Int64s
    """[M]: that without the first word; 0 for words."""


def read_probing(tables: HashedTables, *, threads: int = 1) -> list[Grams]:
    """Return the n-grams of each order.

    Raises:
        InputError: the file is damaged.
        UnsupportedError: they are too many to be recovered.
    """
    size = len(tables.words)
    none = np.zeros(size, dtype=np.int64)
    begin, _, width = tables.layout[0].tolist()
    words = np.arange(size, dtype=np.int64)
    ids = words.astype(np.int32).reshape(-1, 1)
    found = _Found(ids, words.astype(np.uint64), begin + words * width, none, none)
    orders = [_grams(tables, found, with_backoffs=True)]
    for order in range(2, tables.order + 1):
        found = _longer(tables, found, order, threads)
        orders.append(_grams(tables, found, with_backoffs=order < tables.order))
    return orders


def _grams(tables: HashedTables, found: _Found, *, with_backoffs: bool) -> Grams:
    logprobs = -np.abs(tables.values[found.places])
    backoffs = tables.values[found.places + 1 if with_backoffs else found.places[:0]]
    if not np.isfinite(logprobs).all() or not np.isfinite(backoffs).all():
        fail(tables.file.path, f"a value of the {found.ids.shape[1]}-grams is no logarithm")
    return Grams(found.ids, natural(logprobs), natural(backoffs))


def _longer(tables: HashedTables, shorter: _Found, order: int, threads: int) -> _Found:
    """Return the n-grams of the next order, which are pairs of those of the last one."""
    pairs = _pairs(tables, shorter)
    if pairs.count > _MOST_PAIRS:
        message = (
            f"{tables.file.path}: its {order}-grams are hashes without their words, and to recover "
            f"them {pairs.count:,} pairs would be tried; munmaek.kenlm.Model opens it as it is; to "
            "import it, take the ARPA file it was built of, or build a trie of that"
        )
        raise UnsupportedError(message)
    keys = _keys(tables, order)
    found = _there(tables, pairs, keys, order, threads)
    if len(found[0]) != len(keys):
        reason = f"{len(keys):,} {order}-grams of which {len(found[0]):,} have words"
        fail(tables.file.path, reason)
    before, after = pairs.firsts[found[0]], pairs.lasts[found[1]]
    ids = np.concatenate([shorter.ids[before][:, :1], shorter.ids[after]], axis=1)
    hashes = pairs.right[found[1]] ^ pairs.left[found[0]]
    places = np.empty(len(hashes), dtype=np.int64)
    find_all(tables.numbers, tables.layout, order, hashes, places)
    return _Found(ids, hashes, places, before, after)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """N-grams that may be joined: those that go on to the right, and those that do to the left."""

    firsts: Int64s
    """[F]: indices of the former."""
    left: Uint64s
    """[F]: what the first word of each puts into a hash."""
    groups: Int64s
    """[F]: the group of ``lasts`` that each may be joined with."""
    lasts: Int64s
    """[L]: indices of the latter, by what they begin with."""
    right: Uint64s
    """[L]: what each puts into a hash."""
    ends: Int64s
    """[groups + 1]: the limits of the groups in ``lasts``."""

    @property
    def sizes(self) -> Int64s:
        """[F]: how many each may be joined with."""
        return np.diff(self.ends)[self.groups]

    @property
    def count(self) -> int:
        """Pairs in all."""
        return int(self.sizes.sum())


def _pairs(tables: HashedTables, shorter: _Found) -> _Pairs:
    numbers = tables.numbers
    firsts = np.flatnonzero(numbers[shorter.places + 1] != _SIGN)
    lasts = np.flatnonzero((numbers[shorter.places] & _SIGN) == 0)
    groups = shorter.after[firsts]
    begins = shorter.before[lasts]
    right = shorter.hashes[lasts] * _A
    order = np.lexsort((right, begins))  # near hashes together, for their marks lie together
    count = int(max(groups.max(initial=0), begins.max(initial=0))) + 1
    ends = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(begins, minlength=count), out=ends[1:])
    left = (shorter.ids[firsts, 0].astype(np.uint64) + np.uint64(1)) * _B
    return _Pairs(firsts, left, groups, lasts[order], right[order], ends)


def _keys(tables: HashedTables, order: int) -> Uint64s:
    """Return the hashes in the table of an order."""
    begin, buckets, width = tables.layout[order - 1].tolist()
    table = tables.numbers[begin : begin + buckets * width].reshape(buckets, width)
    keys = table[:, 0].astype(np.uint64) | (table[:, 1].astype(np.uint64) << np.uint64(32))
    return keys[keys != 0]


def _there(
    tables: HashedTables, pairs: _Pairs, keys: Uint64s, order: int, threads: int
) -> tuple[Int64s, Int64s]:
    """Return the pairs whose hash is in the table: places in ``left`` and in ``right``."""
    marks = _marks(keys)

    def work(part: tuple[int, int]) -> tuple[Int64s, Int64s]:
        room = 1 << 12
        while True:
            first, last = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
            count = try_pairs(
                tables.numbers,
                tables.layout,
                order,
                part,
                (pairs.left, pairs.groups, pairs.right, pairs.ends),
                marks,
                (first, last),
            )
            if count <= room:
                return first[:count], last[:count]
            room = count

    none = np.empty(0, dtype=np.int64)
    found = [(none, none)]
    sizes = pairs.sizes
    runs = cuts_by_weight(sizes, 1 + int(sizes.sum()) // _PAIRS)
    for begin, end in followed(list(pairwise(runs.tolist())), f"{order}-grams"):
        cuts = begin + cuts_by_weight(sizes[begin:end], threads)
        found += in_threads(threads, work, pairwise(cuts.tolist()))
    return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])


def _marks(keys: Uint64s) -> tuple[Uint64s, int]:
    """Return a Bloom filter of hashes, in blocks of 64 bits, and how far they are shifted for one.

    Source: Bloom 1970; Putze, Sanders & Singler 2007, "Cache-, hash- and space-efficient Bloom
    filters".
    """
    bits = max(1, (len(keys) // 4).bit_length())
    shift = 64 - bits
    marks = np.zeros(1 << bits, dtype=np.uint64)
    fill_marks(keys, shift, marks)
    return marks, shift


@inlined
def _bits_of(hashed: np.uint64) -> np.uint64:
    """Return the three bits of a block that stand for a hash."""
    one, low = np.uint64(1), np.uint64(63)
    first = one << (hashed & low)
    second = one << ((hashed >> np.uint64(6)) & low)
    return first | second | (one << ((hashed >> np.uint64(12)) & low))


@compiled
def fill_marks(keys: Uint64s, shift: Index, marks: Uint64s) -> None:
    """Set the bits of all hashes."""
    for key in keys:
        marks[key >> np.uint64(shift)] |= _bits_of(key)


@compiled
def find_all(
    numbers: Uint32s, layout: Int64s, order: Index, hashes: Uint64s, places: Int64s
) -> None:
    """Find the places of the values of n-grams that are there."""
    for index in range(len(hashes)):
        places[index] = _bucket(numbers, layout, order, hashes[index])


@compiled
def try_pairs(
    numbers: Uint32s,
    layout: Int64s,
    order: Index,
    part: tuple[int, int],
    pairs: tuple[Uint64s, Int64s, Uint64s, Int64s],
    marks: tuple[Uint64s, Index],
    found: tuple[Int64s, Int64s],
) -> int:
    """Find the pairs whose hash is in the table of ``order``; returns their number.

    Args:
        numbers: the file.
        layout: of the orders.
        order: that of what is looked for.
        part: from which place of ``left`` up to which.
        pairs: ``left``, ``groups``, ``right`` and ``ends`` of ``_Pairs``.
        marks: the filter of the table's hashes, and how far a hash is shifted to the number of its
            block.
        found: gets places in ``left`` and in ``right``, where there is room.
    """
    left, groups, right, ends = pairs
    filled, shift = marks
    firsts, lasts = found
    count = 0
    for first in range(part[0], part[1]):
        own, group = left[first], groups[first]
        for place in range(ends[group], ends[group + 1]):
            hashed = right[place] ^ own
            wanted = _bits_of(hashed)
            if filled[hashed >> np.uint64(shift)] & wanted != wanted:
                continue
            if _bucket(numbers, layout, order, hashed) >= 0:
                if count < len(firsts):
                    firsts[count], lasts[count] = first, place
                count += 1
    return count
