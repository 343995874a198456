"""Rows of translation memories (TMX) and of translation files (XLIFF).

A row of a memory (TMX 1.4b, §3) has a text for each language that its unit has, by the code that
the file gives the language. A row of a translation file (XLIFF 1.2; 2.0 and 2.1) is a segment, with
``source`` and ``target``. Markup within the text is taken out: what stands for codes of another
format with all that it holds, what merely marks words without them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from munmaek.errors import InputError
from munmaek.text.languages import same_language
from munmaek.text.memory import TableRow
from munmaek.text.xml_units import Unit, language_of, xml_units

__all__ = ["is_segmented", "is_translatable", "plain_text", "tmx_rows", "xliff_rows"]

MARKS = ("hi", "g", "mrk", "pc", "seg", "source", "target", "seg-source")
"""Elements whose content is text."""
_SPACES = re.compile(r"[ \t\r\n]+")
Within = Sequence[tuple[str, Mapping[str, str]]]


def plain_text(element: Element | None) -> str:
    """Return the words of a segment without markup; ends of lines are spaces."""
    if element is None:
        return ""
    return _SPACES.sub(" ", "".join(_text(element))).strip(" ")


def _text(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag in MARKS:
            yield from _text(child)
        elif child.get("ctype") in ("lb", "x-html-br") or child.get("subType") == "xlf:lb":
            yield " "
        yield child.tail or ""


# TMX


def tmx_rows(
    content: Iterator[bytes], name: str, *, encoding: str | None = None, language: str = ""
) -> Iterator[TableRow]:
    """Yield the texts of each unit of a memory by language, that of its sources first.

    Args:
        content: the bytes of the file, block by block.
        name: of the file, for messages.
        encoding: of the bytes, where they do not say it themselves.
        language: the only one that is wanted, as ``text``; units without it are passed over.

    Raises:
        InputError: it is no XML that can be read, or has no unit.
    """
    of_sources, number = "", 0
    for number, unit in enumerate(
        xml_units(content, frozenset(("header", "tu")), name=name, encoding=encoding)
    ):
        if unit.element.tag == "header":
            of_sources = unit.element.get("srclang", "")
            continue
        row = TableRow(_variants(unit.element, unit.element.get("srclang", of_sources)))
        row.number = number
        if not language:
            yield row
            continue
        text = next((row[each] for each in row if same_language(each, language)), "")
        if text:
            found = TableRow(text=text)
            found.number = number
            yield found
    if not number:
        message = f"{name}: no unit (tu) of a translation memory in it"
        raise InputError(message)


def _variants(unit: Element, of_sources: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for variant in unit.iter("tuv"):
        found.setdefault(language_of(variant.attrib), plain_text(variant.find("seg")))
    listed = [(language, text) for language, text in found.items() if language]
    return sorted(listed, key=lambda each: not same_language(each[0], of_sources))


# XLIFF


def xliff_rows(
    content: Iterator[bytes], name: str, *, encoding: str | None = None
) -> Iterator[TableRow]:
    """Yield source and target of each segment that is to be translated, with its languages.

    Raises:
        InputError: it is no XML that can be read, or has no unit.
    """
    number = 0
    wanted = frozenset(("trans-unit", "unit"))
    for unit in xml_units(content, wanted, name=name, encoding=encoding):
        number += 1
        if not is_translatable([*unit.within, (unit.element.tag, unit.element.attrib)]):
            continue
        languages = _languages(unit)
        for id_, source, target in _segments(unit.element):
            row = TableRow(id=id_, source=plain_text(source), target=plain_text(target))
            row |= languages
            row.number = number
            yield row
    if not number:
        message = f"{name}: no unit to translate (trans-unit, unit) in it"
        raise InputError(message)


def is_translatable(within: Within) -> bool:
    """Return whether a unit is to be translated, as itself or the nearest element around says."""
    said = [attributes["translate"] for _, attributes in within if "translate" in attributes]
    return not said or said[-1] != "no"


def _languages(unit: Unit) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, attributes in unit.within:
        for role, names in _LANGUAGES.items():
            given = next((attributes[name] for name in names if name in attributes), None)
            if given is not None:
                found[f"{role}-language"] = given
    return found


_LANGUAGES = {"source": ("source-language", "srcLang"), "target": ("target-language", "trgLang")}


def _segments(unit: Element) -> Iterator[tuple[str, Element | None, Element | None]]:
    """Yield the segments of a unit: its id, source and target; the latter may be missing."""
    id_ = unit.get("id", "")
    if unit.tag == "unit":
        for each in unit.iter("segment"):
            yield each.get("id", id_), each.find("source"), each.find("target")
        return
    source = unit.find("seg-source")
    target = unit.find("target")
    if source is None or not is_segmented(source):
        yield id_, unit.find("source"), target
        return
    done = {} if target is None else {each.get("mid"): each for each in _parts(target)}
    for part in _parts(source):
        yield f"{id_}/{part.get('mid', '')}", part, done.get(part.get("mid"))


def is_segmented(element: Element) -> bool:
    """Return whether a text of XLIFF 1.2 is marked as several segments."""
    return any(True for _ in _parts(element))


def _parts(element: Element) -> Iterator[Element]:
    return (each for each in element.iter("mrk") if each.get("mtype") == "seg")
