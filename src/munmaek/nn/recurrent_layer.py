"""A recurrent layer: a cell's state that is updated token by token.

With no tape the kernels of ``torch.nn`` run; with one, the equations of ``munmaek.nn.cells`` run
step by step on the same weights and every gate is recorded.

Letters: B batch size, T steps, I input width, H hidden size, G stacked gates (H, 3H or 4H).
A state has one or two parts [B H]: (h,) for Elman and GRU, (h, c) for LSTM.
"""

from typing import Any, NamedTuple, cast, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from munmaek.nn.cells import (
    CELLS,
    CellName,
    Named,
    Parts,
    initialise_biases,
    initialise_weights,
)
from munmaek.nn.row_order import at_last

__all__ = ["Layer"]


class _Weights(NamedTuple):
    """One layer's W [G I], U [G H], b [G] and b' [G], in the order of ``torch.nn``."""

    inputs: Tensor
    hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor


@final
class Layer(nn.Module):
    """One layer in one direction; the weights are those of its ``torch.nn`` module."""

    def __init__(
        self, cell: CellName, input_size: int, hidden_size: int, *, weight_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.cell = CELLS[cell]
        self.weight_dropout = weight_dropout
        self.hidden_size = hidden_size
        self.fused = self.cell.fused(input_size, hidden_size, batch_first=True)
        weights = self.weights()
        initialise_weights(self.cell, inputs=weights.inputs, hidden=weights.hidden)
        initialise_biases(self.cell, inputs=weights.input_bias, hidden=weights.hidden_bias)

    def weights(self) -> _Weights:
        """Return W, U, b and b'."""
        return _Weights(*self.fused.all_weights[0])

    def begin(self, batch: int) -> Parts:
        """Return the zero state of ``batch`` rows."""
        zeros = self.weights().hidden.new_zeros(batch, self.hidden_size)
        return (zeros,) * self.cell.states

    def forward(
        self, inputs: Float[Tensor, "B T I"], before: Parts
    ) -> tuple[Float[Tensor, "B T H"], Parts]:
        """Return the hidden state at each step, and the state after the last."""
        stacked = tuple(part.contiguous()[None] for part in before)
        state = stacked if self.cell.states > 1 else stacked[0]
        if self.training and self.weight_dropout > 0:
            outputs, after = self._thinned(inputs, state)
        else:
            outputs, after = cast("tuple[Tensor, Any]", self.fused(inputs, state))
        parts = cast("tuple[Tensor, ...]", after if self.cell.states > 1 else (after,))
        return outputs, tuple(part[0] for part in parts)

    def _thinned(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Run the fused kernel on U with single weights dropped, the same ones at every step."""
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
        """Read from the zero state; the state is the one after each row's own last token."""
        if self.cell.states == 1 or bool((lengths == inputs.shape[1]).all()):
            outputs, after = self(inputs, self.begin(inputs.shape[0]))
            return outputs, after if self.cell.states > 1 else (at_last(outputs, lengths),)
        # The kernel tells cells at the end of its input alone: each row's input must end there.
        packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, after = cast("tuple[PackedSequence, Any]", self.fused(packed))
        outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=inputs.shape[1])
        return outputs, tuple(part[0] for part in after)

    def look(
        self, inputs: Float[Tensor, "B T I"], before: Parts
    ) -> tuple[dict[str, Float[Tensor, "B T H"]], Parts]:
        """Do the same mathematics step by step: every named tensor, and the last state."""
        weights = self.weights()
        projected = F.linear(inputs, weights.inputs, weights.input_bias)
        steps: list[Named] = []
        for column in projected.unbind(1):
            recurrent = F.linear(before[0], weights.hidden, weights.hidden_bias)
            before, named = self.cell.step(column, recurrent, before)
            steps.append(named)
        named = {name: torch.stack([step[name] for step in steps], 1) for name in steps[0]}
        return named, before
