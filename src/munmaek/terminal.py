"""Progress of work: a line redrawn where a person watches, one every ten seconds elsewhere.

In a notebook the line is an output of its own that is put in the place of the one before, so that a
saved notebook, and the page that is made of it, hold no trail of lines.

It is the one place besides ``cli`` that writes to a terminal, for a program that trains shows how
far it is as the command does.
"""

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from uuid import uuid4

from munmaek.progress import Step, listening_to

__all__ = [
    "draw_line",
    "fitted",
    "following",
    "seconds_text",
    "told",
    "watched",
    "wipe_line",
    "write_message",
]

EVERY = 10.0
"""Seconds between lines."""
OFTEN = 0.1
"""Seconds between two drawings."""
PATIENCE = 1.5
"""Seconds of a loop that needs no word."""
WIDEST_BAR = 30
NARROWEST_BAR = 5

Report = Callable[[Any], None]
"""Takes a ``munmaek.fit.record.Progress`` or a ``munmaek.ngram.stages.Stage``."""


_drawn = False
"""A line stands on the terminal that is redrawn, and must go before anything else."""
_output: str | None = None
"""The name of the notebook's output that holds the line."""


def draw_line(text: str) -> None:
    """Draw a line where a person watches, in place of the one drawn before."""
    global _drawn
    _drawn = True
    if _is_notebook():
        _show_output(text)
    else:
        _write(f"\r{text}\x1b[K")


def wipe_line() -> None:
    """Take away what ``draw_line`` drew."""
    global _drawn, _output
    if not _drawn:
        return
    _drawn = False
    if _is_notebook():
        _show_output("")
        _output = None
    else:
        _write("\r\x1b[K\r")


def _show_output(text: str) -> None:
    """Put a line into the cell that runs, in the place of the last one."""
    global _output
    display: Any = import_module("IPython.display")
    content = {"text/plain": text}
    if _output is None:
        _output = uuid4().hex
        display.display(content, raw=True, display_id=_output)
    else:
        display.update_display(content, raw=True, display_id=_output)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def write_message(text: str) -> None:
    """Write one message; never part of the results."""
    wipe_line()
    sys.stdout.flush()
    _write(f"{text}\n")


def seconds_text(seconds: float) -> str:
    """Return ``8.4 s``, ``2 min 05 s``, ``1 h 03 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def told(label: str) -> Generator[Report]:
    """Yield a report that shows where the run stands on standard error.

    Args:
        label: what is being trained.
    """
    with listening_to(None):
        if not _is_watched():
            yield _lines(label)
            return
        draw_line(fitted(label, 0.0, ["reading the data"], _width()))
        try:
            yield _drawings(label)
        finally:
            wipe_line()


@contextmanager
def watched(label: str) -> Generator[Report | None]:
    """Yield ``told`` where a person watches, on a terminal or in a notebook; else None."""
    if not _is_watched():
        yield None
        return
    with told(label) as report:
        yield report


def _is_watched() -> bool:
    return sys.stderr.isatty() or _is_notebook()


def _is_notebook() -> bool:
    """Return true in a cell of a notebook."""
    found: Any = sys.modules.get("IPython")
    shell = None if found is None else found.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


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


def _lines(label: str) -> Report:
    last = time.monotonic()

    def report(progress: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            write_message(f"{label}: {100 * progress.progress:.0f} %, {progress.text}")

    return report


def _drawings(label: str) -> Report:
    latest = 0.0

    def report(progress: Any) -> None:
        nonlocal latest
        if time.monotonic() - latest >= OFTEN:
            latest = time.monotonic()
            *others, left = progress.text.split(", ")
            draw_line(fitted(label, progress.progress, [left, *others], _width()))

    return report


def _width() -> int:
    """Return the columns of the terminal; the last one stays free, so that no terminal wraps."""
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
    """Return the columns that a text takes; a Hangul syllable takes two."""
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
