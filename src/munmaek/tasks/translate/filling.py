"""Translation files filled by a translator: targets written, markup carried by the attention."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from munmaek.align.projection import diagonal, projected
from munmaek.exchange.xliff.document import Unit, open_document
from munmaek.exchange.xliff.segments import Segment, escaped
from munmaek.exchange.xliff.units import Plan, plan_of
from munmaek.progress import followed
from munmaek.tasks.translate.translation import Translation
from munmaek.text.memory import Source
from munmaek.text.spaces import ascii_spans
from munmaek.writing import new_file

__all__ = ["Filled", "carried", "fill_xliff"]

TOGETHER = 64
"""Segments that go through a translator together."""
Translate = Callable[[Sequence[str]], Sequence[Translation]]


@final
@dataclass(slots=True)
class Filled:
    """Counts of what became of the segments of a translation file."""

    translated: int = 0
    kept: int = 0
    """They had translations already."""
    left: int = 0
    """Units that are not to be translated."""
    by_place: int = 0
    """Segments whose markup was placed without an alignment."""


def fill_xliff(
    path: Source,
    output: Path,
    translate: Translate,
    *,
    overwrite: bool = False,
) -> Filled:
    """Write a translation file again with its targets filled; all else stays to the byte.

    Args:
        path: the file, XLIFF 1.2 or later, maybe compressed.
        output: where it goes; it is written aside and renamed, so that it may be the same file.
        translate: gives the translation of each text.
        overwrite: translate anew what has a translation that no person has finished.

    Raises:
        InputError: the file cannot be read, or is no translation file.
        DiskError: it cannot be written.
    """
    count = Filled()
    document = open_document(path)
    blocks = _blocks(document.units, count, overwrite=overwrite)
    with new_file(output) as aside, aside.open("wb") as file:
        encoder = codecs.getincrementalencoder(document.encoding)(errors="xmlcharrefreplace")
        file.write(encoder.encode("\ufeff" if document.marked else ""))
        for plans in followed(blocks, "segments", size=_size):
            contents = _translated(plans, translate, count)
            for plan in plans:
                own = [next(contents) for _ in plan.segments]
                file.write(encoder.encode(plan.filled(own).decode()))
    return count


def _size(plans: Sequence[Plan]) -> int:
    return sum(len(plan.segments) for plan in plans)


def _blocks(units: Iterator[Unit], count: Filled, *, overwrite: bool) -> Iterator[list[Plan]]:
    """Yield plans of units, so many that a translator has enough to do at once."""
    block: list[Plan] = []
    size = 0
    for unit in units:
        plan = plan_of(unit, overwrite=overwrite)
        count.kept += plan.kept
        count.left += unit.root is not None and not unit.translated
        block.append(plan)
        size += len(plan.segments)
        if size >= TOGETHER:
            yield block
            block, size = [], 0
    yield block


def _translated(plans: Sequence[Plan], translate: Translate, count: Filled) -> Iterator[str]:
    segments = list(chain.from_iterable(plan.segments for plan in plans))
    texts = [segment.text for segment in segments if segment.has_words]
    found = iter(translate(texts)) if texts else iter(())
    for segment in segments:
        if not segment.has_words:
            yield _content(segment, segment.text, np.eye(len(ascii_spans(segment.text))))
            continue
        count.translated += 1
        best = next(found)
        count.by_place += bool(segment.marks) and best.weights is None
        yield carried(segment, best)


def carried(segment: Segment, best: Translation) -> str:
    """Return a translation with the markup of its source, as XML."""
    shape = len(ascii_spans(best.translation)), len(ascii_spans(segment.text))
    weights: NDArray[np.floating] | None = best.weights
    if weights is None or weights.shape != shape:
        weights = diagonal(*shape)
    return _content(segment, best.translation, weights)


def _content(segment: Segment, text: str, weights: NDArray[np.floating]) -> str:
    marked = projected(segment.text, segment.marks, text, weights, escape=escaped)
    return f"{escaped(segment.before)}{marked}{escaped(segment.after)}"
