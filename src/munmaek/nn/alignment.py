r"""Alignment: how much each encoder state matters for the decoder's step.

    e_ij = score(q_i, h_j)
    α_ij = exp(e_ij) / Σ_k exp(e_ik)              Bahdanau et al. 2015, eq. 6
    c_i  = Σ_j α_ij h_j                           Bahdanau et al. 2015, eq. 5

    additive   score(q, h) = vᵀ tanh(W_a q + U_a h)       Bahdanau et al. 2015, A.1.2
    dot        score(q, h) = qᵀ h                         Luong et al. 2015, eq. 8
    general    score(q, h) = qᵀ W_a h                     Luong et al. 2015, eq. 8

q_i is the decoder's previous state s_{i−1} with Bahdanau and its current state with Luong. What
depends on h alone (U_a h, W_a h) is computed once for a sentence: ``keys``.

Letters: B rows, T decoder steps, S source positions, Q query width, D width of an encoder state,
A width of the alignment layer.
"""

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from munmaek.nn.tape import Tape

__all__ = [
    "AdditiveScore",
    "AttentionPooling",
    "DotScore",
    "GeneralScore",
    "attend",
    "masked_softmax",
]


@final
class AdditiveScore(nn.Module):
    """vᵀ tanh(W_a q + U_a h), a feed-forward layer without bias."""

    def __init__(self, query_size: int, state_size: int, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, size, bias=False)
        self.key = nn.Linear(state_size, size, bias=False)
        self.energy = nn.Parameter(torch.randn(size) / size**0.5)

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S A"]:
        """U_a h."""
        return self.key(states)

    def forward(
        self, queries: Float[Tensor, "B T Q"], keys: Float[Tensor, "B S A"]
    ) -> Float[Tensor, "B T S"]:
        """e_ij, through a tensor of [B T S A]: meant for few queries at once."""
        return torch.tanh(self.query(queries)[:, :, None] + keys[:, None]) @ self.energy


@final
class DotScore(nn.Module):
    """qᵀ h; queries and encoder states are of one width."""

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S D"]:
        """The states themselves."""
        return states

    def forward(
        self, queries: Float[Tensor, "B T D"], keys: Float[Tensor, "B S D"]
    ) -> Float[Tensor, "B T S"]:
        """e_ij."""
        return torch.bmm(queries, keys.transpose(1, 2))


@final
class GeneralScore(nn.Module):
    """qᵀ W_a h."""

    def __init__(self, query_size: int, state_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(state_size, query_size, bias=False)

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S Q"]:
        """W_a h."""
        return self.key(states)

    def forward(
        self, queries: Float[Tensor, "B T Q"], keys: Float[Tensor, "B S Q"]
    ) -> Float[Tensor, "B T S"]:
        """e_ij."""
        return torch.bmm(queries, keys.transpose(1, 2))


def masked_softmax(
    scores: Float[Tensor, "B T S"], mask: Bool[Tensor, "B S"]
) -> Float[Tensor, "B T S"]:
    """Softmax over the positions where ``mask`` is True; exactly 0 elsewhere."""
    return scores.masked_fill(~mask[:, None], float("-inf")).softmax(-1)


def attend(
    scores: Float[Tensor, "B T S"],
    states: Float[Tensor, "B S D"],
    mask: Bool[Tensor, "B S"],
    *,
    tape: Tape | None = None,
) -> Float[Tensor, "B T D"]:
    """The context vectors c_i.

    A tape gets ``attention.scores`` (minus infinity on padding) and ``attention.weights``.
    """
    weights = masked_softmax(scores, mask)
    if tape is not None:
        tape.record("attention.scores", scores.masked_fill(~mask[:, None], float("-inf")))
        tape.record("attention.weights", weights)
    return torch.bmm(weights, states)


@final
class AttentionPooling(nn.Module):
    """One vector for a sequence: Σ_t α_t h_t, α = softmax_t(vᵀ tanh(W h_t + b)).

    Source: Yang et al. 2016, eq. 5 to 7, with v for their word context vector u_w.
    """

    def __init__(self, state_size: int, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(state_size, size)
        self.energy = nn.Parameter(torch.randn(size) / size**0.5)

    def forward(
        self,
        states: Float[Tensor, "B T D"],
        mask: Bool[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B D"]:
        """The weighted sum over real positions; a tape gets ``pool.weights`` [B T]."""
        scores = torch.tanh(self.linear(states)) @ self.energy
        weights = masked_softmax(scores[:, None], mask)
        if tape is not None:
            tape.record("pool.weights", weights[:, 0])
        return torch.bmm(weights, states)[:, 0]
