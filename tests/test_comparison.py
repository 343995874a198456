"""Every task is compared in one way: a row for each model, a table, a report, remarks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Run
from munmaek.comparison import CompareSettings, compare
from munmaek.comparison.exported import exported
from munmaek.comparison.report import render_report
from munmaek.comparison.schema import check_results
from munmaek.comparison.settings import Candidate
from munmaek.errors import InputError, UnsupportedError
from munmaek.phrases import phrasebook
from munmaek.tasks import TASKS, Task, tasks
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.work import Work

SIZES: dict[str, dict[str, Any]] = {
    "rnn": {"embedding": 4, "hidden": 6},
    "attention": {"embedding": 4, "hidden": 6},
    "bert": {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "max_position_embeddings": 256,
    },
}
STAGES = {"translate": "attention", "tag": "bert", "mlm": "bert", "embed": "bert"}
"""The stage that is compared of a task, else rnn."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Files of every task, and pairs of texts under ``pairs``."""
    folder = tmp_path_factory.mktemp("data")
    rows = phrasebook(pairs=400, valid=30, test=30).test
    texts = {
        "ko.txt": [each.korean for each in rows],
        "en.txt": [each.english for each in rows],
        "labels.tsv": [f"{each.korean}\t{each.label}" for each in rows],
        "values.tsv": [f"{each.korean}\t{len(each.korean)}" for each in rows],
        "pairs.tsv": [f"{each.korean}\t{each.english}" for each in rows],
        "words.tsv": [
            line
            for each in rows
            for line in (*(f"{word}\t{len(word) > 2}" for word in each.korean.split()), "")
        ],
    }
    for name, lines in texts.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = {
        "lm": ["ko.txt"],
        "classify": ["labels.tsv"],
        "regress": ["values.tsv"],
        "tag": ["words.tsv"],
        "translate": ["ko.txt", "en.txt"],
        "mlm": ["ko.txt"],
        "embed": ["ko.txt"],
        "pairs": ["pairs.tsv"],
    }
    return {task: [str(folder / name) for name in names] for task, names in files.items()}


def _settings(task: str, data: dict[str, list[str]], **more: Any) -> CompareSettings:
    stage = STAGES.get(task, "rnn")
    recipe = Recipe.of(
        {"task": task, "stage": stage, "vocab_size": 280, "train": {"steps": 2, "validations": 1}}
    )
    tested = data["pairs"] if task == "embed" else data[task]
    given = {"candidates": (Candidate(stage),), "train": data[task], "test": tested, **more}
    return CompareSettings(recipe=recipe, models=SIZES, **given)


@pytest.mark.parametrize("task", [row.name for row in TASKS])
def test_every_task_is_compared_and_reported(
    task: str, data: dict[str, list[str]], tmp_path: Path
) -> None:
    results = compare(_settings(task, data, folder=tmp_path / "out"))
    [row] = results["models"]
    assert row["task"] == task
    assert {"train_seconds", "bytes", "use_per_second", "diagnosis"} <= row.keys()
    assert tasks()[task].headline[0] in row["scores"] or tasks()[task].headline[1] in row["scores"]
    assert results["data"][0]["test"] == 30
    kept = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert kept["models"][0]["scores"] == row["scores"]
    for language in ("en", "ko"):
        assert f'<section id="{task}">' in render_report(kept, language=language)


def test_texts_alone_measure_nothing_of_embeddings(data: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match=r"texts alone.*--test FILE, a table of pairs"):
        compare(_settings("embed", data, test=()))


def test_an_encoder_of_masked_words_stands_beside_one_of_texts(
    data: dict[str, list[str]], tmp_path: Path
) -> None:
    compare(_settings("mlm", data, folder=tmp_path / "mlm"))
    masked = tmp_path / "mlm" / "models" / "mlm-bert"
    candidates = (Candidate(None, masked), Candidate("bert", masked))
    rows = compare(_settings("embed", data, candidates=candidates))["models"]
    assert [row["task"] for row in rows] == ["embed", "embed"]
    with pytest.raises(UnsupportedError, match="a model for 'mlm' cannot be compared at 'lm'"):
        compare(_settings("lm", data, candidates=(Candidate(None, masked),)))


