"""The viewer's server: who may ask, what is answered, and what is refused."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munmaek.align import MarkedPair, read_marks
from munmaek.errors import InputError, UnsupportedError
from munmaek.look.pairs import Pairs, judge
from munmaek.look.workbench import NamedModel, Workbench
from munmaek.web import app, bind
from munmaek.web.app import HEADERS
from munmaek.web.security import BODY_MOST
from munmaek.web.turns import WAITING_MOST, Crowd
from test_records import LINES, TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

PORT = 8420
OWN = {"host": f"127.0.0.1:{PORT}"}
JSON = {**OWN, "content-type": "application/json", "x-munmaek": "1"}

PAIRS = Pairs(
    "three",
    tuple(LINES),
    ("I read a book at school", "you eat rice at home", "we go to school and come"),
    (
        MarkedPair(LINES[0], "I read a book at school", frozenset({(0, 0), (2, 3)})),
        MarkedPair(LINES[1], "you eat rice at home", frozenset({(0, 0)})),
        MarkedPair(LINES[2], "we go to school and come", frozenset({(0, 0)})),
    ),
)


def bench(tmp_path: Path, stage: str = "attention") -> Workbench:
    """A translator, a language model beside it, three pairs and a file for marks."""
    models = [
        NamedModel("translator", model("translate", stage), tmp_path),
        NamedModel("chain", model("lm", "ngram")),
        NamedModel("stack", model("lm", "transformer")),
        NamedModel("masks", model("mlm", "bert")),
    ]
    return Workbench(models, pairs=PAIRS, marks=tmp_path / "marks.jsonl")


class Answer:
    """What came back."""

    def __init__(self, sent: list[Any]) -> None:
        self.status: int = sent[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in sent[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    made: Any,
    target: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    method: str | None = None,
) -> Answer:
    """One request, as a browser would send it."""
    application = app(made, lambda: "<!doctype html>the page", port=PORT)
    content = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    given = headers if headers is not None else (OWN if body is None else JSON)
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    path, _, query = target.partition("?")
    sent: list[Any] = []
    parts = [content[at : at + 65536] for at in range(0, max(len(content), 1), 65536)]

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.Event().wait()  # the client is still there
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method or ("GET" if body is None else "POST"),
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", PORT),
    }
    asyncio.run(application(scope, receive, send))
    return Answer(sent)


# Who may ask


class Silent:
    """A bench that nothing may reach."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: pytest.fail(f"a request that should be refused reached {name}")


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1.evil.example", "", "127.0.0.1",
     "127.0.0.1:1", f"[::1]:{PORT}", f"127.0.0.1:{PORT}.evil.example", f"x@127.0.0.1:{PORT}"],
)  # fmt: skip
@pytest.mark.parametrize("target", ["/", "/api/model"])
def test_a_request_under_another_name_is_refused(host: str, target: str) -> None:
    answer = ask(Silent(), target, headers={"host": host})
    assert answer.status == 421
    assert "Host" in answer.json["error"]


def test_a_request_without_or_with_two_names_is_refused() -> None:
    two = [("host", f"127.0.0.1:{PORT}"), ("host", "evil.example")]
    assert ask(Silent(), "/", headers={}).status == 421
    assert ask(Silent(), "/", headers=two).status == 421


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"LOCALHOST:{PORT}"])
def test_a_request_under_its_own_names_is_answered(host: str, tmp_path: Path) -> None:
    assert ask(bench(tmp_path), "/", headers={"host": host}).body == b"<!doctype html>the page"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_from_another_page_is_refused(origin: str, method: str) -> None:
    answer = ask(Silent(), "/api/guide", {}, headers={**JSON, "origin": origin}, method=method)
    assert answer.status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_that_says_where_it_comes_from_is_believed(site: str) -> None:
    assert ask(Silent(), "/api/marks", headers={**OWN, "sec-fetch-site": site}).status == 403


def test_a_form_cannot_change_anything() -> None:
    plain = {**OWN, "content-type": "application/x-www-form-urlencoded"}
    assert ask(Silent(), "/api/marks", b"a=1", headers=plain).status == 403
    assert ask(Silent(), "/api/marks", b"{}", headers={**plain, "x-munmaek": "1"}).status == 415


def test_its_own_page_may_ask(tmp_path: Path) -> None:
    headers = {**JSON, "origin": f"http://127.0.0.1:{PORT}", "sec-fetch-site": "same-origin"}
    answer = ask(bench(tmp_path), "/api/records", {"text": TEXT}, headers=headers)
    assert answer.status == 200


@pytest.mark.parametrize("headers", [{"content-length": str(BODY_MOST + 1)}, {}])
def test_a_body_that_is_too_long_is_refused(headers: dict[str, str], tmp_path: Path) -> None:
    body = b'{"text": "' + b"a" * BODY_MOST + b'"}'
    answer = ask(bench(tmp_path), "/api/records", body, headers={**JSON, **headers})
    assert answer.status == 413


