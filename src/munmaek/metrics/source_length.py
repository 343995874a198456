"""Scores of translations by the length of their source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from munmaek.metrics.measures import Measure
from munmaek.metrics.score import Score, Signature, resting_on
from munmaek.metrics.translation import measures

__all__ = ["EDGES", "LengthBucket", "by_length"]

EDGES = (5, 10, 15, 20, 30, 40)
"""Upper bounds of the length buckets, in source words, inclusive."""


@dataclass(frozen=True, slots=True)
class LengthBucket:
    """Scores of the sentences whose source has ``low`` to ``high`` words, both included."""

    low: int
    high: int
    count: int
    scores: Mapping[str, Score]
    """By name: ``bleu``, ``chrf`` and what else was measured."""

    @property
    def bleu(self) -> Score | None:
        """The BLEU of these sentences alone; None of a handful."""
        return self.scores.get("bleu")

    @property
    def chrf(self) -> Score:
        """The chrF of these sentences alone."""
        return self.scores["chrf"]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        scores = {name: score.to_json() for name, score in self.scores.items()}
        return {"low": self.low, "high": self.high, "count": self.count, **scores}


def by_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    signature: Signature,
    edges: Sequence[int] = EDGES,
    rng: np.random.Generator | None = None,
    measured: Mapping[str, Measure] | None = None,
    data: str = "",
) -> list[LengthBucket]:
    """Return the scores by length of the source in words, shortest first; empty buckets left out.

    Args:
        sources: source sentences, whose whitespace words are counted.
        hypotheses: one for each source.
        references: one for each source.
        signature: what the model shares over scores.
        edges: upper bounds of the buckets in words, inclusive and rising; longer ones go together.
        rng: draws the resamples of the 95 % intervals.
        measured: what ``measures`` gave of all sentences; None measures BLEU and chrF.
        data: name of the sentences' file.

    Raises:
        ValueError: the sequences differ in length or are empty, or edges do not rise.
    """
    if len(sources) != len(references):
        message = f"need one source for every reference, got {len(sources)} for {len(references)}"
        raise ValueError(message)
    if any(later <= earlier for earlier, later in pairwise(edges)):
        message = f"length edges must rise, got {tuple(edges)}"
        raise ValueError(message)
    found = measured or measures(hypotheses, references, with_ter=False)
    words = np.array([len(source.split()) for source in sources])
    bounds = [*edges, max(int(words.max()), edges[-1] + 1) if edges else int(words.max())]
    buckets: list[LengthBucket] = []
    for low, high in zip([0, *(edge + 1 for edge in edges)], bounds, strict=True):
        rows = (words >= low) & (words <= high)
        if not rows.any():
            continue
        signed = signature.extended(("words", f"{low}-{high}"))
        count = int(rows.sum())
        scores = {
            name: each.score(signed, rng=rng, rows=rows)
            for name, each in found.items()
            if each.given(count)
        }
        scores = resting_on(scores, data, count, "pairs")
        buckets.append(LengthBucket(max(low, 1), high, count, scores))
    return buckets
