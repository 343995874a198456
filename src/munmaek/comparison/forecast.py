"""A forecast of the time that jobs side by side still take, from their speed so far."""

import heapq
import time
from collections.abc import Callable, Mapping

__all__ = ["Forecast"]


class Forecast:
    """The time left of jobs whose costs are known up to a factor, which is measured.

    Args:
        costs: of each job, in the order in which they begin, in any unit.
        processes: how many work at a time.
        after: seconds of work before anything is said.
        clock: gives seconds.
    """

    def __init__(
        self,
        costs: Mapping[str, float],
        *,
        processes: int,
        after: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.costs = costs
        self.processes = processes
        self.after = after
        self.clock = clock
        self.start = clock()
        self._done = dict.fromkeys(costs, 0.0)
        self._begun: set[str] = set()
        self._seen: dict[str, tuple[float, float]] = {}
        """Time and progress of the first report of each job that reports."""
        self._took: dict[str, float] = {}
        """Seconds since then."""

    def begun(self, name: str) -> None:
        """Record that a job begins."""
        self._begun.add(name)

    def going(self, name: str, fraction: float) -> None:
        """Record what share of a job is done."""
        now = self.clock()
        self._done[name] = fraction
        # What comes before the first step, such as reading the data, says nothing of the steps.
        first, _ = self._seen.setdefault(name, (now, fraction))
        self._took[name] = now - first

    def ended(self, name: str) -> None:
        """Record that a job has ended."""
        if name in self._seen:
            self.going(name, 1.0)
        self._done[name] = 1.0

    def share(self) -> float:
        """Return the share of all work that is done."""
        done = sum(self.costs[name] * part for name, part in self._done.items())
        return done / sum(self.costs.values())

    def left(self) -> float | None:
        """Return the seconds left, or None before enough is measured."""
        seconds = sum(self._took.values())
        done = sum(
            self.costs[name] * (self._done[name] - fraction)
            for name, (_, fraction) in self._seen.items()
        )
        if seconds < self.after or not done:
            return None
        return self._makespan() * seconds / done

    def total(self, left: float) -> float:
        """Return the seconds of the whole, past ones included."""
        return self.clock() - self.start + left

    def _makespan(self) -> float:
        """Return how long the rest takes, each job going to the first free process."""
        running = {name: part for name, part in self._done.items() if name in self._begun}
        free = [self.costs[name] * (1 - part) for name, part in running.items() if part < 1]
        free = sorted([*free, *[0.0] * self.processes], reverse=True)[: self.processes]
        heapq.heapify(free)
        for name in self.costs:
            if name not in running:
                heapq.heapreplace(free, free[0] + self.costs[name])
        return max(free)
