"""A SentencePiece ``.model`` file, read without the SentencePiece library.

The file is a protocol buffer, ``ModelProto`` of sentencepiece_model.proto: field 1 the pieces
(1 text, 2 score, 3 kind), field 2 the trainer's options (3 unigram or BPE, 35 byte fallback), field
3 the normalizer (2 the compiled map of characters, 3 whether a space is put in front).
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munmaek.errors import ArtefactError, UnsupportedError

__all__ = ["SentencePiece", "read_sentencepiece"]

LARGEST = 1 << 28
"""Bytes of a model, at most."""
UNIGRAM = 1
CONTROL, USER_DEFINED = 3, 4
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class SentencePiece:
    """The content of a ``.model``."""

    pieces: tuple[tuple[str, float], ...]
    """Texts with their scores, by id; ``▁`` is the space."""
    unk: int
    byte_fallback: bool
    charsmap: bytes
    """The compiled normalisation, empty for none."""
    dummy_prefix: bool
    """A space is put before the text."""
    added: tuple[tuple[str, bool], ...] = ()
    """Pieces that are never cut, and whether each is a control symbol or one of the user's."""


def read_sentencepiece(path: Path) -> SentencePiece:
    """Read a unigram model.

    Raises:
        ArtefactError: the file cannot be read or is no model.
        UnsupportedError: it is not a unigram model.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError("too large")
        return _model(content, path)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ArtefactError(message) from None
    except (IndexError, ValueError, struct.error, UnicodeDecodeError) as error:
        message = f"{path}: not a SentencePiece model ({error}); copy it again"
        raise ArtefactError(message) from error


def _model(content: bytes, path: Path) -> SentencePiece:
    pieces: list[tuple[str, float]] = []
    added: list[tuple[str, bool]] = []
    kind, fallback, charsmap, prefix, unk = UNIGRAM, False, b"", True, 0
    for number, value in _fields(content):
        inner = dict(_fields(value)) if isinstance(value, bytes) else {}
        if number == 1:
            if inner.get(3, 1) == 2:
                unk = len(pieces)
            score = struct.unpack("<f", _bytes(inner, 2))[0] if 2 in inner else 0.0
            if not math.isfinite(score):
                message = f"piece {len(pieces)} has the score {score}"
                raise ValueError(message)
            pieces.append((_bytes(inner, 1).decode(), score))
            if inner.get(3, 1) in (CONTROL, USER_DEFINED):
                added.append((pieces[-1][0], inner[3] == CONTROL))
        elif number == 2:
            kind, fallback = inner.get(3, UNIGRAM), bool(inner.get(35, 0))
        elif number == 3:
            charsmap = _bytes(inner, 2) if 2 in inner else b""
            prefix = bool(inner.get(3, 1))
    if not pieces:
        raise ValueError("no pieces")
    if kind != UNIGRAM:
        message = f"{path}: a SentencePiece model of kind {kind}; munmaek reads unigram models (1)"
        raise UnsupportedError(message)
    return SentencePiece(tuple(pieces), unk, fallback, charsmap, prefix, tuple(added))


def _bytes(fields: dict[int, Any], number: int) -> bytes:
    """Return a field that holds bytes."""
    value = fields.get(number)
    if not isinstance(value, bytes):
        message = f"field {number} is missing or of another type"
        raise ValueError(message)
    return value


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the field numbers with their values: integers, or the bytes of anything else."""
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        if kind not in (FIXED64, BYTES, FIXED32):
            message = f"wire type {kind} at byte {place}"
            raise ValueError(message)
        size = {FIXED64: 8, FIXED32: 4}.get(kind, 0)
        if kind == BYTES:
            size, place = _varint(content, place)
        if place + size > len(content):
            raise ValueError("truncated")
        yield number, content[place : place + size]
        place += size


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if shift > 70:
            raise ValueError("an integer without end")
        if byte < 128:
            return value, place
