"""Kernels of ``external``: rows made from a text, sorted, numbered and made longer.

A row is as ``external`` tells: the first word, a number, the last word, and the words before.
"""

import numpy as np

from munmaek.arrays import Floats, Int32s, Int64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.scratch import group_rows

__all__ = [
    "count_into",
    "cut",
    "extend_rows",
    "number_rows",
    "place_answers",
    "rows_of_text",
    "scan",
    "sort_rows",
]


def sort_rows(rows: Int32s, low: int, high: int) -> Int32s:
    """Sort rows by their first column, ``low`` up to ``high``; equal ones stay in order."""
    out = np.empty_like(rows)
    group_rows(rows, rows[:, 0] - np.int32(low), np.zeros(high - low + 1, dtype=np.int64), out)
    return out


@compiled
def scan(text: Int32s, eos: int, histogram: Int64s, longest: int, run: int) -> tuple[int, int]:
    """Count words; the longest sequence with its boundaries, and how far the last one is."""
    for word in text:
        histogram[word] += 1
        run += 1
        if word == eos:
            longest = max(longest, run)
            run = 0
    return longest, run


@compiled
def cut(weights: Int64s, room: int, cuts: Int64s) -> int:
    """Cut words into runs that have ``room``; a word with more is a run of its own."""
    cuts[0] = 0
    filled = 1
    weight = np.int64(0)
    for word in range(len(weights)):
        if word > cuts[filled - 1] and weight + weights[word] > room:
            cuts[filled] = word
            filled += 1
            weight = np.int64(0)
        weight += weights[word]
    cuts[filled] = len(weights)
    return filled + 1


@compiled
def rows_of_text(text: Int32s, begin: int, end: int, bos: int, rows: Int32s) -> int:
    """Make a row for each word but ``<s>``: the word and those before it, −1 before ``<s>``."""
    filled = 0
    order = rows.shape[1]
    for place in range(begin, end):
        if text[place] == bos:
            continue
        begun = False
        for back in range(order):
            word = np.int32(-1) if begun else text[place - back]
            rows[filled, back] = word
            begun = begun or word == bos
        filled += 1
    return filled


@compiled
def number_rows(rows: Int32s, state: Int64s, opened: Int32s) -> int:
    """Put the number of its n-gram into each row; the index of the last one in ``opened``.

    ``opened`` has link, last word and count of each n-gram; its first row is the one before.
    """
    word, link, node = state[0], state[1], state[2]
    last = 0
    for row in range(len(rows)):
        if rows[row, 0] != word or rows[row, 1] != link:
            word, link = np.int64(rows[row, 0]), np.int64(rows[row, 1])
            node += 1
            last += 1
            opened[last, 0] = link
            opened[last, 1] = rows[row, 2]
            opened[last, 2] = 0
        opened[last, 2] += 1
        rows[row, 1] = node
    state[0], state[1], state[2] = word, link, node
    return last


@compiled
def extend_rows(rows: Int32s, order: int, bos: int, out: Int32s) -> int:
    """Make rows one word longer to the left; none of those that begin with ``<s>``."""
    filled = 0
    before = 1 if order == 1 else 3
    for row in range(len(rows)):
        if rows[row, 0] == bos:
            continue
        out[filled, 0] = rows[row, before]
        out[filled, 1] = rows[row, 0] if order == 1 else rows[row, 1]
        out[filled, 2] = rows[row, 0] if order == 1 else rows[row, 2]
        for column in range(3, out.shape[1]):
            out[filled, column] = rows[row, before + column - 2]
        filled += 1
    return filled


@compiled
def count_into(links: Int32s, base: int, counts: Int32s) -> None:
    """Count links in ``counts``, which begins at ``base``."""
    for link in links:
        counts[link - base] += 1


@compiled
def place_answers(rows: Int32s, base: int, out: Floats) -> None:
    """Put numbers in their places; each row is a node and the two halves of a number."""
    halves = out.view(np.int32)
    for row in range(len(rows)):
        at = 2 * (rows[row, 0] - base)
        halves[at] = rows[row, 1]
        halves[at + 1] = rows[row, 2]
