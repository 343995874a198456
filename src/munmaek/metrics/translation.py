r"""Scores of translations beside references: BLEU, chrF and TER, as sacreBLEU computes them.

    BLEU = BP · exp(Σ_{n≤4} ¼ log p_n)      (Papineni et al. 2002)
    chrF = 5·P·R / (4·P + R)                (Popović 2015; P, R means over character n-grams, n ≤ 6)
    TER  = 100 · edits / reference words    (Snover et al. 2006; a shift of words is one edit)

Tokens, counts and the reported values are sacreBLEU's (Post 2018). Its per-sentence counts are
kept and resampled as sums, so a thousand resamples cost one matrix product. So are the chances
that a model gives the references themselves (teacher forcing), as perplexity.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.metrics.language import bits_from_sums, perplexity_from_sums
from munmaek.metrics.measures import Measure
from munmaek.metrics.significance import Sums
from munmaek.progress import followed

__all__ = [
    "BLEU_TOKENIZERS",
    "Likelihoods",
    "bleu_from_sums",
    "bleu_tokenizer",
    "check_bleu_tokenizer",
    "chrf_from_sums",
    "measures",
    "ter_from_sums",
]


BLEU_TOKENIZERS = ("13a", "char", "intl", "ja-mecab", "ko-mecab", "none", "zh")
"""sacreBLEU's tokenizers that need no download."""

FEWEST = 10
"""Sentences below which BLEU is not given: its four-gram precision is then a handful of counts, or
nothing but smoothing, and no interval says so."""

References = Sequence[str] | Sequence[Sequence[str]]
"""One reference for each sentence, or sides of several: each sentence's first, its second …"""

LONGEST_SHIFTED = 300
"""Words of a sentence up to which TER looks for shifts: that takes seconds for one of 400 words and
hours for a line that is a book."""


def bleu_tokenizer(references: Sequence[str]) -> str:
    """Return the sacreBLEU tokenizer for text like ``references``: ``char`` or ``13a``.

    ``13a`` splits punctuation off words written with spaces. Where most letters are Hangul, Han or
    kana, words carry particles and endings or are not spaced at all; ``char`` then counts syllables
    and needs no morphological analyser (``ko-mecab`` does, and depends on its dictionary). By
    syllables BLEU is higher, for much of an ending or a particle is right in a wrong word.
    """
    text = "".join(references[:1000])
    letters = [letter for letter in text if letter.isalpha()]
    dense = sum(_is_dense(letter) for letter in letters)
    return "char" if 2 * dense > len(letters) else "13a"


def check_bleu_tokenizer(name: str) -> None:
    """Refuse a tokenizer that BLEU could not be counted with, before anything is translated.

    Raises:
        ConfigError: there is none of that name.
        UnsupportedError: the analyser that it needs is not installed.
    """
    if name not in BLEU_TOKENIZERS:
        message = f"BLEU has no tokenizer '{name}'; there are {', '.join(BLEU_TOKENIZERS)}"
        raise ConfigError(message)
    try:
        _bleu_metric(name)
    except (RuntimeError, ImportError):
        extra = name.partition("-")[0]
        message = (
            f"BLEU's tokenizer '{name}' needs an analyser, which is not installed: "
            f"pip install 'sacrebleu[{extra}]'"
        )
        raise UnsupportedError(message) from None


