"""The compiled half of writing ARPA: nodes to lines.

A number is log10 of what is stored, in as many digits, from eight on, as give the stored float back
when ``munmaek.ngram.arpa_parsing`` reads them; zeros at the end are left out.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.tables import NgramTables

__all__ = ["LN10", "POWERS", "ZERO_PROBABILITY", "render_order"]

Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Float32s: TypeAlias = NDArray[np.float32]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]

LN10 = 2.302585092994046
ZERO_PROBABILITY = -99.0
"""What stands for log10 of 0, as in SRILM."""
POWERS = np.array([float(f"1e{power}") for power in range(64)])
"""Of ten; the first 23 are exact."""

_SPACE, _TAB, _NEWLINE, _MINUS, _POINT, _ZERO, _EXPONENT = (ord(mark) for mark in " \t\n-.0e")
_NUMBER = 24
"""More bytes than any number takes."""
_NODES = 1 << 14
"""Of a block."""
_WAITING = 16
"""Blocks that are rendered before the first is handed on."""


def render_order(
    tables: NgramTables,
    names: Sequence[str],
    *,
    order: int,
    kept: Bools,
    bos: int,
    threads: int,
) -> Iterator[Bytes]:
    """The ARPA lines of one order, block after block; ``kept`` [V] are the unigrams written."""
    encoded = [name.encode() for name in names]
    blob = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    limits = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(word) for word in encoded], out=limits[1:])
    longest = 2 * _NUMBER + order * (int(np.diff(limits).max()) + 1)
    begin, end = int(tables.starts[order - 1]), int(tables.starts[order])

    def work(node: int) -> Bytes:
        nodes = (node, min(node + _NODES, end))
        path = _path_to(tables, node, order)
        # Most words are short: room for the average, and once more if that was too little.
        buffer = np.empty((nodes[1] - nodes[0]) * (48 + 8 * order) + longest, dtype=np.uint8)
        pieces: list[Bytes] = []
        while nodes[0] < nodes[1]:
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
                nodes,
                longest,
                buffer,
            )
            nodes = (node, nodes[1])
            pieces.append(buffer[:used])
            if nodes[0] < nodes[1]:
                buffer = np.empty_like(buffer)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    blocks = iter(range(begin, end, _NODES))
    while waiting := list(islice(blocks, _WAITING)):
        yield from in_threads(threads, work, waiting)


def _path_to(tables: NgramTables, node: int, order: int) -> Int64s:
    """The n-grams that ``node`` begins with, the shortest first, itself last: [order]."""
    path = np.empty(order, dtype=np.int64)
    for level in range(order - 1, -1, -1):
        path[level] = node
        if level:
            begin, end = int(tables.starts[level - 1]), int(tables.starts[level])
            # A number of another type would have all of ``first`` converted.
            wanted = np.int32(node)
            node = begin + int(np.searchsorted(tables.first[begin:end], wanted, side="right")) - 1
    return path


@compiled
def _put_digits(number: np.int64, digits: Index, out: Bytes, at: int) -> int:
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return at + digits


@compiled
def _put_number(  # noqa: C901, PLR0912 - digits one by one
    natural: np.float32, out: Bytes, at: int
) -> int:
    """Write log10 of e ** ``natural``; returns where it ends."""
    value = abs(np.float64(natural)) / LN10
    if natural == 0:
        out[at] = _ZERO
        return at + 1
    if natural < 0:
        out[at] = _MINUS
        at += 1
    if np.isinf(natural):
        return _put_digits(np.int64(-ZERO_PROBABILITY), 2, out, at)
    exponent = np.int64(0)
    while value >= POWERS[exponent + 1]:
        exponent += 1
    while exponent <= 0 and value * POWERS[-exponent] < 1.0:
        exponent -= 1
    # As a decimal fraction where that is short, else with an exponent, between 1 and 10.
    plain = -7 < exponent < 8
    moved = np.int64(0) if plain else exponent
    decimals = 7 - (exponent if plain else np.int64(0))
    wanted = np.float32(abs(natural))
    scaled = 0.0
    for _ in range(3):
        power = decimals - moved
        scaled = np.rint(value * POWERS[power] if power >= 0 else value / POWERS[-power])
        back = scaled / POWERS[power] if power >= 0 else scaled * POWERS[-power]
        if np.float32(back * LN10) == wanted:
            break
        decimals += 1
    number = np.int64(scaled)
    while decimals > 0 and number % 10 == 0:
        number //= 10
        decimals -= 1
    unit = np.int64(1)
    for _ in range(decimals):
        unit *= 10
    front = number // unit
    digits = 1
    limit = np.int64(10)
    while limit <= front:
        limit *= 10
        digits += 1
    at = _put_digits(front, digits, out, at)
    if decimals > 0:
        out[at] = _POINT
        at = _put_digits(number % unit, decimals, out, at + 1)
    if not plain:
        out[at] = _EXPONENT
        at += 1
        if moved < 0:
            out[at] = _MINUS
            at += 1
        at = _put_digits(abs(moved), 2, out, at)
    return at


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
            logprob = np.float32(0) if levels == 1 and node == bos else logprobs[node]
            at = _put_number(logprob, out, at)
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
