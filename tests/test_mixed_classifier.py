"""Classifiers as one: the weighted mean of their probabilities, tuned, saved, used, refused."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from munmaek.errors import ArtefactError, ConfigError, UnsupportedError
from munmaek.pipeline import train_recipe
from munmaek.tasks.classify.mixed import MixedClassifier, mix_classifiers
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import read_labelled

TEXTS = ("좋은 영화", "나쁜 영화", "영화", "", "좋은 나쁜")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    rows = [f"{word} 영화\t{label}\n" for word, label in (("좋은", "pos"), ("나쁜", "neg"))] * 20
    (folder / "train.tsv").write_text("".join(rows), "utf-8")
    (folder / "tune.tsv").write_text("".join(rows[:4]) + "영화\tneg\n", "utf-8")
    (folder / "three.tsv").write_text("".join(rows) + "몰라\tother\n" * 4, "utf-8")
    made = {
        "chain": {
            "stage": "ngram",
            "tokenizer": "characters",
            "model": {"order": 2, "smoothing": {"name": "absolute", "discount": 0.5}},
        },
        "attention": {"stage": "attention", "tokenizer": "words", "train": {"steps": 8}},
    }
    for name, options in made.items():
        recipe = Recipe.of({"task": "classify", **options})
        train_recipe(recipe, [folder / "train.tsv"], folder=folder / name)
    train_recipe(
        Recipe.of({"task": "classify", **made["chain"]}),
        [folder / "three.tsv"],
        folder=folder / "three",
    )
    return folder


def parts_of(home: Path, *names: str) -> list[Classifier]:
    found = [load(home / name) for name in names]
    assert all(isinstance(each, Classifier) for each in found)
    return [each for each in found if isinstance(each, Classifier)]


def test_a_mixture_gives_the_weighted_mean_of_probabilities_whatever_the_tokenizers(
    home: Path,
) -> None:
    parts = parts_of(home, "chain", "attention")
    assert parts[0].tokenizer.signature != parts[1].tokenizer.signature
    mixture = mix_classifiers(parts, weights=(0.25, 0.75))
    first, second = (np.exp(part.logprobs(TEXTS)) for part in parts)
    found = np.exp(mixture.logprobs(TEXTS))
    np.testing.assert_allclose(found, 0.25 * first + 0.75 * second, rtol=1e-12)
    predicted = mixture.predict(TEXTS)
    assert [each.label for each in predicted] == [mixture.labels[n] for n in found.argmax(1)]
    scores = mixture.evaluate(read_labelled(home / "tune.tsv"))
    assert "stage:mixture(ngram 0.250, attention 0.750)" in str(scores["accuracy"].signature)
    calibrated, found = mixture.calibrated(read_labelled(home / "train.tsv"))
    assert calibrated.temperature == found.temperature != 1
    assert calibrated.logprobs(TEXTS).argmax(1).tolist() == found_labels(mixture)


def found_labels(mixture: MixedClassifier) -> list[int]:
    return [mixture.labels.index(each.label) for each in mixture.predict(TEXTS)]


def test_labels_find_their_places_where_a_part_has_them_in_another_order(home: Path) -> None:
    first, second = parts_of(home, "chain", "attention")
    turned = replace(second, labels=second.labels[::-1])
    mixture = mix_classifiers([first, turned], weights=(0.5, 0.5))
    wanted = (np.exp(first.logprobs(TEXTS)) + np.exp(turned.logprobs(TEXTS))[:, ::-1]) / 2
    np.testing.assert_allclose(np.exp(mixture.logprobs(TEXTS)), wanted, rtol=1e-12)


def test_tuned_weights_make_the_labels_likeliest(home: Path) -> None:
    parts = parts_of(home, "chain", "attention")
    corpus = read_labelled(home / "tune.tsv")
    gold = [parts[0].labels.index(label) for label in corpus.labels]

    def likelihood(weight: float) -> float:
        mixed = mix_classifiers(parts, weights=(weight, 1 - weight))
        return float(mixed.logprobs(corpus.texts)[np.arange(len(gold)), gold].sum())

    tuned = mix_classifiers(parts, tune=corpus)
    best = likelihood(tuned.weights[0])
    # Near a weight of 0 expectation–maximisation is slow, and ends after so many steps.
    assert all(best >= likelihood(weight) - 0.01 for weight in np.linspace(0, 1, 21))
    assert tuned.info.data["tune"]["name"] == "tune.tsv"


def test_a_log_linear_mixture_multiplies_powers_of_probabilities(home: Path) -> None:
    parts = parts_of(home, "chain", "attention")
    mixture = mix_classifiers(parts, weights=(0.5, 2), log_linear=True)
    first, second = (np.exp(part.logprobs(TEXTS)) for part in parts)
    product = first**0.5 * second**2
    wanted = product / product.sum(1, keepdims=True)
    np.testing.assert_allclose(np.exp(mixture.logprobs(TEXTS)), wanted, rtol=1e-12)
    assert "log-linear mixture(ngram 0.500, attention 2.000)" in str(mixture.signature)


def test_tuned_exponents_make_the_labels_likeliest(home: Path, tmp_path: Path) -> None:
    parts = parts_of(home, "chain", "attention")
    rows = "좋은 영화\tpos\n나쁜 영화\tneg\n좋은\tpos\n나쁜\tneg\n좋은 영화\tneg\n나쁜\tpos\n"
    (tmp_path / "tune.tsv").write_text(rows, "utf-8")
    corpus = read_labelled(tmp_path / "tune.tsv")
    gold = [parts[0].labels.index(label) for label in corpus.labels]

    def likelihood(first: float, second: float) -> float:
        mixed = mix_classifiers(parts, weights=(first, second), log_linear=True)
        return float(mixed.logprobs(corpus.texts)[np.arange(len(gold)), gold].sum())

    tuned = mix_classifiers(parts, tune=corpus, log_linear=True)
    assert min(tuned.weights) >= 0
    best = likelihood(*tuned.weights)
    around = itertools.product(np.linspace(0, 4, 17), repeat=2)
    assert all(best >= likelihood(*weights) - 1e-9 for weights in around)


def test_no_part_of_a_product_forbids_a_label(home: Path, tmp_path: Path) -> None:
    (chain,) = parts_of(home, "chain")
    counted = {"order": 2, "smoothing": {"name": "maximum-likelihood"}}
    recipe = Recipe.of(
        {"task": "classify", "stage": "ngram", "tokenizer": "words", "model": counted}
    )
    train_recipe(recipe, [home / "train.tsv"], folder=tmp_path / "certain")
    certain = load(tmp_path / "certain")
    assert isinstance(certain, Classifier)
    mixture = mix_classifiers([chain, certain], weights=(1, 1), log_linear=True)
    assert np.isfinite(mixture.logprobs(TEXTS)).all()


def test_a_mixture_is_made_saved_and_used_from_the_command_line(home: Path, run) -> None:
    out = home / "both"
    done = run("mix", home / "chain", home / "attention", "--tune", home / "tune.tsv", "-o", out)
    assert done.code == 0, done.err
    assert any(line.startswith("accuracy") for line in done.lines)
    mixture = load(out)
    assert isinstance(mixture, MixedClassifier)
    texts = home / "new.txt"
    texts.write_text("\n".join(TEXTS) + "\n", "utf-8")
    rows = run("classify", out, texts, "--json").rows
    assert rows[3] == {"text": "", "label": None, "probability": None, "probabilities": {}}
    (again,) = (each for each in mixture.predict([TEXTS[0]]))
    assert rows[0]["probabilities"] == pytest.approx(again.probabilities, abs=1e-6)
    (scores,) = run("evaluate", out, home / "tune.tsv", "--json").rows
    assert set(scores["scores"]) == set(mixture.evaluate(read_labelled(home / "tune.tsv")))
    assert run("verify", out).code == 0
    compared = run(
        "compare", home / "train.tsv", "--task", "classify", "--test", home / "tune.tsv",
        "--models", f"{home / 'chain'},{out}", "-o", home / "report", "--json",
    )  # fmt: skip
    assert compared.code == 0, compared.err
    first, both = compared.rows[0]["models"]
    assert both["stage"] == "mixture"
    assert both["bytes"] > first["bytes"]
    options = ("--tune", home / "tune.tsv", "--log-linear", "--force", "-o", out, "--json")
    (told,) = run("mix", home / "chain", home / "attention", *options).rows
    product = load(out)
    assert isinstance(product, MixedClassifier)
    assert product.log_linear
    assert tuple(told["weights"].values()) == product.weights
    assert "accuracy" in told["scores"]
    # What it says of new text can teach another model.
    more = home / "more.jsonl"
    more.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    asked = ("--model", "attention", "--tokenizer", "words", "--epochs", 1, "-o", home / "taught")
    assert run("train", "classify", home / "train.tsv", "--soft-labels", more, *asked).code == 0


@pytest.mark.parametrize(
    ("names", "options", "complaint"),
    [
        (("chain", "three"), ("--weights", "0.5,0.5"), "model 2 knows the labels neg, other, pos"),
        (("chain", "chain"), ("--weights", "0.5,0.6"), "wanted 2 weights of at least 0 that sum"),
        (("chain", "chain"), ("--weights", "1"), "wanted 2 weights"),
        (("chain", "chain"), ("--weights", "0.5", "--log-linear"), "2 weights of at least 0 and"),
        (("chain", "chain"), ("--weights", "1,-1", "--log-linear"), "of at least 0 and finite"),
        (("chain", "chain"), ("--tune", "three.tsv"), "label 'other' was never seen"),
        (("chain",), ("--weights", "1"), "a mixture needs at least 2 models, got 1"),
    ],
)
def test_what_cannot_be_mixed_is_refused_in_one_line(
    home: Path, run, names: tuple[str, ...], options: tuple[str, ...], complaint: str
) -> None:
    given = [home / each if each.endswith(".tsv") else each for each in options]
    done = run("mix", *(home / name for name in names), *given, "-o", home / "never")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert complaint in done.err
    assert not (home / "never").exists()


def test_a_mixture_is_looked_into_and_cannot_be_exported_gone_on_with_or_mixed_again(
    home: Path, run
) -> None:
    out = home / "again"
    parts = (home / "chain", home / "attention")
    assert run("mix", *parts, "--weights", "0.5,0.5", "-o", out).code == 0
    (record,) = run("look", out, "좋은 영화", "--json").rows
    (said,) = load(out).predict(["좋은 영화"])
    assert record["outcome"]["probabilities"] == pytest.approx(said.probabilities, abs=1e-6)
    for asked in (
        ("export", out, "--to", "onnx", "-o", home / "never.onnx"),
        ("mix", out, parts[0], "--weights", "0.5,0.5", "-o", home / "never"),
        (
            "train",
            "classify",
            home / "train.tsv",
            "--model",
            "attention",
            "--init",
            out,
            "-o",
            home / "never",
        ),
    ):
        done = run(*asked)
        assert (done.code, len(done.err.splitlines())) == (2, 1), done.err


def test_a_folder_of_a_mixture_within_a_mixture_is_refused(home: Path, tmp_path: Path) -> None:
    parts = parts_of(home, "chain", "attention")
    inner = mix_classifiers(parts, weights=(0.5, 0.5))
    replace(mix_classifiers(parts, weights=(0.5, 0.5)), parts=(inner, parts[1])).save(
        tmp_path / "m"
    )
    with pytest.raises(ArtefactError, match=r"part-0: a mixture within a mixture"):
        load(tmp_path / "m")


def test_pairs_and_single_texts_do_not_mix_and_weights_are_wanted(home: Path) -> None:
    first, second = parts_of(home, "chain", "attention")
    with pytest.raises(UnsupportedError, match="model 2 reads pairs of texts, and others not"):
        mix_classifiers([first, replace(second, pairs=True)], weights=(0.5, 0.5))
    with pytest.raises(ConfigError, match="a mixture needs weights, or held-out texts"):
        mix_classifiers([first, second])
