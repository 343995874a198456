"""``munmaek mix``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.evaluate import scores_json, write_scores
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
    """Mix several language models, or several classifiers, into one.

    Language models share a tokenizer, classifiers their labels; stages may differ. Weights are
    tuned on held-out data, by expectation–maximisation or Newton's method (--log-linear). A
    language model trained with --tokenizer and the folder of another takes over its tokenizer.
    """
    if (tune is None) == (weights is None):
        raise ConfigError("give either --tune FILE or --weights, to say how much each model counts")
    given = None if weights is None else _weights(weights)

    from munmaek.folder.naming import told_apart
    from munmaek.metrics import CHOSE_WEIGHTS, in_role
    from munmaek.tasks.loading import load
    from munmaek.tasks.work import Mixing

    with claimed_folder(output, force=force):
        parts: list[Any] = [load(each) for each in models]
        work = _common_work(models, parts)
        how = Mixing(
            given,
            tune,
            {
                "text": column(text_column),
                "label": column(label_column),
                "second": column(second_column),
            },
            log_linear,
            told_apart([part.info.label for part in parts], models),
        )
        made, corpus = work.mix(parts, how)
        scores: dict[str, Any] = {} if corpus is None else made.evaluate(corpus)
        scores = in_role(scores, CHOSE_WEIGHTS)
        shown = {name: score.to_json() for name, score in scores.items()}
        made.save(output, force=force)
    chosen = dict(zip(map(str, models), made.info.config["weights"], strict=True))
    if json:
        write_json({**scores_json(output, made.info.task, shown), "weights": chosen})
        return
    for name, weight in chosen.items():
        write(f"{weight:.4f}  {name}")
    write_scores(shown)
    if not shown:
        write("not evaluated: see munmaek evaluate")
    write_message(f"next:\n  munmaek evaluate {output} TEST")


def _common_work(models: Sequence[Path], parts: Sequence[Any]) -> Any:
    """Return the work of the task that all models do.

    Raises:
        UnsupportedError: a model of another task than the first, or one that cannot be mixed.
    """
    from munmaek.tasks import task_named

    info = parts[0].info
    work = task_named(info.task).loaded()
    for folder, part in zip(models, parts, strict=True):
        if part.info.task != info.task or not work.can_mix(part):
            what = f"a {part.info.stage} for '{part.info.task}'"
            wanted = work.mixed or "language models or classifiers"
            message = f"{folder}: {what}; mix needs {wanted} here"
            raise UnsupportedError(message)
    return work


def _weights(text: str) -> list[float]:
    try:
        return [float(each) for each in text.replace(",", " ").split()]
    except ValueError:
        message = f"--weights {text}: wanted numbers with commas between, such as 0.7,0.3"
        raise ConfigError(message) from None
