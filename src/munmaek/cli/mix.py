"""``munmaek mix``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.evaluate import scores_json, write_scores
from munmaek.cli.options import (
    Force,
    Json,
    LabelColumn,
    SecondColumn,
    TextColumn,
    column,
)
from munmaek.cli.outputs import claimed_folder
from munmaek.cli.parameters import Declared, Given, Parameters
from munmaek.errors import ConfigError, UnsupportedError

__all__ = ["MIX", "PARAMETERS", "mix"]

PARAMETERS: Final[Parameters] = {
    "models": (
        Annotated[
            list[Path],
            typer.Argument(
                metavar="MODEL",
                show_default=False,
                help="Folders of language models or of classifiers, two or more.",
            ),
        ],
        ...,
    ),
    "tune": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="FILE",
                show_default=False,
                help="Held-out data that chooses the weights, neither training nor test data.",
            ),
        ],
        None,
    ),
    "weights": (
        Annotated[
            str | None,
            typer.Option(
                metavar="W,W,…", show_default=False, help="Weights instead, one for each model."
            ),
        ],
        None,
    ),
    "log_linear": (
        Annotated[
            bool,
            typer.Option(
                "--log-linear",
                help="Multiply powers of the probabilities instead of adding shares: best for "
                "classifiers of different stages, slow for language models.",
            ),
        ],
        False,
    ),
    "fuse": (
        Annotated[
            bool,
            typer.Option(
                "--fuse",
                help="Make one n-gram model of n-gram models, which may have different words; "
                "--tune beside --weights measures what that costs.",
            ),
        ],
        False,
    ),
    "output": (
        Annotated[
            Path,
            typer.Option(
                "--output", "-o", metavar="DIR", show_default=False, help="Folder of the mixture."
            ),
        ],
        ...,
    ),
    "text_column": (TextColumn, None),
    "label_column": (LabelColumn, None),
    "second_column": (SecondColumn, None),
    "force": (Force, False),
    "json": (Json, False),
}


def mix(given: Given) -> None:
    """Mix several language models, or several classifiers, into one.

    Language models share a tokenizer, classifiers their labels; stages may differ. Weights are
    tuned on held-out data, by expectation–maximisation or Newton's method (--log-linear). A
    language model trained with --tokenizer and the folder of another takes over its tokenizer.

    With --fuse n-gram models become one, by the mixture's probabilities at all their n-grams and
    new backoff weights (as SRILM's ngram -mix-lm -write-lm does). Of words that a model lacks each
    has an even part of its probability of <unk>.
    """
    tune, written = given["tune"], given["weights"]
    if (tune is None) == (written is None) and not (given["fuse"] and tune):
        raise ConfigError("give either --tune FILE or --weights, to say how much each model counts")
    weights = None if written is None else _weights(written)

    from munmaek.folder.naming import told_apart
    from munmaek.metrics import CHOSE_WEIGHTS, in_role
    from munmaek.tasks.loading import load
    from munmaek.tasks.work import Mixing

    models, output = given["models"], given["output"]
    with claimed_folder(output, force=given["force"]):
        parts: list[Any] = [load(each) for each in models]
        work = _common_work(models, parts)
        how = Mixing(
            weights,
            tune,
            {name: column(given[f"{name}_column"]) for name in ("text", "label", "second")},
            given["log_linear"],
            told_apart([part.info.label for part in parts], models),
            given["fuse"],
        )
        made = work.mix(parts, how)
        scores: dict[str, Any] = {} if made.corpus is None else made.model.evaluate(made.corpus)
        if weights is None:
            scores = in_role(scores, CHOSE_WEIGHTS)
        shown = {name: score.to_json() for name, score in scores.items()}
        made.model.save(output, force=given["force"])
    _write(output, models, made, shown, json=given["json"])


def _write(
    output: Path, models: Sequence[Path], made: Any, scores: dict[str, Any], *, json: bool
) -> None:
    chosen = dict(zip(map(str, models), made.weights, strict=True))
    if json:
        found = scores_json(output, made.model.info.task, scores)
        write_json({**found, "weights": chosen, **made.entries})
        return
    for name, weight in chosen.items():
        write(f"{weight:.4f}  {name}")
    write_scores(scores)
    if made.remark:
        write(made.remark)
    if not scores:
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


MIX = Declared(mix, lambda: PARAMETERS)
