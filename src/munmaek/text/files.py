"""Bytes of a file or of standard input: decompressed, decoded as strict UTF-8, cut into lines."""

import codecs
import io
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from munmaek.errors import InputError
from munmaek.text.kinds import foreign_kind, guessed_encoding
from munmaek.text.unpacking import BLOCK, COMPRESSIONS, unpacked_streams

__all__ = [
    "COMPRESSIONS",
    "LONGEST",
    "MEMORY",
    "at_line",
    "count_lines",
    "decode_lines",
    "display_name",
    "format_suffix",
    "is_packed",
    "is_typed",
    "raw_lines",
    "unpacked",
]

LONGEST = 1 << 26
"""Bytes of a line, at most: more is no text, or has other ends of lines."""


MEMORY = "memory"
"""Name of data that a program holds."""


def at_line(name: str, line: int) -> str:
    """Return a place as messages name it: ``reviews.tsv, line 3``, or ``memory, row 3``."""
    return f"{name}, {'row' if name == MEMORY else 'line'} {line}"


def display_name(path: object) -> str:
    """Return the name of a source of data: a path, "standard input" for ``-``, or "memory"."""
    return "standard input" if str(path) == "-" else str(path)


def is_typed(path: str | Path) -> bool:
    """Return whether a person types what is read, so that no more than a line is waited for."""
    return str(path) == "-" and isinstance(sys.stdin, io.TextIOBase) and sys.stdin.isatty()


def format_suffix(path: str | Path) -> str:
    """Return the suffix that tells the format: ``.jsonl`` for ``a.jsonl.gz``."""
    path = Path(path)
    if path.suffix.lower() in COMPRESSIONS:
        path = path.with_suffix("")
    return path.suffix.lower()


def is_packed(path: str | Path) -> bool:
    """Return whether a file begins as a compressed one does; standard input counts as such.

    Raises:
        OSError: it cannot be read.
    """
    if str(path) == "-":
        return True
    with Path(path).open("rb") as file:
        first = file.read(16)
    return any(_begins(first, suffix) for suffix in COMPRESSIONS)


def unpacked(path: str | Path) -> Iterator[bytes]:
    """Yield a file's bytes in blocks, decompressed where its first bytes say so.

    Raises:
        InputError: a file that is missing, unreadable, a directory or damaged.
    """
    yield from _opened(path, display_name(path))


def raw_lines(path: str | Path) -> Iterator[list[str]]:
    r"""Yield NFC lines without ends, a list for each block; ``\r\n`` and ``\r`` end lines too.

    Raises:
        InputError: a file that is missing, unreadable, a directory, empty, damaged or not UTF-8.
    """
    name = display_name(path)
    tail: list[bytes] = []  # joined once, or a line of many blocks would be copied at each
    number = 1  # of the line that begins ``tail``
    for block in _bytes(path):
        # Cut after a line feed, or in a file of bare \r after one, and never between \r and \n.
        cut = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
        if cut:
            lines = decode_lines(b"".join([*tail, block[:cut]]), name, number)
            lines.pop()
            number += len(lines)
            yield lines
        if not cut:
            _check_length(sum(map(len, tail)) + len(block), name, number)
        tail = [block[cut:]] if cut else [*tail, block]
    if rest := b"".join(tail):
        lines = decode_lines(rest, name, number)
        if not lines[-1]:
            lines.pop()
        yield lines


def _check_length(size: int, name: str, number: int) -> None:
    if size > LONGEST:
        message = (
            f"{name}, line {number}: over {LONGEST:,} bytes without an end of line; is this text?"
        )
        raise InputError(message)


def count_lines(path: str | Path) -> int | None:
    """Return how many lines a file has, about; None of standard input, which is read once."""
    if str(path) == "-":
        return None
    return sum(block.count(b"\n") for block in _bytes(path))


def decode_lines(data: bytes, name: str, number: int) -> list[str]:
    """Return NFC lines of whole-line bytes from line ``number`` on, and what follows the end.

    Raises:
        InputError: bytes that are not UTF-8.
    """
    if number == 1:
        data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        line = number + _universal(data[: error.start].decode("utf-8")).count("\n")
        what, advice = guessed_encoding(data, error.start)
        message = (
            f"{name}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; the file seems to "
            f"be {what}: {advice}"
        )
        raise InputError(message) from None
    # Line ends neither compose nor decompose, so NFC of the block is NFC of its lines.
    return unicodedata.normalize("NFC", _universal(text)).split("\n")


def _universal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _bytes(path: str | Path) -> Iterator[bytes]:
    """Yield the decompressed content in blocks; never nothing at all."""
    name = display_name(path)
    empty = True
    for block in _opened(path, name):
        if empty:
            _check_text(block, name)
        empty = False
        yield block
    if empty:
        message = f"{name}: the file is empty"
        raise InputError(message)


def _check_text(first: bytes, name: str) -> None:
    """Refuse what is no text by its name.

    Raises:
        InputError: says what it is and what to do.
    """
    packed = next((COMPRESSIONS[key][0] for key in COMPRESSIONS if _begins(first, key)), None)
    found = foreign_kind(first)
    if packed is not None:
        found = f"a {packed} file within a compressed one", "unpack it once"
    if found is not None:
        what, advice = found
        message = f"{name}: {what}, where text in UTF-8 is wanted; {advice}"
        raise InputError(message)


def _opened(path: str | Path, name: str) -> Iterator[bytes]:
    if str(path) == "-":
        yield from _decompressed(sys.stdin.buffer, name, suffix="")
        return
    path = Path(path)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        message = f"{name}: no such file"
        raise InputError(message) from None
    except IsADirectoryError:
        message = f"{name}: is a directory, a file is wanted"
        raise InputError(message) from None
    except (OSError, ValueError) as error:
        message = f"{name}: cannot be opened: {getattr(error, 'strerror', None) or error}"
        raise InputError(message) from None
    with file:
        yield from _decompressed(file, name, suffix=path.suffix.lower())


def _decompressed(file: BinaryIO, name: str, *, suffix: str) -> Iterator[bytes]:
    read = _reading(file)
    first = read(BLOCK)
    found = next((key for key in COMPRESSIONS if _begins(first, key)), "")
    if first and suffix in COMPRESSIONS and found != suffix:
        content = COMPRESSIONS[found][0] if found else "not compressed"
        message = f"{name}: named {suffix} but {content}; rename the file or compress it"
        raise InputError(message)
    if found:
        yield from unpacked_streams(read, first, name=name, suffix=found)
        return
    while first:
        yield first
        first = read(BLOCK)


def _reading(file: BinaryIO) -> Callable[[int], bytes]:
    """Return how a file is read: from a terminal each line as it comes, else whole blocks."""
    return file.read1 if isinstance(file, io.BufferedReader) and file.isatty() else file.read


def _begins(first: bytes, suffix: str) -> bool:
    # "BZh" alone might begin a text; a block (pi) or the end (sqrt pi) follows at byte 4.
    if suffix == ".bz2":
        return first[:3] == b"BZh" and first[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}
    return first.startswith(COMPRESSIONS[suffix][1])
