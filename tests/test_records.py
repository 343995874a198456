"""Records: what every stage and task captures, and how it is packed, travels and comes back."""

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import munmaek
from munmaek.decode import BeamTree, Search
from munmaek.errors import ArtefactError, InputError
from munmaek.exchange.sentence import SentenceSettings
from munmaek.folder.info import Info
from munmaek.folder.weights import make_network
from munmaek.look import Attention, Looking, Record, Side, capture
from munmaek.look.attentions import rollout
from munmaek.look.capture import TOKENS_MOST, masked_word
from munmaek.look.gradients import head_importance
from munmaek.look.links import error_rate
from munmaek.look.packing import pack_float16, pack_uint8, unpack
from munmaek.look.records import fitted
from munmaek.look.roles import entropies, roles
from munmaek.look.workbench import NamedModel, Workbench
from munmaek.metrics.retrieval import pair_similarities
from munmaek.models import stage_named
from munmaek.models.bert.sentence import make_module
from munmaek.models.ngram import NgramClassifier, NgramConfig, NgramModel
from munmaek.ngram.sequences import TokenIds
from munmaek.nn.tape import Tape
from munmaek.tasks.classify.mixed import mix_classifiers
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.framed import frame_text
from munmaek.tasks.framing import Framing
from munmaek.tasks.inside import Accepts, Predictions, Question
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.regress.objective import NeuralRegressor
from munmaek.tasks.tag.model import Tagger
from munmaek.tasks.tag.objective import NeuralTagger
from munmaek.tasks.tag.words import word_rows
from munmaek.tasks.translate import model as translate_model
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.objective import DecoderRows
from munmaek.text.frames import Frame
from munmaek.text.spelling import shown_tokens
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

LINES = ["나는 학교에서 책을 읽는다", "너는 집에서 밥을 먹는다", "우리는 학교에 간다 그리고 온다"]
TEXT = "나는 집에서 책을 읽는다"

SMALL: dict[str, dict[str, Any]] = {
    "rnn": {"embedding": 8, "hidden": 8},
    "seq2seq": {"embedding": 8, "hidden": 8},
    "attention": {"embedding": 8, "hidden": 8, "encoder_hidden": 4},
    "self_attention": {"dimension": 8},
    "transformer": {"dimension": 8, "heads": 2, "layers": 2, "feed_forward": 16},
    "bert": {
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 600,
        "initializer_range": 0.3,
    },
}

CASES = {
    "lm": ("ngram", "rnn", "self_attention", "transformer"),
    "classify": ("ngram", "rnn", "attention", "self_attention", "transformer", "bert"),
    "regress": ("rnn", "attention", "self_attention", "transformer", "bert"),
    "translate": ("seq2seq", "attention", "transformer"),
    "mlm": ("bert",),
    "tag": ("bert",),
    "embed": ("bert",),
}
EVERY = [(task, stage) for task, stages in CASES.items() for stage in stages]


@cache
def tokenizer() -> Tokenizer:
    return train_tokenizer(LINES, kind="bpe", vocab_size=300)


@cache
def model(task: str, stage: str) -> Any:
    """A tiny model of random weights, or one that counted three lines."""
    tokens = tokenizer()
    if stage == "ngram":
        return _counted(task, tokens)
    config = stage_named(stage).config_class().of(SMALL[stage], where="test").model_dump()
    size = tokens.vocab_size
    sizes = {
        "translate": {"source_vocab": size, "target_vocab": size},
        "classify": {"vocab_size": size, "label_count": 2},
        "regress": {"vocab_size": size, "label_count": 1},
        "tag": {"vocab_size": size, "label_count": 3},
        "embed": {"vocab_size": size, "pooled": False},
    }.get(task, {"vocab_size": size})
    network = make_network(stage=stage, task=task, config=config, sizes=sizes, seed=1)
    network.eval()
    info = Info(task, stage, stage, config, sizes, 1000)
    labels = ("O", "B-PER", "B-LOC")
    makes: dict[str, Any] = {
        "lm": lambda: TrainedLanguageModel(
            tokens, NeuralLanguageModel(network, tokens.bos, tokens.eos, size), info
        ),
        "classify": lambda: Classifier(tokens, NeuralClassifier(network), ("good", "bad"), info),
        "regress": lambda: Regressor(tokens, NeuralRegressor(network), info, low=1.0, high=5.0),
        "translate": lambda: Translator(tokens, tokens, network, info),
        "mlm": lambda: Encoder(tokens, network, info, 600),
        "embed": lambda: Encoder(tokens, network, info, 600, normalised=True),
        "tag": lambda: Tagger(tokens, network, labels, info, 600, whole_words=True),
    }
    return makes[task]()


def _counted(task: str, tokens: Tokenizer) -> Any:
    sizes = {
        "vocab_size": tokens.vocab_size, "bos": tokens.bos, "eos": tokens.eos, "unk": tokens.unk
    }  # fmt: skip
    info = Info(task, "ngram", "3-gram", {"order": 3}, sizes, 100)
    ids = tokens.encode_many(LINES)
    config = NgramConfig(order=3)
    if task == "lm":
        chain = NgramModel.fit(ids, config=config, vocabulary=TokenIds(**sizes))
        return TrainedLanguageModel(tokens, chain, info)
    bayes = NgramClassifier.fit(
        ids, [0, 1, 0], config=config, label_count=2, vocabulary=TokenIds(**sizes)
    )
    return Classifier(tokens, bayes, ("good", "bad"), info)


@cache
def captured(task: str, stage: str) -> Record:
    return capture(model(task, stage), TEXT, name="m")


