"""HTML and SVG as values: whatever is not markup already is escaped, with no way to forget it."""

from collections.abc import Iterable, Mapping
from html import escape

__all__ = ["Markup", "Node", "element", "join"]


class Markup(str):
    """Text that is safe to put into the page as it stands."""

    __slots__ = ()


Node = str | float | None | Iterable["Node"]
"""What may stand inside an element: text, numbers, markup, nothing, or several of these."""

_VOID = frozenset({"meta", "br", "link", "hr", "col"})


def join(nodes: Node) -> Markup:
    """Nodes one after another; plain text is escaped, markup kept, None left out."""
    if nodes is None:
        return Markup("")
    if isinstance(nodes, Markup):
        return nodes
    if isinstance(nodes, str):
        return Markup(escape(nodes, quote=False))
    if isinstance(nodes, float | int):
        return Markup(_number(nodes))
    return Markup("".join(join(node) for node in nodes))


def element(
    tag: str, attributes: Mapping[str, str | float | None] | None = None, *children: Node
) -> Markup:
    """``<tag attributes>children</tag>``; attributes that are None are left out."""
    written = "".join(
        f' {name}="{escape(value if isinstance(value, str) else _number(value))}"'
        for name, value in (attributes or {}).items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def _number(value: float) -> str:
    """At most two decimals: a hundredth of a pixel is below seeing and shortens the page."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
