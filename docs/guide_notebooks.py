"""Make notebooks of the chapters: prose as Markdown, blocks as code, what they print left out."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$(?:\n*?\n```output\n.*?^```$)?", re.DOTALL | re.M)
COMMENT = re.compile(r"<!-- .*? -->\n?")


def write_notebooks(pages: Sequence[Path], folder: Path) -> None:
    """Write each page as ``LANGUAGE/NAME.ipynb`` below a folder."""
    for page in pages:
        language = page.relative_to(DOCS).parts[0]
        place = folder / language / f"{page.stem}.ipynb"
        place.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(notebook(page.read_text(encoding="utf-8"), language), ensure_ascii=False)
        place.write_text(text + "\n", encoding="utf-8")


def notebook(page: str, language: str) -> dict[str, Any]:
    """Return a page as a notebook of form 4.5, with captions in place of images."""
    files = f"!munmaek guide --files . --language {language}"
    sources = [("code", files), *_sources(page)]
    return {
        "cells": [_cell(kind, text, f"c{at:03d}") for at, (kind, text) in enumerate(sources)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _sources(page: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in BLOCK.finditer(page):
        yield from _prose(page[at : found.start()])
        body = found[2].rstrip()
        if found[1] == "sh":
            body = "\n".join(f"!{line}" for line in body.replace("\\\n", " ").splitlines() if line)
        yield "code", body
        at = found.end()
    yield from _prose(page[at:])


def _prose(text: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"^!\[([^\]]*)\]\([^)]*\)$", r"*\1*", COMMENT.sub("", text), flags=re.MULTILINE)
    text = re.sub(r"</?details[^>]*>|</summary>", "", text).replace("<summary>", "**→ ")
    text = re.sub(r"^(\*\*→ .*)$", r"\1**", text, flags=re.MULTILINE).strip()
    if text:
        yield "markdown", text


def _cell(kind: str, text: str, name: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": name,
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
