"""A translation file as its units and the text between them, which comes through as it stands."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NoReturn, final
from xml.parsers import expat

from munmaek.errors import InputError
from munmaek.text.bitexts import is_translatable
from munmaek.text.files import LONGEST, display_name, unpacked
from munmaek.text.sources import UTF8, encoding_of
from munmaek.text.xml_units import DEEPEST, local_name, safe_parser

__all__ = ["Document", "Node", "Unit", "encoding_in", "open_document"]

UNITS = ("trans-unit", "unit")
_TAG = re.compile(rb"""<(?:"[^"]*"|'[^']*'|[^'">])*>""")
_DECLARED = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@final
@dataclass(slots=True)
class Node:
    """An element of a unit, and where its tags stand: bytes of the unit, in UTF-8."""

    name: str
    attributes: Mapping[str, str]
    start: int
    """The beginning of its opening tag."""
    close: int = 0
    """The beginning of its closing tag; the end of an element of one tag."""
    inner: int = 0
    """The end of its opening tag."""
    end: int = 0
    """The end of all of it."""
    children: "list[Node | str]" = field(default_factory=list["Node | str"])
    """Elements and text between them, unescaped."""

    @property
    def elements(self) -> "Iterator[Node]":
        """Yield the children that are elements."""
        return (each for each in self.children if isinstance(each, Node))

    def find(self, name: str) -> "Node | None":
        """Return the first child of that name."""
        return next((each for each in self.elements if each.name == name), None)

    def measure(self, raw: bytes, base: int) -> None:
        """Find where tags end, and count all from the beginning of the unit."""
        self.start -= base
        found = _TAG.match(raw, self.start)
        assert found is not None  # the parser has read it
        self.inner = found.end()
        alone = found[0].endswith(b"/>")
        self.close = self.inner if alone else self.close - base
        self.end = self.inner if alone else raw.index(b">", self.close) + 1
        for each in self.elements:
            each.measure(raw, base)


@final
@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the file, or what stands between two of them."""

    raw: bytes
    """The segment as it stands in the file, in UTF-8."""
    root: Node | None = None
    """The unit's element; None of what stands between."""
    translated: bool = False
    """It is to be translated, as it or the nearest element around it says."""
    version: str = ""
    """Version of XLIFF, as the file says it."""


def encoding_in(first: bytes, path: object) -> str:
    """Return the encoding of a file of XML: as it begins, declares or is said to be.

    Raises:
        InputError: it declares one that is not known.
    """
    if encoding_of(path) != UTF8:
        return encoding_of(path)
    for mark, name in _MARKS.items():
        if first.startswith(mark):
            return name
    found = _DECLARED.match(first)
    try:
        return codecs.lookup(found[1].decode()).name if found else UTF8
    except LookupError:
        message = f"{display_name(path)}: declares an encoding that is not known"
        raise InputError(message) from None


@final
@dataclass(frozen=True, slots=True)
class Document:
    """A file that is being read, once."""

    encoding: str
    marked: bool
    """It begins with a byte order mark."""
    units: Iterator[Unit]
    """All of it, in pieces that make it up whole."""


def open_document(path: object) -> Document:
    """Open a translation file.

    Raises:
        InputError: it cannot be read; while its units are gone through, it is no well-formed XML or
            no translation file.
    """
    content = unpacked(path)
    first = next(content, b"")
    encoding = encoding_in(first, path)
    units = _units(chain([first], content, [b""]), display_name(path), encoding)
    return Document(encoding, first.startswith(tuple(_MARKS)), units)


def _units(blocks: Iterator[bytes], name: str, encoding: str) -> Iterator[Unit]:
    scanner = _Scanner(name)
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in blocks:
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            message = f"{name}: is not {encoding} as it says ({error})"
            raise InputError(message) from None
        yield from scanner.fed(text, last=not block)


@final
class _Scanner:
    """Cuts the text of a file at its units, as the parser comes to them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parser: Any = safe_parser(name, UTF8)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.pending = b""
        self.base = 0
        self.done: list[tuple[Node, bool, str]] = []
        self.within: list[tuple[str, Mapping[str, str]]] = []
        self.open: list[Node] = []
        self.size = 0

    def fed(self, text: str, *, last: bool) -> Iterator[Unit]:
        """Yield what is complete after more text of the file."""
        if not self.base and not self.pending:
            text = text.removeprefix("\ufeff")
        block = text.encode()
        self.pending += block
        try:
            self.parser.Parse(block, last)
        except expat.ExpatError as error:
            self._refuse(f"not well-formed XML ({expat.ErrorString(error.code)})", error.lineno)
        yield from self._cut()
        if last:
            yield Unit(self.pending)

    def _refuse(self, reason: str, line: int | None = None) -> NoReturn:
        line = self.parser.CurrentLineNumber if line is None else line
        message = f"{self.name}, line {line}: {reason}"
        raise InputError(message)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        place, name = self.parser.CurrentByteIndex, local_name(name)
        if not self.within and name != "xliff":
            self._refuse(f"a translation file (XLIFF) is wanted, got <{name}>")
        if len(self.within) + len(self.open) > DEEPEST:
            self._refuse(f"XML nested more than {DEEPEST} deep")
        if self.open:
            node = Node(name, attributes, place)
            self.open[-1].children.append(node)
            self.open.append(node)
        elif name in UNITS:
            self.open.append(Node(name, attributes, place))
            self.size = 0
        else:
            self.within.append((name, attributes))

    def _text(self, text: str) -> None:
        if self.open:
            self.size += len(text)
            if self.size > LONGEST:
                self._refuse(f"a unit of over {LONGEST:,} characters; is this text?")
            self.open[-1].children.append(text)

    def _end(self, _: str) -> None:
        if not self.open:
            self.within.pop()
            return
        node = self.open.pop()
        node.close = self.parser.CurrentByteIndex
        if not self.open:
            within = [*self.within, (node.name, node.attributes)]
            version = self.within[0][1].get("version", "")
            self.done.append((node, is_translatable(within), version))

    def _cut(self) -> Iterator[Unit]:
        """Yield the units that have ended, and what stands before each."""
        for node, translated, version in self.done:
            start = node.start
            yield Unit(self._taken(start - self.base))
            node.measure(self.pending, start)
            yield Unit(self._taken(node.end), node, translated, version)
        self.done = []
        if not self.open:  # of what no unit stands in, nothing is waited for
            yield Unit(self._taken(self.parser.CurrentByteIndex - self.base))

    def _taken(self, size: int) -> bytes:
        taken, self.pending = self.pending[:size], self.pending[size:]
        self.base += len(taken)
        return taken
