"""The pages on serving: what they show is what is answered."""

import json
import re
import shlex
from pathlib import Path

import pytest

import munmaek
from conftest import ROOT
from munmaek.cli import main
from serve_support import Running

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_shows_what_its_commands_answer(
    language: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / f"docs/{language}/serving.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```(\w+)\n(.*?)^```", page)
    table, commands, curl, answer, asks, lines, python = [text for _, text in blocks[:7]]
    Path("reviews.tsv").write_text(table, encoding="utf-8")
    for command in (shlex.split(line) for line in commands.splitlines()):
        if command[:2] == ["munmaek", "train"]:
            assert main(command[1:]) == 0
    running = Running({"reviews": munmaek.load("models/reviews")})
    try:
        given = shlex.split(curl)
        body = json.loads(given[given.index("-d") + 1])
        status, found = running.ask(given[-1].removeprefix("http://127.0.0.1:8080"), body)
        shown = json.loads(answer)
        assert (status, found["model"]) == (200, shown["model"])
        for ours, theirs in zip(found["outputs"], shown["outputs"], strict=True):
            assert ours["label"] == theirs["label"]
            assert ours["probabilities"] == pytest.approx(theirs["probabilities"], rel=1e-9)
        Path("new.txt").write_text("\n".join(body["inputs"]), encoding="utf-8")
        capsys.readouterr()
        asked = shlex.split(asks.replace("http://127.0.0.1:8080", running.url))
        assert main(asked[1:]) == 0
        assert capsys.readouterr().out == lines
        model = munmaek.load(f"{running.url}/reviews")
        assert 'model.predict(["재미있는 영화"])[0].label' in python
        assert model.predict(["재미있는 영화"])[0].label == "good"
    finally:
        running.stop()
