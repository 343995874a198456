"""Commands run while the n-th call of a kind to the system fails, or while the process is killed.

``faults.c`` stands between Python, Rust and C++ code alike and the system. A server that has loaded
everything forks for each command; that process runs it once, so that all it compiles or keeps is
there, and forks for each case, which so takes no longer than the command's own work. Run as a
program this file is that server.
"""

import ctypes
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

OPEN, WRITE, RENAME, SYNC, TRUNCATE, MAP, MAKE, REMOVE = (1 << bit for bit in range(8))
KINDS = {
    "open": OPEN, "write": WRITE, "rename": RENAME, "sync": SYNC, "truncate": TRUNCATE, "map": MAP,
    "make": MAKE, "remove": REMOVE,
}  # fmt: skip
KILLED = 0

FAULTS: tuple[tuple[str, int, bool], ...] = (
    ("write", errno.ENOSPC, True),
    ("write", errno.EIO, False),
    ("write", errno.EINTR, False),
    ("open", errno.EMFILE, True),
    ("open", errno.EACCES, False),
    ("open", errno.EIO, False),
    ("rename", errno.EIO, False),
    ("rename", errno.ENOSPC, True),
    ("sync", errno.EIO, False),
    ("sync", errno.ENOSPC, True),
    ("truncate", errno.ENOSPC, True),
    ("map", errno.ENOMEM, True),
    ("make", errno.ENOSPC, True),
    ("make", errno.EACCES, False),
    ("remove", errno.EIO, False),
)
"""Kind of call, what it says, and whether every later call of the kind says the same."""

_CASE_LIMIT = 120
_THEIRS = re.compile(r"torchinductor_.*|[a-z0-9_]{8}")


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, negative for a signal, and what it said."""

    code: int
    said: str
    counts: dict[str, int] = field(default_factory=dict)
    """Calls of each kind."""


@dataclass(frozen=True)
class Verb:
    """A command that writes."""

    name: str
    arguments: Sequence[str]
    output: str
    """What it writes, in the folder that it runs in."""
    old: Path | None = None
    """What stands there before, which ``--force`` may replace."""
    whole: Callable[[Path], None] = lambda _: None
    """Raises unless what is there is whole."""
    beside: tuple[str, ...] = ()
    """What may stand beside the output after a failure, such as ``out.partial``."""
    around: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """What else stands there before."""
    program: str = "munmaek.cli:main"
    """What is called with the arguments, as MODULE:FUNCTION."""
    printed: bytes | None = None
    """What it prints, into ``output``, of which a failure leaves a beginning."""
    again: bool = False
    """After a failure the same command must come to its end, where there is no output yet."""


class Server:
    """The process that forks for each command, and that for each case."""

    def __init__(self, library: Path, *, imports: Sequence[str]) -> None:
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",  # its threads would not be there after a fork
            "PYTHONUNBUFFERED": "",
        }
        self._process = subprocess.Popen(
            [sys.executable, __file__, *imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    @contextmanager
    def warm(self, root: Path, verb: Verb) -> Iterator[None]:
        """Run a command once, in the process that forks for each case within the block."""
        begun = self._ask({"begin": True, **self._case(root, verb)})
        assert begun.code == 0, begun.said
        try:
            yield
        finally:
            self._ask(None)

    def run(
        self, root: Path, verb: Verb, *, kinds: int = 0, nth: int = 0,
        error: int = KILLED, lasting: bool = False,
    ) -> Outcome:  # fmt: skip
        """A command in ``root``, whose n-th call of these kinds fails."""
        return self._ask({**self._case(root, verb), "arm": [kinds, nth, error, lasting]})

    def _case(self, root: Path, verb: Verb) -> dict[str, Any]:
        return {
            "root": str(root),
            "program": verb.program,
            "argv": list(verb.arguments),
            "printed": None if verb.printed is None else verb.output,
            "arm": [0, 0, 0, False],
        }

    def _ask(self, case: dict[str, Any] | None) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def library(folder: Path) -> Path | None:
    """The compiled ``faults.c``; None where there is no C compiler, or the system is not Linux."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    made = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"], check=True
    )
    return made


