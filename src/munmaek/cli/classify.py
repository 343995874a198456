"""``munmaek classify``."""

from typing import Any

from munmaek.cli.console import put_json, put_line
from munmaek.cli.inputs import blocks_of_lines
from munmaek.cli.options import InputFile, Json, ModelFolder

__all__ = ["classify"]


def classify(model: ModelFolder, file: InputFile = "-", *, json: Json = False) -> None:
    """Print the label of every text.

    One line for each line of the input: the label, its probability, the text. An empty line stays
    empty.
    """
    from munmaek.artefact import Classifier, load_as

    trained: Any = load_as(model, Classifier, what="classify")
    for lines in blocks_of_lines(file):
        found = iter(trained.predict([line for line in lines if line]))
        for line in lines:
            _put(line, next(found) if line else None, json=json)


def _put(line: str, prediction: Any, *, json: bool) -> None:
    label: str | None = prediction.label if prediction else None
    chances: dict[str, float] = prediction.probabilities if prediction else {}
    if json:
        put_json({"text": line, "label": label, "probabilities": chances})
    else:
        put_line(f"{label}\t{chances[label]:.4f}\t{line}" if label is not None else "")
