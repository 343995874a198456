"""The table of a comparison for a paper, a page or a spreadsheet: LaTeX, Markdown, CSV.

The best value is bold only where the tests, corrected for the number of pairs, tell it from every
other. After ± stands the standard deviation over seeds where several were trained, else nothing:
half an interval is none.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from munmaek.comparison.findings import leads, told_best
from munmaek.comparison.formats import score_text, spread_text
from munmaek.comparison.reading import Row, read_rows
from munmaek.errors import ConfigError
from munmaek.text.catalogue import Catalogue

__all__ = ["FORMATS", "exported"]

FORMATS: Final = ("latex", "markdown", "csv")
_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
}


def exported(results: Mapping[str, Any], form: str) -> str:
    """Return the models of ``results`` as a table, one for each task.

    Raises:
        ConfigError: no such form.
    """
    writers = {"latex": _latex, "markdown": _markdown, "csv": _csv}
    if form not in writers:
        message = f"--format {form}: one of {', '.join(FORMATS)} is wanted"
        raise ConfigError(message)
    rows = read_rows(results)
    tasks = dict.fromkeys(row.task for row in rows)
    tables = [_Table(task, [row for row in rows if row.task == task], results) for task in tasks]
    return "\n".join(writers[form](each) for each in tables)


class _Table:
    """One task's models with their scores."""

    def __init__(self, task: str, rows: Sequence[Row], results: Mapping[str, Any]) -> None:
        self.task = task
        self.rows = rows
        self.metrics = leads(task, rows)
        best = {metric: told_best(rows, metric, results) for metric in self.metrics}
        self.best = {metric: row.name for metric, row in best.items() if row is not None}

    def heads(self) -> list[str]:
        catalogue = Catalogue()
        return [catalogue.known(f"metric.{metric}", metric) for metric in self.metrics]

    def shown(self, row: Row, metric: str) -> tuple[str, bool]:
        """Return a score as text, with its spread, and whether it is the best."""
        score = row.scores.get(metric)
        if score is None:
            return "–", False
        text = score_text(score).replace("\u2009", " ").replace(" %", "")
        if metric in row.spread:
            text += f" {spread_text(score, row.spread[metric])}".replace("\u2009", " ")
        return text, self.best.get(metric) == row.name


def _latex(table: _Table) -> str:
    head = " & ".join(["", *map(_escaped, table.heads())])
    lines = [
        f"% {table.task}: bold is the best where it is told from all others (Holm, p < 0.05)",
        rf"\begin{{tabular}}{{l{'r' * len(table.metrics)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = [_latex_cell(*table.shown(row, metric)) for metric in table.metrics]
        lines.append(rf"{' & '.join([_escaped(row.label), *cells])} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_cell(text: str, best: bool) -> str:
    value, _, spread = text.partition(" ± ")
    value = rf"\textbf{{{value}}}" if best else value.replace("–", "--")
    return f"{value} $\\pm$ {spread}" if spread else value


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(each, each) for each in text)


def _markdown(table: _Table) -> str:
    lines = [["", *table.heads()], ["---", *["---:"] * len(table.metrics)]]
    for row in table.rows:
        shown = [table.shown(row, metric) for metric in table.metrics]
        cells = [f"**{text}**" if best else text for text, best in shown]
        lines.append([row.label.replace("|", "\\|"), *cells])
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), ""])


def _csv(table: _Table) -> str:
    """Return plain numbers: value, ends of the interval, spread over seeds, and if it is best."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    parts = ("", "_low", "_high", "_sd", "_best")
    writer.writerow(["task", "model", *(f"{m}{part}" for m in table.metrics for part in parts)])
    for row in table.rows:
        cells: list[Any] = []
        for metric in table.metrics:
            score = row.scores.get(metric)
            ends = (None,) * 3 if score is None else (score.value, score.low, score.high)
            best = table.best.get(metric) == row.name
            cells += [*ends, row.spread.get(metric), int(best)]
        writer.writerow([table.task, row.label, *("" if each is None else each for each in cells)])
    return out.getvalue()
