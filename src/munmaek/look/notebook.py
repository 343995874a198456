"""Records in a notebook: the same page, in a frame of its own.

The frame is sandboxed: its script runs in an origin of its own, reaches neither the notebook nor
any network, and may save and print what the reader exports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from munmaek.look.page import page
from munmaek.look.records import Record

__all__ = ["Shown", "show"]

HEIGHT = 720
"""Pixels; the page scrolls within its frame."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Records as a notebook shows them; elsewhere ``html`` is what to put into a page."""

    records: tuple[Record, ...]
    title: str
    height: int = HEIGHT

    @property
    def html(self) -> str:
        """Return a frame that holds the whole page."""
        content = escape(page(self.records, title=self.title), quote=True)
        return (
            f'<iframe srcdoc="{content}" sandbox="allow-scripts allow-downloads allow-modals" '
            f'title="{escape(self.title, quote=True)}" width="100%" height="{self.height}" '
            'style="border:0"></iframe>'
        )

    def _repr_html_(self) -> str:
        return self.html


def show(
    records: Record | Sequence[Record], *, title: str | None = None, height: int = HEIGHT
) -> Shown:
    """Show a record, or several of one sentence side by side, as a notebook's last line.

    Args:
        records: what ``munmaek.look.capture`` gave.
        title: the page's name; by default the models' names.
        height: of the frame, in pixels.
    """
    chosen = (records,) if isinstance(records, Record) else tuple(records)
    named = title or " · ".join(dict.fromkeys(record.model for record in chosen))
    return Shown(chosen, named, height)
