"""Texts that a language model continues together, each by chance of its own.

Letters: V vocabulary size, N rows at work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s
from munmaek.decode.sampling import Drawing
from munmaek.tasks.lm.completing import CompletionOptions, Drawn, likeliest
from munmaek.tasks.lm.walking import Walk, Walker, keys_of
from munmaek.text.spelling import spelling_of

if TYPE_CHECKING:
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = ["Continuation", "begun"]

Asked: TypeAlias = Sequence[tuple[Sequence[int], CompletionOptions]]
"""Prompts in ids, each with how it is to be continued."""

AHEAD = 256
"""Tokens of a row that are drawn in one turn, where that is cheap."""


class Continuation:
    """Texts that grow together; what each becomes does not depend on the others."""

    def __init__(self, walked: "_Walked | None", stepped: "_Stepped | None", rows: Int64s) -> None:
        """Put together rows that walk tables and rows that go token by token.

        Args:
            walked: rows of the first kind.
            stepped: rows of the second.
            rows: the place of each row within its kind, negative and one lower in the second.
        """
        self._walked, self._stepped, self._rows = walked, stepped, rows

    def turn(self, rows: Sequence[int]) -> list[Drawn]:
        """Draw the next token of rows, or more; those left out once are never drawn again.

        Args:
            rows: numbers of texts, in the order in which they were asked for, none of which has
                come to its end.
        """
        places = self._rows[list(rows)]
        out: list[Any] = [None] * len(rows)
        for part, own, sign in ((self._walked, places >= 0, 1), (self._stepped, places < 0, -1)):
            chosen = np.flatnonzero(own)
            if part is None or not len(chosen):
                continue
            within = places[chosen] if sign > 0 else -1 - places[chosen]
            for place, drawn in zip(chosen.tolist(), part.turn(within.tolist()), strict=True):
                out[place] = drawn
        return out


def begun(model: "TrainedLanguageModel", walker: Walker | None, asked: Asked) -> Continuation:
    """Begin texts that are continued together.

    Args:
        model: what continues them.
        walker: the same model, where its tables can be walked.
        asked: how each text begins and what is wanted of it.
    """
    walks = [walker is not None and plainly(options) for _, options in asked]
    places = np.empty(len(asked), dtype=np.int64)
    places[walks] = np.arange(sum(walks))
    stepping = ~np.array(walks, dtype=np.bool_)
    places[stepping] = -1 - np.arange(int(stepping.sum()))
    first = [each for each, walk in zip(asked, walks, strict=True) if walk]
    others = [each for each, walk in zip(asked, walks, strict=True) if not walk]
    return Continuation(
        _Walked(model, walker, first) if first and walker is not None else None,
        _Stepped(model, others) if others else None,
        places,
    )


def plainly(options: CompletionOptions) -> bool:
    """Return whether tokens are drawn by the model's own probabilities."""
    return options.temperature == 1 and options.top_k is None and options.top_p == 1


