"""The text of a segment of a translation file, without its markup, and the markup beside it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final
from xml.sax.saxutils import escape

from munmaek.align.projection import Mark
from munmaek.exchange.xliff.document import Node

__all__ = ["Segment", "escaped", "segment_of"]

PAIRS = ("g", "mrk", "pc")
"""Elements that enclose text to be translated."""
ENDS = {"bx": "ex", "bpt": "ept", "sc": "ec", "sm": "em"}
"""Elements that begin what another one ends, and that one."""
BREAKS = ("lb", "x-html-br", "xlf:lb")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPACE = " \t\r\n"


@final
@dataclass(frozen=True, slots=True)
class Segment:
    """A text to be translated, and what goes with its translation."""

    text: str
    """Without markup; space between words is one space."""
    marks: Sequence[Mark]
    """In their order, as they are written."""
    before: str = ""
    """Space before the text."""
    after: str = ""

    @property
    def has_words(self) -> bool:
        """Return whether there is anything to translate."""
        return any(map(str.isalpha, self.text))


def escaped(text: str) -> str:
    """Return text as XML has it, without the characters that it cannot have."""
    return escape(_CONTROL.sub("", text))


def segment_of(node: Node, raw: bytes) -> Segment:
    """Return the segment that an element holds.

    Args:
        node: a source, or the part of one that is marked as a segment.
        raw: the unit as it stands in the file, in UTF-8.
    """
    reader = _Reader(raw)
    marks = reader.marks(node.children)
    text = "".join(reader.text)
    places, plain = _collapsed(text)
    first, last = (node.children[:1] or [""])[0], (node.children[-1:] or [""])[0]
    before = _spaces(first) if isinstance(first, str) else ""
    after = _spaces(last[::-1])[::-1] if isinstance(last, str) else ""
    after = after if plain or marks else ""
    return Segment(plain, _settled(marks, text, places), before, after)


@final
class _Reader:
    """Collects the text of a segment as it is, and the marks in it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.text: list[str] = []
        self.size = 0

    def marks(self, children: Sequence[Node | str]) -> list[Mark]:
        """Return the marks of elements beside one another; their text is added to ``text``."""
        found: list[tuple[Mark, Node]] = []
        for child in children:
            if isinstance(child, str):
                self._add(unicodedata.normalize("NFC", child))
            elif child.name in PAIRS and child.inner < child.end and not _is_protected(child):
                found.append((self._pair(child), child))
            else:
                found.append((self._alone(child), child))
        return _joined(_paired(found))

    def _add(self, text: str) -> None:
        self.text.append(text)
        self.size += len(text)

    def _pair(self, node: Node) -> Mark:
        start = self.size
        inner = self.marks(node.children)
        opening, closing = self.raw[node.start : node.inner], self.raw[node.close : node.end]
        return Mark(opening.decode(), closing.decode(), start, self.size, inner)

    def _alone(self, node: Node) -> Mark:
        place = self.size
        if {node.attributes.get("ctype"), node.attributes.get("subType")} & {*BREAKS}:
            self._add(" ")  # or the words beside it would be one
        return Mark(self.raw[node.start : node.end].decode(), "", place, place)


def _is_protected(node: Node) -> bool:
    said = node.attributes.get("translate"), node.attributes.get("mtype")
    return said[0] == "no" or said[1] == "protected"


def _paired(found: Sequence[tuple[Mark, Node]]) -> list[Mark]:
    """Return marks, where two tags that stand alone and belong together are a pair of tags.

    Pairs that cross others stay two tags, for what crosses cannot be nested.
    """
    out: list[tuple[Mark, str]] = []
    for mark, node in found:
        if node.name in ENDS.values():
            wanted = f"{node.name} {_reference(node)}"
            begin = next((at for at, (_, key) in enumerate(out) if key == wanted), None)
            if begin is not None and not any(key for _, key in out[begin + 1 :]):
                first, inner = out[begin][0], [each for each, _ in out[begin + 1 :]]
                pair = Mark(first.opening, mark.opening, first.start, mark.start, inner)
                out[begin:] = [(pair, "")]
                continue
            if begin is not None:
                out[begin] = out[begin][0], ""
        end = ENDS.get(node.name)
        out.append((mark, f"{end} {_reference(node)}" if end else ""))
    return [mark for mark, _ in out]


def _reference(node: Node) -> str:
    names = ("startRef", "rid", "id")
    return next((node.attributes[name] for name in names if name in node.attributes), "")


def _joined(marks: Sequence[Mark]) -> list[Mark]:
    """Return marks, where tags that stand alone with nothing between are one."""
    out: list[Mark] = []
    for mark in marks:
        if out and mark.alone and out[-1].alone and out[-1].start == mark.start:
            out[-1] = replace(mark, opening=out[-1].opening + mark.opening)
        else:
            out.append(mark)
    return out


def _collapsed(text: str) -> tuple[list[int], str]:
    """Return where each character stands once all space is one space, and that text."""
    places: list[int] = []
    out: list[str] = []
    for character in text:
        places.append(len(out))
        if character not in _SPACE:
            out.append(character)
        elif out and out[-1] != " ":
            out.append(" ")
    size = len("".join(out).rstrip(" "))
    return [min(place, size) for place in (*places, len(out))], "".join(out).rstrip(" ")


def _settled(marks: Sequence[Mark], text: str, places: Sequence[int]) -> list[Mark]:
    """Return marks at the places that their characters have now."""
    return [
        replace(
            mark,
            start=places[mark.start],
            end=places[mark.end],
            inner=_settled(mark.inner, text, places),
            apart=_is_apart(mark, text),
        )
        for mark in marks
    ]


def _is_apart(mark: Mark, text: str) -> bool:
    around = text[: mark.start][-1:], text[mark.start : mark.start + 1]
    return mark.alone and all(each in _SPACE for each in around)


def _spaces(text: str) -> str:
    return text[: len(text) - len(text.lstrip(_SPACE))]
