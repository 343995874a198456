"""The figures of the page, each a piece of HTML: matrices, strips of tokens, bars.

A matrix is drawn as one path for each of twenty-one levels of weight, so that a page with many
heads stays small, needs no script to be seen, and takes its colours from the reader's light or dark
theme. The script only reads out the value under the pointer.

Letters: R rows, C columns.
"""

import base64
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Labels",
    "bands",
    "bars",
    "ceiling",
    "heads",
    "matrix",
    "numbers_table",
    "shorten",
    "strip",
    "text_width",
]

LEVELS = 20
"""Steps of weight that the eye is shown; the numbers behind them are exact."""

FONT = 13.0

Floats = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Labels:
    """What the rows and columns of a matrix are."""

    rows: Sequence[str]
    columns: Sequence[str]
    arrow: str = "→"
    """Read between a row's and a column's name, as in ``school → 학교에서``."""


def text_width(text: str, size: float = FONT) -> float:
    """Roughly how wide ``text`` is drawn, in pixels: full-width letters an em, others 0.58."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (wide + 0.58 * (len(text) - wide))


def shorten(text: str, limit: int = 18) -> str:
    """``text``, or its beginning and an ellipsis when longer than ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def ceiling(values: Floats) -> float:
    """The upper end of the colour scale: the next of 0.1, 0.2, 0.5, 1 above every value."""
    largest = float(values.max(initial=0.0))
    return next((top for top in (0.1, 0.2, 0.5) if largest <= top), 1.0)


def matrix(values: Floats, labels: Labels, *, caption: str, cell: int = 26) -> str:
    """One matrix with its words on both axes, a scale, and its numbers as a table.

    Args:
        values: weights within 0 and 1, shape [R, C].
        labels: R row names and C column names.
        caption: the sentence under the figure, as HTML.
        cell: side of a cell in pixels.
    """
    top = ceiling(values)
    grid = _Grid(cell, cell, labels.rows, labels.columns)
    svg = _svg(values, top=top, grid=grid, name="")
    table = numbers_table(values, labels)
    return _figure(f'<div class="scroll">{svg}</div>', labels, top, caption, table)


