r"""Look-up: an n-gram in the tables, and the places in the training text where it stands.

The text is held as it was counted, token ids of one sentence after another. A search goes over it
once for the last word, then keeps the places that the words before it fit, so the longest end of a
query that occurs is found on the way, of any length, and no index is needed: 20 million tokens of
two bytes are 40 MB to run over.

Letters: T tokens of the text, S sentences, M places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.ngram.queries import Tables
from munmaek.ngram.tables import NgramTables

__all__ = ["Entry", "Places", "find", "places"]

Ids = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An n-gram of the tables."""

    logprob: float
    """Natural log of p(last word | the words before)."""
    backoff: float | None
    """Natural log of the weight it pays as a context; None for the longest n-grams."""
    continuations: int
    """The n-grams of the tables that go on from it by one word."""


def find(tables: Tables, gram: Sequence[int]) -> Entry | None:
    """Return the n-gram in the tables, or None where it is not there."""
    if not 1 <= len(gram) <= tables.order:
        return None
    if not isinstance(tables, NgramTables):
        found = tables.find(gram)
        return None if found is None else Entry(*found)
    node = int(gram[0])
    for word in gram[1:]:
        begin, end = int(tables.first[node]), int(tables.first[node + 1])
        node = begin + int(np.searchsorted(tables.words[begin:end], word))
        if node == end or tables.words[node] != word:
            return None
    inner = node < len(tables.backoffs)
    return Entry(
        logprob=float(tables.logprobs[node]),
        backoff=float(tables.backoffs[node]) if inner else None,
        continuations=int(tables.first[node + 1] - tables.first[node]) if inner else 0,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The places of the longest end of a query that occurs in the text."""

    length: int
    """Words of the query that match, counted from its end; 0 where not even the last occurs."""
    sentences: Int64s
    """[M]: the sentence of each place, ascending; a sentence may be there more than once."""
    before: Int64s
    """[M]: the id before each place, bos at the beginning of a sentence, −1 where that matched."""
    after: Int64s
    """[M]: the id after each place, eos at the end of a sentence, −1 where that matched."""


def places(ids: Ids, offsets: Ids, query: Sequence[int], *, bos: int, eos: int) -> Places:
    """Return the places of the longest end of ``query``, which may begin with bos and end with eos.

    Args:
        ids: the text [T], sentences end to end.
        offsets: limits of the sentences [S + 1].
        query: the words to look for, at least one.
        bos: the id that stands before every sentence.
        eos: the id that stands after every sentence.
    """
    limits = np.asarray(offsets, dtype=np.int64)
    found, owners = _last(ids, limits, query[-1], bos=bos, eos=eos)
    length = int(len(found) > 0)
    first = found
    while length and length < len(query):
        earlier = _before(ids, limits, first, owners, bos=bos) == query[-length - 1]
        if not earlier.any():
            break
        found, owners, first = found[earlier], owners[earlier], first[earlier] - 1
        length += 1
    return Places(
        length=length,
        sentences=owners,
        before=_before(ids, limits, first, owners, bos=bos),
        after=_after(ids, limits, found, owners, eos=eos),
    )


def _last(ids: Ids, limits: Int64s, word: int, *, bos: int, eos: int) -> tuple[Int64s, Int64s]:
    """Return where ``word`` stands and in which sentence: bos before its ids, eos after them."""
    sentences = np.arange(len(limits) - 1, dtype=np.int64)
    if word == bos:
        return limits[:-1] - 1, sentences
    if word == eos:
        return limits[1:].copy(), sentences
    # Compared in the text's own type: another would copy all of it first.
    found = np.flatnonzero(ids == ids.dtype.type(word))
    return found, np.searchsorted(limits, found, side="right") - 1


def _before(ids: Ids, limits: Int64s, first: Int64s, owners: Int64s, *, bos: int) -> Int64s:
    if not len(first):
        return np.empty(0, dtype=np.int64)
    begins = limits[owners]
    inside = ids[np.clip(first - 1, 0, max(len(ids) - 1, 0))] if len(ids) else first
    return np.where(first > begins, inside, np.where(first == begins, bos, -1))


def _after(ids: Ids, limits: Int64s, last: Int64s, owners: Int64s, *, eos: int) -> Int64s:
    if not len(last):
        return np.empty(0, dtype=np.int64)
    ends = limits[owners + 1]
    inside = ids[np.clip(last + 1, 0, max(len(ids) - 1, 0))] if len(ids) else last
    return np.where(last + 1 < ends, inside, np.where(last + 1 == ends, eos, -1))
