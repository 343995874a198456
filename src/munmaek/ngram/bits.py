"""Numbers packed to the bit, and rising numbers in little more than two bits each.

Rising numbers are held as Elias (1974) and Fano (1971) have it: the lower bits of each packed,
the upper ones in unary, number i as a one at place (number >> width) + i. The place of every 64th
one is kept, so that any number is found by counting the ones of a few words.

Arrays of bits have one word more than they need, so that reading across a border is always allowed.
"""

import numpy as np

from munmaek.arrays import Int32s, Uint32s, Uint64s
from munmaek.ngram.compiled import Index, compiled, inlined
from munmaek.ngram.intrinsics import popcount, trailing_zeros

__all__ = ["SAMPLED", "get_bits", "low_width", "pair_at", "words_for", "write_bits", "write_rising"]


SAMPLED = 64
"""One place of so many ones is kept."""


def words_for(bits: int) -> int:
    """Return how many words of 64 bits hold so many, and the one more."""
    return (bits + 63) // 64 + 1


def low_width(count: int, limit: int) -> int:
    """Return how many lower bits of ``count`` rising numbers up to ``limit`` pack best."""
    return max((limit // max(count, 1)).bit_length() - 1, 0)


@inlined
def get_bits(array: Uint64s, place: np.uint64, width: np.uint64) -> np.uint64:
    """Return ``width`` bits, at most 32, from bit ``place`` on."""
    one, last = np.uint64(1), np.uint64(63)
    word, shift = place >> np.uint64(6), place & last
    # Without a branch, which no processor could guess; nothing of the next word where shift is 0.
    value = (array[word] >> shift) | ((array[word + one] << one) << (last - shift))
    return value & ((one << width) - one)


@inlined
def _without_ones(bits: np.uint64, count: np.uint64) -> np.uint64:
    """Return ``bits`` without its ``count`` lowest ones, of which it has more."""
    place, rest = np.uint64(0), bits
    for half in (32, 16, 8, 4, 2, 1):
        width = np.uint64(half)
        ones = popcount(rest & ((np.uint64(1) << width) - np.uint64(1)))
        beyond = count >= ones
        count -= ones if beyond else np.uint64(0)
        rest >>= width if beyond else np.uint64(0)
        place += width if beyond else np.uint64(0)
    return (bits >> place) << place


@compiled
def write_bits(array: Uint64s, place: np.uint64, width: np.uint64, value: np.uint64) -> None:
    """Write into bits that are still 0."""
    word, shift = place >> np.uint64(6), place & np.uint64(63)
    array[word] |= value << shift
    if shift + width > np.uint64(64):
        array[word + np.uint64(1)] |= value >> (np.uint64(64) - shift)


@compiled
def write_rising(
    numbers: Int32s,
    base: Index,
    width: int,
    low: Uint64s,
    low_start: int,
    high: Uint64s,
    high_start: int,
    samples: Uint32s,
) -> None:
    """Write ``numbers`` less ``base``; ``samples`` holds a place for every 64th."""
    lower = np.uint64(width)
    for index in range(len(numbers)):
        number = np.uint64(numbers[index] - base)
        place = np.uint64(low_start + index * width)
        write_bits(low, place, lower, number & ((np.uint64(1) << lower) - np.uint64(1)))
        one = (number >> lower) + np.uint64(index)
        write_bits(high, np.uint64(high_start) + one, np.uint64(1), np.uint64(1))
        if index % SAMPLED == 0:
            samples[index // SAMPLED] = one


@inlined
def pair_at(
    index: np.uint64,
    width: np.uint64,
    low: Uint64s,
    low_start: np.uint64,
    high: Uint64s,
    high_start: np.uint64,
    samples: Uint32s,
    sample_start: np.uint64,
) -> tuple[np.uint64, np.uint64]:
    """Return rising number ``index`` and the next one; (0, 0) where damaged bits end early."""
    one, zero = np.uint64(1), np.uint64(0)
    last = np.uint64(len(high) - 1)
    begin = high_start + np.uint64(samples[sample_start + (index >> np.uint64(6))])
    word = begin >> np.uint64(6)
    if word > last:
        return zero, zero
    bits = high[word] & (np.uint64(0xFFFFFFFFFFFFFFFF) << (begin & np.uint64(63)))
    left = index & np.uint64(63)
    ones = popcount(bits)
    while ones <= left:
        left -= ones
        word += one
        if word > last:
            return zero, zero
        bits = high[word]
        ones = popcount(bits)
    bits = _without_ones(bits, left)
    first = (word << np.uint64(6)) + trailing_zeros(bits) - high_start - index
    bits &= bits - one
    while bits == zero:
        word += one
        if word > last:
            return zero, zero
        bits = high[word]
    second = (word << np.uint64(6)) + trailing_zeros(bits) - high_start - index - one
    place = low_start + index * width
    return (
        (first << width) | get_bits(low, place, width),
        (second << width) | get_bits(low, place + width, width),
    )
