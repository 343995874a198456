"""A comparison while it runs: a table that grows by a row as soon as a model is trained.

On a terminal a bar under the rows shows each running model, and the time left where it is known;
elsewhere each row is a line, and the time left is one on standard error.
"""

import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TextIO

from munmaek.cli.console import seconds_text, size_text
from munmaek.cli.evaluate import interval_text, number
from munmaek.comparison.events import (
    Event,
    Message,
    StageFinished,
    StageProgress,
    StageStarted,
    TimeLeft,
)
from munmaek.progress import listening_to
from munmaek.terminal import fitted

__all__ = ["board", "headline", "write_remarks"]

COLUMNS = ("model", "context", "score", "95 % interval", "trained in", "size")

NARROW = tuple(name for name in COLUMNS if name != "95 % interval")
NARROWEST = ("model", "score", "trained in")

WIDTHS = {"model": 16, "score": 22, "95 % interval": 15, "trained in": 10, "size": 8}
"""Characters of each column on a terminal; the context has what is left."""

EVERY = 15.0
"""Seconds between lines of the time left, where there is no terminal."""

ROOMY = 80
"""Characters from which context and size have columns."""

WIDE = 120
"""Characters of a terminal from which the interval has a column of its own."""

Report = Callable[[Event], None]


def headline(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the score that a row shows, with its unit, and its interval; empty without one.

    A mean over seeds has ± their standard deviation in place of the interval.
    """
    from munmaek.tasks import tasks

    scores: Mapping[str, Any] = row.get("scores", {})
    task = tasks().get(row.get("task", ""))
    wanted = (*(() if task is None else task.headline), *scores)
    name = next((each for each in wanted if each in scores), None)
    if name is None:
        return "", ""
    score = scores[name]
    value, low, high = score["value"], score.get("low"), score.get("high")
    unit, spreads = score.get("unit", ""), row.get("spread")
    spread: float | None = spreads.get(name) if spreads else None
    if unit == "share":
        shown = f"{100 * value:.1f} % {_spoken(name)}"
        interval = f"{100 * low:.1f} – {100 * high:.1f}" if low is not None else ""
        return shown, interval if spread is None else f"± {100 * spread:.1f} (sd)"
    said = _UNITS.get(name, f"{unit} {_spoken(name)}".strip())
    interval = interval_text(low, high) if spread is None else f"± {number(spread)} (sd)"
    return f"{number(value)} {said}", interval


_UNITS = {
    "bits_per_character": "bits/character",
    "bleu": "BLEU",
    "chrf": "chrF",
    "perplexity": "perplexity",
    "spearman": "Spearman's ρ",
    "pearson": "Pearson's r",
}


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _heading(row: Mapping[str, Any]) -> str:
    """Name the task and what its scores rest on: ``lm, 600 sentences of test.txt``."""
    from munmaek.metrics import bases

    found = bases(row.get("scores", {}))
    # What the rows chose differs from model to model; that they validated does not.
    said = [str(replace(each, roles=each.roles[:1])) for each in found[:1]]
    return ", ".join([str(row.get("task", "")), *said])


def write_remarks(results: Mapping[str, Any]) -> None:
    """Print what one should know before relying on a comparison's scores."""
    from munmaek.comparison.remarks import remarks_on

    found = [each.words() for each in remarks_on(results)]
    if found:
        print("\n" + "\n".join(found))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    score, interval = headline(row)
    seconds, size = row.get("train_seconds"), row.get("bytes")
    return (
        str(row.get("label") or row.get("name", "")),
        str(row.get("context", "")),
        score,
        interval,
        "" if seconds is None else seconds_text(seconds),
        "" if size is None else size_text(size),
    )


@contextmanager
def board(stream: TextIO | None = None) -> Generator[Report, None, None]:
    """Yield a report that draws what happens on ``stream``, by default standard output."""
    chosen: TextIO = stream or sys.stdout
    if chosen.isatty():
        with _live(chosen) as report:
            yield report
    else:
        yield _plain(chosen)


def _plain(stream: TextIO) -> Report:
    last = ""
    said: float | None = None

    def report(event: Event) -> None:
        nonlocal last, said
        if isinstance(event, StageFinished):
            task = str(event.row.get("task", ""))
            if task != last:
                last = task
                print(f"\n{_heading(event.row)}\n{_line(COLUMNS)}", file=stream)
            print(_line(_cells(event.row)), file=stream, flush=True)
        elif isinstance(event, Message):
            print(event.text, file=sys.stderr, flush=True)
        elif isinstance(event, TimeLeft) and (said is None or time.monotonic() - said >= EVERY):
            print(_time_text(event, first=said is None), file=sys.stderr, flush=True)
            said = time.monotonic()

    return report


def _time_text(now: TimeLeft, *, first: bool = False) -> str:
    left = f"{100 * now.fraction:.0f} %, about {seconds_text(now.seconds_left)} left"
    if not first:
        return left
    total = seconds_text(now.seconds_total)
    return f"measured in the first seconds: about {total} in all on this machine; {left}"


def _line(cells: tuple[str, ...]) -> str:
    model, context, score, interval, trained, size = cells
    return f"{model:24}  {score:24}  {interval:15}  {trained:>12}  {size:>9}  {context}".rstrip()


@contextmanager
def _live(stream: TextIO) -> Generator[Report, None, None]:
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream)
    rows = _Rows(console.width)
    running = _Running(console.width)
    live = Live(running.render(), console=console, refresh_per_second=8, transient=True)
    with listening_to(None), live:
        timed = False

        def report(event: Event) -> None:
            nonlocal timed
            if isinstance(event, TimeLeft) and not timed:
                timed = True
                live.console.print(_time_text(event, first=True), style="dim", highlight=False)
            # Rows scroll by above the bar: a table redrawn as a whole would outgrow the screen.
            if isinstance(event, Message):
                live.console.print(event.text, markup=False, highlight=False)
            elif isinstance(event, StageFinished):
                live.console.print(rows.drawn(event.row))
            running.take(event)
            live.update(running.render())

        yield report


