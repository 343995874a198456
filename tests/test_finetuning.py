"""Pairs, numbers and word labels: trained, measured, used; weights, seeds, calibration."""

import math
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munmaek.data.batches import LabelledBatch
from munmaek.errors import ConfigError, InputError, MunmaekWarning, UnsupportedError
from munmaek.fit.running import Running
from munmaek.metrics import sign
from munmaek.metrics.calibration import calibrate, calibration_error, fit_temperature, tempered
from munmaek.metrics.regression import correlation, ranks, regression_scores
from munmaek.metrics.tagging import Span, spans, tagging_scores
from munmaek.models.bert import BertClassifierNetwork, BertConfig
from munmaek.nn.tape import Tape
from munmaek.pipeline import train_recipe
from munmaek.several import Plan, train_several
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import Classification, NeuralClassifier
from munmaek.tasks.classify.training import label_weights
from munmaek.tasks.framing import Framing, Rows, framing_of
from munmaek.tasks.inside import Question
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.tag.model import Tagger
from munmaek.tasks.tag.words import stands_apart, word_rows
from munmaek.text.corpora import LabelledCorpus, Pairs, read_labelled, read_valued
from munmaek.text.frames import Frame
from munmaek.text.tagged import read_tagged, read_words
from munmaek.text.tokenizers import train_tokenizer

SIGNATURE = sign(task="test", stage="test")
SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
}  # fmt: skip
WORDS = ("나는", "학교", "서울", "김", "박", "간다", "좋다", "책", "집", "물")


def recipe(task: str, **options: Any) -> Recipe:
    """A tiny BERT, or another stage."""
    usual = {"stage": "bert", "tokenizer": "words", "model": SMALL, "train": {"steps": 3}}
    return Recipe.of({"task": task, **usual, **options})


