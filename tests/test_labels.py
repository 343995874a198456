"""Labels: however they are spelled, and those that training has never seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, Run
from munmaek.errors import InputError, MunmaekWarning
from munmaek.metrics import resting_on
from munmaek.metrics.classification import macro_f1
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import read_labelled
from munmaek.text.labels import LabelIndex, one_spelling

TEXTS = ("good film", "bad film", "fine story", "dull story", "good story", "bad tale")
RECIPE = {
    "task": "classify",
    "stage": "ngram",
    "tokenizer": "words",
    "model": {"order": 2, "smoothing": "witten-bell"},
}
TRUTHS = ("1", "0", "1", "0", "1", "0")


def _jsonl(path: Path, labels: list[object]) -> Path:
    rows = zip(TEXTS, labels, strict=False)
    lines = (json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _tsv(path: Path, labels: list[str]) -> Path:
    rows = zip(TEXTS, labels, strict=False)
    path.write_text("text\tlabel\n" + "".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of the integer labels 0 and 1."""
    folder = tmp_path_factory.mktemp("labels")
    data = _jsonl(folder / "train.jsonl", [int(each) for each in TRUTHS])
    recipe = Recipe(**RECIPE)
    train_recipe(recipe, [data], valid=[data], folder=folder / "model")
    return folder / "model"


@pytest.mark.parametrize(
    "labels", [[1, 0, 1], ["1", "0", "1"], [1.0, 0.0, 1.0], ["1.0", "0.0", "1"], [1, "0", 1.0]]
)
def test_a_number_is_one_label_in_every_spelling(
    model: Path, tmp_path: Path, labels: list[object]
) -> None:
    trained = load(model)
    assert trained.labels == ("0", "1")
    wanted = trained.evaluate(read_labelled(_jsonl(tmp_path / "a.jsonl", [1, 0, 1])))
    files = [_jsonl(tmp_path / "b.jsonl", labels)]
    files.append(_tsv(tmp_path / "b.tsv", [str(each) for each in labels]))
    for path in files:
        found = trained.evaluate(read_labelled(path))
        assert resting_on(found, "a.jsonl", 3, "texts") == wanted


def test_truth_is_one_label_in_json_and_in_tables(tmp_path: Path) -> None:
    index = LabelIndex(("false", "true"))
    for path in (
        _jsonl(tmp_path / "a.jsonl", [True, False]),
        _tsv(tmp_path / "a.tsv", ["True", "FALSE"]),
    ):
        assert [index.of(label) for label in read_labelled(path).labels] == [1, 0]


def test_spellings_are_joined_where_a_corpus_has_several_and_kept_where_it_has_one() -> None:
    assert one_spelling(["1", "1.0", "0"]) == ("1", "1", "0")
    assert one_spelling(["1.0", "2.5"]) == ("1.0", "2.5")
    assert one_spelling(["True", "maybe"]) == ("True", "maybe")
    assert one_spelling(["01", "1", "1.5", "-1.0"]) == ("01", "1", "1.5", "-1.0")


def test_labels_without_names_are_found_by_their_numbers() -> None:
    index = LabelIndex(("LABEL_0", "LABEL_1"))
    assert [index.of(each) for each in ("1", "LABEL_0", "2", "1.0")] == [1, 0, -1, 1]
    assert LabelIndex(("LABEL_0", "good")).of("0") == -1


def test_a_label_never_seen_counts_as_wrong_and_is_counted(
    model: Path, tmp_path: Path, run: Run
) -> None:
    path = _tsv(tmp_path / "unseen.tsv", [*TRUTHS[:5], "2"])
    scores = load(model).evaluate(read_labelled(path))
    seen = load(model).evaluate(read_labelled(_tsv(tmp_path / "seen.tsv", list(TRUTHS[:5]))))
    assert seen["accuracy"].value == 1.0
    assert scores["accuracy"].value == pytest.approx(5 / 6)
    # Labels 0, 1 and 2: one guess too many for 0, no hit at all for 2.
    assert scores["macro_f1"].value == pytest.approx((4 / 5 + 1 + 0) / 3)
    assert np.isfinite(scores["ece"].value)
    done = run("evaluate", model, path, "--json")
    assert done.code == 0
    assert "1 of 6 rows have a label that was never seen in training ('2')" in done.err
    assert "|unseen:1|" in done.rows[0]["scores"]["accuracy"]["signature"] + "|"


def test_a_file_of_nothing_but_strange_labels_asks_for_its_column(
    model: Path, tmp_path: Path, run: Run
) -> None:
    done = run("evaluate", model, _tsv(tmp_path / "a.tsv", ["pos", "neg"]))
    assert done.code == 0
    assert "2 of 2 rows" in done.err
    assert "known are 0, 1: is it the right column?" in done.err


def test_validation_data_may_have_labels_that_training_lacks(tmp_path: Path) -> None:
    data, valid = _tsv(tmp_path / "a.tsv", list(TRUTHS)), _tsv(tmp_path / "b.tsv", ["1", "2"])
    recipe = Recipe(**RECIPE)
    with pytest.warns(MunmaekWarning, match=r"b\.tsv: 1 of 2 rows have a label .*'2'"):
        made = train_recipe(recipe, [data], valid=[valid], folder=tmp_path / "m")
    assert made.info.data["valid"]["rows"] == 2
    assert made.info.scores["accuracy"]["value"] == 0.5
    with pytest.raises(InputError, match=r"line 2: label 'x' was never seen"):
        train_recipe(recipe, [data], valid=[_tsv(tmp_path / "c.tsv", ["x"])], folder=tmp_path / "n")


def test_a_value_that_json_does_not_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": NaN, "label": 1}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1: 'text' is nan, a string is wanted"):
        read_labelled(tmp_path / "a.jsonl")


def test_the_unseen_label_of_a_published_file_is_counted(tmp_path: Path) -> None:
    place = ROOT.parent / "shared" / "cases" / "text"
    if not place.is_dir():
        pytest.skip(f"inputs absent: {place}")
    recipe = Recipe(**RECIPE)
    made = train_recipe(recipe, [place / "integer-labels.jsonl"], folder=tmp_path / "m")
    corpus = read_labelled(place / "unseen-label.tsv")
    assert LabelIndex(made.labels).unseen(corpus.labels) == {"other": 2}
    scores = made.evaluate(corpus)
    right = sum(
        each.label == label
        for each, label in zip(made.predict(corpus.texts), corpus.labels, strict=True)
    )
    assert scores["accuracy"].value == pytest.approx(right / len(corpus.labels))


def test_macro_f1_gives_a_label_nobody_predicts_nothing() -> None:
    from munmaek.metrics import Signature

    signed = Signature(())
    assert macro_f1(["a", "a"], ["a", "b"], signature=signed).value == pytest.approx(1 / 3)
