"""N-grams are counted, mixed and asked where torch is not installed; what needs it says so."""

import json
import shlex
import subprocess
import sys

import pytest

from test_cli_ngram import LINES

COUNTED = """
train lm text.txt --model ngram --tokenizer words --hold-out 20% -o words
train lm text.txt --model ngram --tokenizer words --memory 256M -o disk
add words text.txt -o added
mix words added --tune text.txt -o mixed
export words --to arpa -o words.arpa
export words --to quantised -o small
import words.arpa -o imported
score imported text.txt --total
score mixed text.txt
evaluate words text.txt --json
evaluate mixed text.txt
generate mixed 나는
next words '나는 집에서'
lookup words '집에서 잔다'
verify words
align --aligner hmm text.txt text.txt
data list
--help
train --help
"""
NEURAL = """
train lm text.txt --model rnn -o rnn
train classify labelled.tsv --model attention -o attention
train translate text.txt text.txt --model transformer -o translator
train mlm text.txt --model bert -o bert
compare text.txt --models ngram,rnn -o both
demo --quick -o demo
"""
SCRIPT = """
import contextlib, importlib.machinery, io, json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import munmaek
from munmaek.cli import main

def done(arguments):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as e:
        return main(arguments), e.getvalue()

found = {line: done(arguments) for line, arguments in json.loads(sys.argv[1]).items()}
model = munmaek.load("words")
assert model.evaluate and munmaek.LINEAGE and munmaek.Classifier and munmaek.Recipe
try:
    munmaek.Translator
except munmaek.MunmaekError as error:
    found["munmaek.Translator"] = error.exit_code, str(error)
print(json.dumps(found))
"""


def commands(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Exit code and messages of each command, all run by one process that has no torch."""
    folder = tmp_path_factory.mktemp("without-torch")
    (folder / "text.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    rows = [f"{line}\t{'study' if '공부' in line else 'rest'}" for line in LINES]
    (folder / "labelled.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
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


@pytest.mark.parametrize("command", [*commands(NEURAL), "munmaek.Translator"])
def test_what_needs_torch_says_so_in_a_line(done: dict[str, tuple[int, str]], command: str) -> None:
    code, messages = done[command]
    assert code == 2, messages
    assert messages.removeprefix("munmaek: ").rstrip("\n") == (
        "this needs PyTorch, which is not installed; run 'pip install torch', or use n-grams, "
        "which do without"
    )
