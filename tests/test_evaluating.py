"""Evaluations from the command line and from Python: reports, thresholds, tests, earlier runs."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munmaek
from conftest import Result
from munmaek.comparison.exported import exported
from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.fit.holding import folds_of
from munmaek.folder.manifest import read_manifest
from munmaek.thresholds import choose_thresholds

Run = Callable[..., Result]
LINES = 600


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classifiers and two language models of n-grams, and what they are measured on."""
    place = tmp_path_factory.mktemp("evaluating")
    book = munmaek.phrasebook(pairs=LINES, valid=80, test=80)
    for name in ("train", "valid", "test"):
        rows = getattr(book, name)
        table = "".join(f"{each.korean}\t{each.label}\n" for each in rows)
        (place / f"{name}.tsv").write_text(f"text\tlabel\n{table}", encoding="utf-8")
        text = "".join(f"{each.korean}\n" for each in rows)
        (place / f"{name}.txt").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():  # so little text estimates no discounts
        warnings.simplefilter("ignore", MunmaekWarning)
        for order in (1, 3):
            options: dict[str, Any] = {"model": "ngram", "order": order, "tokenizer": "words"}
            munmaek.train("classify", place / "train.tsv", **options).save(
                place / f"labels-{order}"
            )
            munmaek.train("lm", place / "train.txt", **options).save(place / f"words-{order}")
    return place


def test_a_report_has_every_label_and_what_it_is_taken_for(run: Run, home: Path) -> None:
    done = run("evaluate", home / "labels-3", home / "test.tsv", "--report", "--worst", 3)
    assert done.code == 0, done.err
    for said in ("precision", "(macro)", "(weighted)", "ROC area", "gold / given", "judged worst"):
        assert said in done.out
    found = run(
        "evaluate", home / "labels-3", home / "test.tsv", "--worst", 3, "--top-k", 2, "--json"
    ).rows[0]
    labels = found["report"]["labels"]
    counts = np.array(found["confusion"]["counts"])
    assert counts.sum() == 80 == sum(row["support"] for row in labels.values())
    assert found["report"]["micro"]["f1"] == pytest.approx(found["scores"]["accuracy"]["value"])
    assert found["scores"]["top_2_accuracy"]["value"] >= found["scores"]["accuracy"]["value"]
    losses = [row["loss"] for row in found["worst"]]
    assert losses == sorted(losses, reverse=True)
    assert found["worst"][0]["gold"] != found["worst"][0]["prediction"]


