"""``munmaek fill``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json, write_line, write_message
from munmaek.cli.options import ServedModel, place_of
from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import asked_of, parameters, predict

__all__ = ["FILL", "fill"]

Text = Annotated[
    str,
    typer.Argument(
        metavar="TEXT|FILE|-",
        show_default=False,
        help="A text with <mask> in it, or a file of such texts, a line each or a table; - is "
        "standard input.",
    ),
]


def fill(given: Given) -> None:
    """Print what may stand behind each <mask>.

    Of a text a line holds the number of the mask, a word and its probability. Of a file there is a
    line for each text: the text with its masks filled.
    """
    written = given["file"]
    if written == "-" or _is_file(written):
        predict("fill", given)
    else:
        _fill_text(place_of(given), written, asked_of("fill", given), json=given["json"])


def _is_file(written: str) -> bool:
    try:
        return Path(written).is_file()
    except (OSError, ValueError):  # too long for a name, or no name
        return False


def _fill_text(model: Any, text: str, asked: Any, *, json: bool) -> None:
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "mlm")
    found = trained.fill(text, top=asked.top, pair=asked.pair)
    for each in found:
        if json:
            rows = [{"token": token, "probability": chance} for token, chance in each.candidates]
            write_json({"position": each.position, "candidates": rows, "text": each.text})
        else:
            for token, chance in each.candidates:
                write_line(f"{each.position + 1}\t{token}\t{chance:.4f}")
    if not json:
        write_message(found[0].text)


FILL = Declared(fill, lambda: parameters("fill", model=(ServedModel, ...), file=(Text, ...)))
