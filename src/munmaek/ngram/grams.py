"""N-grams by the ids of their words, in any order, to the tables of a model.

Letters: V vocabulary size, M n-grams of one order, k that order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Float32s, Int32s, Int64s
from munmaek.ngram.arpa_parsing import find_contexts, place_rows
from munmaek.ngram.links import fill_links
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.tables import NgramTables

__all__ = ["Grams", "MisplacedError", "reserve", "tables_of_grams"]

_ROWS = 1 << 16
"""N-grams that one thread places at a time."""


@dataclass(slots=True)
class Grams:
    """The n-grams of one order."""

    ids: Int32s
    """[M, k]."""
    logprobs: Float32s
    """[M]: natural logs."""
    backoffs: Float32s
    """[M]: natural logs; [0] at the highest order."""


class MisplacedError(Exception):
    """An n-gram that has no place in the tables."""

    def __init__(self, order: int, row: int, reason: str) -> None:
        """Keep which it is.

        Args:
            order: its length.
            row: its place among those of its order.
            reason: what is wrong with it.
        """
        super().__init__(f"{order}-gram {row}: {reason}")
        self.order = order
        self.row = row
        self.reason = reason


def reserve(
    orders: Sequence[Grams], own: Sequence[str], reserved: Sequence[str]
) -> tuple[str, ...]:
    """Give reserved words the first ids; returns the words of all ids.

    Args:
        orders: n-grams of order 1, 2, …, which are renumbered; the unigrams are all words in order.
        own: the words of their ids.
        reserved: words that come first, of which those that are missing get probability 0.
    """
    words = (*reserved, *(word for word in own if word not in reserved))
    if words == tuple(own):
        return words
    places = {word: place for place, word in enumerate(words)}
    moved = np.array([places[word] for word in own], dtype=np.int32)
    for each in orders[1:]:
        each.ids = moved[each.ids]
    unigrams = orders[0]
    logprobs = np.full(len(words), -np.inf, dtype=np.float32)
    logprobs[moved] = unigrams.logprobs
    backoffs = np.zeros(len(words) if len(orders) > 1 else 0, dtype=np.float32)
    backoffs[moved[: len(unigrams.backoffs)]] = unigrams.backoffs
    unigrams.logprobs, unigrams.backoffs = logprobs, backoffs
    unigrams.ids = np.arange(len(words), dtype=np.int32).reshape(-1, 1)
    return words


def tables_of_grams(orders: Sequence[Grams], *, threads: int = 1) -> NgramTables:
    """Return the tables of n-grams of order 1, 2, …; the unigrams are all words in order.

    Raises:
        MisplacedError: an n-gram without its context, or one that stands twice.
    """
    starts = np.cumsum([0, *(len(each.ids) for each in orders)], dtype=np.int64)
    nodes, lower, vocab_size = int(starts[-1]), int(starts[-2]), int(starts[1])
    words = np.arange(nodes, dtype=np.int32)
    first = np.full(lower + 1, vocab_size, dtype=np.int32)
    logprobs = np.empty(nodes, dtype=np.float32)
    none = np.empty(0, dtype=np.float32)
    backoffs = np.concatenate([none, *(each.backoffs for each in orders[:-1])])
    logprobs[:vocab_size] = orders[0].logprobs
    for index, grams in enumerate(orders[1:], start=1):
        begin, end = int(starts[index]), int(starts[index + 1])
        contexts = _contexts(grams.ids, first, words, threads)
        rows = np.empty(len(contexts), dtype=np.int64)
        twice = place_rows(grams.ids, contexts, int(starts[index - 1]), begin, first, rows)
        if twice >= 0:
            raise MisplacedError(index + 1, twice, "a duplicate")
        words[begin:end] = grams.ids[rows, -1]
        logprobs[begin:end] = grams.logprobs[rows]
        if end <= lower:
            backoffs[begin:end] = grams.backoffs[rows]
    links = fill_links(starts, first, words)
    return NgramTables(
        starts=starts, words=words, links=links, first=first, logprobs=logprobs, backoffs=backoffs
    )


def _contexts(ids: Int32s, first: Int32s, words: Int32s, threads: int) -> Int64s:
    """Return the node of each n-gram without its last word.

    Raises:
        MisplacedError: there is none.
    """
    count = len(ids)
    contexts = np.empty(count, dtype=np.int64)

    def work(row: int) -> None:
        find_contexts(ids, (row, min(row + _ROWS, count)), first, words, contexts)

    in_threads(threads, work, range(0, count, _ROWS))
    if (contexts < 0).any():
        row = int(np.argmax(contexts < 0))
        raise MisplacedError(ids.shape[1], row, "its context is not in the file")
    return contexts
