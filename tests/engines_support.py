"""A corpus with every trap that engines set, and a cluster of Spark of three processes."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONFIGURATION = """\
spark.driver.memory 512m
spark.executor.memory 512m
spark.sql.shuffle.partitions 3
spark.task.maxFailures 3
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
"""
"""Java compiles little, for its processes live for seconds."""
DAEMON = {
    "SPARK_DAEMON_MEMORY": "256m",
    "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def needs_spark() -> None:
    """Skip, saying so, where Spark cannot run."""
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java here, which Spark needs: install openjdk-17-jre-headless")


def write_corpus(folder: Path) -> list[str]:
    """Write two files: ends of lines of all kinds, a byte order mark, decomposed Hangul, blanks."""
    words = [
        "나는",
        "학교에",
        "간다",
        "the",
        "cat",
        "sat",
        "나",
        "책을\u2028읽다",
        "\u1112\u1161\u11ab",
        "é",
    ]
    state, lines = 7, list[str]()
    for _ in range(240):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        length = state >> 8 & 15
        chosen = list[str]()
        for _ in range(length):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            chosen.append(words[min(state >> 9 & 15, state >> 17 & 15) % len(words)])
        lines.append(" ".join(chosen))
    lines.append(" ".join(f"only{number}" for number in range(14)))
    first = "\ufeff" + "\r\n".join(lines[:90]) + "\r\n\r\n" + "\r".join(lines[90:120]) + "\n"
    second = "\n".join(["", *lines[120:], "\u3000the\u00a0cat\tsat ", "no end of line"])
    (folder / "하나 a.txt").write_bytes(first.encode())
    (folder / "b.txt").write_bytes(second.encode())
    return [str(folder / "하나 a.txt"), str(folder / "b.txt")]


@contextmanager
def configured(folder: Path) -> Iterator[None]:
    """Have Spark read a small configuration."""
    (folder / "spark-defaults.conf").write_text(CONFIGURATION, encoding="utf-8")
    before = os.environ.get("SPARK_CONF_DIR")
    os.environ["SPARK_CONF_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SPARK_CONF_DIR"]
        else:
            os.environ["SPARK_CONF_DIR"] = before


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Standalone:
    """A master and two workers, each a process of its own on loopback."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        self._start = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
        self._folder, port = folder, free_port()
        self.address = f"spark://127.0.0.1:{port}"
        self.master = self._run("Master", "--port", str(port), "--webui-port", str(free_port()))
        self._await(lambda: _answers(port), "the master")
        self.workers = [self.worker(), self.worker()]

    def worker(self) -> "subprocess.Popen[bytes]":
        port = free_port()
        options = ["--port", str(port), "--webui-port", str(free_port())]
        sizes = ["--cores", "1", "--memory", "600m", "--work-dir", str(self._folder / "work")]
        begun = self._run("Worker", *options, *sizes, self.address)
        self._await(lambda: _answers(port), "a worker")
        return begun

    def _run(self, name: str, *options: str) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{name}-{time.monotonic_ns()}.log").open("wb") as log:
            return subprocess.Popen(
                [self._start, f"org.apache.spark.deploy.{name.lower()}.{name}", *options,
                 "--host", "127.0.0.1"],
                stdout=log, stderr=log, env={**os.environ, **DAEMON},
            )  # fmt: skip

    def _await(self, ready: object, what: str) -> None:
        assert callable(ready)
        for _ in range(1200):
            if ready():
                return
            time.sleep(0.1)
        pytest.fail(f"{what} does not answer")

    def stop(self) -> None:
        for each in [*self.workers, self.master]:
            each.kill()
            each.wait()


def _answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0
