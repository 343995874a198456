"""Shards of a run: the virtual ranks that define it, whatever number of processes computes them.

Each shard takes its own batches of every step, draws its own random numbers and carries its own
hidden state. A step's gradient is the sum over shards along one fixed binary tree:

    sum(lo, hi) = sum(lo, mid) + sum(mid, hi),  mid = (lo + hi) // 2

Sums of floating-point numbers depend on their order, and this order depends on the number of shards
alone. A process holds neighbouring shards and adds up whatever whole branches it has; the rest is
added along the same tree once the branches of all have been exchanged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Shards", "tree_sum"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of a run, and which of them each process computes."""

    count: int
    """Shards in all."""
    size: int = 1
    """Processes, at most as many."""

    def of(self, rank: int) -> range:
        """Return the shards of a process: neighbours, as many for each as can be."""
        return range(rank * self.count // self.size, (rank + 1) * self.count // self.size)

    def batches(self, shard: int, taken: int, at: int) -> list[int]:
        """Return which of the next ``taken`` batches from ``at`` on are the shard's; maybe none."""
        return list(range(at + shard, at + taken, self.count))

    def branches(self, rank: int) -> list[tuple[int, int]]:
        """Return the largest branches of the tree that a process has whole, as [lo, hi)."""
        mine = self.of(rank)

        def within(lo: int, hi: int) -> Iterator[tuple[int, int]]:
            if mine.start <= lo and hi <= mine.stop:
                yield lo, hi
            elif lo < mine.stop and mine.start < hi:
                middle = (lo + hi) // 2
                yield from within(lo, middle)
                yield from within(middle, hi)

        return list(within(0, self.count)) if mine else []


def tree_sum(
    lo: int, hi: int, known: Callable[[int, int], T | None], add: Callable[[T, T], T]
) -> T:
    """Add up the branch [lo, hi) in the order of the tree.

    Args:
        lo: the first shard.
        hi: the shard after the last.
        known: gives the sum of a branch that need not be added up, as of every single shard.
        add: adds the sum of a right branch to that of the left.
    """
    found = known(lo, hi)
    if found is not None:
        return found
    middle = (lo + hi) // 2
    left = tree_sum(lo, middle, known, add)
    return add(left, tree_sum(middle, hi, known, add))
