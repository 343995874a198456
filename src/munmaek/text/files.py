"""Bytes of a file, an address or standard input: decompressed, decoded, cut into lines."""

import codecs
import io
import os
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from munmaek.errors import InputError
from munmaek.text.kinds import foreign_kind, guessed_encoding
from munmaek.text.sources import (
    UTF8,
    encoding_of,
    is_address,
    open_address,
    split_part,
)
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
    "lines_of",
    "open_bytes",
    "raw_lines",
    "spooled",
    "text_bytes",
    "unpacked",
]

LONGEST = 1 << 26
"""Bytes of a line, at most: more is no text, or has other ends of lines."""


MEMORY = "memory"
"""Name of data that a program holds."""


_IN_ROWS = (".parquet", ".arrow", ".feather", ".xlsx", ".xlsm", ".json", ".tmx", ".xlf", ".xliff",
            ".sdlxliff", ".mqxliff")  # fmt: skip


def at_line(name: str, line: int) -> str:
    """Return a place as messages name it: ``reviews.tsv, line 3``, or ``memory, row 3``."""
    base = split_part(name)[0]
    rows = name == MEMORY or format_suffix(base) in _IN_ROWS or Path(base).is_dir()
    return f"{name}, {'row' if rows else 'line'} {line}"


def display_name(path: object) -> str:
    """Return the name of a source of data: a path, "standard input" for ``-``, or "memory"."""
    return "standard input" if str(path) == "-" else str(path)


def is_typed(path: object) -> bool:
    """Return whether a person types what is read, so that no more than a line is waited for."""
    return str(path) == "-" and isinstance(sys.stdin, io.TextIOBase) and sys.stdin.isatty()


def format_suffix(path: object) -> str:
    """Return the suffix that tells the format: ``.jsonl`` for ``a.jsonl.gz``."""
    path = Path(split_part(path)[0])
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
        return _is_compressed(file.read(16))


def _is_compressed(first: bytes) -> bool:
    return any(_begins(first, suffix) for suffix in COMPRESSIONS)


def unpacked(path: object, *, live: bool = False) -> Iterator[bytes]:
    """Yield a file's bytes in blocks, decompressed where its first bytes say so.

    Args:
        path: the file.
        live: of standard input a block is what has come, rather than so many bytes.

    Raises:
        InputError: a file that is missing, unreadable, a directory or damaged.
    """
    yield from _opened(path, display_name(path), live=live)


def raw_lines(path: object) -> Iterator[list[str]]:
    r"""Yield NFC lines without ends, a list for each block; ``\r\n`` and ``\r`` end lines too.

    Raises:
        InputError: a file that is missing, unreadable, a directory, empty, damaged or not text of
            its encoding.
    """
    return lines_of(unpacked(path), display_name(path), encoding_of(path))


def lines_of(content: Iterator[bytes], name: str, encoding: str = UTF8) -> Iterator[list[str]]:
    """Yield the lines of a file's bytes, as ``raw_lines`` does.

    Raises:
        InputError: nothing at all, or bytes that are no text of that encoding.
    """
    tail: list[bytes] = []  # joined once, or a line of many blocks would be copied at each
    number = 1  # of the line that begins ``tail``
    for block in text_bytes(content, name, encoding):
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


def count_lines(path: object) -> int | None:
    """Return how many lines a file of text has, about; None of what is read once or has no lines.

    Raises:
        InputError: it cannot be read.
    """
    if not Path(str(path)).is_file():
        return None
    blocks = unpacked(path)
    first = next(blocks, b"")
    if foreign_kind(first) is not None:
        return None
    return sum(block.count(b"\n") for block in chain([first], blocks))


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


def text_bytes(content: Iterator[bytes], name: str, encoding: str) -> Iterator[bytes]:
    """Yield a file's text in UTF-8, block by block; never nothing at all."""
    first = next(content, b"")
    if not first:
        message = f"{name}: the file is empty"
        raise InputError(message)
    _check_text(first, name, encoding)
    blocks = chain([first], content)
    return blocks if encoding == UTF8 else _transcoded(blocks, name, encoding)


