r"""A statistical aligner for few sentences: two hidden Markov models that must agree.

Each direction is the model of ``munmaek.align.hmm``. Expectation–maximisation in two phases:

    links without regard to position   c(e, f) = Σ √(p→(link) · p←(link))
    with jumps                         c(e, f) = Σ  p→(link) · p←(link)       Liang 2006, §3.2
    θ→(f | e) = (c(e, f) + b(e, f)) / Σ_f …,     θ←(e | f) likewise over e

p→ and p← are the posteriors of a link in each direction. What only one of them believes does not
count, which keeps a rare word from taking every word of its sentence. b is small for every pair of
words, and up to one count for words that look alike. Each direction then gives links of highest
posterior, and ``munmaek.align.symmetrise`` joins them.

Letters: S source words, T target words, U distinct pairs of shortened words, K longest jump told
apart.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from munmaek.align.bitext import Bitext, Cells, shortened
from munmaek.align.hmm import lexical_posteriors, markov_posteriors
from munmaek.align.symmetrise import Symmetrisation, symmetrise
from munmaek.arrays import Floats, Int64s
from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.metrics.alignment import Link
from munmaek.ngram.compiled import compiled
from munmaek.progress import followed
from munmaek.text.spaces import ascii_words

__all__ = ["HmmAligner", "HmmSettings", "Posteriors", "statistical_links"]

Words = Sequence[Sequence[str]]

NOTHING = 1e-12
"""Probability of a word that training has not seen, where it links to nothing."""


@final
@dataclass(frozen=True, slots=True)
class HmmSettings:
    """Options of the aligner; the defaults suit a few hundred sentences and more."""

    lexical_iterations: int = 10
    jump_iterations: int = 5
    letters: int = 5
    """Letters of a word, from its beginning, that warn it from others."""
    null: float = 0.2
    """ν, the share of words that link to nothing."""
    prior: float = 1e-4
    """Pseudo-counts of every pair of words that stand in one sentence pair."""
    cognates: float = 1.0
    """Pseudo-counts of a pair of equal words; fewer for words that look less alike."""
    alike: float = 0.5
    """Alikeness from which words count as cognates."""
    longest_jump: int = 50
    """K."""
    jump_decay: float = 0.2
    """Decay of J before it is learnt: J(d) = exp(−decay · |d − 1|)."""
    max_words: int = 400
    """Words of a sentence that are aligned; words after them have no links."""

    def __post_init__(self) -> None:
        counts = (self.lexical_iterations, self.jump_iterations, self.letters, self.longest_jump)
        if min(counts) < 1 or self.max_words < 1 or not 0 < self.null < 1 or self.prior <= 0:
            message = f"iterations, letters, jumps, null and prior must be positive, got {self}"
            raise ConfigError(message)


class Posteriors(NamedTuple):
    """Probability of each link of a pair in the two directions, both [T, S]."""

    forward: Floats
    """Each target word asks which source word made it."""
    backward: Floats
    """Each source word asks which target word made it."""

    def directions(self) -> tuple[frozenset[Link], frozenset[Link]]:
        """Return the links that are likelier than any other of their word, and than none."""
        forward = {(source, target) for target, source in _best(self.forward)}
        return frozenset(forward), frozenset(_best(self.backward.T))

    def links(self, *, by: Symmetrisation = "grow-diag-final-and") -> frozenset[Link]:
        """Return the links (source word, target word) of both directions joined."""
        return symmetrise(*self.directions(), by=by)


class _Direction(NamedTuple):
    """θ of each word pair [U], J [2K + 1], and what a word is without a link, by its number."""

    theta: Floats
    jumps: Floats
    nothing: Floats


@final
@dataclass(frozen=True, slots=True)
class HmmAligner:
    """A trained aligner; ``align`` gives the links of these and other sentences."""

    settings: HmmSettings
    bitext: Bitext
    forward: _Direction
    backward: _Direction
    logliks: tuple[tuple[float, float], ...]
    """Log-likelihood of both directions before each iteration, nats."""

    @classmethod
    def fit(
        cls, sources: Words, targets: Words, *, settings: HmmSettings | None = None
    ) -> "HmmAligner":
        """Train on sentence pairs, given as words.

        Raises:
            InputError: no pair has words on both sides, or there is not a target for each source.
        """
        settings = settings or HmmSettings()
        bitext = Bitext.of(*_read(sources, targets, settings, warn=True))
        if len(bitext.cells.pairs) == 0:
            raise InputError("no pair to align: each has an empty side")
        prior = _prior(bitext, settings)
        jumps = _first_jumps(settings)
        nothing = _shares(bitext.cells.target_ids), _shares(bitext.cells.source_ids)
        logliks: list[tuple[float, float]] = []
        counts = np.zeros(len(prior))
        taken = jumps, jumps
        iterations = settings.lexical_iterations + settings.jump_iterations
        for number in followed(range(iterations), "aligning"):
            ways = _maximise(bitext, counts + prior, taken, nothing)
            markov = number >= settings.lexical_iterations
            counts, taken, loglik = _expect(bitext, *ways, settings.null, markov=markov)
            taken = (taken[0] + 1, taken[1] + 1) if markov else (jumps, jumps)
            logliks.append(loglik)
        ways = _maximise(bitext, counts + prior, taken, nothing)
        return cls(settings, bitext, *ways, tuple(logliks))

    def align(
        self, sources: Words, targets: Words, *, by: Symmetrisation = "grow-diag-final-and"
    ) -> list[frozenset[Link]]:
        """Return the links of each pair; a pair with an empty side has none."""
        return [each.links(by=by) for each in self._within_length(sources, targets)]

    def posteriors(self, sources: Words, targets: Words) -> list[Posteriors]:
        """Return the probability of each pair's links, in order; zeros past the longest length."""
        found = self._within_length(sources, targets)
        return [
            Posteriors(*(_padded(way, (len(target), len(source))) for way in each))
            for each, source, target in zip(found, sources, targets, strict=True)
        ]

    def _within_length(self, sources: Words, targets: Words) -> Iterator[Posteriors]:
        given = _read(sources, targets, self.settings, warn=False)
        pairs = {
            key: number
            for number, key in enumerate(
                zip(self.bitext.givers.tolist(), self.bitext.takers.tolist(), strict=True)
            )
        }
        ids = tuple(
            {word: number for number, word in enumerate(words)}
            for words in (self.bitext.source_words, self.bitext.target_words)
        )
        for source, target in zip(*given, strict=True):
            yield Posteriors(*self._pair(source, target, pairs, ids))

    def _pair(
        self,
        source: Sequence[str],
        target: Sequence[str],
        pairs: dict[tuple[int, int], int],
        ids: tuple[dict[str, int], ...],
    ) -> tuple[Floats, Floats]:
        givers = [ids[0].get(word, -1) for word in source]
        takers = [ids[1].get(word, -1) for word in target]
        cells = np.array(
            [[pairs.get((giver, taker), -1) for giver in givers] for taker in takers],
            dtype=np.int64,
        ).reshape(len(takers), len(givers))
        results: list[Floats] = []
        for way, numbers, table in (
            (self.forward, takers, cells),
            (self.backward, givers, cells.T),
        ):
            # A pair never seen together shares nothing but the prior, which is next to nothing.
            emit = np.where(table >= 0, way.theta[table], NOTHING * 1e-3)
            known = np.array(numbers, dtype=np.int64)
            nothing = np.where(known >= 0, way.nothing[known], NOTHING)
            out, taken = np.zeros(table.shape), np.zeros(len(way.jumps))
            if table.size:
                null = self.settings.null
                markov_posteriors(np.ascontiguousarray(emit), nothing, null, way.jumps, out, taken)
            results.append(out)
        return results[0], results[1].T


