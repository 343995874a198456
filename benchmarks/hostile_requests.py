"""Hostile requests to ``munmaek serve``: wrong, broken, huge, slow, half-closed, smuggled.

    python benchmarks/hostile_requests.py m=LM bert=MLM ko-en=TRANSLATOR cls=CLASSIFIER \\
        --index bert=LINES

The server is a process of its own, and several requests are under way at once, while others hold
connections open and send a byte now and then. No answer may be a 5xx other than 503, every refusal
is JSON with an error of one line, the server writes no traceback, lives, and keeps its memory: at
the end it has at most a tenth more than after a quarter. What is found is printed, and the script
leaves with 1.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

PATHS = (
    "/v1/embeddings", "/v1/completions", "/v1/models", "/embed", "/predict", "/rerank", "/tokenize",
    "/translate", "/languages", "/classify", "/rate", "/tag", "/score", "/fill", "/health",
    "/align", "/search", "/generate", "/models", "/detokenize", "/ask/embed",
    "/ask/translate", "/ask/score",
    "/metrics", "/openapi.json", "/", "/none", "/../etc/passwd", "/%00", "/%ff", "//", "/v1",
)  # fmt: skip
VALUES = (
    None, True, 0, -1, 10**400, 1e308, "", "a", "나" * 5000, "\0", "\ud800", "<mask>", [], [[]],
    ["a"] * 2000, {"a": 1}, [1, 2], [-1], [10**12], ["a", None], "a" * 200_000, "🎉" * 100,
    "</s><s>", "a\r\nb", "'; DROP TABLE", [["a", "b", "c"]], 1.5, "NaN",
)  # fmt: skip
FIELDS = (
    "inputs", "input", "model", "prompt", "q", "source", "target", "texts", "query", "max_tokens",
    "temperature", "top_p", "n", "stop", "seed", "echo", "logprobs", "stream", "beam", "top",
    "alternatives", "dimensions", "encoding_format", "x", "__class__", "", "packed", "count",
    "max_length", "window", "prompt", "layer", "head", "symmetrise", "reading", "explain",
)  # fmt: skip

Make = Callable[[random.Random, int], bytes]


def request(
    method: str, path: str, body: bytes, port: int, headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return a request as bytes."""
    given = [("Host", f"127.0.0.1:{port}"), *headers]
    if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
        given.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in given)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogatepass") + body


JSON = ("Content-Type", "application/json")


def fields(chance: random.Random, port: int) -> bytes:
    """Return a body of known fields with values that may fit or not."""
    given = {chance.choice(FIELDS): chance.choice(VALUES) for _ in range(chance.randrange(1, 5))}
    usual = {"inputs": "나는", "input": "나는", "prompt": "나는", "q": "나는", "model": "m"}
    body = {**usual, **given} if chance.random() < 0.2 else given
    path = chance.choice(PATHS)
    if chance.random() < 0.7:
        for name in list(body):
            if chance.random() < 0.3 and name not in given:
                del body[name]
    return request("POST", path, json.dumps(body).encode(), port, [JSON])


GOOD = (
    ("/v1/embeddings", {"model": "bert", "input": ["나는", "b"]}),
    ("/v1/completions", {"model": "m", "prompt": "나는", "max_tokens": 5, "logprobs": 1}),
    ("/v1/completions", {"model": "m", "prompt": "나는", "stream": True, "stop": "a", "n": 2}),
    ("/embed", {"inputs": ["나는", "너는"]}),
    ("/predict", {"inputs": "나는"}),
    ("/rerank", {"query": "나는", "texts": ["너는", "나는"], "return_text": True}),
    ("/tokenize?model=m", {"inputs": "나는"}),
    ("/translate", {"q": "나는", "source": "ko", "target": "en", "alternatives": 1}),
    ("/classify", {"inputs": ["나는", "너는"]}),
    ("/score", {"inputs": ["나는", ""]}),
    ("/fill", {"inputs": "나는 <mask> 간다", "top": 2}),
    ("/align", {"inputs": [["나는 간다", "I go"]], "reading": "input"}),
    ("/search", {"inputs": ["나는"], "top": 2}),
    ("/generate", {"inputs": "나는", "model": "m", "max_length": 4, "count": 2, "seed": 1}),
    ("/ask/embed", {"inputs": ["나는", ""], "packed": True, "window": True}),
    ("/ask/translate", {"inputs": "나는", "beam": 2, "n_best": 2, "max_length": 4}),
)


