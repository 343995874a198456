"""Jobs side by side in several processes, with results that do not depend on their number.

A job runs in whatever process is free, and what it gives must depend on its name alone. The
processes are begun here, rather than by ``multiprocessing``, which would run a caller's script once
more in each.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, BinaryIO, Protocol, cast

from munmaek.errors import MunmaekWarning, TrainingError

__all__ = ["Begun", "Ended", "Going", "Happening", "Job", "Tell", "Work", "serve", "side_by_side"]

Tell = Callable[[float, float | None], None]
"""Takes the share of a job that is done, and its loss."""

_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from munmaek.comparison.crew import serve; "
    "serve(sys.stdin.buffer)"
)


class Work(Protocol):
    """Runs jobs by name; each process has one of its own."""

    def run(self, name: str, tell: Tell) -> Any:
        """Do the job called ``name``; returns what can be pickled."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do."""

    name: str
    needs: tuple[str, ...] = ()
    """Jobs that must have ended before; they stand before this one."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A job begins."""

    name: str


@dataclass(frozen=True, slots=True)
class Going:
    """A job's progress."""

    name: str
    fraction: float
    loss: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A job has ended, with what it gave."""

    name: str
    result: Any
    warned: tuple[str, ...] = ()
    """Warnings of another process while it worked; they are raised here once more."""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


Happening = Begun | Going | Ended
_Told = SimpleQueue[Going | Ended | _Failed]


def side_by_side(
    make: Callable[[], Work],
    jobs: Sequence[Job],
    *,
    processes: int,
    report: Callable[[Happening], None],
) -> None:
    """Do all ``jobs``, each as soon as a process is free and what it needs is there.

    Args:
        make: gives what does them; can be pickled where there are several processes.
        jobs: in the order in which they begin, each after those that it needs.
        processes: how many work at a time; with one it is this process.
        report: told of all that happens, as it happens.

    Raises:
        Exception: what a job raised, as soon as it has; the processes are ended.
        TrainingError: a process ended before its job.
    """
    if processes > 1:
        with _workers(make, min(processes, len(jobs))) as workers:
            _distribute(workers, jobs, report)
        return
    work = make()
    for job in jobs:
        report(Begun(job.name))
        report(Ended(job.name, work.run(job.name, _teller(job.name, report))))


def _teller(name: str, put: Callable[[Going], None]) -> Tell:
    return lambda fraction, loss: put(Going(name, fraction, loss))


def _distribute(
    workers: Sequence["_Worker"], jobs: Sequence[Job], report: Callable[[Happening], None]
) -> None:
    """Give each worker the first job that can begin, until all have ended."""
    waiting, idle = list(jobs), list(workers)
    told: _Told = SimpleQueue()
    busy: dict[str, _Worker] = {}
    ended: set[str] = set()
    while waiting or busy:
        for job in [each for each in waiting if ended.issuperset(each.needs)][: len(idle)]:
            waiting.remove(job)
            busy[job.name] = idle.pop(0)
            report(Begun(job.name))
            busy[job.name].begin(job.name, told)
        happened = told.get()
        if isinstance(happened, _Failed):
            raise happened.error
        if isinstance(happened, Ended):
            for message in happened.warned:
                warnings.warn(message, MunmaekWarning, stacklevel=3)
            ended.add(happened.name)
            idle.append(busy.pop(happened.name))
        report(happened)


class _Worker:
    """A process that does one job after another."""

    def __init__(self, make: Callable[[], Work]) -> None:
        # One thread each, for there are as many processes as cores.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.follower: threading.Thread | None = None
        self._send(make)

    def begin(self, name: str, told: _Told) -> None:
        """Hand the process a job; a thread puts what it tells into ``told``."""
        self.follower = threading.Thread(target=self._follow, args=(name, told), daemon=True)
        self.follower.start()

    def _follow(self, name: str, told: _Told) -> None:
        try:
            self._send(name)
            while isinstance(happened := self._receive(), Going):
                told.put(happened)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            status = self.process.wait()
            message = f"the process that worked at {name} ended with status {status}; try again"
            happened = _Failed(TrainingError(message))
        told.put(happened)

    def _send(self, value: object) -> None:
        stream = cast("BinaryIO", self.process.stdin)
        pickle.dump(value, stream)
        stream.flush()

    def _receive(self) -> Going | Ended | _Failed:
        return pickle.load(cast("BinaryIO", self.process.stdout))

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        if self.follower is not None:
            self.follower.join()  # it reads to the end of what the process wrote
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # a name that could not be sent any more
                cast("BinaryIO", stream).close()


@contextmanager
def _workers(make: Callable[[], Work], count: int) -> Generator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        workers.extend(_Worker(make) for _ in range(count))
        yield workers
    finally:
        for worker in workers:
            worker.end()


def serve(given: BinaryIO) -> None:
    """Do jobs whose names are given, and write what happens to standard output.

    Whatever else is printed goes to standard error.

    Args:
        given: pickles: what makes the work, then names.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def put(happened: Going | Ended | _Failed) -> None:
        out.write(pickle.dumps(happened))
        out.flush()

    work: Work = pickle.load(given)()
    for name in iter(lambda: _next(given), None):
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = work.run(name, _teller(name, put))
            ours = [each.message for each in caught if issubclass(each.category, MunmaekWarning)]
            put(Ended(name, result, tuple(map(str, ours))))
        except Exception as error:  # noqa: BLE001 - it is raised where the job was asked for
            put(_Failed(error))


def _next(given: BinaryIO) -> str | None:
    try:
        return pickle.load(given)
    except EOFError:
        return None
