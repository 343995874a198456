"""What ``faults_support`` runs besides commands: a small demonstration, marks, a fetch.

Each takes arguments as a command does, writes its error in a line, and returns an exit code.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from munmaek.cli import data, main
from munmaek.cli.catalogue import DataSet, RemoteFile
from munmaek.comparison import demonstration, demonstration_jobs
from munmaek.comparison.demonstration_plan import QUICK, Training
from munmaek.errors import MunmaekError
from munmaek.look.pairs import read_pairs
from munmaek.look.workbench import NamedModel, Workbench
from munmaek.tasks.loading import load
from munmaek.writing import write_text

SMALLEST = replace(
    QUICK,
    pairs=300,
    valid=12,
    test=20,
    words=250,
    labelled=60,
    vocab_size=300,
    max_tokens=320,
    edges=(3, 5),
    distances=(1, 2, 3),
    validations=1,
    trainings={name: Training(1, 1.0) for name in QUICK.trainings},
)


TINY = {
    "rnn": {"embedding": 8, "hidden": 8},
    "seq2seq": {"embedding": 8, "hidden": 8},
    "attention": {"embedding": 8, "hidden": 8},
    "self_attention": {"dimension": 8},
    "transformer": {"dimension": 8, "heads": 2, "layers": 1, "feed_forward": 8},
    "bert": {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
    },
}


def demo(arguments: Sequence[str]) -> int:
    """``munmaek demo --quick`` with the fewest sentences and steps that all its parts take.

    In one process, so that each of its calls has a number.
    """
    demonstration.QUICK, demonstration.MOST_PROCESSES = SMALLEST, 1
    demonstration_jobs.SMALL, demonstration_jobs.LENGTHS = TINY, (8, 16)
    return main(["demo", "--quick", *arguments])


def killed(arguments: Sequence[str]) -> int:
    """A command, killed as soon as there is what a pattern finds: the pattern, then the command."""
    seen, *command = arguments

    def look(event: str, _: object) -> None:
        if event in ("open", "os.rename", "os.remove") and any(Path().glob(seen)):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    return main(command)


def fetch(arguments: Sequence[str]) -> int:
    """``munmaek data get`` of a file that this machine serves: the file, then the options."""
    path = Path(arguments[0])
    with _served(path.parent) as home:
        file = RemoteFile(f"{home}/{path.name}", sha256(path.read_bytes()).hexdigest())
        data.CATALOGUE = (DataSet("ours", "lm", "ko", "", "", "", home, (file,)),)
        return main(["data", "get", "ours", *arguments[1:]])


@contextmanager
def _served(folder: Path) -> Generator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def mark(arguments: Sequence[str]) -> int:
    """Mark a link in the viewer: the model, the marks, source and target."""
    model, marks, source, target = arguments
    return _in_a_line(lambda: _mark(Path(model), Path(marks), source, target))


def _mark(model: Path, marks: Path, source: str, target: str) -> None:
    bench = Workbench([NamedModel("model", load(model), model)], marks=marks)
    bench.mark({"source": source, "target": target, "sure": [[0, 0]]})


def guide(arguments: Sequence[str]) -> int:
    """Train on marks in the viewer: the model, the marks, two files of pairs and the report's."""
    model, marks, source, target, report = arguments
    return _in_a_line(lambda: _guide(Path(model), Path(marks), (source, target), Path(report)))


def _guide(model: Path, marks: Path, pairs: Sequence[str], report: Path) -> None:
    bench = Workbench(
        [NamedModel("model", load(model), model)], pairs=read_pairs(pairs), marks=marks
    )
    bench.guide(1)
    while (state := bench.guide_state())["state"] == "running":
        threading.Event().wait(0.02)
    if state["error"] is not None:
        raise MunmaekError(state["error"])
    write_text(report, "".join(f"{name}\n" for name in sorted(state["report"])))


def _in_a_line(act: Callable[[], None]) -> int:
    try:
        act()
    except MunmaekError as error:
        sys.stderr.write(f"munmaek: {error}\n")
        return 1
    return 0
