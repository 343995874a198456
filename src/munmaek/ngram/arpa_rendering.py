"""The compiled half of writing ARPA: nodes to lines.

A number is log10 of what is stored, in as many digits, from eight on, as give the stored float back
when ``munmaek.ngram.arpa_parsing`` reads them; zeros at the end are left out.

Most of the time goes into few things, so they are made cheap: the contexts of a block of n-grams
are found in passes that never branch; a word that is not long is 16 bytes, copied at once and over
what follows; eight digits are made in one 64-bit word; backoff weights are few, so their texts are
kept. Blocks are rendered side by side into buffers that are used again, while the caller writes
what was rendered before.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import final

import numpy as np

from munmaek.arrays import Bools, Bytes, Float32s, Int32s, Int64s
from munmaek.ngram.compiled import Index, compiled, inlined
from munmaek.ngram.intrinsics import copy16, leading_zeros, store8
from munmaek.ngram.tables import NgramTables

__all__ = ["LN10", "POWERS", "ZERO_PROBABILITY", "Renderer", "write_number", "write_number_slowly"]


LN10 = 2.302585092994046
ZERO_PROBABILITY = -99.0
"""The number that stands for log10 of 0, as in SRILM."""
POWERS = np.array([float(f"1e{power}") for power in range(64)])
"""Powers of ten; the first 23 are exact."""

_TAB, _NEWLINE, _MINUS, _POINT, _ZERO, _EXPONENT = (ord(mark) for mark in "\t\n-.0e")
_NUMBER = 24
"""More bytes than any number takes."""
_WIDE = 16
"""Bytes of a word that is not long, its length among them."""
_BEYOND = 64
"""Bytes that may be written beyond what is meant, at most."""
_NODES = 1 << 15
"""Nodes of a block."""

_MEMO = 1 << 12
"""Numbers whose text is kept."""
_NOTHING = np.uint32(0xFFFFFFFF)
"""The bits of no number."""


@final
class Renderer:
    """The lines of a model, block after block."""

    def __init__(
        self, tables: NgramTables, names: Sequence[str], *, kept: Bools, bos: int, threads: int
    ) -> None:
        """Lay out the words.

        Args:
            tables: the n-grams.
            names: the word of each id.
            kept: the unigrams that are written: [V].
            bos: the id whose probability is written as 1.
            threads: how many blocks are rendered side by side; the bytes do not depend on it.
        """
        self.tables, self.kept, self.bos, self.threads = tables, kept, bos, threads
        encoded = [b" " + name.encode() for name in names]
        self.limits = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(word) for word in encoded], out=self.limits[1:])
        self.blob = np.frombuffer(b"".join([*encoded, bytes(_BEYOND)]), dtype=np.uint8)
        self.short = np.zeros((len(encoded), _WIDE), dtype=np.uint8).reshape(-1)
        _lay_out(self.blob, self.limits, self.short)
        self.longest = 2 * _NUMBER + tables.order * int(np.diff(self.limits).max()) + _BEYOND
        # Most words are short: room for the average, and once more where that was too little.
        self.room = _NODES * (48 + 8 * tables.order) + self.longest
        self.free: deque[Bytes] = deque()

    def order(self, order: int) -> Iterator[Bytes]:
        """Yield the lines of one order; each piece is good until the next is asked for."""
        begin, end = int(self.tables.starts[order - 1]), int(self.tables.starts[order])
        waiting: deque[Future[list[tuple[Bytes, int]]]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for node in range(begin, end, _NODES):
                waiting.append(pool.submit(self._block, node, min(node + _NODES, end), order))
                if len(waiting) > 2 * self.threads:
                    yield from self._hand_on(waiting.popleft())
            while waiting:
                yield from self._hand_on(waiting.popleft())

    def _hand_on(self, block: Future[list[tuple[Bytes, int]]]) -> Iterator[Bytes]:
        for buffer, used in block.result():
            yield buffer[:used]
            self.free.append(buffer)

    def _buffer(self) -> Bytes:
        try:
            return self.free.pop()
        except IndexError:
            return np.empty(self.room, dtype=np.uint8)

    def _block(self, node: int, end: int, order: int) -> list[tuple[Bytes, int]]:
        tables = self.tables
        begin, rows = node, np.empty((order, end - node), dtype=np.int32)
        paths = _path_to(tables, node, order), _path_to(tables, end - 1, order)
        _fill_rows(tables.first, tables.words, *paths, rows)
        pieces: list[tuple[Bytes, int]] = []
        while node < end:
            buffer = self._buffer()
            node, used = _render(
                (tables.logprobs, tables.backoffs),
                (self.blob, self.limits, self.short, self.longest),
                self.kept, self.bos, (begin, rows), (node, end), buffer,
            )  # fmt: skip
            pieces.append((buffer, used))
        return pieces


def _path_to(tables: NgramTables, node: int, order: int) -> Int64s:
    """Return the n-grams that ``node`` begins with, the shortest first, itself last: [order]."""
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
def _write_digits(number: np.int64, digits: Index, out: Bytes, at: Index) -> int:
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return int(at + digits)


@compiled
def write_number_slowly(  # noqa: C901, PLR0912 - digits one by one
    natural: np.float32, out: Bytes, at: Index
) -> int:
    """Write log10 of e ** ``natural``, any float there is; returns where it ends."""
    value = abs(np.float64(natural)) / LN10
    if natural == 0:
        out[at] = _ZERO
        return int(at + 1)
    if natural < 0:
        out[at] = _MINUS
        at += 1
    if np.isinf(natural):
        return _write_digits(np.int64(-ZERO_PROBABILITY), 2, out, at)
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
    at = _write_digits(front, digits, out, at)
    if decimals > 0:
        out[at] = _POINT
        at = _write_digits(number % unit, decimals, out, at + 1)
    if not plain:
        out[at] = _EXPONENT
        at += 1
        if moved < 0:
            out[at] = _MINUS
            at += 1
        at = _write_digits(abs(moved), 2, out, at)
    return int(at)


@inlined
def _eight_digits(number: np.uint64) -> np.uint64:
    """Return the decimal digits of a number below 10 ** 8, a byte each, the first one lowest.

    Halves, then pairs, then digits part by multiplying with the inverse, side by side in one word.
    """
    high = number // np.uint64(10_000)
    halves = high | ((number - high * np.uint64(10_000)) << np.uint64(32))
    upper = ((halves * np.uint64(10_486)) >> np.uint64(20)) & np.uint64(0x0000007F0000007F)
    pairs = ((halves - upper * np.uint64(100)) << np.uint64(16)) + upper
    tens = ((pairs * np.uint64(103)) >> np.uint64(10)) & np.uint64(0x000F000F000F000F)
    return tens + ((pairs - tens * np.uint64(10)) << np.uint64(8))


@inlined
def write_number(natural: np.float32, out: Bytes, at: Index) -> int:
    """Do ``write_number_slowly``, without a branch where eight digits do; needs 32 bytes."""
    value = abs(np.float64(natural)) / LN10
    # From −3 to 1: the power of ten below.
    exponent = np.int64(value >= 10.0) + np.int64(value >= 1.0) - 3
    exponent += np.int64(value * 10.0 >= 1.0) + np.int64(value * 100.0 >= 1.0)
    power = POWERS[7 - exponent]
    scaled = np.rint(value * power)
    given_back = np.float32(scaled / power * LN10) == np.float32(abs(natural))
    if not (value >= 1e-2 and value < 100.0 and scaled < 1e8 and given_back):
        return write_number_slowly(natural, out, at)
    out[at] = _MINUS
    at += natural < 0
    digits = _eight_digits(np.uint64(scaled))
    kept = np.int64(8) - np.int64(leading_zeros(digits) >> np.uint64(3))
    text = digits + np.uint64(0x3030303030303030)
    # 0.0 before all digits where the number is below 1, else the point between them.
    store8(out, at, np.uint64(0x3030303030302E30))
    below = exponent < 0
    at += 1 - exponent if below else 0
    whole = 8 if below else exponent + 1
    store8(out, at, text)
    out[at + whole] = _POINT
    store8(out, at + whole + 1, (text >> np.uint64(8 * whole - 8)) >> np.uint64(8))
    return int(at + max(kept + (kept > whole), 0 if below else whole))


@compiled
def _lay_out(blob: Bytes, limits: Int64s, short: Bytes) -> None:
    """Lay out words of less than ``_WIDE`` bytes, each with its length last; 0 for others."""
    for word in range(len(limits) - 1):
        begin = limits[word]
        length = limits[word + 1] - begin
        if length < _WIDE:
            for offset in range(length):
                short[word * _WIDE + offset] = blob[begin + offset]
            short[word * _WIDE + _WIDE - 1] = length


@compiled
def _write_long(word: np.int32, blob: Bytes, limits: Int64s, out: Bytes, at: Index) -> int:
    """Write a word that is not short, with the space before it, and return its length."""
    begin = limits[word]
    length = limits[word + 1] - begin
    for offset in range(0, length, 16):
        copy16(blob, begin + offset, out, at + offset)
    return int(length)


@compiled
def _fill_rows(first: Int32s, words: Int32s, path: Int64s, last: Int64s, rows: Int32s) -> None:
    """Fill in the words of a block of n-grams: [levels, nodes].

    ``path`` and ``last`` lead to its first and its last n-gram. A mark where each context begins
    to be continued, summed up, gives the context of every n-gram.
    """
    levels = len(path)
    contexts = np.zeros(rows.shape[1], dtype=np.int64)
    rows[levels - 1] = words[path[levels - 1] : path[levels - 1] + rows.shape[1]]
    for level in range(levels - 2, -1, -1):
        begin = path[level + 1]
        above = np.zeros(last[level + 1] - begin + 1, dtype=np.int64)
        for context in range(path[level] + 1, last[level] + 1):
            above[first[context] - begin] += 1
        context = np.int64(0)
        for node in range(len(above)):
            context += above[node]
            above[node] = context
        if level == levels - 2:
            contexts[:] = above
        else:
            for node in range(len(contexts)):
                contexts[node] = above[contexts[node]]
        for node in range(len(contexts)):
            rows[level, node] = words[path[level] + contexts[node]]


@compiled
def _render(
    values: tuple[Float32s, Float32s],
    letters: tuple[Bytes, Int64s, Bytes, int],
    kept: Bools,
    bos: int,
    words: tuple[int, Int32s],
    nodes: tuple[int, int],
    out: Bytes,
) -> tuple[int, int]:
    """Write lines of ``nodes`` while they fit: the next node, and the bytes written.

    Args:
        values: log-probabilities and backoffs.
        letters: of all words, their limits, those of short words, and the longest line.
        kept: words that are written.
        bos: the id of ``<s>``.
        words: the first node, and the words of it and those after it, a column each.
        nodes: from which up to which.
        out: gets the lines.
    """
    logprobs, backoffs = values
    blob, limits, short, longest = letters
    origin, rows = words
    levels = len(rows)
    keys = np.full(_MEMO, _NOTHING)
    texts = np.empty(16 * _MEMO, dtype=np.uint8)
    lengths = np.zeros(_MEMO, dtype=np.int64)
    bits = backoffs.view(np.uint32)
    at = 0
    node, end = nodes
    while node < end and at + longest <= len(out):
        if levels > 1 or kept[node]:
            logprob = np.float32(0) if levels == 1 and node == bos else logprobs[node]
            begin = at = write_number(logprob, out, at)
            for level in range(levels):
                # No function: counting references to the arrays would take longer than this.
                word = rows[level, node - origin]
                slot = np.int64(word) * _WIDE
                copy16(short, slot, out, at)
                length = np.int64(short[slot + _WIDE - 1])
                if length == 0:
                    length = _write_long(word, blob, limits, out, at)
                at += length
            out[begin] = _TAB
            if node < len(backoffs):
                out[at] = _TAB
                at += 1
                place = (np.uint64(bits[node]) * np.uint64(2_654_435_761) >> np.uint64(20)) & (
                    np.uint64(_MEMO - 1)
                )
                slot = np.int64(place) * 16
                if keys[place] == bits[node]:
                    copy16(texts, slot, out, at)
                    at += lengths[place]
                else:
                    begin = at
                    at = write_number(backoffs[node], out, at)
                    if at - begin <= 16:
                        copy16(out, begin, texts, slot)
                        keys[place], lengths[place] = bits[node], at - begin
            out[at] = _NEWLINE
            at += 1
        node += 1
    return int(node), int(at)
