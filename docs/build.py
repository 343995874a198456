"""Run the blocks of the guide, put what they give into it, and build the site.

    python docs/build.py                 run every page, put outputs, numbers and figures in
    python docs/build.py attention       the pages whose name has "attention" in it, both languages
    python docs/build.py --check         run, write nothing, and fail where something changed
    python docs/build.py --site          only build the site of what stands in docs/
    python docs/build.py --notebooks DIR   make notebooks of the chapters

Pages are those of docs/en/guide and docs/ko/guide; ``munmaek.guide.running`` says what in a page
is run. The site, of these and of the other pages of docs/, goes into src/munmaek/guide/site.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

DOCS = Path(__file__).resolve().parent
LANGUAGES = ("en", "ko")


@dataclass(frozen=True)
class Done:
    """A page that was run."""

    page: Path
    text: str
    seconds: float
    """Of processor time."""
    error: str = ""


def pages(names: Sequence[str] = ()) -> list[Path]:
    """Return the pages that are run, of both languages, or those whose names hold one of these."""
    found = [path for each in LANGUAGES for path in sorted((DOCS / each / "guide").rglob("*.md"))]
    return [path for path in found if not names or any(name in path.stem for name in names)]


def missing_twins() -> list[str]:
    """Return the pages of the guide that are there in one language only."""
    there = {
        each: {str(path.relative_to(DOCS / each)) for path in (DOCS / each / "guide").rglob("*.md")}
        for each in LANGUAGES
    }
    return [
        f"docs/{missing}/{name}"
        for here, missing in (("en", "ko"), ("ko", "en"))
        for name in sorted(there[here] - there[missing])
    ]


def run_page(page: Path, *, figures: bool = True) -> Done:
    """Run a page in a folder of its own, with the example files in it."""
    import numpy as np
    import torch

    from munmaek.cli import main
    from munmaek.guide import BlockError, Machine, write_examples
    from munmaek.guide.drawing import drawing

    torch.set_num_threads(1)
    language = page.relative_to(DOCS).parts[0]
    text = page.read_text(encoding="utf-8")
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder, np.printoptions():  # a page may set them
        write_examples(Path(folder), language=language)
        machine = Machine(Path(folder), main, draw=drawing(language) if figures else None)
        try:
            made = machine.run(text, name=page.name, figures=page.parent)
        except BlockError as error:
            return Done(page, text, time.process_time() - began, str(error))
    return Done(page, made, time.process_time() - began)


def run_without_figures(page: Path) -> Done:
    """Run a page, leaving its figures as they are."""
    return run_page(page, figures=False)


def run_pages(found: Sequence[Path], *, processes: int, figures: bool) -> list[Done]:
    """Run pages, several at a time, the same numbers whatever their number."""
    os.environ["OMP_NUM_THREADS"] = "1"
    done: list[Done] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for each in pool.map(run_page if figures else run_without_figures, found):
            print(f"{each.page.relative_to(DOCS)}  {each.seconds:.1f} s  {each.error}", flush=True)
            done.append(each)
    print(f"{sum(each.seconds for each in done):.0f} s of processor time in all")
    return done


TITLE = re.compile(r"^# (?:(\d+)\. )?(.+)$", re.MULTILINE)
QUESTION = re.compile(r"^> \*\*.+?\*\* (.+(?:\n> .+)*)$", re.MULTILINE)
ROWS = re.compile(r"(?<=\|---\|---\|---\|\n).*?(?=\n\n)", re.DOTALL)


def write_contents() -> None:
    """Write the table of the chapters with their questions into the first page of each language."""
    for language in LANGUAGES:
        index = DOCS / language / "guide" / "index.md"
        table = "\n".join(_rows(language)).replace("\\", r"\\")
        made = ROWS.sub(table, index.read_text(encoding="utf-8"), count=1)
        index.write_text(made, encoding="utf-8")


def _rows(language: str) -> Iterator[str]:
    for path in sorted((DOCS / language / "guide").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        title, asked = TITLE.search(text), QUESTION.search(text)
        if title and asked:
            question = asked[1].replace("\n> ", " ")
            yield f"| {title[1]} | [{title[2]}]({path.name}) | {question} |"


def changed(done: Done) -> str:
    """Return what a run gave other than what stands in its page, or nothing."""
    from munmaek.guide.running import same

    old = done.page.read_text(encoding="utf-8").split("\n\n")
    new = done.text.split("\n\n")
    for one, other in zip(old, new, strict=False):
        if not same(one, other):
            return f"{done.page.relative_to(DOCS)}: stands\n{one}\nbut gives\n{other}"
    return "" if len(old) == len(new) else f"{done.page.relative_to(DOCS)}: blocks came or went"


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="pages whose names hold one of these; else all")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where it changed")
    parser.add_argument("--site", action="store_true", help="run nothing; only build the site")
    parser.add_argument("--notebooks", metavar="DIR", type=Path, help="make notebooks; run nothing")
    parser.add_argument("--processes", type=int, default=2, help="pages at a time")
    asked = parser.parse_args()
    sys.path.insert(0, str(DOCS))
    if twins := missing_twins():
        print("missing:", *twins)
        return 1
    if asked.notebooks:
        from guide_notebooks import write_notebooks

        write_notebooks(pages(asked.names), asked.notebooks)
        return 0
    if not asked.site:
        done = run_pages(pages(asked.names), processes=asked.processes, figures=not asked.check)
        if any(each.error for each in done):
            return 1
        if asked.check:
            differing = [text for each in done if (text := changed(each))]
            print("\n".join(differing))
            return int(bool(differing))
        for each in done:
            each.page.write_text(each.text, encoding="utf-8")
    from guide_site import build_site

    write_contents()
    build_site()
    return 0


if __name__ == "__main__":
    sys.exit(main())
