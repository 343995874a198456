r"""Alignment: how much each encoder state matters for the decoder's step.

    e_ij = score(q_i, h_j)
    α_ij = exp(e_ij) / Σ_k exp(e_ik)              Bahdanau et al. 2015, eq. 6
    c_i  = Σ_j α_ij h_j                           Bahdanau et al. 2015, eq. 5

    additive   score(q, h) = vᵀ tanh(W_a q + U_a h)       Bahdanau et al. 2015, A.1.2
    dot        score(q, h) = qᵀ h                         Luong et al. 2015, eq. 8
    general    score(q, h) = qᵀ W_a h                     Luong et al. 2015, eq. 8
    concat     score(q, h) = vᵀ tanh(W_a [q; h])          Luong et al. 2015, eq. 8

concat is additive: Luong's W_a is [W_a, U_a] side by side. Local attention looks at the positions
within D of a centre p_i and no others (Luong et al. 2015, §3.2); positions count from 0 here.

    local-m    p_i = i, or the last position where the source is shorter
    local-p    p_i = |x| σ(v_pᵀ tanh(W_p q_i))                                 eq. 9
               α_ij = softmax_j(e_ij) · exp(−(j − p_i)² / 2σ²),   σ = D/2      eq. 10

For ablation ``Unlearned`` scores all positions alike: c_i is the mean of what the mask leaves.

q_i is the decoder's previous state s_{i−1} with Bahdanau and its current state with Luong. What
depends on h alone (U_a h, W_a h) is computed once for a sentence: ``keys``.

Letters: B rows, T decoder steps, S source positions, Q query width, D width of an encoder state
(and, as in the paper, a window's reach), A width of the alignment layer, L layers, H of a state.
"""

from typing import Literal, NamedTuple, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from munmaek.nn.tape import Tape, note, wants_lines

__all__ = [
    "AdditiveScore",
    "AttentionMemory",
    "AttentionPooling",
    "DotScore",
    "GeneralScore",
    "PredictedCentre",
    "Score",
    "ScoreName",
    "Unlearned",
    "Window",
    "attend",
    "looking_lines",
    "make_score",
    "masked_softmax",
]


ScoreName = Literal["additive", "dot", "general", "concat", "none"]


class AttentionMemory(NamedTuple):
    """The decoder's reading: every encoder state, what its score needs, and where to begin."""

    states: Float[Tensor, "B S D"]
    keys: Float[Tensor, "B S A"]
    mask: Bool[Tensor, "B S"]
    """True where attention may look; each row has one."""
    initial: tuple[Float[Tensor, "B L H"], ...]
    """s_0 of every layer; an LSTM's cell likewise."""


Asked = tuple[str, Tensor]
"""The symbol of the states that ask, and the states [B T Q]."""


@final
class AdditiveScore(nn.Module):
    """vᵀ tanh(W_a q + U_a h), a feed-forward layer without bias."""

    def __init__(self, query_size: int, state_size: int, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, size, bias=False)
        self.key = nn.Linear(state_size, size, bias=False)
        self.energy = nn.Parameter(torch.randn(size) / size**0.5)

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S A"]:
        """Return U_a h."""
        return self.key(states)

    def forward(
        self, queries: Float[Tensor, "B T Q"], keys: Float[Tensor, "B S A"]
    ) -> Float[Tensor, "B T S"]:
        """Return e_ij, through a tensor of [B T S A]: meant for few queries at once."""
        return torch.tanh(self.query(queries)[:, :, None] + keys[:, None]) @ self.energy

    def lines(self, tape: Tape, asked: Asked, keys: Float[Tensor, "B S A"]) -> None:
        """Write the derivation of e_ij."""
        symbol, queries = asked
        query = self.query(queries)
        note(tape, "weight", "W_a", "", self.query.weight, each="all")
        note(tape, "query", "q_i", f"W_a {symbol}", query, each="row")
        note(tape, "weight", "U_a", "", self.key.weight, each="all")
        note(tape, "key", "k_j", "U_a h_j", keys, each="column")
        inner = torch.tanh(query[:, :, None] + keys[:, None])
        note(tape, "energy", "t_{ij}", "tanh(q_i + k_j)", inner, each="pair")
        note(tape, "weight", "v", "", self.energy, each="all")
        tape.line("score", "e_{ij}", "v · t_{ij}", "scores", each="score")


