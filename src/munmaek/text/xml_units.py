"""XML that anyone may have written, read one unit after another in bounded memory.

Entities of a document's own and everything outside it are refused, so that no file grows while it
is read and none reaches another one. A document type that is merely named is passed over unread.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, final
from xml.etree.ElementTree import Element
from xml.parsers import expat

from munmaek.errors import InputError
from munmaek.text.files import LONGEST

__all__ = ["DEEPEST", "XML", "Unit", "language_of", "local_name", "safe_parser", "xml_units"]

XML = "http://www.w3.org/XML/1998/namespace}"
"""Before the names of the attributes that XML itself has, such as ``lang``."""
DEEPEST = 200
"""Elements within one another, at most."""


def local_name(name: str) -> str:
    """Return the name of an element without its namespace."""
    return name.rpartition("}")[2]


def language_of(attributes: Mapping[str, str]) -> str:
    """Return the language of an element, as ``xml:lang`` or its forerunner ``lang`` says it."""
    return attributes.get(f"{XML}lang", attributes.get("lang", "")).strip()


def safe_parser(name: str, encoding: str | None = None) -> Any:
    """Return a parser that refuses entities and everything outside the document.

    Args:
        name: of the file, for messages.
        encoding: of the bytes, where they do not say it themselves.
    """
    parser: Any = expat.ParserCreate(encoding, "}")
    parser.buffer_text = True
    parser.specified_attributes = True

    def refuse(*_: Any) -> NoReturn:
        line = parser.CurrentLineNumber
        message = (
            f"{name}, line {line}: XML with entities of its own, which may hide any size or any "
            "file and are not read; write them out"
        )
        raise InputError(message)

    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    return parser


@final
@dataclass(frozen=True, slots=True)
class Unit:
    """An element that was asked for, with the attributes of those that it stands in."""

    element: Element
    within: tuple[tuple[str, Mapping[str, str]], ...]
    """Name and attributes of each, outermost first."""


@final
class _Builder:
    """Builds the elements that are asked for, and forgets all others."""

    def __init__(self, name: str, wanted: frozenset[str]) -> None:
        self.name, self.wanted = name, wanted
        self.done: list[Unit] = []
        self.within: list[tuple[str, Mapping[str, str]]] = []
        self.open: list[Element] = []
        self.size = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = local_name(name)
        if len(self.within) + len(self.open) > DEEPEST:
            message = f"{self.name}: XML nested more than {DEEPEST} deep"
            raise InputError(message)
        if self.open:
            element = Element(name, attributes)
            self.open[-1].append(element)
            self.open.append(element)
        elif name in self.wanted:
            self.open.append(Element(name, attributes))
            self.size = 0
        else:
            self.within.append((name, attributes))

    def text(self, text: str) -> None:
        if not self.open:
            return
        self.size += len(text)
        if self.size > LONGEST:
            message = f"{self.name}: a unit of over {LONGEST:,} characters; is this text?"
            raise InputError(message)
        element = self.open[-1]
        if len(element):
            element[-1].tail = (element[-1].tail or "") + text
        else:
            element.text = (element.text or "") + text

    def end(self, _: str) -> None:
        if not self.open:
            self.within.pop()
        elif len(self.open) == 1:
            self.done.append(Unit(self.open.pop(), tuple(self.within)))
        else:
            self.open.pop()


def xml_units(
    content: Iterator[bytes], wanted: frozenset[str], *, name: str, encoding: str | None = None
) -> Iterator[Unit]:
    """Yield the elements of those names, none of which stands within another.

    Args:
        content: the bytes of the document, block by block.
        wanted: names without namespace.
        name: of the file, for messages.
        encoding: of the bytes, where they do not say it themselves.

    Raises:
        InputError: it is no well-formed XML, or what ``safe_parser`` refuses.
    """
    builder, parser = _Builder(name, wanted), safe_parser(name, encoding)
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    for block in _ended(content):
        try:
            parser.Parse(block, not block)
        except (expat.ExpatError, ValueError, LookupError) as error:
            if isinstance(error, InputError):
                raise
            _refuse(name, error)
        yield from builder.done
        builder.done = []


def _ended(content: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks that are small enough to be parsed at once, and an empty one at the end."""
    for block in content:
        for begin in range(0, len(block), 1 << 16):
            yield block[begin : begin + (1 << 16)]
    yield b""


def _refuse(name: str, error: Exception) -> NoReturn:
    line = getattr(error, "lineno", None)
    place = name if line is None else f"{name}, line {line}"
    reason = str(error).split(":", maxsplit=1)[0]
    message = f"{place}: not well-formed XML ({reason}); get or write the file again"
    raise InputError(message) from None
