"""Figures as inline SVG, drawn without a browser: bars, panels of lines, sparklines.

Sizes are in pixels. Colours are classes of the stylesheet, so light and dark need one drawing. A
``title`` inside a mark is what the browser shows on hover.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from unicodedata import east_asian_width

from munmaek.comparison.formats import number_text, power_text
from munmaek.comparison.markup import Markup, Node, element

__all__ = [
    "Series",
    "bar",
    "line_chart",
    "panel",
    "sparkline",
    "spread",
    "svg",
    "text_at",
    "text_width",
]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its points by rising x, and an interval of y at each where there is one."""

    label: str
    points: tuple[Point, ...]
    band: tuple[tuple[float, float], ...] = ()
    hints: tuple[str, ...] = ()
    """What hovering over each point shows."""


def text_width(text: str, *, size: float = 12) -> float:
    """About how wide ``text`` is in a system sans-serif, rather too wide than too narrow."""
    return sum(_ems(letter) for letter in text) * size


def _ems(letter: str) -> float:
    if east_asian_width(letter) in "WF":  # Hangul, Han, kana
        return 1.0
    if letter in "mwMW@%":
        return 0.98
    if letter in "ijltfr.,:;'|!()[] \u2009":
        return 0.4
    return 0.72 if letter.isupper() else 0.63


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Positions at least ``gap`` apart, each as near to the wanted one as that allows.

    Those that collide move apart together around their mean. All stay within ``low`` and ``high``
    where there is room for it.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    groups: list[list[float]] = []  # each [mean of wanted centres, members]
    for index in order:
        groups.append([min(max(wanted[index], low), high), 1.0])
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            mean, size = groups.pop()
            last_mean, last_size = groups[-1]
            both = size + last_size
            centre = (mean * size + last_mean * last_size) / both
            half = gap * (both - 1) / 2
            groups[-1] = [max(low + half, min(high - half, centre)), both]
    placed = [0.0] * len(wanted)
    position = 0
    for centre, size in groups:
        for member in range(int(size)):
            placed[order[position]] = centre + gap * (member - (size - 1) / 2)
            position += 1
    return placed


def _touch(first: Sequence[float], second: Sequence[float], gap: float) -> bool:
    return second[0] - first[0] < gap * (first[1] + second[1]) / 2 - 1e-9


def svg(width: float, height: float, label: str, *children: Node) -> Markup:
    """A drawing of that size, named ``label`` for those who cannot see it."""
    box = {"width": width, "height": height, "viewBox": f"0 0 {width:g} {height:g}"}
    return element("svg", {**box, "role": "img", "aria-label": label}, *children)


def text_at(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> Markup:
    """Text with its baseline at y, of the stylesheet's class ``kind``."""
    return element("text", {"x": x, "y": y, "class": kind or None, "text-anchor": anchor}, text)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind})


def _path(points: Sequence[Point], kind: str) -> Markup:
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return element("path", {"d": f"M{steps}", "class": kind})


def bar(
    value: float,
    *,
    most: float,
    low: float | None = None,
    high: float | None = None,
    kind: str = "bar",
    width: float = 420,
    hint: str = "",
) -> Markup:
    """A horizontal bar from 0, with its interval as whiskers; ``most`` fills the width."""
    height, middle = 18.0, 9.0
    shares = [max(0.0, each) / most * width for each in (value, low or 0.0, high or 0.0)]
    drawn = element(
        "rect", {"x": 0, "y": 3, "width": max(shares[0], 0.5), "height": 12, "class": kind}
    )
    whiskers: Node = None
    if low is not None and high is not None:
        _, left, right = shares
        whiskers = [
            _line(left, middle, right, middle, "whisker"),
            _line(left, middle - 3, left, middle + 3, "whisker"),
            _line(right, middle - 3, right, middle + 3, "whisker"),
        ]
    title = element("title", None, hint) if hint else None
    box = {"width": width, "height": height, "viewBox": f"0 0 {width:g} {height:g}"}
    # A narrow page squeezes the bar sideways only; its height stays.
    named = {**box, "preserveAspectRatio": "none", "role": "img", "aria-label": hint or None}
    return element("svg", named, title, drawn, whiskers)


