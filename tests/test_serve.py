"""The server: the forms of its routes, its batching, and who may ask."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import Run
from munmaek.errors import ConfigError, InputError
from munmaek.serve.batching import Batcher, FullError
from munmaek.serve.options import ServerOptions
from munmaek.serve.security import read_tokens
from munmaek.tasks.service import Nothing, Question, Service
from serve_support import Running
from test_records import TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {
        "chain": model("lm", "ngram"),
        "lstm": model("lm", "rnn"),
        "labels": model("classify", "attention"),
        "ko-en": model("translate", "attention"),
        "masks": model("mlm", "bert"),
    }


@pytest.fixture(scope="module")
def server(models: dict[str, Any]) -> Iterator[Running]:
    running = Running(models, limits=ServerOptions(texts=8, characters=2000, body=20_000))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1", max_retries=0) as client:
        yield client


def test_the_client_of_openai_lists_models(client: openai.OpenAI) -> None:
    assert [each.id for each in client.models.list()] == [
        "chain", "lstm", "labels", "ko-en", "masks"
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["float", "base64"])
def test_the_client_of_openai_gets_the_vectors_of_embed(
    client: openai.OpenAI, models: dict[str, Any], form: Any
) -> None:
    texts = [TEXT, "짧다", f"{TEXT} {TEXT}"]
    answer = client.embeddings.create(model="masks", input=texts, encoding_format=form)
    found = [each.embedding for each in answer.data]
    if form == "base64":
        found = [np.frombuffer(base64.b64decode(str(each)), dtype="<f4") for each in found]
    np.testing.assert_allclose(np.array(found), models["masks"].embed(texts), atol=1e-6)
    assert answer.usage.prompt_tokens > 3


def test_the_client_of_openai_completes_texts_as_generate_does(
    client: openai.OpenAI, models: dict[str, Any]
) -> None:
    for name in ("chain", "lstm"):
        answer = client.completions.create(
            model=name, prompt="나는", max_tokens=6, seed=3, n=2, temperature=0.7, top_p=0.9
        )
        wanted = models[name].generate(
            "나는", rng=np.random.default_rng(3), max_length=6, temperature=0.7, top_p=0.9
        )[0]
        assert [each.index for each in answer.choices] == [0, 1]
        assert f"나는{answer.choices[0].text}" == wanted


def test_echo_tells_the_likelihoods_of_score(client: openai.OpenAI, models: dict[str, Any]) -> None:
    for name in ("chain", "lstm"):
        answer = client.completions.create(
            model=name, prompt=TEXT, max_tokens=0, echo=True, logprobs=2, temperature=0
        )
        told: Any = answer.choices[0].logprobs
        tokens = models[name].score([TEXT])[0].tokens[:-1]
        assert told.token_logprobs == pytest.approx([each.logprob for each in tokens], abs=1e-6)
        assert answer.choices[0].text == TEXT
        assert (
            "".join(
                TEXT[a:b]
                for a, b in zip(told.text_offset, [*told.text_offset[1:], None], strict=True)
            )
            == TEXT
        )
        assert all(
            next(iter(top.values())) >= chance - 1e-9
            for top, chance in zip(told.top_logprobs, told.token_logprobs, strict=True)
        )


def test_token_ids_are_a_prompt_like_their_text(
    client: openai.OpenAI, models: dict[str, Any]
) -> None:
    ids = models["lstm"].tokenizer.encode(TEXT)
    given: list[Any] = [TEXT, ids]
    texts = [
        client.completions.create(model="lstm", prompt=each, max_tokens=5, temperature=0).choices
        for each in given
    ]
    assert texts[0][0].text == texts[1][0].text
    with pytest.raises(openai.UnprocessableEntityError, match="outside the vocabulary"):
        client.completions.create(model="lstm", prompt=[10**9])


def test_a_stream_has_what_one_answer_has(client: openai.OpenAI) -> None:
    asked: Any = {"model": "lstm", "prompt": "나는", "max_tokens": 12, "seed": 5}
    whole = client.completions.create(**asked)
    stream = list(
        client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    assert "".join(each.choices[0].text for each in stream[:-1]) == whole.choices[0].text
    assert stream[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert stream[-1].usage == whole.usage


def test_a_completion_ends_before_a_stop(client: openai.OpenAI) -> None:
    asked: Any = {"model": "chain", "prompt": "나는", "max_tokens": 30, "seed": 1}
    text = client.completions.create(**asked).choices[0].text
    stop = text[2:4]
    for stream in (False, True):
        answer: Any = client.completions.create(**asked, stop=stop, stream=stream)
        parts = list(answer) if stream else [answer]
        found = "".join(each.choices[0].text for each in parts)
        assert found == text[: text.index(stop)]
        assert parts[-1].choices[0].finish_reason == "stop"


def test_errors_of_the_openai_routes_have_their_form(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no model 'none'; there are 'chain'"):
        client.embeddings.create(model="none", input="a")
    with pytest.raises(openai.BadRequestError, match="'chain' cannot embed"):
        client.embeddings.create(model="chain", input="a")
    with pytest.raises(openai.UnprocessableEntityError, match="unknown field 'x'") as caught:
        client.embeddings.create(model="masks", input="a", extra_body={"x": 1})
    assert caught.value.param == "x"


def test_the_routes_of_text_embeddings_inference(server: Running, models: dict[str, Any]) -> None:
    status, vectors = server.ask("/embed", {"inputs": [TEXT, "너"]})
    wanted = models["masks"].embed([TEXT, "너"])
    unit = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    assert status == 200
    np.testing.assert_allclose(vectors, unit, atol=1e-6)
    status, rows = server.ask("/predict", {"inputs": TEXT})
    chances = models["labels"].predict([TEXT])[0].probabilities
    assert {each["label"]: each["score"] for each in rows} == pytest.approx(chances)
    status, rows = server.ask("/rerank", {"query": TEXT, "texts": ["너", TEXT]})
    assert rows[0] == {"index": 1, "score": pytest.approx(1, abs=1e-6)}
    status, rows = server.ask("/tokenize?model=masks", {"inputs": TEXT})
    inside = [each for each in rows[0] if not each["special"]]
    assert [each["id"] for each in inside] == models["masks"].tokenizer.encode(TEXT)
    assert server.ask("/predict", {"inputs": []})[0] == 422


def test_the_routes_of_libretranslate(server: Running, models: dict[str, Any]) -> None:
    asked = {"q": TEXT, "source": "ko", "target": "en", "alternatives": 2, "alignment": True}
    status, answer = server.ask("/translate", asked)
    best = models["ko-en"].translate([TEXT])[0]
    assert status == 200
    assert answer["translatedText"] == best.translation
    assert len(answer["alternatives"]) == 2
    assert answer["details"][0]["alignment"] == [list(link) for link in best.alignment]
    status, answer = server.ask("/ask/translate", {"inputs": TEXT, "beam": 10**6})
    assert (status, answer["error"]) == (422, "beam = 1000000: a server takes 64 at most")
    assert server.ask("/translate", {"q": [TEXT, ""]})[1]["translatedText"][1] == ""
    assert "\n" not in server.ask("/translate", {**asked, "source": "a\r\nb"})[1]["error"]
    status, answer = server.ask("/translate", {**asked, "target": "ja"})
    assert (status, answer["error"]) == (400, "no model from 'ko' to 'ja'; there are ko-en")
    assert server.ask("/languages")[1] == [{"code": "ko", "name": "ko", "targets": ["en"]}]


def test_each_verb_is_a_route(server: Running, models: dict[str, Any]) -> None:
    answer = server.ask("/classify", {"inputs": [TEXT, "너"]})[1]
    labels = [each.label for each in models["labels"].predict([TEXT, "너"])]
    assert [each["label"] for each in answer["outputs"]] == labels
    answer = server.ask("/score", {"inputs": TEXT, "model": "chain"})[1]
    wanted = models["chain"].score([TEXT])[0].logprob
    assert answer["outputs"]["logprob"] == pytest.approx(wanted)
    answer = server.ask("/fill", {"inputs": "나는 <mask> 간다", "top": 2})[1]
    assert len(answer["outputs"]["candidates"][0]) == 2
    assert server.ask("/score", {"inputs": TEXT})[1]["error"].startswith("'model' must say which")
    assert server.ask("/classify", {"inputs": 3})[0] == 422
    assert "unknown field 'y'" in server.ask("/classify", {"inputs": "a", "y": 1})[1]["error"]


def test_whoever_watches_is_told(server: Running) -> None:
    assert server.ask("/health") == (200, {"status": "ok"})
    assert server.ask("/ready")[1]["models"][0] == "chain"
    families = {each.name for each in text_string_to_metric_families(server.ask("/metrics")[1])}
    assert {"munmaek_requests", "munmaek_batch_texts", "munmaek_waiting_texts"} <= families
    described = server.ask("/openapi.json")[1]
    assert described["paths"]["/classify"]["post"]["operationId"] == "classify"
    page = server.ask("/")[1]
    assert "curl" in page
    assert all(path in page for path in described["paths"] if not path.startswith("/ask/"))
    assert {"/ask/embed", "/ask/translate", "/ask/align"} <= set(described["paths"])


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[1]", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 10_000, {}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"content-encoding": "gzip"}, 415),
        (b"{}", {}, 422),
        (b" " * 30_000, {}, 413),
        (json.dumps({"inputs": ["a"] * 9}).encode(), {}, 413),
        (json.dumps({"inputs": "a" * 3000}).encode(), {}, 413),
        (b'{"inputs": "\\ud800"}', {}, 200),
        (b'{"inputs": "a", "top": ' + b"9" * 400 + b"}", {}, 422),
        (b'{"inputs": "a", "top": NaN}', {}, 422),
        (b'{"inputs": "a", "top": 1e999}', {}, 422),
        (b"{}", {"host": "evil.example"}, 421),
        (b"{}", {"origin": "https://evil.example"}, 403),
        (b"{}", {"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_what_cannot_be_answered_is_refused(
    server: Running, body: bytes, headers: dict[str, str], status: int
) -> None:
    found, answer = server.ask("/classify", body, headers)
    assert found == status
    assert status == 200 or "\n" not in answer["error"]


def test_a_token_lets_in(models: dict[str, Any], tmp_path: Any) -> None:
    running = Running({"chain": models["chain"]}, tokens=[TOKEN])
    try:
        body = {"inputs": TEXT}
        assert running.ask("/score", body)[0] == 401
        assert running.ask("/score", body, {"authorization": "Bearer wrong"})[0] == 401
        assert running.ask("/score", body, {"authorization": f"Bearer {TOKEN}"})[0] == 200
        assert running.ask("/metrics")[0] == 401
        assert running.ask("/health")[0] == 200
    finally:
        running.stop()
    running = Running({"ko-en": models["ko-en"]}, tokens=[TOKEN])
    try:
        for key, status in ((None, 401), ("wrong", 401), (TOKEN, 200)):
            assert running.ask("/translate", {"q": TEXT, "api_key": key})[0] == status
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert running.ask("/translate", f"q=a&api_key={TOKEN}".encode(), form)[0] == 200
        wrong = {"authorization": "Bearer wrong"}
        assert running.ask("/translate", {"q": TEXT, "api_key": TOKEN}, wrong)[0] == 401
        assert running.ask("/ask/translate", {"inputs": TEXT, "api_key": TOKEN})[0] == 401
    finally:
        running.stop()
    path = tmp_path / "tokens"
    path.write_text(f"# of the team\n{TOKEN}\n")
    assert read_tokens(path) == (TOKEN,)
    path.write_text("short\n")
    with pytest.raises(ConfigError, match="16 ASCII characters or more"):
        read_tokens(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_tokens(tmp_path / "none")


class Slow:
    """A service that notes its batches and waits until it may answer."""

    def __init__(self) -> None:
        self.batches: list[list[Question]] = []
        self.may = threading.Event()

    def answer(self, questions: Sequence[Question], _: Nothing) -> list[str]:
        self.batches.append(list(questions))
        self.may.wait(10)
        if any(text == "bad" for (text,) in questions):
            raise InputError("a bad text")
        return [text.upper() for (text,) in questions]


def batched(slow: Slow, waiting: int = 8) -> Batcher:
    service = Service("say", slow.answer)
    return Batcher(service, ThreadPoolExecutor(1), characters=40, waiting=waiting)


def test_what_waits_is_answered_together_and_what_is_given_up_is_not_computed() -> None:
    slow = Slow()

    async def run() -> list[Any]:
        batcher = batched(slow)
        asked = [asyncio.ensure_future(batcher.ask([("a",)], Nothing()))]
        await asyncio.sleep(0.05)
        asked += [
            asyncio.ensure_future(batcher.ask([(text,)], Nothing()))
            for text in ("b", "gone", "bad", "c")
        ]
        await asyncio.sleep(0)
        asked[2].cancel()
        slow.may.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    a, b, gone, bad, c = asyncio.run(run())
    assert (a, b, c) == (["A"], ["B"], ["C"])
    assert isinstance(gone, asyncio.CancelledError)
    assert isinstance(bad, InputError)
    assert slow.batches[:2] == [[("a",)], [("b",), ("bad",), ("c",)]]


def test_a_full_queue_takes_no_more() -> None:
    slow = Slow()

    async def run() -> None:
        batcher = batched(slow, waiting=3)
        first = asyncio.ensure_future(batcher.ask([("a",)], Nothing()))
        await asyncio.sleep(0.05)
        more = asyncio.ensure_future(batcher.ask([("b",), ("c",), ("d",)], Nothing()))
        await asyncio.sleep(0)
        with pytest.raises(FullError):
            await batcher.ask([("e",)], Nothing())
        slow.may.set()
        assert await first == ["A"]
        assert await more == ["B", "C", "D"]

    asyncio.run(run())


def test_a_long_batch_is_parted() -> None:
    slow = Slow()
    slow.may.set()
    texts = [("x" * 20,) for _ in range(4)]
    assert asyncio.run(batched(slow).ask(texts, Nothing())) == [text.upper() for (text,) in texts]
    assert [len(each) for each in slow.batches] == [1, 1, 1, 1]


def test_port_0_is_any_that_is_free_and_other_zeros_are_taken_too(
    tmp_path: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    model("lm", "ngram").save(tmp_path / "chain")
    found: list[ServerOptions] = []
    monkeypatch.setattr("munmaek.serve.running.run", lambda _, options, *__: found.append(options))
    done = run("serve", tmp_path / "chain", "--port", 0, "--grace", 0)
    assert done.code == 0, done.err
    assert found[0].port not in (0, ServerOptions().port)
    assert found[0].grace == 0
