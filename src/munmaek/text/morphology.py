"""Korean morphemes through Kiwi (https://github.com/bab2min/Kiwi), as slices of the text itself.

Kiwi gives dictionary forms: 했다 is 하 + 었 + 다. Here a text is only cut where one of its
morphemes ends and the next begins, and never within a syllable that two share: 했|다. So they are
the text when they are joined.
"""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import Any, final

import numpy as np

from munmaek.errors import UnsupportedError
from munmaek.text.spaces import SPACE

__all__ = ["Segmented", "analyser", "parts_of", "segment"]

MOST_REMEMBERED = 400_000
"""Texts whose borders are kept; a hundred bytes or two each beside the text."""
_remembered: dict[str, bytes] = {}

BLANK = re.compile(SPACE)
ALONE = re.compile("<")


LONGEST_PART = 10_000
"""Characters."""


@cache
def _kiwi() -> Any:
    """Return the analyser: a second to load, so once and when first used."""
    try:
        library = importlib.import_module("kiwipiepy")
    except ImportError:
        message = "morphemes need Kiwi, which is not installed: pip install 'munmaek[ko]'"
        raise UnsupportedError(message) from None
    return library.Kiwi()


def analyser() -> str:
    """Return name and version of the analyser, which a model's tokens depend on."""
    _kiwi()
    return f"kiwipiepy {importlib.import_module('kiwipiepy').__version__}"


def segment(texts: Sequence[str]) -> list[list[str]]:
    """Cut every text into morphemes; a space stays at the head of the morpheme after it.

    Texts are analysed on all processors, and remembered: a vocabulary is learned from the texts
    that are encoded next, and the analysis takes most of the time. ``"".join`` of
    the morphemes is the text.

    Raises:
        UnsupportedError: Kiwi is not installed.
    """
    known = {text: cuts for text in texts if (cuts := _remembered.get(text)) is not None}
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        analysed = iter(_kiwi().tokenize(part for text in new for _, part in parts_of(text)))
        found = {
            text: _cuts(text, [(at, next(analysed)) for at, _ in parts_of(text)]) for text in new
        }
        known.update(found)
        if len(_remembered) + len(found) > MOST_REMEMBERED:
            _remembered.clear()
        if len(found) <= MOST_REMEMBERED:
            _remembered.update(found)
    return [
        [text[start:end] for start, end in pairwise(np.frombuffer(known[text], np.uint32).tolist())]
        for text in texts
    ]


@final
class Segmented:
    """The morphemes of many texts, analysed block by block each time they are gone through."""

    def __init__(self, blocks: Callable[[], Iterable[Sequence[str]]]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[list[str]]:
        """Yield what ``segment`` gives of each text."""
        return chain.from_iterable(map(segment, self._blocks()))


def parts_of(text: str, *, longest: int = LONGEST_PART) -> Iterator[tuple[int, str]]:
    """Yield what is analysed at a time and where it begins: to a space, of a longer word a part.

    The time that Kiwi takes for a word grows with the square of its length.
    """
    begin = 0
    while len(text) - begin > longest:
        space = text.rfind(" ", begin + 1, begin + longest)
        end = space if space > begin else begin + longest
        yield begin, text[begin:end]
        begin = end
    yield begin, text[begin:]


def _cuts(text: str, parts: Iterable[tuple[int, Iterable[Any]]]) -> bytes:
    """Return the offsets of all borders, the text's ends among them, as bytes of uint32."""
    cuts = {0, len(text)}
    inside: set[int] = set()
    for start, end in (
        (at + token.start, at + token.start + token.len) for at, tokens in parts for token in tokens
    ):
        cuts.update((start, end))
        inside.update(range(start + 1, end))
    cuts -= inside
    for match in ALONE.finditer(text):
        cuts.update(match.span())
    for match in BLANK.finditer(text):
        start, end = match.span()
        cuts.update((start, end))
        joins = text[start] == " " and end < len(text) and not BLANK.match(text, end)
        if joins:
            cuts.discard(end)
    return np.array(sorted(cuts), dtype=np.uint32).tobytes()
