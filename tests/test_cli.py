"""The command line end to end, on models small enough to be trained here."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Result, Run
from munmaek.cli import main
from munmaek.cli.app import VERBS as ALL_VERBS
from munmaek.cli.labelled import parse_numbers
from munmaek.cli.options import column
from munmaek.durations import parse_duration
from munmaek.errors import ConfigError
from munmaek.fit.holding import parse_hold_out
from munmaek.memory import parse_size
from munmaek.tasks.loading import load

pytestmark = pytest.mark.usefixtures("one_thread_throughout")

SUBJECTS = ("나는", "너는", "우리는", "그는")
PLACES = ("학교에서", "집에서", "공원에서", "방에서", "가게에서")
VERBS = ("공부한다", "잔다", "논다", "기다린다", "읽는다")
IN_ENGLISH = {
    "나는": "I",
    "너는": "you",
    "우리는": "we",
    "그는": "he",
    "학교에서": "at school",
    "집에서": "at home",
    "공원에서": "in the park",
    "방에서": "in the room",
    "가게에서": "in the shop",
    "공부한다": "study",
    "잔다": "sleep",
    "논다": "play",
    "기다린다": "wait",
    "읽는다": "read",
}

TINY = {
    "rnn": "embedding = 16\nhidden = 16",
    "attention": "embedding = 16\nhidden = 16\nencoder_hidden = 8",
    "seq2seq": "embedding = 16\nhidden = 16",
    "bert": "hidden_size = 16\nnum_hidden_layers = 1\nnum_attention_heads = 2\n"
    "intermediate_size = 32",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small data and one trained model for each verb."""
    folder = tmp_path_factory.mktemp("cli")
    korean = [f"{s} {p} {v}" for s in SUBJECTS for p in PLACES for v in VERBS]
    english = [
        f"{IN_ENGLISH[s]} {IN_ENGLISH[v]} {IN_ENGLISH[p]}" for s, p, v in map(str.split, korean)
    ]
    (folder / "ko.txt").write_text("\n".join(korean * 2) + "\n", encoding="utf-8")
    (folder / "en.txt").write_text("\n".join(english * 2) + "\n", encoding="utf-8")
    labels = "".join(f"{line}\t{'me' if line.startswith('나') else 'other'}\n" for line in korean)
    (folder / "labels.tsv").write_text(labels, encoding="utf-8")
    for stage, text in TINY.items():
        options = f"[model]\n{text}\n[train]\nsteps = 4\n"
        (folder / f"{stage}.toml").write_text(options, encoding="utf-8")
    for name, arguments in {
        "ngram": ("lm", "ko.txt", "--model", "ngram", "--order", "2"),
        "rnn": ("lm", "ko.txt", "--model", "rnn", "--config", "rnn.toml"),
        "classifier": (
            "classify",
            "labels.tsv",
            "--model",
            "attention",
            "--config",
            "attention.toml",
        ),
        "attention": (
            "translate",
            "ko.txt",
            "en.txt",
            "--model",
            "attention",
            "--config",
            "attention.toml",
        ),
        "seq2seq": (
            "translate",
            "ko.txt",
            "en.txt",
            "--model",
            "seq2seq",
            "--config",
            "seq2seq.toml",
        ),
        "bert": ("mlm", "ko.txt", "--model", "bert", "--config", "bert.toml"),
    }.items():
        placed = [str(folder / each) if "." in each else each for each in arguments]
        code = main(["train", *placed, "--tokenizer", "words", "-o", str(folder / name)])
        assert code == 0, name
    return folder


@pytest.fixture
def three_lines(tmp_path: Path) -> Path:
    """A sentence, an empty line, a sentence."""
    path = tmp_path / "three.txt"
    path.write_text("나는 학교에서 공부한다\n\n그는 집에서 잔다\n", encoding="utf-8")
    return path


# Help and usage.


