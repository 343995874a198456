r"""The recurrent cells: what one step makes of a token and of the state before it.

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
``CELLS`` is the one table of them: how many gates and states each has, its step, and the kernel of
torch that runs many steps at once.

Letters: B batch size, H hidden size, G stacked gates (H, 3H or 4H).
A state has one or two parts [B H]: (h,) for Elman and GRU, (h, c) for LSTM.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["CELLS", "Cell", "CellName", "Named", "Parts", "initialise_biases", "initialise_weights"]

CellName = Literal["elman", "gru", "lstm"]
Parts = tuple[Float[Tensor, "B H"], ...]
Named = Mapping[str, Float[Tensor, "B H"]]
Step = Callable[[Tensor, Tensor, Parts], tuple[Parts, Named]]
"""From W x + b [B G], U h + b' [B G] and the state before: the state after, and every gate."""


def _elman(projected: Tensor, recurrent: Tensor, before: Parts) -> tuple[Parts, Named]:  # noqa: ARG001 - it has no gate
    hidden = torch.tanh(projected + recurrent)
    return (hidden,), {"hidden": hidden}


def _gru(projected: Tensor, recurrent: Tensor, before: Parts) -> tuple[Parts, Named]:
    width = before[0].shape[1]
    gates = torch.sigmoid(projected[:, : 2 * width] + recurrent[:, : 2 * width])
    reset, update = gates.chunk(2, 1)
    candidate = torch.tanh(
        torch.addcmul(projected[:, 2 * width :], reset, recurrent[:, 2 * width :])
    )
    hidden = torch.lerp(candidate, before[0], update)
    names = {"gates.reset": reset, "gates.update": update, "candidate": candidate}
    return (hidden,), names | {"hidden": hidden}


def _lstm(projected: Tensor, recurrent: Tensor, before: Parts) -> tuple[Parts, Named]:
    i, f, g, o = (projected + recurrent).chunk(4, 1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    cell = f * before[1] + i * g
    hidden = o * torch.tanh(cell)
    gates = {"gates.input": i, "gates.forget": f, "candidate": g, "gates.output": o}
    return (hidden, cell), gates | {"cell": cell, "hidden": hidden}


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of recurrent cell."""

    label: str
    """Its name for people."""
    fused: type[nn.RNN | nn.GRU | nn.LSTM]
    """Torch's module of many steps."""
    kernel: Callable[..., tuple[Tensor, ...]]
    """The function that ``fused`` calls: inputs, state, weights, biases, layers, dropout, training,
    bidirectional, batch first."""
    step: Step
    gates: int
    """Products of size H that a step adds up."""
    states: int
    """Parts of a state."""
    parts: tuple[str, ...]
    """Letters of the stacked gates, in their order."""
    equations: tuple[tuple[str, str, str, str], ...]
    """Its step as lines of a derivation: name, symbol, formula, and the named tensor."""


_torch = cast("Any", torch)

_LATER = {
    "elman": (("hidden", "h_t", "tanh(a_t + u_t)", "hidden"),),
    "gru": (
        ("gate.reset", "r_t", "σ(a^r_t + u^r_t)", "gates.reset"),
        ("gate.update", "z_t", "σ(a^z_t + u^z_t)", "gates.update"),
        ("candidate", "n_t", "tanh(a^n_t + r_t ⊙ u^n_t)", "candidate"),
        ("hidden", "h_t", "(1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}", "hidden"),
    ),
    "lstm": (
        ("gate.input", "i_t", "σ(a^i_t + u^i_t)", "gates.input"),
        ("gate.forget", "f_t", "σ(a^f_t + u^f_t)", "gates.forget"),
        ("candidate", "g_t", "tanh(a^g_t + u^g_t)", "candidate"),
        ("gate.output", "o_t", "σ(a^o_t + u^o_t)", "gates.output"),
        ("cell", "c_t", "f_t ⊙ c_{t−1} + i_t ⊙ g_t", "cell"),
        ("hidden", "h_t", "o_t ⊙ tanh(c_t)", "hidden"),
    ),
}
"""The equations at the head of this file, as lines of a derivation."""

CELLS: Final[Mapping[CellName, Cell]] = {
    "elman": Cell("Elman RNN", nn.RNN, _torch.rnn_tanh, _elman, 1, 1, ("",), _LATER["elman"]),
    "gru": Cell("GRU", nn.GRU, _torch.gru, _gru, 3, 1, ("r", "z", "n"), _LATER["gru"]),
    "lstm": Cell("LSTM", nn.LSTM, _torch.lstm, _lstm, 4, 2, ("i", "f", "g", "o"), _LATER["lstm"]),
}


def initialise_weights(
    cell: Cell, *, inputs: Float[Tensor, "G I"], hidden: Float[Tensor, "G H"]
) -> None:
    """Draw Glorot weights for inputs and orthogonal ones for the recurrence (Saxe et al. 2014)."""
    for part in inputs.chunk(cell.gates):
        nn.init.xavier_uniform_(part)
    for part in hidden.chunk(cell.gates):
        nn.init.orthogonal_(part)


def initialise_biases(
    cell: Cell, *, inputs: Float[Tensor, " G"], hidden: Float[Tensor, " G"]
) -> None:
    """Set biases to 0, the LSTM's forget bias to 1 to remember at first (Jozefowicz 2015, §4)."""
    nn.init.zeros_(inputs)
    nn.init.zeros_(hidden)
    if cell is CELLS["lstm"]:
        nn.init.ones_(inputs.chunk(cell.gates)[1])
