"""Records as one HTML page that needs nothing beside itself."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek import pages
from munmaek.look.records import Record

__all__ = ["page"]


def page(
    records: Sequence[Record],
    *,
    title: str,
    boot: Mapping[str, Any] | None = None,
    beside: Mapping[str, Any] | None = None,
) -> str:
    """Return the page of ``records``, in their order.

    Args:
        records: what to show; may be empty where a server listens.
        title: the page's name, such as the model's folder.
        boot: what a server tells the page, such as ``{"live": True, "api": "/api"}``; None for a
            page that stands alone.
        beside: what a page that stands alone is told besides, such as ``{"only": "steps"}``, the
            part to show without anything else.
    """
    data = {
        "boot": json.dumps({"title": title, **(boot or {}), **(beside or {})}, ensure_ascii=False),
        "records": "[" + ",\n".join(record.to_json() for record in records) + "]",
    }
    return pages.page(
        "viewer", '<div id="app"></div>', title=f"{title} · munmaek", data=data, live=bool(boot)
    )