def test_labels_of_one_kind_have_no_area_and_it_is_said(
    run: Run, home: Path, tmp_path: Path
) -> None:
    lines = (home / "test.tsv").read_text(encoding="utf-8").splitlines()
    label = lines[1].split("\t")[1]
    kept = [line for line in lines if line.endswith(("\tlabel", f"\t{label}"))]
    (tmp_path / "one.tsv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    done = run("evaluate", home / "labels-3", tmp_path / "one.tsv", "--report")
    assert done.code == 0, done.err
    (said,) = [line for line in done.lines if line.startswith("no area under a curve for ")]
    assert f"'{label}'" in said
    found = run("evaluate", home / "labels-3", tmp_path / "one.tsv", "--json").rows[0]
    assert found["areas"][label] is None


@pytest.mark.parametrize(
    ("models", "data", "score"),
    [("labels", "test.tsv", "macro_f1"), ("words", "test.txt", "bits_per_character")],
)
def test_two_models_of_any_task_are_tested_on_the_same_rows(
    run: Run, home: Path, models: str, data: str, score: str
) -> None:
    against = ("--against", home / f"{models}-1")
    found = run("evaluate", home / f"{models}-3", home / data, *against, "--json").rows[0]
    tested = found["against"]["comparisons"][score]
    ours, theirs = (side["scores"][score]["value"] for side in (found, found["against"]))
    assert tested["difference"] == pytest.approx(ours - theirs)
    assert tested["low"] <= tested["difference"] <= tested["high"]
    assert 0 < tested["p_bootstrap"] <= 1
    same = run("evaluate", home / f"{models}-3", home / data, "--against", home / f"{models}-3",
               "--json").rows[0]["against"]["comparisons"][score]  # fmt: skip
    assert (same["difference"], same["better"], same["p_randomisation"]) == (0.0, None, 1.0)


# Thresholds


def test_a_threshold_is_kept_in_a_new_model_and_texts_are_left_without_a_label(
    run: Run, home: Path, tmp_path: Path
) -> None:
    wanted = ("--precision", 0.95, "-o", tmp_path / "sure")
    done = run("threshold", home / "labels-3", home / "valid.tsv", *wanted, "--json")
    assert done.code == 0, done.err
    for each in done.rows[0]["thresholds"]:
        assert each["precision"] >= 0.95
    scores = run("evaluate", tmp_path / "sure", home / "valid.tsv", "--json").rows[0]["scores"]
    plain = run("evaluate", home / "labels-3", home / "valid.tsv", "--json").rows[0]["scores"]
    assert scores["accuracy"]["value"] == plain["accuracy"]["value"]
    assert scores["coverage"]["value"] < 1
    assert scores["selective_accuracy"]["value"] >= 0.95
    told = run("classify", tmp_path / "sure", home / "test.txt", "--json").rows
    assert None in [each["label"] for each in told]
    assert any(line.startswith("-\t-\t") for line in
               run("classify", tmp_path / "sure", home / "test.txt").lines)  # fmt: skip
    assert "thresholds" in read_manifest(tmp_path / "sure")
    assert "thresholds" not in read_manifest(home / "labels-3")


def test_recall_of_one_label_is_had_on_the_data_it_was_chosen_on(home: Path) -> None:
    model = munmaek.load(home / "labels-3")
    label = model.labels[0]
    made, (chosen,) = choose_thresholds(model, home / "valid.tsv", recall=0.9, label=label)
    assert chosen.recall >= 0.9
    rows = [line.split("\t") for line in (home / "valid.tsv").read_text("utf-8").splitlines()[1:]]
    given = [each.label for each in made.predict([text for text, _ in rows])]
    own = [g == label for g, (_, gold) in zip(given, rows, strict=True) if gold == label]
    assert np.mean(own) == pytest.approx(chosen.recall)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give --precision X or --recall X"),
        ({"precision": 0.9, "recall": 0.9}, "one of the two"),
        ({"recall": 0.9}, "--recall needs --label"),
        ({"precision": 0.9, "label": "no such"}, "--label no such: the model has no such label"),
        ({"precision": 1.5}, "a share above 0"),
    ],
)
def test_what_no_threshold_can_be_chosen_for_is_one_line(
    home: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        choose_thresholds(home / "labels-3", home / "valid.tsv", **options)


def test_a_language_model_has_no_thresholds(run: Run, home: Path, tmp_path: Path) -> None:
    wanted = ("--precision", 0.9, "-o", tmp_path / "m")
    done = run("threshold", home / "words-3", home / "valid.txt", *wanted)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "gives no labels" in done.err


# Minimal pairs


def test_minimal_pairs_are_judged_by_phenomenon(run: Run, home: Path, tmp_path: Path) -> None:
    lines = (home / "train.txt").read_text(encoding="utf-8").splitlines()[:20]
    rows = [
        {
            "sentence_good": line,
            "sentence_bad": " ".join(reversed(line.split())) if at % 2 else line,
            "UID": "order" if at % 2 else "same",
        }
        for at, line in enumerate(each for each in lines if len(each.split()) > 2)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in rows) + "\n", encoding="utf-8")
    found = run("evaluate", home / "words-3", path, "--minimal-pairs", "--json").rows[0]
    assert found["phenomena"]["same"]["value"] == 0.5, "ties count half"
    assert found["phenomena"]["order"]["value"] > 0.5
    shown = run("evaluate", home / "words-3", path, "--minimal-pairs", "--report")
    assert "Minimal pairs by phenomenon" in shown.out
    path.write_text('{"sentence_good": "a"}\n', encoding="utf-8")
    done = run("evaluate", home / "words-3", path, "--minimal-pairs")
    assert (done.code, len(done.err.splitlines())) == (2, 1)


# Earlier runs as one


def test_earlier_evaluations_become_one_table_with_tests(
    run: Run, home: Path, tmp_path: Path
) -> None:
    for order in (1, 3):
        done = run("evaluate", home / f"labels-{order}", home / "test.tsv", "-o",
                   tmp_path / f"run-{order}")  # fmt: skip
        assert done.code == 0, done.err
        assert (tmp_path / f"run-{order}" / "report.html").is_file()
    runs = (tmp_path / "run-1", tmp_path / "run-3")
    found = run("compare", *runs, "--json", "-o", tmp_path / "both").rows[0]
    assert len(found["models"]) == 2
    assert {each["metric"] for each in found["tests"]} == {"accuracy", "macro_f1"}
    again = run("compare", tmp_path / "both", "--json").rows[0]
    assert again["tests"] == found["tests"]
    table = run("compare", *runs, "--format", "latex").out
    assert r"\toprule" in table
    assert run("compare", *runs, "--format", "markdown").out.startswith("|  | accuracy |")
    assert run("compare", *runs, "--format", "csv").lines[0].startswith("task,model,accuracy,")
    refused = run("compare", *runs, "--format", "word")
    assert "--format word: one of latex, markdown, csv is wanted" in refused.err


