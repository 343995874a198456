r"""Two texts as numbers for an aligner: shortened words, word pairs, and which look alike.

What an aligner of few sentences knows of a word is what it shares with others: words are brought to
lower case and cut after a few letters, so that forms of one word count together (as do eflomal's
options --source-prefix and --target-prefix, Östling & Tiedemann 2016). Pairs of words that look
alike, names and numbers first, are likelier from the start (Melamed 1995).

Word pairs are numbered by source word, then by target word. All pairs of a source word are found
where it occurs, so nothing as long as the cells is sorted, and threads each take source words of
their own.

Letters: N pairs of sentences, C cells (pairs of positions over all sentences), U distinct pairs of
shortened words, V and W source and target words, P source words of all sentences.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self, final

import numpy as np

from munmaek.arrays import Floats, Int32s, Int64s
from munmaek.errors import InputError
from munmaek.ngram.compiled import compiled
from munmaek.ngram.parallel import cuts_by_weight, in_threads

__all__ = [
    "Bitext",
    "Cells",
    "Numbers",
    "Pairs",
    "Places",
    "Side",
    "alike",
    "alikeness",
    "first_cells",
    "shortened",
]

Words = Iterable[Sequence[str]]
_PARTS = 4
"""Parts of the source words for each thread, which differ in weight."""


def shortened(word: str, letters: int) -> str:
    """Return the first ``letters`` of the word without regard to case."""
    return word.casefold()[:letters]


class Side(NamedTuple):
    """The words of one side of all pairs, end to end."""

    ids: Int32s
    """The numbers of the words; −1 of one that training has not seen."""
    limits: Int64s
    """[N + 1]: sentence n has ``ids[limits[n] : limits[n + 1]]``."""
    lengths: Int64s
    """[N]: words of each sentence, also those past the limit, which have no numbers."""


class Cells(NamedTuple):
    """Sentence pairs: cell ``starts[n]`` + t·S + s of pair n is target word t and source word s."""

    sources: Side
    targets: Side
    starts: Int64s
    """[N + 1]."""
    pairs: Int32s
    """[C]: the number of each cell's word pair."""


@final
class Numbers(dict[str, int]):
    """The number of each word as it stands: that of its shortened form, in order of appearance."""

    def __init__(self, letters: int) -> None:
        """Begin without words; ``letters`` tell words apart."""
        super().__init__()
        self._letters, self._known, self._grows = letters, dict[str, int](), True

    @property
    def words(self) -> list[str]:
        """The shortened words, in the order of their numbers."""
        return list(self._known)

    def __missing__(self, word: str) -> int:
        """Number a word that is new as it stands."""
        short = shortened(word, self._letters)
        if not self._grows:
            return self._known.get(short, -1)
        number = self[word] = self._known.setdefault(short, len(self._known))
        return number

    def of(self, sentences: Words, *, most: int, grow: bool) -> Side:
        """Number the words of sentences, ``most`` of each; new ones only where they may grow."""
        self._grows = grow
        ids, limits, lengths = array("i"), array("q", [0]), array("q")
        for words in sentences:
            ids.extend(map(self.__getitem__, words[:most]))
            limits.append(len(ids))
            lengths.append(len(words))
        return Side(
            np.array(ids, np.int32), np.array(limits, np.int64), np.array(lengths, np.int64)
        )


class Pairs(NamedTuple):
    """The distinct word pairs."""

    first: Int64s
    """[V + 1]: source word v has the pairs ``first[v]`` up to ``first[v + 1]``."""
    takers: Int32s
    """[U]: the target word of each, rising for each source word."""


class Places(NamedTuple):
    """The places of each source word."""

    first: Int64s
    """[V + 1]: source word v has the places ``first[v]`` up to ``first[v + 1]``."""
    sentences: Int32s
    """[P], rising for each word."""
    positions: Int32s
    """[P]: the position within the sentence."""


@final
@dataclass(frozen=True, slots=True)
class Bitext:
    """Sentence pairs as numbers of words and of word pairs."""

    cells: Cells
    pairs: Pairs
    places: Places

    @classmethod
    def of(cls, sources: Side, targets: Side, *, sizes: tuple[int, int], threads: int) -> Self:
        """Number the word pairs.

        Args:
            sources: the sources' words.
            targets: the targets' words.
            sizes: V and W.
            threads: how many work at once; what comes out does not depend on it.

        Raises:
            InputError: more word pairs than can be numbered.
        """
        starts = first_cells(sources, targets)
        cells = Cells(sources, targets, starts, np.empty(int(starts[-1]), dtype=np.int32))
        places = _places(sources, sizes[0])
        counts, parts = np.zeros(sizes[0], dtype=np.int64), _parts(places, threads)

        def count(part: tuple[int, int]) -> None:
            _count_pairs(places, targets, *part, np.full(sizes[1], -1, dtype=np.int64), counts)

        in_threads(threads, count, parts)
        first = np.concatenate([[0], np.cumsum(counts)])
        if first[-1] > np.iinfo(np.int32).max:
            message = f"{first[-1]:,} different pairs of words are too many to align together"
            raise InputError(message)
        pairs = Pairs(first, np.empty(int(first[-1]), dtype=np.int32))

        def number(part: tuple[int, int]) -> None:
            _number_pairs(places, cells, *part, np.full(sizes[1], -1, dtype=np.int64), pairs)

        in_threads(threads, number, parts)
        return cls(cells, pairs, places)

    def parts(self, threads: int) -> list[tuple[int, int]]:
        """Cut the source words into runs of about as many places."""
        return _parts(self.places, threads)


