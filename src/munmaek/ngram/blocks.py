"""Text files as blocks of whole rows, each to be had again and again: NFC, UTF-8, line feeds.

Plain files are read where they lie, and their bytes are looked at in compiled code, which leaves
only the blocks that it cannot vouch for to Python. Compressed files, standard input and JSONL go
through ``munmaek.text.corpora`` and are kept in a spool, for they cannot be read twice.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Protocol, final

import numpy as np

from munmaek.arrays import Bytes
from munmaek.errors import InputError
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.row_bytes import UNSOUND, count_rows
from munmaek.text.corpora import listed, text_lines
from munmaek.text.files import COMPRESSIONS, LONGEST, decode_lines, display_name
from munmaek.text.forms import Form, form_of
from munmaek.text.kinds import foreign_kind
from munmaek.text.memory import Source, Sources, Table
from munmaek.text.sources import File

__all__ = ["Block", "Spool", "blocks_of", "in_memory"]


SIZE = 1 << 22
"""Bytes of a block, about."""
_WINDOW = 1 << 16
_ROWS = 1 << 14
_MARK = b"\xef\xbb\xbf"


class Spool(Protocol):
    """Takes bytes that cannot be read twice, and gives a way to have them again."""

    def __call__(self, content: bytes, /) -> Callable[[], Bytes]:
        """Keep ``content``; calling what comes back gives it again."""
        ...


def in_memory(content: bytes) -> Callable[[], Bytes]:
    """Keep them in memory: a ``Spool``."""
    return partial(np.frombuffer, content, dtype=np.uint8)


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows of one file."""

    load: Callable[[], Bytes]
    rows: int
    begin: int
    """The number of its first row in the whole text, from 0."""
    file: str
    """The file's name in messages."""
    line: int
    """The number of its first row in the file, from 1."""


_Part = tuple[Callable[[], Bytes], int]
"""A way to have some bytes again, and their number of rows."""


def blocks_of(
    paths: Sources,
    *,
    threads: int,
    spool: Spool,
    size: int = SIZE,
    column: str | int | None = None,
) -> list[Block]:
    """Cut the text of files, one after the other, into blocks.

    Args:
        paths: as ``munmaek.text.corpora.read_text`` takes them.
        threads: how many blocks are looked at side by side.
        spool: keeps what cannot be read twice.
        size: bytes of a block, about.
        column: name or number of a table's column; None finds it.

    Raises:
        InputError: what ``read_text`` raises for files that cannot be read.
    """
    blocks: list[Block] = []
    begin = 0
    for path in listed(paths):
        plain = column is None and _is_plain(path)
        parts = (
            _plain(Path(str(path)), threads, spool, size) if plain else _other(path, spool, column)
        )
        name, line = display_name(path), 1
        for load, rows in parts:
            blocks.append(Block(load, rows, begin, name, line))
            begin += rows
            line += rows
    return blocks


def _is_plain(path: Source) -> bool:
    """Return whether a file may be read at any place as it is, without the reader of corpora."""
    if isinstance(path, Table | File):
        return False
    place = Path(path)
    if str(path) == "-" or not place.is_file() or place.suffix.lower() in COMPRESSIONS:
        return False
    try:
        with place.open("rb") as file:
            first = file.read(_WINDOW)
    except OSError:
        return False
    magics = tuple(magic for _, magic, _ in COMPRESSIONS.values())
    if not first or first.startswith(magics) or foreign_kind(first) is not None:
        return False
    return form_of(path, first) is Form.LINES


def _other(path: Source, spool: Spool, column: str | int | None) -> Iterator[_Part]:
    lines = iter(text_lines(path, column=column))
    while rows := list(islice(lines, _ROWS)):
        yield spool(("\n".join(rows) + "\n").encode()), len(rows)


def _plain(path: Path, threads: int, spool: Spool, size: int) -> Iterator[_Part]:
    loads = [partial(_read, path, begin, end) for begin, end in pairwise(_limits(path, size))]
    counts = in_threads(threads, lambda load: int(count_rows(load())), loads)
    line = 1
    for load, count in zip(loads, counts, strict=True):
        if count == UNSOUND:
            lines = _lines(load().tobytes(), display_name(path), line)
            line += len(lines)
            yield _mended(load, lines, spool), len(lines)
        else:
            line += count
            yield load, count


def _limits(path: Path, step: int) -> Iterator[int]:
    """Yield where blocks begin, after line feeds and a byte order mark, and where the file ends."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = len(_MARK) if file.read(len(_MARK)) == _MARK else 0
        yield at
        while at + step < size:
            begin = at
            at += step
            file.seek(at)
            while window := file.read(_WINDOW):
                found = window.find(b"\n")
                at += found + 1 if found >= 0 else len(window)
                if found >= 0:
                    break
                if at - begin > step + LONGEST:
                    message = f"{path}: a line of over {LONGEST:,} bytes; is this text?"
                    raise InputError(message)
            if at < size:
                yield at
        yield size


def _read(path: Path, begin: int, end: int) -> Bytes:
    content = np.fromfile(path, dtype=np.uint8, count=end - begin, offset=begin)
    if len(content) != end - begin:
        message = f"{path}: became shorter while it was read; run again when nothing writes to it"
        raise InputError(message)
    return content


def _lines(content: bytes, name: str, line: int) -> list[str]:
    # Line 1 would have its byte order mark taken off once more; it is gone already.
    lines = decode_lines(content, name, line)
    if not lines[-1]:
        lines.pop()
    return lines


def _mended(load: Callable[[], Bytes], lines: list[str], spool: Spool) -> Callable[[], Bytes]:
    """Return the block as Python has mended it; kept only where it had to be changed."""
    content = ("\n".join(lines) + "\n").encode() if lines else b""
    given = load().tobytes()
    return load if content in (given, given + b"\n") else spool(content)
