"""``munmaek fill``."""

from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json, write_line, write_message
from munmaek.cli.options import Json, ModelFolder

__all__ = ["fill"]


def fill(
    model: ModelFolder,
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", show_default=False, help="A text with <mask> in it."),
    ],
    *,
    pair: Annotated[
        str | None,
        typer.Option(metavar="TEXT", show_default=False, help="A second text behind the first."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Words to show for each mask.")] = 5,
    json: Json = False,
) -> None:
    """Print what may stand behind each <mask>.

    A line holds the number of the mask, a word and its probability.
    """
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "mlm")
    found = trained.fill(text, top=top, pair=pair)
    for each in found:
        if json:
            rows = [{"token": token, "probability": chance} for token, chance in each.candidates]
            write_json({"position": each.position, "candidates": rows, "text": each.text})
        else:
            for token, chance in each.candidates:
                write_line(f"{each.position + 1}\t{token}\t{chance:.4f}")
    if not json:
        write_message(found[0].text)