def heads(
    layers: Sequence[tuple[str, Floats]], labels: Labels, *, caption: str, room: int = 640
) -> str:
    """Small multiples: a row for each layer, a column for each head, one scale for all.

    Args:
        layers: names and weights, each of shape [H, R, C].
        labels: R row names and C column names, common to all.
        caption: the sentence under the figure, as HTML.
        room: pixels that all heads together may take in width.
    """
    top = max(ceiling(weights) for _, weights in layers)
    count = max(len(weights) for _, weights in layers)
    cell = max(2, min(14, room // count // max(len(labels.columns), 1)))
    parts = ['<span class="name"></span>']
    parts += [f'<span class="name top">head {head + 1}</span>' for head in range(count)]
    for name, weights in layers:
        parts.append(f'<span class="name">{escape(name)}</span>')
        for head in range(count):
            if head < len(weights):
                title = f"{name}, head {head + 1}"
                parts.append(_svg(weights[head], top=top, grid=_Grid(cell, cell), name=title))
            else:
                parts.append("<span></span>")
    grid = f'<div class="heads" style="--columns:{count}">{"".join(parts)}</div>'
    return _figure(f'<div class="scroll">{grid}</div>', labels, top, caption, "")


def bands(
    parts: Sequence[tuple[str, Floats]], labels: Labels, *, caption: str, room: int = 760
) -> str:
    """Wide matrices one under the other: a row for each token, a thin column for each unit.

    Args:
        parts: names and values within 0 and 1, each of shape [R, C].
        labels: R row names, written, and C column names, read out only; common to all.
        caption: the sentence under the figure, as HTML.
        room: pixels that the columns may take together.
    """
    grid = _Grid(max(1.0, min(8.0, room // max(len(labels.columns), 1))), 16, labels.rows)
    drawn = "".join(
        f"<h4>{escape(name)}</h4>{_svg(values, top=1.0, grid=grid, name=name)}"
        for name, values in parts
    )
    return _figure(f'<div class="scroll bands">{drawn}</div>', labels, 1.0, caption, "")


def _figure(inner: str, labels: Labels, top: float, caption: str, after: str) -> str:
    rows = escape(json.dumps(list(labels.rows), ensure_ascii=False))
    columns = escape(json.dumps(list(labels.columns), ensure_ascii=False))
    return (
        f'<figure data-rows="{rows}" data-columns="{columns}" data-arrow="{escape(labels.arrow)}">'
        f'{inner}<div class="scale">0<i></i>{top:g}<output aria-live="polite"></output></div>'
        f"<figcaption>{caption}</figcaption></figure>{after}"
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a matrix is laid out, in pixels."""

    width: float
    """Of a cell."""
    height: float
    """Of a cell."""
    rows: Sequence[str] = ()
    """Written on the left; empty writes nothing."""
    columns: Sequence[str] = ()
    """Written above, slanted; empty writes nothing."""

    @property
    def left(self) -> float:
        """Room for the rows' words."""
        return max((text_width(shorten(row)) + 8 for row in self.rows), default=0.0)

    @property
    def above(self) -> float:
        """Room for the columns' words."""
        return max((reach + 14 for reach in self._slanted()), default=0.0)

    def right(self) -> float:
        """How far a slanted word reaches beyond the last column."""
        ends = [self.width * (at + 0.5) + reach for at, reach in enumerate(self._slanted())]
        return max(max(ends, default=0.0) - self.width * len(self.columns), 0.0)

    def _slanted(self) -> list[float]:
        return [text_width(shorten(column)) * 0.71 for column in self.columns]


def _svg(values: Floats, *, top: float, grid: _Grid, name: str) -> str:
    rows, columns = values.shape
    left, above = grid.left, grid.above
    width = left + columns * grid.width + grid.right() + 8
    height = above + rows * grid.height
    described = escape(name or "matrix of weights")
    return (
        f'<svg role="img" tabindex="0" aria-label="{described}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" data-name="{escape(name)}" '
        f'data-left="{left:.1f}" data-top="{above:.1f}" data-width="{grid.width:g}" '
        f'data-height="{grid.height:g}" data-values="{_packed(values)}">'
        f'<g transform="translate({left:.1f} {above:.1f}) scale({grid.width:g} {grid.height:g})">'
        f'<rect class="frame" width="{columns}" height="{rows}"/>{_paths(values, top)}</g>'
        f"{_axis_words(grid)}</svg>"
    )


def _paths(values: Floats, top: float) -> str:
    levels = np.rint(np.clip(values / top, 0.0, 1.0) * LEVELS).astype(np.int64)
    parts: list[str] = []
    for level in range(1, LEVELS + 1):
        cells = np.argwhere(levels == level)
        if len(cells):
            outline = "".join(f"M{column} {row}h1v1h-1z" for row, column in cells.tolist())
            parts.append(f'<path class="cell w{level}" d="{outline}"/>')
    return "".join(parts)


def _axis_words(grid: _Grid) -> str:
    parts: list[str] = []
    left, above = grid.left, grid.above
    for at, word in enumerate(grid.rows):
        y = above + grid.height * (at + 0.5) + FONT * 0.35
        parts.append(
            f'<text x="{left - 6:.1f}" y="{y:.1f}" text-anchor="end">{escape(shorten(word))}</text>'
        )
    for at, word in enumerate(grid.columns):
        x, y = left + grid.width * (at + 0.5), above - 6
        parts.append(
            f'<text transform="translate({x:.1f} {y:.1f}) rotate(-45)">'
            f"{escape(shorten(word))}</text>"
        )
    return "".join(parts)


def _packed(values: Floats) -> str:
    """Ten-thousandths in little-endian unsigned 16 bits, for the script to read."""
    clipped = np.clip(np.nan_to_num(values), 0.0, 6.5)
    return base64.b64encode(np.rint(clipped * 10_000).astype("<u2").tobytes()).decode("ascii")


def numbers_table(values: Floats, labels: Labels) -> str:
    """The matrix as a table behind a disclosure: for reading aloud, copying and printing."""
    head = "".join(f'<th class="number">{escape(word)}</th>' for word in labels.columns)
    body = "".join(
        f"<tr><th>{escape(word)}</th>"
        + "".join(f'<td class="number">{value:.3f}</td>' for value in row)
        + "</tr>"
        for word, row in zip(labels.rows, values.tolist(), strict=True)
    )
    return (
        '<details><summary>The numbers as a table</summary><div class="scroll"><table>'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def strip(words: Sequence[str], values: Sequence[float], *, unit: str, caption: str) -> str:
    """A bar over each word of a text, with its value written beside it.

    Args:
        words: the text's tokens.
        values: one for each word, not negative.
        unit: what the values are in, said in the caption's place on hover.
        caption: the sentence under the figure, as HTML.
    """
    tallest = max([*values, 1e-9])
    items = "".join(
        f'<li title="{escape(word)}: {value:.3f} {escape(unit)}"><small>{value:.2f}</small>'
        f'<i style="--h:{max(value, 0.0) / tallest:.3f}"></i><b>{escape(word)}</b></li>'
        for word, value in zip(words, values, strict=True)
    )
    return f'<figure><ol class="strip">{items}</ol><figcaption>{caption}</figcaption></figure>'


def bars(names: Sequence[str], values: Sequence[float], *, caption: str) -> str:
    """Horizontal bars of probabilities, each labelled directly."""
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td><i style="--h:{value:.4f}"></i></td>'
        f'<td class="number">{value:.4f}</td></tr>'
        for name, value in zip(names, values, strict=True)
    )
    return (
        f'<figure><table class="bars"><tbody>{rows}</tbody></table>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
