r"""Scores of language models, in units that do or do not depend on their tokens.

    perplexity           exp(−Σ log p / tokens)
    bits per character   −Σ log₂ p / characters

Perplexity counts in the model's own tokens and so compares only models with one tokenizer; bits per
character or byte compare any two (Cotterell et al. 2018, §3). Every line ends: its end is one
token, one word, one character and one byte. Logarithms are natural.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from munmaek.arrays import Floats, Int64s
from munmaek.metrics.measures import Measure
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import Sums, bootstrap_sums, percentile_interval

__all__ = [
    "TextCounts",
    "bits_from_sums",
    "bits_per",
    "count_text",
    "lm_measures",
    "lm_scores",
    "perplexity",
    "perplexity_from_sums",
]


@dataclass(frozen=True, slots=True)
class TextCounts:
    """Units of every line, its end included in each: shape [N]."""

    words: Int64s
    """Runs between white space."""
    characters: Int64s
    """Unicode code points of the text as given (NFC: one a Hangul syllable)."""
    utf8_bytes: Int64s


def count_text(lines: Sequence[str]) -> TextCounts:
    """Count words, characters and bytes of each line, one more in each for its end."""
    return TextCounts(
        words=np.array([len(line.split()) + 1 for line in lines], dtype=np.int64),
        characters=np.array([len(line) + 1 for line in lines], dtype=np.int64),
        utf8_bytes=np.array([len(line.encode()) + 1 for line in lines], dtype=np.int64),
    )


def perplexity(logprob: float, units: int) -> float:
    """Return exp(−``logprob`` / ``units``), of a text's natural log and its predictions.

    Infinite where a prediction was impossible.

    Raises:
        ValueError: ``units`` is not positive, or ``logprob`` is above zero.
    """
    return _exp(_nats_per(logprob, units))


def bits_per(logprob: float, units: int) -> float:
    """Return the bits for each of ``units`` characters, bytes or words, from a total in nats.

    Raises:
        ValueError: ``units`` is not positive, or ``logprob`` is above zero.
    """
    return _nats_per(logprob, units) / math.log(2)


def _nats_per(logprob: float, units: int) -> float:
    if units <= 0:
        message = f"a rate needs at least one unit, got {units}"
        raise ValueError(message)
    if logprob > 1e-6:
        message = f"a log-probability is at most 0, got {logprob}; pass it, not the loss"
        raise ValueError(message)
    return max(-logprob, 0.0) / units


def _exp(nats: float) -> float:
    return math.exp(nats) if nats < 700 else math.inf


def lm_scores(
    logprob: ArrayLike,
    tokens: ArrayLike,
    units: TextCounts,
    *,
    signature: Signature,
    unknown: int = 0,
    known: tuple[ArrayLike, ArrayLike] | None = None,
    rng: np.random.Generator | None = None,
) -> dict[str, Score]:
    """Return every unit of the same prediction, with intervals over sentences given ``rng``.

    Args:
        logprob: natural-log probability of each sentence, shape [N], or of the whole text.
        tokens: predicted tokens of each (its end included), or of the whole.
        units: words, characters and bytes of each, its end included, or of the whole.
        signature: what the model shares over scores; see ``sign``.
        unknown: tokens outside the vocabulary, which bits per character flatter; it is signed.
        known: ``logprob`` and ``tokens`` again without the unknown tokens; where given, there are
            also the perplexity without them and their number.
        rng: draws the resamples of the 95 % intervals; needs per-sentence values.

    Raises:
        ValueError: nothing was predicted, or a log-probability is above zero.
    """
    total = np.atleast_1d(np.asarray(logprob, dtype=np.float64))
    signed = signature.extended(("unknown", str(unknown))) if unknown else signature
    table: list[tuple[str, Floats, ArrayLike, str, bool]] = [
        ("perplexity", total, tokens, "token", True),
        ("word_perplexity", total, units.words, "word", True),
        ("bits_per_character", total, units.characters, "character", False),
        ("bits_per_byte", total, units.utf8_bytes, "byte", False),
    ]
    if known is not None:
        sums = np.atleast_1d(np.asarray(known[0], dtype=np.float64))
        table.insert(1, ("perplexity_known", sums, known[1], "known token", True))
    scores: dict[str, Score] = {}
    columns: dict[str, Floats] = {}
    for name, logs, per, unit, exponential in table:
        counts = np.atleast_1d(np.asarray(per, dtype=np.float64))
        value = (perplexity if exponential else bits_per)(float(logs.sum()), int(counts.sum()))
        shown = f"per {unit}" if exponential else f"bits/{unit}"
        scores[name] = Score(name, value, shown, signed.extended(("unit", unit)))
        if math.isfinite(value):
            columns[name] = np.stack([logs, counts], axis=1)
    if rng is not None and len(total) > 1 and columns:
        exponentials = {name for name, *_, exponential in table if exponential}
        for name, ends in zip(columns, _intervals([*columns.values()], rng), strict=True):
            shown = map(_exp, ends) if name in exponentials else (e / math.log(2) for e in ends)
            scores[name] = scores[name].within(*shown)
    if known is not None:
        signature = signed.extended(("unit", "token"))
        scores["unknown_tokens"] = Score("unknown_tokens", unknown, "tokens", signature)
    return scores


def lm_measures(
    logprob: Floats, tokens: ArrayLike, units: TextCounts, *, tokens_of: str
) -> dict[str, Measure]:
    """Return what the scores of a text are computed of, a row a sentence, by name.

    Args:
        logprob: natural-log probability of each sentence, [N].
        tokens: predicted tokens of each.
        units: words, characters and bytes of each.
        tokens_of: what says whose tokens they are, such as a tokenizer's fingerprint.
    """
    kinds = (
        ("perplexity", tokens, "token", True),
        ("word_perplexity", units.words, "word", True),
        ("bits_per_character", units.characters, "character", False),
        ("bits_per_byte", units.utf8_bytes, "byte", False),
    )
    return {
        name: Measure(
            name,
            f"per {unit}" if exponential else f"bits/{unit}",
            np.stack([logprob, np.asarray(per, dtype=np.float64)], axis=1),
            Sums(perplexity_from_sums if exponential else bits_from_sums),
            (("unit", unit),),
            higher_is_better=False,
            basis=tokens_of if unit == "token" else "",
        )
        for name, per, unit, exponential in kinds
    }


def perplexity_from_sums(sums: Floats) -> Floats:
    """Return exp(−``logprob`` / units) of sums [B, 2]; e⁷⁰⁰ stands for what is greater."""
    return np.exp(np.minimum(-sums[:, 0] / sums[:, 1], 700))


def bits_from_sums(sums: Floats) -> Floats:
    """Return the bits a unit of sums of nats and units: [B, 2] → [B]."""
    return -sums[:, 0] / sums[:, 1] / np.log(2)


def _intervals(columns: Sequence[Floats], rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return the intervals of nats a unit for logs and units [N, 2] of each score.

    All have the same resamples, drawn once. What is monotone in the nats a unit, as perplexity is,
    may be computed from the ends instead of from every resample.
    """
    sums = bootstrap_sums(np.concatenate(columns, axis=1), rng=rng)
    out: list[tuple[float, float]] = []
    for at, column in enumerate(columns):
        sampled = -sums[:, 2 * at] / sums[:, 2 * at + 1]
        logs, units = column.sum(0)
        out.append(percentile_interval(sampled, -float(logs / units)))
    return out
