"""HTML as values: whatever is not markup already is escaped, with no way to forget it."""

from collections.abc import Iterable
from html import escape

from munmaek.comparison.formats import hint_text, interval_text, score_text, spread_text
from munmaek.metrics import Score
from munmaek.text.catalogue import Catalogue

__all__ = ["Markup", "Node", "cell", "element", "join", "scores", "scrolled", "table", "terms"]


class Markup(str):
    """Text that is safe to put into the page as it stands."""

    __slots__ = ()


Node = str | float | None | Iterable["Node"]
"""Content of an element: text, numbers, markup, nothing, or several of these."""


def join(nodes: Node) -> Markup:
    """Join nodes one after another; plain text is escaped, markup kept, None left out."""
    if nodes is None:
        return Markup("")
    if isinstance(nodes, Markup):
        return nodes
    if isinstance(nodes, str):
        return Markup(escape(nodes, quote=False))
    if isinstance(nodes, float | int):
        return Markup(f"{nodes:g}")
    return Markup("".join(join(node) for node in nodes))


def element(tag: str, *children: Node, **attributes: str | None) -> Markup:
    """Return ``<tag attributes>children</tag>``; ``kind`` is the class, None is left out."""
    written = "".join(
        f' {"class" if name == "kind" else name.replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def cell(*children: Node, kind: str | None = None, title: str | None = None) -> Markup:
    """Return a cell of a table."""
    return element("td", *children, kind=kind, title=title)


def scores(
    score: Score | None,
    catalogue: Catalogue,
    *,
    best: bool = False,
    absent: str = "–",
    spread: float | None = None,
) -> list[Node]:
    """Return the cells of a score: its value, which says how it was made, and its interval.

    A mean over seeds has their standard deviation in place of the interval.
    """
    if score is None:
        return [cell(absent, kind="num"), cell()]
    hint = hint_text(score, catalogue)
    value = cell(score_text(score), kind="num best" if best else "num", title=hint)
    beside = interval_text(score) if spread is None else spread_text(score, spread)
    return [value, cell(beside, kind="ci")]


def table(lines: Node, *, heads: Node = None, kind: str | None = None) -> Markup:
    """Return a table of rows below rows of headings."""
    top = element("thead", heads) if heads else None
    return element("table", top, element("tbody", lines), kind=kind)


def scrolled(*children: Node) -> Markup:
    """Return what scrolls where the page is narrower."""
    return element("div", *children, kind="scroll")


def terms(pairs: Iterable[tuple[str, Node]], *, kind: str | None = None) -> Markup:
    """Return a list of names with what stands for each."""
    return element("dl", [[element("dt", n), element("dd", what)] for n, what in pairs], kind=kind)
