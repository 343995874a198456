r"""Texts drawn by walking the tables, many at once in compiled code.

A word of a context h is drawn by a number from [0, 1), off which the continuations of h take their
probabilities one after the other. What no continuation has used up belongs to backing off: a word
is drawn of the next shorter context, again and again until it is no continuation of h (rejection),
which leaves p(w | h) = backoff(h) p(w | h'). The empty context has all words. A word that may not
come is drawn anew. So every word comes with its probability among those that may, and nobody sums
up the vocabulary. Sums of blocks of probabilities let long runs be passed quickly.

The numbers of a row are a function of its key and their place (SplitMix64; Steele, Lea & Flood
2014), so that a row's text depends on no other row.

Letters: N nodes, V vocabulary size, R rows, T tokens, n order.
"""

from typing import NamedTuple

import numpy as np

from munmaek.arrays import Bools, Float32s, Floats, Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import Index, compiled, inlined
from munmaek.ngram.descent import child, find_word, next_context, shorter
from munmaek.ngram.tables import MAX_ORDER

__all__ = ["DrawnRows", "WalkedArrays", "block_sums", "draw_rows", "node_after", "uniform"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 64
"""Nodes of a block whose probabilities are summed up."""
_DRAWS = 4096
"""Words that are drawn before a row is given up."""


class WalkedArrays(NamedTuple):
    """The arrays that are walked."""

    first: Int32s
    words: Int32s
    links: Int32s
    logprobs: Float32s
    backoffs: Float32s
    sums: Floats
    """Sums of the probabilities of all nodes before each block, or empty."""
    permitted: Bools
    """[L, V]: what may come where ``l`` + 1 tokens are left, L where there are more."""
    whole: Bools
    """[V]: words after which any may come."""
    eos: int


class DrawnRows(NamedTuple):
    """Rows of texts as they grow, changed in place."""

    keys: Uint64s
    """[R]: what chooses the numbers."""
    used: Int64s
    """[R]: numbers that have been used."""
    nodes: Int64s
    """[R]: the context as a node, or −1."""
    left: Int64s
    """[R]: tokens that may still come."""


@compiled
def block_sums(logprobs: Float32s) -> Floats:
    """Return the sum of exp over the nodes before each block: [N // 64 + 1]."""
    out = np.zeros(len(logprobs) // _BLOCK + 1, dtype=np.float64)
    total = 0.0
    for node in range(len(logprobs)):
        if node % _BLOCK == 0:
            out[node // _BLOCK] = total
        total += np.exp(np.float64(logprobs[node]))
    if len(logprobs) % _BLOCK == 0:
        out[-1] = total
    return out


@inlined
def uniform(key: np.uint64, place: Index) -> float:
    """Return the number of that place from the sequence of a key, in [0, 1)."""
    mixed = key + (np.uint64(place) + np.uint64(1)) * _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.float64(mixed >> np.uint64(11)) * 2.0**-53


@compiled
def node_after(walked: WalkedArrays, node: Index, word: Index) -> Index:
    """Return the context after a word that follows ``node``; the next node, or −1."""
    at, found = np.int64(node), np.int64(word)
    while at >= 0:
        found = child(walked.first, walked.words, at, word)
        if found >= 0:
            break
        at = shorter(walked.links, at)
        found = np.int64(word)
    return next_context(walked.links, len(walked.backoffs), found)


@inlined
def _pass(logprobs: Float32s, begin: Index, end: Index, aim: float) -> tuple[np.int64, float]:
    """Return the node that uses ``aim`` up, and ``end`` with what is left where none does."""
    at = np.int64(begin)
    while at < end:
        aim -= np.exp(np.float64(logprobs[at]))
        if aim < 0:
            break
        at += 1
    return at, aim


@inlined
def _hit(logprobs: Float32s, sums: Floats, low: Index, end: Index, aim: float) -> np.int64:
    """Return the node of a run that uses ``aim`` up, or ``end``."""
    block = np.int64((low + _BLOCK - 1) // _BLOCK)
    last = np.int64(end // _BLOCK)
    if len(sums) == 0 or last - block < 2:
        return _pass(logprobs, low, end, aim)[0]
    node, aim = _pass(logprobs, low, block * _BLOCK, aim)
    if aim < 0:
        return node
    base = sums[block]
    high = last
    while block < high:  # the last block before which no more than the aim is used up
        middle = (block + high + 1) >> 1
        if sums[middle] - base <= aim:
            block = middle
        else:
            high = middle - 1
    return _pass(logprobs, block * _BLOCK, end, aim - (sums[block] - base))[0]


@inlined
def _total(logprobs: Float32s, sums: Floats, count: Index) -> float:
    """Return the sum of the probabilities of the first nodes."""
    begin = count // _BLOCK if len(sums) else 0
    total = sums[begin] if len(sums) else 0.0
    for node in range(begin * _BLOCK, count):
        total += np.exp(np.float64(logprobs[node]))
    return total


@inlined
def _chain(walked: WalkedArrays, node: Index, runs: Int64s, owed: Floats) -> int:
    """Fill in the runs of a context and of those shorter, with the backoff weights before each."""
    count, at = 0, np.int64(node)
    owed[0] = 0.0
    while at >= 0 and count < len(runs) - 1:
        low, end = np.int64(walked.first[at]), np.int64(walked.first[at + 1])
        inside = low >= 0 and end <= len(walked.words)
        runs[count, 0], runs[count, 1] = (low, end) if inside else (0, 0)
        owed[count + 1] = owed[count] + np.float64(walked.backoffs[at])
        count += 1
        at = shorter(walked.links, at)
    runs[count, 0], runs[count, 1] = 0, walked.permitted.shape[1]
    return count


@inlined
def _refusing(walked: WalkedArrays, runs: Int64s, level: int, word: Index) -> int:
    """Return the shortest of the contexts before ``level`` that has the word, or −1."""
    for index in range(level - 1, -1, -1):
        if find_word(walked.words, runs[index, 0], runs[index, 1], word) >= 0:
            return index
    return -1


@inlined
def _drawn(
    walked: WalkedArrays, rows: DrawnRows, row: Index, runs: Int64s, owed: Floats, whole: float
) -> tuple[np.int64, float]:
    """Draw a word that may come, and its log-probability; −1 where none was found.

    Args:
        walked: the tables.
        rows: the texts.
        row: which of them.
        runs: room, [n + 1, 2].
        owed: room, [n + 1].
        whole: the sum of the unigrams' probabilities.
    """
    count = _chain(walked, rows.nodes[row], runs, owed)
    permitted = walked.permitted[min(rows.left[row], len(walked.permitted)) - 1]
    level = 0
    for _ in range(_DRAWS):
        aim = uniform(rows.keys[row], rows.used[row])
        rows.used[row] += 1
        if level == count:
            aim *= whole
        place = _hit(walked.logprobs, walked.sums, runs[level, 0], runs[level, 1], aim)
        if place >= runs[level, 1]:
            level = min(level + 1, count)
            continue
        word = np.int64(walked.words[place])
        refused = _refusing(walked, runs, level, word)
        if refused >= 0:
            level = refused + 1
        elif 0 <= word < len(permitted) and permitted[word]:
            return word, owed[level] + np.float64(walked.logprobs[place])
        else:
            level = 0
    return np.int64(-1), 0.0


@compiled
def draw_rows(
    walked: WalkedArrays, rows: DrawnRows, tokens: Int64s, logprobs: Floats, lengths: Int64s
) -> None:
    """Draw each row on until its text ends, no token is left, or its last is part of a character.

    Args:
        walked: the tables.
        rows: the texts.
        tokens: filled with what was drawn, [R, T]; T is the most that is drawn.
        logprobs: filled likewise with natural logs.
        lengths: filled with how many tokens each row has drawn, [R]; fewer than the most where no
            word was found that may come, or for the reasons above.
    """
    runs = np.empty((MAX_ORDER + 1, 2), dtype=np.int64)
    owed = np.empty(MAX_ORDER + 2, dtype=np.float64)
    whole = _total(walked.logprobs, walked.sums, walked.permitted.shape[1])
    for row in range(len(rows.keys)):
        count = 0
        while count < tokens.shape[1] and rows.left[row] > 0:
            word, logprob = _drawn(walked, rows, row, runs, owed, whole)
            if word < 0:
                break
            tokens[row, count], logprobs[row, count] = word, logprob
            count += 1
            rows.left[row] -= 1
            if word == walked.eos:
                break
            rows.nodes[row] = node_after(walked, rows.nodes[row], word)
            if not walked.whole[word]:
                break
        lengths[row] = count
