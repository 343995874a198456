"""Progress of long work, for whoever wants to know; where nobody does, it costs nothing.

A loop that may take long says what it goes through; a loop within it refines what the outer one
says. The command line listens, and shows it where a person watches.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar, cast

__all__ = ["Step", "followed", "in_turn", "listening_to"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """The progress of the outermost loop."""

    name: str
    """The loop's items: "lines", "pairs"."""
    done: float
    total: float | None
    """None where nobody knows."""
    elapsed: float
    """Seconds since it began."""

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None where the total is not known."""
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None where nothing can be said."""
        done = self.fraction
        return None if not done else self.elapsed * (1 - done) / done


@dataclass(slots=True)
class _Level:
    """One loop of those that run within one another."""

    name: str
    total: float | None
    done: float = 0.0
    size: float = 1.0
    """Size of the item at hand."""
    began: float = field(default_factory=time.monotonic)


Listener = Callable[[Step], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
_levels: list[_Level] = []


@contextmanager
def listening_to(listener: Listener | None) -> Generator[None]:
    """Tell ``listener`` how far what runs inside is; None tells nobody."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def followed(
    items: Iterable[T],
    name: str,
    *,
    total: float | Callable[[], float | None] | None = None,
    size: Callable[[T], float] = lambda _: 1.0,
) -> Iterable[T]:
    """Return the items, whose number is told while they are gone through.

    Args:
        items: what a loop goes through.
        name: what they are.
        total: the sum of their sizes, or what finds it if somebody listens; by default their
            number, where they have one.
        size: of an item.
    """
    if _listener.get() is None:
        return items
    whole = total() if callable(total) else total
    if whole is None and hasattr(items, "__len__"):
        whole = float(len(cast("Sized", items)))
    return _followed(items, _Level(name, whole), size)


def in_turn(name: str, *acts: tuple[Callable[[], None], float]) -> None:
    """Do one act after another and tell how far that is.

    Args:
        name: what they come to.
        acts: each with its share of the time; a loop within it refines what is told.
    """
    total = sum(share for _, share in acts)
    for act, _ in followed(acts, name, total=total, size=lambda each: each[1]):
        act()


def _followed(items: Iterable[T], level: _Level, size: Callable[[T], float]) -> Iterator[T]:
    _levels.append(level)
    try:
        for item in items:
            level.size = size(item)
            yield item
            level.done += level.size
            level.size = 0.0
            _report()
    finally:
        if level in _levels:
            _levels.remove(level)


def _report() -> None:
    listener = _listener.get()
    if listener is None or not _levels:
        return
    inner = 0.0
    for level in reversed(_levels):
        reached = level.done + level.size * inner
        inner = reached / level.total if level.total else 0.0
    first = _levels[0]
    done = first.total * inner if first.total else first.done
    listener(Step(first.name, done, first.total, time.monotonic() - first.began))
