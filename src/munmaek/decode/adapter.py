"""The batched form of any language model, from its single form."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s
from munmaek.lm import BatchedLanguageModel, LanguageModel

__all__ = ["from_single"]

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class _Rows(Generic[S]):
    """Rows are independent states of one single model; a state is their tuple."""

    model: LanguageModel[S]
    rows: int

    @property
    def vocab_size(self) -> int:
        return self.model.vocab_size

    @property
    def eos(self) -> int:
        return self.model.eos

    def start(self) -> tuple[S, ...]:
        starts: list[S] = [self.model.start() for _ in range(self.rows)]
        return tuple(starts)

    def logprobs(self, state: tuple[S, ...]) -> Floats:
        if not state:
            return np.empty((0, self.model.vocab_size))
        return np.stack([self.model.logprobs(row) for row in state])

    def advance(self, state: tuple[S, ...], tokens: Int64s) -> tuple[S, ...]:
        pairs = zip(state, tokens.tolist(), strict=True)
        return tuple(self.model.advance(row, token) for row, token in pairs)

    def select(self, state: tuple[S, ...], rows: Int64s) -> tuple[S, ...]:
        return tuple([state[int(row)] for row in rows])

    def attention(self, state: tuple[S, ...]) -> NDArray[np.float32] | None:  # noqa: ARG002
        return None

    def row_count(self, state: tuple[S, ...]) -> int:
        return len(state)


def from_single(model: LanguageModel[S], *, rows: int = 1) -> BatchedLanguageModel[tuple[S, ...]]:
    """Advance ``rows`` contexts of one model, one by one.

    The slow, obvious twin of a model's own batched form, and the way in for models without one.
    """
    if rows < 1:
        message = f"rows must be at least 1, got {rows}"
        raise ValueError(message)
    return _Rows(model, rows)
