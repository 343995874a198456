"""The guide in both languages: what its blocks give, its site, its exercises, its commands."""

import json
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urldefrag

import pytest

import build
import guide_notebooks
import guide_site
from conftest import ROOT
from munmaek.cli import main
from munmaek.guide import BlockError, Machine, chapters, site_folder, source_of, write_examples
from munmaek.guide.examples import FILES
from munmaek.guide.running import same

LANGUAGES = ("en", "ko")


@pytest.fixture(scope="module")
def runs() -> dict[Path, build.Done]:
    """Every page, run; two at a time."""
    pages = build.pages()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return dict(zip(pages, pool.map(build.run_without_figures, pages), strict=True))


@pytest.mark.parametrize("page", build.pages(), ids=lambda page: f"{page.parts[-3]}-{page.stem}")
def test_every_block_of_a_page_gives_what_stands_there(page: Path, runs: dict[Path, build.Done]):
    done = runs[page]
    assert not done.error, done.error
    assert not build.changed(done)


def test_every_page_is_there_in_both_languages():
    assert not build.missing_twins()


@pytest.mark.parametrize("page", build.pages(), ids=lambda page: f"{page.parts[-3]}-{page.stem}")
def test_twins_have_the_same_parts(page: Path):
    """Headings, blocks, equations, figures and exercises, one for one."""

    def parts(path: Path) -> list[int]:
        text = path.read_text(encoding="utf-8")
        marks = (r"^#+ ", r"^```python", r"^```sh", r"^\$\$$", r"^!\[", r"<details", r"^- \*\*")
        return [len(re.findall(mark, text, flags=re.MULTILINE)) for mark in marks]

    other = "ko" if page.is_relative_to(build.DOCS / "en") else "en"
    twin = build.DOCS / other / page.relative_to(build.DOCS / ("en" if other == "ko" else "ko"))
    assert parts(page) == parts(twin)


@pytest.mark.parametrize("page", build.pages(), ids=lambda page: f"{page.parts[-3]}-{page.stem}")
def test_a_block_that_is_not_run_says_why(page: Path):
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"(?:^<!-- not run: (.+) -->\n)?^```(bash|console)$", text, re.MULTILINE)
    assert all(reason for reason, _ in fences), "run it as sh or python, or say why it cannot be"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chapter_has_the_parts_of_a_chapter(language: str):
    for name, path in chapters(language).items():
        text = path.read_text(encoding="utf-8")
        assert re.search(r"^> \*\*", text, re.MULTILINE), f"{name}: no question"
        if name != "glossary":
            assert "$$" in text, f"{name}: no equation"
            assert "```python" in text, f"{name}: nothing that runs"
            assert "<details" in text, f"{name}: no answer"
            assert "![" in text, f"{name}: no figure"


def test_the_site_is_what_its_source_gives(tmp_path: Path):
    guide_site.build_site(tmp_path / "site")
    made = {p.relative_to(tmp_path / "site") for p in (tmp_path / "site").rglob("*") if p.is_file()}
    there = {p.relative_to(site_folder()) for p in site_folder().rglob("*") if p.is_file()}
    assert made == there
    differing = [
        str(each)
        for each in sorted(made)
        if (tmp_path / "site" / each).read_bytes() != (site_folder() / each).read_bytes()
    ]
    assert not differing, "python docs/build.py --site"


def test_the_site_has_no_address_outside_and_no_broken_link():
    for page in guide_site.pages_of(site_folder()):
        text = page.read_text(encoding="utf-8")
        addresses = re.findall(r'(?:href|src)="([^"]*)"', text)
        assert not [each for each in addresses if "//" in each], page
        for each in addresses:
            target = urldefrag(each)[0]
            assert not target or (page.parent / target).exists(), f"{page}: {each}"


def test_a_block_that_fails_says_where_and_why(tmp_path: Path):
    machine = Machine(tmp_path, main)
    with pytest.raises(BlockError, match=r"page:3, line 2 of the block: ZeroDivisionError"):
        machine.run("# A\n\n```python\na = 0\n1 / a\n```\n")
    with pytest.raises(BlockError, match="only commands of munmaek"):
        machine.run("```sh\nrm x\n```\n")
    with pytest.raises(BlockError, match=r"left with 2.*no-such"):
        machine.run("```sh\nmunmaek info no-such\n```\n")


