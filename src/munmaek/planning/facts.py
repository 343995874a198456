"""Sizes of training data that a plan rests on, counted on a sample of its rows."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Facts", "Side", "facts_of"]

_SAMPLE = 20_000
"""Rows that are looked at, evenly spread over all."""
_NEIGHBOURS = 2_000
"""Pairs of neighbouring rows that are compared."""
_COMMON = 0.002
"""Share of the rows above which a word is too common to tell what a row speaks of."""
_FOLLOWS = 1.5
"""Ratio by which a rare word of running text comes back oftener in the next row than far away."""
_SUBWORD = {True: 1.9, False: 4.2}
"""Characters of a subword, spaces counted: in Hangul, and in other writing."""
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Side:
    """One text of each row: the only one, or of a translator source or target."""

    words: int
    characters: int
    distinct: int
    """Distinct words, of the sample."""
    hangul: float
    """Share of letters that are Hangul."""

    @property
    def is_hangul(self) -> bool:
        """Return true where most letters are Hangul."""
        return self.hangul > 0.5

    def tokens(self, kind: str, rows: int) -> int:
        """Estimate the tokens of a tokenizer of a kind, an end for each row."""
        plain = {"words": self.words, "characters": self.characters}
        found = plain.get(kind, round(self.characters / _SUBWORD[self.is_hangul]))
        return found + rows


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers that a plan is made of."""

    rows: int
    sides: tuple[Side, ...]
    labels: int = 0
    follows: bool = False
    """Rows go on from one another, as lines of running text."""

    def tokens(self, kinds: Sequence[str]) -> int:
        """Estimate the tokens of all sides, each cut by its kind of tokenizer."""
        return sum(
            side.tokens(kind, self.rows)
            for side, kind in zip(self.sides, kinds[-len(self.sides) :], strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the model's record."""
        return asdict(self)


def facts_of(*sides: Sequence[str], labels: int = 0, in_order: bool = False) -> Facts:
    """Count what a plan needs to know of texts.

    Args:
        sides: texts of each row, one sequence a side.
        labels: distinct labels.
        in_order: look whether rows go on from one another.
    """
    first = sides[0]
    return Facts(
        len(first),
        tuple(_side(each) for each in sides),
        labels,
        in_order and _go_on(first),
    )


def _side(texts: Sequence[str]) -> Side:
    step = max(1, -(-len(texts) // _SAMPLE))
    some = texts[::step]
    scale = len(texts) / max(1, len(some))
    words = [word for text in some for word in text.split()]
    letters = len(_LETTER.findall(joined := " ".join(some[:_NEIGHBOURS])))
    return Side(
        round(len(words) * scale),
        round(sum(map(len, some)) * scale),
        len(set(words)),
        len(_HANGUL.findall(joined)) / max(1, letters),
    )


def _go_on(texts: Sequence[str]) -> bool:
    """Return whether rare words come back in the next row more often than far away."""
    rows = [frozenset(text.split()) for text in texts[: 4 * _NEIGHBOURS]]
    counts = Counter(word for row in rows for word in row)
    most = max(2.0, _COMMON * len(rows))
    rare = [{word for word in row if 1 < counts[word] <= most} for row in rows]
    far = len(rare) // 2
    if far < 50:
        return False
    near = sum(len(a & b) for a, b in itertools.pairwise(rare))
    distant = sum(len(a & b) for a, b in zip(rare, rare[far:], strict=False))
    # As many pairs of distant rows as of neighbours.
    return near > _FOLLOWS * max(1.0, distant * (len(rare) - 1) / max(1, len(rare) - far))
