r"""Guided alignment: a loss that pulls attention toward given links.

    L = −Σ_t Σ_j w_tj log α_tj − Σ_(t,j) forbidden log(1 − α_tj),   w_tj = 1 / |J_t| for j in J_t

α_t is the attention behind the prediction of target piece t (the output-step reading), J_t the
source pieces of the words that the piece's word is linked to. The first sum is the cross-entropy of
Chen et al. 2016, §3, and of Garg et al. 2019, §4.3; a piece without links has no term. The second
is for links that a person forbids.

Letters: B pairs, T target pieces with the end, S source pieces with the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from munmaek.align.marks import AlignmentSupervision
from munmaek.metrics.alignment import Link

__all__ = ["PieceGuide", "guide_loss", "piece_guide"]

Ints = NDArray[np.int64]
LEAST = 1e-9
"""Below which a weight counts as this: an attention of 0 has no logarithm."""


class _Cells(NamedTuple):
    rows: Ints
    """Target piece of each."""
    columns: Ints
    """Source piece of each."""


@dataclass(frozen=True, slots=True)
class PieceGuide:
    """Cells between the subwords of one pair that attention is to fill and to leave empty."""

    wanted: _Cells
    shares: NDArray[np.float32]
    """W of each wanted cell; those of a target piece sum to 1."""
    forbidden: _Cells


def piece_guide(
    guide: AlignmentSupervision, *, source_words: Sequence[int], target_words: Sequence[int]
) -> PieceGuide:
    """Turn links between words into cells between subwords.

    Args:
        guide: links of words.
        source_words: the word that each source piece belongs to.
        target_words: the word that each target piece belongs to.
    """
    wanted = _cells(guide.wanted, source_words, target_words)
    pieces = np.bincount(wanted.rows, minlength=len(target_words))
    shares = (1 / pieces[wanted.rows]).astype(np.float32)
    return PieceGuide(wanted, shares, _cells(guide.forbidden, source_words, target_words))


def _cells(
    links: Sequence[Link] | frozenset[Link],
    source_words: Sequence[int],
    target_words: Sequence[int],
) -> _Cells:
    cells = [
        (row, column)
        for source, target in sorted(links)
        for row, word in enumerate(target_words)
        if word == target
        for column, giver in enumerate(source_words)
        if giver == source
    ]
    table = np.array(cells, dtype=np.int64).reshape(-1, 2)
    return _Cells(table[:, 0], table[:, 1])


def guide_loss(
    weights: Float[Tensor, "B T S"], guides: Sequence[PieceGuide | None]
) -> Float[Tensor, ""]:
    """Return L summed over the guided subwords of a batch, in nats; 0 where none is guided.

    Args:
        weights: attention, rows summing to 1, attached to the graph.
        guides: what is known of each pair of the batch.
    """
    known = [(row, guide) for row, guide in enumerate(guides) if guide is not None]
    exact = weights.float()
    total = exact.new_zeros(())
    if not known:
        return total
    found = _pick(exact, [(row, guide.wanted) for row, guide in known])
    shares = torch.as_tensor(np.concatenate([guide.shares for _, guide in known]))
    total = total - (found.clamp_min(LEAST).log() * shares.to(found.device)).sum()
    spared = 1 - _pick(exact, [(row, guide.forbidden) for row, guide in known])
    return total - spared.clamp_min(LEAST).log().sum()


def _pick(weights: Tensor, cells: Sequence[tuple[int, _Cells]]) -> Float[Tensor, " N"]:
    rows = np.concatenate([np.full(len(each.rows), row) for row, each in cells])
    places = (
        rows,
        np.concatenate([each.rows for _, each in cells]),
        np.concatenate([each.columns for _, each in cells]),
    )
    return weights[tuple(torch.as_tensor(place, device=weights.device) for place in places)]
