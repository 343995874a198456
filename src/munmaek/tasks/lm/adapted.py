"""A language model that adapts to the text it predicts, reported apart from what it is alone.

Every row is a perplexity over the same tokens: the fixed model, then with a neural cache, with
dynamic evaluation, and each mixed with an n-gram model. Whatever is chosen is chosen on other text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import UnsupportedError
from munmaek.metrics import Score, count_text, lm_scores, resting_on, sign_model
from munmaek.mixing import tune_mixture
from munmaek.tasks.lm.adapting import Trace, trace_of
from munmaek.tasks.lm.cache import cached_logprobs, tune_cache
from munmaek.tasks.lm.dynamic_evaluation import (
    DynamicModel,
    Dynamics,
    mean_squares,
    tune_dynamics,
)
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.text.corpora import Corpus

__all__ = ["Adaptation", "adapted_scores"]

Floats = NDArray[np.float64]
_TUNED_TOKENS = 20_000
"""Tokens on which the rates of dynamic evaluation are chosen."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Ways to adapt, and the text to tune them on."""

    tune: Corpus
    """Text on which everything is chosen."""
    cache: int | None = None
    """Tokens that a neural cache remembers; None has none."""
    dynamic: bool = False
    """Dynamic evaluation too."""
    mix: TrainedLanguageModel | None = None
    """A model to mix with, over the same tokenizer."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One way of predicting both texts, and how it was made."""

    how: tuple[str, ...]
    tuned: Floats
    tested: Floats


def adapted_scores(
    trained: TrainedLanguageModel, corpus: Corpus, adaptation: Adaptation
) -> dict[str, Score]:
    """Score ``corpus`` by its perplexity in every way asked for, the plain one first.

    Raises:
        UnsupportedError: no neural language model, or one to mix with of another tokenizer.
    """
    model = trained.model
    if not isinstance(model, NeuralLanguageModel):
        message = f"adapting needs a neural language model, this one is '{trained.info.stage}'"
        raise UnsupportedError(message)
    tune, test = (_ended(trained, lines) for lines in (adaptation.tune.lines, corpus.lines))
    traces = [trace_of(model, text, document=model.document) for text in (tune, test)]
    rows = _with_cache((), traces, adaptation)
    if adaptation.dynamic:
        rows += _with_cache(*_dynamic(model, tune, test), adaptation)
    if adaptation.mix is not None:
        rows += _mixed_rows(trained, adaptation.mix, rows, tune, test)
    scores = {
        ("perplexity" if not row.how else f"perplexity, {' + '.join(_names(row))}"): _score(
            trained, corpus, test, row
        )
        for row in rows
    }
    return resting_on(scores, corpus.name, len(corpus.lines), "sentences")


def _ended(trained: TrainedLanguageModel, lines: Sequence[str]) -> list[list[int]]:
    tokenizer = trained.tokenizer
    return [[*ids, tokenizer.eos] for ids in tokenizer.encode_many(lines)]


def _with_cache(how: tuple[str, ...], traces: list[Trace], adaptation: Adaptation) -> list[_Row]:
    tune, test = traces
    rows = [_Row(how, tune.logprobs, test.logprobs)]
    if adaptation.cache is not None:
        cache = tune_cache(tune, size=adaptation.cache)
        named = f"cache {cache.size} θ{cache.sharpness:g} λ{cache.share:g}"
        tested = cached_logprobs(test, cache)
        rows.append(_Row((*how, named), cached_logprobs(tune, cache), tested))
    return rows


def _dynamic(
    model: NeuralLanguageModel, tune: Sequence[list[int]], test: Sequence[list[int]]
) -> tuple[tuple[str, ...], list[Trace]]:
    usual = Dynamics()
    some = [
        ids
        for ids, end in zip(tune, accumulate(map(len, tune)), strict=True)
        if end <= _TUNED_TOKENS
    ]
    squares = mean_squares(model, some or tune[:1], document=model.document, length=usual.length)
    plain = DynamicModel(model, squares, usual, model.document)
    chosen = tune_dynamics(plain, some or tune[:1])
    adapting = DynamicModel(model, squares, chosen, model.document)
    how = f"dynamic {chosen.length} η{chosen.rate:g} λ{chosen.back:g}"
    return (how,), [adapting.trace(text) for text in (tune, test)]


def _mixed_rows(
    trained: TrainedLanguageModel,
    other: TrainedLanguageModel,
    rows: Sequence[_Row],
    tune: Sequence[list[int]],
    test: Sequence[list[int]],
) -> list[_Row]:
    if other.tokenizer.fingerprint != trained.tokenizer.fingerprint:
        message = (
            f"--mix: its tokenizer is another ({other.tokenizer.signature}) than the model's "
            f"({trained.tokenizer.signature}); train it with --tokenizer MODEL to share one"
        )
        raise UnsupportedError(message)
    first, second = (np.concatenate(other.model.score_many(text)) for text in (tune, test))
    out: list[_Row] = []
    for row in rows:
        share, _ = tune_mixture([row.tuned, first])
        how = (*row.how, f"{other.info.label} {1 - share:.3f}")
        out.append(_Row(how, _mix(row.tuned, first, share), _mix(row.tested, second, share)))
    return out


def _mix(first: Floats, second: Floats, share: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.logaddexp(first + np.log(share), second + np.log1p(-share))


def _names(row: _Row) -> list[str]:
    return [part.split(" ")[0] for part in row.how]


def _score(
    trained: TrainedLanguageModel, corpus: Corpus, test: Sequence[list[int]], row: _Row
) -> Score:
    model, tokenizer = trained.model, trained.tokenizer
    document = isinstance(model, NeuralLanguageModel) and model.document
    lengths = np.array([len(ids) for ids in test], dtype=np.int64)
    counts = count_text(corpus.lines)
    more = [("context", "document")] if document else []
    if row.how:
        more.append(("adapted", " + ".join(row.how)))
    signature = sign_model(tokenizer, task="lm", stage=trained.info.stage, more=tuple(more))
    return lm_scores(
        np.add.reduceat(row.tested, np.cumsum(lengths) - lengths),
        lengths,
        counts,
        signature=signature,
        unknown=sum(ids.count(tokenizer.unk) for ids in test),
        rng=np.random.default_rng(0),
    )["perplexity"]
