"""Figures of records and reports as files: SVG, PNG, PDF and their numbers as CSV.

What draws them is the script of the pages, ``web/static/files.js``, run by an engine without a
browser. PNG and PDF are made of the SVG, and letters are those of the fonts of the machine.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from munmaek.errors import UnsupportedError
from munmaek.progress import followed
from munmaek.writing import new_file, writing

__all__ = ["FORMATS", "Figure", "check_figures", "record_figures", "report_figures", "save_figures"]

_ZOOM = 2
"""Pixels of a PNG for each of the figure's, so that it prints well."""
_LONGEST = 200
"""Bytes of a file's name, beside its number and suffix; file systems take 255."""
_EXTRA = ("py_mini_racer", "vl_convert")


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, in the light and whole in itself."""

    name: str
    """Name of its files, without a suffix."""
    title: str
    caption: str
    svg: str
    csv: str
    """Its numbers below a head."""


def check_figures() -> None:
    """Check that figures can be drawn.

    Raises:
        UnsupportedError: the ``figures`` extra is not installed.
    """
    if any(find_spec(name) is None for name in _EXTRA):
        message = "figures as files need the extra 'figures': pip install 'munmaek[figures]'"
        raise UnsupportedError(message)


def record_figures(records: Sequence[str], *, language: str = "en") -> list[Figure]:
    """Return the figures of a page of records.

    Args:
        records: each as ``Record.to_json(room=None)`` gives it.
        language: ``en`` or ``ko``, of what is written in them.

    Raises:
        UnsupportedError: the ``figures`` extra is not installed.
    """
    return _drawn("munmaekRecords", "[" + ",".join(records) + "]", language)


def report_figures(page: str, *, language: str = "en") -> list[Figure]:
    """Return the figures of a report's page.

    Args:
        page: what ``render_report`` gives in ``language``.
        language: ``en`` or ``ko``.

    Raises:
        UnsupportedError: the ``figures`` extra is not installed.
    """
    found = _Placed()
    found.feed(page)
    return _drawn("munmaekReport", "[" + ",".join(found.figures) + "]", language)


class _Placed(HTMLParser):
    """Collects what stands in a page to be drawn by its script."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.figures += [value for name, value in attrs if name == "data-figure" and value]


def _drawn(function: str, content: str, language: str) -> list[Figure]:
    check_figures()
    from py_mini_racer import MiniRacer

    engine: Any = MiniRacer()
    try:
        script = files("munmaek") / "web" / "static" / "files.js"
        engine.eval(script.read_text(encoding="utf-8"))
        found = json.loads(engine.call(function, content, language))
    finally:
        engine.close()  # a process with an open one does not end
    return [Figure(name=name, **rest) for name, rest in _named(found)]


def _named(found: Sequence[Mapping[str, str]]) -> list[tuple[str, dict[str, str]]]:
    """Return each with a name that no other has."""
    used: dict[str, int] = {}
    out: list[tuple[str, dict[str, str]]] = []
    for each in found:
        name = (each["name"] or "figure").encode()[:_LONGEST].decode(errors="ignore")
        used[name] = used.get(name, 0) + 1
        rest = {key: value for key, value in each.items() if key != "name"}
        out.append((name if used[name] == 1 else f"{name}-{used[name]}", rest))
    return out


def _png(svg: str) -> bytes:
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=_ZOOM)


def _pdf(svg: str) -> bytes:
    import vl_convert

    return vl_convert.svg_to_pdf(svg)


FORMATS: Mapping[str, Callable[[Figure], bytes]] = {
    "svg": lambda figure: figure.svg.encode("utf-8"),
    "png": lambda figure: _png(figure.svg),
    "pdf": lambda figure: _pdf(figure.svg),
    "csv": lambda figure: b"\xef\xbb\xbf" + figure.csv.encode("utf-8"),
}
"""The writer of each file of a figure, by suffix; spreadsheets know UTF-8 by the mark."""


def save_figures(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Write every figure in every format into a folder, and return the files.

    Files of the same names are replaced; others in the folder stay.

    Raises:
        DiskError: a file cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for figure in followed(figures, "figures"):
        for suffix, made in FORMATS.items():
            written.append(folder / f"{figure.name}.{suffix}")
            with new_file(written[-1]) as aside:
                aside.write_bytes(made(figure))
    return written
