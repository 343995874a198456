"""Rows of UTF-8 text as bytes: how many there are, and the rows that are kept; compiled."""

import numpy as np

from munmaek.arrays import Bytes, Int64s
from munmaek.ngram.bisecting import below
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.intrinsics import load8, popcount, trailing_zeros

__all__ = ["UNSOUND", "count_rows", "join_rows"]


UNSOUND = -1
"""The answer for bytes that Python must look at: not UTF-8, maybe not NFC, or CR."""

# In each of the eight bytes of a word: the lowest bit, the highest, all others, and two marks.
_LOWEST, _HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_OTHERS = np.uint64(0x7F7F7F7F7F7F7F7F)
_FEEDS, _RETURNS = np.uint64(0x0A0A0A0A0A0A0A0A), np.uint64(0x0D0D0D0D0D0D0D0D)


@compiled
def count_rows(block: Bytes) -> int:  # noqa: C901, PLR0912  eight bytes at a time, then one
    """Return how many rows the block has, or ``UNSOUND`` where Python must look at it.

    Sound bytes are UTF-8 without carriage returns whose characters are all such that NFC neither
    changes nor joins them: those below U+0300 and the usual blocks of Greek, Cyrillic, punctuation,
    kana, Chinese, Hangul syllables and emoji, and the byte order mark.
    """
    rows = 0
    at = 0
    size = len(block)
    while at < size:
        while at + 8 <= size:
            eight = load8(block, at)
            # No byte is above 127, so no sum reaches the next; a high bit says: not the mark.
            returns = ((eight ^ _RETURNS) + _OTHERS) & _HIGHEST
            if eight & _HIGHEST != 0 or returns != _HIGHEST:
                break
            others = popcount(((eight ^ _FEEDS) + _OTHERS) & _HIGHEST)
            rows += 8 - np.int64(others)
            at += 8
        if at == size:
            break
        byte = block[at]
        if byte < 0x80:
            if byte == 13:
                return UNSOUND
            rows += byte == 10
            at += 1
            continue
        width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        if at + width > size:
            return UNSOUND
        second = block[at + 1]
        for offset in range(1, width):
            if block[at + offset] & 0xC0 != 0x80:
                return UNSOUND
        if width == 2:
            greek = byte == 207 or (byte == 206 and second >= 0x84 and second != 0x87)
            sound = 194 <= byte <= 203 or greek or byte in (208, 209)
        elif width == 3:
            sound = _stable(byte, second, block[at + 2])
        else:
            sound = byte == 0xF0 and second == 0x9F
        if not sound:
            return UNSOUND
        at += width
    return int(rows + (size > 0 and block[size - 1] != 10))


@compiled
def _stable(lead: int, second: int, third: int) -> bool:  # noqa: PLR0911  a table of ranges
    if lead == 0xE2:
        if second == 0x80:
            return third >= 0x82
        return 0x81 <= second <= 0x82 or 0x85 <= second <= 0x8B or 0x8D <= second <= 0xA9
    if lead == 0xE3:
        if second == 0x80:
            return third <= 0xA9
        return second in (129, 131) or (second == 130 and not 153 <= third <= 154)
    if lead == 0xEA:
        return second >= 0xB0
    if lead == 0xED:
        return second <= 0x9E
    if lead == 0xEF:
        return 188 <= second <= 189 or (second == 187 and third == 191)
    return 228 <= lead <= 233 or lead in (235, 236)


@compiled
def join_rows(block: Bytes, begin: int, held: Int64s, out: Bytes) -> int:
    """Return the rows that are not held, stripped of spaces, with a line feed before each.

    Args:
        block: whole rows.
        begin: the number of the first.
        held: rows to pass over, in rising order.
        out: filled; as long as the block and one more.

    Returns:
        How many bytes were filled.
    """
    at = 0
    size = len(block)
    row = begin
    holding = below(held, begin)
    filled = 0
    run = stop = -1  # of rows that stand as they are, which are copied at once
    while at < size:
        end = at
        while end + 8 <= size:
            left = load8(block, end) ^ _FEEDS
            found = (left - _LOWEST) & ~left & _HIGHEST
            if found != 0:
                end = int(end + np.int64(trailing_zeros(found) >> np.uint64(3)))
                break
            end += 8
        while end < size and block[end] != 10:
            end += 1
        after = end + 1
        is_held = holding < len(held) and held[holding] == row
        holding += is_held
        # Most rows begin and end with a letter of ASCII, which no call is needed to see.
        plain = end == at or (32 < block[at] < 128 and 32 < block[end - 1] < 128)
        spaced = not plain and (_space_at(block, at) > 0 or _space_before(block, at, end) > 0)
        if is_held or spaced:
            filled = _write_row(block, run, stop, out, filled) if run >= 0 else filled
            run = -1
            if not is_held:
                while at < end and _space_at(block, at) > 0:
                    at += _space_at(block, at)
                while end > at and _space_before(block, at, end) > 0:
                    end -= _space_before(block, at, end)
                filled = _write_row(block, at, end, out, filled)
        else:
            run = at if run < 0 else run
            stop = end
        row += 1
        at = after
    return _write_row(block, run, stop, out, filled) if run >= 0 else filled


@compiled
def _write_row(block: Bytes, begin: Index, end: Index, out: Bytes, filled: Index) -> int:
    out[filled] = 10
    filled += 1
    for offset in range(end - begin):  # a slice takes two seconds to compile
        out[filled + offset] = block[begin + offset]
    return int(filled + end - begin)


@compiled
def _space_at(block: Bytes, at: int) -> int:
    """Return the width of a space, a tab, a no-break or an ideographic space here; 0 for none."""
    byte = block[at]
    if byte in (32, 9):
        return 1
    if byte == 0xC2 and at + 1 < len(block) and block[at + 1] == 0xA0:
        return 2
    wide = byte == 0xE3 and at + 2 < len(block)
    return 3 if wide and block[at + 1] == 0x80 and block[at + 2] == 0x80 else 0


@compiled
def _space_before(block: Bytes, begin: int, end: int) -> int:
    for width in range(1, 4):
        if end - width >= begin and _space_at(block, end - width) == width:
            return width
    return 0
