"""Compiled kernels on slices of the work, in threads; what comes out never depends on how many."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["available", "cuts_by_weight", "in_threads", "usual"]

Part = TypeVar("Part")
Result = TypeVar("Result")


def available() -> int:
    """Return the processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def usual() -> int:
    """Return how many threads uneven parts take: one more than processors, for where one waits.

    With a single processor there is nothing to take over.
    """
    processors = available()
    return processors + 1 if processors > 1 else 1


def in_threads(threads: int, work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """Do ``work`` on every part, in the order of the parts.

    Kernels let the interpreter's lock go, so they run side by side. The first error is raised
    after the parts that had begun are done.
    """
    waiting = list(parts)
    if threads == 1 or len(waiting) < 2:
        return [work(part) for part in waiting]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, waiting))


def cuts_by_weight(weights: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """Cut into at most ``parts`` runs of about the same weight: limits, 0 first, all last."""
    ends = np.cumsum(weights)
    total = int(ends[-1]) if len(ends) else 0
    wanted = np.arange(1, parts) * (total / parts)
    inner = np.searchsorted(ends, wanted, side="left") + 1
    return np.unique(np.concatenate([[0], np.minimum(inner, len(ends)), [len(ends)]]))
