"""A Korean–English parallel corpus of short sentences, with gold word alignment and sentence types.

The sentences come from a grammar and a lexicon, ``tools/phrasebook``, and are shipped as it made
them: the book of the demonstration, that of the quick one, the default, and some small ones, all of
seed 0. Every other book is drawn from those. So no book costs more than reading it.

``phrasebook.xz`` holds, after one line of JSON (``books``, ``units``, ``shapes``), two numbers of
16 bits for each unit of each sentence: a Korean word with those of its English words that no
earlier one had, and where they stand. A number of 0 or more counts the places that are still free,
a negative one the places taken, from the last. Unit 0 begins a sentence, and its shape is the label
and whether it asks; a unit without Korean word is English that nothing is linked with.
"""

import json
import lzma
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import numpy as np

from munmaek.errors import ConfigError

__all__ = ["HELD_OUT", "LABELS", "LENGTHS", "Phrase", "Phrasebook", "phrasebook"]

LABELS: tuple[str, ...] = ("statement", "question", "request", "proposal")
LENGTHS: tuple[tuple[int, int], ...] = ((3, 6), (7, 12), (13, 20), (21, 30), (31, 40))
"""Classes of length in English words, both ends included."""
LENGTH_SHARES = (0.22, 0.24, 0.22, 0.18, 0.14)
LABEL_SHARES = {"statement": 0.49, "question": 0.19, "request": 0.16, "proposal": 0.16}
KEPT = 2
"""Times that each English word of valid and test must still occur in train."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence in both languages; words are what whitespace separates."""

    korean: str
    english: str
    links: tuple[tuple[int, int], ...]
    """Pairs of a Korean and an English word index, sorted."""
    label: str
    """One of ``LABELS``."""


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The corpus; no Korean and no English text is in two of its parts."""

    train: tuple[Phrase, ...]
    valid: tuple[Phrase, ...]
    test: tuple[Phrase, ...]


HELD_OUT = (
    Phrase("나는 너를 사랑해", "I love you", ((0, 0), (1, 2), (2, 1)), "statement"),
    Phrase(
        "나는 학교에서 공부한다", "I study at school", ((0, 0), (1, 2), (1, 3), (2, 1)), "statement"
    ),
)
"""Always in test."""


def phrasebook(
    *,
    seed: int = 0,
    pairs: int = 24_000,
    valid: int = 600,
    test: int = 1_000,
    longest: int | None = None,
) -> Phrasebook:
    """Return the Korean–English phrasebook.

    Args:
        seed: of everything that is drawn; the same seed gives the same corpus.
        pairs: pairs in all three parts together.
        valid: pairs in the validation part.
        test: pairs in the test part, ``HELD_OUT`` among them.
        longest: English words at most: 12 leaves out the classes of ``LENGTHS`` above the second.

    Raises:
        ConfigError: the parts do not fit into ``pairs``, fewer than two classes are that short, or
            there are not as many pairs.
    """
    if valid < 0 or test < len(HELD_OUT) or valid + test >= pairs:
        message = (
            f"phrasebook: pairs={pairs} must exceed valid={valid} (0 or more) plus "
            f"test={test} ({len(HELD_OUT)} or more); ask for more pairs or smaller parts"
        )
        raise ConfigError(message)
    classes = sum(longest is None or most <= longest for _, most in LENGTHS)
    if classes < 2:
        message = f"phrasebook: longest={longest} must be {LENGTHS[1][1]} words or more"
        raise ConfigError(message)
    phrases = _shipped().book(seed, pairs, classes) or _drawn(Random(seed), pairs, classes)
    return _split(phrases, valid=valid, test=test)


class _Shipped:
    """Read the sentences of ``phrasebook.xz``, each when it is asked for."""

    def __init__(self, data: bytes) -> None:
        head, _, rest = data.partition(b"\n")
        tables: dict[str, Any] = json.loads(head)
        self.books: list[list[int]] = tables["books"]
        self.units: list[list[str]] = tables["units"]
        self.shapes: list[list[int]] = tables["shapes"]
        codes = np.frombuffer(rest, "<u2").reshape(-1, 2)
        self.begins: list[int] = [*np.flatnonzero(codes[:, 0] == 0).tolist(), len(codes)]
        self.codes: list[list[int]] = codes.tolist()

    def __len__(self) -> int:
        return len(self.begins) - 1

    def book(self, seed: int, pairs: int, classes: int) -> list[Phrase]:
        """Return the pairs of a book, ``HELD_OUT`` not among them; none where it is not here."""
        start = 0
        for book in self.books:
            size = book[1] - len(HELD_OUT)
            if book == [seed, pairs, classes]:
                return [self.phrase(number) for number in range(start, start + size)]
            start += size
        return []

    def phrase(self, number: int) -> Phrase:
        """Return one sentence."""
        begin, end = self.begins[number], self.begins[number + 1]
        label, asks = self.shapes[self.codes[begin][1]]
        free, taken = list(range(LENGTHS[-1][1])), list[int]()
        korean, english, links = list[str](), dict[int, str](), list[tuple[int, int]]()
        for unit, shape in self.codes[begin + 1 : end]:
            word, *others = self.units[unit]
            places = list[int]()
            for place in self.shapes[shape]:
                places.append(free.pop(place) if place >= 0 else taken[place])
                taken += places[-1:] if place >= 0 else ()
            english.update(zip(taken[len(english) :], others, strict=True))
            if word:
                links += [(len(korean), place) for place in places]
                korean.append(word)
        text = " ".join(english[place] for place in range(len(english)))
        mark = "?" if asks else ""
        return Phrase(
            " ".join(korean) + mark, text[0].upper() + text[1:] + mark, tuple(links), LABELS[label]
        )


@cache
def _shipped() -> _Shipped:
    return _Shipped(lzma.decompress(files("munmaek").joinpath("phrasebook.xz").read_bytes()))


def _drawn(rng: Random, pairs: int, classes: int) -> list[Phrase]:
    """Draw a book from all that is shipped, until the quota of every cell is met."""
    shipped, keys, phrases = _shipped(), Keys(), list[Phrase]()
    left = quotas(pairs - len(HELD_OUT), classes)
    for number in rng.sample(range(len(shipped)), len(shipped)):
        phrase = shipped.phrase(number)
        cell = (phrase.label, length_class(len(phrase.english.split())))
        if left.get(cell) and keys.add(phrase.korean, phrase.english):
            phrases.append(phrase)
            left[cell] -= 1
            if len(phrases) == pairs - len(HELD_OUT):
                rng.shuffle(phrases)
                return phrases
    cell, missing = next((cell, number) for cell, number in left.items() if number)
    low, high = LENGTHS[cell[1]]
    message = (
        f"phrasebook: pairs={pairs} is more than are shipped: {missing} distinct {cell[0]}s of "
        f"{low} to {high} words are missing; ask for fewer pairs"
    )
    raise ConfigError(message)


def quotas(pairs: int, classes: int) -> dict[tuple[str, int], int]:
    """Return how many pairs each label and class of length gets; the largest takes the rounding."""
    shares = LENGTH_SHARES[:classes]
    whole = sum(shares) if classes < len(LENGTH_SHARES) else 1.0
    quota = {
        (label, index): int(pairs * share * length / whole)
        for label, share in LABEL_SHARES.items()
        for index, length in enumerate(shares)
    }
    quota["statement", 1] += pairs - sum(quota.values())
    return quota


def length_class(words: int) -> int:
    """Return the class in ``LENGTHS`` of so many English words, -1 where there is none."""
    return next((i for i, (low, high) in enumerate(LENGTHS) if low <= words <= high), -1)


class Keys:
    """Know which texts a book has; those that differ in case or punctuation only are the same."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        for phrase in HELD_OUT:
            self.add(phrase.korean, phrase.english)

    def add(self, korean: str, english: str) -> bool:
        """Return whether neither text was there yet; now both are."""
        keys = {korean.rstrip("?"), english.rstrip("?").casefold()}
        new = self._keys.isdisjoint(keys)
        if new:
            self._keys |= keys
        return new


def _split(phrases: list[Phrase], *, valid: int, test: int) -> Phrasebook:
    """Take test and valid from the front so that train still teaches each of their words."""
    vocabularies = [{*phrase.english.split(), *phrase.korean} for phrase in phrases]
    left = Counter(word for words in vocabularies for word in words)
    wanted = test - len(HELD_OUT) + valid
    drawn: list[Phrase] = []
    kept: list[Phrase] = []
    for phrase, words in zip(phrases, vocabularies, strict=True):
        if len(drawn) < wanted and all(left[word] > KEPT for word in words):
            left.subtract(words)
            drawn.append(phrase)
        else:
            kept.append(phrase)
    if len(drawn) < wanted:
        message = (
            f"phrasebook: only {len(drawn)} of {len(phrases)} pairs can be held out while train "
            f"keeps all their words, wanted {wanted}; ask for more pairs or smaller parts"
        )
        raise ConfigError(message)
    cut = test - len(HELD_OUT)
    return Phrasebook(tuple(kept), tuple(drawn[cut:]), (*HELD_OUT, *drawn[:cut]))
