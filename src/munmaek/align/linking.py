"""Links of many sentence pairs by trained directions, joined as ``symmetrise`` joins them.

Pairs of words are looked up among those of training, so that nothing is held for all sentences but
their links. ``munmaek.align.symmetrise`` is the slow twin of what is compiled here.

Letters: N pairs of sentences, S source words, T target words.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from munmaek.align.bitext import Pairs, Side, first_cells
from munmaek.align.counting import BLOCK, Direction, blocks_of, largest
from munmaek.align.hmm import markov_within, room_for
from munmaek.align.symmetrise import NEIGHBOURS, SYMMETRISATIONS, Symmetrisation
from munmaek.arrays import Bools, Floats, Int32s, Int64s
from munmaek.metrics.alignment import Link
from munmaek.ngram.compiled import compiled
from munmaek.ngram.parallel import in_threads

__all__ = ["Trained", "joined_links", "posteriors_of"]

NOTHING = 1e-12
"""Probability of a word that training has not seen, where it links to nothing."""
UNSEEN = NOTHING * 1e-3
"""θ of a pair never seen together, which shares nothing but the prior: next to nothing."""
_AROUND = np.array(NEIGHBOURS)
_INTERSECTION, _UNION, _GROW, _FINAL = range(4)


class Trained(NamedTuple):
    """The directions that training leaves."""

    pairs: Pairs
    forward: Direction
    backward: Direction
    null: float


def joined_links(
    trained: Trained, sources: Side, targets: Side, *, by: Symmetrisation, threads: int
) -> Iterator[frozenset[Link]]:
    """Yield the links of each sentence pair, in order; they do not depend on the threads."""
    starts = first_cells(sources, targets)
    way = list(SYMMETRISATIONS).index(by)

    def work(block: tuple[int, int]) -> tuple[Int32s, Int64s]:
        begin, end = block
        most = int(sources.limits[end] - sources.limits[begin])
        most += int(targets.limits[end] - targets.limits[begin])
        links, limits = np.empty((most, 2), dtype=np.int32), np.zeros(end - begin + 1, np.int64)
        _link(trained, sources, targets, block, way, _AROUND, links, limits)
        return links[: limits[-1]].copy(), limits

    for links, limits in in_threads(threads, work, blocks_of(starts, BLOCK)):
        pairs = list(zip(links[:, 0].tolist(), links[:, 1].tolist(), strict=True))
        ends = limits.tolist()
        yield from (frozenset(pairs[a:b]) for a, b in pairwise(ends))


def posteriors_of(trained: Trained, source: Int32s, target: Int32s) -> tuple[Floats, Floats]:
    """Return the probability of each link of one pair in the two directions, both [T, S]."""
    out, turned = np.zeros((len(target), len(source))), np.zeros((len(source), len(target)))
    if out.size:
        room = np.empty(2 * out.size + room_for(*[max(out.shape)] * 2))
        _pair(trained, source, target, out, turned, room)
    return out, turned.T


@compiled
def _pair_of(pairs: Pairs, giver: int, taker: int) -> int:
    """Return the number of a word pair, or −1."""
    if giver < 0 or taker < 0:
        return -1
    low, high = pairs.first[giver], pairs.first[giver + 1]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if pairs.takers[middle] < taker:
            low = middle + 1
        else:
            high = middle
    return low if low < end and pairs.takers[low] == taker else -1


@compiled
def _pair(
    trained: Trained,
    source: Int32s,
    target: Int32s,
    out: Floats,
    turned: Floats,
    room: Floats,
) -> None:
    """Fill in the posteriors of one pair, forward [T, S] and backward [S, T]."""
    S, T = len(source), len(target)
    size = T * S
    ahead, back = room[:size].reshape(T, S), room[size : 2 * size].reshape(S, T)
    one, other = np.empty(T), np.empty(S)
    forward, backward = trained.forward, trained.backward
    for t in range(T):
        one[t] = forward.nothing[target[t]] if target[t] >= 0 else NOTHING
        for s in range(S):
            pair = _pair_of(trained.pairs, source[s], target[t])
            ahead[t, s] = forward.theta[pair] if pair >= 0 else UNSEEN
            back[s, t] = backward.theta[pair] if pair >= 0 else UNSEEN
    for s in range(S):
        other[s] = backward.nothing[source[s]] if source[s] >= 0 else NOTHING
    taken = np.zeros_like(forward.jumps)
    rest = room[2 * size :]
    markov_within(ahead, one, trained.null, forward.jumps, out, taken, rest)
    markov_within(back, other, trained.null, backward.jumps, turned, taken, rest)


@compiled
def _best(weights: Floats, best: Int64s) -> None:
    """Fill in each row's heaviest column, or −1 where no link is heavier."""
    for row in range(weights.shape[0]):
        total, most, column = 0.0, -1.0, -1
        for at in range(weights.shape[1]):
            total += weights[row, at]
            if weights[row, at] > most:
                most, column = weights[row, at], at
        best[row] = column if most > 1.0 - total else -1


