"""Derivations: every line of every part follows from the lines above it, in every stage."""

import math
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import munmaek
from munmaek.look import Record, Steps, capture
from munmaek.look.steps import ALL, FEW, LONGEST

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

Values = NDArray[np.float64]
PAIRS = [("나는 너를 사랑해", "I love you"), ("너는 나를 사랑해", "you love me")] * 12
DATA: dict[str, Any] = {
    "lm": [ko for ko, _ in PAIRS],
    "mlm": [ko for ko, _ in PAIRS],
    "translate": {"source": [ko for ko, _ in PAIRS], "target": [en for _, en in PAIRS]},
    "classify": {"text": [ko for ko, _ in PAIRS], "label": [en[0] for _, en in PAIRS]},
}
TEXT = "너는 너를 사랑해"
CASES: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("lm", "elman", {}),
    ("lm", "gru", {"layers": 2}),
    ("lm", "lstm", {}),
    ("lm", "self_attention", {}),
    ("lm", "transformer", {}),
    ("lm", "transformer", {"norm_first": False}),
    ("translate", "seq2seq", {"reverse_source": True}),
    ("translate", "attention", {}),
    ("translate", "attention", {"score": "dot"}),
    ("translate", "attention", {"score": "general", "cell": "lstm", "layers": 2}),
    ("translate", "attention", {"score": "concat", "input_feeding": False}),
    ("translate", "transformer", {}),
    ("mlm", "bert", {}),
    ("mlm", "bert", {"norm_first": True, "bias": False}),
    ("classify", "attention", {}),
    ("classify", "bert", {}),
)


@cache
def record_of(case: int) -> Record:
    task, stage, model = CASES[case]
    trained = munmaek.train(
        task,
        DATA[task],
        model=stage,
        small_enough_to_see=True,
        hold_out=4,
        steps=3,
        **model,
    )
    return capture(trained, "너는 <mask> 사랑해" if task == "mlm" else TEXT)


def of(record: Record, part: Steps, at: int, head: int) -> dict[str, tuple[Values, str]]:
    """The numbers of the lines before ``at`` by symbol, with what each of them belongs to."""
    found: dict[str, tuple[Values, str]] = {}
    for line in part.lines[:at]:
        tensor = record.tensors[line.tensor].astype(np.float64)
        value = tensor[head] if line.heads else tensor
        one = line.each == "all" and value.shape[0] == 1  # a bias of one head
        found[line.symbol] = (value[0] if one else value, line.each)
    # In self-attention what is asked is what asks.
    return {"x_s": found["x_t"], **found} if "x_t" in found else found


def softmax(scores: Values) -> Values:
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


FUNCTIONS: dict[str, Callable[[Values], Values]] = {
    "tanh": np.tanh,
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "max": lambda x: np.maximum(x, 0),
    "act": lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / 2**0.5)),
}

Known = dict[str, tuple[Values, str]]


def factor(written: str, known: Known) -> Values:
    """The value of ``(1 − z_t)``, ``tanh(c_t)`` or a symbol."""
    if inner := re.fullmatch(r"\(1 − (.+)\)", written):
        return 1 - known[inner[1]][0]
    if inner := re.fullmatch(r"tanh\((.+)\)", written):
        return np.tanh(known[inner[1]][0])
    return known[written][0]


def term(written: str, known: Known) -> Values:
    """The value of ``W x``, ``a ⊙ b`` or one symbol."""
    if " ⊙ " in written:
        first, second = written.split(" ⊙ ")
        return factor(first, known) * factor(second, known)
    weight, _, vector = written.partition(" ")
    return known[vector][0] @ known[weight][0].T if vector else known[weight][0]


def total(written: str, known: Known) -> Values:
    """The value of a sum; a row and a column make a pair."""
    parts = [term(each, known) for each in written.split(" + ")]
    kinds = {known[each][1] for each in written.split(" + ") if each in known}
    if {"row", "column"} <= kinds:
        return parts[0][:, None] + parts[1][None]
    return np.sum(np.broadcast_arrays(*parts), axis=0)