class _Walked:
    """Rows of an n-gram model whose tables are walked."""

    def __init__(self, model: "TrainedLanguageModel", walker: Walker, asked: Asked) -> None:
        keys = [keys_of(np.random.default_rng(options.seed), 1)[0] for _, options in asked]
        prompts, lengths = [ids for ids, _ in asked], [options.max_tokens for _, options in asked]
        self._model, self._chain = model, walker.model
        self._walk = Walk.begun(walker, prompts, lengths, np.array(keys, dtype=np.uint64))
        self._counts = [options.logprobs for _, options in asked]
        self._contexts = [self._read(walker.model.start(), ids) for ids in prompts]

    def _read(self, context: Any, ids: Sequence[int]) -> Any:
        for token in ids[-self._chain.config.order :]:
            context = self._chain.advance(context, token)
        return context

    def turn(self, rows: Sequence[int]) -> list[Drawn]:
        return [
            Drawn(tokens, logprobs, self._tops(row, tokens))
            for row, (tokens, logprobs) in zip(rows, self._walk.turn(rows, AHEAD), strict=True)
        ]

    def _tops(self, row: int, tokens: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
        if not self._counts[row]:
            return []
        out = list[tuple[tuple[str, float], ...]]()
        for token in tokens:
            logprobs = self._chain.logprobs(self._contexts[row])
            out.append(likeliest(self._model, logprobs, self._counts[row]))
            self._contexts[row] = self._chain.advance(self._contexts[row], token)
        return out


@dataclass(slots=True)
class _Several:
    """The chances of the rows that are drawn at present."""

    chances: Sequence[np.random.Generator]
    rows: Sequence[int] = ()

    def random(self, size: int, /) -> NDArray[np.float64]:
        """Return the next number of each row."""
        assert size == len(self.rows)
        return np.array([self.chances[row].random() for row in self.rows])


class _Stepped:
    """Rows of any model, which go on in lockstep: first through their prompts, then drawing."""

    def __init__(self, model: "TrainedLanguageModel", asked: Asked) -> None:
        self._model, self._asked = model, asked
        self._rows: Any = model.rows(len(asked))
        self._state = self._rows.start()
        self._live: Int64s = np.arange(len(asked))
        self._step = 0
        self._next = np.zeros(len(asked), dtype=np.int64)
        self._chances = _Several([np.random.default_rng(each.seed) for _, each in asked])
        self._choosers = {_way(each): self._chooser(each) for _, each in asked}

    def _chooser(self, options: CompletionOptions) -> Any:
        drawing = Drawing(
            self._chances,
            [len(ids) + max(each.max_tokens, 1) for ids, each in self._asked],
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p if options.top_p < 1 else None,
            banned=self._model.never_drawn(),
            spelling=spelling_of(self._model.tokenizer),
        )
        return drawing.chooser(self._rows.eos)

    def turn(self, rows: Sequence[int]) -> list[Drawn]:
        """Draw one token of those rows whose prompts are read, after at least one is."""
        self._keep(rows)
        drawn = dict[int, Drawn]()
        while not drawn:
            if self._step:
                self._state = self._rows.advance(self._state, self._next[self._live])
            live: list[int] = self._live.tolist()
            reads = np.array([len(self._asked[row][0]) > self._step for row in live])
            for row in live:
                if len(self._asked[row][0]) > self._step:
                    self._next[row] = self._asked[row][0][self._step]
            if not reads.all():
                drawn = self._drawn(self._rows.logprobs(self._state), ~reads)
            self._step += 1
        return [drawn.get(row, Drawn((), ())) for row in rows]

    def _keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        going = np.flatnonzero(np.isin(self._live, np.array(rows, dtype=np.int64)))
        if len(going) < len(self._live):
            self._state = self._rows.select(self._state, going)
            self._live = self._live[going]

    def _drawn(self, logprobs: Floats, drawing: NDArray[np.bool_]) -> dict[int, Drawn]:
        """Draw a token for each row of those at work [N]."""
        out, ways = dict[int, Drawn](), dict[Any, list[int]]()
        live: list[int] = self._live.tolist()
        for place in np.flatnonzero(drawing).tolist():
            ways.setdefault(_way(self._asked[live[place]][1]), []).append(place)
        for way, places in ways.items():
            rows = self._live[places]
            self._chances.rows = [live[place] for place in places]
            self._next[rows] = self._choosers[way](logprobs[places], rows, self._step)
            for place in places:
                row = live[place]
                token, options = int(self._next[row]), self._asked[row][1]
                count = options.logprobs
                top = [likeliest(self._model, logprobs[place], count)] if count else []
                out[row] = Drawn([token], [float(logprobs[place, token])], top)
        return out


def _way(options: CompletionOptions) -> tuple[float, int | None, float]:
    """Return what tokens are drawn by."""
    return options.temperature, options.top_k, options.top_p