def sentences(count: int = 48) -> list[list[str]]:
    rng = np.random.default_rng(0)
    return [[WORDS[int(n)] for n in rng.integers(0, len(WORDS), 4)] for _ in range(count)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    texts = [" ".join(words) for words in sentences()]
    pairs = [(a, a if n % 2 else b) for n, (a, b) in enumerate(pairwise(texts))]
    rows = [f"{a}\t{b}\t{'same' if a == b else 'other'}\n" for a, b in pairs]
    (folder / "pairs.tsv").write_text("sentence1\tsentence2\tgold_label\n" + "".join(rows), "utf-8")
    more = "sentence1\tsentence2\tgold_label\n" + "".join(rows[1:] * 3)
    (folder / "more.tsv").write_text(more, "utf-8")
    rows = [f"{n}\t{5.0 * (a == b)}\t{a}\t{b}\n" for n, (a, b) in enumerate(pairs)]
    (folder / "sts.tsv").write_text("id\tscore\tsentence1\tsentence2\n" + "".join(rows), "utf-8")
    named = {"서울": "B-LOC", "김": "B-PER", "박": "I-PER"}
    blocks = ["".join(f"{w}\t{named.get(w, 'O')}\n" for w in words) for words in sentences()]
    (folder / "names.tsv").write_text("\n".join(blocks), "utf-8")
    return folder


# Data


def test_pairs_are_found_by_the_names_of_their_columns(data: Path) -> None:
    corpus = read_labelled(data / "pairs.tsv", pairs=Pairs())
    assert corpus.seconds is not None
    assert corpus.texts[1] == corpus.seconds[1]
    assert corpus.labels[:2] == ("other", "same")
    assert corpus.place(0).endswith("pairs.tsv, line 2")
    single = LabelledCorpus("x", corpus.texts, corpus.labels)
    assert single.fingerprint != corpus.fingerprint


def test_pairs_without_a_header_are_first_second_label(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("가\t나\t1\n다\t라\t0\n", "utf-8")
    corpus = read_labelled(file, pairs=Pairs())
    assert (corpus.texts, corpus.seconds, corpus.labels) == (("가", "다"), ("나", "라"), ("1", "0"))
    swapped = read_labelled(file, text_column=1, pairs=Pairs(0))
    assert (swapped.texts, swapped.seconds) == (("나", "라"), ("가", "다"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sentence1\tgold_label\n가\tx\n", "line 1: 2 columns, 3 wanted: first text, second text"),
        ("sentence1\tsentence2\tlabel\n가\t나\tx\n가\tx\n", "line 3: 2 columns, 3 wanted"),
        ("sentence1\tsentence2\tlabel\n가\t나\t\n", "line 2: the label is empty"),
    ],
)
def test_a_pair_file_with_a_column_missing_is_refused(
    content: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.tsv").write_text(content, "utf-8")
    with pytest.raises(InputError, match=f"bad.tsv, {said}"):
        read_labelled(tmp_path / "bad.tsv", pairs=Pairs())


@pytest.mark.parametrize("value", ["high", "nan", "inf", "1,5"])
def test_a_value_that_is_no_number_is_named_with_its_line(value: str, tmp_path: Path) -> None:
    (tmp_path / "v.tsv").write_text(f"text\tscore\n가\t1.5\n나\t{value}\n", "utf-8")
    with pytest.raises(InputError, match=r"v\.tsv, line 3: a number is wanted as the value, got"):
        read_valued(tmp_path / "v.tsv")


def test_words_and_labels_are_read_with_comments_and_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "c.conll"
    text = "-DOCSTART- -X- O\n\n# id 1\n김\tNNP\tB-PER\n씨\tO\n\n\n#\tO\n서울\tB-LOC\n"
    file.write_text(text, "utf-8")
    corpus = read_tagged([file])
    assert corpus.sentences == (("김", "씨"), ("#", "서울"))
    assert corpus.labels == (("B-PER", "O"), ("O", "B-LOC"))
    assert corpus.place(1, 1).endswith("c.conll, line 9")
    assert list(read_words(file)) == [("김", "씨"), ("#", "서울")]
    file.write_text("EU NNP B-ORG\n# # O\n", "utf-8")
    assert read_tagged([file]).sentences == (("EU", "#"),)


def test_a_word_without_a_label_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.tsv").write_text("김\tB-PER\n씨\n", "utf-8")
    with pytest.raises(InputError, match=r"bad\.tsv, line 2: a word and its label .* got '씨'"):
        read_tagged([tmp_path / "bad.tsv"])
    (tmp_path / "empty.tsv").write_text("\n\n", "utf-8")
    with pytest.raises(InputError, match="no sentence"):
        read_tagged([tmp_path / "empty.tsv"])


# Framing


@given(st.integers(0, 30), st.integers(0, 30), st.integers(8, 40), st.booleans())
def test_a_pair_is_cut_as_longest_first_says(a: int, b: int, limit: int, doubled: bool) -> None:
    framing = Framing(Frame.around(1, 2, doubled=doubled), limit, segments=True)
    row, split = framing.pair([7] * a, [8] * b)
    # The longer text is cut to what the shorter leaves, then both to half, the longer one's half
    # the greater: what the tokenizers library calls longest_first.
    first, second, room = a, b, limit - 3 - doubled
    short, longer = sorted((a, b))
    if short + longer > room:
        longer = max(short, room - short)
        short, longer = (short, longer) if short + longer <= room else (room // 2, -(-room // 2))
        first, second = (longer, short) if a > b else (short, longer)
    between = [2, 2] if doubled else [2]
    assert row == [1, *[7] * first, *between, *[8] * second, 2]
    assert split == first + 2


def test_a_pair_is_framed_as_transformers_frames_it(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    theirs = transformers.BertTokenizerFast(str(tmp_path / "vocab.txt"))
    for first, second in (("a b", "c d"), ("a b a b a b a", "c d"), ("a b c a b c", "d " * 9)):
        want = theirs(first, second, truncation="longest_first", max_length=11)
        ids = [[words.index(word) for word in text.split()] for text in (first, second)]
        row, split = Framing(Frame.around(2, 3), 11).pair(*ids)
        assert row == want["input_ids"]
        assert [int(n >= split) for n in range(len(row))] == want["token_type_ids"]


def network(**config: Any) -> BertClassifierNetwork:
    torch.manual_seed(0)
    made = BertClassifierNetwork(
        BertConfig(**{**SMALL, "initializer_range": 0.3, **config}), vocab_size=20, label_count=3
    )
    return made.double().eval()


MODERN = {"norm_first": True, "positions": "rotary", "gated": True, "bias": False}


@pytest.mark.parametrize("config", [{}, MODERN, {**MODERN, "embedding_norm": True}])
def test_first_tokens_alone_have_the_scores_and_gradients_of_all(config: dict[str, Any]) -> None:
    made = network(**config)
    ids = torch.randint(5, 20, (4, 6), generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([6, 3, 3, 1])
    types = (torch.arange(6) >= 2).long().expand(4, 6)
    weight = torch.randn(4, 3, dtype=torch.float64)
    found: list[Any] = []
    for way in (
        lambda: made(ids, lengths, types=types),
        lambda: made.scores(made.encoder(ids, lengths, types=types)[:, 0]),
        lambda: made(ids, lengths, types=types, tape=Tape()),
    ):
        made.zero_grad()
        scores = way()
        (scores * weight).sum().backward()
        found.append((scores.detach(), {n: p.grad.clone() for n, p in made.named_parameters()}))
    for scores, gradients in found[1:]:
        torch.testing.assert_close(scores, found[0][0], atol=1e-12, rtol=1e-10)
        for name, gradient in gradients.items():
            torch.testing.assert_close(gradient, found[0][1][name], atol=1e-11, rtol=1e-9)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_segments_reach_the_network_and_padding_changes_nothing(pooling: str) -> None:
    made = network(classifier_pooling=pooling).float()
    rows = [[1, 5, 6, 2, 7, 2], [1, 5, 2, 6, 7, 8, 9, 2]]
    splits = np.array([4, 3])
    both = NeuralClassifier(made).logprobs(rows, splits=splits)
    for number, row in enumerate(rows):
        alone = NeuralClassifier(made).logprobs([row], splits=splits[[number]])
        np.testing.assert_allclose(alone[0], both[number], atol=1e-6)
    assert np.abs(NeuralClassifier(made).logprobs(rows) - both).max() > 1e-3


# Class weights


def test_weights_have_a_mean_of_one_over_the_training_data() -> None:
    counts = np.array([90, 10])
    balanced = label_weights(recipe("classify", class_weights="balanced"), ("a", "b"), counts)
    # N / (C · n): 100 / (2 · 90) and 100 / (2 · 10).
    assert balanced == pytest.approx((100 / 180, 100 / 20))
    given_ones = label_weights(recipe("classify", class_weights={"b": 3.0}), ("a", "b"), counts)
    assert given_ones[1] / given_ones[0] == pytest.approx(3)
    assert np.average(given_ones, weights=counts) == pytest.approx(1)
    with pytest.raises(ConfigError, match="no label 'c'; labels are a, b"):
        label_weights(recipe("classify", class_weights={"c": 1.0}), ("a", "b"), counts)


def test_the_weighted_loss_is_the_weighted_sum() -> None:
    made = network().float()
    rows, labels = Rows([[1, 5, 2], [1, 6, 2]]), np.array([0, 2])
    task = Classification(rows, labels, rows, labels, weights=(2.0, 1.0, 0.5))
    batch = LabelledBatch.gather(rows.ids, labels, np.array([0, 1]), 0)
    nats = -NeuralClassifier(made).logprobs(rows.ids)[[0, 1], labels]
    assert task.loss(made, batch).total.item() == pytest.approx(2 * nats[0] + nats[1] / 2, rel=1e-5)
    assert task.validate(made) == pytest.approx((2 * nats[0] + nats[1] / 2) / 2.5, rel=1e-5)


# Word dropout


def test_word_dropout_hides_a_share_of_the_words_anew_in_each_pass_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    rows = Rows([[1, *rng.integers(5, 30, size).tolist(), 2] for size in rng.integers(5, 40, 200)])
    labels = np.zeros(200, dtype=np.int64)
    shown = Classification(rows, labels, rows, labels)
    task = replace(shown, word_dropout=0.3, mask=4, special=frozenset(range(5)))
    passes = [[batch.ids for batch in task.epoch(number)] for number in (0, 0, 1)]
    for hidden, batch in zip(passes[0], shown.epoch(0), strict=True):
        kept = hidden != 4
        np.testing.assert_array_equal(hidden[kept], batch.ids[kept])
        assert (batch.ids[~kept] >= 5).all()
    ids = np.concatenate([batch.flatten() for batch in passes[0]])
    assert np.mean(ids[(ids >= 4)] == 4) == pytest.approx(0.3, abs=0.03)
    for one, again in zip(passes[0], passes[1], strict=True):
        np.testing.assert_array_equal(one, again)
    assert sum(int((batch == 4).sum()) for batch in passes[2]) != int((ids == 4).sum())


def test_word_dropout_is_for_networks_that_classify() -> None:
    with pytest.raises(ConfigError, match="word_dropout is for 'classify', not for 'lm'"):
        Recipe(task="lm", stage="rnn", word_dropout=0.1).stage_config()
    with pytest.raises(UnsupportedError, match="stage 'ngram' has no word_dropout"):
        Recipe(task="classify", stage="ngram", word_dropout=0.1).stage_config()


# Calibration


def test_the_temperature_that_spoiled_probabilities_is_found_again() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 3)) * 2
    honest = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    gold = np.array([rng.choice(3, p=np.exp(row)) for row in honest])
    assert fit_temperature(honest * 3, gold) == pytest.approx(3, rel=0.08)
    found = calibrate(tempered(honest, 1 / 3), gold)
    assert found.ece_after < 0.03
    assert found.ece_before > 0.1
    assert found.nats_after < found.nats_before
    assert np.array_equal(tempered(honest, 3.0).argmax(1), honest.argmax(1))
    assert tempered(np.empty((0, 0)), 3.0).shape == (0, 0)


def test_the_calibration_error_is_that_of_guo_by_hand() -> None:
    # Confidences 0.9 and 0.8 (bins 14 and 12 of 15), 0.6 twice (bin 9): right, wrong, right, wrong.
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.6, 0.4]])
    gold = np.array([0, 1, 0, 1])
    by_hand = (abs(1 - 0.9) + abs(0 - 0.8) + abs(1 - 1.2)) / 4
    assert calibration_error(np.log(chances), gold) == pytest.approx(by_hand)


# Regression


def test_correlations_are_those_of_scipy_by_hand() -> None:
    # scipy.stats 1.17: pearsonr([1, 2, 3, 4, 5], [2, 1, 4, 3, 7]) = 0.82199494, spearmanr = 0.8.
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 7])
    # Σ(x−x̄)(y−ȳ) = 12, Σ(x−x̄)² = 10, Σ(y−ȳ)² = 21.2.
    assert correlation(x, y) == pytest.approx(12 / math.sqrt(10 * 21.2))
    assert ranks(np.array([3.0, 1, 3, 2])).tolist() == [3.5, 1, 3.5, 2]
    scores = regression_scores(x.tolist(), y.tolist(), signature=SIGNATURE)
    assert scores["spearman"].value == pytest.approx(0.8)
    # Fisher: tanh(artanh 0.8242 ± 1.96 / √2).
    middle, half = math.atanh(12 / math.sqrt(212)), 1.959963984540054 / math.sqrt(2)
    assert scores["pearson"].low == pytest.approx(math.tanh(middle - half))
    assert scores["mse"].value == pytest.approx((1 + 1 + 1 + 1 + 4) / 5)


