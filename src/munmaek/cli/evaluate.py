"""``munmaek evaluate``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json
from munmaek.cli.options import (
    DataFiles,
    Json,
    LabelColumn,
    ModelFolder,
    PairRows,
    SecondColumn,
    SourceTag,
    TagColumn,
    TextColumn,
    column,
)
from munmaek.cli.translations import write_more

__all__ = ["evaluate", "interval_text", "number", "scores_json", "write_bases", "write_scores"]


def evaluate(
    model: ModelFolder,
    data: DataFiles,
    *,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    pairs: PairRows = False,
    second_column: SecondColumn = None,
    beam: Annotated[
        int | None, typer.Option(min=1, show_default="5", help="Beam of a translator.")
    ] = None,
    ter: Annotated[
        bool | None,
        typer.Option(
            "--ter/--no-ter",
            show_default="ter",
            help="Count the edits of a translator; slow on long sentences.",
        ),
    ] = None,
    bleu_tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default="char where most letters are Hangul, Han or kana, else 13a",
            help="sacreBLEU's tokenizer for the BLEU of a translator, such as ko-mecab.",
        ),
    ] = None,
    by_length: Annotated[
        bool, typer.Option("--by-length", help="Show scores by source length too (translate).")
    ] = False,
    diagnose: Annotated[
        bool,
        typer.Option(
            "--diagnose",
            help="Say whether it ignores its source, copies or repeats itself (translate).",
        ),
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Test whether another translator differs: paired bootstrap and approximate "
            "randomisation.",
        ),
    ] = None,
    source_tag: SourceTag = None,
    tag_column: TagColumn = None,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            show_default="as trained",
            help="Where a neural language model begins anew: sentence, or document (nowhere).",
        ),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache", help="With a neural cache too (lm); needs --tune.")
    ] = False,
    cache_size: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", show_default="2000", help="Tokens that the cache remembers."
        ),
    ] = None,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="With dynamic evaluation too (lm); needs --tune.")
    ] = False,
    mix: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Mixed with this model of the same tokenizer too (lm); needs --tune.",
        ),
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Text on which cache, rates and weights are chosen; never the data itself.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a model on data of its task.

    Scores come with their 95 % intervals and signatures. What adapts to the data while it is
    measured (--cache, --dynamic) stands apart from the model alone.
    """
    given = {
        "text_column": column(text_column),
        "label_column": column(label_column),
        "pairs": pairs or None,
        "second_column": column(second_column),
        "beam": beam,
        "ter": ter,
        "bleu_tokenizer": bleu_tokenizer,
        "by_length": by_length or None,
        "diagnose": diagnose or None,
        "against": against,
        "source_tag": source_tag,
        "tag_column": column(tag_column),
        "context": context,
        "cache": cache or None,
        "cache_size": cache_size,
        "dynamic": dynamic or None,
        "mix": mix,
        "tune": None if tune is None else tuple(tune),
    }
    _write(model, data, {name: value for name, value in given.items() if value is not None}, json)


def _write(folder: Path, data: Sequence[str], given: dict[str, Any], json: bool) -> None:
    from munmaek.pipeline import load, measure

    model = load(folder)
    # What is not shown is not counted: machines get all that costs no other model.
    measured = measure(model, data, place=folder, whole=json, **given)
    scores = {name: score.to_json() for name, score in measured.scores.items()}
    found = dict(measured.entries)
    if measured.findings is not None:
        found["diagnosis"] = [each.to_json() for each in measured.findings]
    if json:
        write_json({**scores_json(folder, model.info.task, scores), **found})
        return
    write_scores(scores)
    write_more(scores, found, diagnose=given.get("diagnose", False))


def scores_json(model: Path, task: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``evaluate`` and the end of ``train`` print for machines."""
    from munmaek.metrics import remarks

    said = [each.words() for each in remarks(scores)]
    return {"model": str(model), "task": task, "scores": scores, "remarks": said}


def write_scores(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each score, what they rest on, and what one should know before relying on them."""
    from munmaek.metrics import absent

    wide = max((len(name) for name in scores), default=0)
    for name, score in scores.items():
        interval = interval_text(score.get("low"), score.get("high"))
        write(
            f"{name:{wide}}  {number(score['value']):>8}  {interval:17}  {score['unit']:14}  "
            f"{score['signature']}".rstrip()
        )
    write_bases(scores)
    for reason in absent(scores):
        write(reason.words())


def write_bases(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what the scores were measured on, and whether that is little."""
    from munmaek.metrics import bases

    for basis in bases(scores):
        write(f"on {basis}" + (f"; {basis.remark}" if basis.remark else ""))


def interval_text(low: float | None, high: float | None) -> str:
    """``11.9 – 12.8``, or nothing where there is no interval."""
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"


def number(value: float) -> str:
    """Four digits or so."""
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"
