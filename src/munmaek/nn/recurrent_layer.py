r"""A recurrent layer: a state that is updated token by token.

    Elman   h_t = tanh(W x_t + b + U h_{t−1} + b')                         Elman 1990

    GRU     r_t = σ(W_r x_t + b_r + U_r h_{t−1} + b'_r)       reset         Cho et al. 2014, §2.3
            z_t = σ(W_z x_t + b_z + U_z h_{t−1} + b'_z)       update
            n_t = tanh(W_n x_t + b_n + r_t ⊙ (U_n h_{t−1} + b'_n))          candidate
            h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}

    LSTM    i_t, f_t, o_t = σ(W x_t + b + U h_{t−1} + b')     input, forget, output
            g_t = tanh(W_g x_t + b_g + U_g h_{t−1} + b'_g)    candidate     Hochreiter & Schmidhuber
            c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t                   cell          1997; the forget gate of
            h_t = o_t ⊙ tanh(c_t)                             hidden        Gers et al. 2000

The GRU's reset gate acts after the matrix U_n, as in the fused kernels; Cho et al. apply it before.
With no tape the kernels of ``torch.nn`` run; with one, the equations above run step by step on the
same weights and every gate is recorded.

Letters: B rows, T steps, I input width, H hidden width, G stacked gates (H, 3H or 4H).
A state has one or two parts [B H]: (h,) for Elman and GRU, (h, c) for LSTM.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from munmaek.nn.row_order import at_last

__all__ = ["CellName", "Layer", "Parts", "gru_step", "initialise_gates", "lstm_step"]

CellName = Literal["elman", "gru", "lstm"]
Parts = tuple[Float[Tensor, "B H"], ...]
Named = Mapping[str, Float[Tensor, "B H"]]


class _Weights(NamedTuple):
    """One layer's W [G I], U [G H], b [G] and b' [G], in the order of ``torch.nn``."""

    inputs: Tensor
    hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor


def _elman_step(projected: Tensor, before: Parts, weights: _Weights) -> tuple[Parts, Named]:
    hidden = torch.tanh(projected + F.linear(before[0], weights.hidden, weights.hidden_bias))
    return (hidden,), {"hidden": hidden}


def gru_step(
    projected: Float[Tensor, "B G"],
    recurrent: Float[Tensor, "B G"],
    before: Float[Tensor, "B H"],
) -> tuple[Float[Tensor, "B H"], Named]:
    """The state after one step, and every gate by its name.

    Args:
        projected: W x + b for the gates r, z, n.
        recurrent: U h + b' for the gates r, z, n.
        before: h, the state before the step.
    """
    width = before.shape[1]
    gates = torch.sigmoid(projected[:, : 2 * width] + recurrent[:, : 2 * width])
    reset, update = gates.chunk(2, 1)
    candidate = torch.tanh(
        torch.addcmul(projected[:, 2 * width :], reset, recurrent[:, 2 * width :])
    )
    hidden = torch.lerp(candidate, before, update)
    names = {"gates.reset": reset, "gates.update": update, "gates.candidate": candidate}
    return hidden, names | {"hidden": hidden}


def _gru_step(projected: Tensor, before: Parts, weights: _Weights) -> tuple[Parts, Named]:
    recurrent = F.linear(before[0], weights.hidden, weights.hidden_bias)
    hidden, named = gru_step(projected, recurrent, before[0])
    return (hidden,), named


def lstm_step(
    total: Float[Tensor, "B G"], cell: Float[Tensor, "B H"]
) -> tuple[Float[Tensor, "B H"], Float[Tensor, "B H"], Named]:
    """Hidden state and cell after one step, and every gate by its name.

    Args:
        total: W x + b + U h + b' for the gates i, f, g, o.
        cell: c before the step.
    """
    i, f, g, o = total.chunk(4, 1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    cell = f * cell + i * g
    hidden = o * torch.tanh(cell)
    gates = {"gates.input": i, "gates.forget": f, "gates.candidate": g, "gates.output": o}
    return hidden, cell, gates | {"cell": cell, "hidden": hidden}


def _lstm_step(projected: Tensor, before: Parts, weights: _Weights) -> tuple[Parts, Named]:
    total = projected + F.linear(before[0], weights.hidden, weights.hidden_bias)
    hidden, cell, named = lstm_step(total, before[1])
    return (hidden, cell), named


@dataclass(frozen=True, slots=True)
class _Cell:
    fused: Callable[..., nn.RNNBase]
    kernel: Callable[..., tuple[Tensor, ...]]
    """What ``fused`` calls: inputs, state, weights, biases, layers, dropout, training,
    bidirectional, batch first."""
    step: Callable[[Tensor, Parts, _Weights], tuple[Parts, Named]]
    gates: int
    states: int


_torch = cast("Any", torch)

_CELLS: dict[CellName, _Cell] = {
    "elman": _Cell(nn.RNN, _torch.rnn_tanh, _elman_step, gates=1, states=1),
    "gru": _Cell(nn.GRU, _torch.gru, _gru_step, gates=3, states=1),
    "lstm": _Cell(nn.LSTM, _torch.lstm, _lstm_step, gates=4, states=2),
}


@final
class Layer(nn.Module):
    """One layer in one direction; the weights are those of its ``torch.nn`` module."""

    def __init__(
        self, cell: CellName, input_size: int, hidden_size: int, *, weight_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.cell = _CELLS[cell]
        self.weight_dropout = weight_dropout
        self.hidden_size = hidden_size
        self.fused = self.cell.fused(input_size, hidden_size, batch_first=True)
        _initialise(self.weights(), self.cell)

    def weights(self) -> _Weights:
        """W, U, b and b'."""
        return _Weights(*self.fused.all_weights[0])

    def begin(self, batch: int) -> Parts:
        """The zero state of ``batch`` rows."""
        zeros = self.weights().hidden.new_zeros(batch, self.hidden_size)
        return (zeros,) * self.cell.states

    def forward(
        self, inputs: Float[Tensor, "B T I"], before: Parts
    ) -> tuple[Float[Tensor, "B T H"], Parts]:
        """The hidden state at each step, and the state after the last."""
        stacked = tuple(part.contiguous()[None] for part in before)
        state = stacked if self.cell.states > 1 else stacked[0]
        if self.training and self.weight_dropout > 0:
            outputs, after = self._thinned(inputs, state)
        else:
            outputs, after = cast("tuple[Tensor, Any]", self.fused(inputs, state))
        parts = cast("tuple[Tensor, ...]", after if self.cell.states > 1 else (after,))
        return outputs, tuple(part[0] for part in parts)

    def _thinned(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The fused kernel on U with single weights dropped, the same ones at every step."""
        weights = self.weights()
        hidden = F.dropout(weights.hidden, self.weight_dropout)
        given = [weights.inputs, hidden, weights.input_bias, weights.hidden_bias]
        outputs, *after = cast("Any", self.cell.kernel)(
            inputs, state, given, True, 1, 0.0, True, False, True
        )
        return outputs, after if self.cell.states > 1 else after[0]

    def read(
        self, inputs: Float[Tensor, "B T I"], lengths: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B T H"], Parts]:
        """From the zero state; the state is the one after each row's own last token."""
        if self.cell.states == 1 or bool((lengths == inputs.shape[1]).all()):
            outputs, after = self(inputs, self.begin(len(inputs)))
            return outputs, after if self.cell.states > 1 else (at_last(outputs, lengths),)
        # The kernel tells cells at the end of its input alone: each row's input must end there.
        packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, after = cast("tuple[PackedSequence, Any]", self.fused(packed))
        outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=inputs.shape[1])
        return outputs, tuple(part[0] for part in after)

    def look(
        self, inputs: Float[Tensor, "B T I"], before: Parts
    ) -> tuple[dict[str, Float[Tensor, "B T H"]], Parts]:
        """The same mathematics step by step: every named tensor, and the last state."""
        weights = self.weights()
        projected = F.linear(inputs, weights.inputs, weights.input_bias)
        steps: list[Named] = []
        for column in projected.unbind(1):
            before, named = self.cell.step(column, before, weights)
            steps.append(named)
        named = {name: torch.stack([step[name] for step in steps], 1) for name in steps[0]}
        return named, before


def _initialise(weights: _Weights, cell: _Cell) -> None:
    """Zero biases; the LSTM's forget bias is 1, to remember at first (Jozefowicz 2015, §4)."""
    initialise_gates(weights.inputs, weights.hidden, gates=cell.gates)
    nn.init.zeros_(weights.input_bias)
    nn.init.zeros_(weights.hidden_bias)
    if cell.states > 1:
        nn.init.ones_(weights.input_bias.chunk(4)[1])


def initialise_gates(
    inputs: Float[Tensor, "G I"], hidden: Float[Tensor, "G H"], *, gates: int
) -> None:
    """Glorot weights for inputs, orthogonal ones for the recurrence (Saxe et al. 2014)."""
    for part in inputs.chunk(gates):
        nn.init.xavier_uniform_(part)
    for part in hidden.chunk(gates):
        nn.init.orthogonal_(part)
