"""``results.json`` to ``report.html``: one page that needs no network.

Hovering shows how a number was made, light or dark follows the reader's system, and where its
script does not run, figures are tables. Whatever is missing from the results is left out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from munmaek.comparison.lessons import Lesson
from munmaek.comparison.markup import Markup, Node, element, join, terms
from munmaek.comparison.schema import check_results
from munmaek.comparison.sections import Contents, alignments, fills, limits, lineage, read
from munmaek.comparison.table import everything, signatures
from munmaek.comparison.task_parts import task_part
from munmaek.pages import page
from munmaek.text.catalogue import Catalogue
from munmaek.writing import write_text

__all__ = ["render_report", "write_report"]


def write_report(results: Mapping[str, Any], path: Path, *, language: str = "en") -> None:
    """Write the report of ``results`` to ``path``, whole or not at all.

    Raises:
        InputError: the results are of a newer format, or a part has not the type it must have.
        ConfigError: there are no texts in ``language``.
        DiskError: the file cannot be written; an older one at ``path`` is whole.
    """
    write_text(path, render_report(results, language=language))


def render_report(results: Mapping[str, Any], *, language: str = "en") -> str:
    """Return the whole page as HTML.

    Args:
        results: the content of ``results.json``; what is absent is left out of the page.
        language: ``en`` or ``ko``, for the page's own texts.

    Raises:
        InputError: the results are of a newer format, or a part has not the type it must have.
        ConfigError: there are no texts in ``language``.
    """
    check_results(results)
    contents = read(results, Catalogue(language))
    title = str(results.get("title") or "munmaek")
    body = join([_header(title, contents), element("main", _parts(contents))])
    return page("report", body, title=title, root=f'lang="{language}" data-written')


def _parts(contents: Contents) -> list[Node]:
    if not contents.rows:
        empty = element("p", contents.catalogue.text("report.empty"))
        return [empty, fills(contents), alignments(contents), limits(contents), _notes(contents)]
    return [
        lineage(contents),
        _lessons(contents),
        *(task_part(task, contents) for task in contents.tasks),
        alignments(contents),
        fills(contents),
        limits(contents),
        everything(contents),
        _notes(contents),
        signatures(contents),
    ]


def _header(title: str, contents: Contents) -> Markup:
    say = contents.catalogue.text
    return element(
        "header",
        element("h1", title),
        element("p", say("report.idea"), kind="idea"),
        terms(_about(contents), kind="about"),
        element("p", say("report.interval"), kind="hint") if contents.rows else None,
    )


def _about(contents: Contents) -> list[tuple[str, Node]]:
    results, say = contents.results, contents.catalogue.text
    pairs: list[tuple[str, Node]] = [
        (contents.task_name(str(entry.get("task") or "")), _data_line(entry, contents))
        for entry in results.get("data") or ()
    ]
    machine = _machine(results.get("machine") or {}, contents)
    if machine:
        pairs.append((say("about.machine"), machine))
    if results.get("command"):
        pairs.append((say("about.command"), element("code", str(results["command"]))))
    made = str(results.get("created") or "").replace("T", " ")[: len("2025-01-31 12:00")]
    if results.get("munmaek") or made:
        version = str(results.get("munmaek") or "")
        pairs.append((say("about.made"), f"munmaek {version}, {made}".strip(" ,")))
    return pairs


def _data_line(entry: Mapping[str, Any], contents: Contents) -> Node:
    counts = {part: _count(entry.get(part)) for part in ("train", "valid", "test")}
    fingerprint = entry.get("fingerprint")
    hint = str(fingerprint) if fingerprint else None
    name = element("span", str(entry.get("name") or ""), title=hint)
    said = contents.catalogue.text("data.counts", **counts)
    on = contents.catalogue.known(f"data.{entry.get('tested_on')}", "")
    test = str(entry.get("test_name") or "")
    scored = f"; {on}: {test}" if on and test else ""
    return [name, ": ", said, scored]


def _count(value: Any) -> str:
    return f"{value:,}".replace(",", "\u2009") if isinstance(value, int) else "–"


def _machine(machine: Mapping[str, Any], contents: Contents) -> str:
    parts = [str(machine["processor"])] if machine.get("processor") else []
    cores = machine.get("cores")
    if cores:
        key = "machine.cores.one" if cores == 1 else "machine.cores"
        parts.append(contents.catalogue.text(key, cores=cores))
    named = (("PyTorch", "torch"), ("Python", "python"))
    parts += [f"{name} {machine[key]}" for name, key in named if machine.get(key)]
    return ", ".join(parts)


def _lessons(contents: Contents) -> Markup | None:
    """Return each claim with the numbers that keep it, or that it failed and why."""
    found = [Lesson.from_json(entry) for entry in contents.results.get("lessons") or ()]
    items = [
        element("li", each.sentence(contents.catalogue), kind="held" if each.held else "failed")
        for each in found
    ]
    listed = element("ul", items, kind="lessons")
    return contents.section("report.lessons", listed) if items else None


def _notes(contents: Contents) -> Markup | None:
    found = contents.results.get("notes") or ()
    notes = [element("li", _note(each, contents.catalogue)) for each in found]
    return contents.section("report.notes", element("ul", notes)) if notes else None


def _note(note: Any, catalogue: Catalogue) -> str:
    """Return a note of a kind in the catalogue's language, and one in words as it is."""
    if not isinstance(note, Mapping):
        return str(note)
    kind = cast("Mapping[str, Any]", note)
    return catalogue.known(f"note.{kind.get('kind')}", str(kind.get("sentence", "")))