def test_a_task_has_a_row_and_its_work_has_every_answer() -> None:
    for row in TASKS:
        assert isinstance(row, Task)
        work = row.loaded()
        assert isinstance(work, Work)
        assert row.serves(row.name)
        assert all(tasks()[name].serves(row.name) for name in row.also)


@pytest.mark.parametrize("length", [None, float("nan"), 0, "long"])
def test_a_length_that_is_no_number_above_nought_is_refused_in_a_line(length: object) -> None:
    with pytest.raises(InputError, match="results: damaged"):
        check_results({"work": [{"length": [length]}]})
    check_results({"work": [{"length": [8, 16.0]}]})


# Seeds


@pytest.mark.filterwarnings("ignore:discounts of order")
def test_models_of_several_seeds_are_one_row_of_means_with_their_spread(
    data: dict[str, list[str]], tmp_path: Path
) -> None:
    seeds, stages = (3, 1, 7), (Candidate("rnn"), Candidate("ngram"))
    asked = _settings("classify", data, candidates=stages, seeds=seeds, folder=tmp_path / "out")
    results = compare(asked)
    check_results(results)
    network, counted = results["models"]
    assert [run["seed"] for run in network["seeds"]] == list(seeds)
    assert "seeds" not in counted
    models = tmp_path / "out" / "models"
    assert {each.name for each in models.iterdir()} == {
        "classify-rnn", "classify-rnn-seed-1", "classify-rnn-seed-7", "classify-ngram",
    }  # fmt: skip
    for seed, run in zip(seeds, network["seeds"], strict=True):
        single = compare(_settings_of_seed(data, seed, split=0))["models"][0]
        assert run["scores"]["ece"] == pytest.approx(single["scores"]["ece"]["value"], rel=1e-6)
    errors = [run["scores"]["ece"] for run in network["seeds"]]
    assert len(set(errors)) == 3
    score = network["scores"]["ece"]
    assert (score["low"], score["high"]) == (None, None)
    assert score["value"] == pytest.approx(np.mean(errors))
    assert network["spread"]["ece"] == pytest.approx(np.std(errors, ddof=1))
    assert "seeds:3+1+7" in score["signature"]
    accuracy = network["scores"]["accuracy"]["value"]
    pair = next(each for each in results["tests"] if each["metric"] == "accuracy")["pairs"][0]
    difference = accuracy - counted["scores"]["accuracy"]["value"]
    assert pair["difference"] == pytest.approx(difference)
    assert " ± " in exported(results, "markdown")
    for language, word in (("en", "standard deviation"), ("ko", "표준편차")):
        page = render_report(results, language=language)
        assert "± " in page
        assert word in page


def _settings_of_seed(data: dict[str, list[str]], seed: int, *, split: int) -> CompareSettings:
    made = _settings("classify", data, candidates=(Candidate("rnn"),))
    changed = {"seed": seed, "hold_out_seed": split}
    return replace(made, recipe=made.recipe.model_copy(update=changed))


@pytest.mark.parametrize(
    ("models", "seeds", "said"),
    [
        ("ngram", "1 2", "counted or trained already"),
        ("rnn", "1", "two different seeds"),
        ("rnn", "1 1", "two different seeds"),
        ("rnn", "1 x", "whole numbers wanted, got 'x'"),
    ],
)
def test_seeds_that_change_nothing_are_refused(
    models: str, seeds: str, said: str, data: dict[str, list[str]], run: Run
) -> None:
    asked = ("--task", "classify", "--models", models, "--seeds", seeds)
    done = run("compare", *data["classify"], *asked)
    assert done.code == 2
    assert said in done.err
