"""Looking inside: a tape on which a network writes its named tensors while it computes.

A ``tape: Tape | None`` argument runs down to the attention and the gates. With none, the fused
kernel runs and nothing is kept; with one, the same mathematics runs step by step and each named
tensor is recorded, still attached to the graph, so that a loss on attention can be trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from munmaek.nn.row_order import reorder

__all__ = ["Tape", "scoped", "turned"]


@dataclass(slots=True)
class Tape:
    """Named tensors in the order they were recorded; names are dotted paths."""

    records: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    prefix: str = ""
    off: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Heads whose result counts as zero, by the scope of their attention: ``layer.0.self``."""
    orders: tuple[Tensor, ...] = ()
    """Orders [B T] in which positions are read, one within the other; records are in the text's."""

    def record(self, name: str, tensor: Tensor) -> None:
        """Write ``tensor`` under ``prefix + name``; a later record of that name replaces it."""
        for order in reversed(self.orders):
            tensor = reorder(tensor, order)
        self.records[self.prefix + name] = tensor

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
