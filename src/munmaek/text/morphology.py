"""Korean morphemes through Kiwi (https://github.com/bab2min/Kiwi), as slices of the text itself.

Kiwi gives dictionary forms: 했다 is 하 + 었 + 다. Here a text is only cut where one of its
morphemes ends and the next begins, and never within a syllable that two share: 했|다. So the pieces
joined are the text.
"""

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from munmaek.errors import UnsupportedError
from munmaek.text.building import SPACE

__all__ = ["analyser", "segment"]

BLANK = re.compile(SPACE)
ALONE = re.compile("<")


@cache
def _kiwi() -> Any:
    """The analyser: a second to load, so once and when first used."""
    try:
        library = importlib.import_module("kiwipiepy")
    except ImportError:
        message = "morphemes need Kiwi, which is not installed: pip install 'munmaek[ko]'"
        raise UnsupportedError(message) from None
    return library.Kiwi()


def analyser() -> str:
    """Name and version of the analyser, which a model's tokens depend on."""
    _kiwi()
    return f"kiwipiepy {importlib.import_module('kiwipiepy').__version__}"


def segment(texts: Sequence[str]) -> list[list[str]]:
    """Cut every text into morphemes; a space stays at the head of the piece after it.

    Texts are analysed on all processors. ``"".join`` of the pieces is the text.

    Raises:
        UnsupportedError: Kiwi is not installed.
    """
    return [_cut(text, tokens) for text, tokens in zip(texts, _analysed(texts), strict=True)]


def _analysed(texts: Sequence[str]) -> Iterator[Any]:
    if not texts:
        return iter(())
    return iter(_kiwi().tokenize(iter(texts)))


def _cut(text: str, tokens: Iterable[Any]) -> list[str]:
    cuts = {0, len(text)}
    inside: set[int] = set()
    for token in tokens:
        end = token.start + token.len
        cuts.update((token.start, end))
        inside.update(range(token.start + 1, end))
    cuts -= inside
    for match in ALONE.finditer(text):
        cuts.update(match.span())
    for match in BLANK.finditer(text):
        start, end = match.span()
        cuts.update((start, end))
        joins = text[start] == " " and end < len(text) and not BLANK.match(text, end)
        if joins:
            cuts.discard(end)
    return [text[start:end] for start, end in pairwise(sorted(cuts))]