def test_outputs_and_numbers_are_put_in(tmp_path: Path):
    page = "```python\nx = 1 / 3\nprint(x)\n```\n\nIt is 7<!-- {x:.2f} --> or so.\n"
    made = Machine(tmp_path, main).run(page)
    assert "```output\n0.3333333333333333\n```\n" in made
    assert "It is 0.33<!-- {x:.2f} --> or so." in made
    assert Machine(tmp_path, main).run(made) == made


def test_only_small_differences_of_numbers_are_let_pass():
    assert same("loss 1.234, row 3", "loss 1.240, row 3")
    assert not same("loss 1.234, row 3", "loss 1.534, row 3")
    assert not same("loss 1.234, row 3", "loss 1.234, row 4")
    assert not same("loss 1.234", "bits 1.234")


def test_a_chapter_is_found_by_name_and_by_number():
    assert source_of("ngram", "ko") == source_of("2", "ko") == source_of("02-ngram", "ko")


@pytest.mark.parametrize("language", LANGUAGES)
def test_notebooks_hold_the_chapters(language: str, tmp_path: Path):
    guide_notebooks.write_notebooks([build.DOCS / language / "guide" / "02-ngram.md"], tmp_path)
    book = json.loads((tmp_path / language / "02-ngram.ipynb").read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in book["cells"]:
        assert cell.keys() >= {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            assert cell.keys() >= {"execution_count", "outputs"}
        else:
            assert cell["cell_type"] == "markdown"
    code = "".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code")
    assert "!munmaek train lm corpus.txt" in code
    assert "def P(w, h):" in code


def test_a_chapter_is_taught_on_the_readers_own_file(tmp_path: Path):
    own = tmp_path / "own.txt"
    lines = [f"the {one} sees the {other}" for one in ("cat", "dog") for other in "abcdefghijkl"]
    own.write_text("\n".join(lines), encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, "-m", "munmaek", "teach", "model", "--text", own, "-o", tmp_path / "out",
         "--no-browser", "--port", "0", "--language", "en"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    said = [run.stdout.readline() for _ in range(3)]
    run.kill()
    run.communicate()
    assert said[2].startswith("http://127.0.0.1:")
    page = (tmp_path / "out/site/en/guide/01-model.html").read_text(encoding="utf-8")
    assert "own.txt" in page
    assert "<iframe" in page
    assert "my →" in page
    assert "older 0.26" not in page
    assert (tmp_path / "out/models-and-files/models/chain/munmaek.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["guide", "attension", "--no-browser"], "no chapter"),
        (["guide", "--language", "fr"], "--language fr"),
        (["teach", "ngram", "--text", "no-such.txt"], "no-such.txt"),
        (["teach", "nothing"], "no chapter"),
    ],
)
def test_what_cannot_be_opened_is_one_line(arguments: list[str], said: str, tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "munmaek", *arguments],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 2
    assert said in run.stderr.splitlines()[-1]
    assert len(run.stderr.strip().splitlines()) <= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_commands_lead_to_an_attention_matrix(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """They are those of the guide's first page and of the README, and what they say comes."""
    page = (build.DOCS / language / "guide/index.md").read_text(encoding="utf-8")
    readme = (ROOT / {"en": "README.md", "ko": "README.ko.md"}[language]).read_text("utf-8")
    three = r"<!-- three -->\n(?:<!-- not run: .+ -->\n)?```(?:sh|bash)\n(.*?)\n```"
    found = re.search(three, page, re.DOTALL)
    shown = re.search(three, readme, re.DOTALL)
    assert found is not None
    assert shown is not None
    assert found[1] == shown[1]
    assert found[1].count("\n") == 2
    if language == "ko":  # the same commands were run for the other language
        return
    monkeypatch.chdir(tmp_path)
    Machine(tmp_path, main).run(f"```sh\n{found[1]}\n```\n")
    text = (tmp_path / "attention.html").read_text(encoding="utf-8")
    assert '"alignment"' in text
    assert 'id="viewer"' in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_example_files_are_there_for_every_task(language: str, tmp_path: Path):
    made = {path.name for path in write_examples(tmp_path, language=language)}
    assert made == set(FILES)
    lines = (tmp_path / "corpus.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 500