# Word labels


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ("B-A I-A O B-A", [("A", 0, 2), ("A", 3, 4)]),
        ("I-A I-A O", [("A", 0, 2)]),
        ("B-A B-A", [("A", 0, 1), ("A", 1, 2)]),
        ("B-A I-B I-B", [("A", 0, 1), ("B", 1, 3)]),
        ("S-A B-A E-A I-A", [("A", 0, 1), ("A", 1, 3), ("A", 3, 4)]),
        ("U-A B-A L-A", [("A", 0, 1), ("A", 1, 3)]),
        ("A A O B", [("A", 0, 2), ("B", 3, 4)]),
        ("O O", []),
        ("", []),
    ],
)
def test_entities_begin_and_end_as_in_conlleval(labels: str, found: list[Any]) -> None:
    assert spans(labels.split()) == [Span(*each) for each in found]


def test_span_scores_count_exact_matches() -> None:
    gold = [["B-A", "I-A", "O"], ["B-B", "O", "B-A"]]
    guess = [["B-A", "I-A", "O"], ["B-B", "I-B", "B-B"]]
    scores = tagging_scores(guess, gold, signature=SIGNATURE)
    # Words: 4 of 6. Entities: 1 of the 3 found is right, of 3 that are there.
    assert scores["accuracy"].value == pytest.approx(4 / 6)
    assert scores["span_f1"].value == pytest.approx(2 * 1 / (3 + 3))
    assert set(tagging_scores([["N"]], [["V"]], signature=SIGNATURE)) == {"accuracy"}


