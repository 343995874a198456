"""A language model's scores of text: of every sentence, and of a whole text in sums."""

import math
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from munmaek.lm import LanguageModel
from munmaek.metrics import (
    Score,
    bits_per,
    count_text,
    lm_measures,
    lm_scores,
    perplexity,
    resting_on,
    sign_model,
)
from munmaek.models.ngram import NgramModel
from munmaek.ngram import WordTable, flatten
from munmaek.ngram.parallel import available
from munmaek.ngram.textscore import TextScore, score_text
from munmaek.tasks.judged import Judged, Shown
from munmaek.text.corpora import Corpus
from munmaek.text.spaces import SPACE
from munmaek.text.spelling import shown_tokens
from munmaek.text.tokenizers import SPECIALS, Tokenizer

__all__ = [
    "ScoredText",
    "ScoredToken",
    "TextTotal",
    "corpus_scores",
    "flat_ids",
    "flat_scores",
    "judged_text",
    "score_texts",
    "sentence_sums",
    "total",
    "total_of_tokens",
]

_WIDE_SPACES = (
    "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""White space that parts words for the tokenizer, and that compiled code does not look for."""
_WIDE_SPACE = re.compile(f"[{_WIDE_SPACES}]")

_ROWS = 4096
"""Texts that a tokenizer is given at a time, where their ids become one array."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token and its natural-log probability given what stands before it."""

    token: str
    logprob: float
    unknown: bool = False
    """It stands for something outside the vocabulary."""


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A sentence, its natural-log probability to its end, and that of every token."""

    text: str
    logprob: float
    tokens: tuple[ScoredToken, ...]

    @property
    def unknown(self) -> int:
        """Tokens outside the vocabulary."""
        return sum(token.unknown for token in self.tokens)

    @property
    def perplexity(self) -> float:
        """A token, the end of the sentence and unknown tokens counted."""
        return perplexity(min(self.logprob, 0.0), len(self.tokens))

    @property
    def perplexity_known(self) -> float:
        """A token, unknown ones left out of the sum and of the count."""
        known = [token.logprob for token in self.tokens if not token.unknown]
        return perplexity(min(math.fsum(known), 0.0), len(known))


@dataclass(frozen=True, slots=True)
class TextTotal:
    """A whole text in sums, which add up over its parts."""

    sentences: int = 0
    tokens: int = 0
    """Predictions, the end of each sentence among them."""
    unknown: int = 0
    """Tokens outside the vocabulary."""
    logprob: float = 0.0
    """Natural log, of all tokens."""
    logprob_known: float = 0.0
    """Natural log, without the unknown tokens."""
    characters: int = 0
    """Code points, one more for each sentence."""
    utf8_bytes: int = 0
    """Bytes, one more for each sentence."""

    def __add__(self, other: "TextTotal") -> "TextTotal":
        """Return the sums of both parts together."""
        return TextTotal(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    @property
    def perplexity(self) -> float:
        """A token, unknown ones counted; NaN of nothing."""
        return _perplexity(self.logprob, self.tokens)

    @property
    def perplexity_known(self) -> float:
        """A token, unknown ones left out of the sum and of the count; NaN of nothing."""
        return _perplexity(self.logprob_known, self.tokens - self.unknown)

    def to_json(self) -> dict[str, Any]:
        """Return sums and rates by name."""
        sums = {name: getattr(self, name) for name in self.__slots__}
        bits = bits_per(min(self.logprob, 0.0), self.characters) if self.characters else math.nan
        per_byte = bits_per(min(self.logprob, 0.0), self.utf8_bytes) if self.characters else bits
        return {
            **sums,
            "perplexity": self.perplexity,
            "perplexity_known": self.perplexity_known,
            "bits_per_character": bits,
            "bits_per_byte": per_byte,
        }


def _perplexity(logprob: float, tokens: int) -> float:
    return perplexity(min(logprob, 0.0), tokens) if tokens else math.nan


def _reads_documents(model: LanguageModel[Any]) -> bool:
    """Tell whether the state runs on over the sentences of one text."""
    if "munmaek.tasks.lm.objective" not in sys.modules:
        return False  # nothing has made a neural model; n-grams do without torch
    from munmaek.tasks.lm.objective import NeuralLanguageModel

    return isinstance(model, NeuralLanguageModel) and model.document


def _ended(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [[*ids, tokenizer.eos] for ids in tokenizer.encode_many(texts)]


def score_texts(
    model: LanguageModel[Any], tokenizer: Tokenizer, texts: Sequence[str]
) -> list[ScoredText]:
    """Score each text as one sentence: natural-log probabilities, in their order."""
    encoded = _ended(tokenizer, texts)
    scores = model.score_many(encoded)
    return [
        ScoredText(text, float(score.sum()), _tokens(tokenizer, ids, score))
        for text, ids, score in zip(texts, encoded, scores, strict=True)
    ]


def _tokens(tokenizer: Tokenizer, ids: Sequence[int], score: Floats) -> tuple[ScoredToken, ...]:
    names, unknown, logprobs = shown_tokens(tokenizer, ids), tokenizer.unk, score.tolist()
    return tuple(
        ScoredToken(name, logprob, token == unknown)
        for name, token, logprob in zip(names, ids, logprobs, strict=True)
    )


@runtime_checkable
class _ScoresFlat(Protocol):
    """A model that scores sentences lying end to end, as ``NgramModel.score_flat`` does."""

    def score_flat(self, ids: Ints, offsets: Ints, *, threads: int | None) -> Floats: ...


def flat_scores(
    model: LanguageModel[Any],
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    apart: bool = False,
    threads: int | None = None,
) -> tuple[Ints, Ints, Floats]:
    """Return ids and offsets of all sentences, and the natural-log probability of every token."""
    if isinstance(model, _ScoresFlat):
        ids, offsets = flat_ids(tokenizer, texts)
        return ids, offsets, model.score_flat(ids, offsets, threads=threads)
    encoded = _ended(tokenizer, texts)
    ids, offsets = flatten(encoded)
    on = _reads_documents(model) and not apart
    score = cast("Any", model).score_document if on else model.score_many
    return ids, offsets, np.concatenate([np.zeros(0), *score(encoded)])


def flat_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Flatten the sentences' ids, without a Python integer for every token at once."""
    runs, blocks = tokenizer.runs_of_many(), list[Ints]()
    sizes = [np.zeros(1, dtype=np.int64)]
    for begin in range(0, len(texts), _ROWS):
        ids, offsets = tokenizer.encode_flat(texts[begin : begin + _ROWS], runs)
        blocks.append(np.insert(ids, offsets[1:], tokenizer.eos).astype(np.int64))
        sizes.append(np.diff(offsets) + 1)
    ids = np.concatenate([np.zeros(0, dtype=np.int64), *blocks])
    return ids, np.concatenate(sizes).cumsum()


def total(model: LanguageModel[Any], tokenizer: Tokenizer, texts: Sequence[str]) -> TextTotal:
    """Return the sums of all texts, each a sentence.

    Words of n-gram models go from bytes to sums in compiled code, by as many threads as there are
    processors; all else goes through the tokenizer.
    """
    if isinstance(model, NgramModel) and tokenizer.kind == "words":
        found = _scored_words(model, tokenizer, texts, available())
        if found is not None:
            return TextTotal(
                sentences=len(texts),
                tokens=found.token_count,
                unknown=found.unknown_count,
                logprob=found.logprob,
                logprob_known=found.logprob - math.fsum(found.unknown_logprobs),
                characters=sum(map(len, texts)) + len(texts),
                utf8_bytes=sum(len(text.encode()) for text in texts) + len(texts),
            )
    return total_of_tokens(model, tokenizer, texts)


def _scored_words(
    model: NgramModel, tokenizer: Tokenizer, texts: Sequence[str], threads: int
) -> TextScore | None:
    """Score from bytes to sums in compiled code.

    None where a text holds a line end, white space to the tokenizer, or is impossible.
    """
    joined = unicodedata.normalize("NFC", "\n".join((*texts, "")))
    # Looking for one after another takes far less than an expression over all of the text.
    if tokenizer.space == SPACE and any(each in joined for each in _WIDE_SPACES):
        joined = _WIDE_SPACE.sub(" ", joined)
    found = score_text(
        model.tables,
        _word_table(tokenizer),
        np.frombuffer(joined.encode(), dtype=np.uint8),
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        unk=tokenizer.unk,
        threads=threads,
    )
    return found if len(found.tokens) == len(texts) and math.isfinite(found.logprob) else None


@lru_cache(maxsize=2)
def _word_table(tokenizer: Tokenizer) -> WordTable:
    return WordTable.of(tokenizer.tokens(), without=range(len(SPECIALS)))


def total_of_tokens(
    model: LanguageModel[Any], tokenizer: Tokenizer, texts: Sequence[str]
) -> TextTotal:
    """Sum up through the tokenizer: the slow twin of ``total``, and the way of all other models."""
    ids, _, scores = flat_scores(model, tokenizer, texts)
    unknown = ids == tokenizer.unk
    return TextTotal(
        sentences=len(texts),
        tokens=len(ids),
        unknown=int(np.count_nonzero(unknown)),
        logprob=float(scores.sum()),
        logprob_known=float(scores[~unknown].sum()),
        characters=sum(map(len, texts)) + len(texts),
        utf8_bytes=sum(len(text.encode()) for text in texts) + len(texts),
    )


def corpus_scores(
    model: LanguageModel[Any], tokenizer: Tokenizer, corpus: Corpus, *, stage: str
) -> dict[str, Score]:
    """Score any language model over the tokenizer's ids, each line a sentence.

    Tokenizers that can meet unknown tokens have the perplexity without them and their number too.
    """
    return dict(judged_text(model, tokenizer, corpus, stage=stage).scores)


def judged_text(
    model: LanguageModel[Any], tokenizer: Tokenizer, corpus: Corpus, *, stage: str
) -> Judged:
    """Judge any language model over the tokenizer's ids, each line a sentence."""
    counts = count_text(corpus.lines)
    found, known = sentence_sums(model, tokenizer, corpus.lines)
    document = _reads_documents(model)
    signature = sign_model(
        tokenizer, task="lm", stage=stage, more=(("context", "document"),) if document else ()
    )
    scores = lm_scores(
        found.logprobs,
        found.tokens,
        counts,
        unknown=found.unknown_count,
        known=(known, found.tokens - found.unknown) if tokenizer.oov == "unk" else None,
        signature=signature,
        rng=np.random.default_rng(0),
    )
    losses = -found.logprobs / counts.characters / math.log(2)

    def row(at: int) -> dict[str, Any]:
        return {
            "text": corpus.lines[at],
            "bits_per_character": float(losses[at]),
            "tokens": int(found.tokens[at]),
            "unknown": int(found.unknown[at]),
        }

    return Judged(
        resting_on(scores, corpus.name, len(corpus.lines), "sentences"),
        lm_measures(found.logprobs, found.tokens, counts, tokens_of=tokenizer.fingerprint),
        losses,
        row,
        shown=lambda: [_by_bits(losses)],
        unit="sentences",
    )


def _by_bits(losses: Floats) -> Shown:
    """Return how many sentences need how many bits a character: at each tenth of them."""
    shares = np.linspace(0, 1, 11)
    ends = np.quantile(losses[np.isfinite(losses)], shares) if np.isfinite(losses).any() else shares
    return Shown(
        "bits_by_sentence",
        "lines",
        ["", *(float(100 * each) for each in shares)],
        [["", *(float(each) for each in ends)]],
        label_x="share_of_sentences",
        label_y="bits_per_character",
    )


def sentence_sums(
    model: LanguageModel[Any],
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    threads: int | None = None,
    apart: bool = False,
) -> tuple[TextScore, Floats]:
    """Return the sums of every sentence, and its natural-log probability without unknown tokens.

    Args:
        model: a language model.
        tokenizer: gives it ids.
        texts: one sentence at least.
        threads: of compiled code; as many as there are processors.
        apart: begin each sentence anew, also with a model that reads on.
    """
    if isinstance(model, NgramModel) and tokenizer.kind == "words":
        found = _scored_words(model, tokenizer, texts, threads or available())
        if found is not None:
            return found, found.logprobs - found.unknown_logprobs
    ids, offsets, scores = flat_scores(model, tokenizer, texts, apart=apart, threads=threads)
    unknown, begins = ids == tokenizer.unk, offsets[:-1]
    found = TextScore(
        logprobs=np.add.reduceat(scores, begins),
        tokens=np.diff(offsets),
        unknown=np.add.reduceat(unknown, begins, dtype=np.int64),
        unknown_logprobs=np.add.reduceat(np.where(unknown, scores, 0.0), begins),
    )
    return found, np.add.reduceat(np.where(unknown, 0.0, scores), begins)