def dot(left: str, right: str, known: Known) -> Values:
    (first, kind), (second, _) = known[left], known[right]
    return second @ first if kind == "all" else first @ second.T


def normalised(x: Values, known: Known) -> Values:
    """Layer normalization with γ, and β where there is one."""
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return scaled * known["γ"][0] + (known["β"][0] if "β" in known else 0)


FORMS: Sequence[tuple[str, Callable[[list[str], Known], Values]]] = (
    (r"softmax_.\((.+)\)", lambda found, known: softmax(known[found[0]][0])),
    (r"Σ_. (\S+) (\S+)", lambda found, known: known[found[0]][0] @ known[found[1]][0]),
    (r"LayerNorm\((.+)\)", lambda found, known: normalised(known[found[0]][0], known)),
    (r"(\S+) · (\S+)", lambda found, known: dot(found[0], found[1], known)),
    (
        r"(\S+) · (\S+) / √K",
        lambda found, known: dot(found[0], found[1], known) / known[found[0]][0].shape[-1] ** 0.5,
    ),
    (
        r"(tanh|σ|act|max)\((?:0, )?(.+)\)",
        lambda found, known: FUNCTIONS[found[0]](total(found[1], known)),
    ),
    (r"(.+)", lambda found, known: total(found[0], known)),
)
"""The numbers that each form of a formula gives; the last is a sum."""
APART = ("GRU", "maxout")
"""Beginnings of formulas that tell of another part, which has its own lines, or of no weights."""


def computed(formula: str, known: Known) -> Values:
    """The numbers that a formula gives."""
    for form, give in FORMS:
        if found := re.fullmatch(form, formula):
            return give(list(found.groups()), known)
    raise AssertionError(formula)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_each_line_follows_from_those_above_it(case: int) -> None:
    record = record_of(case)
    assert record.steps
    checked = 0
    for part in record.steps:
        heads = max(
            record.tensors[each.tensor].shape[0] if each.heads else 1 for each in part.lines
        )
        for head in range(heads):
            for at, line in enumerate(part.lines):
                if not line.formula or line.formula.startswith(APART):
                    continue
                given = record.tensors[line.tensor].astype(np.float64)
                if line.formula.startswith("[c_t of head"):
                    name = next(each.tensor for each in part.lines if each.symbol == "c_t")
                    wanted = np.concatenate(list(record.tensors[name]), -1)
                else:
                    given = given[head] if line.heads else given
                    known = of(record, part, at, head)
                    if line.what == "softmax":
                        known = seen(record, line.tensor, known, line.formula)
                    wanted = computed(line.formula, known)
                said = f"{part.name}: {line.symbol} = {line.formula}"
                assert given.size == wanted.size, said
                given = given.reshape(wanted.shape)
                np.testing.assert_allclose(given, wanted, atol=2e-5, rtol=2e-4, err_msg=said)
                checked += 1
    assert checked > 2


def seen(record: Record, tensor: str, known: Known, formula: str) -> Known:
    """Scores of what a mask hides count for nothing."""
    name = formula.partition("(")[2].removesuffix(")")
    scores, each = known[name]
    causal = any(found.tensor == tensor and found.causal for found in record.attentions)
    hidden = np.triu(np.ones(scores.shape), 1) > 0
    return {**known, name: (np.where(hidden & causal, -np.inf, scores), each)}


@pytest.mark.parametrize("case", range(len(CASES)))
def test_parts_have_rows_and_columns_of_the_record(case: int) -> None:
    record = record_of(case)
    sides = {"source": record.source, "output": record.output, "written": record.written}
    sizes = {name: len(side.pieces) for name, side in sides.items() if side} | {"text": 1}
    places = {"row": ("rows",), "column": ("columns",), "pair": ("rows", "columns")}
    for part in record.steps:
        for line in part.lines:
            shape = record.tensors[line.tensor].shape[line.heads :]
            axes = places.get(line.each, ("rows", "columns") if line.each == "score" else ())
            assert list(shape[: len(axes)]) == [sizes[getattr(part, axis)] for axis in axes], line


