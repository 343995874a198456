"""``munmaek tag``."""

from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json
from munmaek.cli.inputs import block_of, in_blocks
from munmaek.cli.options import place_of
from munmaek.cli.parameters import Declared, Given, Parameters
from munmaek.cli.predict import parameters, predict
from munmaek.errors import ConfigError

__all__ = ["TAG", "tag"]

WORDS: Parameters = {
    "words": (
        Annotated[
            bool,
            typer.Option(
                "--words", help="The input has a word a line, a blank line after a sentence."
            ),
        ],
        False,
    )
}


def tag(given: Given) -> None:
    """Print the label of every word.

    A word and its label a line, and a blank line after each text. --json gives a line for each text
    instead, with the entities that the labels make and where they stand.
    """
    if not given["words"]:
        predict("tag", given)
        return
    if given["output"] is not None:
        raise ConfigError("-o writes rows, and --words reads none; give a sentence a line")
    _label_words(place_of(given), given["file"], json=given["json"])


def _label_words(model: Any, file: str, *, json: bool) -> None:
    from dataclasses import asdict

    from munmaek.tasks.loading import load_for
    from munmaek.tasks.tag.answering import word_lines
    from munmaek.text.tagged import read_words

    trained: Any = load_for(model, "tag")
    for sentences in in_blocks(read_words(file), block_of(file)):
        for labelled in trained.label_words(sentences):
            words = [asdict(each) for each in labelled]
            write_json({"words": words}) if json else write(word_lines(words))


TAG = Declared(tag, lambda: {**parameters("tag"), **WORDS})