@given(
    st.lists(st.lists(st.sampled_from(["가나다라", "마", "바사", "가 나"]), max_size=9), max_size=4)
)
def test_every_word_stands_once_in_rows_within_the_limit(texts: list[list[str]]) -> None:
    tokenizer = train_tokenizer(["가나 다라 마 바사"] * 3, kind="characters", vocab_size=30)
    rows = word_rows(tokenizer, texts, limit=8)
    assert all(len(ids) == len(words) <= 8 for ids, words in zip(rows.ids, rows.words, strict=True))
    seen: list[list[int]] = [[] for _ in texts]
    for sentence, words in zip(rows.sentences, rows.words, strict=True):
        seen[sentence] += [word for word in words if word >= 0]
    assert seen == [list(range(len(words))) for words in texts]


def test_punctuation_stands_apart_where_it_does_in_the_training_data() -> None:
    assert stands_apart([["Seoul", ",", "Korea", "."]])
    assert not stands_apart([["Seoul,", "Korea."]])


# Training, measuring, saving


def test_a_classifier_of_pairs_is_trained_calibrated_saved_and_used(
    data: Path, tmp_path: Path
) -> None:
    options = recipe("classify", pairs=True, calibrate=True, class_weights="balanced")
    with pytest.raises(InputError, match="--calibrate needs 100 validation texts or more, got 2"):
        train_recipe(options, [data / "pairs.tsv"], folder=tmp_path / "m")
    model = train_recipe(
        options, [data / "pairs.tsv"], folder=tmp_path / "m", valid=[data / "more.tsv"]
    )
    assert isinstance(model, Classifier)
    assert set(model.info.scores) == {"accuracy", "macro_f1", "ece"}
    assert model.info.training["calibration"]["temperature"] == model.temperature != 1.0
    again: Any = load(tmp_path / "m")
    assert again.predict(["나는"], ["학교"]) == model.predict(["나는"], ["학교"])
    assert again.predict(["나는"], ["학교"])[0].second == "학교"
    assert again.predict([], []) == []
    with pytest.raises(InputError, match="trained on pairs of texts, and is given single texts"):
        again.predict(["나는"])
    inside = again.predictions(Question("나는 학교", "서울"))
    assert inside.segments == (0, 0, 0, 0, 1, 1)
    assert inside.answer["outcome"]["probabilities"] == pytest.approx(
        again.predict(["나는 학교"], ["서울"])[0].probabilities, abs=1e-6
    )
    scores = again.evaluate(LabelledCorpus("t", ("a",), ("third",), ("b",)))
    assert scores["accuracy"].value == 0.0
    assert scores["accuracy"].signature.get("unseen") == "1"