def test_help_is_quick_and_loads_neither_torch_nor_numba_nor_pydantic() -> None:
    code = (
        "import resource, sys\n"
        "from munmaek.cli import main\n"
        "main(['--help'])\n"
        "heavy = {'torch', 'numba', 'numpy', 'pydantic', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # A generous bound, so that a busy machine does not fail it: the aim is 0.4 s.
    assert float(done.stdout.split()[-1]) < 1.0


def test_the_list_of_verbs_loads_none_and_says_what_each_says_of_itself(run: Run) -> None:
    code = (
        "import sys, runpy\n"
        "sys.argv = ['munmaek', '--help']\n"
        "try:\n    runpy.run_module('munmaek', run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "from munmaek.cli.app import VERBS, Verb\n"
        "verbs = [each for each in VERBS.values() if isinstance(each, Verb)]\n"
        "homes = {'munmaek.cli.' + each.home.partition(':')[0] for each in verbs}\n"
        "assert len(homes) > 20\n"
        "print(sorted(homes & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    listed = run("--help").out
    for name, verb in ALL_VERBS.items():
        short = verb.command(name).get_short_help_str(200)
        assert verb.help.startswith(short), name
        assert f"  {name:9}  {short}\n" in listed


def test_opening_a_model_loads_nothing_that_only_training_needs(home: Path) -> None:
    names = ("rnn", "classifier", "attention", "seq2seq", "bert")
    code = (
        "import sys, munmaek\n"
        f"for place in {[str(home / each) for each in names]!r}:\n    munmaek.load(place)\n"
        "training = {'munmaek.fit.loop', 'torch._dynamo', 'torch.distributed.tensor', 'sympy'}\n"
        "print(sorted(training & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


VERBS_OF_MUNMAEK = (
    *("demo", "train", "train lm", "train translate", "config", "config mlm", "info"),
    *("evaluate", "score", "generate", "classify", "translate", "fill"),
    *("embed", "align", "compare", "look", "data list", "data get"),
    *("export", "import", "verify", "rate", "tag", "mix", "filter"),
)


@pytest.mark.parametrize("verb", VERBS_OF_MUNMAEK)
def test_every_verb_has_help_with_an_example_and_json(run: Run, verb: str) -> None:
    result = run(*verb.split(), "--help")
    assert result.code == 0
    assert re.search(rf"Examples?:\n  .*munmaek {verb}", result.out)
    assert "--json" in result.out


def test_the_program_says_its_version(run: Run) -> None:
    assert re.fullmatch(r"munmaek \d+\.\d+\.\d+\n", run("--version").out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nonsense", "see 'munmaek --help'"),
        ("train lm", "see 'munmaek train lm --help'"),
        ("score", "see 'munmaek score --help'"),
        ("score m --nonsense", "see 'munmaek score --help'"),
        ("demo --seed -1", "see 'munmaek demo --help'"),
        ("generate m --temperature 0", "--temperature 0.0: must be above 0"),
        ("generate m --top-p 1.5", "--top-p 1.5: must be above 0 and at most 1"),
        ("look m -o page.html", "no sentence to look into"),
        ("look m one two --target three", "--target goes with one sentence, got 2"),
        ("data get nonsense", "unknown data set 'nonsense'; known: tinyshakespeare"),
        ("data get nsmc", "its home is https://github.com/e9t/nsmc"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(run: Run, arguments: str, said: str) -> None:
    result = run(*arguments.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("munmaek: ")
    assert result.err.count("\n") == 1
    assert said in result.err


def test_the_bare_program_shows_its_help(run: Run) -> None:
    result = run()
    assert result.code == 2
    assert "Commands:" in result.err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("45", 45), ("1.5h", 5400), ("2m 5s", 125)],
)
def test_a_span_of_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "5x", "m5", "-5m", "5m1h", "inf", "nan", "1e3"])
def test_what_is_no_span_of_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write 90s, 5m, 1h30m"):
        parse_duration(text)


def test_numbers_of_thousands_of_digits_are_refused_in_a_line() -> None:
    digits = "9" * 5000
    for parse, text in (
        (parse_duration, f"{digits}m"),
        (parse_size, f"{digits}M"),
        (parse_hold_out, digits),
        (parse_hold_out, f"{digits}%"),
        (lambda text: parse_numbers([text], option="--seeds"), digits),
    ):
        with pytest.raises(ValueError, match="9999") as refused:
            parse(text)
        assert "Exceeds the limit" not in str(refused.value)
    assert column(digits) == digits


# Bad input.


def _write_bad_files(folder: Path) -> None:
    (folder / "empty.txt").write_bytes(b"")
    (folder / "latin.txt").write_bytes("좋다\n".encode() + "caf\u00e9\n".encode("latin-1"))
    (folder / "columns.tsv").write_text("좋다\tgood\n나쁘다\n", encoding="utf-8")
    (folder / "short.txt").write_text("나는 잔다\n", encoding="utf-8")
    (folder / "taken.npy").write_bytes(b"")
    (folder / "unknown.toml").write_text("[train]\nlearning_rats = 1\n", encoding="utf-8")
    (folder / "outer.toml").write_text("vocabulary = 1\n", encoding="utf-8")
    (folder / "broken.toml").write_text("[train\n", encoding="utf-8")
    (folder / "table.toml").write_text("train = 3\n", encoding="utf-8")
    (folder / "budget.toml").write_text("[train]\nbudget = 'soon'\n", encoding="utf-8")
    (folder / "unseen.tsv").write_text("나는 잔다\tthird\n", encoding="utf-8")
    (folder / "taken").mkdir()
    (folder / "taken" / "precious.txt").write_text("keep", encoding="utf-8")


BAD = [
    ("train lm {bad}/missing.txt --model rnn -o {new}", ["missing.txt", "no such file"]),
    ("train lm {bad}/empty.txt --model rnn -o {new}", ["empty.txt", "empty"]),
    ("train lm {bad}/taken --model rnn -o {new}", ["taken: is a directory"]),
    ("train lm {bad}/latin.txt --model rnn -o {new}", ["latin.txt", "line 2", "UTF-8"]),
    ("train classify {bad}/columns.tsv --model rnn -o {new}", ["columns.tsv", "line 2"]),
    (
        "train translate {home}/ko.txt {bad}/short.txt --model attention -o {new}",
        ["200", "short.txt has 1"],
    ),
    ("train lm {bad}/short.txt --model ngram --hold-out 5% -o {new}", ["too small"]),
    (
        "train lm {bad}/short.txt --valid {home}/ko.txt --model ngram --order 5 -o {new}",
        ["order 5", "too high"],
    ),
    (
        "train classify {home}/labels.tsv --valid {bad}/unseen.tsv --model rnn -o {new}",
        ["unseen.tsv", "'third'", "me, other"],
    ),
    (
        "train lm {home}/ko.txt --model rnn --config {bad}/unknown.toml -o {new}",
        ["unknown.toml", "learning_rats"],
    ),
    (
        "train lm {home}/ko.txt --model rnn --config {bad}/outer.toml -o {new}",
        ["outer.toml", "vocabulary"],
    ),
    (
        "train lm {home}/ko.txt --model rnn --config {bad}/broken.toml -o {new}",
        ["broken.toml", "TOML", "line 1"],
    ),
    (
        "train lm {home}/ko.txt --model rnn --config {bad}/table.toml -o {new}",
        ["table.toml", "[train]"],
    ),
    (
        "train lm {home}/ko.txt --model rnn --config {bad}/budget.toml -o {new}",
        ["budget.toml", "soon"],
    ),
    ("train lm {home}/ko.txt --model rnn --config {bad}/none.toml -o {new}", ["none.toml"]),
    ("train lm {home}/ko.txt --model rnn --budget 5x -o {new}", ["5x", "90s"]),
    ("train lm {home}/ko.txt -o {new}", ["--model", "ngram, rnn"]),
    ("train lm {home}/ko.txt --model nonsense -o {new}", ["nonsense", "the lineage is ngram"]),
    ("train lm {home}/ko.txt --model seq2seq -o {new}", ["'seq2seq' cannot do the task 'lm'"]),
    ("train sing {home}/ko.txt --model rnn -o {new}", ["'sing'", "lm, classify"]),
    ("train lm {home}/ko.txt --model rnn --order 3 -o {new}", ["--order", "ngram"]),
    ("train lm {home}/ko.txt --model rnn --tokenizer magic -o {new}", ["tokenizer", "'magic'"]),
    ("train lm {home}/ko.txt --model rnn --device warp -o {new}", ["--device warp"]),
    ("train lm {home}/ko.txt --model rnn --init {home}/bert -o {new}", ["--init", "'bert'"]),
    ("train lm {home}/ko.txt --model rnn -o {bad}/taken", ["taken", "--force"]),
    ("train lm {home}/ko.txt --model rnn -o {bad}/taken --force", ["not made by munmaek"]),
    ("evaluate {bad}/nowhere {home}/ko.txt", ["nowhere", "no such folder"]),
    ("evaluate {bad}/taken {home}/ko.txt", ["taken", "munmaek.json"]),
    ("evaluate {home}/ngram {bad}/missing.txt", ["missing.txt"]),
    ("evaluate {home}/attention {home}/ko.txt {bad}/short.txt", ["200", "short.txt has 1"]),
    ("score {home}/ngram {bad}/latin.txt", ["latin.txt", "line 2"]),
    ("score {home}/classifier {home}/ko.txt", ["'classify'", "score needs"]),
    ("generate {home}/bert", ["'mlm'", "generate needs 'lm'"]),
    ("classify {home}/rnn {home}/ko.txt", ["'lm'", "classify needs 'classify'"]),
    ("translate {home}/rnn {home}/ko.txt", ["'lm'", "translate needs 'translate'"]),
    ("fill {home}/bert 나는", ["<mask>"]),
    ("embed {home}/rnn {home}/ko.txt", ["embed needs 'embed' or 'mlm'"]),
    ("embed {home}/bert {home}/ko.txt -o {bad}/short.txt", ["short.txt", "--force"]),
    ("embed {home}/bert {home}/ko.txt -o {bad}/taken.npy", ["taken.npy", "--force"]),
    ("embed {home}/bert {home}/ko.txt -o {bad}", ["bad", ".jsonl", ".npy is wanted"]),
    ("align {home}/seq2seq {home}/ko.txt {home}/en.txt", ["no attention"]),
    ("align {home}/attention {home}/ko.txt {bad}/short.txt", ["200", "short.txt has 1"]),
    ("look {home}/ngram 나는 -o {bad}/short.txt", ["short.txt", "--force"]),
    ("look {home}/ngram 나는 --target me -o {new}.html", ["--target", "translators"]),
    ("compare {home}/ko.txt --models ngram,bert", ["'bert' cannot do the task 'lm'"]),
    ("compare {home}/ko.txt --models ngram,nonsense", ["nonsense", "the lineage is"]),
    ("compare {home}/ko.txt --models ,", ["nothing to compare"]),
    ("compare {home}/ko.txt --models ngram -o {bad}/taken", ["taken", "--force"]),
    ("compare {home}/ko.txt --models ngram --task sing", ["'sing'"]),
    ("demo -o {bad}/taken", ["taken", "--force"]),
    ("export {home}/rnn --to arpa -o {new}", ["arpa is a form of n-gram", "has onnx"]),
    ("export {home}/bert --to compact -o {new}", ["compact", "has huggingface, onnx"]),
    ("export {home}/ngram --to onnx -o {new}", ["form of networks", "has arpa, compact"]),
]


@pytest.mark.parametrize(("command", "said"), BAD, ids=[command for command, _ in BAD])
def test_bad_input_is_one_line_and_code_2_and_leaves_nothing(
    run: Run, home: Path, tmp_path: Path, command: str, said: list[str]
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    _write_bad_files(bad)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    filled = command.format(bad=bad, home=home, new=tmp_path / "new")
    result = run(*filled.split())
    assert (result.code, result.out) == (2, "")
    complaint = [line for line in result.err.splitlines() if not line.startswith("munmaek: note:")]
    assert len(complaint) == 1, result.err
    assert complaint[0].startswith("munmaek: ")
    for part in said:
        assert part in complaint[0]
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-10]), "truncated"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x7f"), "altered"),
        (lambda path: path.unlink(), "missing"),
    ],
    ids=["truncated", "altered", "missing"],
)
def test_a_harmed_model_is_refused(
    run: Run, home: Path, tmp_path: Path, harm: Callable[[Path], Any], said: str
) -> None:
    shutil.copytree(home / "ngram", tmp_path / "model")
    harm(tmp_path / "model" / "model.safetensors")
    result = run("score", tmp_path / "model", home / "ko.txt")
    assert (result.code, result.out) == (2, "")
    assert "model.safetensors" in result.err
    assert said in result.err


