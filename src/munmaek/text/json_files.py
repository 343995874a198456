"""JSON that anyone may have written: read whole, in bounded memory, or refused in one line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ArtefactError

__all__ = ["DEEPEST", "LARGEST", "check_depth", "parse_json", "read_json", "read_json_object"]

LARGEST = 16 << 20
"""Bytes of a metadata file, at most; the largest that are known have a few hundred thousand."""
DEEPEST = 64
"""Objects and lists within one another, at most."""


def read_json(path: Path, *, most: int = LARGEST) -> Any:
    """Return what a JSON file says.

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        ArtefactError: it cannot be read, is too large, is not UTF-8, begins with a byte-order mark,
            is not JSON, is nested too deeply, or has a key twice in one object.
    """
    content = _content(path, most)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte 0x{content[error.start]:02x} at {error.start} is not UTF-8"
        raise _damaged(path, reason) from None
    if text.startswith("\ufeff"):
        raise _damaged(path, "it begins with a byte-order mark; save it without")
    try:
        return parse_json(text, once=True)
    except ValueError as error:
        raise _damaged(path, f"not JSON: {error}") from None


def read_json_object(path: Path, *, most: int = LARGEST) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        ArtefactError: as ``read_json``, or there is something else in it.
    """
    found = read_json(path, most=most)
    if not isinstance(found, dict):
        raise _damaged(path, f"an object wanted, got a {type(found).__name__}")
    return cast("dict[str, Any]", found)


def parse_json(text: str, *, once: bool = False) -> Any:
    """Return what the text says.

    Args:
        text: one value.
        once: refuse half a character, and a key that stands twice in one object; else the last
            one counts.

    Raises:
        ValueError: it is not JSON, is nested more than ``DEEPEST`` deep, or has what ``once``
            refuses.
    """
    try:
        found = json.loads(text, object_pairs_hook=_distinct if once else None)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    check_depth(found)
    if once and ("\\ud" in text or "\\uD" in text):
        _check_characters(found)
    return found


_TOO_DEEP = f"nested more than {DEEPEST} deep"


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            message = f"the key {name[:40]!r} stands twice in one object"
            raise ValueError(message)
        found[name] = value
    return found


def _check_characters(found: Any) -> None:
    r"""Refuse half of a surrogate pair, which ``\ud83d`` alone is: no text can hold it."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = f"\\u{ord(error.object[error.start]):04x} is half a character"
        raise ValueError(message) from None


def check_depth(found: Any) -> None:
    """Refuse what would be too deep for those who print, compare or check it recursively."""
    level = [found]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    inner = cast("list[Any]", value) if isinstance(value, list) else []
    return filter(_nests, inner)


def _nests(value: Any) -> bool:
    return isinstance(value, dict | list)


def _content(path: Path, most: int) -> bytes:
    if path.exists() and not path.is_file():
        raise _damaged(path, "not a file")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ArtefactError(message) from error
    if len(content) > most:
        raise _damaged(path, f"larger than {most:,} bytes, the most that is read")
    return content


def _damaged(path: Path, reason: str) -> ArtefactError:
    message = f"{path}: damaged ({reason}); train or copy the model again"
    return ArtefactError(message)