def nearly(chance: random.Random, port: int) -> bytes:
    """Return a request that is right, or wrong in one field."""
    path, good = chance.choice(GOOD)
    body = dict(good)
    if chance.random() < 0.7:
        body[chance.choice((*good, chance.choice(FIELDS)))] = chance.choice(VALUES)
    return request("POST", path, json.dumps(body).encode(), port, [JSON])


def deep(chance: random.Random, port: int) -> bytes:
    """Return JSON of many levels."""
    levels = chance.choice((50, 1000, 50_000))
    body = b"[" * levels + b"]" * levels
    if chance.random() < 0.5:
        body = b'{"inputs":' + body + b"}"
    return request("POST", chance.choice(PATHS), body, port, [JSON])


def noise(chance: random.Random, port: int) -> bytes:
    """Return a body of random bytes, or of JSON with some of them changed."""
    body = bytearray(b'{"inputs": "a text", "model": "m", "top": 3}')
    for _ in range(chance.randrange(1, 6)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    if chance.random() < 0.3:
        body = bytearray(chance.randbytes(chance.randrange(2000)))
    return request("POST", chance.choice(PATHS), bytes(body), port, [JSON])


def method(chance: random.Random, port: int) -> bytes:
    """Return a request by another method."""
    name = chance.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X", "get"))
    return request(name, chance.choice(PATHS), b"{}", port, [JSON])


def kind(chance: random.Random, port: int) -> bytes:
    """Return a request of another type, encoding, host or origin."""
    more = [
        chance.choice(
            (
                ("Content-Type", "text/plain"), ("Content-Type", "application/json; charset=cp949"),
                ("Content-Encoding", "gzip"), ("Origin", "https://evil.example"),
                ("Host", "evil.example"), ("Sec-Fetch-Site", "cross-site"), ("X-A", "a" * 5000),
                ("Content-Type", "multipart/form-data; boundary=x"), ("Upgrade", "websocket"),
                ("Expect", "100-continue"), ("Authorization", "Bearer \xff"), ("X\0", "a"),
            )
        )
    ]  # fmt: skip
    return request("POST", chance.choice(PATHS), b'{"inputs": "a"}', port, more)


def smuggled(chance: random.Random, port: int) -> bytes:
    """Return a request whose length is said twice, wrongly, or within chunks."""
    inner = request("GET", "/metrics", b"", port)
    return chance.choice(
        (
            request("POST", "/score", b"0\r\n\r\n" + inner, port,
                    [JSON, ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]),
            request("POST", "/score", b"{}", port,
                    [JSON, ("Content-Length", "2"), ("Content-Length", "200")]),
            request("POST", "/score", b"{}", port, [JSON, ("Content-Length", "-1")]),
            request("POST", "/score", b"{}", port, [JSON, ("Content-Length", "9" * 30)]),
            request("POST", "/score", b"zz\r\n{}\r\n0\r\n\r\n", port,
                    [JSON, ("Transfer-Encoding", "chunked")]),
            request("POST", "/score", b"ffffffffffffffff\r\n{}", port,
                    [JSON, ("Transfer-Encoding", "chunked")]),
            request("POST", "/score", b"{}", port, [JSON, ("Transfer-Encoding", "xchunked")]),
            b"GET /health\r\n\r\n", b"\r\n\r\n\r\n", b"\x16\x03\x01\x02\x00",
            b"GET  HTTP/1.1\r\n\r\n",
            b"POST /score HTTP/9.9\r\nHost: a\r\n\r\n", b"A" * 100_000,
            b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
        )
    )  # fmt: skip


def broken(chance: random.Random, port: int) -> bytes:
    """Return the first part of a request that never comes whole."""
    whole = fields(chance, port)
    return whole[: chance.randrange(1, len(whole))]


MAKES: Sequence[tuple[Make, int]] = (
    (nearly, 40), (fields, 10), (noise, 12), (deep, 5), (method, 8), (kind, 8), (smuggled, 10),
    (broken, 7),
)  # fmt: skip


def ask(port: int, raw: bytes, *, close: bool, slow: bool) -> bytes:
    """Send bytes and return what comes, as far as it comes within a few seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            if slow:
                for at in range(0, min(len(raw), 40), 8):
                    connection.sendall(raw[at : at + 8])
                    time.sleep(0.02)
                connection.sendall(raw[min(len(raw), 40) :])
            else:
                connection.sendall(raw)
            if close:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.5 if close else 8)
            out = b""
            while part := connection.recv(65536):
                out += part
                if _whole(out):
                    break
            return out
        except OSError:
            return b""


def _whole(raw: bytes) -> bool:
    head, _, body = raw.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0].split(b":")[1])


def fault(answer: bytes) -> str:
    """Return what is wrong with an answer; nothing where it is as it should be."""
    if not answer:
        return ""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head[9:12]) if head.startswith(b"HTTP/1.1 ") and head[9:12].isdigit() else 0
    if status >= 500 and status != 503:
        return f"status {status}"
    if 401 <= status <= 503 or (status == 400 and b"json" in head.lower()):
        try:
            error = json.loads(body)["error"]
        except (ValueError, KeyError, TypeError):
            return f"status {status} without an error in JSON"
        message = error["message"] if isinstance(error, dict) else error
        if "\n" in message or not message:
            return f"status {status} with an error that is no line"
    return ""


def memory(process: int) -> int:
    """Return the bytes that a process has in memory."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return 1024 * int(next(line for line in status.splitlines() if "VmRSS" in line).split()[1])


def hold(port: int, ended: threading.Event, count: int = 40) -> None:
    """Keep connections that send a byte of a request every second, and open those anew that end."""
    raw = request("POST", "/score", b"{}", port, [JSON])
    held: list[tuple[socket.socket, int]] = []
    while not ended.wait(1):
        while len(held) < count:
            with suppress(OSError):
                held.append((socket.create_connection(("127.0.0.1", port), timeout=5), 0))
        kept: list[tuple[socket.socket, int]] = []
        for connection, at in held:
            try:
                connection.sendall(raw[at : at + 1] or b" ")
                kept.append((connection, at + 1))
            except OSError:
                connection.close()
        held = kept
    for connection, _ in held:
        connection.close()


class Server:
    """The server, a process whose words are kept."""

    def __init__(self, models: Sequence[str], index: Sequence[str], port: int) -> None:
        more = [word for each in index for word in ("--index", each)]
        command = [sys.executable, "-m", "munmaek", "serve", *models, "--port", str(port), *more]
        self.port, self.said = port, list[str]()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        for _ in range(1200):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5)
                return
            time.sleep(0.1)
        raise SystemExit("the server does not begin: " + "".join(self.said))

    def _read(self) -> None:
        self.said.extend(self.process.stderr or ())

    @property
    def memory(self) -> int:
        """Return the bytes that it has in memory; 0 where it has ended."""
        return memory(self.process.pid) if self.process.poll() is None else 0

    def end(self) -> int:
        """End it in order, and return its exit code."""
        self.process.terminate()
        code = self.process.wait(60)
        self._reading.join(5)
        return code


