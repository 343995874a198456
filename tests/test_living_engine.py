"""Living models: what JavaScript computes is what Python computes, for every stage and task."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import torch

from living_support import Engine, engine, tensor
from munmaek.folder.info import Info
from munmaek.folder.weights import make_network
from munmaek.look import Looking, Record, capture
from munmaek.look.living import living_model
from munmaek.look.living.packing import pack_tensors, rounded
from munmaek.models import stage_named
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.tasks.translate.model import Translator
from test_records import EVERY, LINES, SMALL, TEXT, model, tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(scope="module")
def living() -> Iterator[Engine]:
    with engine() as found:
        yield found


def check_record(found: Any, record: Record, *, close: float = 1e-5) -> None:
    """Compare a living model's record with Python's, field by field."""
    wanted = record.describe()
    for field in ("source", "output", "written", "segments", "unit", "gates", "rollout", "text"):
        assert found[field] == wanted[field], field
    assert np.allclose(found["logprobs"], wanted["logprobs"], rtol=0, atol=close)
    assert found["steps"] == wanted["steps"]
    assert set(found["tensors"]) == drawn(record)
    for name in found["tensors"]:
        mine, theirs = tensor(found, name), record.tensors[name]
        assert mine.shape == theirs.shape, name
        seen = np.isfinite(theirs)
        assert np.allclose(mine[seen], theirs[seen], rtol=1e-4, atol=max(close, 2e-5)), name
    for mine, theirs in zip(found["attentions"], wanted["attentions"], strict=True):
        summary, other = mine.pop("summary"), theirs.pop("summary")
        assert mine == theirs
        assert summary["roles"] == list(other["roles"])
        assert np.allclose(summary["entropy"], other["entropy"], rtol=0, atol=1e-4)
    for field in ("outcome", "probabilities", "filled", "tags", "beam", "next"):
        assert alike(found[field], wanted[field], close), field
    assert alike(counted(found), counted(wanted), close)


def drawn(record: Record) -> set[str]:
    """Return the tensors of what a page computes, derivations too; not those of further passes."""
    found = {each.tensor for each in record.attentions}
    found |= {line.tensor for each in record.steps for line in each.lines}
    for each in record.attentions:
        found |= set(asdict(each.stepper).values()) if each.stepper else set()
    for gates in record.gates:
        found |= set(gates.names.values())
    found |= {name for name in record.tensors if name.startswith("beam.")}
    return found | ({"rollout", "similarity"} & record.tensors.keys())


def counted(record: Any) -> Any:
    tokens = (record["ngram"] or {}).get("tokens", [])
    told = ("piece", "order", "context", "logprob", "unknown", "backoffs")
    # Counts are those of the training text, which a page does not hold.
    shares = ("ngram", "seen", "probability", "backoff", "lower", "own")
    return [
        {key: each[key] for key in told}
        | {"orders": [{k: row[k] for k in shares if k in row} for row in each["orders"]]}
        for each in tokens
    ]


def alike(mine: Any, theirs: Any, close: float) -> bool:
    if isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(
            alike(mine[k], theirs[k], close) for k in theirs
        )
    if isinstance(theirs, list | tuple):
        return len(mine) == len(theirs) and all(
            alike(a, b, close) for a, b in zip(mine, theirs, strict=True)
        )
    return mine == pytest.approx(theirs, abs=close) if isinstance(theirs, float) else mine == theirs


def text_of(task: str) -> str:
    return TEXT.replace("책을", "<mask>") if task == "mlm" else TEXT


@pytest.mark.parametrize(("task", "stage"), EVERY)
def test_a_record_of_the_page_is_the_one_that_python_makes(
    task: str, stage: str, living: Engine
) -> None:
    trained, text = model(task, stage), text_of(task)
    record = capture(trained, text, how=Looking(measures=task == "translate", beam=3))
    found = living.open(f"{task}-{stage}", trained).record(text, {"beam": 3})
    check_record(found, record)


@pytest.mark.parametrize("task", ["mlm", "embed"])
def test_two_texts_are_read_alike(task: str, living: Engine) -> None:
    trained, text = model(task, "bert"), "나는 학교에 <mask>" if task == "mlm" else "나는 학교에"
    record = capture(trained, text, pair="너는 집에서 온다", how=Looking(measures=False))
    found = living.open(f"{task}-bert", trained).record(text, {"second": "너는 집에서 온다"})
    check_record(found, record)


@pytest.mark.parametrize("stage", ["seq2seq", "attention", "transformer"])
def test_a_given_translation_and_a_greedy_one_are_alike(stage: str, living: Engine) -> None:
    trained = model("translate", stage)
    twin = living.open(f"translate-{stage}", trained)
    given = capture(trained, TEXT, LINES[1], how=Looking(beam=2))
    check_record(twin.record(TEXT, {"target": LINES[1], "beam": 2}), given)
    greedy = capture(trained, LINES[0], how=Looking(beam=1))
    check_record(twin.record(LINES[0], {"beam": 1}), greedy)


# What a stage may be besides.

VARIANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "elman": ("lm", "rnn", {"cell": "elman", "layers": 2}),
    "gru": ("lm", "rnn", {"cell": "gru", "hidden": 12, "scaled_embeddings": False}),
    "untied": ("lm", "rnn", {"tie_embeddings": False}),
    "adaptive": ("lm", "rnn", {"softmax": "adaptive", "cutoffs": (50, 120)}),
    "adaptive own": (
        "lm",
        "rnn",
        {"softmax": "adaptive", "cutoffs": (50, 120), "tie_embeddings": False},
    ),
    "one way": ("classify", "rnn", {"bidirectional": False, "pooling": "concat"}),
    "pooled": ("classify", "rnn", {"cell": "gru", "layers": 2, "pooling": "attention"}),
    "mean": ("classify", "rnn", {"pooling": "mean"}),
    "max": ("classify", "rnn", {"pooling": "max"}),
    "post-norm": ("lm", "transformer", {"norm_first": False, "learned_positions": 64}),
    "aligned": ("translate", "transformer", {"alignment_layer": -1, "alignment_head": 1}),
    "sutskever": ("translate", "seq2seq", {"paper": "sutskever2014", "layers": 2}),
    "state": ("translate", "seq2seq", {"readout": "state", "embedding": 6, "layers": 2}),
    "bahdanau": ("translate", "attention", {"paper": "bahdanau2015"}),
    "luong": (
        "translate",
        "attention",
        {"paper": "luong2015", "layers": 2, "hidden": 8, "encoder_hidden": 8},
    ),
    "dot": ("translate", "attention", {"score": "dot", "input_feeding": False, "cell": "lstm"}),
    "concat": (
        "translate",
        "attention",
        {"score": "concat", "span": "local-m", "window": 2, "layers": 2, "encoder_layers": 2},
    ),
    "uniform": ("translate", "attention", {"weighting": "uniform"}),
    "last": (
        "translate",
        "attention",
        {"weighting": "last", "score": "general", "reverse_source": True},
    ),
    "rotary": (
        "classify",
        "bert",
        {"positions": "rotary", "norm_first": True, "gated": True, "bias": False},
    ),
    "narrow": (
        "classify",
        "bert",
        {"embedding_size": 6, "classifier_pooling": "mean", "hidden_act": "silu"},
    ),
    "normed": ("classify", "bert", {"norm_first": True, "embedding_norm": True}),
}


def variant(name: str) -> Any:
    """A tiny network of that structure, with random weights."""
    task, stage, changed = VARIANTS[name]
    config = stage_named(stage).config_class().of({**SMALL[stage], **changed}).model_dump()
    tokens = tokenizer()
    size = tokens.vocab_size
    sizes: dict[str, Any] = {"vocab_size": size}
    if task == "translate":
        sizes = {"source_vocab": size, "target_vocab": size}
    if task == "classify":
        sizes["label_count"] = 3
    network: Any = make_network(stage=stage, task=task, config=config, sizes=sizes, seed=2)
    network.eval()
    info = Info(task, stage, stage, config, sizes, 1000)
    makes = {
        "lm": lambda: TrainedLanguageModel(
            tokens, NeuralLanguageModel(network, tokens.bos, tokens.eos, size), info
        ),
        "classify": lambda: Classifier(tokens, NeuralClassifier(network), ("a", "b", "c"), info),
        "translate": lambda: Translator(tokens, tokens, network, info),
    }
    return makes[task]()


@pytest.mark.parametrize("name", VARIANTS)
def test_every_structure_of_a_stage_computes_alike(name: str, living: Engine) -> None:
    trained = variant(name)
    searched = VARIANTS[name][0] == "translate"
    record = capture(trained, TEXT, how=Looking(measures=searched, beam=2))
    check_record(living.open(name, trained).record(TEXT, {"beam": 2}), record)


@pytest.mark.parametrize("precision", ["int8", "float16"])
@pytest.mark.parametrize(("task", "stage"), [("lm", "transformer"), ("translate", "attention")])
def test_rounded_weights_are_the_same_numbers_on_both_sides(
    task: str, stage: str, precision: Any, living: Engine
) -> None:
    trained = model(task, stage)
    own = trained.model.network if task == "lm" else trained.network
    kept = {name: each.clone() for name, each in own.state_dict().items()}
    name = f"{task}-{stage}-{precision}"
    found = living.open(name, trained, precision).record(TEXT, {"beam": 2})
    arrays = {name: each.numpy() for name, each in kept.items()}
    values = rounded(arrays, precision)
    try:
        own.load_state_dict({name: torch.tensor(np.array(each)) for name, each in values.items()})
        record = capture(trained, TEXT, how=Looking(measures=task == "translate", beam=2))
    finally:
        own.load_state_dict(kept)
    check_record(found, record, close=1e-3)


# By hand.


@pytest.mark.parametrize(
    ("task", "stage", "scope"),
    [
        ("lm", "transformer", "layer.1.self"),
        ("translate", "transformer", "decoder.layer.0.cross"),
        ("classify", "bert", "layer.0.self"),
    ],
)
def test_a_head_that_is_switched_off_changes_what_it_changes_in_python(
    task: str, stage: str, scope: str, living: Engine
) -> None:
    trained = model(task, stage)
    off = [(scope, 1)]
    searched = task == "translate"
    record = capture(trained, TEXT, how=Looking(off=off, beam=2, measures=searched))
    twin = living.open(f"{task}-{stage}", trained)
    found = twin.record(TEXT, {"beam": 2, "changes": {"off": {scope: [1]}}})
    assert found["off"] == [[scope, 1]]
    check_record(found, record)


@pytest.mark.parametrize(
    ("task", "stage", "name", "place"),
    [
        ("translate", "attention", "attention", [0, 1, 2]),
        ("translate", "transformer", "decoder.layer.0.cross", [1, 0, 1]),
        ("lm", "self_attention", "self", [0, 3, 0]),
        ("classify", "attention", "pool", [0, 0, 2]),
    ],
)
def test_a_weight_that_is_set_stands_and_the_row_still_sums_to_one(
    task: str, stage: str, name: str, place: list[int], living: Engine
) -> None:
    twin = living.open(f"{task}-{stage}", model(task, stage))
    head, row, column = place
    target = {"target": LINES[0]} if task == "translate" else {}
    before = twin.record(TEXT, target)
    changes = {"given": {name: [[head, row, column, 0.9]]}}
    after = twin.record(TEXT, {**target, "changes": changes})
    was, weights = (tensor(each, f"{name}.weights") for each in (before, after))
    weights = weights.reshape(-1, *weights.shape[-2:])
    was = was.reshape(weights.shape)
    assert weights[head, row, column] == pytest.approx(0.9, abs=1e-6)
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    others = np.arange(weights.shape[2]) != column
    left, right = was[head, row, others], weights[head, row, others]
    assert np.allclose(left / left.sum(), right / right.sum(), atol=1e-5)
    told = "probabilities" if task == "classify" else "logprobs"
    assert not np.allclose(numbers(before[told]), numbers(after[told]), atol=1e-6)


def numbers(told: Any) -> list[float]:
    return [each if isinstance(each, float) else each[1] for each in told]


def test_a_hidden_word_is_read_over_and_in_a_masked_model_masked(living: Engine) -> None:
    twin = living.open("lm-rnn", model("lm", "rnn"))
    found = twin.record(TEXT, {"changes": {"hidden": [1]}})
    assert 1 not in found["source"]["words"]
    masked = living.open("mlm-bert", model("mlm", "bert"))
    text = TEXT.replace(" 집에서 ", " <mask> ")
    assert masked.record(TEXT, {"changes": {"hidden": [1]}})["filled"] is not None
    shown = masked.record(TEXT, {"changes": {"hidden": [1]}})["source"]["pieces"]
    assert "<mask>" in shown
    assert "<mask>" in masked.record(text)["source"]["pieces"]


def test_an_ngram_set_to_nothing_falls_back_and_probabilities_still_sum_to_one(
    living: Engine,
) -> None:
    twin = living.open("lm-ngram", model("lm", "ngram"))
    tokens = twin.record(TEXT)["ngram"]["tokens"]
    place = next(at for at, each in enumerate(tokens) if each["order"] > 1)
    gram = tokens[place]["gram"]
    again = twin.record(TEXT, {"changes": {"counts": [gram]}})["ngram"]["tokens"][place]
    assert again["order"] < tokens[place]["order"]
    assert again["logprob"] != tokens[place]["logprob"]
    chances = twin.engine.inner.call("chances", twin.name, gram[:-1])
    assert sum(chances) == pytest.approx(1, abs=1e-6)
    assert twin.record(TEXT)["ngram"]["tokens"][place] == tokens[place]


@pytest.mark.parametrize("stage", ["ngram", "rnn", "transformer"])
def test_next_tokens_are_those_of_python(stage: str, living: Engine) -> None:
    trained = model("lm", stage)
    twin = living.open(f"lm-{stage}", trained)
    found = twin.next("나는", 5)
    logprobs = trained.model.logprobs(_after(trained, "나는"))
    assert len(found) == 5
    for name, chance in found:
        known = trained.tokenizer.id(name)
        assert chance == pytest.approx(float(np.exp(logprobs[known])), abs=1e-5)
    assert twin.generate("나는", {"temperature": 0, "most": 4}).startswith("나는")


def _after(trained: Any, text: str) -> Any:
    state = trained.model.start()
    for token in trained.tokenizer.encode(text):
        state = trained.model.advance(state, token)
    return state


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_sentence_is_refused_in_one_line(text: str, living: Engine) -> None:
    twin = living.open("lm-rnn", model("lm", "rnn"))
    with pytest.raises(Exception, match="no text to look at; give a sentence"):
        twin.record(text)


def test_a_long_sentence_is_cut_where_python_cuts_it(living: Engine) -> None:
    trained = model("lm", "rnn")
    text = "나는 학교에서 책을 읽는다 " * 400
    found = living.open("lm-rnn", trained).record(text)
    record = capture(trained, text, how=Looking(measures=False))
    assert found["text"] == record.text
    assert found["source"]["pieces"] == list(record.source.pieces)
    assert found["notices"] == list(record.notices)
    assert found["steps"] == []


def test_without_a_kernel_products_are_the_same(living: Engine) -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((7, 5)).astype(np.float32)
    packed = pack_tensors({"w": weight}, "float32")
    given = {"tensors": packed.described, "data": base64.b64encode(packed.data).decode("ascii")}
    for rows in (1, 4, 6):
        x = rng.standard_normal((rows, 5)).astype(np.float32)
        wanted = (x @ weight.T).ravel()
        for kernel in (True, False):
            found = living.inner.call("multiplied", json.dumps(given), x.ravel().tolist(), kernel)
            assert np.allclose(found, wanted, atol=1e-5), (rows, kernel)


def test_a_text_longer_than_the_positions_is_refused(living: Engine) -> None:
    twin = living.open("post-norm", variant("post-norm"))
    with pytest.raises(Exception, match="longer than the model's 64 positions"):
        twin.record("나는 학교에서 책을 " * 20)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("munmaek_live", 2, "version 2 of a living model"), ("stage", "rwkv", "does not compute")],
)
def test_a_model_of_another_kind_is_refused(
    field: str, value: Any, said: str, living: Engine
) -> None:
    weights = json.loads(living_model(model("lm", "rnn"), name="m").json)
    with pytest.raises(Exception, match=said):
        living.inner.call("opened", "m", json.dumps({**weights, field: value}))


OLD = """
const window = {};
const said = { nodeValue: "before" };
const place = { firstChild: said, getAttribute: () => "lacks {missing}." };
const document = { getElementById: () => place };
"""


def test_an_old_browser_is_told_what_it_lacks() -> None:
    racer = pytest.importorskip("py_mini_racer", reason="the extra 'figures' is not installed")
    inner = racer.MiniRacer()
    try:
        inner.eval(OLD)
        inner.eval("delete String.prototype.replaceAll")
        script = files("munmaek") / "web" / "static" / "old.js"
        inner.eval(script.read_text(encoding="utf-8"))
        assert inner.eval("said.nodeValue") == (
            "lacks String.prototype.replaceAll, IntersectionObserver."
        )
    finally:
        inner.close()


def test_a_model_too_large_for_a_page_says_what_makes_it_smaller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = model("lm", "transformer")
    monkeypatch.setattr("munmaek.look.living.weights.MOST", 2_000)
    with pytest.raises(Exception, match="float32, and a living page holds") as caught:
        living_model(trained, name="m", precision="float32")
    assert "--weights" in str(caught.value) or "smaller" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stage_without_a_twin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = model("lm", "rnn")
    row = replace(stage_named("rnn"), living="")
    monkeypatch.setattr("munmaek.look.living.weights.stage_named", lambda _: row)
    with pytest.raises(Exception, match="do not compute in a page"):
        living_model(trained, name="m")
