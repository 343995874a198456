"""The viewer's server under hostile requests."""

import random
from pathlib import Path
from typing import Any

import pytest

from hostile import Hostile
from test_web import JSON, OWN, ask, bench

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


@pytest.mark.parametrize(
    "target",
    [
        *(f"/api/suspicious?count={n}" for n in ("9" * 23, "9" * 5000, "-1", "%D9%A3", "1.0", "")),
        *(f"/api/next?model={n}" for n in ("9" * 23, "9" * 5000, "-1", "%EF%BC%93", "x")),
        *(f"/api/pairs/{n}" for n in ("9" * 23, "9" * 5000, "-1", "%D9%A3", "x")),
        f"/api/next?head={'9' * 23}",
        "/api/model?x=1",
    ],
)
def test_digits_of_any_number_are_a_bad_request(target: str, tmp_path: Path) -> None:
    answer = ask(bench(tmp_path), target)
    assert answer.status == 400
    assert answer.json["error"]


@pytest.mark.parametrize("index", [10**30, -1, 0.5])
def test_a_mark_of_an_impossible_pair_is_a_bad_request(index: Any, tmp_path: Path) -> None:
    body = {"index": index, "sure": [[0, 0]]}
    assert ask(bench(tmp_path), "/api/marks", body).status in (400, 404)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"content-type": "application/json"}, 200),
        ({"content-type": "text/plain"}, 200),
    ],
)
def test_stop_is_a_delete_without_a_body(
    headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    asked = {**OWN, "x-munmaek": "1", **headers}
    answer = ask(bench(tmp_path), "/api/guide", headers=asked, method="DELETE")
    assert answer.status == status
    assert ask(bench(tmp_path), "/api/guide", headers=OWN, method="DELETE").status == 403


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [("application/jsonx", None), ("text/json", None), ("application/json", "gzip")],
)
def test_a_body_of_another_kind_is_refused(kind: str, encoding: str | None, tmp_path: Path) -> None:
    headers = {**JSON, "content-type": kind} | (
        {} if encoding is None else {"content-encoding": encoding}
    )
    assert ask(bench(tmp_path), "/api/records", {"text": "a"}, headers=headers).status == 415


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_another_method_is_told_which_there_are(method: str, tmp_path: Path) -> None:
    answer = ask(bench(tmp_path), "/api/model", {}, method=method)
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json["error"]


def test_hostile_requests_are_refused_in_one_line(tmp_path: Path) -> None:
    made = bench(tmp_path)
    rng = random.Random(19)
    seen: dict[int, int] = {}
    for number in range(400):
        asked = Hostile(rng, OWN["host"])
        if asked.method == "POST" and asked.target.startswith("/api/guide"):
            continue  # what it begins is tried elsewhere
        answer = ask(made, asked.target, asked.body, headers=asked.headers, method=asked.method)
        seen[answer.status] = seen.get(answer.status, 0) + 1
        assert answer.status < 500, (number, asked.method, asked.target, asked.body)
        if answer.status >= 400 and asked.method != "HEAD":
            assert "\n" not in answer.json["error"], asked.target
    made.close()
    assert {200, 400, 404, 405, 415} <= seen.keys()
