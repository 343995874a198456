"""Pages that need nothing beside themselves: style, script and data all stand in them.

Styles and scripts are built from ``frontend/`` into ``web/static``. A policy in the head forbids
the page to load or send anything; one that a local server hands out may ask that server alone.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files

__all__ = ["page"]


def page(
    name: str,
    body: str,
    *,
    title: str,
    root: str = 'lang="en"',
    data: Mapping[str, str] | None = None,
    live: bool = False,
) -> str:
    """Return the page of ``static/NAME.css`` and ``NAME.js``.

    Args:
        name: ``viewer`` or ``report``.
        body: markup of the page before its script runs.
        title: plain text.
        root: attributes of the root element.
        data: JSON texts by the id under which the script finds them.
        live: whether a server listens whom the page may ask.
    """
    style, script = _asset(f"{name}.css"), _asset(f"{name}.js")
    scripts = "".join(
        f'<script type="application/json" id="{key}">{_inert(text)}</script>\n'
        for key, text in (data or {}).items()
    )
    return (
        f'<!doctype html>\n<html {root}><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script, live=live)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title>\n<style id="style">{style}</style></head>\n'
        f'<body>{body}\n{scripts}<script id="{name}">{script}</script></body></html>\n'
    )


def _policy(script: str, *, live: bool) -> str:
    """Return the policy by which only this script runs, and the server may be asked where live."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        + ("connect-src 'self'; " if live else "")
        + f"script-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'"
    )


def _inert(text: str) -> str:
    """Return JSON that cannot end its element whatever its strings hold."""
    return text.replace("<", "\\u003c")


@cache
def _asset(name: str) -> str:
    return (files("munmaek") / "web" / "static" / name).read_text(encoding="utf-8")
