"""Likelihood of the rows of a table."""

import gc
import math
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, ClassVar

from munmaek.errors import ConfigError, MunmaekWarning
from munmaek.tasks.answering import Answer, Answering, Asked, Texts, one_line, text_columns
from munmaek.tasks.lm.scoring import ScoredText
from munmaek.text.spaces import ASCII_ENDS, ASCII_SPACE, SPACE, SPACES

__all__ = ["AskedScores", "Scoring"]


class AskedScores(Asked):
    """Options of ``munmaek score``."""

    served: ClassVar[tuple[str, ...]] = ("explain",)
    here = ("text_column", "encoding", "tokens", "total")

    tokens: bool = False
    """Print the log-probability of every token too."""
    explain: bool = False
    """Print each token's n-gram that matched and each backoff paid (ngram only)."""
    total: bool = False
    """Print the whole file in one: sum, perplexity, unknown tokens, bits."""


class Scoring(Answering):
    """Scores sentences."""

    tasks = ("lm", "mlm")
    use = "score"
    options: ClassVar[type[Asked]] = AskedScores
    empty = None  # an empty sentence has a probability
    told = ("is_distribution", "tokenizer.space")

    def __init__(self, model: Any, asked: AskedScores) -> None:
        """Take a language model, or one of masked words.

        Raises:
            ConfigError: more than one way is asked for.
        """
        if asked.tokens + asked.explain + asked.total > 1:
            raise ConfigError("--tokens, --explain and --total are three ways; choose one")
        if not getattr(model, "is_distribution", True):
            message = "the model gives scores of Stupid Backoff, which are no probabilities"
            warnings.warn(message, MunmaekWarning, stacklevel=2)
        self.model, self._asked = model, asked
        self.ends = _ends(model)
        self.columns = text_columns(asked, model.info.columns)
        self.new = ("logprob",)
        if hasattr(model, "total"):
            self.new = ("logprob", "log10", "perplexity", "unknown", "bits")

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the log-probability of each row, in several units, and that of every token."""
        lines = [text for (text,) in texts]
        if self._asked.explain:
            return [asdict(self.model.explain(line)) for line in lines]
        with _without_collecting():
            return [_answer(each) for each in self.model.score(lines)]

    def named(self, texts: Texts) -> Answer:
        """Return the text."""
        return {"text": texts[0]}

    def line(self, texts: Texts, answer: Answer, /) -> str:
        """Return the log-probability in nats and the sentence, and what was asked for besides."""
        first = one_line(f"{answer['logprob']:.4f}\t{texts[0]}")
        if self._asked.explain:
            return "\n".join((first, *(one_line(_explained(each)) for each in answer["tokens"])))
        if not self._asked.tokens:
            return first
        pairs = (f"{each['token']} {each['logprob']:.4f}" for each in answer["tokens"])
        return one_line("\t".join((first, *pairs)))


def _ends(model: Any) -> str:
    """Return what is no part of a line's words: of imported words ASCII white space alone."""
    ascii_alone = getattr(model.tokenizer, "space", SPACE) == ASCII_SPACE
    return ASCII_ENDS if ascii_alone else SPACES


@contextmanager
def _without_collecting() -> Generator[None]:
    """Make many objects inside without looking for cycles, of which they have none.

    Python would look through them again and again, for a third of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _answer(found: ScoredText | float) -> Answer:
    if not isinstance(found, ScoredText):  # a pseudo-log-likelihood, which no tokens make up
        return {"logprob": found, "tokens": []}
    return {
        "logprob": found.logprob,
        "log10": found.logprob / math.log(10),
        "bits": -found.logprob / math.log(2),
        "perplexity": found.perplexity,
        "perplexity_known": found.perplexity_known,
        "unknown": found.unknown,
        # Written out, since asdict copies each value and takes longer than the scoring.
        "tokens": [
            {"token": each.token, "logprob": each.logprob, "unknown": each.unknown}
            for each in found.tokens
        ],
    }


def _explained(token: Any) -> str:
    paid = "".join(
        f"  − {abs(step['logprob']):.4f} for leaving '{' '.join(step['context'])}'"
        for step in token["backoffs"]
    )
    gram = " ".join([*token["context"], token["token"]])
    return f"  {token['logprob']:9.4f}  {token['order']}-gram '{gram}'{paid}"