@contextmanager
def served(folder: Path, *, imports: Sequence[str]) -> Iterator[Server | None]:
    made = library(folder)
    if made is None:
        yield None
        return
    server = Server(made, imports=imports)
    try:
        yield server
    finally:
        server.close()


def chosen(count: int, most: int | None) -> list[int]:
    """Numbers from 1 to ``count``: all, or the first, the last and some between."""
    if most is None or count <= most:
        return list(range(1, count + 1))
    step = (count - 1) / max(most - 1, 1)
    return sorted({1 + round(place * step) for place in range(most)})


@dataclass
class Sweep:
    """One verb at every n, and what was found wrong."""

    server: Server
    verb: Verb
    place: Path
    tried: int = 0
    killed: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Where the command runs."""
        return self.place / "root"

    def run(self, faults: Sequence[tuple[str, int, bool]], *, most: int | None, kills: int | None):
        self._prepare()
        with self.server.warm(self.root, self.verb):
            counts = self._case(0, 0, KILLED, lasting=False, name="without a fault").counts
            for kind, error, lasting in faults:
                for nth in chosen(counts[kind], most):
                    name = f"{kind} {nth} of {counts[kind]}: {errno.errorcode[error]}"
                    self._case(KINDS[kind], nth, error, lasting=lasting, name=name)
            every, total = sum(KINDS.values()), sum(counts.values())
            for nth in chosen(total, kills) if kills != 0 else ():
                name = f"killed at call {nth} of {total}"
                self._case(every, nth, KILLED, lasting=False, name=name)
                self.killed += 1
        return self

    def _prepare(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "tmp").mkdir(parents=True)
        stands = {} if self.verb.old is None else {self.verb.output: self.verb.old}
        for there, old in {**stands, **self.verb.around}.items():
            copy = shutil.copytree if old.is_dir() else shutil.copyfile
            copy(old, self.root / there)

    def _case(self, kinds: int, nth: int, error: int, *, lasting: bool, name: str) -> Outcome:
        self._prepare()
        root, output = self.root, self.root / self.verb.output
        found = self.server.run(root, self.verb, kinds=kinds, nth=nth, error=error, lasting=lasting)
        self.tried += 1
        for fault in self._faults(root, output, found, killed=nth > 0 and error == KILLED):
            self.wrong.append(f"{self.verb.name}: {name}: {fault}")
        return found

    def _faults(self, root: Path, output: Path, found: Outcome, *, killed: bool) -> Iterator[str]:
        yield from self._ending(found, killed=killed)
        if self.verb.printed is not None:
            yield from self._unprinted(output.read_bytes(), self.verb.printed, done=not found.code)
        elif output.exists():
            try:
                self.verb.whole(output)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
                yield f"not whole: {type(error).__name__}: {error}"
        elif found.code == 0 or self.verb.old is not None:
            yield "nothing is there"
        yield from self._left(root, output)
        if self.verb.again and not output.exists():
            then = self.server.run(root, self.verb)
            if then.code != 0 or not output.exists():
                yield f"the same command then ends with {then.code}: {then.said.strip()[-300:]}"
            else:
                self.verb.whole(output)

    def _ending(self, found: Outcome, *, killed: bool) -> Iterator[str]:
        said = found.said.strip()
        if killed and found.code not in (-signal.SIGKILL, 0):
            yield f"exit code {found.code} after a kill"
        if not killed and found.code not in (0, 1):
            yield f"exit code {found.code}: {said[-300:]}"
        if "Traceback" in said:
            yield f"a traceback: {said[-1500:]}"
        if found.code == 1 and not said.splitlines()[-1].startswith("munmaek: "):
            yield f"no line that says why: {said[-300:]!r}"

    def _unprinted(self, found: bytes, wanted: bytes, *, done: bool) -> Iterator[str]:
        if found != wanted if done else not wanted.startswith(found):
            yield f"printed {found[-200:]!r}, which is no {'whole' if done else 'beginning'}"

    def _left(self, root: Path, output: Path) -> Iterator[str]:
        """What is there that the next run does not clean up."""
        from munmaek.writing import claim, scratch_folder

        with claim(output), scratch_folder(root / "tmp"), scratch_folder(root):
            pass
        left = {each.name for each in root.iterdir()} - {self.verb.output, "tmp", *self.verb.beside}
        # PyTorch's folder for compiled code, and what ``tempfile`` tries a place with, are theirs.
        temporary = {each.name for each in (root / "tmp").iterdir()}
        left |= {f"tmp/{x}" for x in temporary if not _THEIRS.fullmatch(x)}
        if left:
            yield f"left behind: {sorted(left)}"


# The server


def _serve(imports: Sequence[str]) -> None:
    faults = ctypes.CDLL(None)
    faults.faults_count.restype = ctypes.c_long
    for name in imports:
        import_module(name)
    answers = os.dup(1)
    os.dup2(2, 1)
    # A line is only there once the one before was answered, so a fork takes no lines with it.
    for line in sys.stdin:
        case = json.loads(line)
        begins = case is not None and case.pop("begin", False)
        if begins and (child := os.fork()):
            os.waitpid(child, 0)
            continue
        answer = _ENDED if case is None else (_warmed if begins else _forked)(faults, case)
        os.write(answers, (json.dumps(answer) + "\n").encode())
        if case is None:
            return


_ENDED = {"code": 0, "said": ""}


def _warmed(faults: Any, case: dict[str, Any]) -> dict[str, Any]:
    """A command run once in this process."""
    standing = [os.dup(1), os.dup(2)]
    with _in_memory() as said:
        answer = _run(faults, case, said.fileno())
        for number, there in enumerate(standing, start=1):
            os.dup2(there, number)
            os.close(there)
        said.seek(0)
        return {**answer, "said": said.read().decode(errors="replace")}


def _forked(faults: Any, case: dict[str, Any]) -> dict[str, Any]:
    """A command run in a process that ends with it."""
    reading, writing = os.pipe()
    with _in_memory() as said:
        child = os.fork()
        if child == 0:
            os.close(reading)
            signal.alarm(_CASE_LIMIT)
            os.write(writing, json.dumps(_run(faults, case, said.fileno())).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        text = said.read().decode(errors="replace")
    return {**(json.loads(answer) if answer else {"code": status}), "said": text}


def _in_memory() -> BinaryIO:
    """A file that is no call to the disk."""
    return os.fdopen(os.memfd_create("said"), "w+b")


def _run(faults: Any, case: dict[str, Any], said: int) -> dict[str, Any]:
    """Its exit code and its calls of each kind; what it says goes to the file ``said``."""
    os.dup2(said, 1)
    os.dup2(said, 2)
    if case["printed"] is not None:
        printed = os.open(
            Path(case["root"], case["printed"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        )
        os.dup2(printed, 1)
        os.close(printed)
    try:
        code = _armed(faults, case)
    except BaseException:  # noqa: BLE001 - a traceback is what is looked for
        import traceback

        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    counts = {name: faults.faults_count(kind) for name, kind in KINDS.items()}
    return {"code": code, "counts": counts}


def _armed(faults: Any, case: dict[str, Any]) -> int:
    module, function = case["program"].split(":")
    main: Callable[[list[str]], int] = getattr(import_module(module), function)
    root = case["root"]
    os.chdir(root)
    os.environ["FAULTS_ROOT"] = root
    os.environ["TMPDIR"] = f"{root}/tmp"
    tempfile.tempdir = None
    kinds, nth, error, lasting = case["arm"]
    faults.faults_arm(kinds, ctypes.c_long(nth), error, int(lasting))
    code = main(case["argv"])
    faults.faults_arm(0, ctypes.c_long(0), 0, 0) if nth else None
    return code


if __name__ == "__main__":
    _serve(sys.argv[1:])
