r"""Counts that both directions believe in, over all sentences and by any number of threads.

Sentence pairs are cut into blocks by their cells, never by the threads. Threads compute the links
of one block each; then they add up what was found, each for source words of its own, in the order
of the sentences. So every sum is made in one order, and the result is the same to the bit.

Only as many cells as ``TOGETHER`` have their links in memory at a time.

Letters: N, C, U, V, W as in ``bitext``; K longest jump told apart.
"""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from munmaek.align.bitext import Bitext, Cells, Pairs, Places, Side
from munmaek.align.hmm import lexical_posteriors, markov_within, room_for
from munmaek.arrays import Floats, Int64s
from munmaek.ngram.compiled import compiled, inlined
from munmaek.ngram.parallel import in_threads

__all__ = ["Direction", "blocks_of", "expect", "largest", "maximise"]

BLOCK = 1 << 16
"""Cells of a block."""
TOGETHER = 1 << 22
"""Cells whose links are held together: 32 MiB."""


class Direction(NamedTuple):
    """θ of each word pair [U], J [2K + 1], and what a word is without a link, by its number."""

    theta: Floats
    jumps: Floats
    nothing: Floats


def blocks_of(starts: Int64s, size: int) -> list[tuple[int, int]]:
    """Cut sentence pairs into runs of about so many cells, whatever the threads."""
    wanted = np.arange(int(starts[0]), int(starts[-1]), size)
    cuts = np.searchsorted(starts[:-1], wanted, side="left")
    return list(pairwise(np.unique([0, *cuts.tolist(), len(starts) - 1]).tolist()))


def maximise(
    bitext: Bitext, weights: Floats, ways: tuple[Direction, Direction]
) -> tuple[Direction, Direction]:
    """Return both directions with θ by these weights of word pairs [U]; the old θ is gone."""
    forward, backward = ways
    _normalise(bitext.pairs, weights, len(forward.nothing), forward.theta, backward.theta)
    return forward, backward


def expect(
    bitext: Bitext,
    ways: tuple[Direction, Direction],
    null: float,
    counts: Floats,
    *,
    markov: bool,
    threads: int,
) -> tuple[tuple[Floats, Floats], tuple[float, float]]:
    """Fill in the counts that both directions believe in [U].

    Returns:
        The jumps of each direction, and the log-likelihoods in nats.
    """
    forward, backward = ways
    counts[:] = 0.0
    taken = np.zeros_like(forward.jumps), np.zeros_like(backward.jumps)
    logliks = np.zeros(2)
    cells, at, parts = bitext.cells, bitext.places.first[:-1].copy(), bitext.parts(threads)
    links = np.empty(0)
    for begin, end in blocks_of(cells.starts, TOGETHER):
        base, size = int(cells.starts[begin]), int(cells.starts[end] - cells.starts[begin])
        links = links if len(links) >= size else np.empty(size)
        given = _Links(links, base)
        finding = partial(_found, cells, ways, null, given, markov=markov)
        blocks = [
            (begin + a, begin + b) for a, b in blocks_of(cells.starts[begin : end + 1], BLOCK)
        ]
        for one, other, found in in_threads(threads, finding, blocks):
            taken[0][:] += one
            taken[1][:] += other
            logliks += found
        in_threads(threads, partial(_added, bitext, end, given, at, counts), parts)
    return taken, (float(logliks[0]), float(logliks[1]))


class _Links(NamedTuple):
    """The links of some cells, from cell ``base`` on."""

    weights: Floats
    base: int


def _found(
    cells: Cells,
    ways: tuple[Direction, Direction],
    null: float,
    links: _Links,
    block: tuple[int, int],
    *,
    markov: bool,
) -> tuple[Floats, Floats, Floats]:
    """Fill in the links of a block: the jumps of each direction, and the log-likelihoods."""
    one, other = (np.zeros_like(way.jumps) for way in ways)
    found = _find_links(cells, block, ways, null, markov, links, one, other)
    return one, other, np.array(found)


def _added(
    bitext: Bitext, end: int, links: _Links, at: Int64s, counts: Floats, part: tuple[int, int]
) -> None:
    _add_links(bitext.places, bitext.cells, *part, end, links, at, counts)