def first_cells(sources: Side, targets: Side) -> Int64s:
    """Return the first cell of each sentence pair, and the number of all: [N + 1]."""
    starts = np.zeros(len(sources.limits), dtype=np.int64)
    np.cumsum(np.diff(sources.limits) * np.diff(targets.limits), out=starts[1:])
    return starts


def _parts(places: Places, threads: int) -> list[tuple[int, int]]:
    return list(pairwise(cuts_by_weight(np.diff(places.first), _PARTS * threads).tolist()))


def alike(
    pairs: Pairs, sources: Sequence[str], targets: Sequence[str], *, threads: int = 1
) -> Floats:
    """Return ``alikeness`` of each word pair, [U]."""
    left, right = _letters(sources), _letters(targets)
    out = np.empty(len(pairs.takers))
    parts = cuts_by_weight(np.diff(pairs.first), _PARTS * threads)

    def work(part: tuple[int, int]) -> None:
        _alike_pairs(*left, *right, pairs, *part, out)

    in_threads(threads, work, pairwise(parts.tolist()))
    return out


def alikeness(one: str, other: str) -> float:
    """Return the longest common subsequence over the longer word, in letters (Melamed 1995)."""
    single = Pairs(np.array([0, 1]), np.zeros(1, dtype=np.int32))
    return float(alike(single, [one], [other])[0])


def _letters(words: Sequence[str]) -> tuple[Int64s, Int64s]:
    """Return the code points of all words, and where each word begins, with the end."""
    points = np.array([ord(letter) for word in words for letter in word], dtype=np.int64)
    return points, np.cumsum([0, *map(len, words)], dtype=np.int64)


def _places(side: Side, words: int) -> Places:
    first = np.zeros(words + 1, dtype=np.int64)
    np.cumsum(np.bincount(side.ids, minlength=words), out=first[1:])
    sentences = np.empty(len(side.ids), dtype=np.int32)
    positions = np.empty(len(side.ids), dtype=np.int32)
    _fill_places(side, first[:-1].copy(), sentences, positions)
    return Places(first, sentences, positions)


@compiled
def _fill_places(side: Side, at: Int64s, sentences: Int32s, positions: Int32s) -> None:
    for n in range(len(side.limits) - 1):
        for place in range(side.limits[n], side.limits[n + 1]):
            word = side.ids[place]
            sentences[at[word]] = n
            positions[at[word]] = place - side.limits[n]
            at[word] += 1


@compiled
def _count_pairs(
    places: Places, targets: Side, begin: int, end: int, seen: Int64s, counts: Int64s
) -> None:
    """Count the target words that each source word from ``begin`` up to ``end`` stands with."""
    for word in range(begin, end):
        for place in range(places.first[word], places.first[word + 1]):
            n = places.sentences[place]
            for at in range(targets.limits[n], targets.limits[n + 1]):
                taker = targets.ids[at]
                if seen[taker] != word:
                    seen[taker] = word
                    counts[word] += 1


@compiled
def _number_pairs(
    places: Places, cells: Cells, begin: int, end: int, seen: Int64s, pairs: Pairs
) -> None:
    """Fill in the pairs of these source words, and all cells that they stand in."""
    targets, limits = cells.targets, cells.sources.limits
    for word in range(begin, end):
        low, high = pairs.first[word], pairs.first[word + 1]
        fresh = low
        for place in range(places.first[word], places.first[word + 1]):
            n = places.sentences[place]
            for at in range(targets.limits[n], targets.limits[n + 1]):
                taker = targets.ids[at]
                # A number from before is below, one of this word at or above ``low``.
                if seen[taker] < low:
                    seen[taker] = low
                    pairs.takers[fresh] = taker
                    fresh += 1
        pairs.takers[low:high].sort()
        for number in range(low, high):
            seen[pairs.takers[number]] = number
        for place in range(places.first[word], places.first[word + 1]):
            n, s = places.sentences[place], places.positions[place]
            size = limits[n + 1] - limits[n]
            cell = cells.starts[n] + s
            for at in range(targets.limits[n], targets.limits[n + 1]):
                cells.pairs[cell] = seen[targets.ids[at]]
                cell += size


@compiled
def _alike_pairs(
    left: Int64s,
    lefts: Int64s,
    right: Int64s,
    rights: Int64s,
    pairs: Pairs,
    begin: int,
    end: int,
    out: Floats,
) -> None:
    longest = 0
    for word in range(len(rights) - 1):
        longest = max(longest, rights[word + 1] - rights[word])
    row = np.zeros(longest + 1, dtype=np.int64)
    for giver in range(begin, end):
        one = left[lefts[giver] : lefts[giver + 1]]
        for pair in range(pairs.first[giver], pairs.first[giver + 1]):
            taker = pairs.takers[pair]
            other = right[rights[taker] : rights[taker + 1]]
            row[: len(other) + 1] = 0
            for letter in one:
                corner = 0
                for at in range(len(other)):
                    above = row[at + 1]
                    row[at + 1] = corner + 1 if letter == other[at] else max(above, row[at])
                    corner = above
            longer = max(len(one), len(other))
            out[pair] = row[len(other)] / longer if longer else 0.0
