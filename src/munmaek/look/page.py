"""Records as one HTML page that needs nothing beside itself.

Everything the page uses is in it: style, a short script and the numbers. A policy in its head
forbids it to load or send anything.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from munmaek.look.records import Record
from munmaek.look.sections import sections

__all__ = ["page"]


def page(records: Sequence[Record], *, title: str, form: str = "", error: str = "") -> str:
    """The page of ``records``, in their order.

    Args:
        records: what to show; may be empty where there is a form.
        title: the page's name, such as the model's folder.
        form: HTML put under the title, for a page that is served.
        error: one line about what went wrong with what the form sent.
    """
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "form-action 'self'; base-uri 'none'"
    )
    said = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    body = "".join(_article(record) for record in records)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · munmaek</title>\n<style>{_asset('page.css')}</style></head>\n"
        f"<body><header><h1>{escape(title)}</h1><p>{_about(records)}</p></header>{form}{said}"
        f"<main>{body}</main><footer>munmaek (문맥, “context”)</footer>\n"
        f"<script>{script}</script></body></html>\n"
    )


def _about(records: Sequence[Record]) -> str:
    if not records:
        return "Give a sentence to see what the model does with it."
    first = records[0]
    return f"{escape(first.label)} · task {first.inside.task} · stage {first.inside.stage}"


def _article(record: Record) -> str:
    parts = "".join(f"<h3>{escape(title)}</h3>{html}" for title, html in sections(record))
    return f"<section><h2>{escape(record.text)}</h2>{parts}</section>"


@cache
def _asset(name: str) -> str:
    return (files("munmaek.look") / name).read_text(encoding="utf-8")
