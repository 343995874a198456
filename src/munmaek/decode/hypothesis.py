"""Results of decoding, and the steps that all ways of decoding share.

Letters: V vocabulary size, N hypotheses held at once, T tokens, S source positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s

__all__ = [
    "Floats",
    "History",
    "Hypothesis",
    "forbid",
    "limits",
    "normalised",
]

Floats: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output of a model."""

    tokens: tuple[int, ...]
    """Without eos, and without the prompt."""
    logprob: float
    """Nats, summed over the tokens and the eos of a finished one, as the model gave them."""
    score: float
    """``logprob`` normalised for length; what hypotheses are ranked by."""
    finished: bool
    """It ended in eos, rather than being cut off at the longest length."""
    attention: NDArray[np.float32] | None = None
    """Weights over source positions behind each prediction, eos included: [T (+ 1), S].

    Columns past the end of a row's own source are those of the batch's padding.
    """


class History:
    """The history of N hypotheses, as back-pointers; shared prefixes are stored once."""

    def __init__(self) -> None:
        self._parents: list[Int64s] = []
        self._tokens: list[Int64s] = []
        self._attention: list[NDArray[np.float32] | None] = []

    def attend(self, weights: NDArray[np.float32] | None) -> None:
        """Keep the weights [N, S] behind the coming prediction of each of the N held now."""
        self._attention.append(weights)

    def grow(self, parents: Int64s, tokens: Int64s) -> None:
        """Hold from now on ``parents`` of the hypotheses held before, plus ``tokens``."""
        self._parents.append(parents)
        self._tokens.append(tokens)

    def tokens(self, row: int) -> tuple[int, ...]:
        """Return all tokens of hypothesis ``row``."""
        out: list[int] = []
        for parents, tokens in zip(reversed(self._parents), reversed(self._tokens), strict=True):
            out.append(int(tokens[row]))
            row = int(parents[row])
        return tuple(reversed(out))

    def attention(self, row: int) -> NDArray[np.float32] | None:
        """Return the weights behind every prediction of ``row``, the coming one too: [T + 1, S]."""
        out: list[NDArray[np.float32]] = []
        for step in reversed(range(len(self._attention))):
            if step < len(self._parents):
                row = int(self._parents[step][row])
            weights = self._attention[step]
            if weights is None:
                return None
            out.append(weights[row])
        return np.stack(out[::-1])


def limits(max_length: int | Sequence[int], rows: int) -> Int64s:
    """Return the longest length of each row: [rows]."""
    out = np.asarray(max_length, dtype=np.int64)
    if out.ndim == 0:
        out = np.full(rows, out)
    if out.shape != (rows,):
        message = f"max_length must be one number or one for each of {rows} rows, got {out.size}"
        raise ValueError(message)
    if rows and int(out.min()) < 1:
        message = f"max_length must be at least 1, got {int(out.min())}"
        raise ValueError(message)
    return out


def forbid(logprobs: Floats, tokens: Sequence[int]) -> Floats:
    """Return ``logprobs`` [N, V] with ``tokens`` at −∞; the rest is not normalised again."""
    if not tokens:
        return logprobs
    out = logprobs.copy()
    out[:, list(tokens)] = -np.inf
    return out


def normalised(logprob: float, length: int, length_penalty: float) -> float:
    """Return ``logprob / length ** length_penalty``; ``length`` counts eos too."""
    return logprob / float(length) ** length_penalty