def statistical_links(
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    by: Symmetrisation = "grow-diag-final-and",
    settings: HmmSettings | None = None,
) -> list[frozenset[Link]]:
    """Return the links of texts whose words are split at ASCII white space, from these texts alone.

    Raises:
        InputError: no pair has words on both sides, or there is not a target for each source.
    """
    words = [ascii_words(text) for text in sources], [ascii_words(text) for text in targets]
    return HmmAligner.fit(*words, settings=settings).align(*words, by=by)


def _read(
    sources: Words, targets: Words, settings: HmmSettings, *, warn: bool
) -> tuple[list[list[str]], list[list[str]]]:
    """Shorten the words, up to the maximum length."""
    if len(sources) != len(targets) or not sources:
        message = f"need a target for every source, got {len(targets)} for {len(sources)}"
        raise InputError(message)
    long = sum(
        max(len(source), len(target)) > settings.max_words
        for source, target in zip(sources, targets, strict=True)
    )
    if long and warn:
        message = (
            f"{long} pairs are longer than {settings.max_words} words; words after have no links"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=3)

    def short(rows: Words) -> list[list[str]]:
        most, letters = settings.max_words, settings.letters
        return [[shortened(word, letters) for word in row[:most]] for row in rows]

    return short(sources), short(targets)


