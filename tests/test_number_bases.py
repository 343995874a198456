"""No number without what it rests on: rows and file, held-out rows, orders, small samples."""

import json
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Result
from munmaek import load
from munmaek.cli.evaluated import digits_of
from munmaek.comparison.reading import read_finding
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.report import render_report
from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.fit.holding import hold_out, hold_out_labelled, parse_hold_out
from munmaek.folder.manifest import read_manifest
from munmaek.folder.naming import told_apart
from munmaek.metrics import Measure, Score, measures, remarks, resting_on, sign
from munmaek.metrics.comparing import compared
from munmaek.metrics.regression import regression_scores
from munmaek.metrics.significance import Sums
from munmaek.metrics.training import one_label
from munmaek.tasks.recipe import Recipe
from munmaek.text.catalogue import Catalogue
from munmaek.text.corpora import read_text

Run = Callable[..., Result]
SIGNATURE = sign(task="test", stage="test")
WORDS = ("나는", "너는", "우리는", "그는", "학교에", "집에", "시장에", "간다", "온다", "잔다")


def lines(count: int, words: int = 5) -> list[str]:
    rng = np.random.default_rng(0)
    return [
        " ".join(WORDS[int(n)] for n in rng.integers(0, len(WORDS), words)) for _ in range(count)
    ]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines(300)) + "\n", encoding="utf-8")
    return path


def table(path: Path, labels: Sequence[str], words: int = 5) -> Path:
    rows = zip(lines(len(labels), words), labels, strict=True)
    body = "".join(f"{line}\t{label}\n" for line, label in rows)
    path.write_text("text\tlabel\n" + body, encoding="utf-8")
    return path


# What a score rests on.


def test_a_score_keeps_its_rows_and_its_file_through_json() -> None:
    score = Score("accuracy", 0.5, "share", SIGNATURE, 0.4, 0.6)
    (rested,) = resting_on(
        {"accuracy": score}, "test.tsv", 1200, "texts", roles=["validation"]
    ).values()
    again = Score.from_json("accuracy", json.loads(json.dumps(rested.to_json())))
    assert again == rested
    assert str(again.basis) == "1,200 texts of test.tsv (validation)"
    assert "remark" not in rested.to_json()


def test_a_score_that_was_saved_without_its_rows_is_still_read() -> None:
    score = Score.from_json("accuracy", {"value": 0.5, "unit": "share", "signature": "task:lm"})
    assert score.basis is None
    assert remarks({"accuracy": score.to_json()}) == []


def test_fewer_than_a_hundred_rows_are_remarked_on() -> None:
    score = Score("accuracy", 0.5, "share", SIGNATURE)
    few, enough = (
        {n: s.to_json() for n, s in resting_on({"a": score}, "t", rows, "texts").items()}
        for rows in (99, 100)
    )
    assert "fewer than 100" in few["a"]["remark"]
    assert [each.words() for each in remarks(few)] == [f"99 texts of t; {few['a']['remark']}"]
    assert remarks(enough) == []


def test_a_handful_of_sentences_has_chrf_and_no_bleu() -> None:
    made = measures(["the cat sat on the mat today"], ["the cat sat on a mat today"])
    one = {"chrf": made["chrf"].score(SIGNATURE)}
    assert [made[name].given(1) for name in ("bleu", "chrf")] == [False, True]
    said = remarks({name: score.to_json() for name, score in one.items()})
    assert [each.words() for each in said] == [
        "BLEU is not given: it needs 10 sentences or more; chrF says more of so few"
    ]
    ten = measures(["a b c d e"] * 10, ["a b c d f"] * 10)
    assert all(ten[name].given(10) for name in ("bleu", "chrf"))


