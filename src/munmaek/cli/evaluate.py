"""``munmaek evaluate``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json
from munmaek.cli.options import (
    DataFiles,
    Json,
    LabelColumn,
    ModelFolder,
    TextColumn,
    column,
)

__all__ = ["evaluate", "interval_text", "number", "put_scores", "scores_json"]


def evaluate(
    model: ModelFolder,
    data: DataFiles,
    *,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    beam: Annotated[int, typer.Option(min=1, help="Beam of a translator.")] = 5,
    json: Json = False,
) -> None:
    """Measure a model on data of its task.

    Scores come with their 95 % intervals and signatures.
    """
    from munmaek.artefact import load

    trained = load(model)
    columns = {"text_column": column(text_column), "label_column": column(label_column)}
    found = _scores(trained, data, columns, beam)
    scores = {name: score.to_json() for name, score in found.items()}
    if json:
        put_json(scores_json(model, trained.info.task, scores))
    else:
        put_scores(scores)


def _scores(
    trained: Any, data: Sequence[str], columns: Mapping[str, Any], beam: int
) -> dict[str, Any]:
    from munmaek.text.corpora import read_labelled, read_parallel, read_text

    if trained.info.task == "classify":
        return trained.evaluate(read_labelled(data, **columns))
    if trained.info.task == "translate":
        return trained.evaluate(read_parallel(data), beam=beam)
    return trained.evaluate(read_text(data))


def scores_json(model: Path, task: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """What ``evaluate`` and the end of ``train`` print for machines."""
    return {"model": str(model), "task": task, "scores": scores}


def put_scores(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each score: name, value, interval, unit, signature."""
    wide = max((len(name) for name in scores), default=0)
    for name, score in scores.items():
        interval = interval_text(score.get("low"), score.get("high"))
        put(
            f"{name:{wide}}  {number(score['value']):>8}  {interval:17}  {score['unit']:14}  "
            f"{score['signature']}".rstrip()
        )


def interval_text(low: float | None, high: float | None) -> str:
    """``11.9 – 12.8``, or nothing where there is no interval."""
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"


def number(value: float) -> str:
    """Four digits or so."""
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"