@pytest.mark.parametrize("target", ["/", "/api/model", "/nothing", "/api/records/x/tensors/y"])
def test_every_answer_forbids_what_a_page_could_be_used_for(target: str, tmp_path: Path) -> None:
    answer = ask(bench(tmp_path), target)
    assert HEADERS.items() <= answer.headers.items()
    assert "access-control-allow-origin" not in answer.headers


def test_a_refusal_carries_them_too() -> None:
    assert HEADERS.items() <= ask(Silent(), "/", headers={"host": "evil"}).headers.items()


# What is answered


def test_the_models_are_told(tmp_path: Path) -> None:
    told = ask(bench(tmp_path), "/api/model").json
    assert [each["id"] for each in told["models"]] == ["0", "1", "2", "3"]
    assert told["models"][0]["task"] == "translate"
    assert [each["target"] for each in told["models"]] == [True, False, False, False]
    assert told["pairs"] == 3
    assert told["marks"].endswith("marks.jsonl")


@pytest.mark.parametrize("number", ["0", "1", "2", "3"])
def test_a_sentence_gives_a_record(number: str, tmp_path: Path) -> None:
    record = ask(bench(tmp_path), "/api/records", {"model": number, "text": TEXT}).json
    assert record["munmaek_record"] == 2
    assert record["text"] == TEXT


def test_large_tensors_are_fetched_as_bytes_that_fill_their_shape(tmp_path: Path) -> None:
    made = bench(tmp_path)
    record = ask(made, "/api/records", {"model": "2", "text": " ".join([*LINES] * 12)}).json
    linked = {name: each for name, each in record["tensors"].items() if "href" in each}
    assert linked
    sizes = {"uint8": 1, "float16": 2}
    for each in linked.values():
        answer = ask(made, each["href"])
        assert answer.headers["content-type"] == "application/octet-stream"
        assert len(answer.body) == np.prod(each["shape"]) * sizes[each["type"]]
    inline = sum(len(each.get("data", "")) for each in record["tensors"].values())
    assert inline < 600_000


def test_heads_masks_pairs_and_beams_are_passed_on(tmp_path: Path) -> None:
    made = bench(tmp_path, "transformer")
    body = {"text": TEXT, "off": [["decoder.layer.0.cross", 1]], "beam": 2, "target": "I eat"}
    record = ask(made, "/api/records", body).json
    assert record["off"] == [["decoder.layer.0.cross", 1]]
    assert record["target"] == "I eat"
    assert record["beam"]["size"] == 2
    masked = ask(made, "/api/records", {"model": "3", "text": TEXT, "mask": 0, "pair": "온다"}).json
    assert masked["text"].startswith("<mask>")
    assert masked["segments"][-1] == 1


def test_next_words_come_best_first(tmp_path: Path) -> None:
    chances = [p for _, p in ask(bench(tmp_path), "/api/next?model=1&text=%EB%82%98").json["next"]]
    assert chances == sorted(chances, reverse=True)
    assert chances


def test_a_model_of_pairs_begins_with_a_pair() -> None:
    rates = replace(model("regress", "bert"), pairs=True)
    made = Workbench([NamedModel("m", rates), NamedModel("n", model("lm", "rnn"))])
    told = made.describe()
    assert [each["pairs"] for each in told["models"]] == [True, False]
    record = made.record("0", told["example"], pair=told["example_pair"])
    assert record["outcome"]["second"] == told["example_pair"]
    assert 1 in record["segments"]
    alone = Workbench([NamedModel("n", model("mlm", "bert"))]).describe()
    assert (alone["models"][0]["pairs"], alone["example_pair"]) == (None, None)


@pytest.mark.parametrize("by", ["entropy", "coverage", "disagreement"])
def test_pairs_come_most_suspicious_first(by: str, tmp_path: Path) -> None:
    made = bench(tmp_path)
    until(lambda: ask(made, f"/api/suspicious?by={by}").json["done"] == 3)
    told = ask(made, f"/api/suspicious?by={by}&from=0&count=2").json
    whole = ask(made, f"/api/suspicious?by={by}").json["rows"]
    assert told["rows"] == whole[:2]
    values = [row[by] for row in whole]
    assert values == sorted(values, reverse=by != "coverage")
    made.close()


def until(done: Any) -> None:
    for _ in range(2400):  # a busy machine compiles for long
        if done():
            return
        time.sleep(0.05)
    pytest.fail("it did not come to its end")


