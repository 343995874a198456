"""Options of counting n-grams, and the run itself, which loads no torch."""

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from munmaek.memory import anonymous

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "CountingEngine",
    "Memory",
    "ReservedWords",
    "TempDir",
    "Threads",
    "room_for",
]

CountingEngine = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        show_default=False,
        help="Count elsewhere, with the same result to the bit: duckdb, duckdb:FILE, or a master "
        "of Spark: local[N], spark://HOST:PORT, yarn, k8s://ADDRESS, sc://HOST:PORT.",
    ),
]

Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        show_default=False,
        help="Stay below this much memory by working on disk: 256M, 2G.",
    ),
]

TempDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="beside the output",
        help="Where --memory puts its temporary files.",
    ),
]

Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", show_default="processors + 1", help="Threads to count in."),
]

ReservedWords = Annotated[
    str | None,
    typer.Option(
        "--reserved",
        metavar="HOW",
        show_default="refuse",
        help="<s>, </s>, <unk>, <pad>, <mask> as words of the text (words): refuse, "
        "space (leave out), word (count as unknown).",
    ),
]

_PLAIN = ("", ".txt", ".tokens")
_WORTH_IT, _TOO_MUCH = 2**23, 2**29
_SAMPLE = 2**16
_SORTED, _SMOOTHED = 16, 22
"""Bytes a word while n-grams are sorted, and while five orders of them or more are smoothed; in the
text every word has two or more."""


def room_for(data: list[str], order: int | None) -> "Future[mmap.mmap] | None":
    """Reserve the memory to sort the words of plain text in, touched while all is imported.

    A page's first touch costs more than the work on it, and an import keeps only one processor
    busy.
    """
    paths = [Path(name) for name in data]
    if any(path.suffix not in _PLAIN or not path.is_file() for path in paths):
        return None
    size = sum(path.stat().st_size for path in paths)
    if not _WORTH_IT <= size <= _TOO_MUCH:
        return None
    with paths[0].open("rb") as file:
        sample = file.read(_SAMPLE)
    words = size * len(sample.split()) // max(len(sample), 1)
    try:
        room = anonymous(_SMOOTHED * size)
    except OSError:  # a system that promises no more than it has
        return None
    import ctypes
    from concurrent.futures import ThreadPoolExecutor

    begin = ctypes.addressof(ctypes.c_char.from_buffer(room))

    def touch() -> mmap.mmap:
        ctypes.memset(begin, 0, words * (_SMOOTHED if order is None or order >= 5 else _SORTED))
        return room

    beside = ThreadPoolExecutor(1)
    touched = beside.submit(touch)
    beside.shutdown(wait=False)
    return touched
