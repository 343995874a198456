"""One output for each row, chosen token by token: what greedy, sampling and forcing share.

Letters: V vocabulary size, R rows, N rows still at work, T tokens, S source positions.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from munmaek.arrays import Int64s
from munmaek.decode.hypothesis import Floats, Hypothesis, forbid, limits, normalised
from munmaek.lm import BatchedLanguageModel

__all__ = ["follow", "force", "greedy"]

S = TypeVar("S")


class _Path:
    """One output as it grows."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.attention: list[Floats] = []

    def end(self, *, eos: int, length_penalty: float) -> Hypothesis:
        finished = self.tokens[-1] == eos
        logprob = float(sum(self.logprobs))
        return Hypothesis(
            tokens=tuple(self.tokens[:-1] if finished else self.tokens),
            logprob=logprob,
            score=normalised(logprob, len(self.tokens), length_penalty),
            finished=finished,
            attention=np.stack(self.attention) if self.attention else None,
        )


def follow(
    model: BatchedLanguageModel[S],
    state: S,
    *,
    choose: Callable[[Floats, Int64s, int], Int64s],
    max_length: int | Sequence[int],
    length_penalty: float = 1.0,
) -> list[Hypothesis]:
    """Let ``choose`` pick the next token of every row until all have ended.

    Args:
        model: rows of contexts.
        state: where each of its R rows begins.
        choose: the next tokens [N], from log-probabilities [N, V], the rows [N] that they are of,
            and the number of tokens so far.
        max_length: most predictions of every row or of each, eos included.
        length_penalty: for the scores.
    """
    logprobs = model.logprobs(state)
    longest = limits(max_length, len(logprobs))
    paths = [_Path() for _ in range(len(longest))]
    rows: Int64s = np.arange(len(longest))
    step = 0
    while rows.size:
        tokens = choose(logprobs, rows, step)
        chances = logprobs[np.arange(len(rows)), tokens]
        weights = model.attention(state)
        for place in range(len(rows)):
            path = paths[int(rows[place])]
            path.tokens.append(int(tokens[place]))
            path.logprobs.append(float(chances[place]))
            if weights is not None:
                path.attention.append(weights[place])
        step += 1
        going = np.flatnonzero((tokens != model.eos) & (longest[rows] > step))
        rows = rows[going]
        if rows.size:
            state = model.advance(model.select(state, going), tokens[going])
            logprobs = model.logprobs(state)
    return [path.end(eos=model.eos, length_penalty=length_penalty) for path in paths]


def greedy(
    model: BatchedLanguageModel[S],
    *,
    max_length: int | Sequence[int],
    min_length: int = 0,
    length_penalty: float = 1.0,
    banned: Sequence[int] = (),
) -> list[Hypothesis]:
    """Take the likeliest token at every step: what ``beam_search`` with a beam of one must equal.

    Args:
        model: rows of contexts.
        max_length: most predictions of every row or of each, eos included.
        min_length: fewest tokens before eos.
        length_penalty: as for ``beam_search``; only scores depend on it.
        banned: ids that are never chosen.

    Returns:
        One hypothesis for each row of ``model.start()``.
    """

    def choose(logprobs: Floats, rows: Int64s, step: int) -> Int64s:  # noqa: ARG001
        closed = [*banned, model.eos] if step < min_length else banned
        return forbid(logprobs, closed).argmax(axis=1).astype(np.int64)

    return follow(
        model,
        model.start(),
        choose=choose,
        max_length=max_length,
        length_penalty=length_penalty,
    )


def force(
    model: BatchedLanguageModel[S],
    tokens: Sequence[Sequence[int]],
    *,
    length_penalty: float = 1.0,
) -> list[Hypothesis]:
    """Force outputs that are given: their probability, and the attention.

    Args:
        model: rows of contexts.
        tokens: an output for each row of ``model.start()``, without eos, which is added.
        length_penalty: as for ``beam_search``; only scores depend on it.

    Raises:
        ValueError: the outputs are not one for each row, or one holds eos.
    """
    wanted = [[*given, model.eos] for given in tokens]
    for row, given in enumerate(tokens):
        if model.eos in given:
            message = f"output {row} holds eos ({model.eos}); give it without, it is added"
            raise ValueError(message)

    def choose(logprobs: Floats, rows: Int64s, step: int) -> Int64s:
        if step == 0 and len(logprobs) != len(wanted):
            message = f"wanted an output for each of {len(logprobs)} rows, got {len(wanted)}"
            raise ValueError(message)
        return np.array([wanted[int(row)][step] for row in rows], dtype=np.int64)

    return follow(
        model,
        model.start(),
        choose=choose,
        max_length=max((len(given) for given in wanted), default=1),
        length_penalty=length_penalty,
    )
