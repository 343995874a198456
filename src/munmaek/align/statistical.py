r"""A statistical aligner for few sentences: two hidden Markov models that must agree.

Each direction is the model of ``munmaek.align.hmm``. Expectation–maximisation in two phases:

    links without regard to position   c(e, f) = Σ √(p→(link) · p←(link))
    with jumps                         c(e, f) = Σ  p→(link) · p←(link)       Liang 2006, §3.2
    θ→(f | e) = (c(e, f) + b(e, f)) / Σ_f …,     θ←(e | f) likewise over e

p→ and p← are the posteriors of a link in each direction. What only one of them believes does not
count, which keeps a rare word from taking every word of its sentence. b is small for every pair of
words, and up to one count for words that look alike. Each direction then gives links of highest
posterior, and ``munmaek.align.symmetrise`` joins them.

Sentences go through in blocks (``munmaek.align.counting``) and by as many threads as are asked for;
links do not depend on how many.

Letters: S source words, T target words, U distinct pairs of shortened words, K longest jump told
apart.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from munmaek.align.bitext import Bitext, Numbers, Side, alike
from munmaek.align.counting import Direction, expect, maximise
from munmaek.align.linking import Trained, joined_links, posteriors_of
from munmaek.align.symmetrise import Symmetrisation, symmetrise
from munmaek.arrays import Floats, Int32s
from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.metrics.alignment import Link
from munmaek.ngram.parallel import available
from munmaek.progress import followed
from munmaek.text.spaces import ascii_words

__all__ = ["HmmAligner", "HmmSettings", "Posteriors", "statistical_links"]

Words = Sequence[Sequence[str]]


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


@final
@dataclass(frozen=True, slots=True)
class HmmAligner:
    """A trained aligner; ``align`` gives the links of these and other sentences."""

    settings: HmmSettings
    numbers: tuple[Numbers, Numbers]
    """The numbers of the words of both sides."""
    trained: Trained
    logliks: tuple[tuple[float, float], ...]
    """Log-likelihood of both directions before each iteration, nats."""

    @classmethod
    def fit(
        cls,
        sources: Words,
        targets: Words,
        *,
        settings: HmmSettings | None = None,
        threads: int | None = None,
    ) -> "HmmAligner":
        """Train on sentence pairs, given as words, by as many threads as there are processors.

        Raises:
            InputError: no pair has words on both sides, or there is not a target for each source.
        """
        settings = settings or HmmSettings()
        _check(len(sources), len(targets))
        numbers = Numbers(settings.letters), Numbers(settings.letters)
        sides = _numbered(numbers, sources, targets, settings, grow=True)
        return cls.fit_numbered(numbers, *sides, settings=settings, threads=threads)

    @classmethod
    def fit_numbered(
        cls,
        numbers: tuple[Numbers, Numbers],
        sources: Side,
        targets: Side,
        *,
        settings: HmmSettings,
        threads: int | None = None,
    ) -> "HmmAligner":
        """Do the same for words that are numbered already.

        Raises:
            InputError: no pair has words on both sides.
        """
        threads = available() if threads is None else threads
        _warn_of_long(sources, targets, settings.max_words)
        words = numbers[0].words, numbers[1].words
        sizes = len(words[0]), len(words[1])
        bitext = Bitext.of(sources, targets, sizes=sizes, threads=threads)
        if not len(bitext.cells.pairs):
            raise InputError("no pair to align: each has an empty side")
        prior = _prior(alike(bitext.pairs, *words, threads=threads), settings)
        ways, counts = _first_ways(bitext, sizes, settings), np.zeros(len(prior))
        logliks: list[tuple[float, float]] = []
        iterations = settings.lexical_iterations + settings.jump_iterations
        for number in followed(range(iterations), "aligning"):
            counts += prior
            ways = maximise(bitext, counts, ways)
            markov = number >= settings.lexical_iterations
            taken, loglik = expect(
                bitext, ways, settings.null, counts, markov=markov, threads=threads
            )
            if markov:
                ways = _moved(ways[0], taken[0]), _moved(ways[1], taken[1])
            logliks.append(loglik)
        counts += prior
        ways = maximise(bitext, counts, ways)
        trained = Trained(bitext.pairs, *ways, settings.null)
        return cls(settings, numbers, trained, tuple(logliks))

    def align(
        self,
        sources: Words,
        targets: Words,
        *,
        by: Symmetrisation = "grow-diag-final-and",
        threads: int | None = None,
    ) -> list[frozenset[Link]]:
        """Return the links of each pair; a pair with an empty side has none."""
        _check(len(sources), len(targets))
        sides = _numbered(self.numbers, sources, targets, self.settings, grow=False)
        return self.align_numbered(*sides, by=by, threads=threads)

    def align_numbered(
        self,
        sources: Side,
        targets: Side,
        *,
        by: Symmetrisation = "grow-diag-final-and",
        threads: int | None = None,
    ) -> list[frozenset[Link]]:
        """Do the same for words that are numbered already."""
        threads = available() if threads is None else threads
        return list(joined_links(self.trained, sources, targets, by=by, threads=threads))

    def posteriors(self, sources: Words, targets: Words) -> list[Posteriors]:
        """Return the probability of each pair's links, in order; zeros past the longest length."""
        _check(len(sources), len(targets))
        sides = _numbered(self.numbers, sources, targets, self.settings, grow=False)
        rows = zip(sources, targets, *map(_rows, sides), strict=True)
        return [
            Posteriors(
                *(
                    _padded(way, (len(target), len(source)))
                    for way in posteriors_of(self.trained, givers, takers)
                )
            )
            for source, target, givers, takers in rows
        ]