def test_three_numbers_have_no_correlation() -> None:
    found = regression_scores([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], signature=SIGNATURE)
    assert set(found) == {"mse", "mae", "rmse"}
    assert set(regression_scores([1, 2, 3, 5], [1, 2, 4, 4], signature=SIGNATURE)) == {
        "pearson", "spearman", "mse", "mae", "rmse", "r2"
    }  # fmt: skip
    for one in regression_scores([1.0], [2.0], signature=SIGNATURE).values():
        assert (one.value, one.low, one.high) == (1.0, None, None), "one row has no interval"


# Holding out.


@pytest.mark.parametrize(
    ("written", "meant"),
    [("20%", "20%"), ("500", "500"), (500, "500"), ("0", "0"), ("0%", "0"), ("2.5 %", "2.5%")],
)
def test_a_share_or_a_number_says_how_much_is_held_out(written: Any, meant: str) -> None:
    assert parse_hold_out(written) == meant


@pytest.mark.parametrize(
    "written", ["100%", "-1", "5.5", "abc", "", "%", "inf", "nan%", "1e3", "0.2", True, 0.2, "٣"]
)
def test_what_is_neither_is_refused_in_one_line(written: Any) -> None:
    with pytest.raises(ConfigError, match="a share such as 20% or a number of rows such as 500"):
        Recipe.of({"task": "lm", "stage": "rnn", "hold_out": written})


def test_as_many_rows_are_held_out_as_asked_and_none_twice() -> None:
    for asked, count in (("20%", 60), ("7", 7), (None, 15)):
        kept, held = hold_out(300, seed=1, asked=asked)
        assert len(held) == count
        assert sorted([*kept, *held]) == list(range(300))
    with pytest.raises(InputError, match="300 of 300 rows leaves nothing to train on"):
        hold_out(300, seed=1, asked="300")


def test_each_label_has_its_share_among_the_held_out_rows() -> None:
    labels = ["a"] * 600 + ["b"] * 300 + ["c"] * 97 + ["d"] * 3
    kept, held = hold_out_labelled(labels, name="t", seed=0, asked="10%")
    counts = Counter(labels[row] for row in held)
    assert counts == {"a": 60, "b": 30, "c": 10}
    assert sorted([*kept, *held]) == list(range(1000))
    again = hold_out_labelled(labels, name="t", seed=0, asked="10%")[1]
    other = hold_out_labelled(labels, name="t", seed=1, asked="10%")[1]
    assert held.tolist() == again.tolist() != other.tolist()


def test_a_label_with_one_row_keeps_it_in_training_and_that_is_said() -> None:
    labels = ["a"] * 50 + ["b"] * 49 + ["only"]
    with pytest.warns(MunmaekWarning, match="t: 'only' has one row; it stays in training"):
        kept, _ = hold_out_labelled(labels, name="t", seed=0, asked="90%")
    assert 99 in kept
    assert {labels[row] for row in kept} == {"a", "b", "only"}


def test_rows_of_several_labels_count_for_the_rarest() -> None:
    labels = [("x", "rare")] * 2 + [("x", "y")] * 40 + [("x",)] * 58
    kept, held = hold_out_labelled(labels, name="t", seed=0, asked="50")
    assert sum("rare" in labels[row] for row in held) == 1
    assert any("rare" in labels[row] for row in kept)


def test_where_every_label_has_one_row_none_can_be_held_out() -> None:
    with pytest.raises(InputError, match="each label must keep a row"):
        hold_out_labelled(["a", "b", "c"], name="t", seed=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stage": "rnn", "hold_out": 0}, "'rnn' chooses its weights by validation"),
        (
            {"task": "classify", "stage": "ngram", "calibrate": True, "hold_out": "0"},
            "--calibrate chooses its temperature by validation",
        ),
    ],
)
def test_what_needs_validation_does_not_go_without(options: dict[str, Any], said: str) -> None:
    recipe = Recipe.of({"task": "lm", **options})
    with pytest.raises(ConfigError, match=said):
        recipe.holds_out(valid=False)
    assert not recipe.holds_out(valid=True)


