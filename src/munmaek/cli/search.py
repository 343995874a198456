"""``munmaek search``."""

import heapq
from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json, write_line
from munmaek.cli.embed import PRECISIONS, Prompt, Window, overlap_of, say_cut
from munmaek.cli.inputs import Texts
from munmaek.cli.options import Json, ModelFolder, TextColumn, column
from munmaek.errors import ConfigError

__all__ = ["search"]

BLOCK = 4096


def search(
    model: ModelFolder,
    file: Annotated[
        str, typer.Argument(metavar="FILE", show_default=False, help="Text, a sentence a line.")
    ],
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", show_default=False, help="Text that the lines are to be near."
        ),
    ],
    *,
    top: Annotated[int, typer.Option(min=1, help="Lines to show.")] = 5,
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="float32, bfloat16 or int8, as in embed.")
    ] = "float32",
    window: Window = False,
    prompt: Prompt = None,
    text_column: TextColumn = None,
    json: Json = False,
) -> None:
    """Print the lines of a file nearest in meaning to a query.

    A line holds the cosine to the query, the line's number and its text; a model that compares by
    another similarity gives that instead, distances as negative numbers. --prompt is put before
    the query alone. Without it the query has the model's prompt "query" and the lines have
    "document" or "passage", where it has them, else its default one.
    """
    if precision not in PRECISIONS:
        message = f"--precision {precision}: there are {', '.join(PRECISIONS)}"
        raise ConfigError(message)
    import itertools

    from munmaek.metrics.retrieval import similarities
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "embed", what="search")
    asked = trained.sentence.asked if prompt is None else prompt
    answered, name = trained.sentence.answered, trained.sentence.similarity
    shared = overlap_of(trained, asked) if window else None
    wanted = trained.embed([query], overlap=shared, prompt=asked)
    best: list[tuple[float, int, str]] = []
    source = Texts(file, column(text_column))
    read, compared = itertools.tee(source.read())
    number = longer = 0

    def count(encoded: Any) -> None:
        nonlocal longer
        longer = encoded.longer

    overlap = overlap_of(trained, answered) if window else None
    options = {"precision": precision, "block": BLOCK, "overlap": overlap, "report": count}
    encoded = trained.embed_blocks(read, prompt=answered, **options)
    for vectors in source.followed(encoded, size=len):
        for value in similarities(vectors, wanted, name=name)[:, 0].tolist():
            number += 1
            # Of equal lines the earlier comes first.
            entry = (value, -number, next(compared))
            heapq.heappush(best, entry) if len(best) < top else heapq.heappushpop(best, entry)
    say_cut(0 if window else longer, trained.limit)
    for value, place, line in sorted(best, reverse=True):
        if json:
            write_json({name: value, "line": -place, "text": line})
        else:
            write_line(f"{value:.4f}\t{-place}\t{line}")