@final
class DotScore(nn.Module):
    """qᵀ h; queries and encoder states are of one width."""

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S D"]:
        """Return the states themselves."""
        return states

    def forward(
        self, queries: Float[Tensor, "B T D"], keys: Float[Tensor, "B S D"]
    ) -> Float[Tensor, "B T S"]:
        """Return e_ij."""
        return torch.bmm(queries, keys.transpose(1, 2))

    def lines(self, tape: Tape, asked: Asked, keys: Float[Tensor, "B S D"]) -> None:  # noqa: ARG002 - the states themselves
        """Write the derivation of e_ij."""
        tape.line("score", "e_{ij}", f"{asked[0]} · h_j", "scores", each="score")


@final
class GeneralScore(nn.Module):
    """qᵀ W_a h."""

    def __init__(self, query_size: int, state_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(state_size, query_size, bias=False)

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S Q"]:
        """Return W_a h."""
        return self.key(states)

    def forward(
        self, queries: Float[Tensor, "B T Q"], keys: Float[Tensor, "B S Q"]
    ) -> Float[Tensor, "B T S"]:
        """Return e_ij."""
        return torch.bmm(queries, keys.transpose(1, 2))

    def lines(self, tape: Tape, asked: Asked, keys: Float[Tensor, "B S Q"]) -> None:
        """Write the derivation of e_ij."""
        note(tape, "weight", "W_a", "", self.key.weight, each="all")
        note(tape, "key", "k_j", "W_a h_j", keys, each="column")
        tape.line("score", "e_{ij}", f"{asked[0]} · k_j", "scores", each="score")


@final
class Unlearned(nn.Module):
    """0 for all, in place of a score: attention switched off."""

    def keys(self, states: Float[Tensor, "B S D"]) -> Float[Tensor, "B S D"]:
        """Return the states themselves, of which only the number is used."""
        return states

    def forward(
        self, queries: Float[Tensor, "B T Q"], keys: Float[Tensor, "B S D"]
    ) -> Float[Tensor, "B T S"]:
        """Return e_ij = 0."""
        return queries.new_zeros(queries.shape[0], queries.shape[1], keys.shape[1])

    def lines(self, tape: Tape, asked: Asked, keys: Float[Tensor, "B S D"]) -> None:  # noqa: ARG002 - nothing is asked
        """Write that e_ij is 0."""
        tape.line("score", "e_{ij}", "0", "scores", each="score")


Score = AdditiveScore | DotScore | GeneralScore | Unlearned


def make_score(name: ScoreName, *, query_size: int, state_size: int) -> Score:
    """Return the score of that name; the alignment layer is as wide as the query."""
    if name == "none":
        return Unlearned()
    if name == "dot":
        return DotScore()
    if name == "general":
        return GeneralScore(query_size, state_size)
    return AdditiveScore(query_size, state_size, query_size)


class Window(NamedTuple):
    """The places that local attention looks at."""

    centre: Float[Tensor, "B T"]
    """p_i, a position from 0."""
    reach: int
    """D: positions j with |j − p_i| ≤ D are seen."""
    falling: bool
    """True where weights fall off with the distance from the centre (eq. 10)."""


@final
class PredictedCentre(nn.Module):
    """p_i = |x| σ(v_pᵀ tanh(W_p q_i)); Luong et al. 2015, eq. 9."""

    def __init__(self, query_size: int, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, size, bias=False)
        self.energy = nn.Parameter(torch.randn(size) / size**0.5)

    def forward(
        self, queries: Float[Tensor, "B T Q"], lengths: Int[Tensor, " B"]
    ) -> Float[Tensor, "B T"]:
        """Return a place between 0 and |x| for each query."""
        return lengths[:, None] * torch.sigmoid(torch.tanh(self.query(queries)) @ self.energy)


def masked_softmax(
    scores: Float[Tensor, "B T S"], mask: Bool[Tensor, "B S"]
) -> Float[Tensor, "B T S"]:
    """Return the softmax over the positions where ``mask`` is True; exactly 0 elsewhere."""
    return scores.masked_fill(~mask[:, None], float("-inf")).softmax(-1)


def attend(
    scores: Float[Tensor, "B T S"],
    states: Float[Tensor, "B S D"],
    mask: Bool[Tensor, "B S"],
    *,
    window: Window | None = None,
    tape: Tape | None = None,
) -> Float[Tensor, "B T D"]:
    """Return the context vectors c_i.

    A tape gets ``attention.scores`` (minus infinity where nothing is seen) and their softmax,
    ``attention.weights``. Within a falling window it is α_ij / Σ_j α_ij, so that rows sum to 1 as
    everywhere, while c_i is the sum with α_ij itself; ``attention.centre`` is p_i.
    """
    seen, log_share = mask[:, None], None
    if window is not None:
        position = torch.arange(states.shape[1], device=states.device)
        distance = position - window.centre[:, :, None]
        seen = seen & (distance.abs() <= window.reach)
        if window.falling:
            log_share = -(distance**2) / (2 * (window.reach / 2) ** 2)
    scores = scores.masked_fill(~seen, float("-inf"))
    weights = scores.softmax(-1)
    if tape is not None:
        shown = scores if log_share is None else scores + log_share
        tape.record("attention.scores", shown)
        tape.record("attention.weights", weights if log_share is None else shown.softmax(-1))
        if window is not None:
            tape.record("attention.centre", window.centre)
    if log_share is not None:
        weights = weights * log_share.exp()
    return torch.bmm(weights, states)


def looking_lines(
    tape: Tape,
    score: Score,
    memory: AttentionMemory,
    asked: Asked,
    context: Float[Tensor, "B T D"],
) -> None:
    """Write the derivation of c_i, from the states that ask to the sum, as ``attention``."""
    inner = tape.scope("attention")
    note(inner, "decoderState", asked[0], "", asked[1], each="row")
    note(inner, "encoderState", "h_j", "", memory.states, each="column")
    score.lines(inner, asked, memory.keys)
    inner.line("softmax", "α_{ij}", "softmax_j(e_{ij})", "weights", each="score")
    shares = inner["weights"][..., None] * memory.states[:, None]
    note(inner, "weighted", "α_{ij} h_j", "", shares, each="pair")
    note(inner, "context", "c_i", "Σ_j α_{ij} h_j", context, each="row")


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
        """Return the weighted sum over real positions; a tape gets ``pool.weights`` [B T]."""
        scores = torch.tanh(self.linear(states)) @ self.energy
        weights = masked_softmax(scores[:, None], mask)
        if tape is not None:
            tape.record("pool.weights", weights[:, 0])
        context = torch.bmm(weights, states)
        if tape is not None and wants_lines(tape):
            self._lines(tape.scope("pool"), states, scores, context)
        return context[:, 0]

    def _lines(self, tape: Tape, states: Tensor, scores: Tensor, context: Tensor) -> None:
        note(tape, "encoderState", "h_t", "", states, each="column")
        note(tape, "weight", "W", "", self.linear.weight, each="all")
        note(tape, "bias", "b", "", self.linear.bias, each="all")
        inner = torch.tanh(self.linear(states))
        note(tape, "energy", "u_t", "tanh(W h_t + b)", inner, each="column")
        note(tape, "weight", "v", "", self.energy, each="all")
        note(tape, "score", "e_t", "v · u_t", scores[:, None], each="score")
        weights = tape["weights"][:, None]
        note(tape, "softmax", "α_t", "softmax_t(e_t)", weights, each="score")
        note(tape, "weighted", "α_t h_t", "", weights[..., None] * states[:, None], each="pair")
        note(tape, "context", "c", "Σ_t α_t h_t", context, each="row")
