"""Derivations of recurrent cells, line by line, for whoever follows every number.

    a^g_t = W_g x_t + b_g        u^g_t = U_g h_{t−1} + b'_g        for each gate g
    and the cell's equations (``munmaek.nn.cells``) from there to h_t

Everything is computed anew from what the fast step read, in the same arithmetic, and only where
derivations are read. Letters as in ``munmaek.nn.cells``; T steps.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from munmaek.nn.cells import Cell, Parts
from munmaek.nn.tape import Tape, note, wants_lines

__all__ = ["Read", "cell_lines", "layer_norm_line", "linear_line", "states_before"]


class Read(NamedTuple):
    """One of the vectors that a cell reads at each step, with its weight."""

    what: str
    symbol: str
    letter: str
    """The letter of its weight."""
    vectors: Float[Tensor, "B T I"]
    weight: Float[Tensor, "G I"]


def states_before(first: Float[Tensor, "B H"], states: Float[Tensor, "B T H"]) -> Tensor:
    """Return the state before each step, [B T H]: ``first``, then all of ``states`` but the last.

    Args:
        first: the state before the first step.
        states: the state after each step.
    """
    return torch.cat([first[:, None], states[:, :-1]], 1)


def cell_lines(
    tape: Tape | None,
    cell: Cell,
    reads: Sequence[Read],
    bias: Float[Tensor, " G"],
    before: Parts,
    recurrent: tuple[Float[Tensor, "G H"], Float[Tensor, " G"]],
    named: Mapping[str, Float[Tensor, "B T H"]],
) -> None:
    """Write the derivation of every step of a layer on ``tape``, where it is read.

    Args:
        tape: in the layer's scope, where the named tensors are recorded.
        cell: the layer's cell.
        reads: what it reads at each step.
        bias: b, of what is read.
        before: the state before the first step.
        recurrent: U and b'.
        named: the layer's tensors of all steps.
    """
    if tape is None or not wants_lines(tape):
        return
    for each in reads:
        note(tape, each.what, each.symbol, "", each.vectors, each="row")
    hidden = states_before(before[0], named["hidden"])
    note(tape, "before", "h_{t−1}", "", hidden, each="row")
    if cell.states > 1:
        cells = states_before(before[1], named["cell"])
        note(tape, "cellBefore", "c_{t−1}", "", cells, each="row")
    weights = [each.weight.chunk(cell.gates) for each in reads]
    biases, (inner, others) = bias.chunk(cell.gates), _chunks(recurrent, cell.gates)
    for at, letter in enumerate(cell.parts):
        low, high = (f"_{letter}", f"^{letter}") if letter else ("", "")
        total = biases[at].clone()
        for each, weight in zip(reads, weights, strict=True):
            note(tape, "weight", f"{each.letter}{low}", "", weight[at], each="all")
            total = total + each.vectors @ weight[at].t()
        note(tape, "bias", f"b{low}", "", biases[at], each="all")
        read = " + ".join(f"{each.letter}{low} {each.symbol}" for each in reads)
        note(tape, "projected", f"a{high}_t", f"{read} + b{low}", total, each="row")
        note(tape, "weight", f"U{low}", "", inner[at], each="all")
        note(tape, "bias", f"b'{low}", "", others[at], each="all")
        carried = hidden @ inner[at].t() + others[at]
        formula = f"U{low} h_{{t−1}} + b'{low}"
        note(tape, "recurrent", f"u{high}_t", formula, carried, each="row")
    for what, symbol, formula, name in cell.equations:
        tape.line(what, symbol, formula, name, each="row")


def _chunks(
    recurrent: tuple[Tensor, Tensor], gates: int
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    weight, bias = recurrent
    return weight.chunk(gates), bias.chunk(gates)


def linear_line(
    tape: Tape | None,
    layer: nn.Module,
    what: str,
    symbols: tuple[str, str, str, str],
    result: Tensor,
    made: str = "{}",
) -> None:
    """Write W and b of a linear layer, and what it makes of a vector.

    Args:
        tape: in the scope of the derivation.
        layer: has ``weight`` and maybe ``bias``; of other numbers than these only the result is
            written.
        what: the catalogue's name of the result.
        symbols: of the result, of W, of the vector and of b.
        result: the result, [B T M].
        made: what is done with W x + b, such as ``tanh({})``.
    """
    if not wants_lines(tape):
        return
    symbol, letter, read, other = symbols
    _parameter(tape, layer, "weight", "weight", letter)
    with_bias = _parameter(tape, layer, "bias", "bias", other)
    formula = f"{letter} {read} + {other}" if with_bias else f"{letter} {read}"
    note(tape, what, symbol, made.format(formula), result, each="row")


def layer_norm_line(
    tape: Tape | None, norm: nn.Module, symbol: str, read: str, result: Tensor
) -> None:
    """Write γ and β of a layer normalization, and what it makes of the vector called ``read``."""
    if not wants_lines(tape):
        return
    _parameter(tape, norm, "weight", "scale", "γ")
    _parameter(tape, norm, "bias", "bias", "β")
    note(tape, "normed", symbol, f"LayerNorm({read})", result, each="row")


def _parameter(tape: Tape | None, layer: nn.Module, name: str, what: str, symbol: str) -> bool:
    """Write a parameter of a layer, where it has one of that name."""
    found = getattr(layer, name, None)
    if isinstance(found, Tensor) and found.is_floating_point():
        note(tape, what, symbol, "", found, each="all")
        return True
    return False
