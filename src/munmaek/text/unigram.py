r"""Subwords of the unigram tokenizer (Kudo 2018, section 3.2), learned by EM on lattices.

    p(w) = Σ over segmentations x_1 … x_m of w of Π_i p(x_i)

E-step: expected uses of every subword over all segmentations, by forward and backward sums.
M-step: p(x) = uses of x / uses of all. After two rounds of both, subwords whose removal costs the
least likelihood go, a quarter at a time, until as many are left as are wanted; single characters
stay.

The tokenizers library has a trainer too. Its candidates are substrings of two distinct words, so
that a frequent word like no other never becomes a subword, and it sums in the order of a hash
table, so that one text gives different vocabularies. It segments with what is learned here.

Letters: W words, N nodes (borders between characters of all words), E edges (a subword between two
nodes), K subwords. Probabilities are plain, not logarithms: words are cut at ``LONGEST_WORD``.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s

__all__ = ["learn_subwords"]


LONGEST_PIECE = 16
LONGEST_WORD = 24
"""Characters; a product of this many probabilities stays above the smallest double."""
SEEDS, LEAST_SEEDS = 8, 20_000
"""Candidates for a subword wanted, and for a small vocabulary."""
KEPT = 0.75
"""Share of the subwords that a pruning leaves."""
ROUNDS = 2
"""EM iterations before each pruning."""
FLOOR = 1e-3
"""Uses that a subword without any counts as."""


@dataclass(frozen=True, slots=True)
class _Lattice:
    """All segmentations of all words, edges sorted by the place of their end within the word."""

    source: Int64s
    """Node where each edge begins [E]."""
    target: Int64s
    """Node where it ends [E]."""
    subword: Int64s
    """Its subword [E]."""
    word: Int64s
    """Its word [E]."""
    level: Int64s
    """Place of its end within the word, from 1 [E]."""
    first: Int64s
    """First node of each word [W]."""
    last: Int64s
    """Last node of each word [W]."""

    def keep(self, kept: NDArray[np.bool_]) -> "_Lattice":
        """Drop the edges of dropped subwords; subwords are numbered anew. ``kept``: [K]."""
        stay = kept[self.subword]
        number = np.cumsum(kept) - 1
        edges = (self.source, self.target, number[self.subword], self.word, self.level)
        source, target, subword, word, level = (column[stay] for column in edges)
        return _Lattice(source, target, subword, word, level, self.first, self.last)

    def levels(self) -> list[slice]:
        """Return the edges of each place of end, from the first character on."""
        borders = np.searchsorted(self.level, np.arange(1, int(self.level.max()) + 2))
        return [slice(a, b) for a, b in pairwise(borders.tolist())]


def learn_subwords(
    words: Counter[str], alphabet: Sequence[str], size: int
) -> list[tuple[str, float]]:
    """Learn at most ``size`` subwords with the natural logarithm of the probability of each.

    Args:
        words: how often each word occurs; characters outside ``alphabet`` must not.
        alphabet: single characters, all of which are kept.
        size: most subwords, single characters among them.
    """
    parts = _parts(words)
    subwords = [*alphabet, *_seeds(parts, max(LEAST_SEEDS, SEEDS * size))]
    # Subwords are words of count 0 too: their lattices tell what would spell them if they went.
    lattice = _lattice([*parts, *subwords], {subword: k for k, subword in enumerate(subwords)})
    counts = np.zeros(len(parts) + len(subwords))
    counts[: len(parts)] = list(parts.values())
    as_word = np.arange(len(parts), counts.size)
    p = _normalised(_summed(lattice.subword, counts[lattice.word], len(subwords)))
    while len(subwords) > size:
        for _ in range(ROUNDS):
            p = _normalised(_uses(lattice, p, counts))
        most = max(size, int(KEPT * len(subwords)))
        kept = _worthy(lattice, p, counts, as_word, most, len(alphabet))
        subwords = [
            subword for subword, stays in zip(subwords, kept.tolist(), strict=True) if stays
        ]
        lattice, as_word = lattice.keep(kept), as_word[kept]
        p = p[kept] / p[kept].sum()
    for _ in range(ROUNDS):
        p = _normalised(_uses(lattice, p, counts))
    return list(zip(subwords, np.log(p).tolist(), strict=True))


def _parts(words: Counter[str]) -> Counter[str]:
    """Return the words in code point order, those too long in parts."""
    parts: Counter[str] = Counter()
    for word in sorted(words):
        for start in range(0, len(word), LONGEST_WORD):
            parts[word[start : start + LONGEST_WORD]] += words[word]
    return parts


def _substrings(word: str) -> Iterator[tuple[int, int, str]]:
    for start in range(len(word)):
        for end in range(start + 1, min(len(word), start + LONGEST_PIECE) + 1):
            yield start, end, word[start:end]


def _seeds(parts: Counter[str], most: int) -> list[str]:
    """Return the substrings of two characters or more that cover the most text."""
    covered: Counter[str] = Counter()
    for word, count in parts.items():
        for start, end, subword in _substrings(word):
            if end - start > 1:
                covered[subword] += count
    repeated = [(subword, count) for subword, count in covered.items() if count > 1]
    repeated.sort(key=lambda item: (-item[1] * len(item[0]), item[0]))
    return [subword for subword, _ in repeated[:most]]


def _lattice(words: Sequence[str], number: dict[str, int]) -> _Lattice:
    edges: list[tuple[int, int, int, int, int]] = []
    first = np.cumsum([0, *(len(word) + 1 for word in words)])[:-1]
    for place, (word, base) in enumerate(zip(words, first.tolist(), strict=True)):
        for start, end, subword in _substrings(word):
            found = number.get(subword)
            if found is not None:
                edges.append((base + start, base + end, found, place, end))
    table = np.array(edges, dtype=np.int64).reshape(-1, 5).T
    source, target, subword, word, level = table[:, np.lexsort((table[1], table[4]))]
    last = first + np.array([len(word) for word in words], dtype=np.int64)
    return _Lattice(source, target, subword, word, level, first, last)


def _forward(lattice: _Lattice, p: Floats) -> Floats:
    """Return the probability of all ways from a word's beginning to each node [N]."""
    alpha = np.zeros(int(lattice.last[-1]) + 1)
    alpha[lattice.first] = 1.0
    for edges in lattice.levels():
        target = lattice.target[edges]
        ways = alpha[lattice.source[edges]] * p[lattice.subword[edges]]
        np.add.at(alpha, target, ways)
    return alpha


