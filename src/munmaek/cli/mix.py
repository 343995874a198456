"""``munmaek mix``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, say
from munmaek.cli.evaluate import put_scores, scores_json
from munmaek.cli.options import Force, Json, LabelColumn, SecondColumn, TextColumn, column
from munmaek.cli.outputs import claimed_folder
from munmaek.errors import ConfigError, UnsupportedError

__all__ = ["mix"]


def mix(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL",
            show_default=False,
            help="Folders of language models or of classifiers, two or more.",
        ),
    ],
    *,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Held-out data that chooses the weights, neither training nor test data.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="W,W,…", show_default=False, help="Weights instead, one for each model."
        ),
    ] = None,
    log_linear: Annotated[
        bool,
        typer.Option(
            "--log-linear",
            help="Multiply powers of the probabilities instead of adding shares: best for "
            "classifiers of different stages, slow for language models.",
        ),
    ] = False,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder of the mixture."
        ),
    ],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    second_column: SecondColumn = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Mix language models that share a tokenizer into one, or classifiers of the same labels.

    They may be of any stages. Weights are tuned on held-out data, by expectation–maximisation or
    Newton's method (--log-linear). A language model trained with --tokenizer and the folder of
    another takes over its tokenizer.
    """
    if (tune is None) == (weights is None):
        raise ConfigError("give either --tune FILE or --weights, to say how much each model counts")
    given = None if weights is None else _weights(weights)

    from munmaek.folder.naming import told_apart
    from munmaek.metrics import CHOSE_WEIGHTS, in_role
    from munmaek.tasks.loading import load

    with claimed_folder(output, force=force):
        parts: list[Any] = [load(each) for each in models]
        task = _common_task(models, parts)
        names = told_apart([part.info.label for part in parts], models)
        how = {"log_linear": log_linear, "names": names}
        if task == "classify":
            columns = (text_column, label_column, second_column)
            made, corpus = _classifiers(parts, given, tune, columns, how)
        else:
            asked = column(text_column)
            made, corpus = _language_models(parts, given, tune, asked, how)
        slow = log_linear and task == "lm"
        scores: dict[str, Any] = {} if corpus is None or slow else made.evaluate(corpus)
        scores = in_role(scores, CHOSE_WEIGHTS)
        shown = {name: score.to_json() for name, score in scores.items()}
        made.save(output, force=force)
    chosen = dict(zip(map(str, models), made.info.config["weights"], strict=True))
    if json:
        put_json({**scores_json(output, task, shown), "weights": chosen})
        return
    for name, weight in chosen.items():
        put(f"{weight:.4f}  {name}")
    put_scores(shown)
    if not shown:
        put("not evaluated: see munmaek evaluate")
    say(f"next:\n  munmaek evaluate {output} TEST")


def _common_task(models: Sequence[Path], parts: Sequence[Any]) -> str:
    """``lm`` or ``classify``.

    Raises:
        UnsupportedError: a model of another task, or of another than the first; names it.
    """
    task = "classify" if parts[0].info.task == "classify" else "lm"
    wanted = "a single classifier" if task == "classify" else "a language model"
    for folder, part in zip(models, parts, strict=True):
        # Told by what is known of it: n-grams are mixed without torch.
        again = task == "classify" and part.info.stage == "mixture"
        if part.info.task != task or again:
            what = f"a {part.info.stage} for '{part.info.task}'"
            message = f"{folder}: {what}; mix needs {wanted} here"
            raise UnsupportedError(message)
    return task


def _language_models(
    parts: Sequence[Any],
    weights: Sequence[float] | None,
    tune: Sequence[str] | None,
    text_column: str | int | None,
    how: Mapping[str, Any],
) -> tuple[Any, Any]:
    """The mixture, and the text that it was tuned on."""
    from munmaek.tasks.lm.mixing import mix as mixed
    from munmaek.text.corpora import read_text

    corpus = None if tune is None else read_text(tune, column=text_column)
    return mixed(parts, weights=weights, tune=corpus, **how), corpus


def _classifiers(
    parts: Sequence[Any],
    weights: Sequence[float] | None,
    tune: Sequence[str] | None,
    columns: tuple[str | None, str | None, str | None],
    how: Mapping[str, Any],
) -> tuple[Any, Any]:
    """The same of classifiers, with the columns of text, label and second text."""
    from munmaek.tasks.classify.mixed import mix_classifiers
    from munmaek.text.corpora import Pairs, read_labelled

    text, label, second = map(column, columns)
    corpus = None
    if tune is not None:
        paired = second is not None or any(part.pairs for part in parts)
        pairs = Pairs(second) if paired else None
        corpus = read_labelled(tune, text_column=text, label_column=label, pairs=pairs)
    return mix_classifiers(parts, weights=weights, tune=corpus, **how), corpus


def _weights(text: str) -> list[float]:
    try:
        return [float(each) for each in text.replace(",", " ").split()]
    except ValueError:
        message = f"--weights {text}: wanted numbers with commas between, such as 0.7,0.3"
        raise ConfigError(message) from None
