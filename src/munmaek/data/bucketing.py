"""Batches of similar lengths under a token budget, so that little of an array is padding.

The budget counts array positions, padding included: rows x longest row, because that is what a
network computes and holds. Letters: N sequences of the data.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.errors import ConfigError

__all__ = ["Lengths", "bucket", "padding_fraction"]

Lengths = Int64s | tuple[Int64s, Int64s]
"""Lengths of N sequences [N], or of N pairs as (source [N], target [N])."""

JITTER = 0.02
"""Lengths this near to each other, relatively, mix when batches are shuffled."""


def bucket(
    lengths: Lengths,
    *,
    max_tokens: int,
    rng: np.random.Generator | None,
    batch_size: int | None = None,
) -> list[Int64s]:
    """Group indices of similar length; every index comes exactly once.

    Args:
        lengths: of sequences, or of (source, target) pairs, which count max(source) + max(target)
            positions a row and are sorted by target, then source.
        max_tokens: most positions of a batch; a longer row stands alone.
        rng: shuffles nearly equal lengths and the order of batches; None sorts, longest first.
        batch_size: most rows of a batch; None sets no limit.

    Raises:
        ConfigError: a budget below one token or one row.
    """
    _check_budget("max_tokens", max_tokens)
    if batch_size is not None:
        _check_budget("batch_size", batch_size)
    columns = _columns(lengths)
    order = _order(columns, rng)
    batches = _cut(columns[:, order], order, max_tokens, batch_size or max(1, order.size))
    if rng is not None:
        places = rng.permutation(len(batches))
        batches = [batches[int(place)] for place in places]
    return batches


def padding_fraction(lengths: Lengths, batches: Sequence[Int64s]) -> float:
    """Return the share of all array positions of ``batches`` that is padding, within 0 and 1."""
    columns = _columns(lengths)
    slots = sum(int(columns[:, rows].max(axis=1).sum()) * rows.size for rows in batches)
    real = sum(int(columns[:, rows].sum()) for rows in batches)
    return 1.0 - real / slots if slots else 0.0


def _check_budget(name: str, value: int) -> None:
    if value < 1:
        message = f"{name} must be at least 1, got {value}"
        raise ConfigError(message)


def _columns(lengths: Lengths) -> Int64s:
    """Stack the lengths: [1, N] of sequences, [2, N] (source, target) of pairs."""
    if not isinstance(lengths, tuple):
        return np.asarray(lengths, dtype=np.int64)[None]
    return np.stack([np.asarray(column, dtype=np.int64) for column in lengths])


def _order(columns: Int64s, rng: np.random.Generator | None) -> Int64s:
    """Return the indices from the shortest to the longest."""
    count = columns.shape[1]
    noise = np.zeros(count) if rng is None else cast("Floats", rng.random(count))
    target = columns[-1]
    if columns.shape[0] == 1:
        # Sums and products in place: of ten million sentences each array takes 80 MB.
        spread = JITTER * target
        spread += 1.0
        noise *= spread
        del spread
        noise += target
        return np.argsort(noise, kind="stable")
    # Sources run up for one target length and down for the next, so that a batch that spans two
    # target lengths still holds sources of one length.
    level = np.unique(target, return_inverse=True)[1] if count else target
    source = (columns[0] + noise * (1.0 + JITTER * columns[0])) * np.where(level % 2, -1, 1)
    return np.lexsort((source, target))


def _cut(columns: Int64s, order: Int64s, max_tokens: int, batch_size: int) -> list[Int64s]:
    """Cut the sorted indices from the longest end, each batch as large as the budget allows."""
    batches: list[Int64s] = []
    end = order.size
    while end:
        most = min(end, batch_size, max(1, max_tokens // max(1, int(columns[:, end - 1].sum()))))
        window = columns[:, end - most : end][:, ::-1]
        longest = np.maximum.accumulate(window, axis=1).sum(axis=0)
        fits = int(np.searchsorted(longest * np.arange(1, most + 1), max_tokens, side="right"))
        start = end - max(1, fits)
        batches.append(order[start:end])
        end = start
    return batches
