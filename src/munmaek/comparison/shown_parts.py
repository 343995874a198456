"""Tables, confusions and curves behind the scores of each model, as a page has them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.comparison.figures import drawn, figure
from munmaek.comparison.markup import Markup, Node, cell, element, scrolled, table
from munmaek.text.catalogue import Catalogue

__all__ = ["shown_parts"]


def shown_parts(rows: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> list[Node]:
    """Return what is shown of each model, under its name.

    Args:
        rows: entries of ``results.json``.
        catalogue: texts of the page's language.
    """
    out: list[Node] = []
    for row in rows:
        parts = [part for each in row.get("shown") or () if (part := _part(each, catalogue))]
        if parts:
            name = element("summary", f"{row.get('label')}: {catalogue.text('shown.behind')}")
            out.append(element("details", name, parts, open="" if len(rows) == 1 else None))
    return out


def _part(each: Mapping[str, Any], catalogue: Catalogue) -> Markup | None:
    kind, name = str(each.get("kind")), str(each.get("name"))
    title = catalogue.known(f"shown.{name}", name)
    head, rows = list(each.get("head") or ()), [list(row) for row in each.get("rows") or ()]
    if not rows:
        return None
    notes = [str(note) for note in each.get("notes") or ()]
    if kind == "table":
        return _table(title, head, rows, notes, catalogue)
    if kind == "matrix":
        return _matrix(title, head, rows, catalogue)
    labels = {
        side: catalogue.known(f"axis.{each.get(key)}", str(each.get(key) or ""))
        for side, key in (("labelX", "label_x"), ("labelY", "label_y"))
    }
    if kind == "points":
        known = [row for row in rows if all(_finite(x) for x in row[1:3])]
        named = [catalogue.known(f"head.{cell_}", str(cell_)) for cell_ in head]
        return drawn("points", title, named, known, said=notes, **labels)
    hot = str(rows[0][0]) if rows else ""
    return drawn("lines", title, [labels["labelX"], *head[1:]], rows, said=notes, hot=hot,
                 doubling=False, linear=True, **labels)  # fmt: skip


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _table(
    title: str,
    head: Sequence[Any],
    rows: Sequence[Sequence[Any]],
    notes: Sequence[str],
    catalogue: Catalogue,
) -> Markup:
    names = [catalogue.known(f"head.{each}", str(each)) for each in head]
    heads = element("tr", [element("th", each, kind="num" if at else None)
                           for at, each in enumerate(names)])  # fmt: skip
    lines = [element("tr", [_cell(each) for each in row]) for row in rows]
    return figure(scrolled(table(lines, heads=heads, kind="lined")), title=title, said=notes)


def _cell(value: Any) -> Markup:
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, int):
        return cell(f"{value:,}", kind="num")
    return cell(f"{value:.3f}" if _finite(value) else "–", kind="num")


def _matrix(
    title: str, head: Sequence[Any], rows: Sequence[Sequence[Any]], catalogue: Catalogue
) -> Markup:
    """Return counts as shares of each row, which colours show, with the counts in a table."""
    shares = [[row[0], *(count / max(sum(row[1:]), 1) for count in row[1:])] for row in rows]
    said = [catalogue.text("shown.confusion.rows")]
    return drawn("matrix", title, head, shares, said=said, gold=[])
