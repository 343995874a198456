"""How far work is: a line drawn anew on a terminal, a line every ten seconds elsewhere."""

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from munmaek.cli.console import draw_line, say, seconds_text, wipe_line
from munmaek.progress import Step, listening_to

__all__ = ["fitted", "following", "stage_text", "told"]

EVERY = 10.0
"""Seconds between lines."""
OFTEN = 0.1
"""Seconds between two drawings."""
PATIENCE = 1.5
"""Seconds of a loop that needs no word."""
WIDEST_BAR = 30
NARROWEST_BAR = 5

Report = Callable[[Any], None]
"""Takes a ``munmaek.fit.record.Progress``, or what else ``describe`` can put in words."""


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
        describe: what to say of a report besides how far it is, with commas between and the time
            left at the end; by default loss and speed.
    """
    state = describe or _state
    with listening_to(None):
        if not sys.stderr.isatty():
            yield _lines(label, state)
            return
        draw_line(fitted(label, 0.0, ["reading the data"], _width()))
        try:
            yield _drawn(label, state)
        finally:
            wipe_line()


@contextmanager
def following() -> Generator[None]:
    """Show how far long work inside is, where a person watches standard error."""
    if not sys.stderr.isatty():
        yield
        return
    latest = 0.0

    def show(step: Step) -> None:
        nonlocal latest
        now = time.monotonic()
        if step.elapsed >= PATIENCE and now - latest >= OFTEN:
            latest = now
            draw_line(fitted(step.name, step.fraction, _counted(step), _width()))

    try:
        with listening_to(show):
            yield
    finally:
        wipe_line()


def _counted(step: Step) -> list[str]:
    left = step.seconds_left
    parts = [] if left is None else [f"{seconds_text(left)} left"]
    return parts if step.total is not None else [f"{step.done:,.0f}"]


def _lines(label: str, state: Callable[[Any], str]) -> Report:
    last = time.monotonic()

    def report(progress: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            say(f"{label}: {100 * progress.progress:.0f} %, {state(progress)}")

    return report


def _drawn(label: str, state: Callable[[Any], str]) -> Report:
    latest = 0.0

    def report(progress: Any) -> None:
        nonlocal latest
        if time.monotonic() - latest >= OFTEN:
            latest = time.monotonic()
            *others, left = state(progress).split(", ")
            draw_line(fitted(label, progress.progress, [left, *others], _width()))

    return report


def _state(progress: Any) -> str:
    parts = [f"loss {progress.loss:.3f}"]
    if progress.validation is not None:
        parts.append(f"validation {progress.validation:.3f} nats")
    parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left is not None:
        parts.append(f"{seconds_text(progress.seconds_left)} left")
    return ", ".join(parts)


def _width() -> int:
    """Columns of the terminal; the last one stays free, so that no terminal wraps."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given) - 1
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns - 1
    except (OSError, ValueError):
        return 79


def fitted(label: str, fraction: float | None, parts: Sequence[str], width: int) -> str:
    """Return label, bar, percentage and what else is known in one line of ``width`` columns.

    Where they do not fit, the bar goes first, then the parts from the last, then the end of the
    label; a number is shown whole or not at all.

    Args:
        label: what is being done.
        fraction: from 0 to 1; None has neither bar nor percentage.
        parts: what else is known, the most wanted first.
        width: columns there are.
    """
    share = [] if fraction is None else [f"{100 * fraction:3.0f} %"]
    kept = list(parts)
    while len(kept) > 1 and _wide("  ".join([label, *share, ", ".join(kept)])) > width:
        kept.pop()
    rest = "  ".join([*share, *([", ".join(kept)] if kept else [])])
    room = width - _wide(rest) - 2
    shown = _cropped(label, room)
    bar = min(room - _wide(shown) - 2, WIDEST_BAR)
    if fraction is None or bar < NARROWEST_BAR:
        return f"{shown}  {rest}" if shown else _cropped(rest, width)
    full = round(bar * fraction)
    return f"{shown}  {'━' * full}{'─' * (bar - full)}  {rest}"


def _wide(text: str) -> int:
    """Columns that a text takes; a Hangul syllable takes two."""
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def _cropped(text: str, room: int) -> str:
    if _wide(text) <= room:
        return text
    out = ""
    for each in text:
        if _wide(out + each) > room - 1:
            break
        out += each
    return f"{out}…" if room > 0 else ""
