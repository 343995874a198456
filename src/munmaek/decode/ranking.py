"""The likeliest next tokens, from a model that ranks them itself or from all log-probabilities.

Letters: N rows, V vocabulary size, K tokens wanted.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from munmaek.arrays import Int64s
from munmaek.decode.hypothesis import Floats, forbid
from munmaek.lm import BatchedLanguageModel

__all__ = ["CountingModel", "RankingModel", "likeliest", "rank", "row_count"]

S = TypeVar("S")


@runtime_checkable
class CountingModel(Protocol):
    """A ``BatchedLanguageModel`` that knows how many rows a state holds."""

    def row_count(self, state: Any) -> int:
        """Return N of a state."""
        ...


@runtime_checkable
class RankingModel(CountingModel, Protocol):
    """A ``BatchedLanguageModel`` that need not give all log-probabilities for a few of them."""

    def likeliest(self, state: Any, count: int, *, closed: Sequence[int]) -> tuple[Floats, Int64s]:
        """Give ``rank(logprobs(state), count, closed=closed)`` as far as it is above −∞."""
        ...


def row_count(model: BatchedLanguageModel[S], state: S) -> int:
    """Return rows that a state holds; a model that cannot say computes all log-probabilities."""
    if isinstance(model, CountingModel):
        return model.row_count(state)
    return len(model.logprobs(state))


def likeliest(
    model: BatchedLanguageModel[S], state: S, count: int, *, closed: Sequence[int] = ()
) -> tuple[Floats, Int64s]:
    """Return the log-probability and id of the likeliest next tokens of each row, [N, K].

    Args:
        model: rows of contexts.
        state: where they stand.
        count: tokens wanted; there are never more than the vocabulary holds.
        closed: ids that are left out; the rest is not normalised again.
    """
    count = min(count, model.vocab_size)
    if isinstance(model, RankingModel):
        return model.likeliest(state, count, closed=closed)
    return rank(model.logprobs(state), count, closed=closed)


def rank(logprobs: Floats, count: int, *, closed: Sequence[int] = ()) -> tuple[Floats, Int64s]:
    """Rank the ``count`` likeliest tokens of each row [N, V], ties by id: values and ids."""
    # Passes of argmax are faster than one partition, and know which of equals comes first.
    rest = forbid(logprobs, closed)
    if count > 1 and rest is logprobs:
        rest = logprobs.copy()
    lines = np.arange(len(rest))
    tokens = np.empty((len(rest), count), dtype=np.int64)
    values = np.empty((len(rest), count), dtype=rest.dtype)
    for place in range(count):
        tokens[:, place] = rest.argmax(axis=1)
        values[:, place] = rest[lines, tokens[:, place]]
        if count > 1:
            rest[lines, tokens[:, place]] = -np.inf
    return values, tokens
