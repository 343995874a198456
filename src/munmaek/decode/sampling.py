"""Outputs drawn at random from a model.

Letters: V vocabulary size, N rows at work, T tokens.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.decode.hypothesis import Floats, Hypothesis, forbid
from munmaek.decode.path import follow
from munmaek.decode.ranking import row_count
from munmaek.lm import BatchedLanguageModel
from munmaek.text.spelling import Spelling

__all__ = ["keep_likeliest", "keep_mass", "sample"]

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


def _chances(logprobs: Floats) -> NDArray[np.float64]:
    """Return the probabilities that sum to 1 in each row, from logarithms that need not."""
    highest = logprobs.max(axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        message = "no token is left to draw: all are banned or have no probability"
        raise ValueError(message)
    out = np.exp((logprobs - highest).astype(np.float64))
    return out / out.sum(axis=1, keepdims=True)


def _draw(logprobs: Floats, rng: np.random.Generator) -> Int64s:
    """Draw one token for each row, by inverting its distribution function."""
    reached = np.cumsum(_chances(logprobs), axis=1)
    # Below the whole mass even after rounding, so that a token without probability never comes.
    aim = np.minimum(rng.random(len(reached)) * reached[:, -1], np.nextafter(reached[:, -1], 0))
    return (reached <= aim[:, None]).sum(axis=1).astype(np.int64)


def sample(
    model: BatchedLanguageModel[S],
    *,
    rng: np.random.Generator,
    max_length: int | Sequence[int],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    prompt: Sequence[int] = (),
    min_length: int = 0,
    banned: Sequence[int] = (),
    spelling: Spelling | None = None,
) -> list[Hypothesis]:
    """Draw one output for each row of ``model.start()``.

    Args:
        model: rows of contexts.
        rng: where chance comes from.
        max_length: most predictions of every row or of each, eos included, prompt excluded.
        temperature: logarithms are divided by it first: below 1 sharper, above 1 flatter.
        top_k: then draw among this many likeliest tokens.
        top_p: then among the fewest that hold this share of what is left.
        prompt: tokens that every row reads first.
        min_length: fewest tokens before eos.
        banned: ids that are never drawn.
        spelling: which tokens may follow, so that every output is whole characters; the prompt is.

    Returns:
        What follows the prompt; ``logprob`` is the model's own, before temperature and cuts.

    Raises:
        ValueError: an option out of range.
    """
    _check(temperature, top_k, top_p)
    writing = None if spelling is None else _Writing(spelling, max_length)

    def choose(logprobs: Floats, rows: Int64s, step: int) -> Int64s:
        left = forbid(logprobs, [*banned, model.eos] if step < min_length else banned)
        left = left if writing is None else writing.keep_spellable(left, rows, step)
        left = left / temperature
        left = left if top_k is None else keep_likeliest(left, top_k)
        left = left if top_p is None else keep_mass(left, top_p)
        tokens = _draw(left, rng)
        if writing is not None:
            writing.go_on(rows, tokens)
        return tokens

    state = model.start()
    rows = row_count(model, state) if prompt else 0
    for token in prompt:
        state = model.advance(state, np.full(rows, token, dtype=np.int64))
    return follow(model, state, choose=choose, max_length=max_length)


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


def _check(temperature: float, top_k: int | None, top_p: float | None) -> None:
    if not temperature > 0:
        message = f"temperature must be above 0, got {temperature}; for the likeliest use greedy"
        raise ValueError(message)
    if top_k is not None and top_k < 1:
        message = f"top_k must be at least 1, got {top_k}"
        raise ValueError(message)
    if top_p is not None and not 0 < top_p <= 1:
        message = f"top_p must be above 0 and at most 1, got {top_p}"
        raise ValueError(message)