# What every stage captures


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_every_axis_fits_its_tensor(task: str, stage: str) -> None:
    record = captured(task, stage)
    sizes = {"source": len(record.source.pieces), "text": 1}
    for name in ("output", "written"):
        side: Side | None = getattr(record, name)
        if side is not None:
            sizes[name] = len(side.pieces)
            assert len(side.words) == len(side.pieces)
            assert max(side.words, default=-1) < len(side.surface)
    for each in record.attentions:
        assert record.tensors[each.tensor].shape == (
            each.heads,
            sizes[each.rows],
            sizes[each.columns],
        )
        assert len(each.summary.roles) == len(each.summary.entropy) == each.heads
    for each in record.gates:
        for name in each.names.values():
            assert len(record.tensors[name]) == sizes[each.rows]
    assert len(record.logprobs) == sizes.get("output", 0)


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_a_record_survives_json(task: str, stage: str) -> None:
    record = captured(task, stage)
    written = record.to_json(room=None)
    again = Record.from_json(written)
    assert json.loads(again.to_json(room=None)).keys() == json.loads(written).keys()
    for name, tensor in record.tensors.items():
        np.testing.assert_allclose(again.tensors[name], tensor, atol=2e-3, rtol=2e-3)
    assert again.attentions == record.attentions
    assert json.loads(written)["measures"] == json.loads(json.dumps(record.measures))


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_attention_rows_sum_to_one_and_the_stepper_leads_to_them(task: str, stage: str) -> None:
    record = captured(task, stage)
    for each in record.attentions:
        weights = record.tensors[each.tensor]
        np.testing.assert_allclose(weights.sum(2), 1, atol=1e-5)
        if each.causal:
            assert not np.triu(weights[0], 1).any()
        if each.stepper is None:
            continue
        q, k, v, scores, context = (
            record.tensors[getattr(each.stepper, name)].astype(np.float64)
            for name in ("queries", "keys", "values", "scores", "context")
        )
        made = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[2])
        np.testing.assert_allclose(made, scores, atol=1e-5)
        np.testing.assert_allclose(weights @ v, context, atol=1e-5)
        if each.causal:
            made = np.where(np.tril(np.ones(made.shape[1:])) > 0, made, -np.inf)
        soft = np.exp(made - made.max(2, keepdims=True))
        np.testing.assert_allclose(soft / soft.sum(2, keepdims=True), weights, atol=1e-5)


@pytest.mark.parametrize("stage", CASES["lm"])
def test_a_language_model_is_read_and_predicts_one_further_on(stage: str) -> None:
    record = captured("lm", stage)
    assert record.output is not None
    assert record.source.pieces[1:] == record.output.pieces[:-1]
    assert (record.source.pieces[0], record.output.pieces[-1]) == ("<s>", "</s>")
    scored = model("lm", stage).score([TEXT])[0]
    assert record.outcome["logprob"] == pytest.approx(scored.logprob, abs=1e-4)


@pytest.mark.parametrize("stage", CASES["translate"])
def test_a_given_translation_has_the_score_of_forced_decoding(stage: str) -> None:
    translator = model("translate", stage)
    record = capture(translator, TEXT, LINES[1], how=Looking(beam=0))
    aligned = translator.align([TEXT], [LINES[1]])[0]
    assert record.outcome["logprob"] == pytest.approx(aligned.logprob, abs=1e-3)
    assert record.written is not None
    assert record.written.pieces[0] == "<s>"
    assert record.target == LINES[1]
    if aligned.weights is not None:
        coverage = record.measures["coverage"]
        np.testing.assert_allclose(coverage, aligned.weights.sum(0), atol=1e-4)


def test_an_ngram_pays_its_way_to_each_probability() -> None:
    record = captured("lm", "ngram")
    assert record.ngram is not None
    for token, logprob in zip(record.ngram["tokens"], record.logprobs, strict=True):
        assert token["logprob"] == pytest.approx(logprob, abs=1e-6)
        assert len(token["context"].split()) == token["order"] - 1
        sizes = [len(each["context"].split()) for each in token["backoffs"]]
        assert sizes == list(range(token["order"] - 1 + len(sizes), token["order"] - 1, -1))
        assert 0 < sum(chance for _, chance in token["next"]) <= 1 + 1e-6


def test_a_mask_is_filled_and_a_pair_has_its_segments() -> None:
    record = capture(model("mlm", "bert"), TEXT, mask=1, pair="너는 먹는다")
    assert record.text.split()[1] == "<mask>"
    assert len(record.filled) == 1
    assert record.segments is not None
    cut = record.source.pieces.index("</s>") + 1
    assert record.segments == (0,) * cut + (1,) * (len(record.source.pieces) - cut)
    assert record.source.surface[-2:] == ("너는", "먹는다")


# Classifiers and regressors, of texts and of pairs

SECOND = "너는 학교에 간다"
JUDGES = [
    (task, stage)
    for task in ("classify", "regress")
    for stage in ("rnn", "attention", "transformer", "bert")
]


def of_pairs(task: str, stage: str) -> Any:
    return replace(model(task, stage), pairs=True)


def said(judge: Any, text: str, second: str | None = None) -> float:
    """The number, or the log-probability of the label that TEXT with SECOND gets."""
    seconds = None if second is None else [second]
    if isinstance(judge, Regressor):
        return judge.rate([text], seconds)[0].value
    whole = judge.logprobs([TEXT], None if second is None else [SECOND])[0]
    return float(judge.logprobs([text], seconds)[0, whole.argmax()])


