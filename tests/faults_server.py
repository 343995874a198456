"""The process that runs commands of which the n-th call of a kind to the system fails.

``faults.c`` stands between Python, Rust and C++ code alike and the system. What has loaded
everything forks for each command; that process runs it once, so that all it compiles or keeps is
there, and forks for each case. Requests come in and answers go out as lines of JSON.

A case is run from its beginning, or branches off: the command runs once without a fault, waits at
each of its calls, and forks for what is to fail there, with a copy of its folder in the place of
the folder. So a case takes what is left of the command after the fault, which is often nothing.
"""

import ctypes
import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

OPEN, WRITE, RENAME, SYNC, TRUNCATE, MAP, MAKE, REMOVE = (1 << bit for bit in range(8))
KINDS = {
    "open": OPEN, "write": WRITE, "rename": RENAME, "sync": SYNC, "truncate": TRUNCATE, "map": MAP,
    "make": MAKE, "remove": REMOVE,
}  # fmt: skip
KILLED = 0

_CASE_LIMIT = 120
_ENDED: dict[str, Any] = {"code": 0, "said": ""}
_NEW_MOUNTS, _BIND, _PRIVATE = 0x20000, 0x1000, 0x44000
_LARGE, _COLLAPSE = 1 << 21, 25
_CALLED = ctypes.CFUNCTYPE(None, ctypes.c_int)

Json = dict[str, Any]


class _Server:
    """What answers requests, in whatever process."""

    def __init__(self, answers: int) -> None:
        self.faults = ctypes.CDLL(None, use_errno=True)
        self.faults.faults_count.restype = ctypes.c_long
        self.answers = answers

    def answer(self, answer: Json) -> None:
        os.write(self.answers, (json.dumps(answer) + "\n").encode())

    def serve(self) -> None:
        # A line is only there once the one before was answered, so a fork takes no lines with it.
        while line := sys.stdin.readline():
            case = json.loads(line)
            if case is None:
                self.answer(_ENDED)
                return
            if case["do"] == "begin" and (child := os.fork()):
                os.waitpid(child, 0)
                continue
            acts = {"begin": self.warmed, "run": self.forked, "branch": self.branched}
            self.answer(acts[case["do"]](case))

    def warmed(self, case: Json) -> Json:
        """A command run once in this process, unless what it begins cannot be forked."""
        if case["cold"]:
            return _ENDED
        standing = [os.dup(1), os.dup(2)]
        with _in_memory() as said:
            answer = self.run(case, said.fileno())
            for number, there in enumerate(standing, start=1):
                os.dup2(there, number)
                os.close(there)
            _join_pages(self.faults)
            return {**answer, "said": _content(said)}

    def forked(self, case: Json) -> Json:
        """A command run in a process that ends with it."""
        return _in_a_process(lambda said: self.run(case, said))

    def branched(self, case: Json) -> Json:
        """A command run in a process that waits at each of its calls for what branches off."""
        branching = _Branching(self, case)
        return _in_a_process(branching.run)

    def run(self, case: Json, said: int, hook: Any = None) -> Json:
        """Its exit code and its calls of each kind; what it says goes to the file ``said``.

        ``hook`` is told of each call of the command.
        """
        os.dup2(said, 1)
        os.dup2(said, 2)
        if case["printed"] is not None:
            printed = Path(case["root"], case["printed"])
            number = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(number, 1)
            os.close(number)
        try:
            code = self._armed(case, hook)
        except BaseException:  # noqa: BLE001 - a traceback is what is looked for
            import traceback

            traceback.print_exc()
            code = 70
        sys.stdout.flush()
        sys.stderr.flush()
        counts = {name: self.faults.faults_count(kind) for name, kind in KINDS.items()}
        return {"code": code, "counts": counts}

    def _armed(self, case: Json, hook: Any) -> int:
        module, function = case["program"].split(":")
        main: Callable[[list[str]], int] = getattr(import_module(module), function)
        root = case["root"]
        os.chdir(root)
        os.environ["FAULTS_ROOT"] = root
        os.environ["TMPDIR"] = f"{root}/tmp"
        tempfile.tempdir = None
        self.arm(*case["arm"])
        self.faults.faults_hook(hook)
        try:
            return main(case["argv"])
        finally:
            self.faults.faults_hook(None)
            self.faults.faults_disarm()

    def arm(self, kinds: int, nth: int, error: int, lasting: bool) -> None:
        self.faults.faults_arm(kinds, ctypes.c_long(nth), error, int(lasting))


