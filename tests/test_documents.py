"""The documents name what is there, and nothing that is not."""

import re

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
