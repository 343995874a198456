"""Frozen batches: token ids as int64 arrays, the padding id after the tokens of each row.

Letters: B rows of the batch, T positions of its longest row, S positions of its longest source.
``rows`` are the indices that the batch's rows had in the data, so that results find their way back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s

__all__ = [
    "LabelledBatch",
    "PairBatch",
    "SentenceBatch",
    "TaggedBatch",
    "pad_rows",
    "pick",
]

Item = TypeVar("Item")
Label = TypeVar("Label", np.int64, np.float32, np.float64)


def pad_rows(sequences: Sequence[Sequence[int]], pad: int) -> tuple[Int64s, Int64s]:
    """Lay sequences of different lengths in one array.

    Args:
        sequences: B sequences of token ids.
        pad: the id that fills each row after its tokens.

    Returns:
        ids of shape [B, T] and lengths of shape [B], where T is the longest length.
    """
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    width = int(lengths.max(initial=0))
    ids = np.full((len(sequences), width), pad, dtype=np.int64)
    flat = np.fromiter(chain.from_iterable(sequences), dtype=np.int64, count=int(lengths.sum()))
    ids[np.arange(width) < lengths[:, None]] = flat
    return ids, lengths


def pick(items: Sequence[Item], rows: Int64s) -> tuple[Item, ...]:
    """Return the items of those rows, in that order."""
    return tuple([items[row] for row in cast("list[int]", rows.tolist())])


def _padding(tokens: int, slots: int) -> float:
    return 1.0 - tokens / slots if slots else 0.0


@dataclass(frozen=True, slots=True)
class _TextBatch:
    """Rows of tokens, and where they stood in the data."""

    ids: Int64s
    """Token ids [B, T], padding after the tokens."""
    lengths: Int64s
    """Real tokens of each row [B]."""
    rows: Int64s
    """Index of each row in the data [B]."""

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return int(self.lengths.sum())

    @property
    def padding(self) -> float:
        """Fraction of the array that is padding, within 0 and 1."""
        return _padding(self.tokens, self.ids.size)


@dataclass(frozen=True, slots=True)
class SentenceBatch(_TextBatch):
    """Sentences that go through a network together."""

    @classmethod
    def gather(cls, sequences: Sequence[Sequence[int]], rows: Int64s, pad: int) -> "SentenceBatch":
        """Return the batch of ``sequences[row]`` for each of ``rows``."""
        ids, lengths = pad_rows(pick(sequences, rows), pad)
        return cls(ids, lengths, rows)


@dataclass(frozen=True, slots=True)
class LabelledBatch(_TextBatch, Generic[Label]):
    """Texts, or pairs of texts, with a class or a number each."""

    labels: NDArray[Label]
    """Class or number of each row [B], or the probability of each of its classes [B, C]."""
    splits: Int64s | None = None
    """Tokens of each row's first text [B], where the network tells the texts of pairs apart."""

    @classmethod
    def gather(
        cls,
        sequences: Sequence[Sequence[int]],
        labels: NDArray[Label],
        rows: Int64s,
        pad: int,
        *,
        splits: Int64s | None = None,
    ) -> "LabelledBatch[Label]":
        """Return the batch of ``sequences[row]`` and ``labels[row]`` for each of ``rows``."""
        ids, lengths = pad_rows(pick(sequences, rows), pad)
        return cls(ids, lengths, rows, labels[rows], None if splits is None else splits[rows])


@dataclass(frozen=True, slots=True)
class TaggedBatch(_TextBatch):
    """Sentences with a class for some of their tokens."""

    labels: Int64s
    """Class of each token, −1 where it has none [B, T]."""


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Source sentences with the target of each."""

    source: Int64s
    """Token ids [B, S], padding after the tokens."""
    source_lengths: Int64s
    """Real tokens of each source [B]."""
    target: Int64s
    """Token ids [B, T], padding after the tokens."""
    target_lengths: Int64s
    """Real tokens of each target [B]."""
    rows: Int64s
    """Index of each pair in the data [B]."""

    @classmethod
    def gather(
        cls,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        rows: Int64s,
        pad: int,
    ) -> "PairBatch":
        """Return the batch of ``sources[row]`` and ``targets[row]`` for each of ``rows``."""
        source, source_lengths = pad_rows(pick(sources, rows), pad)
        target, target_lengths = pad_rows(pick(targets, rows), pad)
        return cls(source, source_lengths, target, target_lengths, rows)

    @property
    def tokens(self) -> int:
        """Real tokens of both sides, padding not counted."""
        return int(self.source_lengths.sum() + self.target_lengths.sum())

    @property
    def padding(self) -> float:
        """Fraction of both arrays that is padding, within 0 and 1."""
        return _padding(self.tokens, self.source.size + self.target.size)
