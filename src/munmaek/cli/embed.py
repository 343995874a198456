"""``munmaek embed``."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, say
from munmaek.cli.inputs import blocks_of_lines
from munmaek.cli.options import Force, InputFile, Json, ModelFolder
from munmaek.cli.outputs import check_file_free, write_aside
from munmaek.errors import ConfigError

__all__ = ["embed"]

PRECISIONS = ("float32", "bfloat16", "int8")
EVERY = 10.0
"""Seconds between lines that say how far it is."""


def embed(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npy",
            show_default=False,
            help="Write a NumPy array [lines, D], float32, instead of text.",
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="float32, bfloat16, or int8: nearly the same and faster."
        ),
    ] = "float32",
    force: Force = False,
    json: Json = False,
) -> None:
    """Print a vector for every line.

    Its numbers have tabs between them.
    """
    if output is not None:
        check_file_free(output, force=force)

    if precision not in PRECISIONS:
        message = f"--precision {precision}: there are {', '.join(PRECISIONS)}"
        raise ConfigError(message)

    from munmaek.artefact import Encoder, load_as

    trained: Any = load_as(model, Encoder, what="embed")
    if output is not None:
        write_aside(output, lambda path: _fill(path, trained, file, precision))
        return
    for lines in blocks_of_lines(file):
        for line, vector in zip(lines, trained.embed(lines, precision=precision), strict=True):
            if json:
                put_json({"text": line, "embedding": vector.tolist()})
            else:
                put("\t".join(f"{value:.6g}" for value in vector.tolist()))


def _fill(path: Path, trained: Any, file: str, precision: str) -> None:
    """Vectors to a .npy file as they come: the file may be larger than memory."""
    from munmaek.text.corpora import read_lines

    rows, width, began = 0, 0, time.monotonic()
    with path.open("wb") as out:
        out.write(_header(0, 0))
        for vectors in trained.encode(read_lines(file), precision=precision):
            out.write(vectors.tobytes())
            rows, width = rows + len(vectors), vectors.shape[1]
            if time.monotonic() - began > EVERY:
                began = time.monotonic()
                say(f"{rows:,} lines")
        out.seek(0)
        out.write(_header(rows, width))
    say(f"{rows:,} vectors of {width}")


def _header(rows: int, width: int) -> bytes:
    """Version 1.0 of NumPy's format, always 128 bytes, so that it can be filled in at the end."""
    content = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + content.ljust(117).encode() + b"\n"
