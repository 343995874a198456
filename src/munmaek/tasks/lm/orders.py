"""The probability of a token in an n-gram model, order by order, from counts to the sum.

    p(w | h) = (c(h w) − D) / c(h ·) + γ(h) p(w | h')            h' is h without its first word

c are raw counts, or with Kneser and Ney adjusted ones: the different tokens before an n-gram (Chen
& Goodman 1998, section 4). What was not seen after h has the second part alone. D, c and the total
c(h ·) are known where the training text is kept; everything else stands in the tables.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from munmaek.models.ngram import NgramModel
from munmaek.ngram.lookup import Places, places
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.text.spelling import shown_tokens
from munmaek.text.tokenizers import Tokenizer

__all__ = ["orders_of"]


def orders_of(
    model: NgramModel, tokenizer: Tokenizer, text: TrainingText | None, gram: Sequence[int]
) -> list[dict[str, Any]]:
    """Return how the probability of the last token of ``gram`` comes about, the shortest first.

    Each order has ``ngram`` (words), ``seen`` (it is in the tables), ``probability``, and where it
    is not the first ``backoff`` (γ) and ``lower`` (p(w | h')); of what was seen ``own``, the part
    that is the n-gram's own; with the training text ``count``, ``total`` and ``discount``.

    Args:
        model: the tables.
        tokenizer: names the tokens.
        text: what was counted, where it is kept.
        gram: ids, of the longest context that the model could use and the token after it.
    """
    smoothing = model.config.smoothing
    made: list[dict[str, Any]] = []
    lower = 0.0
    for size in range(1, len(gram) + 1):
        part = list(gram[len(gram) - size :])
        entry = model.find(part)
        seen = entry is not None and math.isfinite(entry.logprob)
        weight = _backoff(model, part[:-1])
        probability = math.exp(entry.logprob) if entry is not None and seen else weight * lower
        row: dict[str, Any] = {
            "ngram": list(shown_tokens(tokenizer, part)),
            "seen": seen,
            "probability": probability,
        }
        if size > 1 and (smoothing.interpolated or not seen):
            row |= {"backoff": weight, "lower": lower}
            row["own"] = max(probability - weight * lower, 0.0) if seen else 0.0
        if text is not None:
            row |= _counts(model, tokenizer, text, part)
            row["discount"] = _discount(model, row)
        made.append(row)
        lower = probability
    return made


def _backoff(model: NgramModel, context: Sequence[int]) -> float:
    """Return γ of a context; 1 where the tables have none."""
    entry = model.find(context) if context else None
    return 1.0 if entry is None or entry.backoff is None else math.exp(entry.backoff)


def _discount(model: NgramModel, row: dict[str, Any]) -> float | None:
    """Return D, which the n-gram's own part lacks of its share; None where the smoothing has none.

    Where n-grams are pruned their counts are no longer those of the text.
    """
    known = model.config.smoothing.discounts and not model.config.is_pruned and "own" in row
    if not (known and row["seen"] and row["total"]):
        return None
    return row["count"] - row["own"] * row["total"]


def _counts(
    model: NgramModel, tokenizer: Tokenizer, text: TrainingText, gram: Sequence[int]
) -> dict[str, int]:
    """Return the count of an n-gram and that of its context with any token after it."""
    first = gram[0]
    raw = (
        not model.config.smoothing.adjusts
        or len(gram) == model.config.order
        or first == tokenizer.bos
    )
    found = _places(tokenizer, text, gram)
    count = len(found.sentences) if raw else len(np.unique(found.before))
    if len(gram) == 1:
        return {"count": count, "total": _unigrams(model, text, raw=raw)}
    around = _places(tokenizer, text, gram[:-1])
    after = around.after >= 0
    pairs = np.stack([around.before, around.after])[:, after]
    total = int(after.sum()) if raw else np.unique(pairs, axis=1).shape[1]
    return {"count": count, "total": int(total)}


def _places(tokenizer: Tokenizer, text: TrainingText, gram: Sequence[int]) -> Places:
    """Return where the whole of ``gram`` stands; nowhere where only an end of it does."""
    found = places(text.ids, text.offsets, gram, bos=tokenizer.bos, eos=tokenizer.eos)
    if found.length == len(gram):
        return found
    none = np.empty(0, dtype=np.int64)
    return Places(0, none, none, none)


def _unigrams(model: NgramModel, text: TrainingText, *, raw: bool) -> int:
    """Return the count of all single tokens: of the text with every </s>, or the bigrams."""
    return len(text.ids) + len(text.lines) if raw else int(model.counts[1])
