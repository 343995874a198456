"""Attention weights as cells of the one scale, with gold links outlined."""

import math
from collections.abc import Collection, Sequence

from munmaek.comparison.charts import svg, text_at, text_width
from munmaek.comparison.markup import Markup, element
from munmaek.comparison.style import STEPS, step_of

__all__ = ["matrix", "ramp"]

Links = Collection[tuple[int, int]]

_SLANT = 46
"""Degrees that source words lean by, so that long ones stay readable and close together."""


def matrix(
    source: Sequence[str],
    target: Sequence[str],
    weights: Sequence[Sequence[float]],
    gold: Links,
    *,
    label: str,
    room: float = 460,
) -> Markup:
    """Weights [T, S] as cells, gold links (source, target) outlined.

    Rows are target words from the top, columns source words; ``room`` bounds the cells' width.
    """
    cell = max(12.0, min(28.0, room / max(len(source), 1)))
    size = 12.5 if cell >= 18 else 10.5
    lean = math.cos(math.radians(_SLANT))
    widths = [text_width(word, size=size) * lean for word in source]
    side = max((text_width(word, size=size) for word in target), default=0) + 10
    head = max(widths, default=0) + 18
    right = max(((n + 0.9) * cell + width for n, width in enumerate(widths)), default=0)
    style = f"font-size:{size}px"
    words = [
        _column(side + (n + 0.55) * cell, head - 6, word, style) for n, word in enumerate(source)
    ]
    names = [
        _row_name(side - 7, head + (n + 0.5) * cell + size * 0.36, word, style)
        for n, word in enumerate(target)
    ]
    cells = [
        _cell(side + s * cell, head + t * cell, cell, weight, f"{word} ← {source[s]}")
        for t, (word, row) in enumerate(zip(target, weights, strict=False))
        for s, weight in enumerate(row[: len(source)])
    ]
    outlines = [
        _outline(side + s * cell + 1.4, head + t * cell + 1.4, cell - 2.8)
        for s, t in sorted(gold)
        if 0 <= s < len(source) and 0 <= t < len(target)
    ]
    width = side + max(right, len(source) * cell) + 4
    return svg(width, head + len(target) * cell + 4, label, words, names, cells, outlines)


def _row_name(x: float, y: float, word: str, style: str) -> Markup:
    return element("text", {"x": x, "y": y, "text-anchor": "end", "style": style}, word)


def _outline(x: float, y: float, size: float) -> Markup:
    place = {"x": x, "y": y, "width": size, "height": size}
    return element("rect", {**place, "class": "gold", "pointer-events": "none"})


def _column(x: float, y: float, word: str, style: str) -> Markup:
    turn = f"translate({x:.1f} {y:.1f}) rotate(-{_SLANT})"
    return element("text", {"transform": turn, "style": style}, word)


def _cell(x: float, y: float, size: float, weight: float, hint: str) -> Markup:
    place = {"x": x + 0.5, "y": y + 0.5, "width": size - 1, "height": size - 1}
    if not math.isfinite(weight):
        return element("rect", {**place, "class": "bar hollow"}, element("title", None, hint))
    title = element("title", None, f"{hint}  {weight:.2f}")
    return element("rect", {**place, "class": f"w{step_of(weight)}"}, title)


def ramp(label: str, gold: str) -> Markup:
    """The weight scale from 0 to 1, and what an outline means."""
    left = text_width(label, size=11) + 20
    steps = [
        element("rect", {"x": left + 5 * n, "y": 2, "width": 5, "height": 12, "class": f"w{n}"})
        for n in range(STEPS)
    ]
    end = left + 5 * STEPS
    outline = _outline(end + 36, 2, 12)
    width = end + 56 + text_width(gold, size=11)
    return svg(
        width,
        18,
        label,
        text_at(0, 12, label, "tick"),
        text_at(left - 5, 12, "0", "tick", anchor="end"),
        steps,
        text_at(end + 5, 12, "1", "tick"),
        outline,
        text_at(end + 54, 12, gold, "tick"),
    )
