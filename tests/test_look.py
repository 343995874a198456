"""Records of what a model computed, the page that draws them, and the server that shows it."""

import asyncio
import base64
import hashlib
import json
import re
import socket
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from munmaek.artefact.inside import Inside
from munmaek.errors import ArtefactError
from munmaek.look import Record, page
from munmaek.look.figures import Labels, ceiling, heads, matrix, shorten, strip, text_width
from munmaek.look.sections import sections
from munmaek.web import app, bind

RNG = np.random.default_rng(0)


def attention(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Rows that sum to 1."""
    weights = RNG.random(shape) ** 4
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


TRANSLATION = Record(
    model="models/ko-en",
    label="attention",
    text="나는 학교에서 공부한다",
    outcome={"translation": "I study at school", "logprob": -1.25},
    inside=Inside(
        task="translate",
        stage="attention",
        tokens=("나는", "▁학교", "에서", "▁공부한다", "</s>"),
        words=(0, 1, 1, 2, -1),
        target_tokens=("I", "▁study", "▁at", "▁school", "</s>"),
        target_words=(0, 1, 2, 3, -1),
        logprobs=(-0.25,) * 5,
        tensors={
            "alignment": attention(5, 5),
            "encoder.layer.0.forward.gates.reset": RNG.random((5, 8)).astype(np.float32),
        },
    ),
)

LANGUAGE_MODEL = Record(
    model="m",
    label="Transformer",
    text="나는 잔다",
    outcome={"logprob": -3.0},
    inside=Inside(
        task="lm",
        stage="transformer",
        tokens=("<s>", "나는", "잔다"),
        words=(-1, 0, 1),
        target_tokens=("나는", "잔다", "</s>"),
        target_words=(0, 1, -1),
        logprobs=(-1.0, -1.5, -0.5),
        tensors={
            "layer.0.self.weights": attention(2, 3, 3),
            "layer.1.self.weights": attention(2, 3, 3),
            "layer.0.hidden": RNG.normal(size=(3, 4)).astype(np.float32),
        },
    ),
)

COUNTED = Record(
    model="m",
    label="3-gram",
    text="나는 잔다",
    outcome={"logprob": -3.0},
    inside=Inside(
        task="lm",
        stage="ngram",
        tokens=("나는", "잔다", "</s>"),
        words=(0, 1, -1),
        logprobs=(-1.0, -1.5, -0.5),
        tensors={},
        extra={
            "explain": [
                {"token": 5, "order": 2, "logprob": -1.0, "backoffs": []},
                {"token": 6, "order": 1, "logprob": -1.5, "backoffs": [-0.5, -0.25]},
                {"token": 2, "order": 3, "logprob": -0.5, "backoffs": []},
            ]
        },
    ),
)

CLASSIFIED = Record(
    model="m",
    label="attention",
    text="좋다",
    outcome={"probabilities": {"good": 0.75, "bad": 0.25}},
    inside=Inside(
        task="classify",
        stage="attention",
        tokens=("<s>", "좋다", "</s>"),
        words=(-1, 0, -1),
        tensors={"pool.weights": attention(3)},
    ),
)

FILLED = Record(
    model="m",
    label="BERT",
    text="나는 <mask>",
    outcome={
        "filled": [
            {"position": 0, "candidates": [["잔다", 0.5], ["논다", 0.25]], "text": "나는 잔다"}
        ]
    },
    inside=Inside(
        task="mlm",
        stage="bert",
        tokens=("<s>", "나는", "<mask>", "</s>"),
        words=(-1, 0, 1, -1),
        tensors={"layer.0.self.weights": attention(2, 4, 4)},
    ),
)

RECORDS = {
    "translation": TRANSLATION,
    "language model": LANGUAGE_MODEL,
    "n-gram": COUNTED,
    "classifier": CLASSIFIED,
    "masked words": FILLED,
}


class Reading(HTMLParser):
    """Checks that tags nest, and keeps what a test asks about."""

    EMPTY = ("meta", "input", "rect", "path", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.seen if name == tag]


def values_of(svg: dict[str, str | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The numbers that the page's script reads out."""
    return np.frombuffer(base64.b64decode(svg["data-values"] or ""), dtype="<u2") / 10_000


# Records.


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_survives_json(record: Record) -> None:
    again = Record.from_json(record.to_json())
    assert replace(again, inside=record.inside) == record
    assert replace(again.inside, tensors={}) == replace(record.inside, tensors={})
    assert list(again.inside.tensors) == list(record.inside.tensors)
    for name, tensor in record.inside.tensors.items():
        np.testing.assert_allclose(again.inside.tensors[name], tensor, atol=1e-3, rtol=1e-3)


@given(arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(1, 4))))
def test_any_tensor_comes_back_finite_and_within_float16(tensor: Any) -> None:
    record = replace(CLASSIFIED, inside=replace(CLASSIFIED.inside, tensors={"x": tensor}))
    again = Record.from_json(record.to_json()).inside.tensors["x"]
    assert again.shape == tensor.shape
    assert np.isfinite(again).all()


