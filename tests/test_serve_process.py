"""The server as a process: HTTPS, several workers over the same tables, and its end in order."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import munmaek
from munmaek.serve.options import ServerOptions
from munmaek.serve.running import listen
from serve_support import Running
from test_records import TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


def certificate(folder: Path) -> Path:
    """Return a file with a certificate for this machine and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: HTTPS NOT tried")
    key, own, both = (folder / name for name in ("key.pem", "own.pem", "both.pem"))
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext"
    named = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(own)]
    subprocess.run([*words.split(), named, *files], check=True, capture_output=True)
    both.write_text(own.read_text("ascii") + key.read_text("ascii"), "ascii")
    return both


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """Return a server of two workers over HTTPS, its address and its certificate."""
    both = certificate(tmp_path)
    model("lm", "ngram").save(tmp_path / "chain")
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    more = ["--workers", "2", "--certificate", str(both), "--grace", "20", "--port", str(port)]
    command = [sys.executable, "-m", "munmaek", "serve", str(tmp_path / "chain"), *more]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    yield started, f"https://localhost:{port}", both
    workers = children(started.pid)
    started.kill()
    for each in workers:  # they hold what the server writes to
        with suppress(OSError):
            os.kill(each, signal.SIGKILL)
    started.communicate()


def test_workers_share_tables_speak_https_and_end_in_order(
    process: tuple[subprocess.Popen[str], str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    started, url, own = process
    trusting = ssl.create_default_context(cafile=own)
    wait_for(url, trusting, started)
    workers = [each for each in children(started.pid) if maps(each, "model.safetensors")]
    for _ in range(300):  # the second may still be opening its model
        if len(workers) == 2:
            break
        time.sleep(0.1)
        workers = [each for each in children(started.pid) if maps(each, "model.safetensors")]
    assert len(workers) == 2
    assert all(dirty(each, "model.safetensors") == 0 for each in workers)
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    there: Any = munmaek.load(url)
    wanted = model("lm", "ngram").score([TEXT])[0].logprob
    assert there.score([TEXT])[0].logprob == pytest.approx(wanted, abs=1e-5)
    found: list[Any] = []
    asked = threading.Thread(
        target=lambda: found.extend(there.generate("나는", rng=1, max_length=1500, count=8))
    )
    asked.start()
    time.sleep(0.3)
    started.send_signal(signal.SIGTERM)
    asked.join(60)
    assert len(found) == 8  # what was under way is answered
    said = started.communicate(timeout=60)[1]
    assert started.returncode == 0, said
    assert "Traceback" not in said


def test_workers_end_with_the_process_that_began_them(
    process: tuple[subprocess.Popen[str], str, Path],
) -> None:
    started, url, own = process
    wait_for(url, ssl.create_default_context(cafile=own), started)
    workers = children(started.pid)
    assert len(workers) >= 2
    started.kill()
    started.wait()
    for _ in range(300):
        if not any(Path(f"/proc/{each}").exists() for each in workers):
            return
        time.sleep(0.1)
    pytest.fail("a worker has outlived its parent")


def wait_for(url: str, trusting: ssl.SSLContext, started: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=5, context=trusting):
                return
        except OSError:
            assert started.poll() is None, started.communicate()[1]
            time.sleep(0.1)
    pytest.fail("the server does not begin")


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


def maps(process: int, name: str) -> str:
    """Return what a process has mapped of the file of a name."""
    try:
        whole = Path(f"/proc/{process}/smaps").read_text("utf-8")
    except OSError:
        return ""
    parts = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", whole)
    return "".join(part for part in parts if name in part.split("\n", 1)[0])


def dirty(process: int, name: str) -> int:
    """Return the kilobytes of a mapped file that a process has for itself."""
    return sum(map(int, re.findall(r"Private_Dirty: +(\d+)", maps(process, name))))


def test_a_crowded_server_says_when_to_come_back() -> None:
    limits = ServerOptions(requests=1, waiting=2, texts=8)
    running = Running({"chain": model("lm", "ngram")}, limits=limits)
    try:
        assert refused(running, ["a"] * 3) == (429, "1")
        with socket.create_connection(("127.0.0.1", running.port)) as holding:
            head = f"POST /score HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
            kind = "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
            holding.sendall((head + kind).encode())
            time.sleep(0.3)  # its body never comes
            assert refused(running, "a") == (503, "1")
        time.sleep(0.3)
        assert running.ask("/score", {"inputs": TEXT})[0] == 200
    finally:
        running.stop()


def refused(running: Running, inputs: Any) -> tuple[int, str | None]:
    """Return the status of a refusal and when to come back."""
    body = json.dumps({"inputs": inputs}).encode()
    kind = {"content-type": "application/json"}
    request = urllib.request.Request(f"{running.url}/score", body, kind)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    with caught.value as error:
        return error.code, error.headers["retry-after"]