@pytest.mark.parametrize("stage", ["rnn", "transformer"])
def test_other_stages_read_a_pair_with_an_end_between(
    stage: str, data: Path, tmp_path: Path
) -> None:
    options = recipe("regress", stage=stage, pairs=True, model={})
    model: Any = train_recipe(options, [data / "sts.tsv"], folder=tmp_path / "m")
    framing = framing_of(model.info, model.tokenizer, model.limit)
    bos, eos = model.tokenizer.bos, model.tokenizer.eos
    assert framing.pair([7], [8])[0] == [bos, 7, eos, 8, eos]
    assert not framing.segments
    assert load(tmp_path / "m").rate(["나는"], ["집"]) == model.rate(["나는"], ["집"])


def test_a_regressor_gives_values_of_the_data_and_opens_in_transformers(
    data: Path, tmp_path: Path
) -> None:
    transformers: Any = pytest.importorskip("transformers")
    model = train_recipe(recipe("regress", pairs=True), [data / "sts.tsv"], folder=tmp_path / "m")
    assert isinstance(model, Regressor)
    assert (model.low, model.high) == (0.0, 5.0)
    assert set(model.info.scores) == {"mse", "rmse", "mae"}, "two values have no correlation"
    assert set(model.evaluate(read_valued(data / "sts.tsv", pairs=Pairs()))) == {
        "pearson", "spearman", "mse", "rmse", "mae", "r2"
    }  # fmt: skip
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    framing = framing_of(model.info, model.tokenizer, model.limit)
    first, second = model.tokenizer.encode_many(["나는 학교", "서울"])
    row, split = framing.pair(first, second)
    types = torch.tensor([[int(n >= split) for n in range(len(row))]])
    with torch.no_grad():
        scaled = theirs(input_ids=torch.tensor([row]), token_type_ids=types).logits[0]
    value = model.rate(["나는 학교"], ["서울"])[0].value
    assert value == pytest.approx(5.0 * float(scaled[0]), abs=1e-5)
    (tmp_path / "same.tsv").write_text("가\t1\n나\t1\n다\t1\n", "utf-8")
    with pytest.raises(InputError, match=r"every value is 1\.0"):
        train_recipe(recipe("regress"), [tmp_path / "same.tsv"], folder=tmp_path / "n")


