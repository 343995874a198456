"""N-grams are counted, mixed and asked where torch is not installed; what needs it says so."""

import json
import shlex
import subprocess
import sys
import tarfile

import pytest

from conftest import ROOT
from dependency_bounds import COUNTED, write_data

NEURAL = """
train lm text.txt --model rnn -o rnn
train classify labelled.tsv --model attention -o attention
train translate text.txt text.txt --model transformer -o translator
train mlm text.txt --model bert -o bert
compare text.txt --models ngram,rnn -o both
demo --quick -o demo
evaluate 0.1.0/models/lm-rnn text.txt
look 0.1.0/models/classify-bert 나는 -o bert.html
"""
SCRIPT = """
import contextlib, importlib.machinery, io, json, sys

class Hiding(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "torch" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Hiding
import munmaek
from munmaek.cli import main

def done(arguments):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as e:
        return main(arguments), e.getvalue()

found = {line: done(arguments) for line, arguments in json.loads(sys.argv[1]).items()}
model = munmaek.load("words")
assert model.evaluate and munmaek.LINEAGE and munmaek.Classifier and munmaek.Recipe

lines = open("text.txt", encoding="utf-8").read().splitlines()
assert munmaek.train("lm", lines, model="ngram", order=2).score(lines[:1])[0].logprob < 0
labels = ["study" if "공부" in line else "rest" for line in lines]
assert munmaek.train("classify", lines, labels, model="ngram", order=2).predict(lines[0])
for name, ask in {
    "munmaek.Translator": lambda: munmaek.Translator,
    "munmaek.train": lambda: munmaek.train("lm", lines, model="rnn", epochs=1),
    "munmaek.load": lambda: munmaek.load("0.1.0/models/lm-rnn"),
}.items():
    try:
        ask()
    except munmaek.MunmaekError as error:
        found[name] = error.exit_code, str(error)
print(json.dumps(found))
"""


def commands(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Exit code and messages of each command, all run by one process that has no torch."""
    folder = tmp_path_factory.mktemp("without-torch")
    write_data(folder)
    with tarfile.open(ROOT / "tests" / "golden" / "0.1.0.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    asked = {line: shlex.split(line) for line in commands(COUNTED + NEURAL) if line}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(asked)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("command", commands(COUNTED))
def test_counted_models_need_no_torch(done: dict[str, tuple[int, str]], command: str) -> None:
    code, messages = done[command]
    assert code == 0, messages


@pytest.mark.parametrize(
    "command", [*commands(NEURAL), "munmaek.Translator", "munmaek.train", "munmaek.load"]
)
def test_what_needs_torch_says_so_in_a_line(done: dict[str, tuple[int, str]], command: str) -> None:
    code, messages = done[command]
    assert code == 2, messages
    assert messages.removeprefix("munmaek: ").rstrip("\n") == (
        "this needs PyTorch, which is not installed; run 'pip install torch', or use n-grams, "
        "which do without"
    )
