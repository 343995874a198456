"""Figures as the page has them: tables, which its script draws, and bars, which its style draws.

A page whose script does not run shows the tables. The drawing is that of ``frontend/src``, which
the viewer shares.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.comparison.markup import Markup, Node, element, scrolled, table

__all__ = ["curves", "drawn", "figure", "spark", "track"]

Cell = str | float | None


def figure(*parts: Node, said: Sequence[str] = (), title: str = "") -> Markup:
    """Return parts below a title, and sentences on what to see in them below."""
    heading = element("h3", title) if title else None
    return element(
        "figure", heading, *parts, element("figcaption", " ".join(said)) if said else None
    )


def drawn(
    kind: str,
    title: str,
    head: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    *,
    said: Sequence[str] = (),
    **more: Any,
) -> Markup:
    """Return a figure that is drawn from its table.

    Args:
        kind: ``lines``, ``multiples`` or ``matrix``.
        title: its heading.
        head: what the columns stand for, the rows' own names first.
        rows: a name and its values; None and what is not finite is drawn as absent.
        said: sentences on what to see in it.
        more: what this kind of drawing needs besides.
    """
    kept = [[each if _known(each) else None for each in row] for row in rows]
    lines = [element("tr", [_cell("td", each) for each in row]) for row in kept]
    heads = element("tr", [_cell("th", each) for each in head])
    given = {"kind": kind, "title": title, "caption": " ".join(said), "head": head, "rows": kept}
    numbers = scrolled(table(lines, heads=heads, kind="lined"))
    return _placed({**given, **more}, figure(numbers, said=said, title=title))


def curves(tables: Mapping[str, Mapping[float, float]]) -> tuple[list[float], list[list[Cell]]]:
    """Return every x of some curves, rising, and each curve's name with its y there."""
    xs = sorted({x for table in tables.values() for x in table})
    return xs, [[label, *(table.get(x) for x in xs)] for label, table in tables.items()]


def spark(points: Sequence[tuple[float, float]]) -> Markup | None:
    """Return a small line of its own scale, such as loss over steps; None of under two points."""
    if len(points) < 2:
        return None
    label = f"{points[0][1]:.2f} → {points[-1][1]:.2f}"
    return _placed({"kind": "spark", "points": points, "label": label}, label)


def track(
    value: float,
    room: tuple[float, float],
    *,
    low: float | None = None,
    high: float | None = None,
    kind: str = "",
    hint: str | None = None,
) -> Markup:
    """Return a lying bar from 0, its interval as whiskers; ``room`` is from where to where."""
    least, most = room

    def place(each: float) -> str:
        return f"{100 * (min(max(each, least), most) - least) / (most - least):.2f}%"

    whisker = None
    if low is not None and high is not None and low <= high:
        whisker = element("i", style=f"--low:{place(low)};--high:{place(high)}")
    ends = f"--from:{place(min(value, 0.0))};--to:{place(max(value, 0.0))}"
    return element("div", whisker, kind=f"track {kind}".strip(), style=ends, title=hint)


def _placed(given: Mapping[str, Any], instead: Node) -> Markup:
    data = json.dumps(given, ensure_ascii=False, allow_nan=False)
    return element("div", instead, data_figure=data)


def _known(each: Cell) -> bool:
    return isinstance(each, str) or (each is not None and math.isfinite(each))


def _cell(tag: str, each: Cell) -> Markup:
    if isinstance(each, str):
        return element(tag, each)
    return element(tag, "–" if each is None else f"{each:.4g}", kind="num")
