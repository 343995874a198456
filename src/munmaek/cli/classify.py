"""``munmaek classify``, ``munmaek rate`` and ``munmaek tag``: labels and numbers for new text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json, write_line
from munmaek.cli.inputs import Texts, block_of, in_blocks
from munmaek.cli.options import (
    InputFile,
    Json,
    ModelFolder,
    SecondColumn,
    TextColumn,
    column,
)

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
    model: ModelFolder,
    file: InputFile = "-",
    *,
    pairs: PairLines = False,
    text_column: TextColumn = None,
    second_column: SecondColumn = None,
    json: Json = False,
) -> None:
    """Print the label of every text, or of every pair of texts.

    One line for each line or row of the input: the label, its probability, the text. An empty line
    stays empty. A pair is two texts on one line with a tab between, or two columns of a table. A
    model that gives a text several labels has those that reach their threshold, ½ where none was
    chosen, with commas between; where there are none, or a model with thresholds is not sure enough
    of any, stands "-", and null in JSON.
    """
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "classify")
    asked = _Asked(file, pairs or bool(trained.pairs), column(text_column), column(second_column))
    for line, found in asked.answered(trained.predict):
        if not json:
            write_line(f"{_labels(found)}\t{line}" if found else "")
            continue
        chances: dict[str, float] = found.probabilities if found else {}
        label = (found.label or None) if found else None
        several = {"labels": list(found.labels) if found else []} if trained.several else {}
        write_json({**_texts(line, found), "label": label, **several, "probabilities": chances})


def _labels(found: Any) -> str:
    """Return the labels of a text and their probabilities, with a tab between."""
    chances = ",".join(f"{found.probabilities[label]:.4f}" for label in found.labels)
    return f"{','.join(found.labels) or '-'}\t{chances or '-'}"


def rate(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    pairs: PairLines = False,
    text_column: TextColumn = None,
    second_column: SecondColumn = None,
    json: Json = False,
) -> None:
    """Print the number of every text, or of every pair of texts.

    One line for each line or row of the input: the number, such as the similarity of a pair, and
    the text. An empty line stays empty. A pair is two texts on one line with a tab between, or two
    columns of a table.
    """
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "regress")
    asked = _Asked(file, pairs or bool(trained.pairs), column(text_column), column(second_column))
    for line, found in asked.answered(trained.rate):
        if json:
            write_json({**_texts(line, found), "value": found.value if found else None})
        else:
            write_line(f"{found.value:.4f}\t{line}" if found else "")


def tag(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    words: Annotated[
        bool,
        typer.Option("--words", help="The input has a word a line, a blank line after a sentence."),
    ] = False,
    text_column: TextColumn = None,
    json: Json = False,
) -> None:
    """Print the label of every word.

    A word and its label a line, and a blank line after each text. --json gives a line for each text
    instead, with the entities that the labels make and where they stand.
    """
    from munmaek.tasks.loading import load_for
    from munmaek.text.tagged import read_words

    trained: Any = load_for(model, "tag")
    if words:
        for sentences in in_blocks(read_words(file), block_of(file)):
            for labelled in trained.label_words(sentences):
                _write_words(labelled, json=json)
        return
    for lines in Texts(file, column(text_column)).blocks():
        found = trained.label_words([trained.split(line) for line in lines])
        if not json:
            for labelled in found:
                _write_words(labelled, json=False)
            continue
        # Those of a checkpoint that labels every piece come from pieces, not from words.
        if trained.whole_words:
            entities = [trained.entities(*each) for each in zip(lines, found, strict=True)]
        else:
            entities = trained.tag(lines)
        for line, labelled, own in zip(lines, found, entities, strict=True):
            write_json(
                {
                    "text": line,
                    "words": [asdict(each) for each in labelled],
                    "entities": [asdict(each) for each in own],
                }
            )


def _write_words(labelled: Sequence[Any], *, json: bool) -> None:
    if json:
        write_json({"words": [asdict(each) for each in labelled]})
        return
    for each in labelled:
        write_line(f"{each.word}\t{each.label}")
    write("")


def _texts(line: str, found: Any) -> dict[str, str]:
    """Return ``text``, and ``second`` of a pair."""
    if found is None or found.second is None:
        return {"text": line}
    return {"text": found.text, "second": found.second}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A file of texts, or of pairs of texts, that are answered one by one."""

    file: str
    pairs: bool
    text_column: str | int | None
    second_column: str | int | None

    def answered(self, answer: Callable[..., Sequence[Any]]) -> Iterator[tuple[str, Any]]:
        """Yield every text with what the model says of it, None of an empty one."""
        if not self.pairs and self.second_column is None:
            for lines in Texts(self.file, self.text_column, extra=1).blocks():
                found = iter(answer([line for line in lines if line]))
                yield from ((line, next(found) if line else None) for line in lines)
            return
        for rows in self._blocks_of_pairs():
            filled = [row for row in rows if any(row)]
            found = iter(answer([first for first, _ in filled], [second for _, second in filled]))
            for row in rows:
                yield "\t".join(row) if any(row) else "", next(found) if any(row) else None

    def _blocks_of_pairs(self) -> Iterator[list[tuple[str, str]]]:
        from munmaek.text.corpora import read_text_pairs

        rows = read_text_pairs(
            self.file,
            first_column=self.text_column,
            second_column=self.second_column,
            extra=1,
        )
        return in_blocks(rows, block_of(self.file))