def test_validation_data_and_held_out_rows_do_not_go_together() -> None:
    with pytest.raises(ConfigError, match="validation data is given too"):
        Recipe.of({"task": "lm", "stage": "ngram", "hold_out": "5%"}).holds_out(valid=True)


# Counting everything.


@pytest.mark.parametrize(
    "how", [("--tokenizer", "words"), ("--tokenizer", "words", "--memory", "256M"), ()]
)
def test_a_language_model_counts_all_the_text_and_says_that_it_is_not_evaluated(
    how: tuple[str, ...], run: Run, text: Path, tmp_path: Path
) -> None:
    common = ("train", "lm", text, "--model", "ngram", "--order", "2", *how)
    result = run(*common, "-o", tmp_path / "all")
    assert result.code == 0, result.err
    assert "not evaluated: nothing was held out; give --valid FILE or --hold-out 5%" in result.out
    record = read_manifest(tmp_path / "all")
    assert record["scores"] == {}
    assert record["data"]["train"]["rows"] == 300
    assert record["data"]["train"]["sha256"] == read_text(text).fingerprint
    assert "valid" not in record["data"]
    held = run(*common, "--hold-out", "20%", "-o", tmp_path / "part", "--json").rows[0]
    perplexity = held["scores"]["perplexity"]
    assert (perplexity["rows"], perplexity["of"]) == (60, "sentences")
    assert (perplexity["data"], perplexity["role"]) == ("held out of text.txt", "validation")
    assert read_manifest(tmp_path / "part")["data"]["train"]["rows"] == 240


def test_a_classifier_that_is_counted_counts_all_texts(run: Run, tmp_path: Path) -> None:
    data = table(tmp_path / "t.tsv", ["a", "b"] * 40)
    done = run("train", "classify", data, "--model", "ngram", "-o", tmp_path / "m", "--json")
    assert done.rows[0]["scores"] == {}
    assert done.rows[0]["remarks"][0].startswith("not evaluated: nothing was held out")
    assert read_manifest(tmp_path / "m")["data"]["train"]["rows"] == 80
    model: Any = load(tmp_path / "m")
    assert model.predict(["나는 간다"])[0].label in ("a", "b")


# Orders.