@compiled
def _grow(
    there: Int64s, back: Int64s, around: Int64s, on: Bools, rows: Bools, columns: Bools
) -> None:
    """Add neighbours of links that join a word that has none, until a pass adds nothing."""
    T, S = on.shape
    added = True
    while added:
        added = False
        for t in range(T):
            for s in range(S):
                if not on[t, s]:
                    continue
                for step in range(len(around)):
                    row, column = t + around[step, 0], s + around[step, 1]
                    if row < 0 or row >= T or column < 0 or column >= S or on[row, column]:
                        continue
                    either = there[row] == column or back[column] == row
                    if either and not (rows[row] and columns[column]):
                        on[row, column] = rows[row] = columns[column] = added = True


@compiled
def _join(there: Int64s, back: Int64s, way: int, around: Int64s, on: Bools) -> None:
    """Fill in the links of both directions joined, [T, S]; ``way`` as in ``SYMMETRISATIONS``."""
    T, S = on.shape
    rows, columns = np.zeros(T, dtype=np.bool_), np.zeros(S, dtype=np.bool_)
    for t in range(T):
        for s in range(S):
            forward, backward = there[t] == s, back[s] == t
            on[t, s] = (forward or backward) if way == _UNION else (forward and backward)
            rows[t] |= on[t, s]
            columns[s] |= on[t, s]
    if way >= _GROW:
        _grow(there, back, around, on, rows, columns)
    if way < _FINAL:
        return
    both = way > _FINAL
    for direction in range(2):
        for t in range(T):
            for s in range(S):
                linked = there[t] == s if direction == 0 else back[s] == t
                taken = (rows[t] or columns[s]) if both else (rows[t] and columns[s])
                if linked and not taken:
                    on[t, s] = rows[t] = columns[s] = True


@compiled
def _link(
    trained: Trained,
    sources: Side,
    targets: Side,
    block: tuple[int, int],
    way: int,
    around: Int64s,
    links: Int32s,
    limits: Int64s,
) -> None:
    """Fill in the links of sentence pairs, source and target word, and the limits of each pair."""
    begin, end = block
    count = 0
    longest = max(largest(sources.limits, begin, end), largest(targets.limits, begin, end))
    room = np.empty(2 * longest * longest + room_for(longest, longest))
    for n in range(begin, end):
        source = sources.ids[sources.limits[n] : sources.limits[n + 1]]
        target = targets.ids[targets.limits[n] : targets.limits[n + 1]]
        S, T = len(source), len(target)
        if S > 0 and T > 0:
            out, turned = np.empty((T, S)), np.empty((S, T))
            _pair(trained, source, target, out, turned, room)
            there, back = np.empty(T, dtype=np.int64), np.empty(S, dtype=np.int64)
            _best(out, there)
            _best(turned, back)
            on = np.empty((T, S), dtype=np.bool_)
            _join(there, back, way, around, on)
            for t in range(T):
                for s in range(S):
                    if on[t, s]:
                        links[count, 0], links[count, 1] = s, t
                        count += 1
        limits[n - begin + 1] = count
