r"""Two texts as numbers for an aligner: shortened words, word pairs, and which look alike.

What an aligner of few sentences knows of a word is what it shares with others: words are brought to
lower case and cut after a few letters, so that forms of one word count together (as do eflomal's
options --source-prefix and --target-prefix, Östling & Tiedemann 2016). Pairs of words that look
alike, names and numbers first, are likelier from the start (Melamed 1995).

Letters: N pairs of sentences, C cells (pairs of positions over all sentences), U distinct pairs of
shortened words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.ngram.compiled import compiled

__all__ = ["Bitext", "Cells", "alikeness", "shortened"]

Words = Sequence[Sequence[str]]


def shortened(word: str, letters: int) -> str:
    """Return the first ``letters`` of the word without regard to case."""
    return word.casefold()[:letters]


class Cells(NamedTuple):
    """Sentence pairs one after the other; within one, cell t·S + s is target t and source s."""

    source_sizes: Int64s
    """[N]."""
    target_sizes: Int64s
    """[N]."""
    source_ids: Int64s
    """Source words of all sentences."""
    target_ids: Int64s
    """Target words of all sentences."""
    pairs: Int64s
    """For each cell the number of its word pair, [C]."""


@dataclass(frozen=True, slots=True)
class Bitext:
    """Sentence pairs as numbers of words and of word pairs."""

    source_words: list[str]
    target_words: list[str]
    cells: Cells
    givers: Int64s
    """Source word of each word pair, [U]."""
    takers: Int64s
    """Target word of each word pair, [U]."""

    @classmethod
    def of(cls, sources: Words, targets: Words) -> "Bitext":
        """Number the words of sentences that are shortened already."""
        givers, takers = _numbers(sources), _numbers(targets)
        left = [np.array([givers[word] for word in row], dtype=np.int64) for row in sources]
        right = [np.array([takers[word] for word in row], dtype=np.int64) for row in targets]
        keys = [
            (row[None, :] * len(takers) + column[:, None]).ravel()
            for row, column in zip(left, right, strict=True)
        ]
        unique, pairs = np.unique(np.concatenate(keys), return_inverse=True)
        count = max(len(takers), 1)
        return cls(
            list(givers),
            list(takers),
            Cells(
                np.array([len(row) for row in left], dtype=np.int64),
                np.array([len(row) for row in right], dtype=np.int64),
                np.concatenate(left),
                np.concatenate(right),
                pairs.astype(np.int64),
            ),
            unique // count,
            unique % count,
        )

    def alikeness(self) -> Floats:
        """Return ``alikeness`` of each word pair, [U]."""
        left, right = _letters(self.source_words), _letters(self.target_words)
        out = np.empty(len(self.givers))
        _alike_pairs(*left, *right, self.givers, self.takers, out)
        return out


def alikeness(one: str, other: str) -> float:
    """Return the longest common subsequence over the longer word, in letters (Melamed 1995)."""
    out = np.empty(1)
    zero = np.zeros(1, dtype=np.int64)
    _alike_pairs(*_letters([one]), *_letters([other]), zero, zero, out)
    return float(out[0])


def _numbers(sentences: Words) -> dict[str, int]:
    words = dict.fromkeys(word for sentence in sentences for word in sentence)
    return {word: number for number, word in enumerate(words)}


def _letters(words: Sequence[str]) -> tuple[Int64s, Int64s]:
    """Return the code points of all words, and where each word begins, with the end."""
    points = np.array([ord(letter) for word in words for letter in word], dtype=np.int64)
    return points, np.cumsum([0, *map(len, words)], dtype=np.int64)


@compiled
def _alike_pairs(
    left: Int64s,
    lefts: Int64s,
    right: Int64s,
    rights: Int64s,
    givers: Int64s,
    takers: Int64s,
    out: Floats,
) -> None:
    for pair in range(len(givers)):
        one = left[lefts[givers[pair]] : lefts[givers[pair] + 1]]
        other = right[rights[takers[pair]] : rights[takers[pair] + 1]]
        row = np.zeros(len(other) + 1, dtype=np.int64)
        for letter in one:
            corner = 0
            for at in range(len(other)):
                above = row[at + 1]
                row[at + 1] = corner + 1 if letter == other[at] else max(above, row[at])
                corner = above
        longer = max(len(one), len(other))
        out[pair] = row[-1] / longer if longer else 0.0
