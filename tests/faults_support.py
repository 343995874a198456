"""Commands run while the n-th call of a kind to the system fails, or while the process is killed.

The commands run in ``faults_server``; what they leave is looked at here.
"""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from faults_server import KILLED, KINDS

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
    cold: bool = False
    """It begins threads, which no fork takes along: every case begins before them."""


@dataclass(frozen=True)
class Case:
    """A call that fails, or ends the process."""

    kinds: int
    nth: int
    """Of the calls of these kinds, from 1 on."""
    error: int
    lasting: bool
    name: str

    @property
    def kills(self) -> bool:
        return self.error == KILLED


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
        program = Path(__file__).with_name("faults_server.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program), *imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        mounted = ["unshare", "--mount", "mount", "--bind", str(library.parent), "/mnt"]
        self.branches = shutil.which("unshare") is not None and not subprocess.call(
            mounted, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        """Whether a process may have a folder of its own in another's place."""

    @contextmanager
    def warm(self, root: Path, verb: Verb) -> Iterator[None]:
        """Run a command once, in the process that forks for each case within the block."""
        begun = _outcome(self._ask({**_command("begin", root, verb), "cold": verb.cold}))
        assert begun.code == 0, begun.said
        try:
            yield
        finally:
            self._ask(None)

    def run(self, root: Path, verb: Verb, case: Case | None = None) -> Outcome:
        """A command in ``root``, with its case."""
        armed = {} if case is None else {"arm": _armed(case, case.nth)}
        return _outcome(self._ask({**_command("run", root, verb), **armed}))

    def branch(
        self,
        root: Path,
        verb: Verb,
        cases: Callable[[int, bool], Iterator[Case]],
        tried: Callable[[Case, Path, Outcome], None],
    ) -> Outcome:
        """A command in ``root``, and all that branches off it, each in a copy of the folder.

        Args:
            root: where it runs.
            verb: the command.
            cases: what to try at a call of this kind, where it can be tried there.
            tried: looks at what came of it in the copy.
        """
        answer = self._ask(_command("branch", root, verb))
        while "kind" in answer:
            for case in cases(answer["kind"], answer["alone"]):
                copy = root.with_name("copy")
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(root, copy, symlinks=True)
                found = self._ask({"copy": str(copy), "arm": _armed(case, 1)})
                tried(case, copy, _outcome(found))
            answer = self._ask(None)
        return _outcome(answer)

    def _ask(self, request: dict[str, Any] | None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def _command(do: str, root: Path, verb: Verb) -> dict[str, Any]:
    return {
        "do": do,
        "root": str(root),
        "program": verb.program,
        "argv": list(verb.arguments),
        "printed": None if verb.printed is None else verb.output,
        "arm": [0, 0, KILLED, False],
    }


def _armed(case: Case, nth: int) -> list[Any]:
    return [case.kinds, nth, case.error, case.lasting]


def _outcome(answer: dict[str, Any]) -> Outcome:
    return Outcome(answer["code"], answer["said"], answer.get("counts", {}))


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


_EVERY = sum(KINDS.values())


def _cases(
    counts: Mapping[str, int],
    faults: Sequence[tuple[str, int, bool]],
    *,
    most: int | None,
    kills: int | None,
) -> list[Case]:
    """What to try of a command with so many calls of each kind."""
    found = [
        Case(KINDS[kind], nth, error, lasting, f"{kind} {nth} of {counts[kind]}: {_name(error)}")
        for kind, error, lasting in faults
        for nth in chosen(counts[kind], most)
    ]
    total = sum(counts.values())
    killed = partial(Case, _EVERY, error=KILLED, lasting=False)
    numbers = chosen(total, kills) if kills != 0 else []
    return found + [killed(nth, name=f"killed at call {nth} of {total}") for nth in numbers]


def _name(error: int) -> str:
    return errno.errorcode[error]


@dataclass
class Sweep:
    """One verb at every n, and what was found wrong."""

    server: Server
    verb: Verb
    place: Path
    branching: bool = True
    """Try a case from its call on, where that can be done."""
    tried: int = 0
    branched: int = 0
    """Of these from their call on."""
    killed: int = 0
    wrong: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    """Exit codes by the names of cases."""

    @property
    def root(self) -> Path:
        """Where the command runs."""
        return self.place / "root"

    def run(self, faults: Sequence[tuple[str, int, bool]], *, most: int | None, kills: int | None):
        self._prepare()
        with self.server.warm(self.root, self.verb):
            whole = Case(0, 0, KILLED, lasting=False, name="without a fault")
            cases = _cases(self._from_its_beginning(whole).counts, faults, most=most, kills=kills)
            straight = self.verb.again or self.verb.cold
            if self.branching and self.server.branches and not straight:
                self._branch(cases)
            for case in cases:
                self._from_its_beginning(case)
        return self

    def _prepare(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "tmp").mkdir(parents=True)
        stands = {} if self.verb.old is None else {self.verb.output: self.verb.old}
        for there, old in {**stands, **self.verb.around}.items():
            copy = shutil.copytree if old.is_dir() else shutil.copyfile
            copy(old, self.root / there)

    def _branch(self, cases: list[Case]) -> None:
        """Try all that can be tried from its call on, and take it off the cases."""
        counts = dict.fromkeys((_EVERY, *KINDS.values()), 0)

        def here(kind: int, alone: bool) -> Iterator[Case]:
            for each in (_EVERY, kind):
                counts[each] += 1
            for case in [*cases] if alone else []:
                if case.kinds in (_EVERY, kind) and case.nth == counts[case.kinds]:
                    cases.remove(case)
                    self.branched += 1
                    yield case

        self._prepare()
        self._look(
            Case(0, 0, KILLED, lasting=False, name="with all that branched off"),
            self.root,
            self.server.branch(self.root, self.verb, here, self._look),
        )

    def _from_its_beginning(self, case: Case) -> Outcome:
        self._prepare()
        found = self.server.run(self.root, self.verb, case)
        self._look(case, self.root, found)
        return found

    def _look(self, case: Case, root: Path, found: Outcome) -> None:
        killed = case.nth > 0 and case.kills
        self.tried += 1
        self.killed += killed
        self.codes[case.name] = found.code
        for fault in self._faults(root, root / self.verb.output, found, killed=killed):
            self.wrong.append(f"{self.verb.name}: {case.name}: {fault}")

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
