"""The compiled halves of reading and writing ARPA: n-grams to bytes, and rows to trie nodes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.queries import child
from munmaek.ngram.tables import NgramTables

__all__ = ["Arranged", "arrange_order", "render_order"]

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

_SPACE, _TAB, _NEWLINE, _MINUS, _POINT, _ZERO = (ord(mark) for mark in " \t\n-.0")
_DECIMALS = 7
_LOWEST = -99.0
_NUMBER = 24
"""More bytes than any number takes."""


def render_order(
    tables: NgramTables,
    names: Sequence[str],
    *,
    order: int,
    kept: Bools,
    bos: int,
    size: int,
) -> Iterator[Bytes]:
    """The ARPA lines of one order, in blocks of about ``size`` bytes.

    ``kept`` [V] says which unigrams are written.
    """
    encoded = [name.encode() for name in names]
    blob = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    limits = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(word) for word in encoded], out=limits[1:])
    longest = 2 * _NUMBER + order * (int(np.diff(limits).max()) + 1)
    buffer = np.empty(max(size, 2 * longest), dtype=np.uint8)
    node, end = int(tables.starts[order - 1]), int(tables.starts[order])
    path = tables.starts[:order].copy()
    while node < end:
        node, used = _render(
            tables.first,
            tables.words,
            tables.logprobs,
            tables.backoffs,
            blob,
            limits,
            kept,
            bos,
            path,
            (node, end),
            longest,
            buffer,
        )
        yield buffer[:used]


@compiled
def _put_number(natural: float, out: Bytes, at: int) -> int:
    """Write log10 of e ** ``natural`` with seven decimals; returns where it ends."""
    value = max(np.float64(natural) * 0.4342944819032518, _LOWEST)
    scaled = np.int64(np.rint(abs(value) * 10.0**_DECIMALS))
    if scaled == 0:
        out[at] = _ZERO
        return at + 1
    if value < 0:
        out[at] = _MINUS
        at += 1
    whole = scaled // 10**_DECIMALS
    digits = 1
    while 10**digits <= whole:
        digits += 1
    for place in range(digits - 1, -1, -1):
        out[at + place] = _ZERO + whole % 10
        whole //= 10
    at += digits
    out[at] = _POINT
    for place in range(_DECIMALS, 0, -1):
        out[at + place] = _ZERO + scaled % 10
        scaled //= 10
    return at + 1 + _DECIMALS


@compiled
def _put_word(word: Index, blob: Bytes, limits: Int64s, out: Bytes, at: int) -> int:
    for index in range(limits[word], limits[word + 1]):
        out[at] = blob[index]
        at += 1
    return at


@compiled
def _render(
    first: Int32s,
    words: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    blob: Bytes,
    limits: Int64s,
    kept: Bools,
    bos: int,
    path: Int64s,
    nodes: tuple[int, int],
    longest: int,
    out: Bytes,
) -> tuple[int, int]:
    """Write lines of ``nodes`` while they fit: the next node, and the bytes written.

    ``path`` holds the n-gram's node at each length, kept in step.
    """
    at = 0
    levels = len(path)
    node, end = nodes
    while node < end and at + longest <= len(out):
        path[levels - 1] = node
        for level in range(levels - 2, -1, -1):
            while first[path[level] + 1] <= path[level + 1]:
                path[level] += 1
        if levels > 1 or kept[node]:
            at = _put_number(0.0 if levels == 1 and node == bos else logprobs[node], out, at)
            for level in range(levels):
                out[at] = _SPACE if level else _TAB
                at = _put_word(words[np.int64(path[level])], blob, limits, out, at + 1)
            if node < len(backoffs):
                out[at] = _TAB
                at = _put_number(backoffs[node], out, at + 1)
            out[at] = _NEWLINE
            at += 1
        node += 1
    return node, at


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Where the rows of one order went."""

    rows: Int64s
    """[M]: the row behind each node of the order."""
    missing: int
    """The first row whose context is absent, or −1."""
    duplicate: int
    """The first row that stood before, or −1."""


def arrange_order(
    ids: Int32s, first: Int32s, words: Int32s, links: Int32s, *, starts: Int64s, level: int
) -> Arranged:
    """Give the rows of order ``level`` + 1 their nodes; fills ``first``, ``words`` and ``links``.

    Args:
        ids: the n-grams as they stand in the file [M, level + 1].
        first: filled up to order ``level`` − 1.
        words: filled up to order ``level``.
        links: filled up to order ``level``.
        starts: limits of the orders.
        level: how many words a context has.
    """
    contexts = np.empty(len(ids), dtype=np.int64)
    _find_contexts(ids, first, words, contexts)
    none = np.empty(0, dtype=np.int64)
    if len(contexts) and contexts.min() < 0:
        return Arranged(rows=none, missing=int(np.argmax(contexts < 0)), duplicate=-1)
    last = ids[:, -1]
    # Stable, so of two equal rows the later one in the file comes second.
    rows = np.lexsort((last, contexts))
    ordered = contexts[rows]
    alike = (ordered[1:] == ordered[:-1]) & (last[rows[1:]] == last[rows[:-1]])
    if alike.any():
        return Arranged(rows=none, missing=-1, duplicate=int(rows[1:][alike].min()))
    begin, middle, end = (int(start) for start in starts[level - 1 : level + 2])
    sizes = np.bincount(contexts - begin, minlength=middle - begin)
    first[begin + 1 : middle + 1] = np.cumsum(sizes) + middle
    words[middle:end] = last[rows]
    _find_links(ordered, middle, first, words, links)
    return Arranged(rows=rows, missing=-1, duplicate=-1)


@compiled
def _find_contexts(ids: Int32s, first: Int32s, words: Int32s, contexts: Int64s) -> None:
    for row in range(len(ids)):
        node = np.int64(ids[row, 0])
        for column in range(1, ids.shape[1] - 1):
            node = child(first, words, node, ids[row, column])
            if node < 0:
                break
        contexts[row] = node


@compiled
def _find_links(contexts: Int64s, begin: int, first: Int32s, words: Int32s, links: Int32s) -> None:
    """Links to the longest suffix there is: a pruned model may lack the next shorter one."""
    for index in range(len(contexts)):
        word = np.int64(words[begin + index])
        context = np.int64(links[contexts[index]])
        node = word
        while context >= 0:
            node = child(first, words, context, word)
            if node >= 0:
                break
            context = np.int64(links[context])
            node = word
        links[begin + index] = node
