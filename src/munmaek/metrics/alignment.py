r"""Word links between a sentence and its translation, and how far they are from gold ones.

    precision = |A ∩ P| / |A|,   recall = |A ∩ S| / |S|
    AER       = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|)      (Och & Ney 2003, §5.1)

A: links found; S: sure gold links; P ⊇ S: possible ones. A link is (source word, target word),
counted from 0, and written ``0-0 1-2`` (the Pharaoh format).

Letters: T target positions, S source positions.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import bootstrap_interval

__all__ = [
    "Link",
    "aer",
    "alignment_scores",
    "links_from_weights",
    "weights_by_word",
]

Link = tuple[int, int]
Links = Collection[Link]


def links_from_weights(weights: NDArray[np.floating]) -> frozenset[Link]:
    """Link each target word to the source word of greatest weight: weights [T, S].

    The first of equal ones is taken; a row of zeros links to nothing.
    """
    if weights.size == 0:
        return frozenset()
    best = weights.argmax(axis=1)
    return frozenset(
        (int(source), target) for target, source in enumerate(best) if weights[target, source] > 0
    )


def weights_by_word(
    weights: NDArray[np.floating], *, target_words: Sequence[int], source_words: Sequence[int]
) -> Floats:
    """Return weights between words from weights between subwords [T, S].

    A source word receives what its subwords receive together; a target word gives what its subwords
    give on average, so rows still sum to at most 1.

    Args:
        weights: attention of each target subword over source subwords.
        target_words: the word that each target subword belongs to, −1 for none (end of sentence).
        source_words: the word that each source subword belongs to, −1 for none.

    Raises:
        ValueError: the weights' shape does not match the two sequences.
    """
    if weights.shape != (len(target_words), len(source_words)):
        wanted = (len(target_words), len(source_words))
        message = (
            f"weights need the shape {wanted} of target and source subwords, got {weights.shape}"
        )
        raise ValueError(message)
    give, receive = _membership(target_words), _membership(source_words)
    subwords = np.maximum(give.sum(1, keepdims=True), 1)
    return (give / subwords) @ weights.astype(np.float64) @ receive.T


def _membership(words: Sequence[int]) -> Floats:
    table = np.zeros((max(words, default=-1) + 1, len(words)))
    for subword, word in enumerate(words):
        if word >= 0:
            table[word, subword] = 1
    return table


def _counts(
    found: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links] | None
) -> NDArray[np.int64]:
    """Return for each sentence [N, 4]: |A ∩ S|, |A ∩ P|, |A|, |S|."""
    maybe = sure if possible is None else possible
    if not len(found) == len(sure) == len(maybe) or not found:
        message = f"need links for every gold sentence, got {len(found)} for {len(sure)}"
        raise ValueError(message)
    rows: list[tuple[int, int, int, int]] = []
    for links, certain, allowed in zip(found, sure, maybe, strict=True):
        a, s = set(links), set(certain)
        rows.append((len(a & s), len(a & (s | set(allowed))), len(a), len(s)))
    return np.array(rows, dtype=np.int64)


def _aer(sums: Floats) -> Floats:
    size = sums[:, 2] + sums[:, 3]
    return np.where(size > 0, 1 - (sums[:, 0] + sums[:, 1]) / np.maximum(size, 1), 0.0)


def aer(
    found: Sequence[Links],
    sure: Sequence[Links],
    *,
    signature: Signature,
    possible: Sequence[Links] | None = None,
    rng: np.random.Generator | None = None,
) -> Score:
    """Return the alignment error rate over all sentences, 0 to 1, lower is better.

    Args:
        found: links of each sentence.
        sure: gold links of each that must be found.
        signature: what the model shares over scores.
        possible: gold links that may be found; the sure ones always are among them.
        rng: draws the resamples of the 95 % interval.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    counts = _counts(found, sure, possible)
    value = float(_aer(counts.sum(0, dtype=np.float64)[None, :])[0])
    score = Score("aer", value, "share", signature.extended(("unit", "link")))
    if rng is None or len(counts) < 2:
        return score
    return score.within(*bootstrap_interval(counts, _aer, rng=rng))


def alignment_scores(
    found: Sequence[Links],
    sure: Sequence[Links],
    *,
    signature: Signature,
    possible: Sequence[Links] | None = None,
    rng: np.random.Generator | None = None,
) -> dict[str, Score]:
    """Return the alignment error rate, precision and recall by name; see ``aer``."""
    in_sure, in_possible, links, wanted = _counts(found, sure, possible).sum(0).tolist()
    signed = signature.extended(("unit", "link"))
    rate = aer(found, sure, signature=signature, possible=possible, rng=rng)
    return {
        "aer": rate,
        "precision": Score("precision", in_possible / links if links else 1.0, "share", signed),
        "recall": Score("recall", in_sure / wanted if wanted else 1.0, "share", signed),
    }
