"""Pages that need nothing beside themselves: style, script and data all stand in them.

Styles and scripts are built from ``frontend/`` into ``web/static``. A policy in the head forbids
the page to load or send anything; one that a local server hands out may ask that server alone.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
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
    first: str = "",
) -> str:
    """Return the page of ``static/NAME.css`` and ``NAME.js``.

    Args:
        name: ``viewer`` or ``report``.
        body: markup of the page before its script runs.
        title: plain text.
        root: attributes of the root element.
        data: JSON texts by the id under which the script finds them.
        live: whether a server listens whom the page may ask.
        first: ``static/FIRST.js`` runs before; such a page computes, and may run WebAssembly.
    """
    style, script = _asset(f"{name}.css"), _asset(f"{name}.js")
    before = _asset(f"{first}.js") if first else ""
    policy = _policy([script, before], live=live)
    scripts = "".join(
        f'<script type="application/json" id="{key}">{_inert(text)}</script>\n'
        for key, text in (data or {}).items()
    )
    return (
        f'<!doctype html>\n<html {root}><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title>\n<style id="style">{style}</style></head>\n'
        f"<body>{body}\n{scripts}"
        + (f"<script>{before}</script>\n" if before else "")
        + f'<script id="{name}">{script}</script></body></html>\n'
    )


def _policy(scripts: Sequence[str], *, live: bool) -> str:
    """Return the policy by which only these scripts run, and the server may be asked where live.

    Where there is more than one, a page computes: its script may run what it compiles.
    """
    given = [script for script in scripts if script]
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in given]
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        + ("connect-src 'self'; " if live else "")
        + "script-src "
        + " ".join(f"'sha256-{digest}'" for digest in digests)
        + (" 'wasm-unsafe-eval'" if len(given) > 1 else "")
        + "; form-action 'self'; base-uri 'none'"
    )


def _inert(text: str) -> str:
    """Return JSON that cannot end its element whatever its strings hold."""
    return text.replace("<", "\\u003c")


@cache
def _asset(name: str) -> str:
    return (files("munmaek") / "web" / "static" / name).read_text(encoding="utf-8")