class _Rows:
    """Finished rows as pieces of one table of fixed columns, headed anew for each task."""

    def __init__(self, width: int) -> None:
        self.wide = width >= WIDE
        self.names = COLUMNS if self.wide else NARROW if width >= ROOMY else NARROWEST
        fixed = sum(WIDTHS[name] + 2 for name in self.names if name != "context")
        self.context = max(width - fixed, 12)
        self.task: Any = None

    def drawn(self, row: Mapping[str, Any]) -> Any:
        """Draw the row, under a heading where its task is new."""
        from rich.table import Table
        from rich.text import Text

        begins = row.get("task") != self.task
        self.task = row.get("task")
        table = Table(
            box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=begins, header_style="dim"
        )
        for name in self.names:
            right = name in ("trained in", "size")
            table.add_column(
                name,
                justify="right" if right else "left",
                width=WIDTHS.get(name, self.context),
            )
        if begins:
            table.title = Text(f"\n{_heading(row)}", style="bold", justify="left")
            table.title_justify = "left"
        table.add_row(*self._cells(row))
        return table

    def _cells(self, row: Mapping[str, Any]) -> list[Any]:
        """Return the cells; on a narrow terminal the interval stands under its score."""
        from rich.text import Text

        model, context, score, interval, trained, size = _cells(row)
        both = Text(score)
        if interval and not self.wide:
            both.append(f"\n{interval}", style="dim")
        cells = (Text(model), Text(context), both, Text(interval), Text(trained), Text(size))
        return [cell for name, cell in zip(COLUMNS, cells, strict=True) if name in self.names]


@dataclass(slots=True)
class _Stage:
    """A model that is being trained."""

    started: StageStarted
    fraction: float = 0.0
    loss: float | None = None


class _Running:
    """The models that are being trained, how far they are, and how long all of it takes."""

    def __init__(self, width: int) -> None:
        self.width = width - 1
        self.stages: dict[str, _Stage] = {}
        self.time: TimeLeft | None = None

    def take(self, event: Event) -> None:
        """Change with what happened."""
        if isinstance(event, StageStarted):
            self.stages[event.name] = _Stage(event)
        elif isinstance(event, StageProgress) and event.name in self.stages:
            stage = self.stages[event.name]
            stage.fraction, stage.loss = event.fraction, event.loss
            if event.fraction >= 1:  # its row may have to wait for an earlier one
                del self.stages[event.name]
        elif isinstance(event, StageFinished):
            self.stages.pop(event.name, None)
        elif isinstance(event, TimeLeft):
            self.time = event

    def render(self) -> Any:
        """Draw a bar for each, or nothing between two models."""
        from rich.text import Text

        lines: list[str] = []
        for stage in self.stages.values():
            planned = stage.started.seconds_planned
            parts = [] if planned is None else [f"of about {seconds_text(planned)}"]
            parts += [] if stage.loss is None else [f"loss {stage.loss:.3f}"]
            label = f"{stage.started.label} ({stage.started.task})"
            lines.append(fitted(label, stage.fraction, parts, self.width))
        if self.time is not None:
            left = f"about {seconds_text(self.time.seconds_left)} left"
            lines.append(fitted("all", self.time.fraction, [left], self.width))
        return Text("\n".join(lines), no_wrap=True)
