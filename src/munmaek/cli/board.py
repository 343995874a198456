"""A comparison while it runs: a table that grows by a row as soon as a model is trained.

On a terminal the table and a bar for the running model are redrawn; elsewhere each row is a line.
"""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from munmaek.cli.console import seconds_text, size_text
from munmaek.cli.evaluate import interval_text, number
from munmaek.compare.events import Event, Message, StageFinished, StageProgress, StageStarted

__all__ = ["HEADLINES", "board", "headline"]

HEADLINES = {
    "lm": ("bits_per_character", "perplexity"),
    "classify": ("accuracy", "macro_f1"),
    "translate": ("bleu", "chrf"),
    "mlm": ("masked_accuracy", "accuracy", "masked_perplexity", "perplexity"),
}
"""The score that a row shows, best choice first, by task."""

COLUMNS = ("model", "context", "score", "95 % interval", "trained in", "size")

NARROW = tuple(name for name in COLUMNS if name != "95 % interval")

WIDE = 130
"""Characters of a terminal from which the interval has a column of its own."""

Report = Callable[[Event], None]


def headline(row: Mapping[str, Any]) -> tuple[str, str]:
    """The score that a row shows, with its unit, and its interval; empty where there is none."""
    scores: Mapping[str, Any] = row.get("scores", {})
    wanted = (*HEADLINES.get(row.get("task", ""), ()), *scores)
    name = next((each for each in wanted if each in scores), None)
    if name is None:
        return "", ""
    score = scores[name]
    value, low, high = score["value"], score.get("low"), score.get("high")
    unit = score.get("unit", "")
    if unit == "share":
        shown = f"{100 * value:.1f} % {_spoken(name)}"
        interval = f"{100 * low:.1f} – {100 * high:.1f}" if low is not None else ""
        return shown, interval
    said = _UNITS.get(name, f"{unit} {_spoken(name)}".strip())
    return f"{number(value)} {said}", interval_text(low, high)


_UNITS = {
    "bits_per_character": "bits/character",
    "bleu": "BLEU",
    "chrf": "chrF",
    "perplexity": "perplexity",
}


def _spoken(name: str) -> str:
    return name.replace("_", " ")


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
    """A report that draws what happens on ``stream``, by default standard output."""
    chosen: TextIO = stream or sys.stdout
    if chosen.isatty():
        with _live(chosen) as report:
            yield report
    else:
        yield _plain(chosen)


def _plain(stream: TextIO) -> Report:
    last = ""

    def report(event: Event) -> None:
        nonlocal last
        if isinstance(event, StageFinished):
            task = str(event.row.get("task", ""))
            if task != last:
                last = task
                print(f"\n{task}\n{_line(COLUMNS)}", file=stream)
            print(_line(_cells(event.row)), file=stream, flush=True)
        elif isinstance(event, Message):
            print(event.text, file=sys.stderr, flush=True)

    return report


def _line(cells: tuple[str, ...]) -> str:
    model, context, score, interval, trained, size = cells
    return f"{model:24}  {score:24}  {interval:15}  {trained:>12}  {size:>9}  {context}".rstrip()


@contextmanager
def _live(stream: TextIO) -> Generator[Report, None, None]:
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream)
    drawn = _Drawing(wide=console.width >= WIDE)
    with Live(drawn.render(), console=console, refresh_per_second=8) as live:

        def report(event: Event) -> None:
            if isinstance(event, Message):
                live.console.print(event.text, markup=False, highlight=False)
            drawn.take(event)
            live.update(drawn.render())

        yield report
        drawn.running = None
        live.update(drawn.render(), refresh=True)


class _Drawing:
    """What the live board shows: the rows so far and the model that is being trained."""

    def __init__(self, *, wide: bool) -> None:
        self.wide = wide
        self.rows: list[Mapping[str, Any]] = []
        self.running: StageStarted | None = None
        self.fraction = 0.0
        self.loss: float | None = None

    def take(self, event: Event) -> None:
        """Change with what happened."""
        if isinstance(event, StageStarted):
            self.running, self.fraction, self.loss = event, 0.0, None
        elif isinstance(event, StageProgress):
            self.fraction, self.loss = event.fraction, event.loss
        elif isinstance(event, StageFinished):
            self.rows.append(event.row)
            self.running = None

    def render(self) -> Any:
        """The table, and the bar under it."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in COLUMNS if self.wide else NARROW:
            right = name in ("trained in", "size")
            folds = name in ("model", "context")
            table.add_column(name, justify="right" if right else "left", no_wrap=not folds)
        last = None
        for row in self.rows:
            task = row.get("task")
            if task != last:
                table.add_row(Text(str(task), style="bold"))
                last = task
            table.add_row(*self._row(row))
        return table if self.running is None else Group(table, *self._bar(self.running))

    def _row(self, row: Mapping[str, Any]) -> list[Any]:
        """The cells; on a narrow terminal the interval stands under its score."""
        from rich.text import Text

        model, context, score, interval, trained, size = _cells(row)
        if self.wide:
            return [Text(cell) for cell in (model, context, score, interval, trained, size)]
        both = Text(score)
        if interval:
            both.append(f"\n{interval}", style="dim")
        return [Text(model), Text(context), both, Text(trained), Text(size)]

    def _bar(self, running: StageStarted) -> list[Any]:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 2, 0, 0))
        state = "" if self.loss is None else f"loss {self.loss:.3f}"
        planned = running.seconds_planned
        planned_text = "" if planned is None else f"of about {seconds_text(planned)}"
        line.add_row(
            Text(f"{running.label} ({running.task})"),
            ProgressBar(total=1.0, completed=self.fraction, width=30),
            Text(f"{100 * self.fraction:3.0f} % {planned_text}"),
            Text(state, style="dim"),
        )
        return [Text(""), line]
