"""``munmaek score``."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json, write_line, write_message
from munmaek.cli.evaluate import number
from munmaek.cli.inputs import BLOCK, Texts
from munmaek.cli.options import InputFile, Json, ModelFolder, TextColumn, column
from munmaek.errors import ConfigError
from munmaek.text.spaces import ASCII_ENDS, ASCII_SPACE, SPACE, SPACES

__all__ = ["score"]

Blocks = Iterator[list[str]]
NO_TOKENS: Mapping[str, Any] = {"tokens": []}
TOTAL_BLOCK = 16384
"""Lines that go through a model together where only their sum is wanted."""


def score(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    tokens: Annotated[bool, typer.Option("--tokens", help="That of every token too.")] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Print each token's n-gram that matched and each backoff paid (ngram only).",
        ),
    ] = False,
    total: Annotated[
        bool,
        typer.Option(
            "--total", help="The whole file in one: sum, perplexity, unknown tokens, bits."
        ),
    ] = False,
    text_column: TextColumn = None,
    json: Json = False,
) -> None:
    """Print how likely every sentence is.

    One line for each line of the input: the log-probability in nats, then the sentence. A model of
    masked words gives its pseudo-log-likelihood, which is not comparable with the others.
    """
    from munmaek.tasks.loading import load_for

    if tokens + explain + total > 1:
        raise ConfigError("--tokens, --explain and --total are three ways; choose one")
    asked = "--explain" if explain else "--total" if total else ""
    able = ("lm",) if asked else ("lm", "mlm")
    trained: Any = load_for(model, *able, what=f"score {asked}".strip())

    def read(most: int = BLOCK) -> Blocks:
        return Texts(file, column(text_column), ends=_ends(trained)).blocks(most=most)

    if not getattr(trained, "is_distribution", True):
        write_message(
            f"munmaek: note: {model} gives scores of Stupid Backoff, which are no probabilities"
        )
    if total:
        _write_total(trained, file, read(TOTAL_BLOCK), json=json)
    elif explain:
        _explain(trained, read(), json=json)
    else:
        _score(trained, read(), tokens=tokens, json=json)


def _ends(trained: Any) -> str:
    """Return what is no part of a line's words: of imported words ASCII white space alone."""
    ascii_alone = getattr(trained.tokenizer, "space", SPACE) == ASCII_SPACE
    return ASCII_ENDS if ascii_alone else SPACES


def _score(trained: Any, blocks: Blocks, *, tokens: bool, json: bool) -> None:
    for lines in blocks:
        for line, found in zip(lines, trained.score(lines), strict=True):
            if isinstance(found, float):  # a pseudo-log-likelihood, which no tokens make up
                _write_score(line, found, json=json)
                continue
            pairs = [f"{each.token} {each.logprob:.4f}" for each in found.tokens]
            more = {
                "perplexity": found.perplexity,
                "perplexity_known": found.perplexity_known,
                "unknown": found.unknown,
                "tokens": [asdict(each) for each in found.tokens],
            }
            shown = "\t".join([found.text, *(pairs if tokens else [])])
            _write_score(found.text if json else shown, found.logprob, more, json=json)


def _write_score(
    text: str, logprob: float, more: Mapping[str, Any] = NO_TOKENS, *, json: bool
) -> None:
    if json:
        write_json({"text": text, "logprob": logprob, **more})
    else:
        write_line(f"{logprob:.4f}\t{text}")


def _explain(trained: Any, blocks: Blocks, *, json: bool) -> None:
    for lines in blocks:
        for line in lines:
            each = trained.explain(line)
            if json:
                write_json(asdict(each))
                continue
            write_line(f"{each.logprob:.4f}\t{each.text}")
            for token in each.tokens:
                paid = "".join(
                    f"  − {abs(step.logprob):.4f} for leaving '{' '.join(step.context)}'"
                    for step in token.backoffs
                )
                gram = " ".join([*token.context, token.token])
                write_line(f"  {token.logprob:9.4f}  {token.order}-gram '{gram}'{paid}")


def _write_total(trained: Any, file: str, blocks: Blocks, *, json: bool) -> None:
    from munmaek.tasks.lm.scoring import TextTotal

    found = TextTotal()
    for lines in blocks:
        found += trained.total(lines)
    if json:
        write_json({"file": file, **found.to_json()})
        return
    rates = found.to_json()
    write(f"log-probability   {found.logprob:.4f} nats")
    write(f"text              {'standard input' if file == '-' else file}")
    write(f"sentences         {found.sentences:,}")
    write(f"tokens            {found.tokens:,}, {found.unknown:,} of them unknown")
    write(f"perplexity        {number(found.perplexity)} per token")
    if found.unknown:
        write(f"  of known ones   {number(found.perplexity_known)} per known token")
    write(f"bits              {number(rates['bits_per_character'])} per character")
    write(f"                  {number(rates['bits_per_byte'])} per byte")
