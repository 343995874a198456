"""What each stage's context is, drawn: dots are tokens, the ring is what gets predicted.

Filled dots are within reach, open ones are out of it; the accent marks the context vector.
"""

from collections.abc import Callable

from munmaek.comparison.markup import Markup, Node, element

__all__ = ["picture"]

_WIDTH, _HEIGHT = 134, 64
_STEP = 18.0
_LOW, _HIGH = 50.0, 12.0
_WEIGHTS = (0.25, 0.5, 0.95, 0.35, 0.2, 0.6)
"""Made-up attention weights; any uneven ones would do."""


def _x(position: int) -> float:
    return 10 + _STEP * position


def _dot(x: float, y: float, kind: str = "token") -> Markup:
    radius = {"goal": 5.0, "open": 4.0}.get(kind, 4.2)
    return element("circle", {"cx": x, "cy": y, "r": radius, "class": kind})


def _line(x1: float, y1: float, x2: float, y2: float, weight: float = 1.0) -> Markup:
    shown = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": "picture"}
    return element("line", {**shown, "stroke-opacity": weight} if weight < 1 else shown)


def _square(x: float, y: float) -> Markup:
    return element(
        "rect", {"x": x - 5, "y": y - 5, "width": 10, "height": 10, "rx": 1.5, "class": "vector"}
    )


def _ngram() -> Node:
    near = [_line(_x(4), _LOW - 7, _x(4), 30), _line(_x(5), _LOW - 7, _x(5), 30)]
    roof = [_line(_x(4), 30, _x(6), 30), _line(_x(6), 30, _x(6), _LOW - 7)]
    dots = [_dot(_x(n), _LOW, "token" if n >= 4 else "open") for n in range(6)]
    return [near, roof, dots, _dot(_x(6), _LOW, "goal")]


def _rnn() -> Node:
    ups = [_line(_x(n), _LOW - 6, _x(n), 29, 0.3 + 0.14 * n) for n in range(6)]
    chain = [_line(_x(n), 24, _x(n + 1), 24, 0.3 + 0.14 * n) for n in range(5)]
    states = [
        element(
            "rect",
            {
                "x": _x(n) - 4,
                "y": 20,
                "width": 8,
                "height": 8,
                "rx": 1.5,
                "class": "vector",
                "opacity": 0.2 + 0.16 * n,
            },
        )
        for n in range(6)
    ]
    to_goal = _line(_x(5) + 6, 27, _x(6) - 2, _LOW - 6)
    dots = [_dot(_x(n), _LOW) for n in range(6)]
    return [ups, chain, states, to_goal, dots, _dot(_x(6), _LOW, "goal")]


def _seq2seq() -> Node:
    encode = [_line(_x(n), _LOW, _x(n + 1), _LOW) for n in range(3)]
    into, out = _line(_x(3), _LOW, _x(3), 24), _line(_x(3), 19, _x(4) - 2, _HIGH + 2)
    decode = [_line(_x(n), _HIGH, _x(n + 1), _HIGH) for n in (4, 5)]
    dots = [_dot(_x(n), _LOW) for n in range(4)]
    made = [_dot(_x(n), _HIGH) for n in (4, 5)]
    return [encode, into, out, decode, dots, made, _square(_x(3), 24), _dot(_x(6), _HIGH, "goal")]


def _attention() -> Node:
    centre = _x(4)
    rays = [_line(_x(n), _LOW, centre, 26, weight) for n, weight in enumerate(_WEIGHTS)]
    dots = [_dot(_x(n), _LOW) for n in range(6)]
    made = [_dot(_x(n), _HIGH) for n in (2, 3)]
    between = [_line(_x(n), _HIGH, _x(n + 1), _HIGH) for n in (2, 3)]
    up = _line(centre, 21, centre, _HIGH + 5)
    return [rays, dots, between, made, up, _square(centre, 27), _dot(centre, _HIGH, "goal")]


def _mesh(below: float, above: float, *, size: int = 6) -> list[Markup]:
    return [
        _line(_x(low), below, _x(high), above, 0.12 + 0.5 * _WEIGHTS[(low + 2 * high) % 6])
        for low in range(size)
        for high in range(size)
    ]


def _self_attention() -> Node:
    dots = [_dot(_x(n), _LOW) for n in range(6)]
    tops = [_square(_x(n), _HIGH + 2) for n in range(6)]
    return [_mesh(_LOW, _HIGH + 2), dots, tops]


def _transformer() -> Node:
    middle = [_dot(_x(n), 31, "open") for n in range(6)]
    rows = [_dot(_x(n), _LOW + 4) for n in range(6)]
    tops = [_square(_x(n), 8) for n in range(6)]
    return [_mesh(_LOW + 4, 31), _mesh(31, 8), rows, middle, tops]


def _bert() -> Node:
    hidden = 3
    rays = [
        _line(_x(n), _LOW, _x(hidden), _HIGH + 2, 0.35 + 0.6 * weight)
        for n, weight in zip((0, 1, 2, 4, 5, 6), _WEIGHTS, strict=True)
    ]
    dots = [_dot(_x(n), _LOW) for n in range(7) if n != hidden]
    down = _line(_x(hidden), _HIGH, _x(hidden), _LOW)
    return [rays, down, dots, _square(_x(hidden), _HIGH + 2), _dot(_x(hidden), _LOW, "goal")]


_DRAWN: dict[str, Callable[[], Node]] = {
    "ngram": _ngram,
    "rnn": _rnn,
    "seq2seq": _seq2seq,
    "attention": _attention,
    "self_attention": _self_attention,
    "transformer": _transformer,
    "bert": _bert,
}


def picture(stage: str) -> Markup | None:
    """The drawing of a stage's context, or None for a stage of others."""
    drawn = _DRAWN.get(stage)
    if drawn is None:
        return None
    size = {"width": _WIDTH, "height": _HEIGHT, "viewBox": f"0 0 {_WIDTH} {_HEIGHT}"}
    return element("svg", {**size, "aria-hidden": "true"}, drawn())
