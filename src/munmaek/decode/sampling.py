"""Outputs drawn at random from a model.

Letters: V vocabulary size, N rows at work, T tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.decode.hypothesis import Floats, Hypothesis, forbid
from munmaek.decode.path import follow
from munmaek.decode.ranking import row_count
from munmaek.lm import BatchedLanguageModel
from munmaek.text.spelling import Spelling

__all__ = ["Chance", "Drawing", "draw", "keep_likeliest", "keep_mass", "sample"]

S = TypeVar("S")


def keep_likeliest(logprobs: Floats, count: int) -> Floats:
    """Keep the ``count`` likeliest of each row [N, V], the rest at −∞: top-k (Fan et al. 2018).

    Ties at the border all stay.
    """
    if count >= logprobs.shape[1]:
        return logprobs
    border = np.partition(logprobs, -count, axis=1)[:, -count, None]
    return np.where(logprobs >= border, logprobs, -np.inf)


def keep_mass(logprobs: Floats, mass: float) -> Floats:
    """Keep the fewest tokens that hold ``mass``, the rest at −∞: top-p (Holtzman et al. 2020).

    The mass is a share of what is still allowed, so it also follows after ``keep_likeliest``.
    """
    order = np.argsort(-logprobs, axis=1, kind="stable")
    chances = np.take_along_axis(_chances(logprobs), order, axis=1)
    before = np.cumsum(chances, axis=1) - chances
    keep = np.empty(logprobs.shape, dtype=np.bool_)
    # The likeliest always stays: no mass lies before it.
    np.put_along_axis(keep, order, before < mass, axis=1)
    return np.where(keep, logprobs, -np.inf)


def _highest(logprobs: Floats) -> Floats:
    """Return the highest logarithm of each row: [N, 1].

    Raises:
        ValueError: a row in which nothing may follow.
    """
    highest = logprobs.max(axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        message = "no token is left to draw: all are banned or have no probability"
        raise ValueError(message)
    return highest


def _chances(logprobs: Floats) -> NDArray[np.float64]:
    """Return the probabilities that sum to 1 in each row, from logarithms that need not."""
    highest = _highest(logprobs)
    out = np.exp((logprobs - highest).astype(np.float64))
    return out / out.sum(axis=1, keepdims=True)


class Chance(Protocol):
    """The source of chance, as ``numpy.random.Generator`` is."""

    def random(self, size: int, /) -> NDArray[np.float64]:
        """Return so many numbers from [0, 1), one for each row that is drawn."""
        ...


def draw(logprobs: Floats, rng: Chance) -> Int64s:
    """Draw one token for each row [N, V], by inverting its distribution function.

    Raises:
        ValueError: a row in which nothing may follow.
    """
    reached = np.cumsum(_chances(logprobs), axis=1)
    # Below the whole mass even after rounding, so that a token without probability never comes.
    aim = np.minimum(rng.random(len(reached)) * reached[:, -1], np.nextafter(reached[:, -1], 0))
    return (reached <= aim[:, None]).sum(axis=1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Options of drawing tokens from a model's distributions."""

    rng: Chance
    """The source of chance."""
    max_length: int | Sequence[int]
    """Most predictions of every row or of each, eos included, prompt excluded."""
    temperature: float = 1.0
    """Logarithms are divided by it first: below 1 sharper, above 1 flatter; 0 is greedy."""
    top_k: int | None = None
    """Then draw among this many likeliest tokens."""
    top_p: float | None = None
    """Then among the fewest that hold this share of what is left."""
    min_length: int = 0
    """Fewest tokens before eos."""
    banned: Sequence[int] = ()
    """Ids that are never drawn."""
    spelling: Spelling | None = None
    """The tokens that may follow, so that every output is whole characters; the prompt is."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ValueError: an option out of range.
        """
        if not self.temperature >= 0:
            message = f"temperature must be 0 or above, got {self.temperature}"
            raise ValueError(message)
        if self.top_k is not None and self.top_k < 1:
            message = f"top_k must be at least 1, got {self.top_k}"
            raise ValueError(message)
        if self.top_p is not None and not 0 < self.top_p <= 1:
            message = f"top_p must be above 0 and at most 1, got {self.top_p}"
            raise ValueError(message)

    def chooser(self, eos: int) -> Callable[[Floats, Int64s, int], Int64s]:
        """Return what chooses the next tokens of outputs that begin, for ``decode.path.follow``."""
        writing = None if self.spelling is None else _Writing(self.spelling, self.max_length)

        def choose(logprobs: Floats, rows: Int64s, step: int) -> Int64s:
            closed = [*self.banned, eos] if step < self.min_length else self.banned
            left = forbid(logprobs, closed)
            left = left if writing is None else writing.keep_spellable(left, rows, step)
            tokens = self._drawn(left)
            if writing is not None:
                writing.go_on(rows, tokens)
            return tokens

        return choose

    def _drawn(self, logprobs: Floats) -> Int64s:
        if not self.temperature:
            _highest(logprobs)
            return logprobs.argmax(axis=1).astype(np.int64)
        left = logprobs / self.temperature
        left = left if self.top_k is None else keep_likeliest(left, self.top_k)
        left = left if self.top_p is None else keep_mass(left, self.top_p)
        return draw(left, self.rng)


def sample(
    model: BatchedLanguageModel[S], drawing: Drawing, *, prompt: Sequence[int] = ()
) -> list[Hypothesis]:
    """Draw one output for each row of ``model.start()``.

    Args:
        model: rows of contexts.
        drawing: how tokens are drawn.
        prompt: tokens that every row reads first.

    Returns:
        What follows the prompt; ``logprob`` is the model's own, before temperature and cuts.
    """
    return follow(
        model,
        _read(model, prompt),
        choose=drawing.chooser(model.eos),
        max_length=drawing.max_length,
    )


def _read(model: BatchedLanguageModel[S], prompt: Sequence[int]) -> S:
    """Return the state of every row after the same ``prompt``."""
    state = model.start()
    rows = row_count(model, state) if prompt else 0
    for token in prompt:
        state = model.advance(state, np.full(rows, token, dtype=np.int64))
    return state


class _Writing:
    """The character that each row has begun."""

    def __init__(self, spelling: Spelling, max_length: int | Sequence[int]) -> None:
        self._spelling = spelling
        self._longest = np.asarray(max_length, dtype=np.int64)
        self._pending: dict[int, str | bytes] = {}

    def keep_spellable(self, logprobs: Floats, rows: Int64s, step: int) -> Floats:
        """Return the logprobs with what makes no whole character at −∞."""
        out = logprobs.copy()
        for place, row in enumerate(rows.tolist()):
            longest = int(self._longest if self._longest.ndim == 0 else self._longest[row])
            allowed = self._spelling.allowed(self._pending.get(row, b""), longest - step)
            out[place] = np.where(allowed, out[place], -np.inf)
            if not np.isfinite(out[place]).any():  # a model that knows no end of it
                out[place] = np.where(allowed, 0.0, -np.inf)
        return out

    def go_on(self, rows: Int64s, tokens: Int64s) -> None:
        """Take note of the tokens chosen."""
        for row, token in zip(rows.tolist(), tokens.tolist(), strict=True):
            self._pending[row] = self._spelling.after(self._pending.get(row, b""), token)
