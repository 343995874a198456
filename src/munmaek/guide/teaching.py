"""A chapter with the reader's own text: its blocks are run on it, and its page shows what came."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import final

from munmaek.errors import InputError
from munmaek.guide.drawing import paging
from munmaek.guide.examples import write_examples
from munmaek.guide.running import Command, Machine
from munmaek.guide.site import page_file, site_folder, source_of
from munmaek.writing import write_text

__all__ = ["Taught", "teach"]

FILES = re.compile(r"<!-- files: ([^\n]+?) -->")
OUTPUT = re.compile(
    r'(<div class="language-output highlight"><pre>.*?<code>).*?(</code></pre>)', re.S
)
IN_PROSE = re.compile(r"[^\s<>*()|]+(?=<!-- \{)")
IMAGE = re.compile(r'<img [^>]*?src="(figures/[^"]+)\.svg"[^>]*>')
TENTH = 10
"""One line of so many is kept to test on."""


@final
@dataclass(frozen=True, slots=True)
class Taught:
    """A chapter that was run on the reader's text."""

    page: Path
    """Its page, below ``site``."""
    site: Path
    """A site of the whole guide, with this chapter's page made anew."""
    models: Path
    """The folder of its models."""


def teach(
    chapter: str,
    texts: Sequence[Path],
    folder: Path,
    *,
    language: str,
    command: Command,
) -> Taught:
    """Run a chapter on the reader's own files.

    Args:
        chapter: its name or number.
        texts: files in place of the chapter's, in their order; none takes the chapter's own.
        folder: where the models and the site are written; it must not be there.
        language: ``en`` or ``ko``.
        command: runs a command of munmaek.

    Raises:
        ConfigError: no such chapter.
        InputError: the chapter wants other files, or one cannot be read.
    """
    source = source_of(chapter, language)
    page = source.read_text(encoding="utf-8")
    wanted = wanted_files(page)
    given = [_read(each) for each in texts]
    if given and len(given) != len(wanted):
        names = " and ".join(each[0] for each in wanted) or "none"
        message = f"chapter {source.stem}: {len(wanted)} files are wanted in place of {names}, "
        raise InputError(message + f"got {len(given)}; give each with --text")
    models = folder / "models-and-files"
    write_examples(models, language=language)
    for names, text in zip(wanted, given, strict=False):
        _write_parts(models, names, text)
    site = folder / "site"
    shutil.copytree(site_folder(), site)
    html = site / page_file(source.stem, language)
    title = f"{source.stem} · {', '.join(each.name for each in texts)}".rstrip(" ·")
    machine = Machine(models, command, draw=paging(title, language), lenient=bool(given))
    machine.run(page, name=source.name, figures=html.parent)
    write_text(html, _made_anew(html.read_text(encoding="utf-8"), machine, texts, language))
    return Taught(html, site, models)


def wanted_files(page: str) -> list[list[str]]:
    """Return the files that a chapter says it learns from, each maybe with one to test on."""
    found = FILES.search(page)
    return [each.split("/") for each in found[1].split()] if found else []


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path}: is not UTF-8; save it as UTF-8 text"
        raise InputError(message) from None
    if len(text.split("\n")) < 2 * TENTH:
        message = f"{path}: {2 * TENTH} lines at least are wanted, one in ten is kept to test on"
        raise InputError(message)
    return text


def _write_parts(folder: Path, names: Sequence[str], text: str) -> None:
    """Write a file in place of the chapter's, and every tenth line of it to test on."""
    lines = text.splitlines(keepends=True)
    head = lines[:1] if names[0].endswith(".tsv") else []
    rows = lines[len(head) :]
    parts = [rows]
    if len(names) == 2:
        parts = [
            [row for at, row in enumerate(rows) if (at % TENTH == 0) == test] for test in (0, 1)
        ]
    for name, part in zip(names, parts, strict=True):
        write_text(folder / name, "".join([*head, *part]))


def _made_anew(html: str, machine: Machine, texts: Sequence[Path], language: str) -> str:
    """Return a built page with the outputs, numbers and figures that the machine made."""
    outputs = iter(machine.outputs)
    numbers = iter(machine.numbers)

    def output(found: re.Match[str]) -> str:
        return found[1] + escape(next(outputs, "")) + "\n" + found[2]

    def figure(found: re.Match[str]) -> str:
        name = found[1]
        return f'<iframe class="own" src="{name}.html" title="{name}" loading="lazy"></iframe>'

    html = OUTPUT.sub(output, html)
    html = IN_PROSE.sub(lambda found: next(numbers, found[0]), html)
    html = IMAGE.sub(figure, html)
    return html.replace("</h1>", "</h1>\n" + _notice(texts, language), 1)


def _notice(texts: Sequence[Path], language: str) -> str:
    names = escape(", ".join(each.name for each in texts))
    if not names:
        return ""
    said = {
        "en": f"Trained on your {names}: outputs, numbers and figures are those of your text. The "
        "sentences between them were written about the guide's own examples.",
        "ko": f"{names} 파일로 학습했습니다. 출력과 숫자와 그림은 이 파일로 얻은 것이고, 그 사이의 "
        "설명은 안내서의 예문을 두고 쓴 것입니다.",
    }
    return f'<p class="own-text">{said[language]}</p>'
