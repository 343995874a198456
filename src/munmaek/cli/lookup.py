"""``munmaek lookup``."""

import math
from dataclasses import asdict
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json, write_line
from munmaek.cli.options import Json, ModelFolder
from munmaek.errors import InputError

__all__ = ["lookup"]


def lookup(
    model: ModelFolder,
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            show_default=False,
            help="The n-gram; may begin with <s> and end with </s>. Without it, the vocabulary.",
        ),
    ] = None,
    *,
    tokens: Annotated[
        bool,
        typer.Option(
            "--tokens", help="TEXT is tokens as the vocabulary writes them, spaces between."
        ),
    ] = False,
    lines: Annotated[int, typer.Option(min=0, help="Training lines to show at most.")] = 10,
    json: Json = False,
) -> None:
    """Look an n-gram up in a model and in its training text.

    Its probability, backoff weight and counts, and the lines it stands in; where it is not there,
    its longest end that is. Without TEXT every token of the vocabulary.
    """
    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "lm", what="lookup")
    if query is None:
        _write_vocabulary(trained, json=json)
        return
    found = trained.look_up(_ids(trained, query) if tokens else query, lines=lines)
    if json:
        write_json(asdict(found))
    else:
        for each in (found, *found.also):
            _write(each, kept=trained.text is not None)


def _ids(trained: Any, query: str) -> list[int]:
    found: list[int] = []
    for token in query.split():
        number = trained.tokenizer.id(token)
        if number is None:
            message = f"no token '{token}' in the vocabulary; 'munmaek lookup MODEL' lists it"
            raise InputError(message)
        found.append(number)
    if not found:
        raise InputError("nothing to look up: the query is empty")
    return found


def _write(found: Any, *, kept: bool) -> None:
    gram = " ".join(found.tokens)
    where = "in the model" if found.in_model else "not in the model"
    write_line(f"{len(found.tokens)}-gram '{gram}': {where}")
    write(
        f"  log-probability   {found.logprob:.4f} nats, probability {math.exp(found.logprob):.6g}"
    )
    if found.backoff is not None:
        write(f"  backoff weight    {found.backoff:.4f} nats")
    if not kept:
        write("  counts and lines  not kept with this model; train with --keep-text")
        return
    write(f"  count             {found.count:,}")
    if found.adjusted_count is not None:
        write(f"  adjusted count    {found.adjusted_count:,}")
    write(f"  followed by       {found.followers:,} different tokens")
    if not found.count and found.longest:
        write_line(
            f"  longest end       '{' '.join(found.longest)}', {found.longest_count:,} times"
        )
    for line in found.lines:
        write_line(f"  line {line.number:<12} {line.text}")


def _write_vocabulary(trained: Any, *, json: bool) -> None:
    for row in trained.vocabulary():
        if json:
            write_json(asdict(row))
        else:
            count = "" if row.count is None else f"\t{row.count}"
            write_line(f"{row.id}\t{row.token}\t{row.logprob:.4f}{count}")
