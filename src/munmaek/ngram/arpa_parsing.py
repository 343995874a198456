"""The compiled half of reading ARPA: lines to n-grams, and n-grams to nodes of the trie.

Kernels stop at the first line that is not as it should be; what is wrong with it is then said by
``munmaek.ngram.arpa_reading``, which reads that one line again, slowly. Blank lines are skipped.
"""

import numpy as np

from munmaek.arrays import Bytes, Float32s, Int32s, Int64s, Uint64s
from munmaek.ngram.arpa_rendering import LN10, POWERS
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.descent import child
from munmaek.ngram.wordtable import find_bytes

__all__ = [
    "find_contexts",
    "line_places",
    "parse_grams",
    "parse_unigrams",
    "place_rows",
]


_NEWLINE, _RETURN, _SPACE, _TAB, _MINUS, _PLUS, _POINT = (ord(mark) for mark in "\n\r \t-+.")
_ZERO, _NINE, _LITTLE_E, _BIG_E, _I, _N, _F = (ord(mark) for mark in "09eEinf")
_MOST_DIGITS = 17


@compiled
def _blank(byte: np.uint8) -> bool:
    return byte == _SPACE or byte == _TAB  # noqa: PLR1714 - Numba compares faster so


@compiled
def _over_blanks(text: Bytes, at: int) -> int:
    while at < len(text) and _blank(text[at]):
        at += 1
    return at


@compiled
def _end_of_line(text: Bytes, at: int) -> int:
    """Return where the next line begins, or −1 where something else stands before it."""
    at = _over_blanks(text, at)
    if at < len(text) and text[at] == _RETURN:
        at += 1
    if at == len(text):
        return at
    return at + 1 if text[at] == _NEWLINE else -1


@compiled
def _next_filled(text: Bytes, at: int) -> int:
    """Return where the first line from here on begins that is not blank, or the text's end."""
    while at < len(text):
        after = _end_of_line(text, at)
        if after < 0:
            return at
        at = after
    return len(text)