@pytest.mark.parametrize("how", [(), ("--memory", "256M")])
def test_an_order_that_is_not_given_falls_to_what_short_texts_allow(
    how: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "short.txt"
    path.write_text("나는 간다\n간다\n", encoding="utf-8")
    common = ("train", "lm", path, "--model", "ngram", "--tokenizer", "words", *how)
    done = run(*common, "-o", tmp_path / "m")
    assert done.code == 0, done.err
    assert "has 4 tokens with <s> and </s>, so the order is 4 instead of 5" in done.err
    model: Any = load(tmp_path / "m")
    assert model.model.config.order == 4
    given = run(*common, "--order", "5", "-o", tmp_path / "n")
    assert (given.code, len(given.err.strip().splitlines())) == (2, 1)
    assert "order 5 is too high" in given.err


def test_the_order_of_a_classifier_falls_to_what_its_shortest_label_allows(
    run: Run, tmp_path: Path
) -> None:
    data = tmp_path / "tickets.tsv"
    rows = ["돈 돌려줘\trefund", "화면 꺼짐\tbroken", "배송 늦음\tlate"] * 9 + ["왜\tother"] * 2
    data.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    common = ("train", "classify", data, "--model", "ngram", "--tokenizer", "words")
    done = run(*common, "-o", tmp_path / "m")
    assert done.code == 0, done.err
    assert "label 'other' has 3 tokens with <s> and </s>, so the order is 3" in done.err
    assert load(tmp_path / "m").info.label == "3-gram"
    given = run(*common, "--order", "4", "-o", tmp_path / "n")
    assert given.code == 2
    assert "the longest text of label 'other' has 3 tokens" in given.err


# Calibration.


def test_a_temperature_is_not_fitted_on_a_handful(run: Run, tmp_path: Path) -> None:
    data = table(tmp_path / "t.tsv", ["a", "b"] * 150)
    common = ("train", "classify", data, "--model", "ngram", "--order", "2", "--calibrate")
    refused = run(*common, "-o", tmp_path / "m")
    assert refused.code == 2
    assert "--calibrate needs 100 validation texts or more, got 15" in refused.err
    done = run(*common, "--hold-out", "100", "-o", tmp_path / "m")
    assert done.code == 0, done.err
    assert "(validation, which also chose the temperature)" in done.out


def test_texts_that_are_all_right_fit_no_temperature(tmp_path: Path) -> None:
    from munmaek.pipeline import train_recipe

    data = tmp_path / "t.tsv"
    rows = [f"{word} {word}\t{label}" for word, label in (("간다", "a"), ("온다", "b"))] * 120
    data.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    options = {"calibrate": True, "hold_out": 100, "model": {"order": 2}, "tokenizer": "words"}
    recipe = Recipe.of({"task": "classify", "stage": "ngram", **options})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model: Any = train_recipe(recipe, [data], folder=tmp_path / "m")
    assert any("all 100 texts" in str(each.message) for each in caught)
    assert model.temperature == 1.0


# Two models side by side.


def test_models_of_one_label_are_told_apart_by_what_differs_of_their_folders() -> None:
    places = [Path("runs/a/model"), Path("runs/b/model"), Path("other"), None]
    labels = ["LSTM", "LSTM", "5-gram", "LSTM"]
    assert told_apart(labels, places) == ["LSTM (a/model)", "LSTM (b/model)", "5-gram", "LSTM"]
    assert told_apart(["LSTM", "LSTM"], [None, None]) == ["LSTM", "LSTM 2"]
    assert told_apart(["LSTM"] * 2, [Path("m"), Path("n")]) == ["LSTM (m)", "LSTM (n)"]
    assert len(set(told_apart(["LSTM"] * 3, [Path("m")] * 3))) == 3, "one folder three times"


@pytest.mark.parametrize(
    ("difference", "digits"),
    [(0.0, 2), (12.3, 2), (0.5, 2), (0.031, 3), (-0.0042, 4), (1e-12, 8), (float("nan"), 2)],
)
def test_a_difference_is_shown_with_the_digits_in_which_it_is_seen(
    difference: float, digits: int
) -> None:
    assert digits_of(difference) == digits


def measured(values: Sequence[float], *, higher: bool = True) -> dict[str, Measure]:
    statistics = np.stack([np.asarray(values), np.ones(len(values))], axis=1)
    how = (("unit", "corpus"),)
    return {"x": Measure("x", "of 100", statistics, Sums(lambda s: s[:, 0] / s[:, 1]), how, higher)}


def test_the_better_system_is_named_where_tests_tell_and_lower_may_be_better() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=300)
    more = base + 0.5 + rng.normal(scale=0.1, size=300)
    for higher, better in ((True, "b/m"), (False, "a/m")):
        found = compared(
            measured(base, higher=higher), measured(more, higher=higher), ["a/m", "b/m"]
        )["x"]  # fmt: skip
        assert found["better"] == better
    noise = base + rng.normal(scale=1.0, size=300) * np.sign(rng.normal(size=300))
    same = compared(measured(base), measured(noise), ["a/m", "b/m"])["x"]
    assert same["better"] is None
    one = compared(measured(base[:1]), measured(more[:1]), ["a", "b"])["x"]
    assert (one["low"], one["p_bootstrap"], one["better"]) == (None, None, None)


# Comparisons.


def row(label: str, value: float, half: float, rows: int = 500, **more: Any) -> dict[str, Any]:
    score = Score("accuracy", value, "share", SIGNATURE, value - half, value + half)
    (rested,) = resting_on({"accuracy": score}, "t.tsv", rows, "texts").values()
    scores = {"accuracy": rested.to_json()}
    return {"name": label, "label": label, "task": "classify", "scores": scores, **more}


