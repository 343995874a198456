"""Markup of a text at its place in the translation, by the alignment of the words.

Source word i and target word j are aligned with weight a_{ji}, rows summing to 1. A pair of tags
that encloses the source words W encloses the run of target words whose sum of

    v_j = Σ_{i ∈ W} a_{ji} − 2 · Σ_{i ∉ W} a_{ji}

is greatest: of words that come from W for more than two thirds. Pairs beside one another share no
word, those within another stay within it, and a tag that stands alone stays beside the word that it
stood beside. So no tag is lost or invented, and what was nested is nested as it was.

Letters: T target words, S source words.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from munmaek.text.spaces import ascii_spans

__all__ = ["Mark", "diagonal", "projected"]

Weights = NDArray[np.floating]


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """A tag of a text that stands alone, or a pair of tags with what it encloses."""

    opening: str
    """The tag as it is written."""
    closing: str
    """The closing tag as it is written; empty for a tag that stands alone."""
    start: int
    """Number of characters of the text before it."""
    end: int
    """Number of characters up to its end: ``start`` for a tag that stands alone."""
    inner: "Sequence[Mark]" = field(default=())
    """Marks within, in their order."""
    apart: bool = False
    """It stands alone between spaces, as a word does."""

    @property
    def alone(self) -> bool:
        """Return true of a tag that stands alone."""
        return not self.closing


class _Placed(NamedTuple):
    """A mark and the target words before which it begins and ends."""

    mark: Mark
    begin: int
    end: int


def diagonal(targets: int, sources: int) -> Weights:
    """Return weights that say no more than the places of the words: [T, S], rows summing to 1."""
    rows = (np.arange(targets) + 0.5)[:, None] / max(targets, 1)
    columns = (np.arange(sources) + 0.5)[None, :] / max(sources, 1)
    weights = np.exp(-8.0 * np.abs(rows - columns) * max(sources, 1) / 4)
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30)


def projected(
    source: str,
    marks: Sequence[Mark],
    target: str,
    weights: Weights,
    *,
    escape: Callable[[str], str] = str,
) -> str:
    """Return a translation with the marks of its source.

    Args:
        source: the text, without its marks.
        marks: its marks, in their order.
        target: the translation.
        weights: alignment of the words between ASCII white space: [T, S], rows summing to 1.
        escape: turns text of the translation into what may stand beside marks.
    """
    words = _Words(source, target, weights)
    return _Writer(words, escape).written(marks, range(len(words.targets)), 0, len(target))


@final
class _Words:
    """Words of both texts, and where marks among them go."""

    def __init__(self, source: str, target: str, weights: Weights) -> None:
        self.source, self.target, self.weights = source, target, weights
        self.sources, self.targets = ascii_spans(source), ascii_spans(target)

    def covered(self, mark: Mark) -> list[int]:
        """Return the source words of which a pair encloses anything."""
        return [
            place
            for place, (begin, end) in enumerate(self.sources)
            if begin < mark.end and end > mark.start
        ]

    def placed(self, marks: Sequence[Mark], room: range) -> list[_Placed]:
        """Return where marks beside one another go among the target words of ``room``."""
        pairs = {at: self.covered(mark) for at, mark in enumerate(marks) if not mark.alone}
        own = {at: words for at, words in pairs.items() if words}
        taken: dict[int, range] = {}
        for at in sorted(own, key=lambda at: -self._mass(own[at], room)):
            taken[at] = self._run(own[at], _free(room, list(taken.values())))
        found: list[_Placed] = []
        for at, mark in enumerate(marks):
            if at in taken:
                found.append(_Placed(mark, taken[at].start, taken[at].stop))
                continue
            place = self._point(mark, room)
            for other, run in taken.items():
                if run.start < place < run.stop:  # outside, on the side where it was
                    place = run.start if at < other else run.stop
            found.append(_Placed(mark, place, place))
        # Of marks at one place the order of the source is kept, for sorting is stable.
        return sorted(found, key=lambda each: each.begin)

    def _mass(self, words: Sequence[int], room: range) -> float:
        return float(self.weights[np.ix_(room, words)].sum()) if len(room) else 0.0

    def _run(self, words: Sequence[int], free: Sequence[range]) -> range:
        """Return the run of free target words that the source words are aligned with best."""
        best, run = -np.inf, range(0)
        for room in free:
            if len(room) == 0:
                if best == -np.inf:
                    run = room
                continue
            rows = self.weights[room.start : room.stop]
            values = 3.0 * rows[:, words].sum(axis=1) - 2.0 * rows.sum(axis=1)
            begin, end, value = _greatest(values)
            if value > best:
                best, run = value, range(room.start + begin, room.start + end)
        return run

    def _point(self, mark: Mark, room: range) -> int:
        """Return the target word before which a tag that stands alone goes."""
        before = [at for at, (_, end) in enumerate(self.sources) if end <= mark.start]
        after = [at for at, (begin, _) in enumerate(self.sources) if begin >= mark.start]
        if not before or not len(room):
            return room.start
        if not after:
            return room.stop
        left, right = before[-1], after[0]
        if self.sources[right][0] == mark.start and not mark.apart:
            return self._image(right, room)
        if self.sources[left][1] == mark.start and not mark.apart:
            return self._image(left, room) + 1
        return self._between(left, right, room)

    def _between(self, left: int, right: int, room: range) -> int:
        """Return the place that is nearest to what both words beside a tag are aligned with."""
        sure = self.weights[room.start : room.stop].max(axis=0)
        one, two = self._image(left, room), self._image(right, room)
        places = np.arange(room.start, room.stop + 1)
        far = sure[left] * np.minimum(abs(places - one), abs(places - one - 1))
        far = far + sure[right] * np.minimum(abs(places - two), abs(places - two - 1))
        return room.start + int(far.argmin())

    def _image(self, word: int, room: range) -> int:
        return room.start + int(self.weights[room.start : room.stop, word].argmax())


def _free(room: range, taken: Sequence[range]) -> list[range]:
    """Return the runs of ``room`` between those that are taken."""
    ends = sorted((each.start, each.stop) for each in taken)
    stops = [(room.start, room.start), *ends, (room.stop, room.stop)]
    return [range(one[1], max(one[1], two[0])) for one, two in pairwise(stops)]


def _greatest(values: NDArray[np.floating]) -> tuple[int, int, float]:
    """Return begin, end and sum of the run of greatest sum, of one value at least."""
    best = (0, 1, float(values[0]))
    begin, total = 0, 0.0
    for at, value in enumerate(values.tolist()):
        if total <= 0:
            begin, total = at, 0.0
        total += value
        if total > best[2]:
            best = (begin, at + 1, total)
    return best


@final
@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the target with marks."""

    words: _Words
    escape: Callable[[str], str]

    def written(self, marks: Sequence[Mark], room: range, begin: int, end: int) -> str:
        """Return the characters from ``begin`` to ``end``, which hold the words of ``room``."""
        out: list[str] = []
        at = begin
        for mark, first, last in self.words.placed(marks, room):
            if first == last or mark.alone:
                place, before, after = self._gap(mark, first, room, (at, end))
                inner = self.written(mark.inner, range(first, first), place, place)
                found = f"{before}{mark.opening}{inner}{mark.closing}{after}"
                out += [self.escape(self.words.target[at:place]), found]
                at = place
                continue
            start, stop = self._ends(mark, first, last)
            start = min(max(start, at), end)
            stop = min(max(stop, start), end)
            inner = self.written(mark.inner, range(first, last), start, stop)
            text = self.escape(self.words.target[at:start])
            out += [text, mark.opening, inner, mark.closing]
            at = stop
        out.append(self.escape(self.words.target[at:end]))
        return "".join(out)

    def _gap(
        self, mark: Mark, word: int, room: range, limits: tuple[int, int]
    ) -> tuple[int, str, str]:
        """Return the place of a tag before a word, and the spaces that are put around it."""
        targets, (least, most) = self.words.targets, limits
        spaced = mark.apart and bool(self.words.source)
        if word >= room.stop:
            place = targets[room.stop - 1][1] if len(room) else most
            place = min(max(place, least), most)
            return place, " " if spaced and place > 0 else "", ""
        attached = not mark.apart and self._follows_word(mark) and word > room.start
        place = targets[word - 1][1] if attached else targets[word][0]
        return min(max(place, least), most), "", " " if spaced else ""

    def _follows_word(self, mark: Mark) -> bool:
        source = self.words.source
        left = mark.start > 0 and not source[mark.start - 1].isspace()
        right = mark.start < len(source) and not source[mark.start].isspace()
        return left and not right

    def _ends(self, mark: Mark, first: int, last: int) -> tuple[int, int]:
        """Return the characters that a pair encloses: without punctuation where it had none."""
        start, stop = self.words.targets[first][0], self.words.targets[last - 1][1]
        source, target = self.words.source, self.words.target
        inside, outside = source[mark.end - 1 : mark.end], source[mark.end : mark.end + 1]
        if _is_punctuation(outside) and not _is_punctuation(inside):
            bare = stop
            while bare > start and _is_punctuation(target[bare - 1]):
                bare -= 1
            stop = bare if bare > start else stop
        inside, outside = source[mark.start : mark.start + 1], source[: mark.start][-1:]
        if _is_punctuation(outside) and not _is_punctuation(inside):
            bare = start
            while bare < stop and _is_punctuation(target[bare]):
                bare += 1
            start = bare if bare < stop else start
        return start, stop


def _is_punctuation(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] == "P"
