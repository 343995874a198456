"""The documents name what is there, and nothing that is not."""

import re

from conftest import ROOT


def test_the_page_of_the_counting_engine_names_every_file_of_it():
    page = (ROOT / "docs/en/counting-engine.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+\.py)`", row)}
    there = {path.name for path in (ROOT / "src/munmaek/ngram").glob("*.py")} - {"__init__.py"}
    assert named == there, (named - there, there - named)
