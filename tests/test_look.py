"""Records of what a model computed, and the server that shows them."""

import asyncio
import json
import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from munmaek.artefact.inside import Inside
from munmaek.errors import ArtefactError
from munmaek.look import Record
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
