"""Records in a notebook: the same page, or one part of it, in a frame of its own.

    munmaek.show(record)                # the whole page
    munmaek.show(record, "steps")       # one part of it

The frame is sandboxed: its script runs in an origin of its own, reaches neither the notebook nor
any network, and may save and print what the reader exports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from munmaek.errors import InputError
from munmaek.look.page import page
from munmaek.look.records import Record

__all__ = ["PARTS", "Shown", "show"]

HEIGHT = 720
"""Pixels; the page scrolls within its frame."""
PARTS: Final = (
    "ngram", "surprisal", "tags", "mask", "pooling", "beam", "alignment", "hypotheses",
    "source-influence", "steps", "stepper", "heads", "likeness", "pairs", "similarity", "influence",
    "gates",
)  # fmt: skip
"""Parts of a page that can be shown alone, in their order."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Records as a notebook shows them; elsewhere ``html`` is what to put into a page."""

    records: tuple[Record, ...]
    title: str
    height: int = HEIGHT
    part: str | None = None

    @property
    def html(self) -> str:
        """Return a frame that holds the whole page, or the part."""
        alone = None if self.part is None else {"only": self.part}
        content = escape(page(self.records, title=self.title, beside=alone), quote=True)
        return (
            f'<iframe srcdoc="{content}" sandbox="allow-scripts allow-downloads allow-modals" '
            f'title="{escape(self.title, quote=True)}" width="100%" height="{self.height}" '
            'style="border:0"></iframe>'
        )

    def _repr_html_(self) -> str:
        return self.html


def show(
    records: Record | Sequence[Record],
    part: str | None = None,
    *,
    title: str | None = None,
    height: int = HEIGHT,
) -> Shown:
    """Show a record, or several of one sentence side by side, as a notebook's last line.

    Args:
        records: what ``munmaek.look.capture`` gave.
        part: one of ``PARTS``, to show its figures alone; None shows all.
        title: the page's name; by default the models' names.
        height: of the frame, in pixels.

    Raises:
        InputError: no part of that name.
    """
    if part is not None and part not in PARTS:
        message = f"no part '{part}' of a record; there are {', '.join(PARTS)}"
        raise InputError(message)
    chosen = (records,) if isinstance(records, Record) else tuple(records)
    named = title or " · ".join(dict.fromkeys(record.model for record in chosen))
    return Shown(chosen, named, height, part)