class _Branching:
    """A command that waits at each of its calls."""

    def __init__(self, server: _Server, case: Json) -> None:
        self.server, self.case = server, case
        self.writing: int | None = None
        """Where the answer of what branched off goes."""
        self.one = threading.Lock()
        """Held by the thread that is asked what branches off: others of its calls wait."""

    def run(self, said: int) -> Json:
        signal.alarm(0)
        called = _CALLED(self.called)
        answer = self.server.run(self.case, said, called)
        if self.writing is None:
            return answer
        os.write(self.writing, json.dumps(answer).encode())
        os._exit(0)

    def called(self, kind: int) -> None:
        """Fork for each request that comes, until there are no more."""
        with self.one:
            self._called(kind)

    def _called(self, kind: int) -> None:
        self.server.answer({**_ENDED, "kind": kind, "alone": self._alone()})
        while (case := json.loads(sys.stdin.readline())) is not None:
            reading, writing = os.pipe()
            with _in_memory() as said:
                child = os.fork()
                if child == 0:
                    self.writing = writing
                    self._branch(case, said.fileno())
                    return
                self.server.answer(_outcome(child, reading, writing, said))

    def _branch(self, case: Json, said: int) -> None:
        signal.alarm(_CASE_LIMIT)
        self.server.faults.faults_hook(None)
        for number in (1, 2) if self.case["printed"] is None else (2,):
            os.dup2(said, number)
        _stand_in(case["copy"], self.case["root"], self.server.faults)
        self.server.arm(*case["arm"])

    def _alone(self) -> bool:
        """Whether all of this process goes on in a fork, and its files can be opened anew."""
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        shared = re.search(rf"^\S+ rw-s .*{re.escape(self.case['root'])}/", maps, re.MULTILINE)
        return len([*Path("/proc/self/task").iterdir()]) == 1 and shared is None


def _join_pages(system: ctypes.CDLL) -> None:
    """Have memory in pages of two megabytes, where the system can: a fork takes a third as long."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        places, mode, _, _, inode = line.split()[:5]
        if mode == "rw-p" and inode == "0":
            begin, end = (int(place, 16) for place in places.split("-"))
            begin, end = -(-begin // _LARGE) * _LARGE, end // _LARGE * _LARGE
            if end > begin:
                size = ctypes.c_size_t(end - begin)
                system.madvise(ctypes.c_void_p(begin), size, _COLLAPSE)


def _stand_in(copy: str, root: str, system: ctypes.CDLL) -> None:
    """Have the copy stand where the root is, for this process alone, in its open files too."""
    if system.unshare(_NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    for source, target, flags in ((None, b"/", _PRIVATE), (copy.encode(), root.encode(), _BIND)):
        if system.mount(source, target, None, ctypes.c_ulong(flags), None):
            raise OSError(ctypes.get_errno(), "mount")
    os.chdir(root)
    for link in [*Path("/proc/self/fd").iterdir()]:
        with suppress(FileNotFoundError):  # that of the listing itself
            path = str(link.readlink())
            if path == root or path.startswith(f"{root}/"):
                _reopen(int(link.name), path)


def _reopen(number: int, path: str) -> None:
    info = Path(f"/proc/self/fdinfo/{number}").read_text(encoding="ascii")
    flags, place = (
        int(re.search(rf"{x}:\s*(\d+)", info)[1], b) for x, b in (("flags", 8), ("pos", 10))
    )
    if path.endswith(" (deleted)"):
        new = os.memfd_create("deleted")
        os.write(new, Path(f"/proc/self/fd/{number}").read_bytes())
    else:
        new = os.open(path, flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC))
    if not flags & os.O_DIRECTORY:
        os.lseek(new, place, os.SEEK_SET)
    os.dup2(new, number, inheritable=not flags & os.O_CLOEXEC)
    os.close(new)


def _in_a_process(act: Callable[[int], Json]) -> Json:
    """What an act gives in a process of its own, and what it said."""
    reading, writing = os.pipe()
    with _in_memory() as said:
        child = os.fork()
        if child == 0:
            os.close(reading)
            signal.alarm(_CASE_LIMIT)
            os.write(writing, json.dumps(act(said.fileno())).encode())
            os._exit(0)
        return _outcome(child, reading, writing, said)


def _outcome(child: int, reading: int, writing: int, said: BinaryIO) -> Json:
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {**(json.loads(answer) if answer else {"code": status}), "said": _content(said)}


def _in_memory() -> BinaryIO:
    """A file that is no call to the disk."""
    return os.fdopen(os.memfd_create("said"), "w+b")


def _content(said: BinaryIO) -> str:
    said.seek(0)
    return said.read().decode(errors="replace")


def _main(imports: Sequence[str]) -> None:
    for name in imports:
        import_module(name)
    answers = os.dup(1)
    os.dup2(2, 1)
    _Server(answers).serve()


if __name__ == "__main__":
    _main(sys.argv[1:])