def test_a_tagger_learns_words_and_finds_entities_in_plain_text(data: Path, tmp_path: Path) -> None:
    options = recipe("tag", train={"steps": 80, "learning_rate": 3e-3})
    model = train_recipe(options, [data / "names.tsv"], folder=tmp_path / "m")
    assert isinstance(model, Tagger)
    assert model.labels == ("O", "B-LOC", "B-PER", "I-PER")
    assert model.evaluate(read_tagged([data / "names.tsv"]))["span_f1"].value == 1.0
    again: Any = load(tmp_path / "m")
    entities = again.tag(["나는 김 박 간다  서울"])[0]
    assert [(e.label, e.text, e.start, e.end) for e in entities] == [
        ("PER", "김 박", 3, 6), ("LOC", "서울", 11, 13),
    ]  # fmt: skip
    by_piece = replace(again, whole_words=False)
    texts = ["나는 김 박 박", "", "서울", "나는 서울 김 박 간다 서울 김"]
    for text, together in zip(texts, by_piece.tag(texts), strict=True):
        for one, other in zip(by_piece.tag([text])[0], together, strict=True):
            assert replace(one, probability=0.0) == replace(other, probability=0.0)
            assert one.probability == pytest.approx(other.probability, abs=1e-6)
    pieces = by_piece.tag(texts[:1])[0]
    chances = [word.probability for word in again.label_words([["나는", "김", "박", "박"]])[0]]
    assert [(e.label, e.text) for e in pieces] == [("PER", "김 박 박")]
    assert pieces[0].probability == pytest.approx(sum(chances[1:]) / 3, abs=1e-6)
    assert again.label_words([["김", " ", "서울"]])[0][1].probability == 0.0
    assert replace(again, apart=True).split('"서울", 간다...') == ['"', "서울", '",', "간다", "..."]
    (tmp_path / "t.tsv").write_text("나는\tO\n책\tB-ORG\n", "utf-8")
    corpus = read_tagged([tmp_path / "t.tsv"])
    scores = again.evaluate(corpus)
    assert scores["span_recall"].value == 0.0
    assert scores["span_recall"].signature.get("unseen") == "1"


