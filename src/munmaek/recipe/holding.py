"""Which rows of a corpus are held out for validation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError

__all__ = ["held_out_name", "hold_out", "hold_out_documents", "is_held_out"]

HOLD_OUT = 0.05
HOLD_OUT_MOST = 2000
_MARK = " (held out)"


def held_out_name(name: str) -> str:
    """What rows held out of the corpus ``name`` are called."""
    return name + _MARK


def is_held_out(name: str) -> bool:
    """Whether ``held_out_name`` made it."""
    return name.endswith(_MARK)


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


def hold_out_documents(
    lines: Sequence[str], *, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``hold_out`` of whole documents, each with the empty lines behind it: indices of lines.

    Raises:
        InputError: fewer than 4 documents, as 2 must be left on either side.
    """
    empty = np.array([not line for line in lines])
    # A document begins at a line behind an empty one, or at the first.
    begins = ~empty & np.concatenate([[True], empty[:-1]])
    document = np.maximum(begins.cumsum() - 1, 0)
    count = int(begins.sum())
    if count < 4:
        message = (
            f"next-sentence pairs need 4 documents to hold some out, got {count}; put an empty "
            "line between documents, or give --valid"
        )
        raise InputError(message)
    held = hold_out(count, seed=seed)[1]
    if len(held) < 2:
        held = np.random.default_rng(seed).permutation(count)[:2]
    chosen = np.isin(document, held)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
