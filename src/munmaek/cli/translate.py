"""``munmaek translate``."""

from typing import Annotated, Any

import typer

from munmaek.cli.console import put_json, put_line
from munmaek.cli.inputs import blocks_of_lines
from munmaek.cli.options import InputFile, Json, ModelFolder

__all__ = ["translate"]


def translate(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    beam: Annotated[
        int, typer.Option(min=1, help="Translations kept at every step; 1 is greedy.")
    ] = 5,
    max_length: Annotated[
        int | None,
        typer.Option(min=1, show_default=False, help="Tokens at most; by default from the source."),
    ] = None,
    json: Json = False,
) -> None:
    """Translate every line; an empty line stays empty."""
    from munmaek.artefact import Translator, load_as

    trained: Any = load_as(model, Translator, what="translate")
    for lines in blocks_of_lines(file):
        for each in trained.translate(lines, beam=beam, max_length=max_length, links=json):
            if json:
                links = each.alignment
                put_json(
                    {
                        "source": each.source,
                        "translation": each.translation,
                        "logprob": each.logprob,
                        "alignment": None if links is None else [list(link) for link in links],
                    }
                )
            else:
                put_line(each.translation)
