r"""Links as text: the Pharaoh format, with sure and possible ones.

    0-0 1-2 2?3        sure links 0-0 and 1-2, possible link 2?3
    1-1 2p3            the same kinds as word-alignment test sets write them, often counted from 1

A link is (source word, target word). Och & Ney 2003, §5.1, tell sure links, which must be found,
from possible ones, which may be. A line without links is empty and keeps its place.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from munmaek.errors import InputError
from munmaek.metrics.alignment import Link
from munmaek.text.spaces import ascii_words

__all__ = ["GoldLinks", "format_gold", "parse_gold"]

LINK = re.compile(r"([0-9]{1,9})([-?p])([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class GoldLinks:
    """The gold links of one pair: ``possible`` holds those that are not sure."""

    sure: frozenset[Link] = frozenset()
    possible: frozenset[Link] = frozenset()


def parse_gold(line: str, *, first: int = 0) -> GoldLinks:
    """Return the links of one line: ``-`` joins a sure link, ``?`` or ``p`` a possible one.

    Args:
        line: links with ASCII white space between them; none for an empty line.
        first: the number that the line gives to the first word, 0 or 1.

    Raises:
        InputError: a part is no link, or counts below ``first``.
    """
    sure: set[Link] = set()
    possible: set[Link] = set()
    for part in ascii_words(line):
        match = LINK.fullmatch(part)
        if match is None:
            message = f"a link looks like 0-2, or 0?2 if only possible, got {part!r}"
            raise InputError(message)
        link = (int(match[1]) - first, int(match[3]) - first)
        if min(link) < 0:
            message = f"words are counted from {first}, got {part!r}"
            raise InputError(message)
        (sure if match[2] == "-" else possible).add(link)
    return GoldLinks(frozenset(sure), frozenset(possible - sure))


def format_gold(sure: Collection[Link], possible: Collection[Link] = ()) -> str:
    """Return the sure links and possible ones, by source word and then target word."""
    marks = dict.fromkeys(possible, "?") | dict.fromkeys(sure, "-")
    return " ".join(f"{link[0]}{marks[link]}{link[1]}" for link in sorted(marks))
