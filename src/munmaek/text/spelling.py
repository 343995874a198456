"""Characters that are spelled in several tokens: in the bytes of their UTF-8, or in jamo.

What is generated must end in whole characters, and what is shown must be readable: a token that is
a part of a character is shown as that character, with which part it is.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bools
from munmaek.text.building import MARK
from munmaek.text.checkpoint_tokenizer import AnyTokenizer, CheckpointTokenizer
from munmaek.text.places import FIRST_BYTE
from munmaek.text.tokenizers import SPELLED_IN_BYTES, Tokenizer

__all__ = [
    "Spelling",
    "is_whole",
    "part_of_character",
    "readable",
    "shown_alone",
    "shown_tokens",
    "spelling_of",
    "unseen_bytes",
]


_BYTE = re.compile("<0x([0-9A-F]{2})>")
_BYTES = 256
_LONGEST = 4
"""Bytes of a character."""
_LEAD_BITS = {1: 0x7F, 2: 0x1F, 3: 0x0F, 4: 0x07}
_LOWEST = {1: 0, 2: 0x80, 3: 0x800, 4: 0x10000}
"""Code points below are spelled in fewer bytes."""
_REPLACEMENT = 0xFFFD
_UNREADABLE = frozenset({"Cc", "Cs", "Cn", "Co"})
"""Categories of code points that are no characters to read: controls, surrogates, unassigned."""


class Spelling(Protocol):
    """The tokens that may come after the ones before, so that every character becomes whole.

    What is pending is the part of a character so far, empty between characters.
    """

    def allowed(self, pending: str | bytes, left: int) -> Bools:
        """Return for each token whether it may come where ``left`` tokens are left, [V]."""
        ...

    def after(self, pending: str | bytes, token: int) -> str | bytes:
        """Return what is pending after the token."""
        ...

    def whole(self) -> Bools:
        """Return for each token whether nothing is pending after it where nothing was, [V]."""
        ...


def spelling_of(tokenizer: AnyTokenizer) -> Spelling | None:
    """Return how a vocabulary spells characters; None where every token is whole characters."""
    if not isinstance(tokenizer, Tokenizer):
        return None
    if tokenizer.kind == "jamo":
        return _JamoSpelling(tokenizer)
    return _ByteSpelling(tokenizer) if tokenizer.kind in SPELLED_IN_BYTES else None


class _ByteSpelling:
    """Bytes follow UTF-8 to the end of a character that can be read."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._size = tokenizer.vocab_size
        self._masks: dict[tuple[bytes, int], Bools] = {}

    def allowed(self, pending: str | bytes, left: int) -> Bools:
        key = _as_bytes(pending), min(left, _LONGEST)
        if key not in self._masks:
            self._masks[key] = self._mask(*key)
        return self._masks[key]

    def _mask(self, begun: bytes, left: int) -> Bools:
        out = np.full(self._size, not begun)
        for byte in range(_BYTES):
            spelled = begun + bytes([byte])
            fits = _length(spelled) - len(begun) <= left
            out[FIRST_BYTE + byte] = fits and readable(spelled)
        return out

    def after(self, pending: str | bytes, token: int) -> bytes:
        if not FIRST_BYTE <= token < FIRST_BYTE + _BYTES:
            return b""
        spelled = _as_bytes(pending) + bytes([token - FIRST_BYTE])
        return b"" if len(spelled) >= _length(spelled) else spelled

    def whole(self) -> Bools:
        out = np.ones(self._size, dtype=np.bool_)
        out[FIRST_BYTE : FIRST_BYTE + _BYTES] = [
            not self.after(b"", FIRST_BYTE + byte) for byte in range(_BYTES)
        ]
        return out


def _as_bytes(pending: str | bytes) -> bytes:
    return pending if isinstance(pending, bytes) else pending.encode()


def _length(spelled: bytes) -> int:
    """Return how many bytes the character has that begins so; 0 where none can be read."""
    lead = spelled[0]
    if lead < 0x80:
        return 1
    return 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if lead == 0xF0 else 0


@lru_cache(maxsize=1 << 12)
def readable(spelled: bytes) -> bool:
    """Return whether a character to read is spelled so, or begins so."""
    length = _length(spelled)
    if len(spelled) > length or any(byte & 0xC0 != 0x80 for byte in spelled[1:]):
        return False
    point = spelled[0] & _LEAD_BITS[length]
    for byte in spelled[1:]:
        point = point << 6 | byte & 0x3F
    open_bits = 6 * (length - len(spelled))
    points = range(max(point << open_bits, _LOWEST[length]), (point + 1) << open_bits)
    return any(map(_is_character, points))


def _is_character(point: int) -> bool:
    return unicodedata.category(chr(point)) not in _UNREADABLE and point != _REPLACEMENT


def is_whole(spelled: bytes) -> bool:
    """Return whether the bytes are as many as the character has that begins so."""
    return len(spelled) == _length(spelled)