def test_differences_within_an_interval_are_remarked_on() -> None:
    close = {"models": [row("A", 0.80, 0.03), row("B", 0.81, 0.03), row("C", 0.5, 0.03)]}
    assert [each.words() for each in remarks_on(close)] == [
        "classify: B is not told apart from A: the difference in accuracy is smaller than a 95 % "
        "interval is wide"
    ]
    assert remarks_on({"models": [row("A", 0.8, 0.001), row("B", 0.9, 0.001)]}) == []


def test_a_comparison_on_few_rows_or_on_rows_that_were_read_says_so() -> None:
    few = remarks_on({"models": [row("A", 0.8, 0.1, rows=20)]})
    assert [each.words() for each in few] == [
        "classify: 20 texts of t.tsv; fewer than 100, so the figures may differ much on others"
    ]
    data = {"task": "classify", "fingerprint": "x", "test_fingerprint": "x", "tested_on": "test"}
    (read,) = remarks_on({"models": [], "data": [data]})
    assert "the test data is the training data" in read.words()
    apart = {**data, "test_fingerprint": "y", "valid_fingerprint": "y"}
    (chosen,) = remarks_on({"models": [], "data": [apart]})
    assert "the test data is the validation data" in chosen.words()


def test_a_korean_report_says_in_korean_what_scores_rest_on_and_do_not_tell() -> None:
    fault = one_label(["a"] * 9, ["a"] * 5 + ["b"] * 4)
    assert fault is not None
    rows = [
        row("A", 0.80, 0.03, rows=20, diagnosis=[fault.to_json()]),
        row("B", 0.81, 0.03, rows=20),
    ]
    for each in rows:
        each["scores"]["accuracy"] |= {
            "data": "held out of t.tsv",
            "roles": ["validation", "weights"],
        }
    data = {"task": "classify", "fingerprint": "x", "test_fingerprint": "x", "tested_on": "test"}
    results = {"models": rows, "data": [data], "notes": [{"kind": "steps", "sentence": "?"}]}
    page = render_report(results, language="ko")
    for said in (
        "t.tsv에서 떼어 둔 글 20개(검증, 가중치도 고른 데이터)",
        "분류: t.tsv에서 떼어 둔 글 20개; 100개보다 적어",
        "분류: B, A: 정확도의 차이가 95 % 구간의 폭보다 작아",
        "분류: 테스트 데이터가 학습 데이터입니다",
        "글 9개의 레이블은 2가지인데 모두 'a' 하나로 답합니다",
        "스텝 수, 문장, 시드가 정해져 있어",
    ):
        assert said in page, said
    for english in ("fewer than", "not told apart", "validation", "held out", "gives each"):
        assert english not in page.split("</style>")[1].split("<script")[0], english


def test_faults_whose_figures_another_version_saved_are_still_said() -> None:
    saved = {"name": "one_label", "found": True, "evidence": {"labels": 1.0}, "message": "as then"}
    assert [each.words(Catalogue("ko")) for each in map(read_finding, [saved])] == ["as then"]


