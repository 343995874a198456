"""``munmaek next``."""

import math
from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json, write_line
from munmaek.cli.options import Json, ModelFolder

__all__ = ["next_tokens"]


def next_tokens(
    model: ModelFolder,
    context: Annotated[
        str,
        typer.Argument(
            metavar="CONTEXT",
            show_default=False,
            help="Beginning of the sentence; leave it out for first words.",
        ),
    ] = "",
    *,
    count: Annotated[int, typer.Option("-k", "--count", min=1, help="Tokens to show.")] = 10,
    json: Json = False,
) -> None:
    """Print the likeliest next tokens, with the probability of each."""
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "lm", what="next")
    found = trained.next_tokens(context, count=count)
    if json:
        rows = [{"token": each.token, "logprob": each.logprob} for each in found]
        write_json({"context": context, "next": rows})
        return
    for each in found:
        write_line(f"{math.exp(each.logprob):.6f}\t{each.token}")