def test_a_pretrained_encoder_begins_every_fine_tuning(data: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(" ".join(words) for words in sentences()), "utf-8")
    train_recipe(recipe("mlm", max_tokens=64), [text], folder=tmp_path / "mlm")
    for task, file in (("classify", "pairs"), ("regress", "sts"), ("tag", "names")):
        pairs = {"pairs": True} if task != "tag" else {}
        options = recipe(task, **pairs, model={}, train={"steps": 1})
        folder = tmp_path / task
        model: Any = train_recipe(
            options, [data / f"{file}.tsv"], folder=folder, init=tmp_path / "mlm"
        )
        assert model.info.config["hidden_size"] == 16
    # A model with another head begins one, too: pairs that are told apart, then rated.
    options = recipe("regress", pairs=True, model={}, train={"steps": 1})
    train_recipe(options, [data / "sts.tsv"], folder=tmp_path / "again", init=tmp_path / "classify")


def test_going_on_with_other_rows_held_out_is_warned_of(data: Path, tmp_path: Path) -> None:
    pairs, first = data / "pairs.tsv", tmp_path / "first"
    train_recipe(recipe("classify", pairs=True, train={"steps": 1}), [pairs], folder=first)
    again = recipe("classify", pairs=True, train={"steps": 1}, model={}, seed=1)
    with pytest.warns(
        MunmaekWarning, match=r"pairs\.tsv: .* trained on rows that are held out here"
    ):
        train_recipe(again, [pairs], folder=tmp_path / "other", init=first)
    for same in ({"seed": 0}, {"hold_out_seed": 0}):
        rows = again.model_copy(update=same)
        train_recipe(
            rows, [pairs], folder=tmp_path / "same", init=first, running=Running(force=True)
        )
    train_recipe(again, [pairs], folder=tmp_path / "given", init=first, valid=[pairs])


def test_several_seeds_share_a_split_and_the_best_is_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = train_several(
        recipe("classify", pairs=True),
        [data / "pairs.tsv"],
        folder=tmp_path / "m",
        plan=Plan([3, 4], [20, None]),
    )
    assert [(run.trained_on, run.seed) for run in found.runs] == [
        (20, 3),
        (20, 4),
        (45, 3),
        (45, 4),
    ]
    held = {load(run.folder).info.data["valid"]["sha256"] for run in found.runs}
    assert len(held) == 1
    parts = {load(run.folder).info.data["train"]["sha256"] for run in found.runs}
    assert len(parts) == 2
    assert found.kept.validation == min(run.validation or 9 for run in found.runs[2:])
    texts = (["나는"], ["집"])
    assert load(tmp_path / "m").predict(*texts) == load(found.kept.folder).predict(*texts)
    values = [run.scores["accuracy"]["value"] for run in found.runs[:2]]
    first = found.summaries()[0]
    assert (first.rows, first.mean) == (20, pytest.approx(sum(values) / 2))
    assert first.spread == pytest.approx(abs(values[0] - values[1]) / math.sqrt(2))
    again = train_several(
        recipe("classify", pairs=True), [data / "pairs.tsv"], folder=tmp_path / "m",
        plan=Plan([3, 4], [20, None]), running=Running(resume=True),
    )  # fmt: skip
    assert again.to_json() == found.to_json()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="without torchrun"):
        train_several(recipe("classify"), [], folder=tmp_path / "m", plan=Plan([3]))
    monkeypatch.delenv("WORLD_SIZE")
    with pytest.raises(InputError, match="45 to train on"):
        train_recipe(recipe("classify", pairs=True, train_rows=46), [data / "pairs.tsv"],
              folder=tmp_path / "n")  # fmt: skip


def test_options_of_labelled_data_are_refused_elsewhere() -> None:
    with pytest.raises(UnsupportedError, match="'ngram' has no pairs; stages that have: rnn"):
        recipe("classify", stage="ngram", model={}, pairs=True).stage_config()
    with pytest.raises(ConfigError, match="calibrate is for 'classify', not for 'lm'"):
        recipe("lm", stage="rnn", model={}, calibrate=True).stage_config()


# Commands


