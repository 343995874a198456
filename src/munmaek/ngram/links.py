"""Links of a trie: from each n-gram to the longest one that it ends in."""

import numpy as np

from munmaek.arrays import Int32s, Int64s
from munmaek.ngram.compiled import Index, compiled

__all__ = ["fill_links"]


def fill_links(starts: Int64s, first: Int32s, words: Int32s) -> Int32s:
    """Link all nodes: [N]; past what pruning took, to the longest n-gram that is left."""
    links = np.empty(len(words), dtype=np.int32)
    links[: starts[1]] = -1
    for level in range(len(starts) - 2):
        _fill(first, words, links, starts[level], starts[level + 1])
    return links


@compiled
def _fill(first: Int32s, words: Int32s, links: Int32s, begin: Index, end: Index) -> None:
    """Link the n-grams that continue the contexts from ``begin`` up to ``end``."""
    for context in range(begin, end):
        suffix = np.int64(links[context])
        at = np.int64(first[suffix]) if suffix >= 0 else np.int64(0)
        limit = np.int64(first[suffix + 1]) if suffix >= 0 else np.int64(0)
        for node in range(first[context], first[context + 1]):
            word = words[node]
            # Both runs rise, so each search begins where the last one ended.
            at = _reach(words, word, at, limit)
            if at < limit and words[at] == word:
                links[node] = at
            else:
                links[node] = _shorter(first, words, links, suffix, word)


@compiled
def _reach(words: Int32s, word: np.int32, low: np.int64, limit: np.int64) -> np.int64:
    """Find the first place from ``low`` on whose word is not below ``word``, in doubling steps."""
    step = np.int64(1)
    high = low
    while high < limit and words[high] < word:
        low = high + 1
        high += step
        step += step
    high = min(high, limit)
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _shorter(
    first: Int32s, words: Int32s, links: Int32s, suffix: np.int64, word: np.int32
) -> np.int64:
    """Return the longest n-gram below ``suffix`` that ends in ``word``."""
    while suffix >= 0:
        suffix = np.int64(links[suffix])
        if suffix >= 0:
            limit = np.int64(first[suffix + 1])
            found = _reach(words, word, np.int64(first[suffix]), limit)
            if found < limit and words[found] == word:
                return found
    return np.int64(word)
