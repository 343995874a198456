"""Texts of an n-gram model drawn by walking its tables, as ``munmaek.ngram.drawing`` does.

Letters: V vocabulary size, R rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from munmaek.arrays import Bools, Floats, Int64s, Uint64s
from munmaek.models.ngram import NgramModel
from munmaek.ngram import fast
from munmaek.ngram.drawing import (
    DrawnRows,
    WalkedArrays,
    block_sums,
    draw_rows,
    node_after,
    uniform,
)
from munmaek.ngram.tables import NgramTables
from munmaek.text.spelling import Spelling, spelling_of

if TYPE_CHECKING:
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = ["Walk", "Walker", "drawn_texts", "keys_of", "walker_of"]

_LONGEST = 4
"""Tokens that a character is spelled in, at most."""
_SUMMED = 1 << 26
"""N-grams at most whose probabilities are summed up beforehand."""
_NEARLY = 1e-3
"""Largest distance from 1 of what probabilities sum to."""


def keys_of(rng: np.random.Generator, count: int) -> Uint64s:
    """Return what chooses the numbers of so many rows."""
    return rng.integers(0, 1 << 64, size=count, dtype=np.uint64)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Walker:
    """A model made ready for its tables to be walked."""

    model: NgramModel
    arrays: WalkedArrays
    spelling: Spelling | None
    never: Bools
    """[V]: the tokens that no text has."""

    def node(self, ids: Sequence[int]) -> int:
        """Return the context after ``ids`` from the beginning of a sentence."""
        node = self.model.bos if self.model.config.order > 1 else -1
        for token in ids[-self.model.config.order :]:
            node = int(node_after(self.arrays, node, token))
        return node


def walker_of(model: "TrainedLanguageModel") -> Walker | None:
    """Return what walks the tables of a model; None of other models than n-grams.

    Tables of a small form are unpacked, so that they give the texts of the fast form, but for those
    of more n-grams than are summed up. Where the probabilities do not sum to 1, as those of plain
    Stupid Backoff, they are not walked either: a draw would not be what it is where the vocabulary
    is summed up.
    """
    chain = model.model
    if not isinstance(chain, NgramModel):
        return None
    tables = chain.tables
    if not isinstance(tables, NgramTables):
        if chain.parameters > _SUMMED:
            return None
        tables = fast(tables)
        chain = replace(chain, tables=tables)
    sums = [np.exp(chain.logprobs(state)).sum() for state in ((), chain.start())]
    if not all(abs(each - 1) < _NEARLY for each in sums):
        return None
    spelling, size = spelling_of(model.tokenizer), chain.vocab_size
    never = np.zeros(size, dtype=np.bool_)
    never[list(model.never_drawn())] = True
    permitted = np.ones((_LONGEST, size), dtype=np.bool_)
    if spelling is not None:
        permitted = np.stack([spelling.allowed(b"", left + 1) for left in range(_LONGEST)])
    arrays = WalkedArrays(
        tables.first,
        tables.words,
        tables.links,
        tables.logprobs,
        tables.backoffs,
        block_sums(tables.logprobs) if len(tables.words) <= _SUMMED else np.empty(0),
        permitted & ~never,
        np.ones(size, dtype=np.bool_) if spelling is None else spelling.whole(),
        chain.eos,
    )
    return Walker(chain, arrays, spelling, never)


@dataclass(slots=True)
class _Row:
    """A text as it grows."""

    tokens: list[int]
    """The prompt, then what was drawn."""
    pending: str | bytes = b""
    """The part of a character so far."""
    ended: bool = False


@dataclass(slots=True, eq=False)
class Walk:
    """Rows of texts that are drawn together, each by its own numbers."""

    walker: Walker
    _rows: list[_Row]
    _state: DrawnRows
    _room: dict[tuple[int, int], tuple[Int64s, Floats]] = field(default_factory=dict[Any, Any])

    @classmethod
    def begun(
        cls,
        walker: Walker,
        prompts: Sequence[Sequence[int]],
        lengths: Sequence[int],
        keys: Uint64s,
    ) -> "Walk":
        """Begin texts.

        Args:
            walker: the model.
            prompts: the ids that each text begins with.
            lengths: tokens that may follow each.
            keys: what chooses the numbers of each: [R].
        """
        nodes = np.array([walker.node(each) for each in prompts], dtype=np.int64)
        state = DrawnRows(
            np.asarray(keys, dtype=np.uint64),
            np.zeros(len(nodes), dtype=np.int64),
            nodes,
            np.array(lengths, dtype=np.int64),
        )
        return cls(walker, [_Row(list(each)) for each in prompts], state)

    def going(self) -> list[int]:
        """Return the rows that have not come to their end."""
        left = self._state.left
        return [place for place, row in enumerate(self._rows) if left[place] and not row.ended]

    def turn(self, rows: Sequence[int], most: int) -> list[tuple[list[int], list[float]]]:
        """Draw the rows on by one to ``most`` tokens each.

        Args:
            rows: some that have not come to their end.
            most: tokens of each.

        Returns:
            The tokens of each row with their natural-log probabilities.
        """
        free = [row for row in rows if not self._rows[row].pending]
        out = self._walked(free, most)
        for row in rows:
            tokens, logprobs = out.setdefault(row, ([], []))
            self._note(row, tokens)
            if not tokens:
                token, logprob = self._stepped(row)
                tokens.append(token)
                logprobs.append(logprob)
        return [out[row] for row in rows]

    def _walked(self, rows: list[int], most: int) -> dict[int, tuple[list[int], list[float]]]:
        if not rows:
            return {}
        keys, used, nodes, left = self._state
        state = DrawnRows(keys[rows], used[rows], nodes[rows], left[rows])
        most = min(most, int(state.left.max()))
        tokens = np.empty((len(rows), most), dtype=np.int64)
        logprobs = np.empty((len(rows), most), dtype=np.float64)
        counts = np.empty(len(rows), dtype=np.int64)
        draw_rows(self.walker.arrays, state, tokens, logprobs, counts)
        used[rows], nodes[rows], left[rows] = state.used, state.nodes, state.left
        return {
            row: (ids[:count], chances[:count])
            for row, ids, chances, count in zip(
                rows, tokens.tolist(), logprobs.tolist(), counts.tolist(), strict=True
            )
        }

    def _note(self, row: int, tokens: Sequence[int]) -> None:
        """Take note of what a row has drawn."""
        one, spelling = self._rows[row], self.walker.spelling
        one.tokens += tokens
        if tokens:
            one.ended = tokens[-1] == self.walker.arrays.eos
            one.pending = b"" if spelling is None else spelling.after(one.pending, tokens[-1])

    def _stepped(self, row: int) -> tuple[int, float]:
        """Draw one token from the whole vocabulary, where few may come."""
        from munmaek.decode.sampling import draw  # scoring needs it not

        walker, state, one = self.walker, self._state, self._rows[row]
        context = walker.model.start()
        for token in one.tokens[-walker.model.config.order :]:
            context = walker.model.advance(context, token)
        logprobs = walker.model.logprobs(context)
        left = int(state.left[row])
        allowed = (
            ~walker.never
            if walker.spelling is None
            else walker.spelling.allowed(one.pending, left) & ~walker.never
        )
        chances = np.where(allowed, logprobs, -np.inf)
        if not np.isfinite(chances).any():  # a model that knows no end of the character
            chances = np.where(allowed, 0.0, -np.inf)
        number = uniform(state.keys[row], state.used[row])
        token = int(draw(chances[None], _Given(np.array([number])))[0])
        state.used[row] += 1
        state.left[row] -= 1
        state.nodes[row] = node_after(walker.arrays, state.nodes[row], token)
        self._note(row, [token])
        return token, float(logprobs[token])


def drawn_texts(
    walker: Walker,
    prompt: Sequence[int],
    rng: np.random.Generator,
    *,
    max_length: int,
    count: int,
) -> list[list[int]]:
    """Draw texts that follow a prompt, in ids without the one that ends them.

    Args:
        walker: the model.
        prompt: ids that every text begins with.
        rng: where chance comes from.
        max_length: tokens of each at most.
        count: texts to draw.
    """
    walk = Walk.begun(walker, [prompt] * count, [max_length] * count, keys_of(rng, count))
    texts: list[list[int]] = [[] for _ in range(count)]
    while rows := walk.going():
        for row, (tokens, _) in zip(rows, walk.turn(rows, max_length), strict=True):
            texts[row] += tokens
    eos = walker.arrays.eos
    return [text[:-1] if text and text[-1] == eos else text for text in texts]


@dataclass(frozen=True, slots=True)
class _Given:
    """Numbers that are given."""

    numbers: Floats

    def random(self, size: int, /) -> Floats:
        """Return them."""
        return self.numbers[:size]
