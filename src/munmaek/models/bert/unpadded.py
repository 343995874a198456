"""Sentences end to end: a padded batch without its padding, shortest sentence first.

Everything but attention works on single tokens, so padding is removed once, before the first layer,
and put back once, after the last. Letters: B sentences, T tokens of the longest, N tokens in all.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

import torch
from jaxtyping import Int
from torch import Tensor

from munmaek.models.bert.attention import Spans
from munmaek.nn.masks import padding_mask

__all__ = ["Unpadded", "unpad"]


@dataclass(frozen=True, slots=True)
class Unpadded:
    """The places of the real tokens of a padded batch."""

    cells: Int[Tensor, " N"]
    """Index of each token in the flattened batch [B·T]."""
    positions: Int[Tensor, " N"]
    """Position of each token in its sentence."""
    spans: Spans
    """Runs of sentences of one length."""


def unpad(lengths: Int[Tensor, " B"], size: int) -> Unpadded:
    """Find the real tokens of rows of ``size`` positions, sentences of a length side by side."""
    order = lengths.argsort(stable=True)
    real = padding_mask(lengths[order], size)
    steps = torch.arange(size, device=lengths.device)
    cells = (order[:, None] * size + steps)[real]
    positions = steps.expand_as(real)[real]
    spans: list[tuple[int, int, int]] = []
    start = 0
    for length, run in groupby(cast("list[int]", cast("Any", lengths[order]).tolist())):
        rows = sum(1 for _ in run)
        if length:
            spans.append((start, rows, length))
        start += length * rows
    return Unpadded(cells, positions, spans)
