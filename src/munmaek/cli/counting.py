"""Options of counting n-grams, and the run itself, which loads no torch."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import say
from munmaek.cli.progress import stage_text, told
from munmaek.cli.stopping import listening
from munmaek.errors import ConfigError, InputError

__all__ = [
    "Memory",
    "ReservedWords",
    "TempDir",
    "Threads",
    "count_ngrams",
    "parse_size",
]

Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        show_default=False,
        help="Stay below this much memory by working on disk: 256M, 2G (ngram only).",
    ),
]

TempDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="beside the output",
        help="Where --memory puts its temporary files (ngram only).",
    ),
]

Threads = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", show_default="all processors", help="Threads to count in (ngram only)."
    ),
]

ReservedWords = Annotated[
    str | None,
    typer.Option(
        "--reserved",
        metavar="HOW",
        show_default="refuse",
        help="<s>, </s>, <unk>, <pad>, <mask> as words of the text (ngram, words): refuse, "
        "space (leave out), word (count as unknown).",
    ),
]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LEAST = 256 * 2**20


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


def count_ngrams(
    recipe: Any,
    data: list[str],
    *,
    folder: Path,
    valid: list[str] | None,
    force: bool,
    resume: bool,
    memory: str | None,
    temp_dir: Path | None,
    threads: int | None,
    reserved: str | None,
) -> Any:
    """Count a language model; what was trained.

    Raises:
        ConfigError: an option that cannot be used.
        InputError: there is nothing to resume, or the data cannot be used.
    """
    limit = None if memory is None else parse_size(memory)
    if resume and folder.exists():
        message = f"{folder}: its training is finished, so there is nothing to resume"
        raise InputError(message)

    from munmaek.ngram.compiled import is_cached
    from munmaek.ngram.reading import Reserved
    from munmaek.ngram.sorting import sort_grams
    from munmaek.recipe.ngrams import Means, train_ngrams

    treatment = {each.value: each for each in Reserved}.get(reserved or "refuse")
    if treatment is None:
        names = ", ".join(each.value for each in Reserved)
        message = f"--reserved {reserved}: unknown; there are {names}"
        raise ConfigError(message)
    if not is_cached(sort_grams.__module__):
        say("munmaek: compiling for this machine, once ...")
    with listening(), told("ngram (lm)", describe=stage_text) as tell:
        return train_ngrams(
            recipe,
            data,
            folder=folder,
            valid=valid or (),
            force=force,
            means=Means(threads=threads, memory=limit, temp_dir=temp_dir),
            reserved=treatment,
            report=tell,
        )
