"""The page on other people's libraries says the same in both languages, and its examples run."""

import re
from pathlib import Path
from typing import Any

import pytest

import munmaek
from conftest import ROOT

ENGLISH, KOREAN = (
    (ROOT / "docs" / language / "libraries.md").read_text(encoding="utf-8")
    for language in ("en", "ko")
)


def blocks(text: str, kind: str = r"\w+") -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_both_pages_show_the_same() -> None:
    assert blocks(ENGLISH) == blocks(KOREAN)
    heads = [re.findall(r"^#+", text, flags=re.MULTILINE) for text in (ENGLISH, KOREAN)]
    assert heads[0] == heads[1]


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_the_examples_run_and_give_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [each.korean for each in munmaek.phrasebook(pairs=400, valid=20, test=20).train]
    bert: dict[str, Any] = {"layers": 1, "hidden_size": 16, "heads": 2, "steps": 2}
    munmaek.train("mlm", texts, model="bert", save="models/bert", **bert)
    capsys.readouterr()
    space: dict[str, Any] = {}
    for block in blocks(ENGLISH, "python"):
        exec(block.replace("n_jobs=2", "n_jobs=1"), space)
    shown = blocks(ENGLISH, "text")
    assert str(space["search"].best_params_) == shown[0].strip()
    assert capsys.readouterr().out == shown[-1]
