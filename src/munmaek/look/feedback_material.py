"""Sentences that a person's marks teach, and those that tell whether they did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munmaek.align import MarkedPair
from munmaek.data.batches import pick
from munmaek.errors import InputError
from munmaek.look.pairs import Pairs

__all__ = ["Material", "material"]

HELD_MOST = 400
"""Held-out sentences that are translated and aligned at most."""
TAUGHT_SHARE = 4
"""One in so many training sentences is a marked one; a few marks are repeated for that."""
OTHERS_MOST = 4000
MARKS_LEAST = 3


@dataclass(frozen=True, slots=True)
class Material:
    """Sentences to train on and others to judge by; none is in both."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    taught: tuple[MarkedPair, ...]
    """Marked pairs that training is told of; they are among the sentences."""
    held: tuple[MarkedPair, ...]
    split: str
    """The choice of the held-out ones, in words."""


def material(
    pairs: Pairs,
    marks: Sequence[MarkedPair],
    *,
    rng: np.random.Generator,
) -> Material:
    """Choose what to teach and what to hold out.

    Where the pairs have gold links, all marks are taught and pairs without marks are held out; else
    a third of the marks is held out.

    Args:
        pairs: those that were looked through.
        marks: what was marked.
        rng: draws the order.

    Raises:
        InputError: too few marks.
    """
    if len(marks) < MARKS_LEAST:
        message = f"{len(marks)} sentences are marked; mark at least {MARKS_LEAST} first"
        raise InputError(message)
    marks = pick(marks, rng.permutation(len(marks)))
    if pairs.gold is not None:
        known = {each.key for each in marks}
        rest = [each for each in pairs.gold if each.key not in known]
        held = pick(rest, rng.permutation(len(rest))[:HELD_MOST])
        taught = marks
        split = f"{len(held)} pairs of {pairs.name} with gold links that were not marked"
    else:
        cut = max(1, len(marks) // 3)
        held, taught = marks[:cut], marks[cut:]
        split = f"{len(held)} of {len(marks)} marked pairs, drawn with a fixed seed"
    sources, targets = _sentences(pairs, taught, held, rng)
    return Material(sources, targets, tuple(taught), tuple(held), split)


def _sentences(
    pairs: Pairs,
    taught: Sequence[MarkedPair],
    held: Sequence[MarkedPair],
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what both runs train on: others, and the marked ones as often as their share."""
    closed = {each.key for each in (*held, *taught)}
    sources, targets = pairs.training or (pairs.sources, pairs.targets)
    rows = [
        (source, target)
        for source, target in zip(sources, targets, strict=True)
        if MarkedPair(source, target).key not in closed
    ]
    others = pick(rows, rng.permutation(len(rows))[:OTHERS_MOST])
    repeats = max(1, round(len(others) / ((TAUGHT_SHARE - 1) * len(taught))))
    both = [*others, *((each.source, each.target) for each in taught for _ in range(repeats))]
    return tuple(source for source, _ in both), tuple(target for _, target in both)