def _transcoded(content: Iterator[bytes], name: str, encoding: str) -> Iterator[bytes]:
    """Yield text of another encoding in UTF-8.

    Raises:
        InputError: bytes that are none of that encoding; names the line.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    for block in chain(content, [b""]):
        try:
            text = decoder.decode(block, final=not block)
            out = text.encode()
        except UnicodeError as error:
            line += _decoded_before(error, encoding).count("\n")
            message = (
                f"{name}, line {line}: is not {encoding} ({getattr(error, 'reason', error)}); say "
                "with --encoding what the file is, or leave it out where it is UTF-8"
            )
            raise InputError(message) from None
        line += text.count("\n")
        yield out


def _decoded_before(error: UnicodeError, encoding: str) -> str:
    if not isinstance(error, UnicodeDecodeError):
        return ""
    return error.object[: error.start].decode(encoding, errors="ignore")


def _check_text(first: bytes, name: str, encoding: str) -> None:
    """Refuse what is no text by its name.

    Raises:
        InputError: says what it is and what to do.
    """
    packed = next((COMPRESSIONS[key][0] for key in COMPRESSIONS if _begins(first, key)), None)
    found = foreign_kind(first)
    if found is not None and encoding != UTF8 and found[0].startswith("UTF-"):
        found = None  # of the encoding that it is said to have
    if packed is not None:
        found = f"a {packed} file within a compressed one", "unpack it once"
    if found is not None:
        what, advice = found
        message = f"{name}: {what}, where text in UTF-8 is wanted; {advice}"
        raise InputError(message)


def _opened(path: object, name: str, *, live: bool) -> Iterator[bytes]:
    if str(path) == "-":
        yield from _decompressed(sys.stdin.buffer, name, suffix="", live=live)
        return
    with _open(path, name) as file:
        yield from _decompressed(file, name, suffix=Path(str(path)).suffix.lower())


def _open(path: object, name: str) -> BinaryIO:
    """Open a file or what is at an address.

    Raises:
        InputError: it cannot be opened.
    """
    base = split_part(path)[0]
    if is_address(base):
        return open_address(base)
    try:
        return Path(base).open("rb")
    except FileNotFoundError:
        message = f"{name}: no such file"
        raise InputError(message) from None
    except IsADirectoryError:
        message = f"{name}: is a directory, a file is wanted"
        raise InputError(message) from None
    except (OSError, ValueError) as error:
        message = f"{name}: cannot be opened: {getattr(error, 'strerror', None) or error}"
        raise InputError(message) from None


def open_bytes(path: object) -> BinaryIO:
    """Open a file at any place of which one can read: packed files and standard input in a copy.

    Raises:
        InputError: what ``unpacked`` raises.
    """
    name = display_name(path)
    if str(path) != "-":
        file = _open(path, name)
        if not _is_compressed(file.read(16)):
            file.seek(0)
            return file
        file.close()
    return spooled(unpacked(path))


def spooled(content: Iterator[bytes]) -> BinaryIO:
    """Return bytes as a file at any place of which one can read; gone when it is closed."""
    descriptor, name = tempfile.mkstemp()
    file = os.fdopen(descriptor, "w+b")
    Path(name).unlink()
    for block in content:
        file.write(block)
    file.seek(0)
    return file


def _decompressed(file: BinaryIO, name: str, *, suffix: str, live: bool = False) -> Iterator[bytes]:
    read = _reading(file, live=live)
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


def _reading(file: BinaryIO, *, live: bool) -> Callable[[int], bytes]:
    """Return how a file is read: whole blocks, or what has come of what is being written."""
    if not isinstance(file, io.BufferedReader):
        return file.read
    return file.read1 if live or file.isatty() else file.read


def _begins(first: bytes, suffix: str) -> bool:
    # "BZh" alone might begin a text; a block (pi) or the end (sqrt pi) follows at byte 4.
    if suffix == ".bz2":
        return first[:3] == b"BZh" and first[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}
    return first.startswith(COMPRESSIONS[suffix][1])