@pytest.mark.parametrize("stage", CASES["regress"])
def test_a_regressor_is_looked_into_and_says_what_it_rates(stage: str) -> None:
    record = captured("regress", stage)
    value = said(model("regress", stage), TEXT)
    assert record.outcome == {"text": TEXT, "value": pytest.approx(value, abs=1e-5)}
    assert not record.probabilities
    assert record.segments is None
    # Not the first word: without it the next would begin the text, which is another token.
    without = [" ".join(TEXT.split()[:at] + TEXT.split()[at + 1 :]) for at in range(1, 4)]
    lost = [value - said(model("regress", stage), text) for text in without]
    np.testing.assert_allclose(record.tensors["source_influence"][:, 1:], [lost], atol=1e-4)


@pytest.mark.parametrize(("task", "stage"), JUDGES)
def test_a_pair_is_one_row_of_two_segments_and_both_texts_count(task: str, stage: str) -> None:
    judge = of_pairs(task, stage)
    record = capture(judge, TEXT, pair=SECOND)
    assert record.source.surface == (*TEXT.split(), *SECOND.split())
    assert record.segments is not None
    cut = record.source.pieces.index("</s>") + 1
    assert record.segments == (0,) * cut + (1,) * (len(record.source.pieces) - cut)
    assert max(record.source.words[:cut]) == 3
    assert sorted(set(record.source.words[cut:])) == [-1, 4, 5, 6]
    assert record.outcome["second"] == SECOND
    whole = said(judge, TEXT, SECOND)
    if task == "regress":
        assert record.outcome["value"] == pytest.approx(whole, abs=1e-5)
    else:
        chances = judge.predict([TEXT], [SECOND])[0].probabilities
        assert record.outcome["probabilities"] == pytest.approx(chances, abs=1e-6)
    first = said(judge, " ".join([*TEXT.split()[:1], *TEXT.split()[2:]]), SECOND)
    last = said(judge, TEXT, " ".join(SECOND.split()[:-1]))
    influence = record.tensors["source_influence"]
    assert influence.shape == (1, 7)
    np.testing.assert_allclose(influence[0, [1, -1]], [whole - first, whole - last], atol=1e-4)
    for each in record.attentions:
        assert record.tensors[each.tensor].shape[2] == len(record.source.pieces)
        assert record.measures["faithfulness"][each.name]["predictions"] == 1


@pytest.mark.parametrize("task", ["classify", "regress"])
def test_the_importance_of_a_pairs_heads_is_a_slope_too(task: str) -> None:
    """|d said / d ξ| at ξ = 1, against a finite difference, as for language models."""
    judge = of_pairs(task, "transformer")
    importance = importances(judge, TEXT, SECOND)["layer.1.self"]
    qkv = judge.model.network.stack.layers[1].attention.qkv
    slopes: list[float] = []
    for head in range(2):
        rows = slice(16 + 4 * head, 16 + 4 * head + 4)
        kept = qkv.weight.data[rows].clone(), qkv.bias.data[rows].clone()
        ends: list[float] = []
        for scale in (1.01, 0.99):
            qkv.weight.data[rows], qkv.bias.data[rows] = (each * scale for each in kept)
            ends.append(said(judge, TEXT, SECOND))
        qkv.weight.data[rows], qkv.bias.data[rows] = kept
        slopes.append(abs(ends[0] - ends[1]) / 0.02)
    np.testing.assert_allclose(importance, slopes, rtol=0.05, atol=1e-3)


def importances(made: Any, text: str, second: str | None = None) -> Any:
    return head_importance(made.predictions(Question(text, second)).graph)


WORDS = st.lists(st.sampled_from([*TEXT.split(), *SECOND.split(), "x"]), max_size=12)


@given(WORDS, st.none() | WORDS, st.integers(8, 40), st.booleans(), st.booleans())
def test_every_token_of_a_framed_text_has_its_name_and_its_word(
    first: list[str], second: list[str] | None, limit: int, doubled: bool, segmented: bool
) -> None:
    tokens = tokenizer()
    framing = Framing(
        Frame.around(tokens.bos, tokens.eos, doubled=doubled), limit, segments=segmented
    )
    texts = [" ".join(first), None if second is None else " ".join(second)]
    framed = frame_text(tokens, framing, *texts)
    ids = [None if text is None else [tokens.encode(text)] for text in texts]
    wanted = framing.rows(*ids)
    found = framed.rows()
    assert list(found.ids[0]) == list(wanted.ids[0])
    assert (found.splits is None) == (wanted.splits is None)
    assert found.splits is None or found.splits.tolist() == wanted.splits.tolist()
    assert framed.tokens == shown_tokens(tokens, framed.ids)
    pieces: dict[int, list[int]] = {}
    for token, word in zip(framed.ids, framed.words, strict=True):
        assert (word < 0) == (token in (tokens.bos, tokens.eos))
        pieces.setdefault(word, []).append(token)
    pieces.pop(-1)
    surface = [*first, *(second or [])]
    for word, own in pieces.items():
        # The last word of a text that was cut may end within a letter.
        assert surface[word].startswith(tokens.decode(own).strip().rstrip("\ufffd"))


def test_erased_words_leave_the_frame_and_move_the_border() -> None:
    tokens = tokenizer()
    framing = Framing(Frame.around(tokens.bos, tokens.eos, doubled=True), 60, segments=True)
    framed = frame_text(tokens, framing, "나는 간다", "너는 온다")
    gone = sum(word == 0 for word in framed.words)
    whole, less, bare = framed.rows([(), {0}, {0, 1, 2, 3}]).ids
    splits = framed.rows([(), {0}, {0, 1, 2, 3}]).splits
    assert len(less) == len(whole) - gone
    assert list(bare) == [tokens.bos, tokens.eos, tokens.eos, tokens.eos]
    assert splits.tolist() == [framed.split, framed.split - gone, 2]


