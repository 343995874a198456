"""Which rows of a corpus are held out for validation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError

__all__ = ["hold_out", "pick"]

HOLD_OUT = 0.05
HOLD_OUT_MOST = 2000


def hold_out(rows: int, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row indices to train on and to validate on: 5 % are held out, 2,000 at most.

    Raises:
        InputError: fewer than 2 rows.
    """
    if rows < 2:
        message = f"a corpus of {rows} line is too small to hold any out; give more, or --valid"
        raise InputError(message)
    held = min(max(1, round(rows * HOLD_OUT)), HOLD_OUT_MOST)
    order = np.random.default_rng(seed).permutation(rows)
    return np.sort(order[held:]), np.sort(order[:held])


def pick(rows: Sequence[str], chosen: NDArray[np.int64]) -> tuple[str, ...]:
    """The chosen rows, in that order."""
    return tuple(rows[int(index)] for index in chosen.tolist())
