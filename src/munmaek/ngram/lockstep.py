"""Scores of many sequences at once: while one waits for memory, the others go on.

A look-up in a large model waits for memory three times and computes little. So ``LANES`` sequences
go forward together. Each round, every lane first pays out what its last look-up found, takes the
run of continuations of its context and asks for the line of memory where the word must be; then,
when those lines have come, every lane searches, and asks for what its next round will need.

The search is written into the loop because a call out of it costs a third of the speed. The sums
are those of ``munmaek.ngram.queries.trace``, addition by addition, so both give the same
bits. Indices are unsigned, which spares a test for negative ones at every access. What is read from
the tables is held within them, so a damaged file cannot lead outside.

Letters: T tokens, S sequences, N nodes, L nodes of orders below n.
"""

import numpy as np

from munmaek.arrays import Float32s, Floats, Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.index import FEW, PROBES, slot_of
from munmaek.ngram.intrinsics import prefetch

__all__ = ["score_in_lanes"]


LANES = 16
_NONE = 0xFFFFFFFFFFFFFFFF


@compiled
def score_in_lanes(  # noqa: C901, PLR0912, PLR0915 - one loop, see above
    tables: tuple[Int32s, Int32s, Int32s, Float32s, Float32s, Uint64s],
    ids: Int32s,
    offsets: Int64s,
    begin: int,
    out: Floats,
) -> None:
    """Fill ``out`` [T] with natural-log probabilities; for orders above 1.

    Args:
        tables: first continuations, last words, links, stored log-probabilities and backoff
            weights, and the index of continuations of contexts with many.
        ids: tokens, each within the vocabulary.
        offsets: limits of the sequences [S + 1].
        begin: the context of the first token of each.
        out: gets the scores.
    """
    first, words, links, logprobs, backoffs, index = tables
    one, none, few = np.uint64(1), np.uint64(_NONE), np.uint64(FEW)
    lower, nodes = np.uint64(len(backoffs)), np.uint64(len(words))
    mask, last_sequence = np.uint64(len(index) - 1), np.int64(len(offsets) - 1)
    contexts, tokens, found, lows, sizes, places, ends = (
        np.empty(LANES, dtype=np.uint64),
        np.empty(LANES, dtype=np.uint64),
        np.empty(LANES, dtype=np.uint64),
        np.empty(LANES, dtype=np.uint64),
        np.empty(LANES, dtype=np.uint64),
        np.empty(LANES, dtype=np.uint64),
        np.empty(LANES, dtype=np.uint64),
    )
    paid = np.zeros(LANES, dtype=np.float64)
    sequence, active = 0, np.uint64(0)
    while active < np.uint64(LANES) and sequence < last_sequence:
        if offsets[sequence] < offsets[sequence + 1]:
            contexts[active], found[active] = begin, none
            places[active], ends[active] = offsets[sequence], offsets[sequence + 1]
            tokens[active] = ids[offsets[sequence]]
            active += one
        sequence += 1
    while active > np.uint64(0):
        lane = np.uint64(0)
        while lane < active:
            context = contexts[lane]
            node = found[lane]
            if node != none:
                at = places[lane]
                out[at] = paid[lane] + np.float64(logprobs[node])
                paid[lane] = 0.0
                at += one
                if at == ends[lane]:
                    while sequence < last_sequence and (offsets[sequence] == offsets[sequence + 1]):
                        sequence += 1
                    if sequence == last_sequence:
                        active -= one
                        contexts[lane], tokens[lane] = contexts[active], tokens[active]
                        found[lane], places[lane] = found[active], places[active]
                        ends[lane] = ends[active]
                        paid[lane] = paid[active]
                        continue
                    at, ends[lane] = np.uint64(offsets[sequence]), offsets[sequence + 1]
                    sequence += 1
                    context = np.uint64(begin)
                elif node < lower:
                    context = node
                else:
                    link = np.uint64(links[node])
                    context = link if link < lower else tokens[lane]
                places[lane] = at
                tokens[lane] = ids[at]
                contexts[lane] = context
            low, high = np.uint64(first[context]), np.uint64(first[context + one])
            size = high - low if low <= high <= nodes else np.uint64(0)
            lows[lane], sizes[lane] = low, size
            if size > few:
                slot = slot_of(context, tokens[lane], mask)
                prefetch(index, slot)
            else:
                prefetch(words, low)
            lane += one
        for index_of_lane in range(active):
            lane = np.uint64(index_of_lane)
            context = contexts[lane]
            word = tokens[lane]
            node = none
            low, size = lows[lane], sizes[lane]
            if size <= few:
                high = low + size
                while low < high and np.uint64(words[low]) < word:
                    low += one
                if low < high and np.uint64(words[low]) == word:
                    node = low
            else:
                slot = slot_of(context, word, mask)
                last = slot + np.uint64(PROBES)
                entry = index[slot]
                while entry != np.uint64(0) and slot != last:
                    node = entry & np.uint64(0xFFFFFFFF)
                    if entry >> np.uint64(32) == word and node - low < size:
                        break
                    node = none
                    slot += one
                    entry = index[slot & mask]
            if node == none:
                paid[lane] += np.float64(backoffs[context])
                link = np.uint64(links[context])
                # A link leads to an earlier node; −1, unsigned, is later than any.
                if link < context:
                    contexts[lane] = link
                    found[lane] = none
                    prefetch(first, link)
                    prefetch(links, link)
                    prefetch(backoffs, link)
                    continue
                node = word
            found[lane] = node
            prefetch(logprobs, node)
            prefetch(links, node)
            if node < lower:
                prefetch(first, node)
                prefetch(backoffs, node)
