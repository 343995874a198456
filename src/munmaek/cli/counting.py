"""Options of counting n-grams, and the run itself, which loads no torch."""

import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munmaek.cli.console import say
from munmaek.cli.outputs import claimed_folder
from munmaek.cli.stopping import listening
from munmaek.errors import ConfigError, InputError
from munmaek.memory import anonymous
from munmaek.terminal import told

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "Memory",
    "ReservedWords",
    "TempDir",
    "Threads",
    "count_ngrams",
    "parse_size",
    "room_for",
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

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LEAST = 256 * 2**20

_PLAIN = ("", ".txt", ".tokens")
_WORTH_IT, _TOO_MUCH = 2**23, 2**29
_SAMPLE = 2**16
_SORTED, _SMOOTHED = 16, 22
"""Bytes a word while n-grams are sorted, and while five orders of them or more are smoothed; in the
text every word has two or more."""


def parse_size(text: str, *, where: str = "--memory") -> int:
    """Bytes of ``256M``, ``2G`` or a plain number, in powers of 1,024.

    Raises:
        ConfigError: not of this form, or less than 256M.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        message = f"{where} {text}: not a size; write 256M or 2G"
        raise ConfigError(message)
    size = int(float(found[1]) * _UNITS[found[2].upper()])
    if size < _LEAST:
        message = f"{where} {text}: too little to work in; give at least 256M"
        raise ConfigError(message)
    return size


def room_for(data: list[str], order: int | None) -> "Future[mmap.mmap] | None":
    """Memory to sort the words of plain text in, touched while everything is imported.

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


def count_ngrams(
    job: Any,
    *,
    memory: str | None,
    temp_dir: Path | None,
    threads: int | None,
    reserved: str | None,
    room: "Future[mmap.mmap] | None",
) -> Any:
    """Count a language model and return what was trained.

    Raises:
        ConfigError: an option that cannot be used.
        InputError: there is nothing to resume, or the data cannot be used.
    """
    limit = None if memory is None else parse_size(memory)
    if job.resume and job.folder.exists():
        message = f"{job.folder}: its training is finished, so there is nothing to resume"
        raise InputError(message)

    from munmaek.ngram.compiled import is_cached
    from munmaek.ngram.reading import Reserved
    from munmaek.ngram.sorting import sort_grams
    from munmaek.ngram.spare import Spare
    from munmaek.tasks.lm.ngrams import Means, train_ngrams

    treatment = {each.value: each for each in Reserved}.get(reserved or "refuse")
    if treatment is None:
        names = ", ".join(each.value for each in Reserved)
        message = f"--reserved {reserved}: unknown; there are {names}"
        raise ConfigError(message)
    if not is_cached(sort_grams.__module__):
        say("munmaek: compiling for this machine, once ...")
    with (
        claimed_folder(job.folder, force=job.force),
        listening(),
        told("ngram (lm)") as tell,
    ):
        return train_ngrams(
            job.recipe,
            job.data,
            folder=job.folder,
            valid=job.valid,
            force=job.force,
            means=Means(threads, limit, temp_dir, Spare(room)),
            reserved=treatment,
            report=tell,
        )
