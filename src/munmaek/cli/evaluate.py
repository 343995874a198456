"""``munmaek evaluate``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, say
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
from munmaek.cli.translations import (
    TranslationOptions,
    evaluate_translations,
    put_translations,
)
from munmaek.errors import ConfigError

__all__ = ["evaluate", "interval_text", "number", "put_bases", "put_scores", "scores_json"]


def evaluate(
    model: ModelFolder,
    data: DataFiles,
    *,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    pairs: PairRows = False,
    second_column: SecondColumn = None,
    beam: Annotated[int, typer.Option(min=1, help="Beam of a translator.")] = 5,
    ter: Annotated[
        bool,
        typer.Option(
            "--ter/--no-ter", help="Count the edits of a translator; slow on long sentences."
        ),
    ] = True,
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
        int, typer.Option(min=1, metavar="N", help="Tokens that the cache remembers.")
    ] = 2000,
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
    from munmaek.tasks.loading import load
    from munmaek.text.corpora import Pairs

    trained = load(model)
    if context is not None:
        trained = _within(trained, context)
    paired = pairs or second_column is not None or bool(getattr(trained, "pairs", False))
    columns = {
        "text_column": column(text_column),
        "label_column": column(label_column),
        "pairs": Pairs(column(second_column)) if paired else None,
    }
    asked = TranslationOptions(
        beam,
        ter,
        by_length,
        diagnose,
        against,
        source_tag,
        column(tag_column),
        bleu_tokenizer,
    )
    if trained.info.task == "translate":
        _put_translator(model, trained, data, asked, json=json)
        return
    asked.refuse_for(trained.info.task)
    found = _scores(trained, data, columns)
    if cache or dynamic or mix is not None:
        size = cache_size if cache else None
        found |= _adapted(
            trained, data, tune, column(text_column), cache=size, dynamic=dynamic, mix=mix
        )
    scores = {name: score.to_json() for name, score in found.items()}
    if json:
        put_json(scores_json(model, trained.info.task, scores))
    else:
        put_scores(scores)


def _put_translator(
    model: Path, trained: Any, data: Sequence[str], asked: TranslationOptions, *, json: bool
) -> None:
    # What is not shown is not counted: machines get the scores by length in any case.
    asked = replace(asked, by_length=asked.by_length or json)
    found = evaluate_translations(model, trained, data, asked)
    if json:
        put_json({**scores_json(model, trained.info.task, found["scores"]), **found})
    else:
        put_scores(found["scores"])
        put_translations(found, asked)


def _scores(trained: Any, data: Sequence[str], columns: Mapping[str, Any]) -> dict[str, Any]:
    from munmaek.text.corpora import read_labelled, read_text, read_valued
    from munmaek.text.forms import Form, named_form
    from munmaek.text.tagged import read_tagged

    if trained.info.task == "classify":
        labelled = read_labelled(data, **columns)
        _say_unseen(trained.labels, labelled.every_label, labelled.name, unit="rows")
        return trained.info.in_view_of(trained.evaluate(labelled), len(labelled.labels), labelled)
    if trained.info.task == "regress":
        valued = read_valued(data, **columns)
        return trained.info.in_view_of(trained.evaluate(valued), len(valued.labels), valued)
    if trained.info.task == "tag":
        tagged = read_tagged(data)
        given = [label for labels in tagged.labels for label in labels]
        _say_unseen(trained.labels, given, tagged.name, unit="words")
        return trained.info.in_view_of(trained.evaluate(tagged), len(tagged.labels), tagged)
    task = trained.info.task
    tables = all(named_form(path) in (Form.TSV, Form.CSV) for path in data)
    if task == "embed" or (task == "mlm" and tables):
        return _pair_scores(trained, data, columns)
    text = read_text(data, column=columns["text_column"])
    return trained.info.in_view_of(trained.evaluate(text), len(text.lines), text)


def _say_unseen(known: Sequence[str], given: Sequence[str], name: str, *, unit: str) -> None:
    from munmaek.text.labels import unseen_note

    if note := unseen_note(known, given, name=name, unit=unit):
        say(f"munmaek: note: {note}")


def _pair_scores(trained: Any, data: Sequence[str], columns: Mapping[str, Any]) -> dict[str, Any]:
    from munmaek.text.pairs import read_pairs

    first, value = columns["text_column"], columns["label_column"]
    return trained.evaluate_pairs(read_pairs(data, first_column=first, value_column=value))


def _within(trained: Any, context: str) -> Any:
    """The language model, told where to begin anew.

    Raises:
        ConfigError: no such place, or a model that has no choice.
    """
    from munmaek.tasks.lm.objective import NeuralLanguageModel

    if context not in ("sentence", "document"):
        message = f"--context {context}: the model begins anew at each 'sentence' or 'document'"
        raise ConfigError(message)
    model = getattr(trained, "model", None)
    if not isinstance(model, NeuralLanguageModel):
        message = f"--context is for neural language models, this is a {trained.info.label}"
        raise ConfigError(message)
    return replace(trained, model=replace(model, document=context == "document"))


def _adapted(
    trained: Any,
    data: Sequence[str],
    tune: Sequence[str] | None,
    text_column: str | int | None,
    *,
    cache: int | None,
    dynamic: bool,
    mix: Path | None,
) -> dict[str, Any]:
    from munmaek.tasks.lm.adapted import Adaptation, adapted_scores
    from munmaek.tasks.lm.model import TrainedLanguageModel
    from munmaek.tasks.loading import load_as
    from munmaek.text.corpora import read_text

    if tune is None:
        message = "--cache, --dynamic and --mix need --tune FILE, a text to choose on"
        raise ConfigError(message)
    if not isinstance(trained, TrainedLanguageModel):
        message = f"--cache, --dynamic and --mix are for language models, not {trained.info.task}"
        raise ConfigError(message)
    other = None if mix is None else load_as(mix, TrainedLanguageModel, what="--mix")
    adaptation = Adaptation(read_text(tune, column=text_column), cache, dynamic, other)
    return adapted_scores(trained, read_text(data, column=text_column), adaptation)


def scores_json(model: Path, task: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """What ``evaluate`` and the end of ``train`` print for machines."""
    from munmaek.metrics import remarks

    said = [each.words() for each in remarks(scores)]
    return {"model": str(model), "task": task, "scores": scores, "remarks": said}


def put_scores(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each score, what they rest on, and what one should know before relying on them."""
    from munmaek.metrics import absent

    wide = max((len(name) for name in scores), default=0)
    for name, score in scores.items():
        interval = interval_text(score.get("low"), score.get("high"))
        put(
            f"{name:{wide}}  {number(score['value']):>8}  {interval:17}  {score['unit']:14}  "
            f"{score['signature']}".rstrip()
        )
    put_bases(scores)
    for reason in absent(scores):
        put(reason.words())


def put_bases(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what the scores were measured on, and whether that is little."""
    from munmaek.metrics import bases

    for basis in bases(scores):
        put(f"on {basis}" + (f"; {basis.remark}" if basis.remark else ""))


def interval_text(low: float | None, high: float | None) -> str:
    """``11.9 – 12.8``, or nothing where there is no interval."""
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"


def number(value: float) -> str:
    """Four digits or so."""
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"