def test_of_a_long_pair_both_texts_are_kept_in_part() -> None:
    judge = replace(of_pairs("regress", "transformer"), limit=24)
    record = capture(judge, " ".join([TEXT] * 9), pair=" ".join([SECOND] * 9))
    assert len(record.source.pieces) <= 24
    counts = [record.segments.count(part) for part in (0, 1)]
    assert min(counts) >= 8
    assert [notice.split()[1] for notice in record.notices] == ["pair", "text"]
    # All words that are shown were read.
    assert set(record.source.words) - {-1} == set(range(len(record.source.surface)))
    short = capture(judge, "나는", pair=" ".join([SECOND] * 9))
    assert short.text == "나는"
    assert [notice.split()[1] for notice in short.notices] == ["pair"]


def test_a_second_text_is_asked_for_just_where_one_is_read(run: Any, tmp_path: Any) -> None:
    with pytest.raises(InputError, match="m was trained on pairs of texts; give the second with"):
        capture(of_pairs("classify", "rnn"), TEXT, name="m")
    with pytest.raises(InputError, match="m does the task 'regress' on single texts"):
        capture(model("regress", "bert"), TEXT, name="m", pair=SECOND)
    with pytest.raises(InputError, match="m does the task 'lm' on single texts"):
        capture(model("lm", "rnn"), TEXT, name="m", pair=SECOND)
    of_pairs("regress", "bert").save(tmp_path / "m")
    (record,) = run("look", tmp_path / "m", TEXT, "--pair", SECOND, "--json").rows
    assert record["outcome"]["second"] == SECOND
    assert run("look", tmp_path / "m", TEXT, "--json").err.endswith("give the second with --pair\n")


@pytest.mark.parametrize("log_linear", [False, True])
def test_a_mixture_of_classifiers_is_looked_into_as_what_it_predicts(log_linear: bool) -> None:
    parts = [model("classify", "ngram"), replace(model("classify", "rnn"), labels=("bad", "good"))]
    mixed = mix_classifiers(parts, weights=(0.3, 0.7), log_linear=log_linear)
    record = capture(mixed, TEXT, name="m")
    assert record.outcome["probabilities"] == pytest.approx(
        mixed.predict([TEXT])[0].probabilities, abs=1e-6
    )
    whole = mixed.logprobs([TEXT])[0]
    less = mixed.logprobs([" ".join(TEXT.split()[:-1])])[0]
    lost = (whole - less)[whole.argmax()]
    assert record.tensors["source_influence"][0, -1] == pytest.approx(lost, abs=1e-5)


class Foreign:
    """A model of a task from elsewhere: how many words a text has."""

    info = Info("count", "elsewhere", "counter", {}, {}, 1)
    accepts = Accepts(tokenizer())

    def save(self, folder: Any, *, force: bool = False, beside: Any = None) -> None: ...

    def predictions(self, question: Question) -> Predictions:
        words = tuple(question.text.split())
        source = Side(words, tuple(range(len(words))), words)
        return Predictions(
            source=source,
            owners=(0,),
            without=lambda erased: np.array([[float(len(words) - len(each))] for each in erased]),
            unit="value",
            answer={"outcome": {"text": question.text, "value": float(len(words))}},
        )


def test_a_model_of_another_package_is_looked_into_by_the_same_protocol() -> None:
    record = capture(Foreign(), TEXT, name="m")
    assert (record.task, record.stage, record.unit) == ("count", "elsewhere", "value")
    assert record.outcome["value"] == 4
    # Each word adds one to the count.
    np.testing.assert_array_equal(record.tensors["source_influence"], [[1, 1, 1, 1]])
    assert Record.from_json(record.to_json()).measures == record.measures
    bench = Workbench([NamedModel("m", Foreign())])
    assert bench.describe()["models"][0]["task"] == "count"
    assert bench.record("0", TEXT)["outcome"]["value"] == 4


# Taggers and embedders


def test_a_tagger_says_what_it_tags_and_what_decides_it() -> None:
    tagger, record = model("tag", "bert"), captured("tag", "bert")
    (labelled,) = tagger.label_words([TEXT.split()])
    assert [(each["word"], each["label"]) for each in record.tags] == [
        (each.word, each.label) for each in labelled
    ]
    for tag, each in zip(record.tags, labelled, strict=True):
        assert tag["probability"] == pytest.approx(each.probability, abs=1e-6)
        assert tag["candidates"][0] == [each.label, tag["probability"]]
        assert sum(chance for _, chance in tag["candidates"]) == pytest.approx(1, abs=1e-6)
    assert record.outcome["words"] == [
        {key: each[key] for key in ("word", "label", "probability")} for each in record.tags
    ]
    # Row 2 is the third word's label, column 1 its log-probability behind a mask for the second.
    pieces = tagger.tokenizer.subwords(TEXT)
    mask = tagger.tokenizer.mask
    ids = [[piece.id for piece in pieces], [mask if p.word == 1 else p.id for p in pieces]]
    rows = [tagger.tokenizer.frame.row(each, 600) for each in ids]
    first = word_rows(tagger.tokenizer, [TEXT.split()], limit=600).words[0].index(2)
    whole, less = (each[first] for each in NeuralTagger(tagger.network).logprobs(rows))
    best = int(whole.argmax())
    influence = record.tensors["source_influence"]
    assert influence.shape == (4, 4)
    assert influence[2, 1] == pytest.approx(whole[best] - less[best], abs=1e-5)