def test_suspicion_is_worked_out_as_its_formulas_say() -> None:
    # Two output words over two source words: one sharp, one even; the aligner says 0-0 and 1-1.
    found = judge(0, np.array([[1.0, 0.0], [0.5, 0.5]]), frozenset({(0, 0), (1, 1)}))
    assert found.entropy == pytest.approx((0 + np.log(2)) / 2 / np.log(2))
    assert found.coverage == pytest.approx((1 + 0.5) / 2)
    # Strongest links 0-0 and 0-1; one of two on each side in common: 1 − 2·1/4.
    assert found.disagreement == pytest.approx(0.5)


def test_a_pair_comes_with_its_gold_links_or_with_what_was_marked(tmp_path: Path) -> None:
    made = bench(tmp_path)
    first = ask(made, "/api/pairs/0").json
    assert first["gold"]["sure"] == [[0, 0], [2, 3]]
    assert 0 <= first["measures"]["aer"] <= 1
    body = {"index": 0, "sure": [[1, 5]], "possible": [[1, 4]], "forbidden": [[0, 1]]}
    assert ask(made, "/api/marks", body).json == {"count": 1}
    again = ask(made, "/api/pairs/0").json
    assert again["gold"] == {"sure": [[1, 5]], "possible": [[1, 4]], "forbidden": [[0, 1]]}
    assert again["id"] != first["id"]
    made.close()


# Marks


def test_marks_are_told_and_exported(tmp_path: Path) -> None:
    made = bench(tmp_path)
    body = {"source": LINES[0], "target": "I read", "sure": [[0, 0]], "possible": [[3, 1]]}
    ask(made, "/api/marks", body)
    told = ask(made, "/api/marks").json
    assert told["count"] == 1
    assert told["marks"][0]["sure"] == [[0, 0]]
    assert len(told["tokenizer"]) == 64
    exported = ask(made, "/api/marks.pharaoh").body.decode()
    assert exported == f"{LINES[0]}\tI read\t0-0 3?1\n"


def test_two_browsers_marking_at_once_lose_nothing(tmp_path: Path) -> None:
    made, other = bench(tmp_path), bench(tmp_path)

    def mark(which: Workbench, first: int) -> None:
        for number in range(first, first + 25):
            which.mark({"source": f"문장 {number}", "target": "a b", "sure": [[0, 1]]})

    threads = [threading.Thread(target=mark, args=each) for each in ((made, 0), (other, 25))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(read_marks(tmp_path / "marks.jsonl")) == 50
    assert made.kept_marks().to_json()["count"] == 50


def test_marks_of_another_tokenizer_are_refused_with_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    line = {"source": "a", "target": "b", "sure": [[0, 0]], "tokenizer": "f" * 64}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"line 1: .*{'f' * 64}.* the model has [0-9a-f]{{64}}"):
        bench(tmp_path)


def test_a_model_that_does_not_translate_has_no_marks(tmp_path: Path) -> None:
    only = [NamedModel("m", model("lm", "transformer"))]
    with pytest.raises(UnsupportedError, match="pairs and marks are for translators, not 'lm'"):
        Workbench(only, marks=tmp_path / "marks.jsonl")
    made = Workbench(only)
    assert ask(made, "/api/marks").status == 400
    assert ask(made, "/api/suspicious").json["error"].startswith("no pairs")


# What does not fit


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        ([1], "a JSON object"),
        ({}, "'text' is missing"),
        ({"text": 3}, "'text' must be a text"),
        ({"text": "a" * 100_001}, "at most 100000 characters"),
        ({"text": " "}, "no text to look at"),
        ({"text": "a", "mask": "x"}, "'mask' must be a whole number"),
        ({"text": "a", "beam": True}, "'beam' must be a whole number"),
        ({"text": "a", "beam": 1000}, "'beam' must be a whole number from 0 to 20"),
        ({"text": "a", "off": "x"}, "'off' must be a list"),
        ({"text": "a", "off": [["x"]]}, "'off' must be a list"),
        ({"text": "a", "off": [["x", 0]]}, "no head 0 in 'x'"),
        ({"text": "a", "mask": 0}, "a word to mask is for models that fill masks"),
    ],
)
def test_a_bad_request_is_told_in_one_line(body: Any, said: str, tmp_path: Path) -> None:
    answer = ask(bench(tmp_path), "/api/records", body)
    assert answer.status == 400
    assert said in answer.json["error"]
    assert "\n" not in answer.json["error"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/pairs/3", 404),
        ("/api/pairs/-1", 400),
        ("/api/records/none/tensors/x", 404),
        ("/api/next?model=9", 404),
        ("/api/next?model=0&text=a", 400),
        ("/api/suspicious?by=length", 400),
        ("/api/suspicious?from=-1", 400),
        ("/api/suspicious?count=100000", 400),
        ("/etc/passwd", 404),
        ("/../../etc/passwd", 404),
    ],
)
def test_what_there_is_not_is_said(target: str, status: int, tmp_path: Path) -> None:
    assert ask(bench(tmp_path), target).status == status