def _uses(lattice: _Lattice, p: Floats, counts: Floats) -> Floats:
    """Return the expected uses of each subword in ``counts`` of each word: [K]."""
    alpha = _forward(lattice, p)
    beta = np.zeros_like(alpha)
    beta[lattice.last] = 1.0
    for edges in reversed(lattice.levels()):
        ways = p[lattice.subword[edges]] * beta[lattice.target[edges]]
        np.add.at(beta, lattice.source[edges], ways)
    weight = counts / alpha[lattice.last]
    share = alpha[lattice.source] * beta[lattice.target] * weight[lattice.word]
    return p * _summed(lattice.subword, share, p.size)


def _summed(places: Int64s, weights: Floats, size: int) -> Floats:
    return np.bincount(places, weights=weights, minlength=size).astype(np.float64)


def _normalised(uses: Floats) -> Floats:
    floored = np.maximum(uses, FLOOR)
    return floored / floored.sum()


def _worthy(
    lattice: _Lattice, p: Floats, counts: Floats, as_word: Int64s, most: int, singles: int
) -> NDArray[np.bool_]:
    """Choose ``most`` subwords: the first ``singles``, then those whose removal costs most.

    Without subword x, each of its uses is spelled by others: it costs log p(x) − log p(other
    spellings of x) nats.
    """
    spelled = _forward(lattice, p)[lattice.last[as_word]]
    other = np.maximum(spelled - p, np.finfo(np.float64).tiny)
    cost = _uses(lattice, p, counts) * (np.log(p) - np.log(other))
    cost[:singles] = np.inf
    kept = np.zeros(p.size, dtype=np.bool_)
    kept[np.argsort(-cost, kind="stable")[: max(most, singles)]] = True
    return kept