def test_a_model_of_a_newer_format_is_refused(run: Run, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "ngram", tmp_path / "model")
    manifest = tmp_path / "model" / "munmaek.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, "format": 999}), encoding="utf-8")
    result = run("score", tmp_path / "model", home / "ko.txt")
    assert result.code == 2
    assert "format 999 is newer" in result.err


def test_a_full_disk_is_code_1_and_leaves_the_old_model_whole(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "ngram", tmp_path / "model")
    before = {path: path.read_bytes() for path in (tmp_path / "model").iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("munmaek.tasks.lm.ngrams.save_tables", full)
    monkeypatch.setattr("munmaek.tasks.lm.model.save_tables", full)
    train = ("train", "lm", home / "ko.txt", "--model", "ngram", "--order", "2", "--force")
    result = run(*train, "-o", tmp_path / "model")
    assert result.code == 1
    assert "disk is full" in result.err
    assert {path: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_the_output_is_one_line_and_code_1() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "munmaek", "data", "list"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "munmaek: output: the disk is full; make room and run again\n"


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "munmaek", "data", "list"], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 1


# Training.


def test_train_ends_with_scores_and_says_what_to_type_next(
    run: Run, home: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    asked = ("--model", "ngram", "--order", "2", "--hold-out", "5%")
    result = run("train", "lm", home / "ko.txt", *asked, "-o", model)
    assert result.code == 0
    assert re.search(r"^perplexity +\d", result.out, flags=re.MULTILINE)
    assert f"{model}: 2-gram" in result.out
    assert f"munmaek generate {model}" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_train_and_evaluate_give_the_same_scores_as_json(
    run: Run, home: Path, tmp_path: Path
) -> None:
    common = ("--model", "ngram", "--order", "2", "--valid", home / "ko.txt", "--json")
    trained = run("train", "lm", home / "ko.txt", *common, "-o", tmp_path / "model")
    evaluated = run("evaluate", tmp_path / "model", home / "ko.txt", "--json")
    first, second = trained.rows[0], evaluated.rows[0]
    assert len(trained.rows) == len(evaluated.rows) == 1
    roles = [(score.pop("role"), *score.pop("roles")) for score in first["scores"].values()]
    said = "validation, which is the training data"
    assert set(roles) == {(said, "validation", "trained_on")}
    again = [(score.pop("role"), *score.pop("roles")) for score in second["scores"].values()]
    assert set(again) == {("which is the training data", "trained_on")}
    assert all("they say nothing of new text" in each["remarks"].pop() for each in (first, second))
    assert first == second
    assert (first["model"], first["task"]) == (str(tmp_path / "model"), "lm")
    assert first["scores"]["perplexity"]["value"] > 1
    assert "task:lm|stage:ngram" in first["scores"]["perplexity"]["signature"]


def test_an_existing_model_is_replaced_only_by_force(run: Run, home: Path, tmp_path: Path) -> None:
    train = (
        "train",
        "lm",
        home / "ko.txt",
        "--model",
        "ngram",
        "-o",
        tmp_path / "model",
        "--order",
    )
    assert run(*train, 2).code == 0
    before = (tmp_path / "model" / "munmaek.json").read_bytes()
    refused = run(*train, 3)
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert (tmp_path / "model" / "munmaek.json").read_bytes() == before
    assert run(*train, 3, "--force").code == 0
    assert b'"order": 3' in (tmp_path / "model" / "munmaek.json").read_bytes()


def test_the_command_line_comes_before_the_file(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('stage = "ngram"\nseed = 4\n[model]\norder = 4\n')
    options = ("--config", tmp_path / "a.toml", "--order", 2, "-o", tmp_path / "model")
    assert run("train", "lm", home / "ko.txt", *options).code == 0
    manifest = json.loads((tmp_path / "model" / "munmaek.json").read_text(encoding="utf-8"))
    assert (manifest["stage"], manifest["config"]["order"]) == ("ngram", 2)


def test_a_pretrained_bert_begins_a_classifier(run: Run, home: Path, tmp_path: Path) -> None:
    train = ("train", "classify", home / "labels.tsv", "--model", "bert")
    options = ("--init", home / "bert", "--config", home / "bert.toml", "-o", tmp_path / "model")
    assert run(*train, *options).code == 0


def _interrupt(arguments: list[str], partial: Path, number: signal.Signals) -> Result:
    """Start training in a process of its own and signal it once it has told of a step."""
    process = subprocess.Popen(
        [sys.executable, "-m", "munmaek", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    log = partial / "log.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (log.exists() and log.stat().st_size):
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Result(process.returncode, out, err)


def test_an_interrupted_run_is_saved_and_goes_on(run: Run, home: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow.toml"
    training = "[train]\nsteps = 150\nlog_every = 0.05\nvalidations = 1\n"
    slow.write_text(f"[model]\n{TINY['rnn']}\n{training}")
    model = tmp_path / "model"
    arguments = ["train", "lm", str(home / "ko.txt"), "--model", "rnn", "--config", str(slow)]
    arguments += ["--tokenizer", "words", "-o", str(model), "--device", "cpu"]
    stopped = _interrupt(arguments, tmp_path / "model.partial", signal.SIGTERM)
    assert stopped.code == 130, stopped.err
    assert "stopping" in stopped.err
    assert "--resume" in stopped.err
    assert "perplexity" in stopped.out
    assert run("score", model, home / "ko.txt").code == 0
    assert run(*arguments).code == 2
    slow.write_text(f"[model]\n{TINY['rnn']}\n{training}learning_rate = 1.0\n")
    refused = run(*arguments, "--resume")
    assert refused.code == 2
    assert "'learning_rate': 1.0" in refused.err
    # How long it lasts is another matter.
    slow.write_text(f"[model]\n{TINY['rnn']}\n{training}".replace("150", "160"))
    assert run(*arguments, "--resume").code == 0
    manifest = json.loads((model / "munmaek.json").read_text(encoding="utf-8"))
    assert manifest["training"]["steps"] == 160
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "slow.toml"]


def test_an_interruption_before_there_is_anything_to_save_says_so(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("munmaek.tasks.loading.load", interrupted)
    result = run("score", home / "ngram", home / "ko.txt")
    assert (result.code, result.out, result.err) == (130, "", "munmaek: interrupted\n")


# Use.


def test_evaluate_prints_a_line_for_each_score(run: Run, home: Path) -> None:
    result = run("evaluate", home / "classifier", home / "labels.tsv")
    *scores, basis = result.lines
    assert [line.split()[0] for line in scores] == ["accuracy", "macro_f1", "ece"]
    assert all("munmaek:" in line for line in scores)
    assert basis == "on 100 texts of labels.tsv"


@pytest.mark.parametrize("model", ["ngram", "rnn", "bert"])
def test_score_gives_a_line_for_each_line(
    run: Run, home: Path, three_lines: Path, model: str
) -> None:
    result = run("score", home / model, three_lines)
    values, texts = zip(*(line.split("\t") for line in result.lines), strict=True)
    assert texts == ("나는 학교에서 공부한다", "", "그는 집에서 잔다")
    assert all(float(value) <= 0 for value in values)


def test_the_tokens_of_a_score_sum_to_it(run: Run, home: Path, three_lines: Path) -> None:
    for row in run("score", home / "rnn", three_lines, "--json").rows:
        assert row["logprob"] == pytest.approx(sum(each["logprob"] for each in row["tokens"]))
        assert row["tokens"][-1]["token"] == "</s>"


def test_text_comes_from_standard_input_too(
    run: Run, home: Path, three_lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with three_lines.open(encoding="utf-8") as text:
        monkeypatch.setattr("sys.stdin", text)
        piped = run("score", home / "ngram")
    assert piped == run("score", home / "ngram", three_lines)


def test_the_same_seed_generates_the_same_texts(run: Run, home: Path) -> None:
    generate = ("generate", home / "rnn", "나는", "--count", 3, "--seed", 7)
    first = run(*generate)
    assert first == run(*generate)
    assert len(first.lines) == 3
    assert all(line.startswith("나는") for line in first.lines)
    rows = run(*generate, "--json").rows
    assert [row["text"] for row in rows] == first.lines


def test_classify_gives_a_line_for_each_line_and_keeps_empty_ones(
    run: Run, home: Path, three_lines: Path
) -> None:
    lines = run("classify", home / "classifier", three_lines).lines
    assert len(lines) == 3
    assert lines[1] == ""
    assert lines[0].split("\t")[0] in ("me", "other")
    rows = run("classify", home / "classifier", three_lines, "--json").rows
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)
    assert rows[1] == {"text": "", "label": None, "probability": None, "probabilities": {}}


def test_translate_gives_a_line_for_each_line_and_keeps_empty_ones(
    run: Run, home: Path, three_lines: Path
) -> None:
    lines = run("translate", home / "attention", three_lines, "--beam", 2).lines
    assert len(lines) == 3
    assert lines[1] == ""
    rows = run("translate", home / "attention", three_lines, "--beam", 2, "--json").rows
    assert [row["translation"] for row in rows] == lines
    assert list(rows[0]) == ["source", "translation", "logprob", "alignment"]
    without = run("translate", home / "seq2seq", three_lines, "--json").rows
    assert without[0]["alignment"] is None


def test_fill_ranks_words_for_each_mask(run: Run, home: Path) -> None:
    rows = run("fill", home / "bert", "나는 <mask> <mask>", "--top", 3, "--json").rows
    assert [row["position"] for row in rows] == [0, 1]
    chances = [each["probability"] for each in rows[0]["candidates"]]
    assert len(chances) == 3
    assert chances == sorted(chances, reverse=True)
    apart = run("fill", home / "bert", "나는 <mask>", "--pair", "<mask> 간다", "--json").rows
    assert [row["position"] for row in apart] == [0, 1]
    model: Any = load(home / "bert")
    told = model.fill("나는 <mask>", pair="<mask> 간다")
    assert [row["candidates"][0]["token"] for row in apart] == [x.candidates[0][0] for x in told]
    lines = run("fill", home / "bert", "나는 <mask> <mask>", "--top", 3).lines
    assert [line.split("\t")[0] for line in lines] == ["1", "1", "1", "2", "2", "2"]


def test_embed_writes_the_same_vectors_in_every_form(
    run: Run, home: Path, three_lines: Path, tmp_path: Path
) -> None:
    assert run("embed", home / "bert", three_lines, "-o", tmp_path / "v.npy").code == 0
    vectors = np.load(tmp_path / "v.npy")
    assert (vectors.shape, vectors.dtype) == ((3, 16), np.float32)
    rows = run("embed", home / "bert", three_lines, "--json").rows
    np.testing.assert_allclose([row["embedding"] for row in rows], vectors, rtol=1e-6)
    lines = run("embed", home / "bert", three_lines).lines
    table = [[float(value) for value in line.split("\t")] for line in lines]
    np.testing.assert_allclose(table, vectors, rtol=1e-4, atol=1e-6)


def test_align_gives_a_line_of_links_for_each_pair(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "ko").write_text("나는 집에서 잔다\n\n나는 잔다\n", encoding="utf-8")
    (tmp_path / "en").write_text("I sleep at home\nnothing\nI sleep\n", encoding="utf-8")
    result = run("align", home / "attention", tmp_path / "ko", tmp_path / "en")
    assert len(result.lines) == 3
    assert result.lines[1] == ""
    links = [tuple(map(int, link.split("-"))) for link in result.lines[0].split()]
    assert links
    assert all(source < 3 and target < 4 for source, target in links)
    rows = run("align", home / "attention", tmp_path / "ko", tmp_path / "en", "--json").rows
    assert [tuple(link) for link in rows[0]["alignment"]] == links
    both = run(
        "align", home / "attention", tmp_path / "ko", tmp_path / "en", "--symmetrise", "union"
    )
    joined = {tuple(map(int, link.split("-"))) for link in both.lines[0].split()}
    assert set(links) <= joined
    assert {source for source, _ in joined} == {0, 1, 2}


def test_compare_tells_rows_and_writes_a_report(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f"[models.rnn]\n{TINY['rnn']}\n[train]\nsteps = 3\n")
    both = ("compare", home / "ko.txt", "--models", f"ngram,rnn,{home / 'ngram'}")
    options = ("--config", tmp_path / "c.toml", "--tokenizer", "words", "-o", tmp_path / "out")
    result = run(*both, *options, "--json")
    assert result.code == 0, result.err
    rows = result.rows[0]["models"]
    assert [row["stage"] for row in rows][:3] == ["ngram", "rnn", "ngram"]
    assert (
        json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["models"]
        == rows
    )
    assert (tmp_path / "out" / "report.html").is_file()
    assert run("score", tmp_path / "out" / "models" / "lm-rnn", home / "ko.txt").code == 0
    plain = run("compare", home / "ko.txt", "--models", str(home / "ngram"))
    assert "bits/character" in plain.out


@pytest.mark.parametrize("model", ["ngram", "rnn", "classifier", "attention", "seq2seq", "bert"])
def test_look_writes_one_page_for_every_kind_of_model(
    run: Run, home: Path, tmp_path: Path, model: str
) -> None:
    page = tmp_path / "page.html"
    result = run("look", home / model, "나는 학교에서 공부한다", "-o", page)
    assert result.code == 0
    text = page.read_text(encoding="utf-8")
    assert "나는 학교에서 공부한다" in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    record = run("look", home / model, "나는 학교에서 공부한다", "--json").rows[0]
    assert (record["munmaek_record"], record["text"]) == (2, "나는 학교에서 공부한다")


def test_data_list_names_licence_and_home_of_every_set(run: Run) -> None:
    for row in run("data", "list", "--json").rows[0]:
        assert row["licence"]
        assert row["home"].startswith("https://")
        assert all(re.fullmatch("[0-9a-f]{64}", file["sha256"]) for file in row["files"])
    assert "CC BY-SA 4.0" in run("data", "list").out
