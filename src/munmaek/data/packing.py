"""Several sequences in one row of fixed length, for networks whose cost is the row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Int64s
from munmaek.errors import ConfigError

__all__ = ["PackedRow", "pack", "split_long"]


@dataclass(frozen=True, slots=True)
class PackedRow:
    """Sequences laid end to end; attention must not cross ``starts``."""

    ids: Int64s
    """Token ids of all segments [T], without padding."""
    starts: Int64s
    """Position where each segment begins [G]; the first is 0."""
    rows: Int64s
    """Index in the data of the sequence that each segment came from [G]."""


def split_long(sequence: Sequence[int], *, length: int) -> list[Sequence[int]]:
    """Cut into consecutive windows of at most ``length`` tokens; what fits is its only window."""
    if length < 1:
        message = f"window length must be at least 1, got {length}"
        raise ConfigError(message)
    starts = range(0, max(1, len(sequence)), length)
    return [sequence[start : start + length] for start in starts]


def pack(sequences: Sequence[Sequence[int]], *, length: int) -> list[PackedRow]:
    """Fill rows of at most ``length`` tokens by best fit, longest first.

    A sequence longer than a row is cut into windows first; an empty one is left out.
    """
    windows = [
        (row, window)
        for row, sequence in enumerate(sequences)
        for window in split_long(sequence, length=length)
        if len(window)
    ]
    windows.sort(key=lambda item: -len(item[1]))
    bins: list[list[tuple[int, Sequence[int]]]] = []
    # open_bins[r] holds the bins with r tokens of room left.
    open_bins: list[list[int]] = [[] for _ in range(length + 1)]
    for row, window in windows:
        room = next((r for r in range(len(window), length + 1) if open_bins[r]), None)
        place = len(bins) if room is None else open_bins[room].pop()
        if room is None:
            bins.append([])
            room = length
        bins[place].append((row, window))
        open_bins[room - len(window)].append(place)
    return [_row(segments) for segments in bins]


def _row(segments: list[tuple[int, Sequence[int]]]) -> PackedRow:
    sizes = [len(window) for _, window in segments]
    return PackedRow(
        ids=np.concatenate([np.asarray(window, dtype=np.int64) for _, window in segments]),
        starts=np.cumsum([0, *sizes[:-1]], dtype=np.int64),
        rows=np.array([row for row, _ in segments], dtype=np.int64),
    )
