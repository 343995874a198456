"""``munmaek align`` without a model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from munmaek.cli.app import app

SOURCES = "das Haus\n\ndas Buch\nein Buch\n"
TARGETS = "the house\nx\nthe book\na book\n"


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    for name, text in (("src", SOURCES), ("tgt", TARGETS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [str(tmp_path / "src"), str(tmp_path / "tgt")]


def _align(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["align", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_aligner_gives_a_line_for_each_pair_and_empty_ones_keep_their_place(
    texts: list[str],
) -> None:
    assert _align("--aligner", "hmm", *texts) == "0-0 1-1\n\n0-0 1-1\n0-0 1-1\n"
    rows = [json.loads(line) for line in _align("--aligner", "hmm", "--json", *texts).splitlines()]
    assert [row["alignment"] for row in rows] == [[[0, 0], [1, 1]], [], *[[[0, 0], [1, 1]]] * 2]
    assert len(_align("--aligner", "ibm1", "--symmetrise", "union", *texts).splitlines()) == 4


def test_gold_links_are_scored_with_an_interval(texts: list[str], tmp_path: Path) -> None:
    gold = tmp_path / "gold"
    gold.write_text("1-1 2-2\n\n1-1 2p2\n1-1\n", encoding="utf-8")
    told = _align("--aligner", "hmm", *texts, "--gold", str(gold), "--gold-first", "1", "--json")
    # Found 6, sure 4: 4 sure and 5 possible ones among them, 1 - 9 / 10.
    score = json.loads(told)["scores"]["aer"]
    assert score["value"] == pytest.approx(0.1)
    assert score["low"] <= score["value"] <= score["high"]


def test_a_pair_too_long_to_count_every_pairing_is_refused(tmp_path: Path) -> None:
    for name in ("src", "tgt"):
        (tmp_path / name).write_text("a b\n" + "a " * 4000 + "\n", encoding="utf-8")
    files = [str(tmp_path / "src"), str(tmp_path / "tgt")]
    result = CliRunner().invoke(app, ["align", "--aligner", "ibm1", *files])
    assert "the 2. pair with words has 4,000 and 4,000" in str(result.exception)
    with pytest.warns(UserWarning, match="1 pairs are longer than 400 words"):
        assert len(_align("--aligner", "hmm", *files).splitlines()) == 2
