r"""IBM Model 1: the word alignment that attention is judged by (Brown et al. 1993, §4.1).

    p(f_1 … f_T | e) ∝ Π_t Σ_s θ(f_t | e_s),   s = 0 (the empty word) … S

Expectation–maximisation: θ starts uniform; each iteration shares every target word over the source
words that could have made it, in proportion to θ, and counts. The log-likelihood is concave, so the
uniform start cannot end in a local maximum. All word pairs of all sentences lie in flat arrays; an
iteration is three ``bincount``s.

Letters: S source words, T target words, M word pairs over all sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.metrics.alignment import Link

__all__ = ["IbmModel1"]


_EMPTY = 0


@dataclass(frozen=True, slots=True)
class IbmModel1:
    """Translation probabilities θ(target word | source word), of the pairs seen together."""

    source_ids: dict[str, int]
    target_ids: dict[str, int]
    table: dict[int, float]
    """θ by ``source id · number of target words + target id``."""

    @classmethod
    def fit(
        cls,
        sources: Sequence[Sequence[str]],
        targets: Sequence[Sequence[str]],
        *,
        iterations: int = 5,
    ) -> "IbmModel1":
        """Train on sentence pairs, given as words.

        Raises:
            ValueError: there are no pairs, or not a target for every source.
        """
        if len(sources) != len(targets) or not sources:
            message = f"need one target for every source, got {len(targets)} for {len(sources)}"
            raise ValueError(message)
        source_ids = _number(sources, first=_EMPTY + 1)
        target_ids = _number(targets, first=0)
        keys, slots = _pairs(sources, targets, source_ids, target_ids)
        unique, pair = np.unique(keys, return_inverse=True)
        giver = unique // max(len(target_ids), 1)
        theta = np.ones(len(unique))
        for _ in range(iterations):
            theta = _step(theta, pair, slots, giver)
        return cls(source_ids, target_ids, dict(zip(unique.tolist(), theta.tolist(), strict=True)))

    def probability(self, target: str, source: str | None) -> float:
        """Return θ(target | source), of the empty word for None; 0 where not seen together."""
        giver = _EMPTY if source is None else self.source_ids.get(source)
        taker = self.target_ids.get(target)
        if giver is None or taker is None:
            return 0.0
        return self.table.get(giver * len(self.target_ids) + taker, 0.0)

    def align(self, source: Sequence[str], target: Sequence[str]) -> frozenset[Link]:
        """Link each target word to the source word that likeliest made it.

        A word for which the empty word is likelier, or that was never seen with any of them, has no
        link; the first of equal source words is taken.
        """
        links: set[Link] = set()
        for position, word in enumerate(target):
            chances = [self.probability(word, giver) for giver in source]
            best = max(range(len(chances)), key=chances.__getitem__, default=None)
            if best is not None and chances[best] > self.probability(word, None):
                links.add((best, position))
        return frozenset(links)


def _number(sentences: Sequence[Sequence[str]], *, first: int) -> dict[str, int]:
    words = dict.fromkeys(word for sentence in sentences for word in sentence)
    return {word: number for number, word in enumerate(words, start=first)}


def _pairs(
    sources: Sequence[Sequence[str]],
    targets: Sequence[Sequence[str]],
    source_ids: dict[str, int],
    target_ids: dict[str, int],
) -> tuple[Int64s, Int64s]:
    """Return keys of all word pairs and the target position (slot) each belongs to: [M], [M]."""
    keys: list[Int64s] = []
    slots: list[Int64s] = []
    slot = 0
    for source, target in zip(sources, targets, strict=True):
        givers = np.array([_EMPTY, *(source_ids[word] for word in source)], dtype=np.int64)
        takers = np.array([target_ids[word] for word in target], dtype=np.int64)
        keys.append((givers[None, :] * len(target_ids) + takers[:, None]).ravel())
        slots.append(np.repeat(np.arange(slot, slot + len(takers)), len(givers)))
        slot += len(takers)
    return np.concatenate(keys), np.concatenate(slots)


def _step(theta: Floats, pair: Int64s, slots: Int64s, giver: Int64s) -> Floats:
    """Make one iteration: θ of unique pairs, pair index [M], slot [M], source of unique pairs."""
    weight = theta[pair]
    share = weight / np.bincount(slots, weights=weight)[slots]
    counts = np.bincount(pair, weights=share, minlength=len(theta))
    return counts / np.bincount(giver, weights=counts)[giver]