def test_the_page_is_only_to_read(tmp_path: Path) -> None:
    assert ask(bench(tmp_path), "/", {}).status == 405


def test_lone_surrogates_and_markup_are_only_text(tmp_path: Path) -> None:
    body = b'{"model": "2", "text": "<b>\\ud800</b> \\u202e \\u0000"}'
    answer = ask(bench(tmp_path), "/api/records", body)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["text"].startswith("<b>?</b>")


def test_guided_training_wants_marks_first(tmp_path: Path) -> None:
    made = bench(tmp_path)
    assert ask(made, "/api/guide").json["state"] == "idle"
    answer = ask(made, "/api/guide", {"steps": 2})
    assert answer.status == 400
    assert "mark at least" in answer.json["error"]
    assert ask(made, "/api/guide", {}, method="DELETE").json["state"] == "idle"


def test_what_is_deleted_needs_no_body_and_still_the_header(tmp_path: Path) -> None:
    own = {**OWN, "x-munmaek": "1"}
    made = bench(tmp_path)
    assert ask(made, "/api/guide", headers=own, method="DELETE").json["state"] == "idle"
    empty = {**own, "content-length": "0"}
    assert ask(made, "/api/guide", headers=empty, method="DELETE").status == 200
    assert ask(Silent(), "/api/guide", headers=OWN, method="DELETE").status == 403
    typed = {**own, "content-type": "text/plain", "content-length": "2"}
    assert ask(Silent(), "/api/guide", b"ab", headers=typed, method="DELETE").status == 415
    chunked = {**own, "transfer-encoding": "chunked"}
    assert ask(Silent(), "/api/guide", b"ab", headers=chunked, method="DELETE").status == 415


# Whose turn it is


class Slow:
    """A bench whose model takes until it is told to go on, and counts what it computed."""

    def __init__(self) -> None:
        self.go, self.begun, self.computed = threading.Event(), threading.Event(), 0

    def record(self, **_: Any) -> dict[str, Any]:
        self.begun.set()
        self.go.wait(60)
        self.computed += 1
        return {}

    def describe(self) -> dict[str, Any]:
        return {"models": []}

    def mark(self, _: Any) -> dict[str, Any]:
        return {}


async def asked(
    application: Any, path: str, body: bytes | None = None, *, gone: asyncio.Event | None = None
) -> int:
    """The status of one request of many to the same application."""
    parts = [{"type": "http.request", "body": body or b"", "more_body": False}]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop()
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
            retry = dict(message["headers"]).get(b"retry-after")
            assert (retry == b"1") == (message["status"] == 503 and gone is None)

    headers = JSON if body is not None else OWN
    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", PORT),
    }
    await application(scope, receive, send)
    return statuses[0]


RECORD = b'{"text": "a"}'


async def when_begun(made: Slow) -> None:
    while not made.begun.is_set():
        await asyncio.sleep(0.001)


def test_too_many_who_wait_are_sent_away_and_the_rest_answered() -> None:
    made = Slow()
    application = app(made, lambda: "", port=PORT)

    async def all_of_them() -> list[int]:
        several = [
            asyncio.ensure_future(asked(application, "/api/records", RECORD))
            for _ in range(WAITING_MOST + 5)
        ]
        await when_begun(made)
        assert await asked(application, "/api/model") == 200  # what needs no model never waits
        made.go.set()
        return list(await asyncio.gather(*several))

    statuses = asyncio.run(all_of_them())
    assert statuses.count(200) == WAITING_MOST == made.computed
    assert statuses.count(503) == 5


def test_what_nobody_waits_for_any_more_is_not_computed() -> None:
    made = Slow()
    application = app(made, lambda: "", port=PORT)

    async def one_leaves() -> list[int]:
        gone = asyncio.Event()
        first = asyncio.ensure_future(asked(application, "/api/records", RECORD))
        await when_begun(made)
        second = asyncio.ensure_future(asked(application, "/api/records", RECORD, gone=gone))
        await asyncio.sleep(0.05)
        gone.set()
        made.go.set()
        return [await first, await second]

    assert asyncio.run(one_leaves()) == [200, 503]
    assert made.computed == 1


def test_a_crowd_of_requests_is_told_to_come_back() -> None:
    async def one(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.Event().wait()

    async def crowded() -> int:
        crowd = Crowd(one, most=3)
        tasks = [asyncio.ensure_future(asked(crowd, "/")) for _ in range(3)]
        await asyncio.sleep(0)
        status = await asked(crowd, "/")
        for each in tasks:
            each.cancel()
        return status

    assert asyncio.run(crowded()) == 503


# The port


def test_the_next_free_port_is_taken_on_this_machine_only() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with bind(port) as listener:
            assert listener.getsockname()[0] == "127.0.0.1"
            assert port < listener.getsockname()[1] <= port + 20