@compiled
def _normalise(pairs: Pairs, weights: Floats, takers: int, there: Floats, back: Floats) -> None:
    """Fill in the share of each pair in its source word's weight, and in its target word's."""
    totals = np.zeros(takers)
    for giver in range(len(pairs.first) - 1):
        total = 0.0
        for pair in range(pairs.first[giver], pairs.first[giver + 1]):
            total += weights[pair]
            totals[pairs.takers[pair]] += weights[pair]
        for pair in range(pairs.first[giver], pairs.first[giver + 1]):
            there[pair] = weights[pair] / total
    for pair in range(len(pairs.takers)):
        back[pair] = weights[pair] / totals[pairs.takers[pair]]


@compiled
def largest(limits: Int64s, begin: int, end: int) -> int:
    """Return the size of the largest part from ``begin`` up to ``end``."""
    most = 0
    for n in range(begin, end):
        most = max(most, limits[n + 1] - limits[n])
    return most


@inlined
def _fill(side: Side, n: int, table: Floats, out: Floats) -> None:
    """Fill in what the table has for each word of a sentence."""
    for at in range(len(out)):
        out[at] = table[side.ids[side.limits[n] + at]]


@compiled
def _find_links(
    cells: Cells,
    block: tuple[int, int],
    ways: tuple[Direction, Direction],
    null: float,
    markov: bool,
    links: _Links,
    forward_taken: Floats,
    backward_taken: Floats,
) -> tuple[float, float]:
    """Fill in the links of sentence pairs; return the log-likelihoods."""
    begin, end = block
    forward, backward = ways
    sources, targets, starts = cells.sources, cells.targets, cells.starts
    forward_loglik, backward_loglik = 0.0, 0.0
    longest = max(largest(sources.limits, begin, end), largest(targets.limits, begin, end))
    room = np.empty((4, largest(starts, begin, end)))
    within = np.empty(room_for(longest, longest))
    nothing = np.empty((2, longest))
    for n in range(begin, end):
        size = starts[n + 1] - starts[n]
        if size == 0:
            continue
        S = sources.limits[n + 1] - sources.limits[n]
        T = targets.limits[n + 1] - targets.limits[n]
        one, other = nothing[0, :T], nothing[1, :S]
        _fill(targets, n, forward.nothing, one)
        _fill(sources, n, backward.nothing, other)
        ahead, out = room[0, :size].reshape(T, S), room[1, :size].reshape(T, S)
        back, turned = room[2, :size].reshape(S, T), room[3, :size].reshape(S, T)
        cell = starts[n]
        for t in range(T):
            for s in range(S):
                pair = cells.pairs[cell]
                ahead[t, s], back[s, t] = forward.theta[pair], backward.theta[pair]
                cell += 1
        if markov:
            forward_loglik += markov_within(
                ahead, one, null, forward.jumps, out, forward_taken, within
            )
            backward_loglik += markov_within(
                back, other, null, backward.jumps, turned, backward_taken, within
            )
        else:
            forward_loglik += lexical_posteriors(ahead, one, null, out)
            backward_loglik += lexical_posteriors(back, other, null, turned)
        cell = starts[n] - links.base
        for t in range(T):
            for s in range(S):
                both = out[t, s] * turned[s, t]
                links.weights[cell] = both if markov else np.sqrt(both)
                cell += 1
    return forward_loglik, backward_loglik


@compiled
def _add_links(
    places: Places,
    cells: Cells,
    begin: int,
    end: int,
    sentences: int,
    links: _Links,
    at: Int64s,
    counts: Floats,
) -> None:
    """Add up the links of source words from ``begin`` up to ``end``.

    ``at`` has the next place of each source word; those in sentences before ``sentences`` are done.
    """
    sources, targets = cells.sources.limits, cells.targets.limits
    for word in range(begin, end):
        place = at[word]
        while place < places.first[word + 1] and places.sentences[place] < sentences:
            n = places.sentences[place]
            S = sources[n + 1] - sources[n]
            cell = cells.starts[n] + places.positions[place]
            for _ in range(targets[n + 1] - targets[n]):
                counts[cells.pairs[cell]] += links.weights[cell - links.base]
                cell += S
            place += 1
        at[word] = place
