"""Discriminative n-grams: the features, the lowest loss, the folder, and what they refuse."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import munmaek
from conftest import Run
from munmaek.errors import ArtefactError
from munmaek.models.ngram import LogLinearNgrams, NgramConfig
from munmaek.ngram import flatten
from munmaek.ngram.bags import Grams
from munmaek.ngram.sequences import TokenIds

RNG = np.random.default_rng(0)
TEXTS = [RNG.integers(4, 9, size=RNG.integers(1, 12)).tolist() for _ in range(120)]
# A label that single tokens do not tell: whether 5 comes right after 4.
LABELS = [int(any(pair == (4, 5) for pair in pairwise(text))) for text in TEXTS]


def fitted(**options: object) -> LogLinearNgrams:
    config = NgramConfig.of({"order": 3, "discriminative": True, **options})
    return LogLinearNgrams.fit(
        TEXTS, LABELS, config=config, label_count=2, vocabulary=TokenIds(9, 1, 2)
    )


def grams_of(text: list[int], order: int) -> list[tuple[int, ...]]:
    framed = [1, *text, 2]
    return [
        tuple(framed[place : place + size])
        for size in range(1, order + 1)
        for place in range(len(framed) - size + 1)
    ]


def test_every_n_gram_of_a_text_is_counted_once_and_no_two_are_one() -> None:
    ids, offsets = flatten([[1, *text, 2] for text in TEXTS])
    grams = Grams.of(ids, offsets, order=3, vocab_size=9)
    bags = grams.bags(ids, offsets)
    known = {gram for text in TEXTS for gram in grams_of(text, 3)}
    assert len(grams) == len(known)
    for place, text in enumerate(TEXTS):
        own = slice(bags.starts[place], bags.starts[place + 1])
        found = dict(zip(bags.grams[own].tolist(), bags.counts[own].tolist(), strict=True))
        assert sum(found.values()) == len(grams_of(text, 3))
        assert len(found) == len(set(grams_of(text, 3)))
    pruned = Grams.of(ids, offsets, order=3, vocab_size=9, prune=(0, 1, 2))
    wanted = [sum(g == gram for text in TEXTS for g in grams_of(text, 3)) for gram in known]
    least = {1: 0, 2: 1, 3: 2}
    assert len(pruned) == sum(
        count > least[len(gram)] for gram, count in zip(known, wanted, strict=True)
    )


def test_weights_are_those_of_the_lowest_loss_that_scikit_learn_finds() -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear = pytest.importorskip("sklearn.linear_model")
    framed = [[str(each) for each in (1, *one, 2)] for one in TEXTS]
    features = text.TfidfVectorizer(
        analyzer=lambda words: [
            " ".join(words[at : at + size])
            for size in (1, 2, 3)
            for at in range(len(words) - size + 1)
        ],
        sublinear_tf=True,
    )
    theirs = linear.LogisticRegression(C=5.0, tol=1e-8, max_iter=10_000)
    theirs.fit(features.fit_transform(framed), LABELS)
    wanted = theirs.predict_log_proba(features.transform(framed))
    # With two labels each has half of what tells them apart, so that twice the penalty is the same.
    found = fitted(penalty=0.4).logprobs(TEXTS)
    np.testing.assert_allclose(np.exp(found), np.exp(wanted), atol=2e-3)


def test_what_only_a_pair_of_tokens_tells_is_learned() -> None:
    found = fitted(penalty=0.01).logprobs(TEXTS)
    assert (found.argmax(axis=1) == LABELS).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1.0)


def test_texts_without_a_known_token_get_what_labels_are_before_any_text() -> None:
    model = fitted()
    empty = model.logprobs([[], [3], [3, 3]])
    assert np.isfinite(empty).all()


def test_several_labels_are_each_a_question_of_its_own() -> None:
    both = np.array([[label, int(6 in text)] for label, text in zip(LABELS, TEXTS, strict=True)])
    config = NgramConfig.of({"order": 3, "discriminative": True, "penalty": 0.01})
    model = LogLinearNgrams.fit(
        TEXTS, both, config=config, label_count=2, vocabulary=TokenIds(9, 1, 2)
    )
    found = np.exp(model.logprobs(TEXTS))
    assert ((found > 0.5) == both).all()
    assert not np.allclose(found.sum(axis=1), 1.0)
    sizes = {"vocab_size": 9, "bos": 1, "eos": 2, "unk": 3}
    again = LogLinearNgrams.from_tensors(model.tensors(), config=config, **sizes)
    assert (again.logprobs(TEXTS) == model.logprobs(TEXTS)).all()


def test_tensors_give_the_model_back_and_damage_is_found() -> None:
    model = fitted()
    sizes = {"vocab_size": 9, "bos": 1, "eos": 2, "unk": 3}
    config = NgramConfig.of({"order": 3, "discriminative": True})
    tensors = model.tensors()
    again = LogLinearNgrams.from_tensors(tensors, config=config, **sizes)
    again.verify()
    assert (again.logprobs(TEXTS) == model.logprobs(TEXTS)).all()
    with pytest.raises(ArtefactError, match="do not fit"):
        LogLinearNgrams.from_tensors({**tensors, "idf": tensors["idf"][1:]}, config=config, **sizes)
    with pytest.raises(ArtefactError, match="missing"):
        LogLinearNgrams.from_tensors(
            {name: each for name, each in tensors.items() if name != "keys.2"},
            config=config,
            **sizes,
        )
    turned = {**tensors, "keys.2": tensors["keys.2"][::-1].copy()}
    with pytest.raises(ArtefactError, match="order"):
        LogLinearNgrams.from_tensors(turned, config=config, **sizes).verify()


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("log-linear") / "labels.tsv"
    words = ("나는", "너는", "학교에", "집에", "간다", "온다")
    lines = [
        (f"{a} {b} {c}", "yes" if (a, c) == ("나는", "간다") or b == "집에" else "no")
        for a in words[:2]
        for b in words[2:4]
        for c in words[4:]
    ]
    place.write_text("".join(f"{text}\t{label}\n" for text, label in lines * 6), encoding="utf-8")
    return place


def test_a_folder_is_trained_evaluated_looked_into_and_mixed(
    run: Run, labels: Path, tmp_path: Path
) -> None:
    train = ("train", "classify", labels, "--model", "ngram", "--tokenizer", "words", "--order", 2)
    assert run(*train, "--discriminative", "-o", tmp_path / "apart").code == 0
    assert run(*train, "-o", tmp_path / "chains").code == 0
    model = munmaek.load(tmp_path / "apart")
    assert model.info.label == "2-gram (log-linear)"
    assert [each.label for each in model.predict(["나는 학교에 간다", "너는 학교에 간다"])] == [
        "yes",
        "no",
    ]
    assert run("verify", tmp_path / "apart").code == 0
    assert run("look", tmp_path / "apart", "나는 학교에 간다", "-o", tmp_path / "p.html").code == 0
    mixing = ("mix", tmp_path / "apart", tmp_path / "chains", "--log-linear", "--tune", labels)
    assert run(*mixing, "-o", tmp_path / "mixed").code == 0
    live = run("look", tmp_path / "apart", "--live", "-o", tmp_path / "live.html")
    assert (live.code, "discriminative" in live.err) == (2, True)


def test_what_does_not_go_with_discriminative_n_grams_is_refused(
    run: Run, labels: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("나는 집에 간다\n너는 집에 온다\n" * 4, encoding="utf-8")
    for words, said in (
        (("lm", text), "'classify'"),
        (("classify", labels, "--smoothing", "witten-bell"), "no smoothing"),
        (("classify", labels, "--set", "model.penalty=0"), "penalty"),
    ):
        made = ("--model", "ngram", "--order", 2, "--discriminative", "-o", tmp_path / "m")
        done = run("train", *words, *made)
        assert (done.code, said in done.err) == (2, True), done.err
    assert not (tmp_path / "m").exists()
