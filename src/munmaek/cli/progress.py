"""How far a training run is: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from munmaek.cli.console import say, seconds_text

__all__ = ["stage_text", "told"]

EVERY = 10.0
"""Seconds between lines."""

Report = Callable[[Any], None]
"""Takes a ``munmaek.train.Progress``, or what else ``describe`` can put in words."""


def stage_text(stage: Any) -> str:
    """What is being done and how long it may take, of a ``munmaek.ngram.stages.Stage``."""
    if stage.seconds_left is None:
        return stage.name
    return f"{stage.name}, {seconds_text(stage.seconds_left)} left"


@contextmanager
def told(
    label: str, *, describe: Callable[[Any], str] | None = None
) -> Generator[Report, None, None]:
    """A report that shows where the run stands on standard error.

    Args:
        label: what is being trained.
        describe: what to say of a report besides how far it is; by default loss and speed.
    """
    state = describe or _state
    if sys.stderr.isatty():
        with _bar(label, state) as report:
            yield report
    else:
        yield _lines(label, state)


def _lines(label: str, state: Callable[[Any], str]) -> Report:
    last = time.monotonic()

    def report(progress: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            say(f"{label}: {100 * progress.progress:.0f} %, {state(progress)}")

    return report


@contextmanager
def _bar(label: str, state: Callable[[Any], str]) -> Generator[Report, None, None]:
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
            bar.update(task, completed=progress.progress, state=state(progress))

        yield report


def _state(progress: Any) -> str:
    parts = [f"loss {progress.loss:.3f}"]
    if progress.validation is not None:
        parts.append(f"validation {progress.validation:.3f} nats")
    parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left is not None:
        parts.append(f"{seconds_text(progress.seconds_left)} left")
    return ", ".join(parts)
