"""Units of a translation file: the texts to be translated, and the unit with its targets filled.

In XLIFF 1.2 a segment is a ``trans-unit``, or each ``mrk`` of its ``seg-source`` that is marked as
one; from XLIFF 2.0 on it is each ``segment`` of a ``unit``. A target that has text is kept, unless
its state says that it is none yet, or it is to be written over and no person has finished it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import final

from munmaek.exchange.xliff.document import Node, Unit
from munmaek.exchange.xliff.segments import Segment, segment_of

__all__ = ["Plan", "plan_of"]

FINISHED = ("final", "signed-off")
"""States of targets that a person has finished."""
UNTRANSLATED = ("new", "needs-translation", "initial")
"""States of targets that are none yet."""
STATES = {"state": "needs-review-translation", "state-qualifier": "leveraged-mt"}
"""Attributes by which XLIFF 1.2 (§2.3) marks a target that a machine wrote."""
_PREFIX = re.compile(rb"<((?:[^\s:/>]+:)?)")


@final
@dataclass(frozen=True, slots=True)
class _Part:
    """A text of a unit, and its translation where that is kept."""

    source: Node
    kept: bytes | None = None


@final
@dataclass(frozen=True, slots=True)
class _Target:
    """A target that is to be written: of one text, or of the texts within one."""

    source: Node
    """The text that it translates, whose structure it has."""
    after: Node
    """The element behind which it goes, where there is none yet."""
    old: Node | None
    parts: Sequence[_Part]
    holder: Node | None = None
    """The element whose state it is; None is its own."""


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """The texts of a unit that are to be translated."""

    unit: Unit
    targets: Sequence[_Target] = ()
    kept: int = 0
    """Segments that are translated already."""
    segments: Sequence[Segment] = field(init=False)
    """All whose translation is wanted, in their order."""

    def __post_init__(self) -> None:
        parts = [part for target in self.targets for part in target.parts if part.kept is None]
        found = [segment_of(part.source, self.unit.raw) for part in parts]
        object.__setattr__(self, "segments", found)

    def filled(self, contents: Sequence[str]) -> bytes:
        """Return the unit with its targets.

        Args:
            contents: the translation of each of ``segments``, with its markup, as XML.
        """
        given = iter(contents)
        edits: list[tuple[int, int, bytes]] = []
        for target in self.targets:
            edits += _edits(self.unit.raw, target, _content(self.unit.raw, target, given))
        out: list[bytes] = []
        at = 0
        for begin, end, new in sorted(edits):
            out += [self.unit.raw[at:begin], new]
            at = end
        return b"".join([*out, self.unit.raw[at:]])


def plan_of(unit: Unit, *, overwrite: bool = False) -> Plan:
    """Return what of a unit is to be translated; nothing of one that is not.

    Args:
        unit: a unit, or what stands between two.
        overwrite: translate anew what has a translation that no person has finished.
    """
    if unit.root is None or not unit.translated:
        return Plan(unit)
    found = [
        *(_of_old if unit.root.name == "trans-unit" else _of_new)(unit.root, unit.raw, overwrite)
    ]
    wanted = [each for each in found if any(part.kept is None for part in each.parts)]
    kept = sum(part.kept is not None for each in found for part in each.parts)
    return Plan(unit, wanted, kept)


def _of_old(root: Node, raw: bytes, overwrite: bool) -> Iterator[_Target]:
    source, old = root.find("source"), root.find("target")
    if source is None:
        return
    parted = root.find("seg-source")
    after = source if parted is None else parted
    parts = [] if parted is None else list(_marked(parted))
    state = "final" if root.attributes.get("approved") == "yes" else _state(old)
    if not parts:
        yield _Target(source, after, old, [_Part(source, _kept(old, raw, state, overwrite))])
        return
    assert parted is not None
    done = {} if old is None else {each.attributes.get("mid"): each for each in _marked(old)}
    if old is not None and not done:
        whole = _kept(old, raw, state, overwrite)
        yield _Target(parted, after, old, [_Part(each, whole) for each in parts])
        return
    own = [_kept(done.get(each.attributes.get("mid")), raw, state, overwrite) for each in parts]
    pairs = zip(parts, own, strict=True)
    yield _Target(parted, after, old, [_Part(each, kept) for each, kept in pairs])


def _of_new(root: Node, raw: bytes, overwrite: bool) -> Iterator[_Target]:
    for segment in root.elements:
        source, old = segment.find("source"), segment.find("target")
        if segment.name == "segment" and source is not None:
            kept = _kept(old, raw, _state(segment), overwrite)
            yield _Target(source, source, old, [_Part(source, kept)], segment)


def _state(node: Node | None) -> str:
    return "" if node is None else node.attributes.get("state", "")


def _kept(old: Node | None, raw: bytes, state: str, overwrite: bool) -> bytes | None:
    """Return the content of a target that stays; None where it is to be written."""
    if old is None or not _has_text(old) or state in UNTRANSLATED:
        return None
    if overwrite and state not in FINISHED:
        return None
    return raw[old.inner : old.close]


def _has_text(node: Node) -> bool:
    return any(
        bool(each.strip()) if isinstance(each, str) else _has_text(each) for each in node.children
    )


def _marked(node: Node) -> Iterator[Node]:
    """Yield the parts of a text that are marked as segments, in their order."""
    for each in node.elements:
        if each.name == "mrk" and each.attributes.get("mtype") == "seg":
            yield each
        else:
            yield from _marked(each)


# Writing


def _content(raw: bytes, target: _Target, given: Iterator[str]) -> bytes:
    """Return the structure of the source with the translations of its parts."""
    structure = target.source
    if len(target.parts) == 1 and target.parts[0].source is structure:
        return next(given).encode()
    out: list[bytes] = []
    at = structure.inner
    for part in target.parts:
        new = next(given).encode() if part.kept is None else part.kept
        out += [raw[at : part.source.inner], new]
        at = part.source.close
    return b"".join([*out, raw[at : structure.close]])


def _edits(raw: bytes, target: _Target, content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the bytes of a unit to replace, and what by."""
    found = _PREFIX.match(raw, target.after.start)
    prefix = b"" if found is None else found[1]
    opening = b"<" + prefix + b"target>"
    if target.old is not None:
        opening = raw[target.old.start : target.old.inner].replace(b"/>", b">")
    if target.holder is None:
        opening = _with_attributes(opening, STATES)
    else:
        holder = raw[target.holder.start : target.holder.inner]
        states = {"state": "translated"}
        yield target.holder.start, target.holder.inner, _with_attributes(holder, states)
    whole = opening + content + b"</" + opening[1:].split(b">")[0].split()[0] + b">"
    if target.old is not None:
        yield target.old.start, target.old.end, whole
    else:
        yield target.after.end, target.after.end, _indentation(raw, target.after) + whole


def _indentation(raw: bytes, node: Node) -> bytes:
    """Return the space before an element where it begins a line."""
    before = raw[: node.start]
    space = before[len(before.rstrip(b" \t\r\n")) :]
    return space if b"\n" in space else b""


def _with_attributes(opening: bytes, attributes: dict[str, str]) -> bytes:
    for name, value in attributes.items():
        written = f' {name}="{value}"'.encode()
        known = re.compile(rb"\s" + name.encode() + rb"""\s*=\s*("[^"]*"|'[^']*')""")
        if known.search(opening):
            opening = known.sub(written, opening, count=1)
        else:
            end = len(opening) - (2 if opening.endswith(b"/>") else 1)
            opening = opening[:end].rstrip() + written + opening[end:]
    return opening
