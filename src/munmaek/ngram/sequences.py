"""Many sequences of token ids as one flat array: what every kernel reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.errors import InputError

__all__ = ["TokenIds", "check_range", "check_text", "flatten", "predictable_ids", "sequence_of"]


@dataclass(frozen=True, slots=True)
class TokenIds:
    """The size of a vocabulary, and its ids that are more than words."""

    vocab_size: int
    """V; ids that never occur share what smoothing sets aside evenly."""
    bos: int
    """The id that begins a sentence; never predicted."""
    eos: int
    """The id that ends one; predicted after every sequence, empty ones too."""
    unk: int | None = None
    """The id for words outside the vocabulary; an ordinary id where the text has it."""
    excluded: Sequence[int] = ()
    """Further ids that are never predicted, such as padding."""

    @property
    def predictable(self) -> NDArray[np.bool_]:
        """Ids that are ever predicted, and have a share of the uniform distribution: [V]."""
        return predictable_ids(self.vocab_size, (self.bos, *self.excluded))


def flatten(sequences: Sequence[Sequence[int] | NDArray[Any]]) -> tuple[Int64s, Int64s]:
    """Concatenate.

    Returns:
        ids [N], and offsets [S + 1]: sequence s is ``ids[offsets[s] : offsets[s + 1]]``.
    """
    offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    total = int(offsets[-1])
    if total and isinstance(sequences[0], np.ndarray):
        arrays = [np.asarray(sequence, dtype=np.int64) for sequence in sequences]
        return np.concatenate(arrays), offsets
    return np.fromiter(chain.from_iterable(sequences), dtype=np.int64, count=total), offsets


def sequence_of(offsets: Int64s, position: int) -> int:
    """Return the index of the sequence that holds flat ``position``."""
    return int(np.searchsorted(offsets, position, side="right")) - 1


def check_range(ids: NDArray[np.integer[Any]], offsets: Int64s, vocab_size: int) -> None:
    """Refuse ids outside the vocabulary.

    Raises:
        InputError: names the first such id and its sequence.
    """
    if ids.size and (ids.min() < 0 or ids.max() >= vocab_size):
        position = int(np.argmax((ids < 0) | (ids >= vocab_size)))
        message = (
            f"sequence {sequence_of(offsets, position)}: token id {ids[position]} is outside the "
            f"vocabulary of {vocab_size}; encode with the tokenizer the model was made with"
        )
        raise InputError(message)


def predictable_ids(vocab_size: int, never: Sequence[int]) -> NDArray[np.bool_]:
    """Return which ids are ever predicted: all but ``never``, shape [V]."""
    predictable = np.ones(vocab_size, dtype=np.bool_)
    predictable[list(never)] = False
    return predictable


def check_text(
    ids: NDArray[np.integer[Any]], offsets: Int64s, predictable: NDArray[np.bool_], eos: int
) -> None:
    """Refuse what cannot be counted.

    Raises:
        InputError: no sequences, ids outside the vocabulary, or reserved ones; names the first.
    """
    if len(offsets) < 2:
        message = "the corpus is empty: 0 sequences; give at least one to count"
        raise InputError(message)
    check_range(ids, offsets, len(predictable))
    refused = ~predictable
    refused[eos] = True
    found = refused[ids]
    if found.any():
        position = int(np.argmax(found))
        message = (
            f"sequence {sequence_of(offsets, position)}: token id {ids[position]} is reserved "
            "(a sentence boundary or an excluded id); leave it out, boundaries are added here"
        )
        raise InputError(message)
