"""The README in both languages says the same, and its commands are real."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import munmaek
from conftest import ROOT
from munmaek.models import LINEAGE

ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
KOREAN = (ROOT / "README.ko.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """The contents of all fenced blocks, in order."""
    return re.findall(r"^```\w+\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """Every munmaek command in the shell blocks, as arguments; where output goes is the shell's."""
    text = re.sub(r"<!-- three -->\n```sh\n.*?```", "", text, flags=re.DOTALL)  # test_guide runs it
    lines = [line.partition(" > ")[0] for block in blocks(text) for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("munmaek ")]


def test_both_readmes_give_the_same_commands_and_code() -> None:
    assert blocks(ENGLISH) == blocks(KOREAN)


def test_both_readmes_have_the_same_sections() -> None:
    heads = [len(re.findall(r"^## ", text, flags=re.MULTILINE)) for text in (ENGLISH, KOREAN)]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("text", [ENGLISH, KOREAN], ids=["en", "ko"])
def test_the_table_names_every_stage_with_its_tasks(text: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\w, ]+) \|$", text, flags=re.MULTILINE)
    found = {name: set(named.split(", ")) for name, named in rows}
    assert found == {stage.name: set(stage.networks) for stage in LINEAGE}


def test_the_set_up_is_two_commands_that_use_the_tested_pins() -> None:
    first, second = blocks(ENGLISH)[:2]
    for command in (first, second):
        assert command.count("\n") == 1
        assert "-m venv .venv" in command
        assert "-c constraints.txt" in command
    assert first.rstrip().endswith("munmaek demo")


@pytest.mark.parametrize("arguments", commands(ENGLISH), ids=lambda each: " ".join(each[:4]))
def test_a_readme_command_is_understood(arguments: list[str]) -> None:
    """The verb and its options exist: what is missing is the data, and that is what is said."""
    run = subprocess.run(
        [sys.executable, "-m", "munmaek", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    said = run.stderr.strip().splitlines()
    assert len(said) == 1, run.stderr
    assert re.search(r"corpus\.txt|reviews\.tsv|train\.ko|models/", said[0]), said[0]


def python_blocks(text: str) -> list[str]:
    """The contents of the blocks of Python, in order."""
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_python_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both blocks, as they stand; the second opens the models that the commands before it made."""
    book = munmaek.phrasebook(pairs=400, valid=20, test=20).train[:60]
    korean, english = [each.korean for each in book], [each.english for each in book]
    labels = [each.label for each in book]
    small = {"steps": 1, "validations": 1, "vocab_size": 300, "device": "cpu"}
    bert = {"layers": 1, "hidden_size": 16, "heads": 2, "intermediate_size": 24}
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    munmaek.train("lm", korean, model="rnn", save="models/rnn", **small)
    rnn = {"hidden_size": 12, "embedding_size": 8, "max_length": 16}
    munmaek.train(
        "translate", korean, english, model="attention", save="models/ko-en", **small, **rnn
    )
    munmaek.train("classify", korean, labels, model="attention", save="models/reviews", **small)
    munmaek.train("mlm", korean, model="bert", save="models/bert", **small, **bert)
    space: dict[str, Any] = {}
    for block in python_blocks(ENGLISH):
        exec(block, space)
    assert 0 <= munmaek.evaluate("models/phrases", korean, labels)["accuracy"].value <= 1
    assert isinstance(space["translation"].translation, str)
