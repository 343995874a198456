"""``munmaek embed``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, say
from munmaek.cli.inputs import blocks_of_lines
from munmaek.cli.options import Force, InputFile, Json, ModelFolder
from munmaek.cli.outputs import check_file_free, write_aside

__all__ = ["embed"]


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
    force: Force = False,
    json: Json = False,
) -> None:
    """Print a vector for every line.

    Its numbers have tabs between them.
    """
    if output is not None:
        check_file_free(output, force=force)

    import numpy as np

    from munmaek.artefact import Encoder, load_as

    trained: Any = load_as(model, Encoder, what="embed")
    kept: list[Any] = []
    for lines in blocks_of_lines(file):
        vectors = trained.embed(lines)
        if output is not None:
            kept.append(vectors)
            continue
        for line, vector in zip(lines, vectors.tolist(), strict=True):
            if json:
                put_json({"text": line, "embedding": vector})
            else:
                put("\t".join(f"{value:.6g}" for value in vector))
    if output is not None:
        array = np.concatenate(kept)
        write_aside(output, lambda path: np.save(path, array))
        say(f"{output}: {array.shape[0]} vectors of {array.shape[1]}")
