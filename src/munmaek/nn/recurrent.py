r"""Recurrence: a state that is updated token by token.

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

Letters: B rows, T steps, I input width, H hidden width, D = 2H of both directions, L layers, G
stacked gates (H, 3H or 4H).
A state is a tuple of [B L H]: (h,) for Elman and GRU, (h, c) for LSTM.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from munmaek.nn.masks import padding_mask
from munmaek.nn.tape import Tape, scoped

__all__ = [
    "Bidirectional",
    "CellName",
    "Recurrent",
    "State",
    "VariationalDropout",
    "at_last",
    "gru_step",
    "initialise_gates",
    "lstm_step",
    "reading_backward",
    "reorder",
]

CellName = Literal["elman", "gru", "lstm"]
State = tuple[Float[Tensor, "B L H"], ...]
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
class _Layer(nn.Module):
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
        return _Weights(*self.fused.all_weights[0])

    def begin(self, batch: int) -> Parts:
        zeros = self.weights().hidden.new_zeros(batch, self.hidden_size)
        return (zeros,) * self.cell.states

    def forward(
        self, inputs: Float[Tensor, "B T I"], before: Parts
    ) -> tuple[Float[Tensor, "B T H"], Parts]:
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


@final
class Recurrent(nn.Module):
    """A stack of layers that reads left to right; dropout stands between layers.

    ``weight_dropout`` zeroes single weights of U, the same ones at every step (DropConnect;
    Merity et al. 2018, §3).

    Step t depends on steps up to t only, so padding on the right changes nothing before it.
    """

    def __init__(
        self,
        cell: CellName,
        input_size: int,
        hidden_size: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [input_size] + [hidden_size] * (layers - 1)
        self.stack = nn.ModuleList(
            _Layer(cell, width, hidden_size, weight_dropout=weight_dropout) for width in widths
        )
        self.dropout = VariationalDropout(dropout)

    def begin(self, batch: int) -> State:
        """The zero state of ``batch`` rows."""
        parts = [layer.begin(batch) for layer in self._layers()]
        return _stacked(parts)

    def _layers(self) -> list[_Layer]:
        return [cast("_Layer", layer) for layer in self.stack]

    def by_layer(self) -> list[list[nn.Parameter]]:
        """Each layer's parameters, the lowest first."""
        return [list(layer.parameters()) for layer in self.stack]

    def onward(self) -> nn.ModuleList:
        """The layers that read left to right."""
        return self.stack

    def forward(
        self,
        inputs: Float[Tensor, "B T I"],
        state: State | None = None,
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """The top layer's outputs, and every layer's state after the last step.

        A tape gets ``layer.0.hidden``, ``layer.0.gates.reset`` and so on, each [B T H].
        """
        state = self.begin(len(inputs)) if state is None else state
        after: list[Parts] = []
        for index, layer in enumerate(self._layers()):
            inputs = self.dropout(inputs) if index else inputs
            before = tuple(part[:, index] for part in state)
            inputs, last = _run(layer, inputs, before, scoped(tape, f"layer.{index}"), None)
            after.append(last)
        return inputs, _stacked(after)

    def read(
        self,
        inputs: Float[Tensor, "B T I"],
        lengths: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """From the zero state: the top layer's outputs, and every layer's state at each row's end.

        Outputs on padding are 0. A tape gets what ``forward`` gives it.
        """
        after: list[Parts] = []
        for index, layer in enumerate(self._layers()):
            inputs = self.dropout(inputs) if index else inputs
            inputs, last = _read(layer, inputs, lengths, scoped(tape, f"layer.{index}"))
            after.append(last)
        real = padding_mask(lengths, inputs.shape[1])[:, :, None]
        return inputs.masked_fill(~real, 0.0), _stacked(after)


@final
class Bidirectional(nn.Module):
    """A stack that reads each row both ways (Schuster & Paliwal 1997), exact on padded rows.

    The backward direction reads each row's own tokens in reverse order, its padding last; that is
    faster on a processor than packed sequences, and no padding comes before a token.
    """

    def __init__(
        self,
        cell: CellName,
        input_size: int,
        hidden_size: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [input_size] + [2 * hidden_size] * (layers - 1)
        self.forward_layers = nn.ModuleList(_Layer(cell, width, hidden_size) for width in widths)
        self.backward_layers = nn.ModuleList(_Layer(cell, width, hidden_size) for width in widths)
        self.dropout = VariationalDropout(dropout)

    def by_layer(self) -> list[list[nn.Parameter]]:
        """Each layer's parameters of both directions, the lowest first."""
        pairs = zip(self.forward_layers, self.backward_layers, strict=True)
        return [[*first.parameters(), *second.parameters()] for first, second in pairs]

    def onward(self) -> nn.ModuleList:
        """The layers that read left to right."""
        return self.forward_layers

    def forward(
        self,
        inputs: Float[Tensor, "B T I"],
        lengths: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B D"]]:
        """Both directions' outputs side by side, and the last output of each.

        The backward direction's last output is the one at the row's first token. Outputs on
        padding are without meaning. A tape gets ``layer.0.forward.hidden`` and so on [B T H], in
        reading order.
        """
        order = reading_backward(lengths, inputs.shape[1])
        onward = backward = inputs
        for index, pair in enumerate(zip(self.forward_layers, self.backward_layers, strict=True)):
            inputs = self.dropout(inputs) if index else inputs
            first, second = (cast("_Layer", layer) for layer in pair)
            zeros, inner = first.begin(len(inputs)), scoped(tape, f"layer.{index}")
            onward, _ = _run(first, inputs, zeros, scoped(inner, "forward"), None)
            turned = reorder(inputs, order)
            turned, _ = _run(second, turned, zeros, scoped(inner, "backward"), order)
            backward = reorder(turned, order)
            inputs = torch.cat([onward, backward], 2)
        return inputs, torch.cat([at_last(onward, lengths), backward[:, 0]], 1)


def _run(
    layer: _Layer, inputs: Tensor, before: Parts, tape: Tape | None, order: Tensor | None
) -> tuple[Tensor, Parts]:
    if tape is None:
        return layer(inputs, before)
    named, after = layer.look(inputs, before)
    for name, tensor in named.items():
        tape.record(name, tensor if order is None else reorder(tensor, order))
    return named["hidden"], after


def _read(
    layer: _Layer, inputs: Tensor, lengths: Tensor, tape: Tape | None
) -> tuple[Tensor, Parts]:
    if tape is None:
        return layer.read(inputs, lengths)
    named, _ = layer.look(inputs, layer.begin(len(inputs)))
    for name, tensor in named.items():
        tape.record(name, tensor)
    parts = ("hidden", "cell")[: layer.cell.states]
    return named["hidden"], tuple(at_last(named[part], lengths) for part in parts)


def _stacked(layers: Sequence[Parts]) -> State:
    return tuple(torch.stack(parts, 1) for parts in zip(*layers, strict=True))


def reading_backward(lengths: Int[Tensor, " B"], size: int) -> Int[Tensor, "B T"]:
    """Positions in the order that reads each row's tokens from its last to its first.

    Padding keeps its place, so the order is its own inverse.
    """
    position = torch.arange(size, device=lengths.device).expand(len(lengths), size)
    turned = lengths[:, None] - 1 - position
    return torch.where(turned >= 0, turned, position)


def reorder(rows: Tensor, order: Int[Tensor, "B T"]) -> Tensor:
    """``rows`` [B T …] with each row's positions taken in ``order``."""
    start = torch.arange(len(rows), device=rows.device)[:, None] * rows.shape[1]
    flat = rows.reshape(-1, *rows.shape[2:]).index_select(0, (start + order).reshape(-1))
    return flat.view(rows.shape)


def at_last(outputs: Float[Tensor, "B T H"], lengths: Int[Tensor, " B"]) -> Float[Tensor, "B H"]:
    """Each row's output at its last real token."""
    return outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]


@final
class VariationalDropout(nn.Module):
    """Dropout whose mask is drawn once a row and held over time (Gal & Ghahramani 2016, §4)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """``inputs`` in evaluation mode; else with whole columns zeroed and the rest scaled up."""
        if not self.training or self.rate == 0.0:
            return inputs
        ones = inputs.new_ones(inputs.shape[0], 1, inputs.shape[2])
        return inputs * F.dropout(ones, self.rate)