def test_two_texts_of_an_embedder_are_read_apart_and_their_words_make_them_alike() -> None:
    embedder = model("embed", "bert")
    record = capture(embedder, TEXT, pair=SECOND, name="m")

    def alike(first: str, second: str) -> float:
        one, two = embedder.embed([first, second])
        return float(one @ two)

    assert record.outcome["similarity"] == pytest.approx(alike(TEXT, SECOND), abs=1e-5)
    assert record.source.surface == (*TEXT.split(), *SECOND.split())
    assert record.unit == "cosine"
    cut = record.segments.index(1)
    for each in record.attentions:
        weights = record.tensors[each.tensor]
        assert not weights[:, :cut, cut:].any()
        assert not weights[:, cut:, :cut].any()
        assert any(each.summary.importance)
    # Not a first word: without it the next would begin the text, which is another token.
    first = alike(" ".join([*TEXT.split()[:1], *TEXT.split()[2:]]), SECOND)
    last = alike(TEXT, " ".join(SECOND.split()[:-1]))
    wanted = [alike(TEXT, SECOND) - each for each in (first, last)]
    np.testing.assert_allclose(record.tensors["source_influence"][0, [1, -1]], wanted, atol=1e-5)


def test_what_a_word_is_worth_to_a_vector_is_how_far_it_turns_without_it() -> None:
    embedder, record = model("embed", "bert"), captured("embed", "bert")
    less = " ".join(TEXT.split()[:-1])
    one, two = embedder.embed([TEXT, less])
    assert record.tensors["source_influence"][0, -1] == pytest.approx(1 - one @ two, abs=1e-5)
    assert (record.tensors["source_influence"] >= -1e-6).all()


@pytest.mark.parametrize("stage", ["seq2seq", "attention"])
def test_what_a_source_read_backward_leaves_is_in_the_order_of_the_text(stage: str) -> None:
    config = {**SMALL[stage], "reverse_source": True}
    size = tokenizer().vocab_size
    sizes = {"source_vocab": size, "target_vocab": size}
    config = stage_named(stage).config_class().of(config, where="test").model_dump()
    network: Any = make_network(
        stage=stage, task="translate", config=config, sizes=sizes, seed=1
    ).eval()
    info = Info("translate", stage, stage, config, sizes, 1000)
    seen = Translator(tokenizer(), tokenizer(), network, info).predictions(Question(TEXT))
    hidden = [name for name in seen.tensors if name.startswith("encoder") and "hidden" in name]
    ids = torch.tensor([[*tokenizer().encode(TEXT), tokenizer().eos]])
    # Its last token is read first, so that there the state hangs on no other.
    other = ids.clone()
    other[0, 0] += 1
    states = [Tape(), Tape()]
    for given_ids, tape in zip((ids, other), states, strict=True):
        network.encode(given_ids, torch.tensor([ids.shape[1]]), tape=tape)
    forward = next(name for name in hidden if "backward" not in name)
    one, two = (tape[forward][0] for tape in states)
    np.testing.assert_allclose(seen.tensors[forward], one.detach().numpy(), atol=1e-6)
    assert torch.equal(one[1:], two[1:])
    assert not torch.equal(one[0], two[0])


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("pooled", [True, False])
def test_prompts_modules_and_similarities_of_an_embedder_count_as_where_it_embeds(
    similarity: str, pooled: bool
) -> None:
    described = {"kind": "dense", "inputs": 8, "outputs": 6, "bias": True,
                 "activation": "Tanh", "residual": False}  # fmt: skip
    torch.manual_seed(0)
    settings = SentenceSettings(
        modules=(described,),
        weights=torch.nn.Sequential(make_module(described)).eval(),
        include_prompt=pooled,
        prompts={"query": "찾기: "},
        default_prompt="query",
        width=5,
        similarity=similarity,
    )
    embedder = replace(model("embed", "bert"), sentence=settings, normalised=False)
    record = capture(embedder, TEXT, pair=SECOND)
    vectors = embedder.embed([TEXT, SECOND])
    wanted = pair_similarities(vectors[:1], vectors[1:], name=similarity)[0]
    assert record.outcome["similarity"] == pytest.approx(wanted, abs=1e-4)
    assert record.unit == similarity
    # The prompt is read, and none of its words is one of the text's.
    assert record.source.surface == (*TEXT.split(), *SECOND.split())
    assert "찾" in "".join(record.source.pieces) or "찾(1/3)" in record.source.pieces
    less = embedder.embed([TEXT, " ".join(SECOND.split()[:-1])])
    lost = wanted - pair_similarities(less[:1], less[1:], name=similarity)[0]
    assert record.tensors["source_influence"][0, -1] == pytest.approx(lost, abs=1e-4)


