"""``munmaek add``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import seconds_text, write, write_json
from munmaek.cli.evaluate import scores_json, write_scores
from munmaek.cli.options import Force, Json, ModelFolder, TextColumn, column
from munmaek.cli.outputs import claimed_folder

__all__ = ["add"]


def add(
    model: ModelFolder,
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="Text, a sentence a line, maybe compressed; - is standard input.",
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            show_default=False,
            help="Folder of the new model; with --force it may be MODEL.",
        ),
    ],
    valid: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", show_default=False, help="Text to evaluate the model on."),
    ] = None,
    text_column: TextColumn = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Add text to an n-gram model that was saved with its own.

    The result is the same to the bit as that of training on both texts with the model's tokenizer,
    and takes as long: every discount depends on all counts.
    """
    from munmaek.tasks.lm.adding import add_text
    from munmaek.tasks.loading import load_for
    from munmaek.text.corpora import read_text

    with claimed_folder(output, force=force):
        trained: Any = load_for(model, "lm", what="add")
        asked = column(text_column)
        corpus = read_text(data, column=asked)
        held = read_text(valid, column=asked) if valid else None
        made = add_text(trained, corpus, valid=held)
        made.save(output, force=force)
    if json:
        write_json(scores_json(output, "lm", made.info.scores))
        return
    write_scores(made.info.scores)
    if not made.info.scores:
        write("not evaluated: give --valid FILE")
    write(
        f"{output}: {made.info.label}, {made.info.parameters:,} n-grams, "
        f"{len(corpus.lines):,} lines added in {seconds_text(made.info.seconds)}"
    )
