"""A network's running state: a tree of tensors whose first axis is the row.

Tuples (named ones too) and lists may nest; None and plain numbers pass through. With that one
convention, choosing rows for beam search is written once for every network.
"""

from typing import Any, TypeVar, cast

from torch import Tensor

__all__ = ["select_rows"]

T = TypeVar("T")


def select_rows(state: T, rows: Tensor) -> T:
    """The state that holds ``rows`` of this one, in that order, repeats allowed.

    Args:
        state: a tree of tensors, each with N rows first.
        rows: int64 [M], each below N.
    """
    return cast("T", _select(state, rows))


def _select(state: Any, rows: Tensor) -> Any:
    if isinstance(state, Tensor):
        return state.index_select(0, rows)
    if isinstance(state, tuple):
        parts = [_select(part, rows) for part in cast("tuple[Any, ...]", state)]
        make: Any = getattr(cast("Any", state), "_make", tuple)
        return make(parts)
    if isinstance(state, list):
        return [_select(part, rows) for part in cast("list[Any]", state)]
    return state
