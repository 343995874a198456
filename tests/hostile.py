"""Requests to the viewer's server that no page of its own would send."""

import json
import random
from typing import Any
from urllib.parse import quote

NUMBERS = (
    "0", "-1", "1e3", "0x1", "1.0", "٣", "３", "²", "9" * 23, "9" * 5000, "", " 1", "+1", "NaN",
    "1_0", "%00", "%ff", "null", "true", "00000000000000000000001",
)  # fmt: skip
TEXTS = (
    "", " ", "나는 학교에 간다", "a" * 3000, "\x00\x01", "<script>", "🙂" * 50, "\ud800",
    "</s> <s>", "가\u0301\u200d", "\u2028\u2029", "a\nb\tc",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 10**6, 10**30, 1.5, float("nan"), float("inf"), [], {}, [[]], [[1, 2]],
    [["layer.0.self", 0]], [["layer.0.self", -1]], [["layer.0.self", 10**30]],
    [[0, 10**30]], [[-1, 0]], [[0, 0]], "0", {"a": {"b": []}},
)  # fmt: skip
PATHS = (
    "/", "/api", "/api/", "/api/model", "/api/next", "/api/suspicious", "/api/pairs/{}",
    "/api/marks", "/api/marks.pharaoh", "/api/guide", "/api/records", "/api/records/{}/tensors/{}",
    "/../etc/passwd",
    "/api/%2e%2e", "//api/model", "/api/model/{}",
)  # fmt: skip
QUERIES = ("model", "text", "by", "from", "count", "head", "", "model&model", "a[b]")
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD", "TRACE", "get", "X")
KEYS = ("text", "model", "target", "pair", "mask", "off", "beam", "index", "source", "sure",
        "possible", "forbidden", "steps", "")  # fmt: skip
KINDS = (
    "application/json", "application/json; charset=utf-16", "application/jsonx", "text/plain", "",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
)  # fmt: skip


class Hostile:
    """One request: method, address, headers, body."""

    def __init__(self, rng: random.Random, host: str) -> None:
        self.method = rng.choice(METHODS[:3]) if rng.random() < 0.7 else rng.choice(METHODS)
        self.target = rng.choice(PATHS).replace("{}", quote(rng.choice(NUMBERS), safe="%"))
        if rng.random() < 0.5:
            pairs = ((rng.choice(QUERIES), self._value(rng)) for _ in range(rng.randint(1, 3)))
            self.target += "?" + "&".join(f"{name}={value}" for name, value in pairs)
        self.body = self._body(rng) if self.method not in ("GET", "HEAD") else b""
        self.headers = [("host", host)] + [("x-munmaek", "1")] * (rng.random() < 0.9)
        if self.body or rng.random() < 0.3:
            kind = KINDS[0] if rng.random() < 0.8 else rng.choice(KINDS)
            self.headers.append(("content-type", kind))
        if rng.random() < 0.05:
            self.headers.append(("content-encoding", rng.choice(("gzip", "br", "identity"))))
        if rng.random() < 0.05:
            self.headers.append(("origin", rng.choice(("null", "http://evil.example", "é"))))

    @staticmethod
    def _value(rng: random.Random) -> str:
        if rng.random() < 0.6:
            return quote(rng.choice(NUMBERS), safe="%")
        return quote(rng.choice(TEXTS).encode("utf-8", "surrogatepass"))

    @staticmethod
    def _body(rng: random.Random) -> bytes:
        chance = rng.random()
        if chance < 0.08:
            return rng.choice((b"[" * 5000, b'{"a":' * 3000, b"[" * 200 + b"]" * 200))
        if chance < 0.14:
            return rng.randbytes(rng.randint(1, 400))
        if chance < 0.2:
            return json.dumps({"text": "가"}).encode(rng.choice(("utf-16", "utf-32", "utf-8-sig")))
        values = [*VALUES, *TEXTS]
        body = {rng.choice(KEYS): rng.choice(values) for _ in range(rng.randint(0, 5))}
        if rng.random() < 0.6:
            body["text"] = rng.choice(TEXTS)
        made = json.dumps(body)
        return made.replace("1.5", "9" * 5000).encode() if rng.random() < 0.05 else made.encode()