def _padded(table: Floats, shape: tuple[int, int]) -> Floats:
    out = np.zeros(shape)
    out[: table.shape[0], : table.shape[1]] = table
    return out


def _prior(bitext: Bitext, settings: HmmSettings) -> Floats:
    """Return B of each word pair, [U]."""
    above = np.maximum(bitext.alikeness() - settings.alike, 0) / (1 - settings.alike)
    return settings.prior + settings.cognates * above**3


def _first_jumps(settings: HmmSettings) -> Floats:
    distance = np.abs(np.arange(-settings.longest_jump, settings.longest_jump + 1) - 1)
    return np.exp(-settings.jump_decay * distance)


def _shares(ids: Int64s) -> Floats:
    return np.bincount(ids) / max(len(ids), 1)


def _best(weights: Floats) -> list[Link]:
    """Return for each row its heaviest column, where that is heavier than no link."""
    if weights.size == 0:
        return []
    column = weights.argmax(1)
    heavier = weights.max(1) > 1 - weights.sum(1)
    # Past the limit a row is zeros: its word has all its mass on no link.
    return [(row, int(column[row])) for row in np.flatnonzero(heavier).tolist()]


def _maximise(
    bitext: Bitext, counts: Floats, taken: tuple[Floats, Floats], nothing: tuple[Floats, Floats]
) -> tuple[_Direction, _Direction]:
    ways = zip((bitext.givers, bitext.takers), taken, nothing, strict=True)
    forward, backward = (
        _Direction(counts / np.bincount(owner, weights=counts)[owner], jumps / jumps.sum(), each)
        for owner, jumps, each in ways
    )
    return forward, backward


def _expect(
    bitext: Bitext, forward: _Direction, backward: _Direction, null: float, *, markov: bool
) -> tuple[Floats, tuple[Floats, Floats], tuple[float, float]]:
    """Return the counts that both directions believe in [U], jumps of each, and log-likelihoods."""
    counts = np.zeros(len(forward.theta))
    taken = np.zeros_like(forward.jumps), np.zeros_like(backward.jumps)
    loglik = _count(bitext.cells, forward, backward, null, markov, counts, *taken)
    return counts, taken, loglik


@compiled
def _count(
    cells: Cells,
    forward: _Direction,
    backward: _Direction,
    null: float,
    markov: bool,
    counts: Floats,
    forward_taken: Floats,
    backward_taken: Floats,
) -> tuple[float, float]:
    forward_loglik, backward_loglik = 0.0, 0.0
    cell, source, target = 0, 0, 0
    for n in range(len(cells.source_sizes)):
        S, T = cells.source_sizes[n], cells.target_sizes[n]
        one = forward.nothing[cells.target_ids[target : target + T]]
        other = backward.nothing[cells.source_ids[source : source + S]]
        source, target = source + S, target + T
        if S == 0 or T == 0:
            continue
        table = cells.pairs[cell : cell + S * T]
        cell += S * T
        ahead = forward.theta[table].reshape(T, S)
        back = np.ascontiguousarray(backward.theta[table].reshape(T, S).T)
        out, turned = np.empty((T, S)), np.empty((S, T))
        if markov:
            forward_loglik += markov_posteriors(ahead, one, null, forward.jumps, out, forward_taken)
            backward_loglik += markov_posteriors(
                back, other, null, backward.jumps, turned, backward_taken
            )
        else:
            forward_loglik += lexical_posteriors(ahead, one, null, out)
            backward_loglik += lexical_posteriors(back, other, null, turned)
        for t in range(T):
            for j in range(S):
                both = out[t, j] * turned[j, t]
                counts[table[t * S + j]] += both if markov else np.sqrt(both)
    return forward_loglik, backward_loglik
