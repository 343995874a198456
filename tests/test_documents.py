"""The documents name what is there, and nothing that is not."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from conftest import ROOT


def test_the_page_of_the_counting_engine_names_every_file_of_it():
    page = (ROOT / "docs/en/counting-engine.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+\.py)`", row)}
    there = {path.name for path in (ROOT / "src/munmaek/ngram").glob("*.py")} - {"__init__.py"}
    assert named == there, (named - there, there - named)


def test_the_citation_names_the_version_of_the_project():
    cited = re.search(r"(?m)^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    declared = re.search(r'(?m)^version = "(\S+)"$', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert cited is not None
    assert declared is not None
    assert cited[1] == declared[1]


def test_the_map_of_the_contributing_page_names_every_package():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    packages = {path.parent.name for path in (ROOT / "src/munmaek").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "src/munmaek").glob("[a-z]*.py")}
    assert packages <= named <= packages | modules


VERBS = """
Adapt Add Adjust Advance Align Allow Announce Answer Append Apply Ask Assign Attend Begin Bring
Build Call Change Check Choose Clean Clear Close Collect Compare Compile Complete Compress Compute
Concatenate Continue Convert Copy Count Create Cut Decide Declare Decode Describe Discount Divide
Do Draw Drop Embed Empty Encode End Enter Estimate Evaluate Expand Explain Export Extend Fetch
Fill Find Finish Fit Flatten Fold Follow Force Forget Form Frame Freeze Gather Generate Get Give
Go Group Guess Hand Hash Have Hold Import Interpolate Join Judge Keep Know Label Lay Learn Leave
Let Limit Link List Listen Load Locate Log Look Make Map Mark Mask Match Measure Merge Mix Move
Multiply Name Number Open Order Pack Pad Parse Part Pass Pick Place Plan Pool Predict Prepare
Print Produce Prune Put Raise Rank Rate Read Record Refuse Register Release Remember Remove Rename
Render Repeat Replace Report Reserve Resolve Restore Return Reverse Round Run Sample Save Say
Scale Score Search See Select Send Separate Serve Set Share Shorten Show Shuffle Sign Skip Smooth
Sort Spell Split Spread Stack Start Step Stop Store Suggest Sum Summarise Swap Tag Take Tell Test
Tokenise Train Transform Translate Try Tune Turn Undo Unpack Update Use Validate Verify Wait Want
Warn Watch Weigh Wrap Write Yield Zero
"""
NO_BEGINNING = re.compile(r"(What|How|Whether|Of|Those|That|Where|Which|Who|Whose|Why|As)\b")
"""Words that leave a reader waiting for the noun."""


def docstrings(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Yield what is documented with its docstring: the module, classes, functions, attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, ast.get_docstring(node) or ""
            for before, after in pairwise(node.body):
                match before, after:
                    case ast.Assign() | ast.AnnAssign(), ast.Expr(ast.Constant(str(text))):
                        yield before, text
                    case _:
                        pass


def begins_well(node: ast.AST, docstring: str) -> bool:
    """Tell whether a docstring begins as it should; only what is called needs a verb."""
    decorators = map(ast.unparse, getattr(node, "decorator_list", ()))
    called = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if called and not any(each.endswith("property") for each in decorators):
        return re.split(r"[\s,.:;]", docstring, maxsplit=1)[0] in VERBS.split()
    return not NO_BEGINNING.match(docstring)


def test_docstrings_of_functions_begin_with_a_verb_and_others_with_a_noun():
    found = [
        f"{path}: {docstring.splitlines()[0]}"
        for path in sorted((ROOT / "src/munmaek").rglob("*.py"))
        for node, docstring in docstrings(path)
        if docstring and not begins_well(node, docstring)
    ]
    assert not found, found


def names(path: Path) -> Iterator[str]:
    """Yield what a module defines, methods as ``Class.method``."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name"))
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                yield target.id


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "docs/en/architecture.md", "docs/ko/architecture.md"]
)
def test_pages_name_files_and_functions_that_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    places = re.findall(r"`([\w/]+\.py)(?::([\w.]+))?`", text)
    assert len(places) > 5
    for file, name in places:
        if "NAME" in file or ("/" not in file and not name):  # of a folder to be made
            continue
        outside = file.startswith(("tests/", "tools/", "benchmarks/"))
        path = ROOT / (file if outside else f"src/munmaek/{file}")
        assert path.is_file(), file
        assert not name or name in set(names(path)), f"{file}:{name}"


def options_of(script: str) -> set[str]:
    """Return the options that a benchmark declares, in itself or in the modules beside it."""
    source = (ROOT / "benchmarks" / script).read_text(encoding="utf-8")
    for name in re.findall(r"(?m)^(?:from|import) (\w+)", source):
        beside = ROOT / "benchmarks" / f"{name}.py"
        source += beside.read_text(encoding="utf-8") if beside.is_file() else ""
    return set(re.findall(r'"(--[a-z][a-z-]*)"', source))


PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_benchmarks_and_options_that_are_there(page: Path) -> None:
    commands = re.findall(
        r"`(?:python )?benchmarks/(\w+\.py)([^`\n]*)`", page.read_text(encoding="utf-8")
    )
    for script, arguments in commands:
        asked = set(re.findall(r"(--[a-z][a-z-]*)", arguments))
        assert asked <= options_of(script), (script, asked - options_of(script))


ONE_WORD = {
    "훈련": "학습", "낱말": "단어", "걸음": "스텝", "에포크": "에폭", "하위 단어": "서브워드",
    "퍼플렉시티": "혼란도", "시험 데이터": "테스트 데이터",
}  # fmt: skip
"""Korean words that stand for the same, and the one that the pages have."""


@pytest.mark.parametrize(
    "page",
    ["README.ko.md", "docs/ko", "src/munmaek/cli/meanings.json", "src/munmaek/text/catalogue.json"],
)
def test_korean_pages_have_one_word_for_one_thing(page: str) -> None:
    place = ROOT / page
    for path in sorted(place.rglob("*.md")) if place.is_dir() else [place]:
        text = path.read_text(encoding="utf-8")
        found = [
            f"{path.name}: {one}, say {other}" for one, other in ONE_WORD.items() if one in text
        ]
        assert not found, found