@compiled
def line_places(text: Bytes, at: int, count: int, every: int, out: Int64s) -> tuple[int, int]:
    """Find where every so-manieth of ``count`` lines from ``at`` on begins, but blank ones.

    Returns:
        How many lines there are, ``count`` at most, and where the next one begins.
    """
    lines = 0
    while lines < count:
        at = _next_filled(text, at)
        if at == len(text):
            break
        if lines % every == 0:
            out[lines // every] = at
        while at < len(text) and text[at] != _NEWLINE:
            at += 1
        at += 1
        lines += 1
    return lines, min(at, len(text))


@compiled
def _over_word(text: Bytes, at: int) -> int:
    while at < len(text) and not _blank(text[at]) and text[at] != _NEWLINE:
        if text[at] == _RETURN and (at + 1 == len(text) or text[at + 1] == _NEWLINE):
            break
        at += 1
    return at


@compiled
def _is_infinity(text: Bytes, at: int) -> bool:
    """Return whether ``inf`` stands there, in letters of either case."""
    if at + 3 > len(text):
        return False
    first, second, third = text[at] | _SPACE, text[at + 1] | _SPACE, text[at + 2] | _SPACE
    return bool(first == _I and second == _N and third == _F)


@compiled
def _number(  # noqa: C901, PLR0912 - an automaton over bytes
    text: Bytes, at: int
) -> tuple[float, int]:
    """Read a decimal number and where it ends; where there is none it ends where it begins."""
    begin = at
    negative = at < len(text) and text[at] == _MINUS
    if negative or (at < len(text) and text[at] == _PLUS):
        at += 1
    if _is_infinity(text, at):
        return (-np.inf if negative else np.inf), at + 3
    mantissa, digits, power, any_digit = np.int64(0), 0, 0, False
    after_point = False
    while at < len(text):
        byte = text[at]
        if byte == _POINT and not after_point:
            after_point = True
        elif _ZERO <= byte <= _NINE:
            any_digit = True
            if digits < _MOST_DIGITS:
                mantissa = mantissa * 10 + np.int64(byte - _ZERO)
                digits += mantissa > 0
                power -= after_point
            else:
                power += not after_point
        else:
            break
        at += 1
    if not any_digit:
        return 0.0, begin
    if at < len(text) and (text[at] == _LITTLE_E or text[at] == _BIG_E):
        end = at + 1
        falling = end < len(text) and text[end] == _MINUS
        if falling or (end < len(text) and text[end] == _PLUS):
            end += 1
        if end == len(text) or not _ZERO <= text[end] <= _NINE:
            return 0.0, begin
        exponent = 0
        while end < len(text) and _ZERO <= text[end] <= _NINE:
            exponent = min(exponent * 10 + np.int64(text[end] - _ZERO), 9999)
            end += 1
        power += -exponent if falling else exponent
        at = end
    value = np.float64(mantissa)
    # One division or multiplication by an exact power of ten rounds as it should.
    if power < 0:
        value = value / POWERS[-power] if -power < len(POWERS) else value / 10.0**-power
    else:
        value = value * POWERS[power] if power < len(POWERS) else value * 10.0**power
    if mantissa == 0:
        value = 0.0
    return -value if negative else value, at


@compiled
def _stored(value: float) -> np.float32:
    """Return what the tables hold for a number of the file."""
    return np.float32(value * LN10)


@compiled
def _rest(text: Bytes, at: int, backoffs: Float32s, row: int) -> int:
    """Read the backoff weight, if there is one: where the next line begins, or −1.

    At the highest order, where ``backoffs`` is empty, it may be 0 alone.
    """
    after = _end_of_line(text, at)
    highest = len(backoffs) == 0
    if not highest:
        backoffs[row] = 0
    if after >= 0:
        return after
    begin = _over_blanks(text, at)
    value, at = _number(text, begin)
    weight = _stored(value)
    if at == begin or not np.isfinite(weight) or (highest and value != 0):
        return -1
    if not highest:
        backoffs[row] = weight
    return _end_of_line(text, at)


@compiled
def parse_unigrams(
    text: Bytes, at: int, begins: Int64s, lengths: Int64s, logprobs: Float32s, backoffs: Float32s
) -> tuple[int, int]:
    """Read unigrams: how many are right, and where the next line begins.

    ``backoffs`` is empty where the order is the highest.
    """
    for row in range(len(logprobs)):
        line = _next_filled(text, at)
        at = line
        begin = _over_blanks(text, at)
        value, at = _number(text, begin)
        word = _over_blanks(text, at)
        if at == begin or word == at or value > 0:  # noqa: PLR1714 - Numba compares faster so
            return row, line
        at = _over_word(text, word)
        end = at
        begins[row], lengths[row] = word, end - word
        logprobs[row] = _stored(value)
        at = _rest(text, end, backoffs, row)
        if at < 0 or end == word:
            return row, line
    return len(logprobs), at


@compiled
def parse_grams(  # noqa: C901 - one pass over the line
    text: Bytes,
    at: int,
    rows: tuple[int, int],
    vocabulary: tuple[Bytes, Int64s, Uint64s],
    out: tuple[Int32s, Float32s, Float32s],
) -> tuple[int, int]:
    """Read ``rows`` of an order above 1: the first wrong one or their end, and where it stands.

    ``vocabulary`` has the letters of all words, their limits and slots; ``out`` gets ids,
    log-probabilities and backoffs.
    """
    blob, limits, slots = vocabulary
    ids, logprobs, backoffs = out
    order = ids.shape[1]
    before = np.zeros((order, 2), dtype=np.int64)
    for row in range(rows[0], rows[1]):
        line = _next_filled(text, at)
        at = line
        begin = _over_blanks(text, at)
        value, at = _number(text, begin)
        if at == begin or value > 0:
            return row, line
        logprobs[row] = _stored(value)
        for column in range(order):
            word = _over_blanks(text, at)
            if word == at:
                return row, line
            at = _over_word(text, word)
            length = at - word
            # Lines are sorted, so most words are those of the line before.
            same = before[column, 1] == length
            if same:
                start = before[column, 0]
                for place in range(length):
                    if text[start + place] != text[word + place]:
                        same = False
                        break
            if same and length > 0:
                ids[row, column] = ids[row - 1, column]
            else:
                found = find_bytes(blob, limits, slots, text, word, length)
                if found < 0:
                    return row, line
                ids[row, column] = found
            before[column, 0], before[column, 1] = word, length
        at = _rest(text, at, backoffs, row)
        if at < 0:
            return row, line
    return rows[1], at


@compiled
def find_contexts(
    ids: Int32s, rows: tuple[int, int], first: Int32s, words: Int32s, contexts: Int64s
) -> None:
    """Find the node of each row without its last word, or −1."""
    length = ids.shape[1] - 1
    path = np.empty(length, dtype=np.int64)
    for row in range(rows[0], rows[1]):
        column = 0
        if row > rows[0]:
            while column < length and ids[row, column] == ids[row - 1, column]:
                column += 1
        for place in range(column, length):
            if place == 0:
                path[0] = ids[row, 0]
            elif path[place - 1] < 0:
                path[place] = -1
            else:
                path[place] = child(first, words, path[place - 1], ids[row, place])
        contexts[row] = path[length - 1]


@compiled
def place_rows(
    ids: Int32s, contexts: Int64s, begin: Index, middle: Index, first: Int32s, rows: Int64s
) -> int:
    """Sort rows by context and last word; fills ``first`` of contexts ``begin`` up to ``middle``.

    Args:
        ids: the n-grams as they stand in the file [M, k].
        contexts: the node of each without its last word [M].
        begin: the first node of the order below.
        middle: the first node of this order.
        first: gets where each context's continuations begin.
        rows: gets the row behind each node of the order [M].

    Returns:
        A row that stood before, or −1.
    """
    sizes = np.zeros(middle - begin + 1, dtype=np.int64)
    for context in contexts:
        sizes[context - begin + 1] += 1
    for index in range(1, len(sizes)):
        sizes[index] += sizes[index - 1]
        first[begin + index] = middle + sizes[index]
    for row in range(len(contexts)):
        slot = contexts[row] - begin
        rows[sizes[slot]] = row
        sizes[slot] += 1
    duplicate = np.int64(-1)
    last = ids.shape[1] - 1
    at = 0
    for index in range(middle - begin):
        end = sizes[index]
        rising = True
        for place in range(at + 1, end):
            rising = rising and ids[rows[place - 1], last] < ids[rows[place], last]
        if not rising:
            # Rows rise already, so ties end up in the order of the file.
            keys = np.empty(end - at, dtype=np.int64)
            for place in range(at, end):
                keys[place - at] = (np.int64(ids[rows[place], last]) << 32) | rows[place]
            keys.sort()
            for place in range(at, end):
                rows[place] = keys[place - at] & 0xFFFFFFFF
                if place > at and keys[place - at] >> 32 == keys[place - at - 1] >> 32:
                    repeated = rows[place]
                    duplicate = repeated if duplicate < 0 else min(duplicate, repeated)
        at = end
    return int(duplicate)