def test_a_record_of_a_newer_version_is_refused() -> None:
    newer = json.dumps({**json.loads(TRANSLATION.to_json()), "munmaek_record": 99})
    with pytest.raises(ArtefactError, match=r"a\.json: version 99 is newer than 1"):
        Record.from_json(newer, where="a.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "3"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ArtefactError, match="not a record"):
        Record.from_json(text)


# The page.


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_page_is_whole_and_needs_nothing_beside_itself(record: Record) -> None:
    text = page([record], title="models/ko-en")
    read = Reading(text)
    assert not re.findall(r"https?:|url\(|@import|src=|href=", text)
    policy = next(meta for meta in read.all("meta") if "http-equiv" in meta)["content"] or ""
    script = re.search(r"<script>(.*)</script>", text, flags=re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"'sha256-{digest}'" in policy


def test_text_from_outside_is_escaped_everywhere() -> None:
    evil = "<script>alert(1)</script>\"'&"
    inside = replace(
        TRANSLATION.inside,
        tokens=(evil, *TRANSLATION.inside.tokens[1:]),
        target_tokens=(evil, *TRANSLATION.inside.target_tokens[1:]),
    )
    outcome = {"translation": f"{evil} study at school", "logprob": -1.0}
    record = replace(TRANSLATION, text=f"{evil} 학교에서 공부한다", inside=inside, outcome=outcome)
    text = page([record], title=evil, error=evil)
    Reading(text)
    assert text.count("<script>") == 1
    assert "alert(1)" in text


def test_the_alignment_is_drawn_between_words() -> None:
    (_, _, (title, html), *_) = sections(TRANSLATION)
    figure, svg = Reading(html).all("figure")[0], Reading(html).all("svg")[0]
    assert title == "Attention"
    assert json.loads(figure["data-rows"] or "") == ["I", "study", "at", "school"]
    assert json.loads(figure["data-columns"] or "") == ["나는", "학교에서", "공부한다"]
    values = values_of(svg).reshape(4, 3)
    np.testing.assert_allclose(values.sum(1), 1, atol=2e-4)
    # 학교에서 is two pieces: its weight is theirs together, over what </s> does not take.
    row = TRANSLATION.inside.tensors["alignment"][0]
    assert values[0, 1] == pytest.approx((row[1] + row[2]) / row[:4].sum(), abs=1e-4)


def test_a_model_without_attention_says_so_and_shows_probabilities() -> None:
    inside = replace(TRANSLATION.inside, stage="seq2seq", tensors={})
    titles = [title for title, _ in sections(replace(TRANSLATION, inside=inside))]
    assert titles == ["Translation", "Surprisal", "No attention"]


def test_every_head_of_every_layer_is_drawn_with_their_mean() -> None:
    drawn = dict(sections(LANGUAGE_MODEL))["Self-attention"]
    mean, *each = Reading(drawn).all("svg")
    assert [svg["data-name"] for svg in each] == [
        "layer 1, head 1",
        "layer 1, head 2",
        "layer 2, head 1",
        "layer 2, head 2",
    ]
    stacked = np.concatenate(
        [LANGUAGE_MODEL.inside.tensors[f"layer.{n}.self.weights"] for n in (0, 1)]
    )
    np.testing.assert_allclose(values_of(mean).reshape(3, 3), stacked.mean(0), atol=1e-4)
    np.testing.assert_allclose(values_of(each[3]).reshape(3, 3), stacked[3], atol=1e-4)


def test_surprisal_is_in_bits() -> None:
    # −1.5 nats are 1.5 / ln 2 = 2.164 bits; all −3 nats are 4.3 bits.
    drawn = dict(sections(LANGUAGE_MODEL))["Surprisal"]
    assert "잔다: 2.164 bits" in drawn
    assert "All together 4.3 bits" in drawn


def test_an_ngram_shows_the_context_that_was_counted() -> None:
    drawn = dict(sections(COUNTED))["Where each probability comes from"]
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", drawn)
    assert rows == [("나는", "&lt;s&gt;"), ("잔다", "–"), ("&lt;/s&gt;", "나는 잔다")]
    assert "0.607 · 0.779" in drawn  # exp −0.5 and exp −0.25


def test_labels_and_pooling_are_drawn() -> None:
    assert [title for title, _ in sections(CLASSIFIED)] == ["Labels", "Attention pooling"]


def test_each_mask_has_its_words() -> None:
    title, html = sections(FILLED)[0]
    assert title == "Mask 1"
    assert "잔다" in html
    assert "나는 잔다" in html


def test_gates_keep_one_order_of_units_and_a_table_of_means() -> None:
    drawn = dict(sections(TRANSLATION))["Gates: encoder, layer 1, forward"]
    gate = TRANSLATION.inside.tensors["encoder.layer.0.forward.gates.reset"]
    order = np.argsort(gate.mean(0))[::-1]
    figure = Reading(drawn).all("figure")[0]
    assert json.loads(figure["data-columns"] or "") == [f"unit {unit}" for unit in order]
    assert f"{gate[0].mean():.3f}" in drawn


@given(arrays(np.float64, (3, 4), elements=st.floats(0, 1)))
def test_the_page_keeps_the_numbers_and_draws_their_levels(values: Any) -> None:
    labels = Labels(["a", "b", "c"], ["d", "e", "f", "g"])
    drawn = matrix(values, labels, caption="x")
    np.testing.assert_allclose(
        values_of(Reading(drawn).all("svg")[0]).reshape(3, 4), values, atol=1e-4
    )
    cells = sum((path["d"] or "").count("M") for path in Reading(drawn).all("path"))
    assert cells == int((np.rint(values / ceiling(values) * 20) > 0).sum())


def test_the_scale_ends_just_above_the_largest_weight() -> None:
    assert [ceiling(np.array([each])) for each in (0.0, 0.1, 0.11, 0.4, 0.51, 1.0)] == [
        0.1,
        0.1,
        0.2,
        0.5,
        1.0,
        1.0,
    ]


def test_heads_that_layers_lack_leave_a_gap() -> None:
    labels = Labels(["a"], ["b"])
    drawn = heads([("one", np.ones((2, 1, 1))), ("two", np.ones((1, 1, 1)))], labels, caption="x")
    assert len(Reading(drawn).all("svg")) == 3


def test_hangul_takes_an_em_and_long_names_are_cut() -> None:
    assert text_width("한국", 10) == 20
    assert shorten("a" * 18) == "a" * 18
    assert shorten("a" * 19) == "a" * 17 + "…"
    assert "0.00" in strip(["a"], [0.0], unit="bits", caption="x")


# The server.


def answer(target: str, *, host: str = "127.0.0.1:8420", method: str = "GET") -> tuple[int, str]:
    """Status and body of one request to a server that echoes its text and target."""
    path, _, query = target.partition("?")
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", host.encode())],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8420),
    }
    application = app(lambda text, target: f"[{text}|{target}]")
    asyncio.run(application(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], body.decode()


def test_the_server_renders_what_the_form_sends() -> None:
    assert answer("/") == (200, "[|]")
    assert answer("/?text=%EB%82%98%EB%8A%94+&target=I") == (200, "[나는|I]")


def test_a_long_text_is_cut() -> None:
    assert answer("/?text=" + "a" * 5000) == (200, f"[{'a' * 2000}|]")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8420", "127.0.0.1.evil.example", ""]
)
def test_a_request_under_another_name_is_refused(host: str) -> None:
    assert answer("/", host=host)[0] == 400


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "localhost:8420"])
def test_a_request_under_its_own_names_is_answered(host: str) -> None:
    assert answer("/", host=host)[0] == 200


def test_only_the_page_is_there_and_only_to_read() -> None:
    assert answer("/etc/passwd")[0] == 404
    assert answer("/", method="POST")[0] == 405


def test_the_next_free_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        listener = bind(port)
        with listener:
            assert listener.getsockname()[0] == "127.0.0.1"
            assert port < listener.getsockname()[1] <= port + 20
