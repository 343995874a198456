r"""A GRU decoder with additive attention as one differentiable operation: the fast twin.

    q_t = W_a s_{t−1}                       e_tj = vᵀ tanh(q_t + k_j)        k_j = U_a h_j, the keys
    α_t = softmax_j(e_tj)                   c_t  = Σ_j α_tj h_j
    s_t = GRU(s_{t−1}; gates from p_t + C c_t and U s_{t−1} + b)             p_t = W y_t + b_W

The mathematics is that of Bahdanau et al. 2015, A.1.2 and A.2.2; the slow twin, which a tape can
look into, is ``munmaek.models.attention``. Automatic differentiation keeps tanh(q_t + k_j), of
[B S A] for every step, and adds up each weight's gradient step by step. Here the backward pass is
written out: it computes the tanh again, in one buffer, and gathers every weight's gradient in one
matrix product after the loop. With u = 1 − tanh² the chain through the energies is

    ∂k_j = v ⊙ Σ_t ∂e_tj u_tj      ∂q_t = v ⊙ Σ_j ∂e_tj u_tj = −v ⊙ Σ_j ∂e_tj tanh²(q_t + k_j),

the last step because Σ_j ∂e_tj = 0 behind a softmax.

Letters: B rows, T decoder steps, S source positions, H width of the decoder's state, D of an
encoder state, A of the alignment layer, G = 3H gates in the order r, z, n. Time comes first inside.
"""

from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

__all__ = ["AdditiveDecoderWeights", "decode_additive"]


class AdditiveDecoderWeights(NamedTuple):
    """The weights inside the loop."""

    query: Float[Tensor, "A H"]
    energy: Float[Tensor, " A"]
    context: Float[Tensor, "G D"]
    hidden: Float[Tensor, "G H"]
    hidden_bias: Float[Tensor, " G"]


def decode_additive(
    projected: Float[Tensor, "T B G"],
    initial: Float[Tensor, "B H"],
    keys: Float[Tensor, "B S A"],
    states: Float[Tensor, "B S D"],
    mask: Bool[Tensor, "B S"],
    weights: AdditiveDecoderWeights,
) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "T B D"], Float[Tensor, "T B S"]]:
    """Return the decoder states s_t, context vectors c_t and attention α_t of all steps.

    They are in the precision of the weights; a loss may be taken of any of them.

    Args:
        projected: W y_t + b_W for every step's token.
        initial: s_0.
        keys: U_a h_j.
        states: h_j.
        mask: True at real source positions; each row has one.
        weights: the decoder's.
    """
    exact = weights.hidden.dtype
    parts = [part.to(exact) for part in (projected, initial, keys, states)]
    bias = torch.zeros_like(mask, dtype=exact).masked_fill(~mask, float("-inf"))
    with torch.autocast(projected.device.type, enabled=False):
        apply = cast("Any", _AdditiveDecoder).apply
        return cast("tuple[Tensor, Tensor, Tensor]", apply(*parts, bias, *weights))


class _Saved(NamedTuple):
    """Kept for the backward pass; ``joint`` is [W_a; U] and ``asked`` is joint · s_{t−1} + b."""

    keys: Tensor
    states: Tensor
    energy: Tensor
    context: Tensor
    joint: Tensor
    asked: Tensor
    hidden: Tensor
    contexts: Tensor
    alphas: Tensor
    gates: Tensor
    candidates: Tensor


class _AdditiveDecoder(Function):
    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        initial: Tensor,
        keys: Tensor,
        states: Tensor,
        bias: Tensor,
        *parts: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        weights = AdditiveDecoderWeights(*parts)  # one by one, for a tuple would have no gradient
        joint = torch.cat([weights.query, weights.hidden])
        no_bias = weights.hidden_bias.new_zeros(len(weights.query))
        joint_bias = torch.cat([no_bias, weights.hidden_bias])
        saved = _room(projected, initial, keys, states, weights.energy, weights.context, joint)
        _forward(saved, projected, bias, joint_bias)
        ctx.save_for_backward(*saved)
        # A loss that leaves the attention alone, the usual one, then gives None for its gradient.
        ctx.set_materialize_grads(False)
        return saved.hidden[1:], saved.contexts, saved.alphas

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Tensor | None, ...]:
        return _gradients(ctx, *outer)


