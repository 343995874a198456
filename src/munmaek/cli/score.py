"""``munmaek score``."""

from typing import Any

from munmaek.cli.console import write, write_json
from munmaek.cli.evaluate import number
from munmaek.cli.inputs import in_blocks
from munmaek.cli.options import place_of
from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import asked_of, parameters, predict
from munmaek.errors import ConfigError

__all__ = ["SCORE", "score"]

TOTAL_BLOCK = 16384
"""Lines that go through a model together where only their sum is wanted."""


def score(given: Given) -> None:
    """Print how likely every sentence is.

    One line for each line of the input: the log-probability in nats, then the sentence. A model of
    masked words gives its pseudo-log-likelihood, which is not comparable with the others. As
    columns of a table there are also the logarithm to base 10, the perplexity, the unknown tokens
    and the bits.
    """
    if not given["total"]:
        predict("score", given)
        return
    if given["output"] is not None:
        raise ConfigError("--total is one sum, and -o writes rows; leave one of them out")
    _write_total(place_of(given), given["file"], asked_of("score", given), json=given["json"])


def _write_total(model: Any, file: str, asked: Any, *, json: bool) -> None:
    from munmaek.progress import followed
    from munmaek.tasks.lm.answering import Scoring
    from munmaek.tasks.lm.scoring import TextTotal
    from munmaek.tasks.loading import load_for
    from munmaek.tasks.predicting import open_asked
    from munmaek.text.files import count_lines
    from munmaek.text.sources import encoded

    trained: Any = load_for(model, *Scoring.tasks, what=Scoring.use)
    scoring = trained.answering(Scoring, asked)
    texts = (text for (text,) in open_asked(encoded([file], asked.encoding)[0], scoring).texts())
    blocks = in_blocks(texts, TOTAL_BLOCK)
    found = TextTotal()
    for lines in followed(blocks, "lines", total=lambda: count_lines(file), size=len):
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


SCORE = Declared(score, lambda: parameters("score"))
