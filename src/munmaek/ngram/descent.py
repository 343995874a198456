"""One step down the trie of the fast tables: the n-gram that a word makes of a context.

The context that matched is carried from token to token: it is the longest suffix of what was read
that is itself a context, and the next one is found below it or below its links.
"""

import numpy as np

from munmaek.arrays import Float32s, Int32s, Int64s
from munmaek.ngram.compiled import Index, compiled

__all__ = ["child", "find_word", "next_context", "order_of", "shorter", "step"]


@compiled
def find_word(words: Int32s, low: Index, end: Index, word: Index) -> Index:
    """Return the place of ``word`` among rising ones from ``low`` up to ``end``, or −1."""
    high = end
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < end and words[low] == word:
        return low
    return -1


@compiled
def child(first: Int32s, words: Int32s, node: Index, word: Index) -> Index:
    """Return the n-gram that continues ``node`` with ``word``, or −1."""
    low, end = np.int64(first[node]), np.int64(first[node + 1])
    if low < 0 or end > len(words):
        return -1
    return find_word(words, low, end, word)


@compiled
def shorter(links: Int32s, context: Index) -> Index:
    """Return the context without its first word, or −1; before it, so that backing off ends."""
    link = np.int64(links[context])
    return link if link < context else -1


@compiled
def next_context(links: Int32s, lower: Index, node: Index) -> Index:
    """Return the longest context that the n-gram ``node`` leaves behind, or −1."""
    if node < lower:
        return node
    link = np.int64(links[node])
    return link if link < lower else -1


@compiled
def order_of(starts: Int64s, node: Index) -> int:
    """Return the length of an n-gram."""
    order = 0
    while node >= starts[order]:
        order += 1
    return order


@compiled
def step(
    starts: Int64s,
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    context: Index,
    word: Index,
) -> tuple[float, int, Index]:
    """Score one word after a context of ``NgramTables``, given as its arrays.

    Args:
        starts: as in the tables, like all but the last two.
        first: where the words that continue each context begin.
        words: the last word of each n-gram.
        links: each n-gram without its first word.
        logprobs: natural logs.
        backoffs: natural logs.
        context: the node of the longest known context, or −1.
        word: its id.

    Returns:
        The natural-log probability, the length of the n-gram that matched, the next context.
    """
    total, node = 0.0, np.int64(word)
    at = np.int64(context)
    while at >= 0:
        node = child(first, words, at, word)
        if node >= 0:
            break
        total += np.float64(backoffs[at])
        at = shorter(links, at)
        node = np.int64(word)
    after = next_context(links, len(backoffs), node)
    return total + np.float64(logprobs[node]), order_of(starts, node), after