def statistical_links(
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    by: Symmetrisation = "grow-diag-final-and",
    settings: HmmSettings | None = None,
    threads: int | None = None,
) -> list[frozenset[Link]]:
    """Return the links of texts whose words are split at ASCII white space, from these texts alone.

    Args:
        sources: the texts.
        targets: the translation of each.
        by: how the links of both directions are joined.
        settings: of the aligner.
        threads: how many work at once, as many as there are processors by default; links do not
            depend on it.

    Raises:
        InputError: no pair has words on both sides, or there is not a target for each source.
    """
    settings = settings or HmmSettings()
    _check(len(sources), len(targets))
    numbers = Numbers(settings.letters), Numbers(settings.letters)
    words = map(ascii_words, sources), map(ascii_words, targets)
    sides = _numbered(numbers, *words, settings, grow=True)
    aligner = HmmAligner.fit_numbered(numbers, *sides, settings=settings, threads=threads)
    return aligner.align_numbered(*sides, by=by, threads=threads)


def _check(sources: int, targets: int) -> None:
    if sources != targets or not sources:
        message = f"need a target for every source, got {targets} for {sources}"
        raise InputError(message)


def _warn_of_long(sources: Side, targets: Side, most: int) -> None:
    long = np.count_nonzero(np.maximum(sources.lengths, targets.lengths) > most)
    if long:
        message = f"{long} pairs are longer than {most} words; words after have no links"
        warnings.warn(message, MunmaekWarning, stacklevel=3)


def _numbered(
    numbers: tuple[Numbers, Numbers],
    sources: Iterable[Sequence[str]],
    targets: Iterable[Sequence[str]],
    settings: HmmSettings,
    *,
    grow: bool,
) -> tuple[Side, Side]:
    """Number the words of both sides, up to the maximum length."""
    most = settings.max_words
    return (
        numbers[0].of(sources, most=most, grow=grow),
        numbers[1].of(targets, most=most, grow=grow),
    )


def _padded(table: Floats, shape: tuple[int, int]) -> Floats:
    out = np.zeros(shape)
    out[: table.shape[0], : table.shape[1]] = table
    return out


def _rows(side: Side) -> list[Int32s]:
    return np.split(side.ids, side.limits[1:-1])


def _prior(alikeness: Floats, settings: HmmSettings) -> Floats:
    """Return B of each word pair, [U]."""
    above = np.maximum(alikeness - settings.alike, 0) / (1 - settings.alike)
    return settings.prior + settings.cognates * above**3


def _first_ways(
    bitext: Bitext, sizes: tuple[int, int], settings: HmmSettings
) -> tuple[Direction, Direction]:
    cells = bitext.cells
    distance = np.abs(np.arange(-settings.longest_jump, settings.longest_jump + 1) - 1)
    jumps = np.exp(-settings.jump_decay * distance)
    jumps /= jumps.sum()
    forward, backward = (
        Direction(np.empty(len(bitext.pairs.takers)), jumps, _shares(side.ids, words))
        for side, words in zip((cells.targets, cells.sources), sizes[::-1], strict=True)
    )
    return forward, backward


def _shares(ids: Int32s, words: int) -> Floats:
    return np.bincount(ids, minlength=words) / max(len(ids), 1)


def _moved(way: Direction, taken: Floats) -> Direction:
    """Return the direction with jumps as they were taken, each once more."""
    jumps = taken + 1
    return way._replace(jumps=jumps / jumps.sum())


def _best(weights: Floats) -> list[Link]:
    """Return for each row its heaviest column, where that is heavier than no link."""
    if weights.size == 0:
        return []
    column = weights.argmax(1)
    heavier = weights.max(1) > 1 - weights.sum(1)
    # Past the limit a row is zeros: its word has all its mass on no link.
    return [(row, int(column[row])) for row in np.flatnonzero(heavier).tolist()]