def test_the_decoder_leads_to_the_probabilities_that_are_recorded() -> None:
    record = record_of([case[1] for case in CASES].index("attention"))
    assert record.output is not None
    for row, piece, logprob in zip(record.next, record.output.pieces, record.logprobs, strict=True):
        shares: dict[str, float] = {str(name): share for name, share in row}
        assert sum(shares.values()) <= 1 + 1e-6
        if piece in shares:
            assert np.log(shares[piece]) == pytest.approx(logprob, abs=1e-4)
    attention = next(each for each in record.steps if each.name == "attention")
    decoder = next(each for each in record.steps if each.name == "decoder")
    after = {line.symbol: record.tensors[line.tensor] for line in attention.lines}["s_i"]
    hidden = {line.symbol: record.tensors[line.tensor] for line in decoder.lines}["h_t"]
    np.testing.assert_allclose(after, hidden, atol=1e-6)


def test_steps_survive_json_and_leave_with_what_a_page_has_no_room_for() -> None:
    record = record_of(0)
    again = Record.from_json(record.to_json())
    assert again.steps == record.steps
    assert list(again.next) == [list(map(list, row)) for row in record.next]
    small = Record.from_json(record.to_json(room=100))
    assert not small.steps
    assert any("derivations" in each for each in small.notices)


def test_of_wide_vectors_the_first_numbers_are_kept_and_of_long_texts_none() -> None:
    wide = munmaek.train(
        "lm", DATA["lm"], model="lstm", hidden=24, embedding=24, hold_out=4, steps=2, vocab_size=300
    )  # fmt: skip
    record = capture(wide, TEXT)
    widths = {line.width for line in record.steps[0].lines}
    assert widths == {24}
    assert ALL < 24
    assert all(record.tensors[line.tensor].shape[-1] == FEW for line in record.steps[0].lines)
    long = capture(wide, " ".join([TEXT] * LONGEST))
    assert not long.steps
    assert any("the steps of its computation are left out" in each for each in long.notices)


@pytest.mark.parametrize(
    "smoothing",
    ["modified-kneser-ney", "kneser-ney", "absolute:0.5", "witten-bell", "add-k", "stupid-backoff",
     "maximum-likelihood"],
)  # fmt: skip
def test_the_orders_of_an_ngram_lead_to_its_probability(smoothing: str) -> None:
    lines = [*DATA["lm"], "너는 간다", "나는 간다 너를"]
    model = munmaek.train(
        "lm", lines, model="ngram", tokenizer="words", smoothing=smoothing, order=3, keep_text=True
    )
    ngram = capture(model, "나는 간다 너를").ngram
    assert ngram is not None
    discounts: dict[tuple[int, int], set[float]] = {}
    for token in ngram["tokens"]:
        chance = np.exp(token["logprob"]) if np.isfinite(token["logprob"]) else 0.0
        assert token["orders"][-1]["probability"] == pytest.approx(chance, rel=1e-4, abs=1e-9)
        for size, each in enumerate(token["orders"], start=1):
            assert len(each["ngram"]) == size
            if "own" in each:
                sums = each["own"] + each["backoff"] * each["lower"]
                assert each["probability"] == pytest.approx(sums, rel=1e-4, abs=1e-9)
            if (discount := each.get("discount")) is not None:
                kind = (size, min(each["count"], 3))
                discounts.setdefault(kind, set()).add(round(discount, 3))
                share = (each["count"] - discount) / each["total"]
                assert each["own"] == pytest.approx(share, rel=1e-3, abs=1e-6)
    # One discount for each order and count, whatever the context: it was estimated, not read off.
    assert all(len(found) == 1 for found in discounts.values()), discounts
    assert bool(discounts) == (
        smoothing.split(":")[0] in ("modified-kneser-ney", "kneser-ney", "absolute")
    )
