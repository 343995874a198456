r"""Attention of prefixes that grow by one token at a time and share sources and pasts.

Prefixes of one source have one past for a while and then part, as in a beam search. Their keys
and values are kept once, in the order in which they were computed, beside those of the source, and
which prefix descends from which entry is a table of bits. So a prefix that is chosen, given
up or continued twice moves a row of bits, not its past:

    c_n = Σ_e softmax_e(q_n · k_e / √K  where n descends from e) v_e

Letters: N prefixes (rows), B sources, G of them still in work, P most prefixes of one source,
H heads, S source positions, K width of a head, D = H·K, E entries of a source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from munmaek.nn.attention import (
    KeyValues,
    MultiHeadCrossAttention,
    MultiHeadSelfAttention,
    scaled_dot_product,
)
from munmaek.nn.tape import Tape

__all__ = ["PrefixStep", "SharedPrefixes", "begin"]

_ROOM = 16
"""Tokens for each place that fit at first."""
_WORTH = 0.75
"""Share of the sources in work below which those that are done are taken out."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """N rows laid out as G sources of P places."""

    rows: Tensor
    """The source of each row, [N]; the same object means the same layout."""
    lines: Int[Tensor, " N"]
    """Line of each row, below G."""
    places: Int[Tensor, " N"]
    """Place of each row among those of its source, below P."""
    shape: tuple[int, int]
    """G and P."""
    counts: Int[Tensor, " G"]
    """Rows of each line."""
    full: bool
    """True where row n is cell n."""

    def spread(self, x: Tensor) -> Tensor:
        """Return ``x`` [N …] as [G P …]; cells without a row are 0."""
        if not self.full:
            size = self.shape[0] * self.shape[1]
            x = x.new_zeros(size, *x.shape[1:]).index_copy(0, self._cells(), x)
        return x.reshape(*self.shape, *x.shape[1:])

    def pick(self, x: Tensor) -> Tensor:
        """Return ``x`` [G P …] as [N …]."""
        x = x.flatten(0, 1)
        return x if self.full else x.index_select(0, self._cells())

    def _cells(self) -> Tensor:
        return self.lines * self.shape[1] + self.places


@final
class _Shared:
    """Keys and values of G sources and their prefixes, layer by layer.

    Entries are only ever added; ``filled`` is how many there are. A state that knows fewer has been
    gone on from otherwise, so it takes a copy.
    """

    def __init__(
        self,
        lines: Int[Tensor, " B"],
        source: Sequence[KeyValues],
        mask: Float[Tensor, "G 1 1 S"] | None,
        written: Sequence[KeyValues],
        filled: int,
    ) -> None:
        self.lines = lines
        self.source = source
        self.mask = mask
        self.written = written
        self.filled = filled
        self.layout: _Layout | None = None

    def layout_of(self, rows: Int[Tensor, " N"]) -> _Layout:
        """Return where each row stands; kept, since rows rarely change sources."""
        if self.layout is None or self.layout.rows is not rows:
            self.layout = _make_layout(rows, self.lines[rows], len(self.source[0].keys))
        return self.layout

    def takes(self, entries: int, more: int) -> bool:
        """Return true where ``more`` entries may be written after ``entries`` in place."""
        keys = self.written[0].keys
        # A graph keeps what it read; a tensor of inference mode is not written to outside of it.
        free = not torch.is_grad_enabled() and (
            torch.is_inference_mode_enabled() or not keys.is_inference()
        )
        return free and self.filled == entries and entries + more <= keys.shape[2]

    def rebuilt(
        self, layout: _Layout, seen: Bool[Tensor, "N E"]
    ) -> tuple["_Shared", Bool[Tensor, "N E"]]:
        """Return the sources and the entries that some row needs, with room for as many again."""
        size = layout.shape[0]
        needed = seen.new_zeros(size, seen.shape[1], dtype=torch.int32)
        needed.index_add_(0, layout.lines, seen.int())
        lines = layout.counts.nonzero()[:, 0]
        alive = (needed > 0)[lines]
        count = int(alive.sum(1).max()) if alive.numel() else 0
        # The needed entries of each line first, in their order.
        chosen = alive.int().argsort(dim=1, descending=True, stable=True)[:, :count]
        names = self.lines.new_full((size,), -1)
        names[lines] = torch.arange(len(lines), device=names.device)
        now = torch.where(self.lines < 0, self.lines, names[self.lines])
        room = 2 * count + _ROOM * layout.shape[1]
        whole = len(lines) == size
        shared = _Shared(
            lines=now,
            source=self.source if whole else [_lines(each, lines) for each in self.source],
            mask=self.mask if whole or self.mask is None else self.mask[lines],
            written=[_copied(each, lines, chosen, room) for each in self.written],
            filled=count,
        )
        return shared, seen.gather(1, chosen[names[layout.lines]])


def _make_layout(rows: Tensor, lines: Tensor, size: int) -> _Layout:
    counts = lines.bincount(minlength=size)
    most = int(counts.max()) if len(rows) else 1
    order = lines.argsort(stable=True)
    ranked = lines[order]
    places = torch.empty_like(lines)
    steps = torch.arange(len(rows), device=rows.device)
    places[order] = steps - (counts.cumsum(0) - counts)[ranked]
    full = len(rows) == size * most and torch.equal(order, steps)
    return _Layout(rows, lines, places, (size, most), counts, full)


def _lines(pair: KeyValues, lines: Tensor) -> KeyValues:
    return KeyValues(pair.keys[lines], pair.values[lines])


def _copied(pair: KeyValues, lines: Tensor, chosen: Tensor, room: int) -> KeyValues:
    """Return the chosen entries of chosen lines, with space after them."""

    def copied(old: Tensor) -> Tensor:
        _, heads, _, width = old.shape
        new = old.new_empty(len(lines), heads, room, width)
        new[:, :, : chosen.shape[1]] = old[lines[:, None], :, chosen].transpose(1, 2)
        return new

    return KeyValues(copied(pair.keys), copied(pair.values))


class SharedPrefixes(NamedTuple):
    """A state of N rows, for ``munmaek.nn.state.select_rows``."""

    seen: Bool[Tensor, "N E"]
    """The entries that each row descends from, one a token, in order."""
    shared: _Shared
    length: int
    """Tokens of each row so far."""


def begin(
    rows: Int[Tensor, " N"],
    source: Sequence[KeyValues],
    mask: Bool[Tensor, "B 1 1 S"] | None,
) -> SharedPrefixes:
    """Return rows before their first token.

    Args:
        rows: the source of each row, below B.
        source: each layer's keys and values of the sources, [B H S K].
        mask: True at real tokens of the sources; None where none is padded.
    """
    size = len(source[0].keys)
    # Side by side once, since every step reads them.
    source = [KeyValues(pair.keys.contiguous(), pair.values.contiguous()) for pair in source]
    penalties = None if mask is None else _penalties(mask, source[0].keys)
    lines = torch.arange(size, device=rows.device)
    written = [KeyValues(pair.keys[:, :, :0], pair.values[:, :, :0]) for pair in source]
    seen = torch.zeros(len(rows), 0, dtype=torch.bool, device=rows.device)
    return SharedPrefixes(seen, _Shared(lines, source, penalties, written, 0), 0)


def _penalties(seen: Bool[Tensor, "*N"], like: Tensor) -> Float[Tensor, "*N"]:
    """Return 0 where ``seen``, else the least number, to be added to scores."""
    least = torch.finfo(like.dtype).min
    return torch.zeros(seen.shape, dtype=like.dtype, device=like.device).masked_fill_(~seen, least)


def _attend(
    queries: Float[Tensor, "G H P K"],
    asked: KeyValues,
    penalties: Float[Tensor, "G 1 #P E"] | None,
) -> Float[Tensor, "G H P K"]:
    """Return softmax(Q Kᵀ / √K) V, for few queries faster than by the fused kernel."""
    scores = (queries * queries.shape[-1] ** -0.5) @ asked.keys.transpose(-2, -1)
    if penalties is not None:
        scores = scores + penalties
    return scores.softmax(-1) @ asked.values


@final
class PrefixStep:
    """One more token for every row: each layer's attention, and the state that follows."""

    def __init__(self, state: SharedPrefixes, rows: Int[Tensor, " N"]) -> None:
        """Begin a step of ``state``, whose rows are of the sources ``rows``, [N]."""
        shared, seen = state.shared, state.seen
        layout = shared.layout_of(rows)
        few = int(layout.counts.count_nonzero()) < _WORTH * layout.shape[0]
        if few or not shared.takes(seen.shape[1], layout.shape[1]):
            shared, seen = shared.rebuilt(layout, seen)
            layout = shared.layout_of(rows)
        self.shared, self.layout, self.length = shared, layout, state.length
        self.start = seen.shape[1]
        places = torch.arange(layout.shape[1], device=rows.device)
        self.seen = torch.cat([seen, places == layout.places[:, None]], 1)
        self.end = shared.filled = self.seen.shape[1]
        self.mask = self._mask()

    def _mask(self) -> Float[Tensor, "G 1 P E"] | None:
        """Return what to add to scores; None where a source has one row, which has every entry."""
        if self.end == self.length + 1:
            return None
        # Cells without a row see all: a row of a softmax must have something to see.
        return _penalties(~self.layout.spread(~self.seen)[:, None], self.shared.source[0].keys)

    def itself(
        self,
        number: int,
        attention: MultiHeadSelfAttention,
        x: Float[Tensor, "N D"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "N D"]:
        """Return MultiHead(x, past and x) in layer ``number``; a tape gets each row's own past."""
        parts = attention.qkv(x).unflatten(-1, (3, attention.heads, -1))
        queries, keys, values = self.layout.spread(parts).permute(2, 0, 3, 1, 4).unbind(0)
        written = self.shared.written[number]
        written.keys[:, :, self.start : self.end] = keys
        written.values[:, :, self.start : self.end] = values
        if tape is not None:
            own = (self._own(part).to(parts.dtype) for part in written)
            context = scaled_dot_product(parts[:, 0, :, None], *own, tape=tape)
            return attention.output(context.flatten(1))
        past = KeyValues(*(part[:, :, : self.end].to(parts.dtype) for part in written))
        context = _attend(queries, past, self.mask)
        return attention.output(self.layout.pick(context.transpose(1, 2)).flatten(1))

    def _own(self, entries: Float[Tensor, "G H E K"]) -> Float[Tensor, "N H T K"]:
        """Return the entries that each row descends from."""
        columns = self.seen.nonzero()[:, 1].view(len(self.seen), -1)
        return entries[self.layout.lines[:, None], :, columns].transpose(1, 2)

    def source(
        self,
        number: int,
        attention: MultiHeadCrossAttention,
        x: Float[Tensor, "N D"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "N D"]:
        """Return MultiHead(x, source) in layer ``number``."""
        asked = attention.query(x).unflatten(-1, (attention.heads, -1))
        memory, mask, lines = self.shared.source[number], self.shared.mask, self.layout.lines
        if tape is not None:
            seen = None if mask is None else mask[lines] == 0
            context = scaled_dot_product(
                asked[:, :, None], *_lines(memory, lines), mask=seen, tape=tape
            )
            return attention.output(context.flatten(1))
        queries = self.layout.spread(asked).transpose(1, 2)
        context = _attend(queries, memory, mask)
        return attention.output(self.layout.pick(context.transpose(1, 2)).flatten(1))

    def after(self) -> SharedPrefixes:
        """Return the state with the new token."""
        return SharedPrefixes(self.seen, self.shared, self.length + 1)