# One pass for a question


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_a_question_costs_one_pass_one_search_and_one_reading_without_words(
    task: str, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, it took 3 to 5 passes, and of a translation 2 searches and 6 encodings."""
    made, counts = model(task, stage), Counter[str]()
    network = getattr(made, "network", None) or getattr(made.model, "network", None)

    def counted(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def count(*given: Any, **named: Any) -> Any:
            counts[name] += 1
            return inner(*given, **named)

        monkeypatch.setattr(owner, name, count)

    for name in ("forward", "encode", "decode"):
        if hasattr(type(network), name) and (name != "forward" or task != "translate"):
            counted(type(network), name)
    counted(translate_model, "beam_search")
    counted(Tokenizer, "subwords")
    capture(made, TEXT, name="m")
    texts = 2 if task == "translate" else 1
    # The text is read once to see that it is not too long, and once to be looked at.
    assert counts.pop("subwords") == texts + 1
    passes = {"encode": 2, "decode": 2, "beam_search": 1} if task == "translate" else {"forward": 2}
    assert counts == ({} if stage == "ngram" else passes)


def test_masking_keeps_the_punctuation_behind_a_word() -> None:
    assert masked_word("나는 간다, 너는?", 1) == "나는 <mask>, 너는?"
    assert masked_word("나는 ?!", 1) == "나는 <mask>"
    with pytest.raises(InputError, match="no word 3 to mask"):
        masked_word("나는 간다", 3)


# Heads switched off


@pytest.mark.parametrize(
    ("task", "stage"), [("lm", "transformer"), ("classify", "bert"), ("translate", "transformer")]
)
def test_a_head_switched_off_changes_the_prediction_and_nothing_else_is_kept(
    task: str, stage: str
) -> None:
    whole = captured(task, stage)
    target = whole.target
    name = whole.attentions[-1].name if task != "translate" else "decoder.layer.1.cross"
    off = capture(model(task, stage), TEXT, target, how=Looking(off=[(name, 1)]))
    stepper = next(each.stepper for each in off.attentions if each.name == name)
    assert stepper is not None
    assert not off.tensors[stepper.context][1].any()
    assert off.tensors[stepper.context][0].any()
    assert (off.logprobs, off.probabilities) != (whole.logprobs, whole.probabilities)
    assert off.id != whole.id


def test_no_head_off_is_the_same_to_the_last_bit() -> None:
    network: Any = model("translate", "transformer").network
    ids = torch.tensor([tokenizer().encode(TEXT)])
    lengths = torch.tensor([ids.shape[1]])
    first, second = Tape(), Tape(off={"encoder.layer.9.self": [0]})
    a = network.encode(ids, lengths, tape=first)
    b = network.encode(ids, lengths, tape=second)
    assert torch.equal(a.encoded.states, b.encoded.states)


def test_heads_are_off_while_translating_too() -> None:
    translator = model("translate", "transformer")
    off = {"decoder.layer.0.cross": [0, 1], "decoder.layer.1.cross": [0, 1]}
    rows = DecoderRows(translator.network, [[5, 3], [9, 3]], 2, 3, tokenizer().vocab_size, off=off)
    logprobs = rows.logprobs(rows.start())
    # Nothing of the source reaches the decoder, so both sources predict alike.
    np.testing.assert_allclose(logprobs[0], logprobs[1], atol=1e-6)


def test_an_unknown_head_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no head 7 in 'layer.0.self'; .*layer.1.self"):
        capture(model("lm", "transformer"), TEXT, how=Looking(off=[("layer.0.self", 7)]))


# Measures


def test_head_importance_is_the_slope_of_the_loss_in_the_heads_scale() -> None:
    """d loss / d ξ at ξ = 1, against a finite difference: one head's values scaled by 1 ± h."""
    made = model("lm", "transformer")
    importance = importances(made, TEXT)["layer.1.self"]
    network: Any = made.model.network
    qkv = network.stack.layers[1].attention.qkv
    slopes: list[float] = []
    for head in range(2):
        rows = slice(16 + 4 * head, 16 + 4 * head + 4)  # of the values' 8 rows, 4 a head
        losses: list[float] = []
        for scale in (1.001, 0.999):
            kept = qkv.weight.data[rows].clone(), qkv.bias.data[rows].clone()
            qkv.weight.data[rows] *= scale
            qkv.bias.data[rows] *= scale
            losses.append(-made.score([TEXT])[0].logprob)
            qkv.weight.data[rows], qkv.bias.data[rows] = kept
        slopes.append(abs(losses[0] - losses[1]) / 0.002)
    np.testing.assert_allclose(importance, slopes, rtol=0.02, atol=1e-3)


def test_a_later_word_has_no_influence_on_an_earlier_prediction() -> None:
    for stage in CASES["lm"]:
        record = captured("lm", stage)
        influence = record.tensors[record.measures["source_influence"]]
        assert influence.shape == (4, 4)
        assert not np.triu(influence).any()


def test_a_bigram_feels_one_word_back_and_no_further() -> None:
    counted = model("lm", "ngram")
    sizes = {key: counted.info.sizes[key] for key in ("vocab_size", "bos", "eos", "unk")}
    words = train_tokenizer(LINES, kind="words")
    sizes["vocab_size"] = words.vocab_size
    chain = NgramModel.fit(
        words.encode_many(LINES), config=NgramConfig(order=2), vocabulary=TokenIds(**sizes)
    )
    record = capture(TrainedLanguageModel(words, chain, counted.info), LINES[0])
    influence = np.abs(record.tensors["source_influence"])
    # Without a word two back, the one word back is the same: nothing changes.
    for row in range(2, len(influence)):
        assert influence[row, row - 1] > 0
        assert not influence[row, : row - 1].any()


def test_an_elman_network_is_felt_less_from_further_away() -> None:
    influence = captured("lm", "rnn").measures["influence"]
    assert [each["distance"] for each in influence] == list(range(1, len(influence) + 1))
    assert influence[0]["value"] > influence[-1]["value"] > 0


@pytest.mark.parametrize(
    ("task", "stage"),
    [("translate", "attention"), ("translate", "transformer"), ("classify", "attention"),
     ("mlm", "bert"), ("lm", "transformer"), ("regress", "bert")],
)  # fmt: skip
def test_attention_to_the_input_is_held_against_random_words(task: str, stage: str) -> None:
    record = captured(task, stage)
    found = record.measures["faithfulness"]
    asked = {each.name for each in record.attentions if each.columns == "source"}
    assert set(found) == asked
    for each in found.values():
        assert each["unit"] == ("value" if task == "regress" else "nats")
        assert each["k"] == 1
        assert np.isfinite([each["attended"], each["random"]]).all()


def test_a_repeated_question_has_the_same_answer() -> None:
    first = captured("translate", "transformer")
    assert capture(model("translate", "transformer"), TEXT, name="m").to_json() == first.to_json()


def test_rollout_follows_attention_through_the_layers() -> None:
    """Two layers of one head: ½(A₂ + I) · ½(A₁ + I) of the two matrices below."""
    one = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    two = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    found = rollout([one, two])
    assert found is not None
    # ½(A₁+I) = [[.5,.5],[0,1]], ½(A₂+I) = [[1,0],[.5,.5]]; product: [[.5,.5],[.25,.75]]
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_allclose(found.sum(1), 1)


def test_error_rates_come_from_the_strongest_links() -> None:
    weights = np.array([[0.9, 0.1], [0.6, 0.4]])  # links 0-0 and 0-1
    # A = {00, 01}, S = {00, 11}: 1 − (1 + 1) / (2 + 2)
    assert error_rate(weights, {"sure": [[0, 0], [1, 1]]}) == 0.5
    # 01 possible: 1 − (1 + 2) / 4
    assert error_rate(weights, {"sure": [[0, 0], [1, 1]], "possible": [[0, 1]]}) == 0.25


# Roles


def head(pairs: dict[int, int], size: int = 8, sharp: float = 0.9) -> Any:
    """Row r looks at column pairs[r] with ``sharp`` and at all others evenly."""
    weights = np.full((1, size, size), (1 - sharp) / (size - 1))
    for row in range(size):
        weights[0, row, pairs[row]] = sharp
    return weights


@pytest.mark.parametrize(
    ("shape", "role"),
    [
        (lambda r: max(r - 1, 0), "previous"),
        (lambda r: min(r + 1, 7), "next"),
        (lambda r: r, "same"),
        (lambda _: 7, "special"),
        (lambda _: 0, "first"),
        (lambda r: (r + 3) % 7, "syntax-like"),
        (lambda _: 3, "mixed"),
    ],
)
def test_a_head_has_the_role_of_its_shape(shape: Any, role: str) -> None:
    special = np.arange(8) == 7
    weights = head({row: shape(row) for row in range(8)})
    assert roles(weights, ~special, special, one_side=True) == (role,)


def test_even_attention_is_broad_and_its_entropy_that_of_a_die() -> None:
    rows = np.ones(6, dtype=bool)
    weights = np.full((1, 6, 6), 1 / 6)
    assert roles(weights, rows, ~rows, one_side=True) == ("broad",)
    assert entropies(weights, rows) == pytest.approx((np.log(6),))


# The beam


def test_the_tree_holds_every_output_of_the_search() -> None:
    translator = model("translate", "attention")
    tree = BeamTree()
    found = translator.search(TEXT, beam=4, tree=tree)
    assert [each.text for each in found] == [each.text for each in translator.search(TEXT, beam=4)]
    ends = {node.rank: node for node in tree.nodes if node.rank is not None}
    assert sorted(ends) == list(range(len(found)))
    for rank, each in enumerate(found):
        tokens, total, node = [], 0.0, ends[rank]
        while True:
            tokens.append(node.token)
            total += node.logprob
            if node.parent is None:
                break
            node = tree.nodes[node.parent]
            assert node.kept
        wanted = [*each.hypothesis.tokens, *([tokenizer().eos] if each.hypothesis.finished else [])]
        assert tokens[::-1] == wanted
        assert total == pytest.approx(each.hypothesis.logprob, abs=1e-4)
    assert any(not node.kept for node in tree.nodes)


def test_a_tree_is_of_one_search() -> None:
    translator = model("translate", "attention")
    rows = DecoderRows(translator.network, [[5, 3], [9, 3]], 2, 3, tokenizer().vocab_size)
    from munmaek.decode import beam_search

    with pytest.raises(ValueError, match="one row, got 2"):
        beam_search(rows, Search(3), tree=BeamTree())


def test_each_hypothesis_has_its_own_attention() -> None:
    record = captured("translate", "attention")
    assert record.beam is not None
    for each in record.beam["hypotheses"]:
        shape = record.tensors[each["tensor"]].shape
        assert shape == (len(each["pieces"]), len(record.source.pieces))
        assert len(each["words"]) == len(each["pieces"])


# Packing


@given(arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(1, 4))))
def test_any_tensor_comes_back_finite_and_within_float16(tensor: Any) -> None:
    again = unpack(pack_float16(tensor))
    assert again.shape == tensor.shape
    assert np.isfinite(again).all()