@once_differentiable
def _gradients(
    ctx: Any, grad_states: Tensor | None, grad_contexts: Tensor | None, grad_alphas: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Return those of each input of the forward pass; gradients of these are refused."""
    saved = _Saved(*ctx.saved_tensors)
    given = _Given(
        torch.zeros_like(saved.hidden[1:]) if grad_states is None else grad_states,
        torch.zeros_like(saved.contexts) if grad_contexts is None else grad_contexts,
        grad_alphas,
    )
    grads = _backward(saved, given)
    size, width = saved.keys.shape[2], saved.hidden.shape[2]
    asked = grads.asked.flatten(0, 1)
    joint = asked.t() @ saved.hidden[:-1].reshape(-1, width)
    gates = grads.gates.flatten(0, 1)
    return (
        grads.gates,
        grads.initial,
        (grads.energies.sum(0)[:, :, None] - grads.squares) * saved.energy,
        torch.bmm(saved.alphas.permute(1, 2, 0), grads.contexts.transpose(0, 1)),
        None,
        joint[:size],
        grads.energy,
        gates.t() @ saved.contexts.flatten(0, 1),
        joint[size:],
        asked[:, size:].sum(0),
    )


def _room(
    projected: Tensor,
    initial: Tensor,
    keys: Tensor,
    states: Tensor,
    energy: Tensor,
    context: Tensor,
    joint: Tensor,
) -> _Saved:
    steps, batch = projected.shape[:2]
    width = initial.shape[1]
    new = projected.new_empty
    hidden = new(steps + 1, batch, width)
    hidden[0] = initial
    return _Saved(
        keys=keys,
        states=states,
        energy=energy,
        context=context,
        joint=joint,
        asked=new(steps, batch, len(joint)),
        hidden=hidden,
        contexts=new(steps, batch, states.shape[2]),
        alphas=new(steps, batch, keys.shape[1]),
        gates=new(steps, batch, 2 * width),
        candidates=new(steps, batch, width),
    )


def _forward(saved: _Saved, projected: Tensor, bias: Tensor, joint_bias: Tensor) -> None:
    """Fill ``saved`` step by step; every operation writes where its result stays."""
    width, size = saved.hidden.shape[2], saved.keys.shape[2]
    joint, context = saved.joint.t().contiguous(), saved.context.t().contiguous()
    tanh, scores, flat = torch.empty_like(saved.keys), torch.empty_like(bias), bias.view(-1)
    for t, column in enumerate(projected):
        before, alpha, gates = saved.hidden[t], saved.alphas[t], saved.gates[t]
        torch.addmm(joint_bias, before, joint, out=saved.asked[t])
        query, recurrent = saved.asked[t][:, :size], saved.asked[t][:, size:]
        torch.add(saved.keys, query[:, None], out=tanh).tanh_()
        torch.addmv(flat, tanh.view(-1, size), saved.energy, out=scores.view(-1))
        torch.softmax(scores, 1, out=alpha)
        torch.bmm(alpha[:, None], saved.states, out=saved.contexts[t][:, None])
        inputs = torch.addmm(column, saved.contexts[t], context)
        torch.add(inputs[:, : 2 * width], recurrent[:, : 2 * width], out=gates).sigmoid_()
        reset, update = gates.chunk(2, 1)
        candidate = saved.candidates[t]
        torch.addcmul(inputs[:, 2 * width :], reset, recurrent[:, 2 * width :], out=candidate)
        torch.lerp(candidate.tanh_(), before, update, out=saved.hidden[t + 1])


class _Given(NamedTuple):
    """Gradients that come from what follows the loop."""

    states: Tensor
    contexts: Tensor
    alphas: Tensor | None


class _Grads(NamedTuple):
    """Gradients of what each step computed; ``squares`` is Σ_t ∂e_tj tanh²(q_t + k_j)."""

    gates: Tensor
    asked: Tensor
    contexts: Tensor
    energies: Tensor
    squares: Tensor
    energy: Tensor
    initial: Tensor


def _backward(saved: _Saved, given: _Given) -> _Grads:
    """Go back through time, last step first."""
    size = saved.keys.shape[2]
    grads = _Grads(
        gates=torch.empty_like(saved.asked[:, :, size:]),
        asked=torch.empty_like(saved.asked),
        contexts=torch.empty_like(saved.contexts),
        energies=torch.empty_like(saved.alphas),
        squares=torch.zeros_like(saved.keys),
        energy=torch.zeros_like(saved.energy),
        initial=torch.zeros_like(saved.hidden[0]),
    )
    buffer = torch.empty_like(saved.keys)
    hidden = grads.initial
    for t in reversed(range(len(saved.alphas))):
        carried = _back_through_gates(saved, grads, hidden + given.states[t], t)
        torch.addmm(given.contexts[t], grads.gates[t], saved.context, out=grads.contexts[t])
        _back_through_attention(saved, grads, given.alphas, buffer, t)
        hidden = torch.addmm(carried, grads.asked[t], saved.joint)
    return grads._replace(initial=hidden)


def _back_through_gates(saved: _Saved, grads: _Grads, hidden: Tensor, t: int) -> Tensor:
    """Fill step t's gate gradients; the part of ∂s_t that goes to s_{t−1} through z is returned."""
    width, size = hidden.shape[1], saved.keys.shape[2]
    reset, update = saved.gates[t].chunk(2, 1)
    candidate, recurrent = saved.candidates[t], saved.asked[t][:, size:]
    to_reset, to_update, to_candidate = grads.gates[t].chunk(3, 1)
    carried = hidden * update
    torch.mul(hidden - carried, 1 - candidate.square(), out=to_candidate)
    torch.mul(hidden * (saved.hidden[t] - candidate), update * (1 - update), out=to_update)
    torch.mul(to_candidate * recurrent[:, 2 * width :], reset * (1 - reset), out=to_reset)
    asked = grads.asked[t][:, size:]
    asked[:, : 2 * width] = grads.gates[t][:, : 2 * width]
    torch.mul(to_candidate, reset, out=asked[:, 2 * width :])
    return carried


def _back_through_attention(
    saved: _Saved, grads: _Grads, alphas: Tensor | None, buffer: Tensor, t: int
) -> None:
    """Go from ∂c_t and ∂α_t to the query and what sums over steps: ∂v and the squares behind ∂k."""
    size = saved.keys.shape[2]
    alpha = saved.alphas[t]
    weights = torch.bmm(saved.states, grads.contexts[t][:, :, None])[:, :, 0]
    if alphas is not None:
        weights = weights + alphas[t]
    weights = weights * alpha
    energies = torch.addcmul(weights, alpha, weights.sum(1, keepdim=True), value=-1)
    grads.energies[t] = energies
    torch.add(saved.keys, saved.asked[t][:, None, :size], out=buffer).tanh_()
    grads.energy.addmv_(buffer.view(-1, size).t(), energies.view(-1))
    squares = buffer.square_()
    grads.squares.addcmul_(energies[:, :, None], squares)
    through = torch.bmm(energies[:, None], squares)[:, 0]
    torch.mul(through, -saved.energy, out=grads.asked[t][:, :size])
