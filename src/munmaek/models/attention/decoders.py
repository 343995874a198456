r"""Decoders that look back at every step: Bahdanau's, and Luong's with input feeding or without.

    BahdanauDecoder      α from s_{i−1}, s_i = GRU(s_{i−1}, [y_{i−1}; c_i]), t_i = maxout(…)
    LuongFeedingDecoder  s_i = f(s_{i−1}, [y_{i−1}; h̃_{i−1}]), α from s_i, h̃_i = tanh(W [c_i; s_i])
    LuongDecoder         s_i = f(s_{i−1}, y_{i−1}), α from s_i, h̃_i as above

f is a stack of L layers of GRU or LSTM, of which the top one asks. The equations and the papers are
in ``munmaek.models.attention``; the scores and windows in ``scores``.

Letters: B rows, S source positions, T target tokens, E width of the embeddings, H of the decoder's
states, W of what predicts, C of a cell's second input, G stacked gates, L layers.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from munmaek.models.attention.additive_decoder import AdditiveDecoderWeights, decode_additive
from munmaek.models.attention.config import Span
from munmaek.models.attention.scores import (
    AdditiveScore,
    AttentionMemory,
    PredictedCentre,
    ScoreName,
    Window,
    attend,
    looking_lines,
    make_score,
)
from munmaek.nn.cells import CELLS, CellName, Parts, initialise_biases, initialise_weights
from munmaek.nn.dropout import VariationalDropout
from munmaek.nn.readout import MaxoutReadout
from munmaek.nn.recurrent import Recurrent, State
from munmaek.nn.steps import Read, cell_lines, states_before
from munmaek.nn.tape import Tape, note, scoped, wants_lines

__all__ = [
    "BahdanauDecoder",
    "DecoderSizes",
    "LuongDecoder",
    "LuongFeedingDecoder",
    "LuongOptions",
    "LuongState",
]


class DecoderSizes(NamedTuple):
    """Widths of embeddings (E), of the decoder's states (H) and of encoder states."""

    embedding: int
    hidden: int
    states: int


class LuongOptions(NamedTuple):
    """Options of Luong's decoders."""

    score: ScoreName
    cell: Literal["gru", "lstm"] = "gru"
    layers: int = 1
    dropout: float = 0.0
    """Between layers."""
    span: Span = "global"
    reach: int = 10
    """D of local attention."""


@final
class _ContextCell(nn.Module):
    """A cell whose input is a token and a vector beside it, each with its own weights."""

    def __init__(
        self, token_size: int, context_size: int, hidden_size: int, *, cell: CellName
    ) -> None:
        super().__init__()
        self.cell = CELLS[cell]
        width = self.cell.gates * hidden_size
        self.token = nn.Linear(token_size, width)
        self.context = nn.Linear(context_size, width, bias=False)
        self.recurrent = nn.Linear(hidden_size, width)
        for inputs in (self.token.weight, self.context.weight):
            initialise_weights(self.cell, inputs=inputs, hidden=self.recurrent.weight)
        initialise_biases(self.cell, inputs=self.token.bias, hidden=self.recurrent.bias)

    def forward(
        self,
        token: Float[Tensor, "B G"],
        context: Float[Tensor, "B C"],
        before: Parts,
        *,
        tape: Tape | None,
    ) -> Parts:
        """Return the next state; ``token`` is already projected: ``self.token(y)``."""
        inputs = torch.addmm(token, context, self.context.weight.t())
        after, named = self.cell.step(inputs, self.recurrent(before[0]), before)
        if tape is not None:
            for name, tensor in named.items():
                tape.record(name, tensor[:, None])
        return after

    def lines(self, tape: Tape | None, tokens: Tensor, beside: Read, before: Parts) -> None:
        """Write the derivation of all steps, whose tensors are recorded in the tape's scope."""
        if tape is None or not wants_lines(tape):
            return
        reads = [Read("token", "y_{t−1}", "W", tokens, self.token.weight), beside]
        names = [name for *_, name in self.cell.equations]
        named = {name: tape[name] for name in names}
        recurrent = (self.recurrent.weight, self.recurrent.bias)
        cell_lines(tape, self.cell, reads, self.token.bias, before, recurrent, named)