def asked_one(server: Server, seed: int, number: int) -> tuple[str, str]:
    """Ask one request, and return its status and what is wrong with the answer."""
    chance = random.Random(f"{seed} {number}")
    makes, weights = zip(*MAKES, strict=True)
    make = chance.choices(makes, weights)[0]
    raw = make(chance, server.port)
    close = make is broken or chance.random() < 0.05
    answer = ask(server.port, raw, close=close, slow=chance.random() < 0.05)
    wrong = fault(answer)
    told = f"{number} {make.__name__}: {wrong}: {raw[:300]!r}" if wrong else ""
    return answer[9:12].decode("latin-1") or "none", told


def hostile(server: Server, count: int, seed: int, together: int) -> list[str]:
    """Ask hostile requests, and return what was found."""
    statuses, found, ended = Counter[str](), list[str](), threading.Event()
    holding = threading.Thread(target=hold, args=(server.port, ended))
    holding.start()
    before = 0
    with ThreadPoolExecutor(together) as pool:
        answers = pool.map(lambda number: asked_one(server, seed, number), range(count))
        for number, (status, told) in enumerate(answers):
            statuses[status] += 1
            if told:
                found.append(told)
                print(told, flush=True)
            if number == count // 4:
                before = server.memory
            if number % 1000 == 999:
                print(f"{number + 1:,} requests, {server.memory / 1e6:.0f} MB", flush=True)
    ended.set()
    holding.join()
    after = server.memory
    print(f"{count:,} requests, statuses {dict(sorted(statuses.items()))}")
    print(f"memory after a quarter {before / 1e6:.0f} MB, at the end {after / 1e6:.0f} MB")
    if not after:
        found.append("the server ended by itself")
    elif after > 1.1 * before:
        found.append("the server's memory grew by more than a tenth")
    return found


def main() -> None:
    """Ask, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--index", action="append", default=[])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=8799)
    parser.add_argument("--together", type=int, default=8, help="requests under way at once")
    asked = parser.parse_args()
    server = Server(asked.models, asked.index, asked.port)
    found = hostile(server, asked.requests, asked.seed, asked.together)
    code = server.end()
    if any("Traceback" in line for line in server.said):
        found.append("the server wrote a traceback: " + "".join(server.said)[-3000:])
        print(found[-1])
    print(f"{len(found)} findings; exit {code}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