class _JamoSpelling:
    """A leading consonant is followed by a vowel, and by that perhaps a final consonant."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        names = [tokenizer.token(token) for token in range(tokenizer.vocab_size)]
        self._kinds = [_jamo(name) for name in names]
        self._masks = {kind: np.array([each == kind for each in self._kinds]) for kind in "LVT"}

    def allowed(self, pending: str | bytes, left: int) -> Bools:
        if pending == "L":
            return self._masks["V"]
        out = ~self._masks["V"]
        if pending != "V":
            out &= ~self._masks["T"]
        return out if left > 1 else out & ~self._masks["L"]

    def after(self, pending: str | bytes, token: int) -> str:
        del pending
        kind = self._kinds[token]
        return kind if kind in ("L", "V") else ""

    def whole(self) -> Bools:
        return ~(self._masks["L"] | self._masks["V"])


def _jamo(name: str) -> str:
    """Return L, V or T of a conjoining letter, else nothing."""
    if len(name) != 1 or not "\u1100" <= name <= "\u11ff":
        return ""
    return "L" if name < "\u1160" else "V" if name < "\u11a8" else "T"


# How tokens are shown


def shown_tokens(tokenizer: AnyTokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    """Return the tokens of a text as the vocabulary writes them, parts of characters readably.

    Three bytes of 글 are ``글(1/3)``, ``글(2/3)`` and ``글(3/3)``.
    """
    names = [tokenizer.token(number) for number in ids]
    if not _has_bytes(tokenizer):
        return tuple(names)
    contents = [part_of_character(tokenizer, number) for number in ids]
    begin = 0
    while begin < len(names):
        end = begin
        while end < len(names) and contents[end] is not None:
            end += 1
        if end > begin:
            run = [content or b"" for content in contents[begin:end]]
            names[begin:end] = _readable_run(run, _mark(tokenizer))
        begin = end + 1
    return tuple(names)


def _has_bytes(tokenizer: AnyTokenizer) -> bool:
    if isinstance(tokenizer, CheckpointTokenizer):
        return bool(tokenizer.bytes_as)
    return tokenizer.kind in SPELLED_IN_BYTES


def part_of_character(tokenizer: AnyTokenizer, token: int) -> bytes | None:
    """Return the bytes that a token of bytes stands for; None of one that is written in letters."""
    if isinstance(tokenizer, CheckpointTokenizer):
        return _published_bytes(tokenizer, token)
    if tokenizer.kind in SPELLED_IN_BYTES and FIRST_BYTE <= token < FIRST_BYTE + _BYTES:
        return bytes([token - FIRST_BYTE])
    return None


def _published_bytes(tokenizer: CheckpointTokenizer, token: int) -> bytes | None:
    name = tokenizer.token(token)
    if token in tokenizer.special_ids or tokenizer.bytes_as == "":
        return None
    if tokenizer.bytes_as == "ByteFallback":
        found = _BYTE.fullmatch(name)
        return bytes([int(found[1], 16)]) if found else None
    letters = _byte_letters()
    if not all(letter in letters for letter in name):
        return None
    return bytes(letters[letter] for letter in name)


@lru_cache(maxsize=1)
def _byte_letters() -> dict[str, int]:
    """Return the letter that byte-level BPE writes for each byte (Radford et al. 2019)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(_BYTES) if byte not in plain]
    moved = {chr(_BYTES + place): byte for place, byte in enumerate(others)}
    return {**{chr(byte): byte for byte in plain}, **moved}


def _mark(tokenizer: AnyTokenizer) -> str:
    """Return what the vocabulary writes for the space before a word."""
    published = isinstance(tokenizer, CheckpointTokenizer)
    return "Ġ" if published and tokenizer.bytes_as == "ByteLevel" else MARK


def _readable_run(contents: Sequence[bytes], mark: str) -> list[str]:
    """Name tokens of bytes that follow one another; a letter that does not end is ``…``."""
    letters = list(_letters(b"".join(contents)))
    owner = [place for place, (_, size, _) in enumerate(letters) for _ in range(size)]
    out: list[str] = []
    end = 0
    for content in contents:
        begin, end = end, end + len(content)
        own = list(dict.fromkeys(owner[begin:end]))
        shown = "".join(letters[place][0] for place in own)
        ends = (own[-1], own[0])
        cut = next((place for place in ends if not _holds(owner, place, begin, end)), None)
        if cut is not None:
            part = owner[:end].count(cut)
            shown = f"{shown}({part}/{letters[cut][2]})"
        out.append(_marked(shown, mark))
    return out


def _holds(owner: Sequence[int], place: int, begin: int, end: int) -> bool:
    """Return whether all bytes of a letter lie there."""
    return owner[begin:end].count(place) == owner.count(place)


def _letters(whole: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield the letters with the bytes that are there of each and the bytes that it has."""
    at = 0
    while at < len(whole):
        length = max(_length(whole[at : at + 1]), 1)
        spelled = whole[at : at + length]
        try:
            yield spelled.decode(), length, length
        except UnicodeDecodeError:
            yield "…", len(spelled), length
        at += len(spelled)


def shown_alone(tokenizer: AnyTokenizer, token: int) -> str:
    """Return a token as ``shown_tokens`` does, without others beside it.

    Raises:
        UnicodeDecodeError: it is a part of a character.
    """
    content = part_of_character(tokenizer, token)
    return (
        tokenizer.token(token) if content is None else _marked(content.decode(), _mark(tokenizer))
    )


def _marked(text: str, mark: str) -> str:
    return f"{mark}{text[1:]}" if text.startswith(" ") else text


def unseen_bytes(tokenizer: Tokenizer, logprobs: NDArray[np.floating]) -> tuple[int, ...]:
    """Return the bytes that a counted model has never seen.

    Args:
        tokenizer: the vocabulary.
        logprobs: of every token without context; what was not seen shares the lowest, [V].
    """
    if tokenizer.kind not in SPELLED_IN_BYTES:
        return ()
    own = logprobs[FIRST_BYTE : FIRST_BYTE + _BYTES]
    lowest = np.flatnonzero(own <= logprobs[np.isfinite(logprobs)].min(initial=np.inf))
    return tuple((FIRST_BYTE + lowest).tolist()) if len(lowest) > 1 else ()
