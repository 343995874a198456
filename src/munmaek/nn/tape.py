"""Looking inside: a tape on which a network writes its named tensors while it computes.

A ``tape: Tape | None`` argument runs down to the attention and the gates. With none, the fused
kernel runs and nothing is kept; with one, the same mathematics runs step by step and each named
tensor is recorded, still attached to the graph, so that a loss on attention can be trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from munmaek.nn.lines import Each, Line
from munmaek.nn.row_order import reorder

__all__ = ["Each", "Line", "Tape", "note", "scoped", "turned", "wants_lines"]


@dataclass(slots=True)
class Tape:
    """Named tensors in the order they were recorded; names are dotted paths."""

    records: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    prefix: str = ""
    off: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Heads whose result counts as zero, by the scope of their attention: ``layer.0.self``."""
    orders: tuple[Tensor, ...] = ()
    """Orders [B T] in which positions are read, one within the other; records are in the text's."""
    lines: dict[str, list[Line]] | None = None
    """Derivations line by line, by their scope; None where nobody reads them."""

    def record(self, name: str, tensor: Tensor) -> None:
        """Write ``tensor`` under ``prefix + name``; a later record of that name replaces it."""
        for order in reversed(self.orders):
            tensor = reorder(tensor, order)
        self.records[self.prefix + name] = tensor

    def line(
        self,
        what: str,
        symbol: str,
        formula: str,
        tensor: Tensor | str,
        *,
        each: Each,
    ) -> None:
        """Append a line to this scope's derivation, where derivations are read.

        Args:
            what: name of what it is, in the catalogue of texts.
            symbol: its letter, ``q_i``.
            formula: what it is computed by.
            tensor: its numbers, rows of the batch first (a weight has none); or the name of a
                record of this scope.
            each: what one value belongs to.
        """
        if self.lines is None:
            return
        scope = self.prefix.removesuffix(".")
        found = self.lines.setdefault(scope, [])
        name = tensor if isinstance(tensor, str) else f"steps.{len(found)}"
        if not isinstance(tensor, str):
            alone = replace(self, orders=()) if each == "all" else self
            alone.record(name, tensor[None] if each == "all" else tensor)
        found.append(Line(what, symbol, formula, self.prefix + name, each))

    def scope(self, name: str) -> "Tape":
        """Return a tape that writes to the same records under ``name.`` (``layer.0.``)."""
        return replace(self, prefix=f"{self.prefix}{name}.")

    def silent(self) -> Sequence[int]:
        """Return the heads that are switched off in this scope."""
        return self.off.get(self.prefix.removesuffix("."), ()) if self.off else ()

    def __getitem__(self, name: str) -> Tensor:
        return self.records[self.prefix + name]

    def __contains__(self, name: str) -> bool:
        return self.prefix + name in self.records

    def names(self, suffix: str = "") -> list[str]:
        """Return the recorded names that end with ``suffix``, in the order of recording."""
        return [name for name in self.records if name.endswith(suffix)]


def scoped(tape: Tape | None, name: str) -> Tape | None:
    """Return ``tape.scope(name)``, or None when nobody looks."""
    return None if tape is None else tape.scope(name)


def turned(tape: Tape | None, order: Tensor | None) -> Tape | None:
    """Return a tape of what reads positions in ``order`` [B T], its own inverse; None is as is."""
    if tape is None or order is None:
        return tape
    return replace(tape, orders=(*tape.orders, order))


def wants_lines(tape: Tape | None) -> bool:
    """Return true where derivations are read, so that what they need is worth computing."""
    return tape is not None and tape.lines is not None


def note(
    tape: Tape | None, what: str, symbol: str, formula: str, tensor: Tensor | str, *, each: Each
) -> None:
    """Append a line to the derivation of ``tape``'s scope; nothing where nobody looks."""
    if tape is not None:
        tape.line(what, symbol, formula, tensor, each=each)
