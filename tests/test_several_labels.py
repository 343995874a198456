"""Texts with several labels: read from fastText and JSON lines, trained, evaluated, used."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import ROOT, Run
from munmaek.errors import InputError, UnsupportedError
from munmaek.metrics import Signature, several_scores
from munmaek.pipeline import train_recipe
from munmaek.tasks.classify.objective import Classification
from munmaek.tasks.framing import Rows
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import LabelledCorpus, read_labelled, read_texts
from munmaek.text.labels import marked_labels

WORDS = {"red": "colour", "big": "size", "old": "age"}
ROWS = [
    (" ".join(["the", *chosen, "house"]), tuple(WORDS[word] for word in chosen))
    for chosen in ([], ["red"], ["big"], ["old"], ["red", "big"], ["red", "old"], ["big", "old"])
] * 12
TINY = {"embedding": 16, "hidden": 16}


def _fasttext(path: Path, rows: list[tuple[str, tuple[str, ...]]]) -> Path:
    lines = [" ".join([*(f"__label__{each}" for each in own), text]) for text, own in rows if own]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _jsonl(path: Path, rows: list[tuple[str, tuple[str, ...]]]) -> Path:
    lines = [json.dumps({"text": text, "labels": list(own)}) for text, own in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "text", "labels"),
    [
        ("__label__a b c", "b c", ("a",)),
        ("__label__a __label__b-1\tc  d", "c  d", ("a", "b-1")),
        ("a __label__x b", "a b", ("x",)),
        ("__label__a x__label__b", "x__label__b", ("a",)),
        ("__label__a __label__a b", "b", ("a",)),
        ("__label__가\u3000나 다", "다", ("가\u3000나",)),
        ("__label__a", "", ("a",)),
        ("no label", "no label", ()),
    ],
)
def test_labels_are_the_words_that_begin_as_fasttext_has_it(
    line: str, text: str, labels: tuple[str, ...]
) -> None:
    assert marked_labels(line) == (text, labels)


def test_a_fasttext_file_with_a_label_a_line_is_read_as_a_table_is(tmp_path: Path) -> None:
    single = [(text, own[:1]) for text, own in ROWS]
    found = read_labelled(_fasttext(tmp_path / "a.txt", single))
    assert found.sets is None
    assert found.labels == tuple(own[0] for _, own in single if own)
    assert list(read_texts(tmp_path / "a.txt")) == list(found.texts)
    assert found.place(1).endswith("a.txt, line 2")


def test_several_labels_are_read_from_fasttext_and_from_json_lines(tmp_path: Path) -> None:
    marked = read_labelled(_fasttext(tmp_path / "a.txt", ROWS))
    assert marked.sets == tuple(own for _, own in ROWS if own)
    listed = read_labelled(_jsonl(tmp_path / "a.jsonl", ROWS))
    assert listed.sets == tuple(own for _, own in ROWS)
    assert listed.chosen([4]).label_sets == (("colour", "size"),)
    assert marked.labels[4 - 1] == "colour,size"


def test_a_line_without_label_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("__label__x a\nb\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.txt, line 2: no __label__… and a name in it"):
        read_labelled(tmp_path / "a.txt")


def test_the_published_fasttext_file_is_read() -> None:
    path = ROOT.parent / "shared" / "cases" / "text" / "fasttext-labels.txt"
    if not path.is_file():
        pytest.skip(f"inputs absent: {path}")
    found = read_labelled(path)
    assert (len(found.texts), set(found.labels)) == (119, {"neg", "pos"})
    assert not any("__label__" in text for text in found.texts)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of several labels a text, trained here."""
    folder = tmp_path_factory.mktemp("several")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    recipe = Recipe(
        task="classify", stage="attention", tokenizer="words", model=TINY,
        train={"steps": 150, "learning_rate": 2e-2},
    )  # fmt: skip
    data = _jsonl(folder / "a.jsonl", ROWS)
    train_recipe(recipe, [data], valid=[data], folder=folder / "model")
    torch.set_num_threads(before)
    return folder


def test_a_classifier_learns_several_labels_and_none(model: Path) -> None:
    trained = load(model / "model")
    assert trained.several
    found = trained.predict([text for text, _ in ROWS[:7]])
    assert [each.labels for each in found] == [tuple(sorted(own)) for _, own in ROWS[:7]]
    assert trained.info.scores["exact_match"]["value"] == 1.0


