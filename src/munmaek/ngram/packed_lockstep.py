"""Scores of many sequences over a packed trie at once: while one waits for memory, others go on.

A step of ``munmaek.ngram.compact_kernels`` looks for the word behind every suffix of what was read,
and nearly each of its two dozen accesses waits for memory. So ``LANES`` sequences go forward
together, each step in passes over all of them: the places of all continuations are asked for, then
read; then all searches go on by one comparison at a time, each asking for what its next will need.

A search doubles its steps from the first continuation on, for words are numbered by frequency and
likely ones stand near it; then it halves. Sums are those of ``trace``, addition by addition.

Letters: T tokens, S sequences, V vocabulary size, n order.
"""

import numpy as np

from munmaek.arrays import Floats, Int32s, Int64s
from munmaek.ngram.bits import get_bits, pair_at
from munmaek.ngram.compact_kernels import (
    BACKOFF,
    BACKOFF_BASE,
    BACKOFF_BOOK,
    BACKOFF_BOOK_SIZE,
    BASE,
    BOOK,
    BOOK_SIZE,
    HIGH,
    LOW,
    LOW_WIDTH,
    PROBABILITY,
    SAMPLE,
    START,
    WORD,
    Packed,
    decoded,
)
from munmaek.ngram.compiled import compiled
from munmaek.ngram.intrinsics import prefetch

__all__ = ["score_packed_in_lanes"]


LANES = 16


