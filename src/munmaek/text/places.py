"""The places of tokens in their text."""

from collections.abc import Sequence
from dataclasses import dataclass

from munmaek.text.building import BYTES, MARK, SPECIALS, STAND_IN
from munmaek.text.spaces import is_ascii_space

__all__ = ["FIRST_BYTE", "Located", "Subword", "bytes_located", "whole_characters", "word_of"]

FIRST_BYTE = len(SPECIALS)

_BYTE_IDS = frozenset(range(FIRST_BYTE, FIRST_BYTE + len(BYTES)))

Located = tuple[int, int, int]
"""A token's id, and start and end of its characters."""


@dataclass(frozen=True, slots=True)
class Subword:
    """A token of a text and the place it came from."""

    id: int
    token: str
    """The token as the vocabulary writes it."""
    text: str
    """The characters it stands for."""
    start: int
    """Offset of its first character in the NFC text; a space before a word is part of it."""
    end: int
    """Offset after its last character; tokens that share a character share its offsets."""
    word: int
    """Index of its word between ASCII white space; that belongs to the word after it, at the end to
    the last."""


def bytes_located(text: str, located: list[Located]) -> list[Located]:
    """Give each byte the offsets of its own character; unigram gives those of a whole run."""
    placed: list[Located] = []
    run_end, place, left = -1, 0, 0
    for number, start, end in located:
        if not FIRST_BYTE <= number < FIRST_BYTE + len(BYTES):
            placed.append((number, start, end))
            run_end = -1
            continue
        if run_end != end:
            run_end, place = end, start
            left = _byte_count(text[place : place + 1])
        elif left == 0 and place + 1 < end:  # else there are more bytes than its characters have
            place += 1
            left = _byte_count(text[place : place + 1])
        left -= left > 0
        placed.append((number, place, place + 1))
    return placed


def whole_characters(ids: Sequence[int]) -> list[int]:
    """Return the ids without bytes that spell no character: a search may end within one."""
    if _BYTE_IDS.isdisjoint(ids):
        return list(ids)
    kept: list[int] = []
    begin = 0
    while begin < len(ids):
        end = begin
        while end < len(ids) and ids[end] in _BYTE_IDS:
            end += 1
        spelled = bytes(number - FIRST_BYTE for number in ids[begin:end])
        kept.extend(FIRST_BYTE + byte for byte in spelled.decode(errors="ignore").encode())
        kept.extend(ids[end : end + 1])
        begin = end + 1
    return kept


def _byte_count(character: str) -> int:
    return len((STAND_IN if character == MARK else character).encode())


def word_of(text: str) -> list[int]:
    """Return the word of every character: white space belongs to the word after it or the last.

    Words end at ASCII white space, as in the links that number them.
    """
    indices: list[int] = []
    index, blank = -1, True
    for character in text:
        space = is_ascii_space(character)
        index += blank and not space
        indices.append(index + space)
        blank = space
    return [min(place, max(index, 0)) for place in indices]
