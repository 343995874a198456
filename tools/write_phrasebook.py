"""Write ``src/munmaek/phrasebook.xz`` from the grammar: ``python tools/write_phrasebook.py``."""

import json
import lzma
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

import numpy as np

from munmaek import phrases
from munmaek.phrases import LABELS, LENGTHS, Phrase
from phrasebook.corpus import make

BOOKS = (
    (0, 20_000, len(LENGTHS)),  # the demonstration
    (0, 10_000, 2),  # the quick one
    (0, 24_000, len(LENGTHS)),  # the default
    *((0, pairs, len(LENGTHS)) for pairs in (200, 300, 400, 600, 700, 2_000)),
    *((0, pairs, 2) for pairs in (400, 900)),
)
"""Seed, pairs and classes of length of what is shipped whole; the small ones are what tests and
benchmarks take."""

Unit = tuple[tuple[str, ...], tuple[int, ...]]


def units(phrase: Phrase, lowered: set[str]) -> Iterator[Unit]:
    """Give the words and the shape of each unit, the beginning first."""
    asks = phrase.korean.endswith("?")
    yield ("",), (LABELS.index(phrase.label), int(asks))
    korean = phrase.korean.removesuffix("?").split()
    english = phrase.english.removesuffix("?").split()
    begun = english[0][0].lower() + english[0][1:]
    english[0] = begun if begun in lowered else english[0]
    linked = [[e for k, e in phrase.links if k == number] for number in range(len(korean))]
    bare = [e for e in range(len(english)) if all(e not in places for places in linked)]
    free, taken = list(range(len(english))), list[int]()
    for word, places in (*zip(korean, linked, strict=True), *(("", [place]) for place in bare)):
        new = [place for place in places if place in free]
        shape: list[int] = []
        for place in places:
            if place in free:
                shape.append(free.index(place))
                free.remove(place)
                taken.append(place)
            else:
                shape.append(taken.index(place) - len(taken))
        yield (word, *(english[place] for place in new)), tuple(shape)


def numbered(items: Sequence[Hashable], first: Sequence[Hashable] = ()) -> list[Hashable]:
    """Return what occurs, the commonest first."""
    return list(dict.fromkeys((*first, *(item for item, _ in Counter(items).most_common()))))


def packed(books: Sequence[Sequence[Phrase]]) -> bytes:
    """Return the file, not yet compressed, of books in the order of ``BOOKS``."""
    every = [phrase for book in books for phrase in book]
    lowered = {word for phrase in every for word in phrase.english.rstrip("?").split()[1:]}
    stream = [unit for phrase in every for unit in units(phrase, lowered)]
    words = numbered([unit for unit, _ in stream], [("",)])
    shapes = numbered([shape for _, shape in stream])
    tables = {"books": BOOKS, "units": words, "shapes": shapes}
    numbers = [{item: number for number, item in enumerate(each)} for each in (words, shapes)]
    codes = [(numbers[0][unit], numbers[1][shape]) for unit, shape in stream]
    head = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
    return head + b"\n" + np.array(codes, "<u2").tobytes()


if __name__ == "__main__":
    data = packed([make(*book) for book in BOOKS])
    out = Path(phrases.__file__).with_name("phrasebook.xz")
    out.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