@pytest.mark.filterwarnings("ignore:discounts of order")
def test_counted_models_of_several_labels_are_a_question_a_label(tmp_path: Path, run: Run) -> None:
    data = _jsonl(tmp_path / "a.jsonl", ROWS)
    recipe = Recipe(task="classify", stage="ngram", tokenizer="words", model={"order": 2})
    trained = train_recipe(recipe, [data], folder=tmp_path / "model")
    texts = [text for text, _ in ROWS[:7]]
    found = trained.predict(texts)
    assert [each.labels for each in found] == [tuple(sorted(own)) for _, own in ROWS[:7]]
    # Bayes' rule between the texts with a label and those without, of ordinary classifiers.
    for at, label in enumerate(trained.labels):
        lines = [f"{text}\t{label in own}" for text, own in ROWS]
        (tmp_path / "b.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        one = train_recipe(recipe, [tmp_path / "b.tsv"], folder=tmp_path / label)
        wanted = one.logprobs(texts)[:, one.labels.index("True")]
        np.testing.assert_allclose(trained.logprobs(texts)[:, at], wanted, rtol=1e-9)
    again = load(tmp_path / "model")
    assert again.several
    assert np.array_equal(again.logprobs(texts), trained.logprobs(texts))
    done = run("evaluate", tmp_path / "model", data, "--json")
    assert done.rows[0]["scores"]["exact_match"]["value"] == 1.0
    assert run("verify", tmp_path / "model").code == 0
    assert run("look", tmp_path / "model", texts[4], "-o", tmp_path / "look.html").code == 0
    done = run("look", tmp_path / "model", "--live", "-o", tmp_path / "live.html")
    assert (done.code, "n-grams of several labels" in done.err) == (2, True)


def test_counting_needs_texts_with_and_without_each_of_several_labels(tmp_path: Path) -> None:
    recipe = Recipe(task="classify", stage="ngram", tokenizer="words", model={"order": 2})
    always = [(text, ("house", *own)) for text, own in ROWS]
    with pytest.raises(InputError, match="label 'house': of the texts to count every one has it"):
        train_recipe(recipe, [_jsonl(tmp_path / "a.jsonl", always)], folder=tmp_path / "model")


def test_it_is_evaluated_label_by_label(model: Path, tmp_path: Path, run: Run) -> None:
    rows = [(ROWS[4][0], ("colour", "size")), (ROWS[1][0], ("colour", "age")), (ROWS[0][0], ())]
    trained = load(model / "model")
    scores = trained.evaluate(read_labelled(_jsonl(tmp_path / "a.jsonl", rows)))
    assert scores["exact_match"].value == pytest.approx(2 / 3)
    # Three of the three labels given are right, of the four that are wanted.
    assert scores["micro_f1"].value == pytest.approx(2 * 3 / (3 + 4))
    assert scores["macro_f1"].value == pytest.approx((1 + 1 + 0) / 3)
    done = run("evaluate", model / "model", tmp_path / "a.jsonl", "--json")
    assert done.rows[0]["scores"]["micro_f1"]["value"] == pytest.approx(6 / 7)
    done = run("classify", model / "model", tmp_path / "a.jsonl")
    assert [line.split("\t")[0] for line in done.lines] == ["colour,size", "colour", "-"]


def test_scores_of_several_labels_are_those_of_their_definition() -> None:
    gold = [["a", "b"], ["b"], [], ["c"]]
    guess = [["a"], ["b", "c"], [], ["d"]]
    scores = several_scores(guess, gold, signature=Signature(()))
    # scikit-learn 1.9.1, f1_score with zero_division=0: micro 0.5, macro 5/12.
    assert scores["exact_match"].value == 0.25
    assert scores["micro_f1"].value == pytest.approx(2 * 2 / (4 + 4))
    assert scores["macro_f1"].value == pytest.approx((1 + 2 / 3 + 0 + 0) / 4)


def test_the_loss_is_the_mean_of_binary_cross_entropies() -> None:
    class Fixed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = torch.nn.Parameter(torch.tensor([[0.0, 2.0], [1.0, -1.0]]))

        def forward(self, ids, *_, **__):
            return self.scores[: len(ids)]

    labels = np.array([[1, 0], [0, 1]], dtype=np.float32)
    rows = Rows([[1, 2], [1, 3]])
    task = Classification(
        train=rows, train_labels=labels, valid=rows, valid_labels=labels, several=True
    )
    loss = task.loss(Fixed(), task.epoch(0)[0])
    logits = np.array([[0.0, 2.0], [1.0, -1.0]])
    wanted = np.log1p(np.exp(logits)) - labels * logits
    assert loss.count == 2
    order = task.epoch(0)[0].labels  # rows of a batch may be in another order
    given = np.log1p(np.exp(logits)) - order * logits
    assert loss.total.item() == pytest.approx(given.mean(1).sum(), abs=1e-6)
    assert task.validate(Fixed()) == pytest.approx(wanted.mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"class_weights": "balanced"}, "--class-weights"),
        ({"calibrate": True}, "--calibrate"),
    ],
)
def test_what_is_for_one_label_is_refused_with_the_first_row_of_several(
    tmp_path: Path, options: dict[str, object], named: str
) -> None:
    data = _fasttext(tmp_path / "a.txt", ROWS)
    values = {"stage": "attention", "model": TINY, "train": {"steps": 1}, **options}
    recipe = Recipe(task="classify", tokenizer="words", **values)
    with pytest.raises(UnsupportedError, match=rf"line 4: has the labels 'colour', .*{named}"):
        train_recipe(recipe, [data], folder=tmp_path / "m")


def test_a_classifier_of_one_label_names_a_row_of_several(tmp_path: Path) -> None:
    recipe = Recipe(
        task="classify", stage="ngram", tokenizer="words",
        model={"order": 2, "smoothing": "witten-bell"},
    )  # fmt: skip
    single = [(text, own[:1]) for text, own in ROWS]
    made = train_recipe(recipe, [_fasttext(tmp_path / "a.txt", single)], folder=tmp_path / "m")
    with pytest.raises(InputError, match="row 2: has the labels 'x', 'y', and the classifier"):
        made.evaluate(LabelledCorpus("t", ("a", "b"), ("x", "x,y"), sets=(("x",), ("x", "y"))))
