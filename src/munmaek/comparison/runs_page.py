"""A page on several runs of one recipe: each score over seeds, and how it grows with the data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from munmaek.comparison.figures import curves, drawn, figure
from munmaek.comparison.formats import number_text
from munmaek.comparison.markup import Markup, cell, element, join, scrolled, table
from munmaek.pages import page
from munmaek.text.catalogue import Catalogue
from munmaek.writing import write_text

__all__ = ["render_runs", "write_runs_page"]


def write_runs_page(runs: Mapping[str, Any], path: Path, *, language: str = "en") -> None:
    """Write the page of ``runs``, which ``Several.to_json`` made, whole or not at all.

    Raises:
        DiskError: the file cannot be written.
    """
    write_text(path, render_runs(runs, language=language))


def render_runs(runs: Mapping[str, Any], *, language: str = "en") -> str:
    """Return the page as HTML: a curve for each score where the amount of data varies, a table."""
    catalogue = Catalogue(language)
    summary: Sequence[Mapping[str, Any]] = runs.get("summary") or ()
    names = list(dict.fromkeys(str(each["score"]) for each in summary))
    drawings = [each for name in names if (each := _curve(name, summary, catalogue)) is not None]
    title = str(runs.get("model") or "munmaek")
    body = join(
        [
            element("header", element("h1", title)),
            element("main", element("section", drawings, _table(summary, catalogue))),
        ]
    )
    return page("report", body, title=title, root=f'lang="{language}" data-written')


def _curve(name: str, summary: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> Markup | None:
    """Return the mean over seeds by rows of training data, with the least and the most."""
    rows = [each for each in summary if each["score"] == name]
    if len({each["rows"] for each in rows}) < 2:
        return None
    ends = {
        catalogue.text(f"runs.{end}"): {float(each["rows"]): float(each[end]) for each in rows}
        for end in ("mean", "least", "most")
    }
    if all(each["runs"] == 1 for each in rows):
        ends = dict(list(ends.items())[:1])
    xs, lines = curves(ends)
    labels = {"labelX": catalogue.text("axis.rows"), "labelY": _named(name, catalogue)}
    head = [labels["labelX"], *xs]
    return drawn("lines", _named(name, catalogue), head, lines, hot=next(iter(ends)),
                 doubling=True, linear=True, **labels)  # fmt: skip


def _named(name: str, catalogue: Catalogue) -> str:
    return catalogue.known(f"metric.{name}", name)


def _table(summary: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> Markup:
    say = catalogue.text
    keys = ("rows", "mean", "spread", "least", "most", "count")
    head = [element("th"), *(element("th", say(f"runs.{key}"), kind="num") for key in keys)]
    lines = [
        element(
            "tr",
            cell(_named(str(each["score"]), catalogue)),
            cell(f"{each['rows']:,}", kind="num"),
            [
                cell("–" if each[key] is None else number_text(each[key]), kind="num")
                for key in ("mean", "spread", "least", "most")
            ],
            cell(str(each["runs"]), kind="num"),
        )
        for each in summary
    ]
    return figure(scrolled(table(lines, heads=element("tr", head), kind="lined")))
