"""The text that an n-gram model was counted from, kept beside its tables.

With it a model can show the lines an n-gram stands in and the counts behind its numbers, match
contexts longer than its order, and take more text as if it had been there from the beginning.
It takes two bytes a token for vocabularies up to 65,536 and four above, and eight a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ArtefactError
from munmaek.ngram import flatten

__all__ = ["TrainingText"]

Ids = NDArray[np.integer[Any]]

_NAMES = ("ids", "offsets", "lines")
_UNFIT = "training text: its tensors do not fit one another; take the model from a good copy"


@final
@dataclass(frozen=True, slots=True, eq=False)
class TrainingText:
    """Token ids of all sentences, without their boundaries."""

    ids: Ids
    """[T]: sentences end to end."""
    offsets: Ids
    """[S + 1]: limits of the sentences."""
    lines: Ids
    """[S]: the number of each line in the data, from 1, all files counted on."""

    @classmethod
    def of(
        cls,
        sequences: Sequence[Sequence[int] | NDArray[Any]],
        *,
        lines: Sequence[int] | NDArray[Any],
        vocab_size: int,
    ) -> "TrainingText":
        """Hold sequences in as few bytes as their ids need."""
        ids, offsets = flatten(sequences)
        return cls.of_flat(ids, offsets, lines=lines, vocab_size=vocab_size)

    @classmethod
    def of_flat(
        cls,
        ids: Ids,
        offsets: Ids,
        *,
        lines: Sequence[int] | NDArray[Any],
        vocab_size: int,
    ) -> "TrainingText":
        """Make it as ``of`` does from sequences that lie end to end.

        Sequence s is ``ids[offsets[s] : offsets[s + 1]]``.
        """
        narrow = np.uint16 if vocab_size <= 1 << 16 else np.int32
        return cls(ids.astype(narrow, copy=False), _counting(offsets), _counting(np.asarray(lines)))

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(array.nbytes for array in self.tensors().values())

    def sentence(self, index: int) -> list[int]:
        """Return the ids of one sentence."""
        return self.ids[int(self.offsets[index]) : int(self.offsets[index + 1])].tolist()

    def extended(self, sequences: Sequence[Sequence[int]]) -> "TrainingText":
        """Return this text with further sentences, whose lines are counted on."""
        ids, offsets = flatten(sequences)
        limits = np.concatenate([self.offsets, offsets[1:] + int(self.offsets[-1])])
        last = int(self.lines[-1]) if len(self.lines) else 0
        lines = np.concatenate([self.lines, last + 1 + np.arange(len(sequences))])
        return TrainingText(
            np.concatenate([self.ids, ids.astype(self.ids.dtype)]),
            _counting(limits),
            _counting(lines),
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> "TrainingText":
        """Make it from ``tensors``, which may be memory-mapped and are not copied.

        Raises:
            ArtefactError: a tensor is missing, or they do not fit one another.
        """
        missing = [name for name in _NAMES if name not in tensors]
        if missing:
            message = f"training text: tensor '{missing[0]}' is missing; save the model again"
            raise ArtefactError(message)
        text = cls(*(tensors[name] for name in _NAMES))
        plain = all(tensors[name].ndim == 1 and tensors[name].dtype.kind in "iu" for name in _NAMES)
        fits = plain and len(text.offsets) == len(text.lines) + 1
        if not fits or text.offsets[0] != 0 or int(text.offsets[-1]) != len(text.ids):
            raise ArtefactError(_UNFIT)
        return text

    def verify(self, *, vocab_size: int) -> None:
        """Read every array and check that all fits together.

        Raises:
            ArtefactError: sentences that end before they begin, or ids outside the vocabulary.
        """
        rising = bool((self.offsets[1:] >= self.offsets[:-1]).all())
        if not rising or int(self.ids.max(initial=0)) >= vocab_size or (self.ids < 0).any():
            raise ArtefactError(_UNFIT)


def _counting(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers as 32-bit integers where they fit."""
    small = not len(numbers) or int(numbers.max()) < 1 << 32
    return numbers.astype(np.uint32 if small else np.int64)
