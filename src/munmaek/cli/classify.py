"""``munmaek classify``, ``munmaek rate`` and ``munmaek tag``: labels and numbers for new text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, put_line
from munmaek.cli.inputs import block_of, blocks_of_lines, in_blocks
from munmaek.cli.options import InputFile, Json, ModelFolder
from munmaek.errors import InputError

__all__ = ["classify", "rate", "tag"]

PairLines = Annotated[
    bool,
    typer.Option(
        "--pairs",
        help="Each line holds two texts with a tab between; a model that munmaek trained on pairs "
        "knows it.",
    ),
]


def classify(
    model: ModelFolder, file: InputFile = "-", *, pairs: PairLines = False, json: Json = False
) -> None:
    """Print the label of every text, or of every pair of texts.

    One line for each line of the input: the label, its probability, the text. An empty line stays
    empty. A pair is two texts on one line with a tab between. A model that gives a text several
    labels has those of probability ½ or more, with commas between, or "-" where there are none.
    """
    from munmaek.artefact import Labeller, load_as

    trained: Any = load_as(model, Labeller, what="classify")
    for line, found in _answered(file, trained.predict, pairs=pairs or trained.pairs):
        if not json:
            put_line(f"{_labels(found)}\t{line}" if found else "")
            continue
        chances: dict[str, float] = found.probabilities if found else {}
        label = found.label if found else None
        several = {"labels": list(found.labels) if found else []} if trained.several else {}
        put_json({**_texts(line, found), "label": label, **several, "probabilities": chances})


def _labels(found: Any) -> str:
    """Return the labels of a text and their probabilities, with a tab between."""
    chances = ",".join(f"{found.probabilities[label]:.4f}" for label in found.labels)
    return f"{','.join(found.labels) or '-'}\t{chances or '-'}"


def rate(
    model: ModelFolder, file: InputFile = "-", *, pairs: PairLines = False, json: Json = False
) -> None:
    """Print the number of every text, or of every pair of texts, such as their similarity.

    One line for each line of the input: the number, the text. An empty line stays empty. A pair is
    two texts on one line with a tab between.
    """
    from munmaek.artefact import Regressor, load_as

    trained: Any = load_as(model, Regressor, what="rate")
    for line, found in _answered(file, trained.rate, pairs=pairs or trained.pairs):
        if json:
            put_json({**_texts(line, found), "value": found.value if found else None})
        else:
            put_line(f"{found.value:.4f}\t{line}" if found else "")


def tag(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    words: Annotated[
        bool,
        typer.Option("--words", help="The input has a word a line, a blank line after a sentence."),
    ] = False,
    json: Json = False,
) -> None:
    """Print the label of every word.

    A word and its label a line, and a blank line after each text. --json gives a line for each text
    instead, with the entities that the labels make and where they stand.
    """
    from munmaek.artefact import Tagger, load_as
    from munmaek.text.tagged import read_words

    trained: Any = load_as(model, Tagger, what="tag")
    if words:
        for sentences in in_blocks(read_words(file), block_of(file)):
            for labelled in trained.label_words(sentences):
                _put_words(labelled, json=json)
        return
    for lines in blocks_of_lines(file):
        found = trained.label_words([trained.split(line) for line in lines])
        if not json:
            for labelled in found:
                _put_words(labelled, json=False)
            continue
        # Those of a checkpoint that labels every piece come from pieces, not from words.
        if trained.whole_words:
            entities = [trained.entities(*each) for each in zip(lines, found, strict=True)]
        else:
            entities = trained.tag(lines)
        for line, labelled, own in zip(lines, found, entities, strict=True):
            put_json(
                {
                    "text": line,
                    "words": [asdict(each) for each in labelled],
                    "entities": [asdict(each) for each in own],
                }
            )


def _put_words(labelled: Sequence[Any], *, json: bool) -> None:
    if json:
        put_json({"words": [asdict(each) for each in labelled]})
        return
    for each in labelled:
        put_line(f"{each.word}\t{each.label}")
    put("")


def _texts(line: str, found: Any) -> dict[str, str]:
    """``text``, and ``second`` of a pair."""
    if found is None or found.second is None:
        return {"text": line}
    return {"text": found.text, "second": found.second}


def _answered(
    file: str, answer: Callable[..., Sequence[Any]], *, pairs: bool | None
) -> Iterator[tuple[str, Any]]:
    """Every line with what the model says of it, None of an empty one."""
    number = 0
    for lines in blocks_of_lines(file):
        filled = [line for line in lines if line]
        if pairs:
            parts = [
                _parted(file, number + place, line)
                for place, line in enumerate(lines, start=1)
                if line
            ]
            found = iter(answer([first for first, _ in parts], [second for _, second in parts]))
        else:
            found = iter(answer(filled))
        for line in lines:
            yield line, next(found) if line else None
        number += len(lines)


def _parted(file: str, number: int, line: str) -> tuple[str, str]:
    """The two texts of a line.

    Raises:
        InputError: there are not two.
    """
    parts = [part.strip() for part in line.split("\t")]
    if len(parts) != 2:
        name = "standard input" if file == "-" else file
        few = f"{len(parts)} text{'s' if len(parts) > 1 else ''}"
        message = f"{name}, line {number}: two texts with a tab between are wanted, got {few}"
        raise InputError(message)
    return parts[0], parts[1]