@given(
    arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(1, 5)),
           elements=st.floats(-3, 3, width=32)),
)  # fmt: skip
def test_a_byte_is_off_by_half_a_step_of_its_head_at_most(tensor: Any) -> None:
    packed = pack_uint8(tensor)
    again = unpack(packed)
    assert isinstance(packed.scale, list)
    assert len(packed.scale) == len(tensor)
    for head_values, given_values, step in zip(again, tensor, packed.scale, strict=True):
        assert np.abs(head_values - given_values).max(initial=0) <= step / 2 + 1e-5
    assert np.abs(again - tensor).max(initial=0) <= packed.error + 1e-5


def large(layers: int = 12, heads: int = 12, tokens: int = 128) -> Record:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(tokens, 0.05), size=(layers, heads, tokens))
    side = Side(("x",) * tokens, tuple(range(tokens)), ("x",) * tokens)
    names = [f"layer.{n}.self" for n in range(layers)]
    base = captured("lm", "transformer").attentions[0].stepper
    assert base is not None
    return replace(
        captured("lm", "transformer"),
        source=side,
        rollout=None,
        attentions=tuple(
            Attention(name, "self", n, heads, f"{name}.weights", "source", "source", stepper=base)
            for n, name in enumerate(names)
        ),
        tensors={
            **{f"{name}.weights": each for name, each in zip(names, weights, strict=True)},
            **{
                name: rng.normal(size=(heads, tokens, 512)).astype(np.float32)
                for name in (base.queries, base.keys, base.values, base.scores, base.context)
            },
        },
    )


