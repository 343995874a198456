"""A stage and a task of another package go all the way by their entry points alone."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import munmaek
from conftest import Result
from munmaek.models import entry_points, stages
from munmaek.tasks import tasks

Run = Callable[..., Result]
WORDS = {"좋다": 2, "그저 그렇다": 1, "나쁘다": 0}
THINGS = ("영화가", "책이", "날씨가", "음식이", "소리가")
TEXTS = [f"{what} {how}" for what in THINGS for how in WORDS] * 6
GRADES = [WORDS[text.split(" ", 1)[1]] for text in TEXTS]
QUICK: dict[str, Any] = {
    "epochs": 12, "max_tokens": 64, "tokenizer": "words", "learning_rate": 0.03
}  # fmt: skip
OPTIONS = [
    "--epochs", "12", "--max-tokens", "64", "--tokenizer", "words", "--learning-rate", "0.03",
    "--device", "cpu",
]  # fmt: skip


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package on the path, as if it was installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "plugins"))
    for read_once in (entry_points, stages, tasks):
        read_once.cache_clear()
    yield
    for name in [name for name in sys.modules if name.startswith("munmaek_grades")]:
        del sys.modules[name]
    for read_once in (entry_points, stages, tasks):
        read_once.cache_clear()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "graded.tsv"
    rows = "".join(f"{text}\t{grade}\n" for text, grade in zip(TEXTS, GRADES, strict=True))
    path.write_text(rows, encoding="utf-8")
    return path


def test_both_stand_in_the_tables_behind_ours() -> None:
    assert [*stages()][-1] == "bag"
    assert [*tasks()][-1] == "grade"


def test_a_task_of_another_package_is_trained_and_measured_from_memory(tmp_path: Path) -> None:
    model = munmaek.train("grade", TEXTS, GRADES, model="bag", hidden_size=8, device="cpu", **QUICK)
    assert repr(model).startswith("<Grader bag of words, grades 0 to 2, ")
    assert model.info.scores["mean_error"]["value"] < 0.3
    model.save(tmp_path / "m")
    again = munmaek.load(tmp_path / "m")
    assert again.grade(TEXTS[:3]) == model.grade(TEXTS[:3])
    assert munmaek.evaluate(again, TEXTS, GRADES)["mean_error"].value < 0.3


def test_a_task_of_another_package_goes_through_the_command_line(
    table: Path, tmp_path: Path, run: Run
) -> None:
    done = run("train", "grade", table, "--model", "bag", *OPTIONS, "-o", tmp_path / "m", "--json")
    assert done.code == 0, done.err
    assert done.rows[0]["scores"]["mean_error"]["value"] < 0.3
    done = run("evaluate", tmp_path / "m", table, "--json")
    assert done.rows[0]["scores"]["mean_error"]["value"] < 0.3
    models, report = f"bag,{tmp_path / 'm'}", ("-o", tmp_path / "both", "--json")
    done = run("compare", table, "--task", "grade", "--models", models, *OPTIONS, *report)
    assert done.code == 0, done.err
    assert len(done.rows[0]["models"]) == 2
    assert (tmp_path / "both" / "report.html").is_file()
    done = run("verify", tmp_path / "m")
    assert done.code == 0, done.err
    done = run("train", "grade", "--help")
    assert "--hidden-size" in done.out
    assert "--max-length" in done.out


def test_a_stage_of_another_package_does_our_task_and_is_looked_into(
    table: Path, tmp_path: Path, run: Run
) -> None:
    done = run(
        "train", "classify", table, "--model", "bag", *OPTIONS, "-o", tmp_path / "m", "--json"
    )
    assert done.code == 0, done.err
    assert done.rows[0]["scores"]["accuracy"]["value"] > 0.8
    done = run("compare", table, "--task", "classify", "--models", "bag,ngram", *OPTIONS, "--json")
    assert done.code == 0, done.err
    assert {row["stage"] for row in done.rows[0]["models"]} == {"bag", "ngram"}
    done = run("look", tmp_path / "m", TEXTS[0], "-o", tmp_path / "look.html")
    assert done.code == 0, done.err
    page = (tmp_path / "look.html").read_text(encoding="utf-8")
    begin = page.index('{"munmaek_record"')
    record = json.JSONDecoder().raw_decode(page[begin:])[0]
    assert record["stage"] == "bag"
    assert munmaek.load(tmp_path / "m").predict(["영화가 나쁘다"])[0].label == "0"
