"""How far a training run is: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from munmaek.cli.console import say, seconds_text

__all__ = ["told"]

EVERY = 10.0
"""Seconds between lines."""

Report = Callable[[Any], None]
"""Takes a ``munmaek.train.Progress``."""


@contextmanager
def told(label: str) -> Generator[Report, None, None]:
    """A report that shows where the run stands on standard error.

    Args:
        label: what is being trained.
    """
    if sys.stderr.isatty():
        with _bar(label) as report:
            yield report
    else:
        yield _lines(label)


def _lines(label: str) -> Report:
    last = time.monotonic()

    def report(progress: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            say(f"{label}: {100 * progress.progress:.0f} %, {_state(progress)}")

    return report


@contextmanager
def _bar(label: str) -> Generator[Report, None, None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[state]}", style="dim"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=1.0, state="reading the data")

        def report(progress: Any) -> None:
            bar.update(task, completed=progress.progress, state=_state(progress))

        yield report


def _state(progress: Any) -> str:
    parts = [f"loss {progress.loss:.3f}"]
    if progress.validation is not None:
        parts.append(f"validation {progress.validation:.3f} nats")
    parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left is not None:
        parts.append(f"{seconds_text(progress.seconds_left)} left")
    return ", ".join(parts)
