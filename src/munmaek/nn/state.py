"""A network's running state: a tree of tensors whose first axis is the row.

Tuples (named ones too) and lists may nest; None and plain numbers pass through. With that one
convention, choosing rows for beam search is written once for every network.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from torch import Tensor

__all__ = ["map_tensors", "select_rows"]

T = TypeVar("T")


def select_rows(state: T, rows: Tensor) -> T:
    """Return the state that holds ``rows`` of this one, in that order, repeats allowed.

    Args:
        state: a tree of tensors, each with N rows first.
        rows: int64 [M], each below N.
    """
    return map_tensors(state, lambda tensor: tensor.index_select(0, rows))


def map_tensors(state: T, change: Callable[[Tensor], Tensor]) -> T:
    """Return the state with ``change`` done to each of its tensors."""
    return cast("T", _map(state, change))


def _map(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(state, Tensor):
        return change(state)
    if isinstance(state, tuple):
        parts = [_map(part, change) for part in cast("tuple[Any, ...]", state)]
        make: Any = getattr(cast("Any", state), "_make", tuple)
        return make(parts)
    if isinstance(state, list):
        return [_map(part, change) for part in cast("list[Any]", state)]
    return state