def test_commands_train_measure_and_use_pairs_numbers_and_words(
    run: Any, data: Path, tmp_path: Path
) -> None:
    config = tmp_path / "small.toml"
    lines = [f"{name} = {value}" for name, value in SMALL.items()]
    config.write_text("[model]\n" + "\n".join(lines) + "\n[train]\nsteps = 2\n", "utf-8")
    common = ("--model", "bert", "--tokenizer", "words", "--config", config, "--device", "cpu")
    more = data / "more.tsv"
    for task, file, options in (
        (
            "classify",
            "pairs.tsv",
            ("--pairs", "--calibrate", "--class-weights", "same=2", "--valid", more),
        ),
        ("regress", "sts.tsv", ("--second-column", "sentence2", "--patience", 2)),
        ("tag", "names.tsv", ("--class-weights", "balanced")),
    ):
        done = run("train", task, data / file, *common, *options, "-o", tmp_path / task)
        assert done.code == 0, done.err
        assert "munmaek look" not in done.err  # which reads none of these
        measured = run("evaluate", tmp_path / task, data / file, "--json").rows[0]
        assert measured["task"] == task
    pairs = tmp_path / "new.tsv"
    pairs.write_text("나는\t집\n\n서울\t서울\n", "utf-8")
    rows = run("classify", tmp_path / "classify", pairs, "--json").rows
    assert (rows[0]["text"], rows[0]["second"], rows[1]["label"]) == ("나는", "집", None)
    rated = run("rate", tmp_path / "regress", pairs).lines
    assert rated[0].endswith("\t나는\t집")
    assert rated[1] == ""
    assert run("rate", tmp_path / "regress", pairs, "--json").rows[2]["value"] is not None
    plain = tmp_path / "plain.txt"
    plain.write_text("김 간다\n", "utf-8")
    tagged = run("tag", tmp_path / "tag", plain)
    assert [line.split("\t")[0] for line in tagged.lines] == ["김", "간다", ""]
    assert set(run("tag", tmp_path / "tag", plain, "--json").rows[0]) == {
        "text", "words", "entities",
    }  # fmt: skip
    assert len(run("tag", tmp_path / "tag", data / "names.tsv", "--words", "--json").rows) == 48
    bad = run("classify", tmp_path / "classify", plain)
    assert (bad.code, bad.err.count("\n")) == (2, 1)
    assert "plain.txt, line 1: two texts with a tab between are wanted, got 1 text" in bad.err


def test_seeds_and_a_curve_give_a_table_and_json(
    run: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "small.toml"
    config.write_text("[model]\nhidden = 4\nembedding = 4\n[train]\nsteps = 2\n", "utf-8")
    common = ("train", "classify", data / "pairs.tsv", "--pairs", "--model", "rnn", "--config",
              config, "--tokenizer", "words", "--device", "cpu", "-o", tmp_path / "m")  # fmt: skip
    done = run(*common, "--seeds", "0 1", "--curve", "20,all")
    assert done.code == 0, done.err
    assert done.lines[0].split()[:3] == ["rows", "score", "mean"]
    assert done.lines[1].split()[:2] == ["20", "accuracy"]
    assert "the best on the validation data" in done.err
    refused = run(*common, "--seeds", "0 1")
    assert (refused.code, "m: already exists" in refused.err) == (2, True)
    # On a terminal, what is printed while there is a bar would go to standard error.
    with monkeypatch.context() as patch:
        patch.setattr(sys.stderr, "isatty", lambda: True)
        summary = run(*common, "--seeds", "0", "--seeds", "1", "--force", "--json").rows[0]
    assert len(summary["runs"]) == 2
    assert summary["summary"][0]["spread"] is not None
    for more, said in (
        (("--seeds", "one"), "--seeds one: whole numbers wanted, got 'one'"),
        (("--seeds", "1 1"), "different seeds"),
        (("--seeds", "1 2", "--soft-labels", "more.jsonl"), "--soft-labels goes with a"),
        (("--back-translated", "more.tsv"), "--back-translated is for 'translate'"),
        (("--curve", "9999"), "9999 rows wanted, 45 to train on"),
        (("--class-weights", "third=2"), "no label 'third'"),
        (("--class-weights", "lots"), "LABEL=X,LABEL=X wanted"),
    ):
        bad = run(*common, *more, "--force")
        assert (bad.code, bad.err.count("\n")) == (2, 1), bad.err
        assert said in bad.err