def test_runs_on_other_test_data_are_refused(run: Run, home: Path, tmp_path: Path) -> None:
    for name in ("test", "valid"):
        run("evaluate", home / "labels-3", home / f"{name}.tsv", "-o", tmp_path / name)
    done = run("compare", tmp_path / "test", tmp_path / "valid")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "not the same test data" in done.err


def test_only_what_is_told_from_all_others_is_bold() -> None:
    def row(name: str, value: float) -> dict[str, Any]:
        score = {"value": value, "unit": "share", "signature": "", "low": None, "high": None}
        return {
            "name": name,
            "label": f"{name}_%",
            "task": "classify",
            "scores": {"accuracy": score},
        }

    def pair(first: str, second: str, better: str | None) -> dict[str, Any]:
        return {"first": first, "second": second, "better": better}

    models = [row("a", 0.9), row("b", 0.8), row("c", 0.7)]
    real = [pair("a", "b", "a"), pair("a", "c", "a"), pair("b", "c", None)]
    tests = [{"task": "classify", "metric": "accuracy", "pairs": real}]
    assert r"a\_\% & \textbf{90.0}" in exported({"models": models, "tests": tests}, "latex")
    real[0]["better"] = None
    assert r"\textbf" not in exported({"models": models, "tests": tests}, "latex")
    models[0]["spread"] = {"accuracy": 0.01}
    assert "90.0 ± 1.0" in exported({"models": models}, "markdown")


# Folds and curves


def test_folds_deal_out_each_label() -> None:
    labels = ["가"] * 50 + ["나"] * 20 + ["다"] * 5
    folds = folds_of(75, 5, seed=0, labels=labels)
    assert np.bincount(folds).tolist() == [15] * 5
    for label in ("가", "나", "다"):
        counts = np.bincount(folds[[each == label for each in labels]], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert sorted(np.bincount(folds_of(11, 3, seed=1)).tolist()) == [3, 4, 4]
    with pytest.raises(InputError, match="2 folds at least"):
        folds_of(3, 4, seed=0)


def test_each_row_is_tested_once_by_a_model_that_has_not_read_it(
    run: Run, home: Path, tmp_path: Path
) -> None:
    train = ("train", "classify", home / "valid.tsv", "--model", "ngram", "--tokenizer", "words",
             "--order", 2, "-o", tmp_path / "m")  # fmt: skip
    done = run(*train, "--folds", 3, "--json")
    assert done.code == 0, done.err
    found = done.rows[0]["cross_validation"]
    assert [each["tested_on"] for each in found["folds"]] == [27, 27, 26]
    assert [each["trained_on"] for each in found["folds"]] == [53, 53, 54]
    values = [each["scores"]["accuracy"]["value"] for each in found["folds"]]
    (summary,) = [each for each in found["summary"] if each["score"] == "accuracy"]
    assert summary["mean"] == pytest.approx(np.mean(values))
    assert summary["spread"] == pytest.approx(np.std(values, ddof=1))
    assert read_manifest(tmp_path / "m")["data"]["train"]["rows"] == 80, "the model has read all"
    again = run(*train, "--folds", 3)
    assert "earlier folds are there" in again.err
    assert "do not go together" in run(*train, "--folds", 3, "--curve", "10,20").err


def test_a_language_model_has_a_learning_curve(run: Run, home: Path, tmp_path: Path) -> None:
    done = run("train", "lm", home / "train.txt", "--model", "ngram", "--order", 2, "--tokenizer",
               "words", "--curve", "50,all", "-o", tmp_path / "m", "--json")  # fmt: skip
    assert done.code == 0, done.err
    rows = [each["rows"] for each in done.rows[0]["runs"]]
    assert rows[0] == 50 < rows[1]
    page = (tmp_path / "m.runs" / "report.html").read_text(encoding="utf-8")
    assert "data-figure" in page
