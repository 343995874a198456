"""``munmaek embed``."""

import json as jsons
import sys
import time
from collections.abc import Callable
from itertools import tee
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.inputs import Texts, block_of
from munmaek.cli.options import Force, InputFile, Json, ModelFolder, TextColumn, column
from munmaek.cli.outputs import claimed_file, is_array, is_lines, write_aside
from munmaek.errors import ConfigError

__all__ = ["PRECISIONS", "Prompt", "Window", "embed", "overlap_of", "say_cut"]

PRECISIONS = ("float32", "bfloat16", "int8")
EVERY = 10.0
"""Seconds between lines that say how far it is."""

Window = Annotated[
    bool,
    typer.Option(
        "--window",
        help="Read a text that is too long in windows, a quarter shared, and take their mean; "
        "else its end is cut.",
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        metavar="NAME|TEXT",
        show_default=False,
        help="Put before every text: the name of one of the model's prompts, or a text such as "
        "'query: '. Without it the model's default prompt is put there, where it has one; '' is "
        "none.",
    ),
]


def embed(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="Write a NumPy array [lines, D], float32 (.npy), or JSON lines (.jsonl), instead "
            "of text.",
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="float32, bfloat16, or int8: nearly the same and faster."
        ),
    ] = "float32",
    window: Window = False,
    prompt: Prompt = None,
    text_column: TextColumn = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Print a vector for every line, or row of a table.

    Its numbers have tabs between them. A file larger than memory is read as it goes.
    """
    write = None if output is None else _writer(output)
    if precision not in PRECISIONS:
        message = f"--precision {precision}: there are {', '.join(PRECISIONS)}"
        raise ConfigError(message)

    texts = Texts(file, column(text_column))
    if output is None or write is None:
        _print(model, texts, precision=precision, window=window, prompt=prompt, json=json)
        return
    looks = is_array if output.suffix == ".npy" else is_lines
    with claimed_file(output, force=force, written=looks):
        trained, options = _opened(model, precision=precision, window=window, prompt=prompt)
        write_aside(output, lambda path: write(path, trained, texts, options))


def _opened(
    model: Path, *, precision: str, window: bool, prompt: str | None
) -> tuple[Any, dict[str, Any]]:
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "embed")
    overlap = overlap_of(trained, prompt) if window else None
    return trained, {"precision": precision, "overlap": overlap, "prompt": prompt}


def _print(
    model: Path, file: Texts, *, precision: str, window: bool, prompt: str | None, json: bool
) -> None:
    trained, options = _opened(model, precision=precision, window=window, prompt=prompt)
    read, texts = tee(file.read())
    longer = 0

    def count(encoded: Any) -> None:
        nonlocal longer
        longer = encoded.longer

    encoded = trained.embed_blocks(read, block=block_of(file.path), report=count, **options)
    for vectors in file.followed(encoded, size=len):
        for vector in vectors:
            text = next(texts)
            if json:
                write_json({"text": text, "embedding": vector.tolist()})
            else:
                write("\t".join(f"{value:.6g}" for value in vector.tolist()))
        sys.stdout.flush()
    say_cut(0 if window else longer, trained.limit)


def overlap_of(trained: Any, prompt: str | None = None) -> int:
    """Return the tokens that windows share: a quarter of those beside the prompt."""
    return trained.room(prompt) // 4


def say_cut(longer: int, limit: int) -> None:
    """Tell of texts that lost their end."""
    if longer:
        write_message(f"{longer:,} lines were cut at {limit} tokens; --window reads them whole")


def _writer(output: Path) -> Callable[[Path, Any, Texts, dict[str, Any]], None]:
    """Return what writes a file of that name.

    Raises:
        ConfigError: none does.
    """
    found = {".npy": _fill_array, ".jsonl": _fill_lines}.get(output.suffix)
    if found is None:
        message = f"-o {output}: a name that ends in .npy or .jsonl is wanted"
        raise ConfigError(message)
    return found


class _Told:
    """Says every now and then how far it is, and at the end how many texts were cut."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.last: Any = None

    def __call__(self, encoded: Any) -> None:
        self.last = encoded
        if time.monotonic() - self.began > EVERY:
            self.began = time.monotonic()
            write_message(f"{encoded.texts:,} lines")

    def end(self, width: int, trained: Any, *, windows: bool) -> None:
        if self.last is None:
            return
        write_message(f"{self.last.texts:,} vectors of {width}")
        if not windows:
            say_cut(self.last.longer, trained.limit)


def _fill_array(path: Path, trained: Any, file: Texts, options: dict[str, Any]) -> None:
    """Write vectors to a .npy file as they come: the file may be larger than memory."""
    rows, width, told = 0, 0, _Told()
    with path.open("wb") as out:
        out.write(_header(0, 0))
        encoded = trained.embed_blocks(file.read(), report=told, **options)
        for vectors in file.followed(encoded, size=len):
            out.write(vectors.tobytes())
            rows, width = rows + len(vectors), vectors.shape[1]
        out.seek(0)
        out.write(_header(rows, width))
    told.end(width, trained, windows=options["overlap"] is not None)


def _fill_lines(path: Path, trained: Any, file: Texts, options: dict[str, Any]) -> None:
    """Write a JSON object for each line of the file, as they come."""
    width, told = 0, _Told()
    read, texts = tee(file.read())
    with path.open("w", encoding="utf-8") as out:
        encoded = trained.embed_blocks(read, report=told, **options)
        for vectors in file.followed(encoded, size=len):
            width = vectors.shape[1]
            for vector in vectors:
                row = {"text": next(texts), "embedding": vector.tolist()}
                out.write(jsons.dumps(row, ensure_ascii=False) + "\n")
    told.end(width, trained, windows=options["overlap"] is not None)


def _header(rows: int, width: int) -> bytes:
    """Return the head of NumPy's format 1.0, 128 bytes, so that it can be filled in at the end."""
    content = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + content.ljust(117).encode() + b"\n"
