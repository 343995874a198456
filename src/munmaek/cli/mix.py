"""``munmaek mix``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, say
from munmaek.cli.evaluate import put_scores, scores_json
from munmaek.cli.options import Force, Json
from munmaek.errors import ConfigError

__all__ = ["mix"]


def mix(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL", show_default=False, help="Folders of language models, two or more."
        ),
    ],
    *,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Held-out text that chooses the weights, neither training nor test data.",
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
            help="Multiply powers of the probabilities, normalised over the vocabulary: slow.",
        ),
    ] = False,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder of the mixture."
        ),
    ],
    force: Force = False,
    json: Json = False,
) -> None:
    """Mix language models that share a tokenizer into one, of any stages.

    Weights are tuned by expectation–maximisation on held-out text. A model trained with --init
    takes over the tokenizer of another.
    """
    if (tune is None) == (weights is None):
        raise ConfigError("give either --tune FILE or --weights, to say how much each model counts")
    given = None if weights is None else _weights(weights)

    from munmaek.artefact import TrainedLanguageModel, load_as
    from munmaek.artefact import mix as mixed
    from munmaek.artefact.folder import check_free
    from munmaek.text.corpora import read_text

    check_free(output, force=force)
    parts: list[Any] = [load_as(each, TrainedLanguageModel, what="mix") for each in models]
    corpus = None if tune is None else read_text(tune)
    made = mixed(parts, weights=given, tune=corpus, log_linear=log_linear)
    scores = {} if corpus is None else _scores(made, corpus, log_linear=log_linear)
    made.save(output, force=force)
    chosen = dict(zip(map(str, models), made.info.config["weights"], strict=True))
    if json:
        put_json({**scores_json(output, "lm", scores), "weights": chosen})
        return
    for name, weight in chosen.items():
        put(f"{weight:.4f}  {name}")
    put_scores(scores)
    say(f"next:\n  munmaek evaluate {output} TEST")


def _scores(made: Any, corpus: Any, *, log_linear: bool) -> dict[str, Any]:
    """On the text the weights were tuned on; not for log-linear mixtures, which are slow."""
    if log_linear:
        return {}
    return {name: score.to_json() for name, score in made.evaluate(corpus).items()}


def _weights(text: str) -> list[float]:
    try:
        return [float(each) for each in text.replace(",", " ").split()]
    except ValueError:
        message = f"--weights {text}: wanted numbers with commas between, such as 0.7,0.3"
        raise ConfigError(message) from None
