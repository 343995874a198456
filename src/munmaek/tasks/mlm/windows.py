"""Windows over texts longer than an encoder reads at once, and the mean of their vectors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ConfigError
from munmaek.text.frames import Frame

__all__ = ["check_overlap", "weighted_means", "windows"]


def check_overlap(overlap: int | None, *, room: int, limit: int) -> None:
    """Make sure that windows move on.

    Args:
        overlap: tokens that neighbouring windows share; None has no windows.
        room: tokens of a text in each.
        limit: tokens that are read at once, frame and prompt included.

    Raises:
        ConfigError: they do not.
    """
    if overlap is not None and not 0 <= overlap < room:
        message = f"windows of {limit} tokens can share 0 to {room - 1}, not {overlap}"
        raise ConfigError(message)


def windows(
    lines: Sequence[Sequence[int]], frame: Frame, limit: int, *, overlap: int | None, prompt: int
) -> tuple[list[list[int]], list[int]]:
    """Return framed rows, and the line that each is of.

    Args:
        lines: token ids, those of the prompt first.
        frame: what stands around each row.
        limit: tokens of a row at most.
        overlap: tokens that neighbouring windows share; None cuts each line to one row.
        prompt: tokens of the prompt, with which each window begins.
    """
    if overlap is None:
        return frame.rows(lines, limit), list(range(len(lines)))
    room = limit - frame.special - prompt
    step = room - overlap
    rows: list[list[int]] = []
    owners: list[int] = []
    for number, line in enumerate(lines):
        head, ids = line[:prompt], line[prompt:]
        # The last window is the one that reaches the end.
        last = max(0, -(-(len(ids) - room) // step))
        for window in range(last + 1):
            rows.append(frame.row([*head, *ids[window * step : window * step + room]], limit))
            owners.append(number)
    return rows, owners


def weighted_means(
    vectors: NDArray[np.float32], owners: Sequence[int], weights: Sequence[int]
) -> NDArray[np.float32]:
    """Return the weighted mean of the vectors of each owner; ``owners`` counts up from 0."""
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    weight = np.array(weights, dtype=np.float32)
    sums = np.add.reduceat(vectors * weight[:, None], firsts)
    return (sums / np.add.reduceat(weight, firsts)[:, None]).astype(np.float32)
