"""Models on a server: the same commands and calls as for a model in a folder, the same answers."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import munmaek
from munmaek.cli import main
from munmaek.errors import ConfigError, InputError, ServerError, UnsupportedError
from munmaek.serve.application import application
from munmaek.serve.options import ServerOptions
from munmaek.tasks.connection import Address, Connection
from serve_support import Running
from test_records import TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

TOKEN = "a-token-of-some-length"
LINES = ["나는 학교에 간다", "", "너는 집에 온다", "나는 <mask> 간다"]
STAGES = {
    "chain": ("lm", "ngram"),
    "lstm": ("lm", "rnn"),
    "labels": ("classify", "attention"),
    "ko-en": ("translate", "attention"),
    "masks": ("mlm", "bert"),
    "names": ("tag", "bert"),
    "rating": ("regress", "bert"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of every task, and texts."""
    made = tmp_path_factory.mktemp("served")
    for name, (task, stage) in STAGES.items():
        model(task, stage).save(made / name)
    (made / "lines.txt").write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    pairs = "source\ttarget\n나는 간다\tI go\n너는 온다\tyou come\n"
    (made / "pairs.tsv").write_text(pairs, encoding="utf-8")
    (made / "table.csv").write_text("id,text\n1,나는\n2,너는 집에\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    opened = {name: munmaek.load(folder / name) for name in STAGES}
    limits = ServerOptions(index=(str(folder / "lines.txt"),), batch=40)
    running = Running(opened, limits=limits, tokens=[TOKEN])
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNMAEK_TOKEN", TOKEN)


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    """Return what a command prints."""
    capsys.readouterr()
    assert main(argv) == code, capsys.readouterr().err
    out = capsys.readouterr()
    return out.out if code == 0 else out.err


def nearly(found: str, wanted: str) -> None:
    """Check that lines are the same, but for the last digits of numbers."""
    for ours, theirs in zip(found.splitlines(), wanted.splitlines(), strict=True):
        if theirs.startswith("{"):
            assert approximately(json.loads(ours)) == approximately(json.loads(theirs))
        else:
            cells = [[number(each) for each in line.split()] for line in (ours, theirs)]
            assert cells[0] == pytest.approx(cells[1], abs=2e-5)


def number(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def approximately(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: approximately(each) for name, each in value.items()}
    if isinstance(value, list):
        return [approximately(each) for each in value]
    return round(value, 5) if isinstance(value, float) else value


ASKED: list[tuple[str, str, tuple[str, ...]]] = [
    ("score", "chain", ("lines.txt",)),
    ("score", "chain", ("lines.txt", "--explain")),
    ("score", "lstm", ("lines.txt", "--tokens")),
    ("score", "lstm", ("lines.txt", "--total")),
    ("score", "masks", ("lines.txt",)),
    ("classify", "labels", ("lines.txt",)),
    ("classify", "labels", ("table.csv", "--text-column", "text")),
    ("translate", "ko-en", ("lines.txt", "--max-length", "8")),
    ("translate", "ko-en", ("lines.txt", "--n-best", "2", "--beam", "3", "--max-length", "4")),
    ("align", "ko-en", ("pairs.tsv",)),
    ("align", "ko-en", ("pairs.tsv", "--reading", "input")),
    ("tag", "names", ("lines.txt",)),
    ("rate", "rating", ("lines.txt",)),
    ("embed", "masks", ("lines.txt",)),
    ("embed", "masks", ("lines.txt", "--window")),
    ("fill", "masks", ("나는 <mask> 간다", "--top", "3")),
    ("generate", "lstm", ("나는", "-n", "3", "--seed", "4", "--max-length", "9")),
    ("search", "masks", ("lines.txt", "나는", "--top", "2")),
]


@pytest.mark.parametrize(("verb", "name", "more"), ASKED, ids=lambda each: str(each)[:40])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_command_says_of_a_server_what_it_says_of_a_folder(
    server: Running,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    name: str,
    more: tuple[str, ...],
    form: tuple[str, ...],
) -> None:
    monkeypatch.chdir(folder)
    wanted = said(capsys, verb, name, *more, *form)
    found = said(capsys, verb, "--server", f"{server.url}/{name}", *more, *form)
    nearly(found, wanted)
    assert wanted


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet"])
def test_tables_are_written_through_a_server(
    server: Running, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    table, labels = str(folder / "table.csv"), str(folder / "labels")
    asked = (table, "--probabilities", "-o")
    here, there = tmp_path / f"here{suffix}", tmp_path / f"there{suffix}"
    said(capsys, "classify", labels, *asked, str(here))
    said(capsys, "classify", *asked, str(there), f"--server={server.url}/labels")
    if suffix == ".parquet":
        import pandas as pd

        pd.testing.assert_frame_equal(pd.read_parquet(here), pd.read_parquet(there))
    else:
        nearly(there.read_text("utf-8"), here.read_text("utf-8"))


def test_vectors_are_written_through_a_server(
    server: Running, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = str(folder / "lines.txt")
    said(capsys, "embed", f"{server.url}/masks", lines, "-o", str(tmp_path / "there.npy"))
    wanted = munmaek.load(folder / "masks").embed(LINES)
    np.testing.assert_allclose(np.load(tmp_path / "there.npy"), wanted, atol=1e-6)


def test_the_index_of_a_server_is_searched(
    server: Running, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = said(capsys, "search", str(folder / "masks"), str(folder / "lines.txt"), "나는")
    assert said(capsys, "search", "--server", f"{server.url}/masks", "나는") == wanted
    first = munmaek.load(f"{server.url}/masks").search("나는", top=1)[0]
    assert f"{first['cosine']:.4f}\t{first['line']}\t{first['text']}" == wanted.splitlines()[0]
    rows = server.ask("/search", {"inputs": "나는", "top": 2}, {"authorization": f"Bearer {TOKEN}"})
    assert [each["line"] for each in rows[1]["outputs"]["results"]] == [
        int(line.split("\t")[1]) for line in wanted.splitlines()[:2]
    ]
    there = said(capsys, "search", str(folder / "masks"), "나는", code=2)
    assert "needs FILE and QUERY" in there


def test_an_index_may_be_rows_with_vectors_of_the_same_model(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from munmaek.tasks.embed.index import open_index

    rows = tmp_path / "index.parquet"
    said(capsys, "embed", str(folder / "masks"), str(folder / "lines.txt"), "-o", str(rows))
    encoder: Any = munmaek.load(folder / "masks")
    made, read = (open_index(str(path), encoder) for path in (folder / "lines.txt", rows))
    np.testing.assert_allclose(made.vectors, read.vectors, atol=1e-6)
    assert list(made.texts) == list(read.texts) == LINES
    other = [{"text": "나는", "embedding": [1.0] * made.vectors.shape[1]}]
    wrong = tmp_path / "other.jsonl"
    wrong.write_text(json.dumps(other[0]), encoding="utf-8")
    with pytest.raises(InputError, match="not this model's; make them with"):
        open_index(str(wrong), encoder)
    with pytest.raises(ConfigError, match="'x' embeds no texts"):
        application({"x": munmaek.load(folder / "chain")}, limits=ServerOptions(index=("x=a.txt",)))


def test_a_loaded_address_answers_as_the_model(server: Running, folder: Path) -> None:
    for name in STAGES:
        there, here = munmaek.load(f"{server.url}/{name}"), munmaek.load(folder / name)
        text = "나는 <mask> 간다" if name == "masks" else TEXT
        assert approximately(plain(there.result(text))) == approximately(plain(here.result(text)))
        assert (there.info.task, there.info.stage) == (here.info.task, here.info.stage)
    labels: Any = munmaek.load(f"{server.url}/labels")
    assert (
        labels.predict([TEXT, ""])[0].label
        == munmaek.load(folder / "labels").predict(TEXT)[0].label
    )
    table = munmaek.predict(labels, [{"text": TEXT}, {"text": "너"}])
    assert [set(row) for row in table] == [{"text", "label", "probability"}] * 2
    assert f"{labels!r}".startswith("<RemoteClassifier labels (attention) at http://127.0.0.1:")
    lm, own = munmaek.load(f"{server.url}/lstm"), munmaek.load(folder / "lstm")
    assert lm.generate("나는", rng=3, max_length=5) == own.generate("나는", rng=3, max_length=5)
    assert lm.total(LINES).logprob == pytest.approx(own.total(LINES).logprob)
    rated, tagged = munmaek.load(f"{server.url}/rating"), munmaek.load(f"{server.url}/names")
    assert rated.rate(TEXT)[0].value == pytest.approx(
        munmaek.load(folder / "rating").rate(TEXT)[0].value
    )
    assert [[each.label for each in row] for row in tagged.tag([TEXT])] == [
        [each.label for each in row] for row in munmaek.load(folder / "names").tag([TEXT])
    ]
    translated = munmaek.load(f"{server.url}/ko-en").translate([TEXT], max_length=5)[0]
    wanted = munmaek.load(folder / "ko-en").translate([TEXT], max_length=5)[0]
    assert (translated.translation, translated.alignment) == (wanted.translation, wanted.alignment)


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("classify", "--server", "URL/none"), "no model 'none'; there are: chain, lstm"),
        (("score", "--server", "URL"), "the address must say which model; there are: chain, lstm"),
        (("classify", "--server", "URL/chain"), "a model for 'lm'; classify needs"),
        (("embed", "URL/masks", "--precision", "int8"), "--precision is for a model in a folder"),
        (("translate", "URL/ko-en", "--lm", "a"), "--lm is for a model in a folder"),
        (("translate", "URL/ko-en", "--n-best", "9"), "n_best"),
        (("score", "URL/lstm", "--explain"), "ngram"),
        (("classify", "URL/labels", "--token", "wrong"), "--token or MUNMAEK_TOKEN"),
        (("classify", "--server", "http://"), "no address of a server"),
        (("classify", "http://me:x@127.0.0.1/a"), "give a token by --token"),
        (("tag", "URL/names", "--words"), "'label_words' needs the model's folder"),
        (("embed", "URL/masks", "--prompt", "nothing"), "no prompt of this name"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    server: Running,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
    message: str,
) -> None:
    asked = [each.replace("URL", server.url) for each in argv]
    told = said(capsys, *asked[:1], *asked[1:], str(folder / "lines.txt"), code=2)
    assert message in told
    assert told.count("\n") == 1


def test_a_server_that_is_not_there_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "classify", "--server", "http://127.0.0.1:9", code=1)
    assert told.startswith("munmaek: http://127.0.0.1:9: not reached: Connection refused")


def test_faulty_rows_are_left_out_as_offline(
    server: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "masks.txt"
    path.write_text("나는 <mask>\n없다\n<mask> 간다\n", encoding="utf-8")
    out = said(capsys, "fill", f"{server.url}/masks", str(path), "--on-error", "skip")
    assert len(out.splitlines()) == 2
    assert "line 2: no <mask>" in said(capsys, "fill", f"{server.url}/masks", str(path), code=2)


class Busy(BaseHTTPRequestHandler):
    """Is busy for two requests, then drops one, then answers."""

    asked: ClassVar[list[float]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.asked.append(0)
        if len(self.asked) == 3:
            self.close_connection = True
            return
        status = {1: 503, 2: 429}.get(len(self.asked), 200)
        body = b'{"outputs": [1]}' if status == 200 else b'{"error": "later"}'
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_busy_server_is_asked_again() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        asking = Connection(Address(f"http://127.0.0.1:{server.server_port}"))
        assert asking.ask("/ask/x", {"inputs": ["a"]}) == {"outputs": [1]}
        assert len(Busy.asked) == 4
        asking.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_address_of_another_server_is_told_as_such() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(ServerError, match="not as 'munmaek serve' does"):
            munmaek.load(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_model_on_a_server_says_what_it_has_not(server: Running) -> None:
    there: Any = munmaek.load(f"{server.url}/labels")
    assert not hasattr(there, "network")
    with pytest.raises(UnsupportedError, match="needs the model's folder"):
        there.evaluate(None)