def test_twelve_layers_of_twelve_heads_take_less_than_four_megabytes() -> None:
    record = large()
    written = record.to_json()
    assert len(written) < 3_700_000
    assert "left out of this file" in json.loads(written)["notices"][-1]
    again = Record.from_json(written)
    assert all(each.stepper is None for each in again.attentions)
    for each in record.attentions:
        worst = np.abs(again.tensors[each.tensor] - record.tensors[each.tensor]).max()
        assert worst <= 0.5 / 255 + 1e-6  # half a step where some weight is 1


def test_what_fits_is_kept_as_it_is() -> None:
    packed, lost = fitted(captured("lm", "transformer"), 10_000_000)
    assert not lost
    assert {each.type for each in packed.values()} == {"float16"}


# Other versions and damage


@pytest.mark.parametrize(("version", "said"), [(99, "newer than 2"), (1, "older than 2")])
def test_a_record_of_another_version_is_refused(version: int, said: str) -> None:
    other = json.dumps({**json.loads(captured("lm", "rnn").to_json()), "munmaek_record": version})
    with pytest.raises(ArtefactError, match=rf"a\.json: version {version} is {said}"):
        Record.from_json(other, where="a.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"munmaek_record": "x"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ArtefactError, match="not a record"):
        Record.from_json(text)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "1e999"])
def test_a_number_in_quotes_that_json_cannot_hold_is_refused(written: str) -> None:
    raw = json.loads(captured("lm", "transformer").to_json())
    raw["attentions"][0]["summary"]["entropy"][0] = written
    with pytest.raises(ArtefactError, match=r"damaged \(attentions\.0\.summary\.entropy\.0 = "):
        Record.from_json(json.dumps(raw))


def test_a_damaged_tensor_is_named() -> None:
    raw = json.loads(captured("lm", "transformer").to_json())
    raw["tensors"]["layer.0.self.weights"]["shape"] = [2, 3, 4]
    with pytest.raises(ArtefactError, match=r"'layer\.0\.self\.weights': \d+ bytes where 48"):
        Record.from_json(json.dumps(raw))
    raw = json.loads(captured("lm", "transformer").to_json())
    del raw["source"]
    with pytest.raises(ArtefactError, match="damaged"):
        Record.from_json(json.dumps(raw))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("source", "pieces"), 3, "source.pieces = 3"),
        (("attentions", 0, "heads"), None, "attentions.0.heads = None"),
        (("attentions", 0, "rows"), "across", "attentions.0.rows = 'across'"),
        (("attentions", 0, "tensor"), "none", "there is no tensor 'none'"),
        (("tensors", "layer.0.self.weights", "shape"), [1 << 40, 1 << 40], "do not fit"),
        (("tensors", "layer.0.self.weights", "scale"), [1.0, 2.0, 3.0], "do not fit"),
        (("tensors", "layer.0.self.weights", "scale"), "x", "layer.0.self.weights"),
        (("logprobs",), ["x"], "logprobs.0 = 'x'"),
        (("measures",), [], "measures = []"),
    ],
)
def test_a_field_of_a_record_that_cannot_be_is_named_in_one_line(
    place: tuple[str | int, ...], value: Any, said: str
) -> None:
    raw: Any = json.loads(captured("lm", "transformer").to_json())
    holder = raw
    for each in place[:-1]:
        holder = holder[each]
    holder[place[-1]] = value
    with pytest.raises(ArtefactError, match=re.escape(said)) as caught:
        Record.from_json(json.dumps(raw))
    assert "\n" not in str(caught.value)


# Bad input


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_an_empty_line_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="no text to look at"):
        capture(model("lm", "rnn"), text)


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_five_thousand_tokens_are_cut_with_a_notice(task: str, stage: str) -> None:
    # Random weights never end a translation of their own, so a short one is given.
    target = "school" if task == "translate" else None
    record = capture(
        model(task, stage), "학교에서 " * 5000, target, name="m", how=Looking(measures=False)
    )
    assert len(record.source.pieces) <= TOKENS_MOST
    assert any("shown is its beginning" in each for each in record.notices)


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script> & \"'", "שלום \u202eabc\u202c", "e\u0301 가\u0301", "a\x00b\x07 c"],
)
def test_hostile_text_is_only_text(text: str) -> None:
    for task, stage in (("lm", "transformer"), ("mlm", "bert"), ("classify", "ngram")):
        record = capture(model(task, stage), text)
        again = Record.from_json(record.to_json())
        assert again.text == record.text
        assert "\ufffd" not in again.text


def test_options_for_other_tasks_are_refused() -> None:
    with pytest.raises(InputError, match="--target is for translators; m does the task 'lm'"):
        capture(model("lm", "rnn"), TEXT, "x", name="m")
    with pytest.raises(InputError, match="a word to mask is for models that fill masks"):
        capture(model("lm", "rnn"), TEXT, mask=0)


def test_what_is_impossible_is_written_as_ten_thousand_nats() -> None:
    lines = ["나는 집에 간다", "너는 산에 온다"] * 4
    model = munmaek.train(
        "lm", lines, model="ngram", order=2, tokenizer="words", smoothing="maximum-likelihood"
    )
    record = munmaek.capture(model, "나는 산에 간다")
    assert -np.inf in record.logprobs
    written = json.loads(record.to_json())
    assert written["logprobs"][1] == -1e4
    assert written["ngram"]["tokens"][1]["logprob"] == -1e4
    assert Record.from_json(record.to_json()).logprobs[1] == -1e4