def test_a_comparison_without_a_test_says_validation_and_tells_equal_stages_apart(
    run: Run, text: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ("compare", text, "--models", "ngram,ngram", "--tokenizer", "words", "-o", out)
    result = run(*asked)
    assert result.code == 0, result.err
    assert "lm, 15 sentences held out of text.txt (validation)" in result.out
    assert "15 sentences held out of text.txt; fewer than 100" in result.out
    found = json.loads((out / "results.json").read_text("utf-8"))
    assert [each["label"] for each in found["models"]] == ["5-gram", "5-gram 2"]
    assert found["data"][0]["tested_on"] == "validation"
    assert {s["role"] for each in found["models"] for s in each["scores"].values()} == {
        "validation"
    }
    assert found["data"][0]["train"] + found["data"][0]["valid"] == 300
    page = (out / "report.html").read_text("utf-8")
    assert "validation data" in page
    assert "15 sentences held out of text.txt (validation)" in page


def test_counted_models_alone_count_everything_where_there_is_a_test(
    run: Run, text: Path, tmp_path: Path
) -> None:
    test = tmp_path / "test.txt"
    test.write_text("\n".join(lines(120, words=4)) + "\n", encoding="utf-8")
    asked = ("compare", text, "--test", test, "--models", "ngram", "--tokenizer", "words", "--json")
    found = run(*asked).rows[0]
    assert (found["data"][0]["train"], found["data"][0]["valid"]) == (300, 0)
    assert found["data"][0]["tested_on"] == "test"
    assert "role" not in found["models"][0]["scores"]["perplexity"]
    refused = run("compare", text, "--models", "ngram", "--hold-out", "0")
    assert refused.code == 2
    assert "nothing to test on; give --test FILE" in refused.err


def test_a_model_measured_on_its_training_text_is_said_to_be(
    run: Run, text: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m"
    asked = ("--model", "ngram", "--tokenizer", "words", "--order", "2")
    assert run("train", "lm", text, *asked, "-o", model).code == 0
    said = "300 sentences of text.txt (which is the training data); they say nothing of new text"
    assert f"on {said}" in run("evaluate", model, text).lines
    found = run("compare", text, "--models", model, "--json").rows[0]
    roles = {score["role"] for score in found["models"][0]["scores"].values()}
    assert roles == {"which is the training data"}, "held-out rows of what it has counted"
    half = tmp_path / "half.txt"
    half.write_text("\n".join(lines(150)) + "\n", encoding="utf-8")
    assert "training data" not in run("evaluate", model, half).out


def test_a_learning_curve_of_a_counted_model_holds_rows_out(run: Run, tmp_path: Path) -> None:
    data = table(tmp_path / "t.tsv", ["a", "b"] * 100)
    asked = ("--model", "ngram", "--tokenizer", "words", "--order", "2", "--curve", "40,all")
    done = run("train", "classify", data, *asked, "-o", tmp_path / "m")
    assert done.code == 0, done.err
    assert "on 10 texts held out of t.tsv (validation); fewer than 100" in done.out
    assert [line.split()[0] for line in done.lines if "accuracy" in line] == ["40", "190"]


def test_mixtures_name_their_parts_apart(run: Run, tmp_path: Path) -> None:
    data = table(tmp_path / "t.tsv", ["a", "b"] * 60)
    asked = ("--model", "ngram", "--tokenizer", "words", "--order", "2", "--hold-out", "10%")
    for folder, seed in (("x", 0), ("y", 1)):
        out = tmp_path / folder / "model"
        done = run("train", "classify", data, *asked, "--seed", seed, "-o", out)
        assert done.code == 0, done.err
    parts = (tmp_path / "x" / "model", tmp_path / "y" / "model")
    mixed = run("mix", *parts, "--tune", data, "-o", tmp_path / "mixed")
    assert mixed.code == 0, mixed.err
    assert "(which also chose the weights)" in mixed.out
    label = read_manifest(tmp_path / "mixed")["label"]
    assert "2-gram (x/model)" in label
    assert "2-gram (y/model)" in label
    looked = run("look", parts[0], "나는 간다", "--with", parts[1], "--json")
    assert [each["label"] for each in looked.rows] == ["2-gram (x/model)", "2-gram (y/model)"]


def test_a_note_that_holds_for_every_label_is_written_once(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "t.tsv"
    rows = [f"{word} {word} {word}\t{word}" for word in WORDS[:6]] * 3
    data.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = run("train", "classify", data, "--model", "ngram", "--order", "2", "-o", tmp_path / "m")
    assert done.code == 0, done.err
    notes = [line for line in done.err.splitlines() if "discounts of order" in line]
    assert len(notes) == len(set(notes)) >= 1