def nice_ticks(low: float, high: float, *, count: int = 4) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``, about ``count`` steps."""
    span = high - low if high > low else abs(high) or 1.0
    raw = span / count
    unit = 10 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def panel(
    series: Series,
    ghosts: Sequence[Series],
    *,
    ticks_x: Sequence[tuple[float, str]],
    top: float,
    width: float = 320,
    height: float = 200,
) -> Markup:
    """One of several small multiples: its series in the accent, the others faint behind it.

    Args:
        series: the line that this panel is about.
        ghosts: the lines of the other panels.
        ticks_x: positions on x and what to write there.
        top: the greatest y that any panel needs; y starts at 0.
        width: of the whole panel.
        height: of the whole panel.
    """
    left, right, upper, lower = 30.0, width - 14, 40.0, height - 22
    xs = [x for x, _ in ticks_x]
    span = max(max(xs) - min(xs), 1e-9) if len(xs) > 1 else 1.0
    ticks = nice_ticks(0, top)

    def place(point: Point) -> Point:
        share = (point[0] - min(xs)) / span if len(xs) > 1 else 0.5
        return left + 10 + share * (right - left - 20), lower - point[1] / ticks[-1] * (
            lower - upper
        )

    grid = [
        [
            _line(left, place((0, tick))[1], right, place((0, tick))[1], "grid"),
            text_at(left - 6, place((0, tick))[1] + 4, f"{tick:g}", "tick", anchor="end"),
        ]
        for tick in ticks
    ]
    below = [
        text_at(place((x, 0))[0], height - 6, text, "tick", anchor="middle") for x, text in ticks_x
    ]
    behind = [_path([place(point) for point in ghost.points], "ghost") for ghost in ghosts]
    return svg(
        width,
        height,
        series.label,
        text_at(0, 14, series.label, "strong"),
        grid,
        below,
        behind,
        _series(series, place, hot=True),
        _ends(series, place),
    )


def _series(series: Series, place: Callable[[Point], Point], *, hot: bool) -> list[Markup]:
    out: list[Markup] = []
    if series.band and hot:
        xs = [x for x, _ in series.points]
        over = [place((x, high)) for x, (_, high) in zip(xs, series.band, strict=True)]
        under = [place((x, low)) for x, (low, _) in zip(xs, series.band, strict=True)]
        out.append(_path([*over, *reversed(under)], "band"))
    placed = [place(point) for point in series.points]
    out.append(_path(placed, "line hot" if hot else "line"))
    hints = series.hints or ("",) * len(placed)
    for (x, y), hint in zip(placed, hints, strict=True):
        title = element("title", None, hint) if hint else None
        kind = "dot hot" if hot else "dot"
        out.append(
            element("circle", {"cx": x, "cy": y, "r": 3.2 if hot else 2.4, "class": kind}, title)
        )
    return out


def _ends(series: Series, place: Callable[[Point], Point]) -> list[Markup]:
    """The first and the last value, written above the line and its band."""
    out: list[Markup] = []
    ends = {0: "start", len(series.points) - 1: "end"}
    for index, anchor in ends.items():
        x, y = series.points[index]
        at_x, at_y = place((x, series.band[index][1] if series.band else y))
        nudge = -4 if anchor == "start" else 4
        said = f"{y:.1f}" if abs(y) < 1000 else number_text(y)
        text = text_at(at_x + nudge, at_y - 8, said, "hot strong value", anchor=anchor)
        out.append(text)
    return out


def line_chart(
    series: Sequence[Series],
    *,
    hot: str,
    label_x: str,
    label_y: str,
    across: Callable[[float], float] = float,
    width: float = 500,
    height: float = 300,
) -> Markup:
    """Lines on a logarithmic y, each named at its end.

    Args:
        series: the lines; a y that is not positive has no place on the scale and is left out.
        hot: the label of the accented one.
        label_x: what x counts, written below.
        label_y: what y counts, written above.
        across: where an x lies, such as ``math.log2`` for lengths that double; rising.
        width: of the drawing.
        height: of the drawing.
    """
    drawn = [_positive(each) for each in series]
    drawn = [each for each in drawn if each.points]
    if not drawn:
        return svg(width, 20, label_y)
    xs = [x for each in drawn for x, _ in each.points]
    ys = [y for each in drawn for _, y in each.points]
    names = max(text_width(each.label) for each in drawn) + 16
    low, high = _decades(min(ys), max(ys))
    levels = _levels(low, high)
    left = 16 + max((text_width(text, size=11) for _, text in levels), default=0)
    right, upper, lower = width - names, 26.0, height - 44
    start, span = across(min(xs)), max(across(max(xs)) - across(min(xs)), 1e-9)

    def place(point: Point) -> Point:
        share = (math.log10(point[1]) - low) / (high - low)
        x = left + 8 + (across(point[0]) - start) / span * (right - left - 14)
        return x, lower - share * (lower - upper)

    marks = _marks(sorted(set(xs)), place, low)
    return svg(
        width,
        height,
        label_y,
        text_at(0, 12, label_y, "axis"),
        [_level(place((xs[0], y))[1], text, left, right) for y, text in levels],
        [
            text_at(place((x, 10**low))[0], lower + 18, f"{x:g}", "tick", anchor="middle")
            for x in marks
        ],
        text_at((left + right) / 2, height - 6, label_x, "axis", anchor="middle"),
        [_series(each, place, hot=each.label == hot) for each in drawn if each.label != hot],
        [_series(each, place, hot=True) for each in drawn if each.label == hot],
        _names(drawn, place, right, hot=hot, low=upper, high=lower),
    )


def _positive(series: Series) -> Series:
    kept = [n for n, (_, y) in enumerate(series.points) if y > 0 and math.isfinite(y)]
    hints = tuple(series.hints[n] for n in kept) if series.hints else ()
    return Series(series.label, tuple(series.points[n] for n in kept), hints=hints)


def _decades(least: float, most: float) -> tuple[float, float]:
    """Ends of the axis as powers of ten: whole decades, or a half where that wastes less."""
    low = math.floor(2 * math.log10(least)) / 2
    high = math.ceil(2 * math.log10(most)) / 2
    return low, high if high > low else low + 1


def _levels(low: float, high: float) -> list[tuple[float, str]]:
    """What y to mark between two powers of ten, and how to write it."""
    powers = range(math.ceil(low - 1), math.floor(high) + 1)
    skip = max(1, math.ceil(len(powers) / 7))
    # Within two decades, powers of ten alone would leave most of the axis unmarked.
    factors = (1, 2, 5) if high - low <= 2 else (1,)
    return [
        (factor * 10.0**power, _level_text(factor, power))
        for power, factor in product(powers[::-skip], factors)
        if low - 1e-9 <= power + math.log10(factor) <= high + 1e-9
    ]


def _level_text(factor: int, power: int) -> str:
    if -2 <= power <= 6:
        return f"{factor * 10.0**power:,.{max(0, -power)}f}".replace(",", "\u2009")
    return power_text(power) if factor == 1 else f"{factor}·{power_text(power)}"


def _level(y: float, text: str, left: float, right: float) -> Node:
    return [
        _line(left, y, right, y, "grid"),
        text_at(left - 8, y + 4, text, "tick", anchor="end"),
    ]


def _marks(xs: Sequence[float], place: Callable[[Point], Point], low: float) -> list[float]:
    """The x to write below: those of the data, less those that would touch another."""
    kept: list[float] = []
    room = math.inf
    for x in reversed(xs):
        at = place((x, 10**low))[0]
        half = text_width(f"{x:g}", size=11) / 2 + 3
        if at + half < room:
            kept.append(x)
            room = at - half
    return kept


def _names(
    series: Sequence[Series],
    place: Callable[[Point], Point],
    right: float,
    *,
    hot: str,
    low: float,
    high: float,
) -> list[Node]:
    ends = [place(each.points[-1]) for each in series]
    heights = spread([y for _, y in ends], gap=15, low=low, high=high)
    out: list[Node] = []
    for each, (x, y), at in zip(series, ends, heights, strict=True):
        if abs(at - y) > 2 or right - x > 8:
            out.append(_path([(x + 4, y), (right + 4, at)], "leader"))
        out.append(
            text_at(right + 8, at + 4, each.label, "hot strong" if each.label == hot else "")
        )
    return out


def sparkline(points: Sequence[Point], *, width: float = 90, height: float = 22) -> Markup | None:
    """A small line of its own scale, such as loss over steps; None with under two points."""
    kept = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(kept) < 2:
        return None
    xs, ys = [x for x, _ in kept], [y for _, y in kept]
    wide, tall = max(max(xs) - min(xs), 1e-9), max(max(ys) - min(ys), 1e-9)
    placed = [
        (2 + (x - min(xs)) / wide * (width - 6), 3 + (max(ys) - y) / tall * (height - 6))
        for x, y in kept
    ]
    hint = f"{ys[0]:.2f} → {ys[-1]:.2f}"
    end = element("circle", {"cx": placed[-1][0], "cy": placed[-1][1], "r": 2, "class": "dot"})
    return svg(width, height, hint, element("title", None, hint), _path(placed, "line"), end)