@final
class BahdanauDecoder(nn.Module):
    """The previous state asks; a GRU reads the token and the context; maxout predicts."""

    def __init__(self, sizes: DecoderSizes, *, score: ScoreName) -> None:
        super().__init__()
        hidden, states = sizes.hidden, sizes.states
        self.size = sizes.embedding
        self.score = make_score(score, query_size=hidden, state_size=states)
        self.cell = _ContextCell(sizes.embedding, states, hidden, cell="gru")
        self.readout = MaxoutReadout(hidden + sizes.embedding + states, self.size)

    def begin(self, memory: AttentionMemory) -> tuple[Float[Tensor, "B H"]]:
        """Return s_0."""
        return (memory.initial[0][:, 0],)

    def decode(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> Float[Tensor, "B T W"]:
        """Return t_i of all steps, fast; equal to ``forward``."""
        return self.decode_with_alignment(memory, tokens)[0]

    def decode_with_alignment(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> tuple[Float[Tensor, "B T W"], Float[Tensor, "B T S"]]:
        """Return the same, and α."""
        if not isinstance(self.score, AdditiveScore):
            return _taped(self, memory, tokens)
        weights = AdditiveDecoderWeights(
            query=self.score.query.weight,
            energy=self.score.energy,
            context=self.cell.context.weight,
            hidden=self.cell.recurrent.weight,
            hidden_bias=self.cell.recurrent.bias,
        )
        projected = self.cell.token(tokens.transpose(0, 1))
        states, contexts, alphas = decode_additive(
            projected, self.begin(memory)[0], memory.keys, memory.states, memory.mask, weights
        )
        outputs = self.readout(states.transpose(0, 1), tokens, contexts.transpose(0, 1))
        return outputs, alphas.transpose(0, 1)

    def forward(
        self,
        memory: AttentionMemory,
        state: tuple[Float[Tensor, "B H"]],
        tokens: Float[Tensor, "B T E"],
        *,
        tape: Tape | None,
    ) -> tuple[Float[Tensor, "B T W"], tuple[Float[Tensor, "B H"]]]:
        """Return t_i step by step from ``state``, and the state after them."""
        (hidden,) = state
        tapes: list[Tape | None] = []
        states: list[Tensor] = []
        contexts: list[Tensor] = []
        for column in self.cell.token(tokens).unbind(1):
            scores = self.score(hidden[:, None], memory.keys)
            tapes.append(None if tape is None else Tape())
            context = attend(scores, memory.states, memory.mask, tape=tapes[-1])[:, 0]
            inner = scoped(tapes[-1], "decoder")
            (hidden,) = self.cell(column, context, (hidden,), tape=inner)
            states.append(hidden)
            contexts.append(context)
        _join(tapes, tape)
        outputs = self.readout(torch.stack(states, 1), tokens, torch.stack(contexts, 1))
        if tape is not None and wants_lines(tape):
            asked = states_before(state[0], torch.stack(states, 1))
            looking_lines(tape, self.score, memory, ("s_{i−1}", asked), torch.stack(contexts, 1))
            beside = Read("context", "c_i", "C", torch.stack(contexts, 1), self.cell.context.weight)
            self.cell.lines(scoped(tape, "decoder"), tokens, beside, state)
            inner = scoped(tape, "attention")
            after = torch.stack(states, 1)
            note(inner, "after", "s_i", "GRU(s_{i−1}; y_{i−1}, c_i)", after, each="row")
            note(inner, "readout", "t_i", "maxout(s_i, y_{i−1}, c_i)", outputs, each="row")
        return outputs, (hidden,)


class LuongState(NamedTuple):
    """The state of Luong's decoders."""

    layers: State
    """s_i of every layer; an LSTM's cell likewise."""
    fed: Float[Tensor, "B H"] | None
    """h̃_i, with input feeding."""
    steps: Float[Tensor, "B 1"]
    """Tokens read so far: the next output's place, from 0."""


class _Luong(nn.Module, ABC):
    """Base of Luong's decoders; a subclass makes its layers."""

    feeds: ClassVar[bool]
    """True where a step reads the attentional state before it."""

    def __init__(self, sizes: DecoderSizes, options: LuongOptions) -> None:
        super().__init__()
        self.size = hidden = sizes.hidden
        self.options = options
        self.score = make_score(options.score, query_size=hidden, state_size=sizes.states)
        self._make_layers(sizes, options)
        self.combine = nn.Linear(sizes.states + hidden, hidden, bias=False)
        self.centre = PredictedCentre(hidden, hidden) if options.span == "local-p" else None

    @abstractmethod
    def _make_layers(self, sizes: DecoderSizes, options: LuongOptions) -> None:
        """Make what the state goes through, from the bottom up."""

    def begin(self, memory: AttentionMemory) -> LuongState:
        """Return s_0, and for h̃_0 zeros where it is fed."""
        top = memory.initial[0][:, -1]
        fed = torch.zeros_like(top) if self.feeds else None
        return LuongState(memory.initial, fed, top.new_zeros(len(top), 1))

    def decode(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> Float[Tensor, "B T H"]:
        """Return h̃_i of all steps."""
        return self(memory, self.begin(memory), tokens, tape=None)[0]

    def decode_with_alignment(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> tuple[Float[Tensor, "B T H"], Float[Tensor, "B T S"]]:
        """Return the same, and α."""
        return _taped(self, memory, tokens)

    def _look(
        self,
        memory: AttentionMemory,
        queries: Float[Tensor, "B T H"],
        steps: Float[Tensor, "B 1"],
        tape: Tape | None,
    ) -> Float[Tensor, "B T D"]:
        """Return c_i of the states that ask, which follow ``steps`` earlier ones."""
        scores = self.score(queries, memory.keys)
        window = self._window(memory, queries, steps)
        return attend(scores, memory.states, memory.mask, window=window, tape=tape)

    def _lines(self, tape: Tape, memory: AttentionMemory, top: Tensor, outputs: Tensor) -> None:
        """Write the derivation of h̃_i from the states that ask."""
        width = memory.states.shape[2]
        context = self._look(memory, top, top.new_zeros(len(top), 1), None)
        looking_lines(tape, self.score, memory, ("s_i", top), context)
        inner, weight = scoped(tape, "attention"), self.combine.weight
        note(inner, "weight", "W_c", "", weight[:, :width], each="all")
        note(inner, "weight", "W_s", "", weight[:, width:], each="all")
        note(inner, "readout", "h̃_i", "tanh(W_c c_i + W_s s_i)", outputs, each="row")

    def _window(self, memory: AttentionMemory, queries: Tensor, steps: Tensor) -> Window | None:
        span, reach = self.options.span, self.options.reach
        if span == "global":
            return None
        lengths = memory.mask.sum(1)
        if self.centre is not None:
            return Window(self.centre(queries, lengths), reach, falling=True)
        places = steps + torch.arange(queries.shape[1], device=steps.device)
        return Window(torch.minimum(places, lengths[:, None] - 1.0), reach, falling=False)


@final
class LuongFeedingDecoder(_Luong):
    """The current state asks; the attentional state predicts and feeds the next step."""

    feeds = True

    def _make_layers(self, sizes: DecoderSizes, options: LuongOptions) -> None:
        hidden = sizes.hidden
        self.cell = _ContextCell(sizes.embedding, hidden, hidden, cell=options.cell)
        if options.layers > 1:
            self.dropout = VariationalDropout(options.dropout)
            self.above = Recurrent(
                options.cell, hidden, hidden, layers=options.layers - 1, dropout=options.dropout
            )

    def forward(
        self,
        memory: AttentionMemory,
        state: LuongState,
        tokens: Float[Tensor, "B T E"],
        *,
        tape: Tape | None,
    ) -> tuple[Float[Tensor, "B T H"], LuongState]:
        """Return h̃_i step by step from ``state``, and the state after them."""
        before = state
        tapes: list[Tape | None] = []
        outputs: list[Tensor] = []
        for column in self.cell.token(tokens).unbind(1):
            tapes.append(None if tape is None else Tape())
            state = self._step(memory, state, column, tapes[-1])
            assert state.fed is not None
            outputs.append(state.fed)
        _join(tapes, tape)
        if tape is not None and wants_lines(tape):
            assert before.fed is not None
            fed = states_before(before.fed, torch.stack(outputs, 1))
            beside = Read("fed", "h̃_{t−1}", "C", fed, self.cell.context.weight)
            first = tuple(part[:, 0] for part in before.layers)
            self.cell.lines(scoped(tape, "decoder"), tokens, beside, first)
            above = self.options.layers - 2
            top = "decoder.hidden" if above < 0 else f"decoder.above.layer.{above}.hidden"
            self._lines(tape, memory, tape[top], torch.stack(outputs, 1))
        return torch.stack(outputs, 1), state

    def _step(
        self, memory: AttentionMemory, state: LuongState, column: Tensor, tape: Tape | None
    ) -> LuongState:
        assert state.fed is not None
        first = tuple(part[:, 0] for part in state.layers)
        first = self.cell(column, state.fed, first, tape=scoped(tape, "decoder"))
        layers, top = tuple(part[:, None] for part in first), first[0][:, None]
        if self.options.layers > 1:
            above = tuple(part[:, 1:] for part in state.layers)
            inner = scoped(tape, "decoder.above")
            top, above = self.above(self.dropout(top), above, tape=inner)
            layers = tuple(torch.cat(pair, 1) for pair in zip(layers, above, strict=True))
        context = self._look(memory, top, state.steps, tape)
        fed = torch.tanh(self.combine(torch.cat([context, top], 2)))[:, 0]
        return LuongState(layers, fed, state.steps + 1)


@final
class LuongDecoder(_Luong):
    """Without input feeding no step waits for attention: it runs for all steps at once."""

    feeds = False

    def _make_layers(self, sizes: DecoderSizes, options: LuongOptions) -> None:
        widths = sizes.embedding, sizes.hidden
        self.recurrent = Recurrent(
            options.cell, *widths, layers=options.layers, dropout=options.dropout
        )

    def forward(
        self,
        memory: AttentionMemory,
        state: LuongState,
        tokens: Float[Tensor, "B T E"],
        *,
        tape: Tape | None,
    ) -> tuple[Float[Tensor, "B T H"], LuongState]:
        """Return h̃_i from ``state``, and the state after the last step."""
        hidden, after = self.recurrent(tokens, state.layers, tape=scoped(tape, "decoder"))
        context = self._look(memory, hidden, state.steps, tape)
        outputs = torch.tanh(self.combine(torch.cat([context, hidden], 2)))
        if tape is not None and wants_lines(tape):
            self._lines(tape, memory, hidden, outputs)
        return outputs, LuongState(after, None, state.steps + tokens.shape[1])


def _taped(
    decoder: BahdanauDecoder | _Luong,
    memory: AttentionMemory,
    tokens: Tensor,
) -> tuple[Tensor, Tensor]:
    tape = Tape()
    outputs, _ = decoder(memory, decoder.begin(memory), tokens, tape=tape)
    return outputs, tape["attention.weights"]


def _join(steps: Sequence[Tape | None], tape: Tape | None) -> None:
    """Write on ``tape`` what every step wrote, [B 1 …] each, as [B T …]."""
    if tape is None:
        return
    records = [step.records for step in steps if step is not None]
    for name in records[0]:
        tape.record(name, torch.cat([each[name] for each in records], 1))
