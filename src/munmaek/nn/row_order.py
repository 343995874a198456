"""Rows of different lengths: where each one ends, and its tokens from the last to the first.

Letters: B rows, T steps, H hidden width.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["at_last", "reading_backward", "reorder"]


def reading_backward(lengths: Int[Tensor, " B"], size: int) -> Int[Tensor, "B T"]:
    """Return the positions in the order that reads each row's tokens from its last to its first.

    Padding keeps its place, so the order is its own inverse.
    """
    position = torch.arange(size, device=lengths.device).expand(lengths.shape[0], size)
    turned = lengths[:, None] - 1 - position
    return torch.where(turned >= 0, turned, position)


def reorder(rows: Tensor, order: Int[Tensor, "B T"]) -> Tensor:
    """Return ``rows`` [B T …] with each row's positions taken in ``order``."""
    start = torch.arange(rows.shape[0], device=rows.device)[:, None] * rows.shape[1]
    flat = rows.reshape(-1, *rows.shape[2:]).index_select(0, (start + order).reshape(-1))
    return flat.view(rows.shape)


def at_last(outputs: Float[Tensor, "B T H"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B H"]:
    """Return each row's output at its last real token."""
    return outputs[torch.arange(outputs.shape[0], device=outputs.device), lengths - 1]
