"""``munmaek score``."""

from typing import Annotated

import typer

from munmaek.cli.console import put_json, put_line
from munmaek.cli.inputs import blocks_of_lines
from munmaek.cli.options import InputFile, Json, ModelFolder
from munmaek.errors import UnsupportedError

__all__ = ["score"]


def score(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    tokens: Annotated[bool, typer.Option("--tokens", help="That of every token too.")] = False,
    json: Json = False,
) -> None:
    """Print how likely every sentence is.

    One line for each line of the input: the log-probability in nats, then the sentence. A model of
    masked words gives its pseudo-log-likelihood, which is not comparable with the others.
    """
    from munmaek.artefact import Encoder, TrainedLanguageModel, load

    trained = load(model)
    if not isinstance(trained, TrainedLanguageModel | Encoder):
        message = f"{model}: a model for '{trained.info.task}'; score needs 'lm' or 'mlm'"
        raise UnsupportedError(message)
    for lines in blocks_of_lines(file):
        if isinstance(trained, Encoder):
            for line, value in zip(lines, trained.score(lines), strict=True):
                _put(line, value, [], json=json)
        else:
            for each in trained.score(lines):
                pairs = [(token.token, token.logprob) for token in each.tokens]
                _put(each.text, each.logprob, pairs if tokens or json else [], json=json)


def _put(text: str, logprob: float, tokens: list[tuple[str, float]], *, json: bool) -> None:
    if json:
        rows = [{"token": token, "logprob": value} for token, value in tokens]
        put_json({"text": text, "logprob": logprob, "tokens": rows})
    else:
        each = "\t".join(f"{token} {value:.4f}" for token, value in tokens)
        put_line(f"{logprob:.4f}\t{text}" + (f"\t{each}" if each else ""))