def _is_dense(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(("HANGUL", "CJK", "HIRAGANA", "KATAKANA"))


def _bleu_metric(tokenizer: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU  # 0.2 s to import

    # force: a reference that ends in " ." is data here, not a mistake to warn about.
    return BLEU(tokenize=tokenizer, force=True)


def _chrf_metric() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def _ter_metric() -> Any:
    from sacrebleu.metrics.ter import TER

    return TER()


def _sides(references: References) -> Sequence[Sequence[str]]:
    """Return the references a side each, of one reference a sentence or of several."""
    if all(isinstance(each, str) for each in references):
        return [cast("Sequence[str]", references)]
    return cast("Sequence[Sequence[str]]", references)


def _statistics(
    metric: Any, hypotheses: Sequence[str], references: References
) -> NDArray[np.generic]:
    sides = _sides(references)
    if any(len(hypotheses) != len(side) for side in sides) or not sides[0]:
        counts = ", ".join(str(len(side)) for side in sides)
        message = f"need one translation for every reference, got {len(hypotheses)} for {counts}"
        raise ValueError(message)
    watched = followed(list(hypotheses), "sentences")
    rows = metric._extract_corpus_statistics(watched, [list(side) for side in sides])
    # Several references of different length give a mean length, which is no whole number.
    return np.array(rows, dtype=np.int64 if len(sides) == 1 else np.float64)


def bleu_from_sums(sums: Floats) -> Floats:
    """Return BLEU, 0 to 100, of B corpora from summed statistics [B, 10], smoothed ``exp``."""
    length, reference = sums[:, 0], sums[:, 1]
    matches, totals = sums[:, 2:6], sums[:, 6:10]
    with np.errstate(divide="ignore", invalid="ignore"):
        penalty = np.where(length < reference, np.exp(1 - reference / length), 1.0)
        missed = (matches == 0) & (totals > 0)
        # NIST smoothing: the k-th order without a match counts as 1/2^k of one.
        smoothed = np.where(missed, 0.5 ** np.cumsum(missed, axis=1), matches)
        logs = np.log(100 * smoothed / totals)
    # An order without n-grams ends the sum: all mass is lost, as in sacreBLEU.
    scores = penalty * np.exp(np.where(totals > 0, logs, -np.inf).mean(axis=1))
    return np.where(matches.any(axis=1), scores, 0.0)


def chrf_from_sums(sums: Floats) -> Floats:
    """Return chrF with β = 2, 0 to 100, of B corpora from their summed statistics [B, 18]."""
    counts = sums.reshape(len(sums), -1, 3)
    hypothesis, reference, match = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(used.sum(1), 1)
    precision = np.where(used, match / np.maximum(hypothesis, 1), 0).sum(1) / orders
    recall = np.where(used, match / np.maximum(reference, 1), 0).sum(1) / orders
    return 100 * 5 * precision * recall / np.maximum(4 * precision + recall, 1e-300)


def ter_from_sums(sums: Floats) -> Floats:
    """Return the edits for 100 reference words of B corpora from their summed statistics [B, 2].

    Where references have no words, any edit makes it 100, as in sacreBLEU.
    """
    edits, words = sums[:, 0], sums[:, 1]
    return np.where(words > 0, 100 * edits / np.maximum(words, 1e-300), 100.0 * (edits > 0))


class Likelihoods(NamedTuple):
    """The likelihoods of references, each after its source: arrays of shape [N]."""

    logprobs: Floats
    """Nats, the end of the sentence included."""
    tokens: Int64s
    """Predictions, the end of the sentence one of them."""
    characters: Int64s
    """Unicode code points of the text, and one for its end."""


def _sacrebleu(
    name: str,
    metric: Any,
    from_sums: Callable[[Floats], Floats],
    hypotheses: Sequence[str],
    references: References,
) -> Measure:
    statistics = _statistics(metric, hypotheses, references)
    # One part in the "+" form, since sacreBLEU's own keys (tok, version) would shadow ours.
    made = str(metric.get_signature()).replace("|", "+").replace(":", ".")
    how = (("unit", "corpus"), ("sacrebleu", made))
    return Measure(name, "of 100", statistics, Sums(from_sums), how)


def _ter_measure(hypotheses: Sequence[str], references: References) -> Measure:
    """Count edits as sacreBLEU does; of very long sentences without shifts, and signed so."""
    metric, sides = _ter_metric(), [hypotheses, *_sides(references)]
    rows = [
        row
        for row, texts in enumerate(zip(*sides, strict=True))
        if max(len(text.split()) for text in texts) > LONGEST_SHIFTED
    ]
    left = set(rows)
    short = [[("" if row in left else t) for row, t in enumerate(side)] for side in sides]
    measure = replace(
        _sacrebleu("ter", metric, ter_from_sums, short[0], short[1:]),
        unit="per 100 words",
        higher_is_better=False,
    )
    if not rows:
        return measure
    for row in rows:
        words, *others = (metric._preprocess_segment(side[row]).split() for side in sides)
        fewest = min(_edits(words, each) for each in others)
        measure.statistics[row] = fewest, sum(map(len, others)) / len(others)
    how = (*measure.how, ("shifts", f"to-{LONGEST_SHIFTED}-words"))
    return replace(measure, how=how)


def _edits(words: Sequence[str], reference: Sequence[str]) -> int:
    """Return the fewest insertions, deletions and substitutions (Levenshtein 1966)."""
    ids = {word: number for number, word in enumerate({*words, *reference})}
    wanted = np.array([ids[word] for word in reference], dtype=np.int64)
    places = np.arange(len(wanted) + 1)
    row = places.copy()
    for number, word in enumerate(words, 1):
        best = row + 1
        best[1:] = np.minimum(best[1:], row[:-1] + (wanted != ids[word]))
        best[0] = number
        # An insertion comes from the left: the least of what stands there and the way from it.
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


def _bleu_measure(
    hypotheses: Sequence[str], references: References, tokenizer: str | None
) -> Measure:
    metric = _bleu_metric(tokenizer or bleu_tokenizer(_sides(references)[0]))
    measure = _sacrebleu("bleu", metric, bleu_from_sums, hypotheses, references)
    return replace(measure, fewest=FEWEST)


def _likelihood_measures(found: Likelihoods) -> list[Measure]:
    def measure(
        name: str, unit: str, counts: Int64s, from_sums: Callable[[Floats], Floats]
    ) -> Measure:
        statistics = np.stack([found.logprobs, counts.astype(np.float64)], axis=1)
        kind = unit.rpartition("/")[2].rpartition(" ")[2]
        how = (("unit", kind), ("of", "references"))
        return Measure(name, unit, statistics, Sums(from_sums), how, higher_is_better=False)

    return [
        measure("perplexity", "per token", found.tokens, perplexity_from_sums),
        measure("bits_per_character", "bits/character", found.characters, bits_from_sums),
    ]


def measures(
    hypotheses: Sequence[str],
    references: References,
    *,
    likelihoods: Likelihoods | None = None,
    with_ter: bool = True,
    tokenizer: str | None = None,
) -> dict[str, Measure]:
    """Measure BLEU and chrF by name, TER, and where likelihoods are given perplexity and bits.

    Args:
        hypotheses: translations, plain text.
        references: one for each, or sides of several.
        likelihoods: what the model gives the references.
        with_ter: count TER's edits too, which takes sacreBLEU a millisecond for a sentence of ten
            words and a hundred for one of fifty.
        tokenizer: BLEU's, by default what suits the references; see ``bleu_tokenizer``.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    found = [
        _bleu_measure(hypotheses, references, tokenizer),
        _sacrebleu("chrf", _chrf_metric(), chrf_from_sums, hypotheses, references),
    ]
    if with_ter:
        found.append(_ter_measure(hypotheses, references))
    if likelihoods is not None:
        found += _likelihood_measures(likelihoods)
    return {measure.name: measure for measure in found}
