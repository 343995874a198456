"""A search varies the options that have a range, keeps the best model, and can be gone on with."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import munmaek
from munmaek.cli import main
from munmaek.errors import ConfigError, InputError
from munmaek.metrics.score import lower_is_better
from munmaek.models import stages_for
from munmaek.tasks import TASKS
from munmaek.tasks.recipe import Recipe
from munmaek.tuning.space import applied, defaults, space_of
from munmaek.tuning.study import signed

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

BOOK = munmaek.phrasebook(pairs=240, valid=10, test=10).train
KOREAN, ENGLISH = [each.korean for each in BOOK], [each.english for each in BOOK]
LABELS = [each.label for each in BOOK]
WORDS = [text.split() for text in KOREAN]
DATA: dict[str, tuple[Any, ...]] = {
    "lm": (KOREAN,),
    "classify": (KOREAN, LABELS),
    "regress": (KOREAN, [float(len(each)) for each in KOREAN]),
    "tag": (WORDS, [["N" if len(each) > 2 else "V" for each in row] for row in WORDS]),
    "translate": (KOREAN, ENGLISH),
    "mlm": (KOREAN,),
    "embed": (KOREAN, ENGLISH),
}
PAIRS = [(task.name, stage.name) for task in TASKS for stage in stages_for(task.name)]


@pytest.mark.parametrize(("task", "stage"), PAIRS)
def test_every_stage_and_task_has_ranges_within_the_bounds_of_its_options(
    task: str, stage: str
) -> None:
    recipe = Recipe(task=task, stage=stage)
    space = space_of(recipe, begun=False)
    assert len(space) >= 2
    for each in space:
        how = each.searched
        for value in how.choices or (how.low, how.high):
            # Some need another one beside them, such as heads that divide a width.
            with suppress(ConfigError):
                applied(recipe, {each.name: value})
                continue
            beside = {"model.hidden_size": 512, "model.dimension": 512}
            fitting = {name: 512 for name in beside if name in {other.name for other in space}}
            applied(recipe, {**fitting, each.name: value})
    assert applied(recipe, defaults(space)).stage_config() == recipe.stage_config()


def test_what_is_given_stays_and_what_training_begins_from_keeps_its_sizes() -> None:
    given = Recipe(task="classify", stage="rnn", model={"dropout": 0.1}, max_tokens=512)
    names = {each.name for each in space_of(given, begun=False)}
    assert {"model.hidden", "train.learning_rate", "word_dropout"} <= names
    assert names.isdisjoint({"model.dropout", "max_tokens"})
    begun = [each.name for each in space_of(Recipe(task="classify", stage="bert"), begun=True)]
    assert not any(name.startswith("model.") for name in begun)
    only = space_of(given, begun=False, only=["--learning-rate", "hidden_size"])
    assert [each.name for each in only] == ["train.learning_rate", "model.hidden"]
    with pytest.raises(ConfigError, match=r"no option that is searched for; did you mean word_dr"):
        space_of(given, begun=False, only=["word-dropot"])
    counted = {each.name for each in space_of(Recipe(task="lm", stage="ngram"), begun=False)}
    assert counted == {"model.order", "model.smoothing"}


@pytest.mark.parametrize("task", [each.name for each in TASKS])
def test_every_task_is_searched_by_its_leading_score(task: str) -> None:
    stage = stages_for(task)[-1]
    width = "hidden_size" if "hidden_size" in stage.config_class().options.values() else "dimension"
    options: dict[str, Any] = {"layers": 1, "heads": 1, "steps": 2, "vocab_size": 300, width: 16}
    if task == "translate":  # which writes up to its longest until it has learned to end
        options["max_length"] = 16
    found = munmaek.tune(
        task,
        *DATA[task],
        model=stage.name,
        trials=munmaek.Trials(2, only=["learning_rate"]),
        device="cpu",
        hold_out=12,
        **options,
    )
    row = next(each for each in TASKS if each.name == task)
    assert found.metric in row.headline
    values = [signed(each.scores, found.metric) for each in found.trials]
    assert signed({found.metric: found.score}, found.metric) == max(values)
    assert lower_is_better(found.metric) == (task == "lm")
    assert found.model.info.scores[found.metric]["value"] == found.score
    assert [each.state for each in found.trials] == ["done", "done"]
    assert found.options.keys() == {"train.learning_rate"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tuning") / "data.tsv"
    rows = [f"{text}\t{label}\n" for text, label in zip(KOREAN, LABELS, strict=True)]
    path.write_text("".join(rows), encoding="utf-8")
    return path


NEURAL = "--model rnn --epochs 2 --hold-out 40 --set model.hidden=32 --only dropout"


def test_the_best_options_train_the_same_model_again(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best, again = tmp_path / "best", tmp_path / "again"
    options = f"{NEURAL} --only learning-rate --only embedding-size --trials 7"
    command = f"tune classify {table} {options} -o {best}"
    assert main(command.split()) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split() == ["trial", "accuracy", "time", "state", "options"]
    trials = best.with_name("best.trials")
    assert "best.toml" in said.err
    files = {each.name for each in trials.iterdir() if each.is_file()} - {"journal.jsonl.lock"}
    assert files == {"best.toml", "journal.jsonl", "trials.csv", "trials.html", "trials.svg"}
    rows = [*csv.DictReader((trials / "trials.csv").read_text("utf-8").splitlines())]
    assert [row["trial"] for row in rows] == [str(number) for number in range(7)]
    assert rows[0]["train.learning_rate"] == "0.001"  # the options as they are come first
    assert {row["state"] for row in rows} <= {"done", "given up"}
    accuracies = {row["trial"]: float(row["accuracy"]) for row in rows if row["state"] == "done"}
    kept = [each.name for each in trials.iterdir() if each.is_dir()]
    assert len(kept) == 1
    assert accuracies[kept[0].removeprefix("trial-")] == max(accuracies.values())
    page = (trials / "trials.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == len(rows)
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    command = f"train classify {table} --config {trials / 'best.toml'} -o {again}"
    assert main(command.split()) == 0
    assert (again / "model.safetensors").read_bytes() == (best / "model.safetensors").read_bytes()


def test_a_search_is_gone_on_with_and_refuses_another(table: Path, tmp_path: Path) -> None:
    best = tmp_path / "best"
    command = f"tune classify {table} --model ngram -o {best}"
    assert main([*command.split(), "--trials", "2"]) == 0
    assert main([*command.split(), "--trials", "2"]) == 2
    assert main([*command.split(), "--trials", "4", "--resume"]) == 0
    rows = (tmp_path / "best.trials" / "trials.csv").read_text().splitlines()
    assert len(rows) == 5
    assert main([*command.split(), "--trials", "5", "--resume", "--order", "2"]) == 2
    assert main([*command.split(), "--trials", "1", "--force"]) == 0
    (tmp_path / "best.trials" / "mine.txt").write_text("mine")
    assert main([*command.split(), "--trials", "1", "--force"]) == 2


def test_time_ends_a_search_and_leaves_the_best_so_far(table: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"hidden_size": 16, "embedding_size": 16, "epochs": 400}
    found = munmaek.tune(
        "classify", str(table), model="rnn", budget=1.5, save=tmp_path / "best", **options
    )
    assert [each.state for each in found.trials] == ["cut short"]
    assert munmaek.load(tmp_path / "best").info.scores[found.metric]["value"] == found.score


def test_two_processes_share_the_trials(table: Path, tmp_path: Path) -> None:
    best = tmp_path / "best"
    command = f"tune classify {table} --model ngram --trials 4 --jobs 2 -o {best} --json"
    done = subprocess.run(
        [sys.executable, "-m", "munmaek", *command.split()], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert 4 <= len(found["trials"]) <= 5
    scores = [each["scores"]["accuracy"] for each in found["trials"]]
    assert found["score"]["accuracy"] == max(scores)
    assert munmaek.load(best).info.scores["accuracy"]["value"] == max(scores)
    with pytest.raises(InputError, match="several processes read files"):
        munmaek.tune("classify", KOREAN, LABELS, model="ngram", trials=munmaek.Trials(jobs=2))


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_an_interrupt_leaves_what_is_done(table: Path, tmp_path: Path) -> None:
    best = tmp_path / "best"
    command = f"tune classify {table} {NEURAL} --epochs 300 --trials 9 -o {best}"
    process = subprocess.Popen(
        [sys.executable, "-m", "munmaek", *command.split()], stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    log = tmp_path / "best.trials" / "trial-0.partial" / "log.jsonl"
    for _ in range(600):
        if log.exists() and log.read_text():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "--resume goes on" in said
    assert munmaek.load(best).info.training["stopped"] == "interrupted"


def test_search_says_where_options_are_searched(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "classify", str(table), "x"]) == 2
    assert "'munmaek tune classify'" in capsys.readouterr().err


def test_optuna_is_missed_in_one_line(
    monkeypatch: pytest.MonkeyPatch, table: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(munmaek.MunmaekError, match=r"pip install 'munmaek\[search\]'"):
        munmaek.tune("classify", str(table), model="ngram", save=tmp_path / "best")
    assert not any(tmp_path.iterdir())
