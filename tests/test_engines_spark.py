"""N-grams that a cluster of Spark adds up are those that one process counts, to the bit."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from engines_support import Standalone, configured, needs_spark, write_corpus
from munmaek.engines import train_on
from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.pipeline import train_recipe
from munmaek.tasks import task_named

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::ResourceWarning", "ignore::munmaek.errors.MunmaekWarning"
)


@dataclass(frozen=True)
class Cluster:
    """The cluster, the engine over it, and how the command begins."""

    standalone: Standalone
    engine: Any


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    needs_spark()
    from munmaek.engines.cluster import Cluster as Engine

    folder = tmp_path_factory.mktemp("cluster")
    with configured(folder):
        standalone = Standalone(folder)
        try:
            engine = Engine(standalone.address)
            yield Cluster(standalone, engine)
            engine.close()
        finally:
            standalone.stop()


def recipe(**options: Any) -> Any:
    values = {"task": "lm", "stage": "ngram", "tokenizer": "words", **options}
    return task_named("lm").recipe_class().of(values)


def tables(folder: Path) -> str:
    return sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def here(tmp_path: Path, paths: list[str], made: Any, **extra: Any) -> str:
    train_recipe(made, paths, folder=tmp_path / "here", extra=Extra(**extra))
    return tables(tmp_path / "here")


CASES: list[dict[str, Any]] = [
    {"model": {"order": 10}},
    {"model": {"order": 4, "smoothing": "witten-bell", "prune": "0 0 1"}, "min_count": 2},
    {"model": {"order": 1}, "vocab_size": 9},
    {"model": {"order": 3, "smoothing": "kneser-ney"}, "tokenizer": "bpe", "vocab_size": 300},
    {"model": {"order": 2}, "tokenizer": "morphemes"},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_cluster_counts_what_one_process_counts(
    tmp_path: Path, cluster: Cluster, case: dict[str, Any]
) -> None:
    if case.get("tokenizer") == "morphemes":
        pytest.importorskip("kiwipiepy")
    paths, made = write_corpus(tmp_path), recipe(**case)
    train_on(cluster.engine, made, paths, folder=tmp_path / "there")
    assert tables(tmp_path / "there") == here(tmp_path, paths, made)


def test_one_text_on_five_ways_has_one_hash(tmp_path: Path, cluster: Cluster) -> None:
    paths, made = write_corpus(tmp_path), recipe(model={"order": 5})
    train_on(cluster.engine, made, paths, folder=tmp_path / "cluster")
    train_on("duckdb", made, paths, folder=tmp_path / "duckdb")
    train_recipe(made, paths, folder=tmp_path / "disk", extra=Extra(memory="256M"))
    command = [sys.executable, "-m", "munmaek", "train", "lm", *paths, "--model", "ngram"]
    options = ["--tokenizer", "words", "--engine", "local[2]", "-o", str(tmp_path / "local")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ways = {name: tables(tmp_path / name) for name in ("cluster", "duckdb", "disk", "local")}
    assert {*ways.values()} == {here(tmp_path, paths, made)}, ways
    records = [json.loads((tmp_path / name / "munmaek.json").read_text()) for name in ways]
    assert len({each["data"]["train"]["rows"] for each in records}) == 1
    assert records[0]["data"] == records[3]["data"], "the same whatever the parts were"


def test_json_lines_and_parquet_are_read_as_here(tmp_path: Path, cluster: Cluster) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = ["나는 학교에 간다", "the cat\nsat on", "", "  the cat  "] * 8
    rows = [{"id": number, "body": text} for number, text in enumerate(texts)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "b.txt").write_text("plain the cat\n", encoding="utf-8")
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "c.parquet")
    made = recipe(model={"order": 3}, text_column="body")
    paths = [str(tmp_path / name) for name in ("a.jsonl", "c.parquet")]
    train_on(cluster.engine, made, paths, folder=tmp_path / "there")
    assert tables(tmp_path / "there") == here(tmp_path, paths, made)
    with pytest.raises(InputError, match=r"b\.txt: plain lines, which have no columns"):
        train_on(cluster.engine, made, [str(tmp_path / "b.txt")], folder=tmp_path / "no")


def test_a_task_that_fails_twice_is_run_again(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from munmaek.engines import cluster as module

    own = module.CountWindows

    def failing(*given: Any, **sizes: Any) -> Any:
        counts = own(*given, **sizes)

        def run(batches: Any) -> Any:
            from pyspark import TaskContext

            context = TaskContext.get()
            assert context is not None
            for number, each in enumerate(counts(batches)):
                yield each
                if number == 0 and context.partitionId() == 0 and context.attemptNumber() < 2:
                    raise RuntimeError("made to fail")

        return run

    monkeypatch.setattr(module, "CountWindows", failing)
    paths, made = write_corpus(tmp_path), recipe(model={"order": 4})
    train_on(cluster.engine, made, paths, folder=tmp_path / "there")
    assert tables(tmp_path / "there") == here(tmp_path, paths, made)


def test_what_cannot_be_read_is_one_line(tmp_path: Path, cluster: Cluster) -> None:
    def refused(path: object, match: str, made: Any = None, **extra: Any) -> None:
        with pytest.raises(InputError, match=match) as raised:
            train_on(
                cluster.engine,
                made or recipe(model={"order": 2}),
                [str(path)],
                folder=tmp_path / "new",
                extra=Extra(**extra),
            )
        assert "\n" not in str(raised.value)

    (tmp_path / "latin.txt").write_bytes(b"all good\n\xe9t\xe9 is no UTF-8\n")
    refused(tmp_path / "latin.txt", "the row that begins '.t. is no UTF-8': byte 0xe9")
    (tmp_path / "special.txt").write_text("good\nan <s> within\n", encoding="utf-8")
    refused(tmp_path / "special.txt", "the line that begins 'an <s> within': one of the reserved")
    (tmp_path / "blank.txt").write_text("\n\n", encoding="utf-8")
    refused(tmp_path / "blank.txt", "only empty lines")
    (tmp_path / "none.txt").touch()
    refused(tmp_path / "none.txt", "the file is empty")
    (tmp_path / "table.csv").write_text("id,text\n1,a\n", encoding="utf-8")
    refused(tmp_path / "table.csv", r"a table \(CSV\); Spark reads text, JSON lines")
    refused(tmp_path / "absent.txt", "no such file")
    refused("nowhere://bucket/text.txt", "nowhere")
    refused("-", "workers cannot read standard input")
    with pytest.raises(ConfigError, match="rows that Spark reads have no numbers"):
        train_on(
            cluster.engine, recipe(hold_out="5"), write_corpus(tmp_path), folder=tmp_path / "new"
        )
    assert not (tmp_path / "new").exists()


def test_a_vocabulary_too_large_for_the_driver_is_refused(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from munmaek.engines import cluster as module

    monkeypatch.setattr(module, "room", lambda: 1000)
    with pytest.raises(InputError, match=r"the vocabulary has \d+ words.*give --min-count"):
        train_on(cluster.engine, recipe(), write_corpus(tmp_path), folder=tmp_path / "new")


def test_workers_of_another_version_are_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from munmaek.engines import sessions

    ours = sessions.work.here()
    monkeypatch.setattr(sessions.work, "here", lambda: {**ours, "munmaek": "9.9"})
    with pytest.raises(
        UnsupportedError, match=r"the workers have munmaek .* and this process 9\.9"
    ):
        sessions.check_workers(cluster.engine.session, cluster.standalone.address)


def test_without_java_it_is_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UnsupportedError, match=r"Spark needs Java 17 or newer, and .* has none"):
        train_on("local[2]", recipe(), write_corpus(tmp_path), folder=tmp_path / "new")


def test_without_pyspark_it_is_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'munmaek\[spark\]'"):
        train_on("local[2]", recipe(), write_corpus(tmp_path), folder=tmp_path / "new")


def kill(standalone: Standalone, mark: Path, killed: list[int]) -> None:
    """Kill the process that left the mark and all above it, and begin another worker."""
    while not mark.exists() or not mark.read_text():
        time.sleep(0.05)
    line = [int(mark.read_text())]
    while (parent := _parent(line[-1])) > 1 and parent != os.getpid():
        line.append(parent)
    known = {each.pid: each for each in standalone.workers}
    daemons = [each for each in line if each in known]
    # The worker of Spark first, so that it does not begin the executor anew.
    for each in dict.fromkeys([*daemons, *line]):
        os.kill(each, signal.SIGKILL)
        killed.append(each)
    for each in daemons:
        known[each].wait()
        standalone.workers.remove(known[each])
    standalone.workers.append(standalone.worker())


def test_a_killed_worker_changes_nothing(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kills a worker with its executor while one of its tasks is counting; another begins."""
    from munmaek.engines import cluster as module

    own, mark = module.CountWindows, tmp_path / "counting"

    def waiting(*given: Any, **sizes: Any) -> Any:
        counts = own(*given, **sizes)

        def run(batches: Any) -> Any:
            from pyspark import TaskContext

            context = TaskContext.get()
            assert context is not None
            for each in counts(batches):
                yield each
                if context.partitionId() == 0 and not mark.exists():
                    mark.write_text(str(os.getpid()))
                    time.sleep(300)

        return run

    monkeypatch.setattr(module, "CountWindows", waiting)
    paths, made = write_corpus(tmp_path), recipe(model={"order": 4})
    killed = list[int]()
    killing = (cluster.standalone, mark, killed)
    killer = threading.Thread(target=kill, args=killing, daemon=True)
    killer.start()
    train_on(cluster.engine, made, paths, folder=tmp_path / "there")
    killer.join(60)
    assert killed, "nothing was killed"
    assert tables(tmp_path / "there") == here(tmp_path, paths, made)


def _parent(process: int) -> int:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except OSError:
        return 0
    return int(fields.split()[1])