@compiled
def score_packed_in_lanes(  # noqa: C901, PLR0912, PLR0915 - calls would cost the speed
    trie: Packed, ids: Int32s, offsets: Int64s, bos: int, out: Floats
) -> None:
    """Fill ``out`` [T] with natural-log probabilities; for orders above 1.

    Args:
        trie: the model.
        ids: tokens, each within the vocabulary.
        offsets: limits of the sequences [S + 1].
        bos: the id of ``<s>``.
        out: gets the scores.
    """
    # Out of the tuple once: each time, references to an array would be counted.
    starts, layout, records, books = trie.starts, trie.layout, trie.records, trie.books
    pointers, samples = trie.pointers, trie.samples
    unigrams, unigram_backoffs = trie.unigrams, trie.unigram_backoffs
    levels = len(starts) - 2
    # Node k of order l + 1 has its record at bit bases[l] + k · widths[l].
    widths, bases = np.empty(levels + 1, dtype=np.int64), np.empty(levels + 1, dtype=np.int64)
    for level in range(levels + 1):
        row = layout[level]
        widths[level] = row[WORD] + row[PROBABILITY] + row[BACKOFF]
        bases[level] = row[START] - starts[level] * widths[level]
    # The nodes of the last words of each lane as ``_step`` has them, and what continues them.
    active, found = (
        np.empty((LANES, levels), dtype=np.int64),
        np.empty((LANES, levels), dtype=np.int64),
    )
    lows, highs, steps = (
        np.empty((LANES, levels), dtype=np.int64),
        np.empty((LANES, levels), dtype=np.int64),
        np.empty((LANES, levels), dtype=np.int64),
    )
    places, ends = np.zeros(LANES, dtype=np.int64), np.zeros(LANES, dtype=np.int64)
    searching = np.empty(LANES * levels, dtype=np.int64)
    lanes, sequence = LANES, 0
    lane = 0
    while lane < lanes:  # a lane at its end takes the next sequence, or is no more
        while sequence < len(offsets) - 1 and offsets[sequence] == offsets[sequence + 1]:
            sequence += 1
        if sequence == len(offsets) - 1:
            lanes = lane
            break
        places[lane], ends[lane] = offsets[sequence], offsets[sequence + 1]
        active[lane, :] = -1
        active[lane, 0] = bos
        sequence += 1
        lane += 1
    while lanes > 0:
        for lane in range(lanes):
            for level in range(levels):
                node = active[lane, level]
                if node >= 0:
                    index = node - starts[level]
                    prefetch(samples, layout[level, SAMPLE] + (index >> 6))
                    low = layout[level, LOW] + index * layout[level, LOW_WIDTH]
                    prefetch(pointers, low >> 6)
                    prefetch(records, (bases[level] + node * widths[level]) >> 6)
        for lane in range(lanes):
            for level in range(levels):
                node = active[lane, level]
                if node >= 0:
                    sample = samples[layout[level, SAMPLE] + ((node - starts[level]) >> 6)]
                    prefetch(pointers, (layout[level, HIGH] + np.int64(sample)) >> 6)
        searches = 0
        for lane in range(lanes):
            for level in range(levels):
                found[lane, level] = -1
                node = active[lane, level]
                if node >= 0:
                    below, above = pair_at(
                        np.uint64(node - starts[level]),
                        np.uint64(layout[level, LOW_WIDTH]),
                        pointers,
                        np.uint64(layout[level, LOW]),
                        pointers,
                        np.uint64(layout[level, HIGH]),
                        samples,
                        np.uint64(layout[level, SAMPLE]),
                    )
                    begin, end = starts[level + 1], starts[level + 2]
                    # Damaged pointers lead to no continuation rather than outside.
                    if below < above <= np.uint64(end - begin):
                        low, high = begin + np.int64(below), begin + np.int64(above)
                        lows[lane, level], highs[lane, level], steps[lane, level] = low, high, 1
                        prefetch(records, (bases[level + 1] + low * widths[level + 1]) >> 6)
                        searching[searches] = lane * levels + level
                        searches += 1
        while searches > 0:
            left = 0
            for place in range(searches):
                search = searching[place]
                lane = search // levels
                level = search - lane * levels
                low, high, step = lows[lane, level], highs[lane, level], steps[lane, level]
                at = min(low + step - 1, high - 1) if step > 0 else (low + high) >> 1
                bit = bases[level + 1] + at * widths[level + 1]
                word = np.int64(
                    get_bits(records, np.uint64(bit), np.uint64(layout[level + 1, WORD]))
                )
                wanted = np.int64(ids[places[lane]])
                if word == wanted:
                    found[lane, level] = at
                    continue
                if word < wanted:
                    low = at + 1
                    step += step
                else:
                    high = at
                    step = 0
                if low < high:
                    lows[lane, level], highs[lane, level], steps[lane, level] = low, high, step
                    at = min(low + step - 1, high - 1) if step > 0 else (low + high) >> 1
                    bit = int(bases[level + 1] + at * widths[level + 1])
                    prefetch(records, bit >> 6)
                    searching[left] = search
                    left += 1
            searches = left
        lane = 0
        while lane < lanes:
            word = np.int64(ids[places[lane]])
            paid, order, logprob = 0.0, 0, np.float32(0)
            for level in range(levels - 1, -1, -1):
                node = found[lane, level]
                if order == 0:
                    if node >= 0:
                        order = level + 2
                        row = layout[level + 1]
                        bit = bases[level + 1] + node * widths[level + 1] + row[WORD]
                        code = get_bits(records, np.uint64(bit), np.uint64(row[PROBABILITY]))
                        logprob = decoded(code, books, row[BOOK], row[BOOK_SIZE], row[BASE])
                    elif active[lane, level] >= 0 and level == 0:
                        paid += np.float64(unigram_backoffs[active[lane, 0]])
                    elif active[lane, level] >= 0:
                        row = layout[level]
                        bit = bases[level] + active[lane, level] * widths[level]
                        bit += row[WORD] + row[PROBABILITY]
                        code = get_bits(records, np.uint64(bit), np.uint64(row[BACKOFF]))
                        paid += np.float64(
                            decoded(
                                code,
                                books,
                                row[BACKOFF_BOOK],
                                row[BACKOFF_BOOK_SIZE],
                                row[BACKOFF_BASE],
                            )
                        )
                if level + 1 < levels:
                    active[lane, level + 1] = node
            active[lane, 0] = word
            logprob = unigrams[word] if order == 0 else logprob
            out[places[lane]] = paid + np.float64(logprob)
            places[lane] += 1
            if places[lane] == ends[lane]:
                while sequence < len(offsets) - 1 and offsets[sequence] == offsets[sequence + 1]:
                    sequence += 1
                if sequence == len(offsets) - 1:
                    lanes -= 1
                    places[lane], ends[lane] = places[lanes], ends[lanes]
                    active[lane] = active[lanes]
                    found[lane] = found[lanes]
                    continue
                places[lane], ends[lane] = offsets[sequence], offsets[sequence + 1]
                active[lane, :] = -1
                active[lane, 0] = bos
                sequence += 1
            lane += 1
