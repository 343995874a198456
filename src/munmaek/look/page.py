"""Records as one HTML page that needs nothing beside itself.

Style, script and numbers all stand in the page. A policy in its head forbids it to load or send
anything; a page that a local server hands out may ask that server, and nobody else.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from munmaek.look.records import Record

__all__ = ["page"]


def page(records: Sequence[Record], *, title: str, boot: Mapping[str, Any] | None = None) -> str:
    """The page of ``records``, in their order.

    Args:
        records: what to show; may be empty where a server listens.
        title: the page's name, such as the model's folder.
        boot: what a server tells the page, such as ``{"live": True, "api": "/api"}``; None for a
            page that stands alone.
    """
    style, script = _asset("viewer.css"), _asset("viewer.js")
    written = "[" + ",\n".join(record.to_json() for record in records) + "]"
    about = json.dumps({"title": title, **(boot or {})}, ensure_ascii=False)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script, live=bool(boot))}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)} · munmaek</title>\n<style id="style">{style}</style></head>\n'
        '<body><div id="app"></div>\n'
        f'<script type="application/json" id="boot">{_inert(about)}</script>\n'
        f'<script type="application/json" id="records">{_inert(written)}</script>\n'
        f'<script id="viewer">{script}</script></body></html>\n'
    )


def _policy(script: str, *, live: bool) -> str:
    """Only this script runs; figures become images of their own; the server may be asked."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        + ("connect-src 'self'; " if live else "")
        + f"script-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'"
    )


def _inert(text: str) -> str:
    """JSON that cannot end its element whatever its strings hold."""
    return text.replace("<", "\\u003c")


@cache
def _asset(name: str) -> str:
    return (files("munmaek") / "web" / "static" / name).read_text(encoding="utf-8")
