"""Sentence pairs to look through, those first whose links are most likely wrong.

    entropy        mean over output words of −Σ_s α_s ln α_s / ln S: 1 is even attention, no choice
    coverage       mean over source words of min(1, Σ_i α_is): words that nothing looked at
    disagreement   1 − 2 |A ∩ B| / (|A| + |B|) with the links B of a statistical aligner

Letters: T output words, S source words, A the strongest link of each output word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from munmaek.align import MarkedPair, parse_gold, statistical_links
from munmaek.errors import InputError
from munmaek.metrics import Link, links_from_weights
from munmaek.phrases import phrasebook
from munmaek.text.corpora import read_lines
from munmaek.text.parallel import read_parallel

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Translator

__all__ = ["ORDERS", "Order", "Pairs", "Suspicion", "Suspicions", "read_pairs"]

Floats = NDArray[np.floating[Any]]
Order = Literal["entropy", "coverage", "disagreement"]
ORDERS: tuple[Order, ...] = ("entropy", "coverage", "disagreement")

BUILT_IN = "phrasebook"
BATCH = 64


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sources with their translations, and gold links where they are known."""

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    gold: tuple[MarkedPair, ...] | None = None
    training: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """Other sources and targets to fine-tune on besides; None uses the pairs themselves."""

    def __len__(self) -> int:
        return len(self.sources)

    def with_training(self, corrected: Mapping[str, str]) -> "Pairs":
        """Return the pairs with corrected translations, by source, in place of others to train on.

        Args:
            corrected: the right translation of each source; none leaves everything as it is.
        """
        if not corrected:
            return self
        sources, targets = self.training or (self.sources, self.targets)
        kept = [each for each in zip(sources, targets, strict=True) if each[0] not in corrected]
        rows = [*kept, *corrected.items()]
        both = tuple(one for one, _ in rows), tuple(other for _, other in rows)
        return replace(self, training=both)


def read_pairs(paths: Sequence[str | Path], links: str | Path | None = None) -> Pairs:
    """Read two files of lines, one table, or ``phrasebook``, the built-in test part with links.

    Args:
        paths: what ``munmaek.text.corpora.read_parallel`` takes, or ``phrasebook``.
        links: gold links in Pharaoh format, a line for each pair.

    Raises:
        InputError: a file that cannot be used, or links that do not fit the pairs.
    """
    if [str(path) for path in paths] == [BUILT_IN]:
        book = phrasebook()
        made = book.test
        marked = tuple(
            MarkedPair(each.korean, each.english, frozenset(each.links)) for each in made
        )
        return Pairs(
            BUILT_IN,
            tuple(one.korean for one in made),
            tuple(one.english for one in made),
            marked,
            training=(
                tuple(one.korean for one in book.train),
                tuple(one.english for one in book.train),
            ),
        )
    corpus = read_parallel(paths)
    pairs = Pairs(corpus.name, corpus.sources, corpus.targets)
    return pairs if links is None else replace(pairs, gold=_gold(pairs, links))


def _gold(pairs: Pairs, path: str | Path) -> tuple[MarkedPair, ...]:
    lines = list(read_lines(path))
    if len(lines) != len(pairs):
        message = f"{path}: need a line of links for each of {len(pairs)} pairs, got {len(lines)}"
        raise InputError(message)
    made: list[MarkedPair] = []
    rows = zip(pairs.sources, pairs.targets, lines, strict=True)
    for number, (source, target, line) in enumerate(rows, start=1):
        try:
            found = parse_gold(line)
            made.append(MarkedPair(source, target, found.sure, found.possible))
        except InputError as error:
            message = f"{path}, line {number}: {error}"
            raise InputError(message) from None
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Doubts about the links of one pair."""

    index: int
    entropy: float
    coverage: float
    disagreement: float


def judge(index: int, weights: Floats, other: frozenset[Link]) -> Suspicion:
    """Judge a pair by attention between words [T, S] and the links of a statistical aligner."""
    safe = np.where(weights > 0, weights, 1.0)
    found = links_from_weights(weights)
    both, size = len(found & other), len(found) + len(other)
    return Suspicion(
        index,
        entropy=float(-(weights * np.log(safe)).sum(1).mean()) / np.log(max(weights.shape[1], 2))
        if weights.size
        else 0.0,
        coverage=float(np.minimum(weights.sum(0), 1).mean()) if weights.size else 1.0,
        disagreement=1 - 2 * both / size if size else 0.0,
    )


class Suspicions:
    """Suspicion of every pair, reckoned in the background in batches."""

    def __init__(self, model: "Translator", pairs: Pairs, *, lock: Lock) -> None:
        """Get ready; ``start`` begins.

        Args:
            model: a translator with attention.
            pairs: to be judged.
            lock: held while the model is used.
        """
        self._model = model
        self._pairs = pairs
        self._lock = lock
        self._found: list[Suspicion] = []
        self._error: str | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    @property
    def done(self) -> int:
        """Return the number of pairs judged so far."""
        return len(self._found)

    @property
    def error(self) -> str | None:
        """Return why it ended early, in one line."""
        return self._error

    def start(self) -> None:
        """Begin, or do nothing where it has begun."""
        if self._thread is None:
            self._thread = Thread(target=self._work, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the batch at work, and wait for that."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def wait(self) -> None:
        """Wait until every pair is judged."""
        self.start()
        assert self._thread is not None
        self._thread.join()

    def ranked(self, by: Order) -> list[Suspicion]:
        """Return those judged so far, most suspicious first."""
        sign = 1 if by == "coverage" else -1
        return sorted(self._found, key=lambda each: (sign * getattr(each, by), each.index))

    def _work(self) -> None:
        try:
            self._judge_all()
        except Exception as error:  # noqa: BLE001 - told to whoever asks, in their own thread
            self._error = str(error).splitlines()[0] if str(error) else type(error).__name__

    def _judge_all(self) -> None:
        pairs = self._pairs
        others = statistical_links(pairs.sources, pairs.targets)
        for at in range(0, len(pairs), BATCH):
            if self._stop.is_set():
                return
            part = slice(at, at + BATCH)
            with self._lock:
                aligned = self._model.align(pairs.sources[part], pairs.targets[part])
            for place, each in enumerate(aligned, start=at):
                weights = np.zeros((0, 0)) if each.weights is None else each.weights
                self._found.append(judge(place, weights, others[place]))
