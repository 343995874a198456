"""Stacks of recurrent layers, which read one way or both.

With no tape the kernels of ``torch.nn`` run; with one, the equations of ``cells`` run
step by step on the same weights and every gate is recorded.

Letters: B rows, T steps, I input width, H hidden width, D = 2H of both directions, L layers.
A state is a tuple of [B L H]: (h,) for Elman and GRU, (h, c) for LSTM.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import cast, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.nn.cells import CellName, Parts
from munmaek.nn.dropout import VariationalDropout
from munmaek.nn.masks import padding_mask
from munmaek.nn.recurrent_layer import Layer
from munmaek.nn.row_order import at_last, reading_backward, reorder
from munmaek.nn.steps import Read, cell_lines
from munmaek.nn.tape import Tape, scoped, turned

__all__ = ["Bidirectional", "Recurrent", "State"]


def _widths(layers: int, first: int, others: int) -> Iterator[int]:
    """Yield what each layer reads; one by one, for their number may come from a damaged file."""
    return chain([first], repeat(others, layers - 1))


State = tuple[Float[Tensor, "B L H"], ...]


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
        self.stack = nn.ModuleList(
            Layer(cell, width, hidden_size, weight_dropout=weight_dropout)
            for width in _widths(layers, input_size, hidden_size)
        )
        self.dropout = VariationalDropout(dropout)

    def begin(self, batch: int) -> State:
        """Return the zero state of ``batch`` rows."""
        parts = [layer.begin(batch) for layer in self._layers()]
        return _stacked(parts)

    def _layers(self) -> list[Layer]:
        return [cast("Layer", layer) for layer in self.stack]

    def by_layer(self) -> list[list[nn.Parameter]]:
        """Return each layer's parameters, the lowest first."""
        return [list(layer.parameters()) for layer in self.stack]

    def onward(self) -> nn.ModuleList:
        """Return the layers that read left to right."""
        return self.stack

    def forward(
        self,
        inputs: Float[Tensor, "B T I"],
        state: State | None = None,
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """Return the top layer's outputs, and every layer's state after the last step.

        A tape gets ``layer.0.hidden``, ``layer.0.gates.reset`` and so on, each [B T H].
        """
        state = self.begin(inputs.shape[0]) if state is None else state
        after: list[Parts] = []
        for index, layer in enumerate(self._layers()):
            inputs = self.dropout(inputs) if index else inputs
            before = tuple(part[:, index] for part in state)
            inputs, last = _run(layer, inputs, before, scoped(tape, f"layer.{index}"))
            after.append(last)
        return inputs, _stacked(after)

    def read(
        self,
        inputs: Float[Tensor, "B T I"],
        lengths: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T H"], State]:
        """Read from the zero state: the top layer's outputs, and each row's last states.

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
        self.forward_layers, self.backward_layers = (
            nn.ModuleList(
                Layer(cell, width, hidden_size)
                for width in _widths(layers, input_size, 2 * hidden_size)
            )
            for _ in range(2)
        )
        self.dropout = VariationalDropout(dropout)

    def by_layer(self) -> list[list[nn.Parameter]]:
        """Return each layer's parameters of both directions, the lowest first."""
        pairs = zip(self.forward_layers, self.backward_layers, strict=True)
        return [[*first.parameters(), *second.parameters()] for first, second in pairs]

    def onward(self) -> nn.ModuleList:
        """Return the layers that read left to right."""
        return self.forward_layers

    def forward(
        self,
        inputs: Float[Tensor, "B T I"],
        lengths: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B D"]]:
        """Return both directions' outputs side by side, and the last output of each.

        The backward direction's last output is the one at the row's first token. Outputs on
        padding are without meaning. A tape gets ``layer.0.forward.hidden`` and so on [B T H], in
        reading order.
        """
        order = reading_backward(lengths, inputs.shape[1])
        onward = backward = inputs
        for index, pair in enumerate(zip(self.forward_layers, self.backward_layers, strict=True)):
            inputs = self.dropout(inputs) if index else inputs
            first, second = (cast("Layer", layer) for layer in pair)
            zeros, inner = first.begin(inputs.shape[0]), scoped(tape, f"layer.{index}")
            onward, _ = _run(first, inputs, zeros, scoped(inner, "forward"))
            back = turned(scoped(inner, "backward"), order)
            read, _ = _run(second, reorder(inputs, order), zeros, back)
            backward = reorder(read, order)
            inputs = torch.cat([onward, backward], 2)
        return inputs, torch.cat([at_last(onward, lengths), backward[:, 0]], 1)


def _run(layer: Layer, inputs: Tensor, before: Parts, tape: Tape | None) -> tuple[Tensor, Parts]:
    if tape is None:
        return layer(inputs, before)
    named, after = _looked(layer, inputs, before, tape)
    return named["hidden"], after


def _looked(
    layer: Layer, inputs: Tensor, before: Parts, tape: Tape
) -> tuple[dict[str, Tensor], Parts]:
    """Record every named tensor of the steps and, where it is read, their derivation."""
    named, after = layer.look(inputs, before)
    for name, tensor in named.items():
        tape.record(name, tensor)
    weights = layer.weights()
    reads = [Read("input", "x_t", "W", inputs, weights.inputs)]
    recurrent = (weights.hidden, weights.hidden_bias)
    cell_lines(tape, layer.cell, reads, weights.input_bias, before, recurrent, named)
    return named, after


def _read(layer: Layer, inputs: Tensor, lengths: Tensor, tape: Tape | None) -> tuple[Tensor, Parts]:
    if tape is None:
        return layer.read(inputs, lengths)
    named, _ = _looked(layer, inputs, layer.begin(inputs.shape[0]), tape)
    parts = ("hidden", "cell")[: layer.cell.states]
    return named["hidden"], tuple(at_last(named[part], lengths) for part in parts)


def _stacked(layers: Sequence[Parts]) -> State:
    return tuple(torch.stack(parts, 1) for parts in zip(*layers, strict=True))
