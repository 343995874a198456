"""Damaged files of every kind, given to every reader: a result or one line, nothing else.

    python benchmarks/fuzz.py --inputs 100000 --seed 1

Each input comes from its number and the seed alone, so that a finding can be made again with
``--only NUMBER``. A finding is anything but a result or a ``MunmaekError`` of one line: a
traceback, a crash, more than ``--seconds`` or ``--memory``, or other numbers than the undamaged
folder gives where a checksum could have told. ``fuzz.py requests MODEL…`` is
``hostile_requests.py``, which asks a server.
"""

import argparse
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import hostile_requests
from fuzz_folders import FOLDERS, damaged_folder, opened
from fuzz_models import native_folders, published_folders
from fuzz_readers import READERS, damaged_file
from munmaek.errors import MunmaekError

LONGEST_LINE = 4000
"""Characters of a message, at most."""
SHARES = {"files": 0.7, "native": 0.22, "published": 0.08}


class Bench:
    """The undamaged folders, what they say, and a place for damaged copies."""

    def __init__(self, folder: Path, *, readers: Sequence[str] = ()) -> None:
        self.readers = readers
        self.described = str(folder), readers
        models, self.work = folder / "models", folder / "work"
        if not models.exists():
            models.mkdir(parents=True)
            self.work.mkdir()
            list(native_folders(models))
            list(published_folders(models))
        names = sorted(path.parent.name for path in models.glob("*/config.json"))
        self.published = [models / name for name in names if name.startswith("published-")]
        self.native = [models / name for name in names if not name.startswith("published-")]
        tensors = (models / "lm-ngram" / "model.safetensors").read_bytes()
        object.__setattr__(READERS["tensors"], "content", tensors[:20_000])

    def kind(self, rng: random.Random) -> tuple[str, str]:
        """Draw what is damaged, and how."""
        if self.readers:
            return "files", rng.choice(self.readers)
        group = rng.choices(list(SHARES), list(SHARES.values()))[0]
        names = list(READERS) if group == "files" else list(FOLDERS)
        return group, rng.choice(names)

    def attempt(self, number: int, seed: int) -> tuple[str, str]:
        """Make one input and give it to its reader: its kind, and what came of it."""
        rng = random.Random(f"{seed}/{number}")
        group, name = self.kind(rng)
        kind = f"{group}: {name}"
        if group == "files":
            path = damaged_file(rng, name, self.work)
            found, _ = verdict(lambda: READERS[name].read(path))
            path.unlink()
            return kind, found
        sources = self.native if group == "native" else self.published
        place = damaged_folder(rng, name, sources, self.work)
        found, _ = verdict(lambda: opened(place))
        if found == "read" and group == "native" and name == "any byte":
            found = compared(place, sources)
        return kind, found


def compared(place: Path, sources: list[Path]) -> str:
    """A sealed folder that was damaged and opened must be one that is not changed at all."""
    for source in sources:
        if all(
            (place / path.relative_to(source)).exists()
            and (place / path.relative_to(source)).read_bytes() == path.read_bytes()
            for path in source.rglob("*")
            if path.is_file()
        ):
            return "read"
    return "SILENT: a damaged folder was opened"


def verdict(call: Any) -> tuple[str, Any]:
    """Call a reader: "read", "refused", or a finding in capitals; and its result."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "read", call()
    except MunmaekError as error:
        message = str(error)
        if "\n" in message or len(message) > LONGEST_LINE or not message:
            return f"MESSAGE: {message[:300]!r}", None
        try:
            message.encode()
        except UnicodeEncodeError:
            return f"MESSAGE: cannot be printed: {message[:300]!r}", None
        return "refused", None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  a panic in a library is no Exception
        where = traceback.format_exc().strip().splitlines()
        lines = [line.strip() for line in where if "munmaek" in line and "File" in line]
        return f"TRACEBACK: {type(error).__name__}: {str(error)[:160]} @ {lines[-1:]}", None


def worker(pipe: Connection, folder: str, readers: Sequence[str], seed: int, memory: int) -> None:
    """Answer numbers with verdicts until there is none."""
    bench = Bench(Path(folder), readers=readers)
    for source in (*bench.native[:1], *bench.published[:1]):
        opened(source)  # so that libraries are loaded before room is measured
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    pipe.send(None)
    while (number := pipe.recv()) is not None:
        pipe.send(bench.attempt(number, seed))


def run(
    numbers: range, bench: Bench, *, seed: int, seconds: float, memory: int, until: float
) -> Any:
    """Try the inputs; returns counts by kind, findings and how many were tried."""
    context = multiprocessing.get_context("spawn")
    counts: dict[str, Counter[str]] = {}
    findings: list[tuple[int, str, str]] = []
    process: Any = None
    tried = 0
    for number in numbers:
        if time.time() > until:
            break
        if process is None:
            pipe, other = context.Pipe()
            process = context.Process(target=worker, args=(other, *bench.described, seed, memory))
            process.start()
            other.close()
            pipe.recv()
        pipe.send(number)
        try:
            kind, found = pipe.recv() if pipe.poll(seconds) else ("", f"HANG: over {seconds} s")
        except EOFError:
            kind, found = "", "CRASH: the process died"
        if not kind:
            process.kill()
            process.join()
            process = None
            kind = ": ".join(bench.kind(random.Random(f"{seed}/{number}")))
        tried += 1
        counts.setdefault(kind, Counter())[found if found in ("read", "refused") else "FOUND"] += 1
        if found not in ("read", "refused"):
            findings.append((number, kind, found))
            print(f"{number}\t{kind}\t{found}", flush=True)
    if process is not None:
        pipe.send(None)
        process.join()
    return counts, findings, tried


def main() -> int:
    """Run from the command line; 1 where there are findings."""
    if sys.argv[1:2] == ["requests"]:
        del sys.argv[1]
        hostile_requests.main()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", type=int, help="a single number, in this process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20.0, help="for one input")
    parser.add_argument("--memory", type=int, default=2 << 30, help="bytes above the libraries")
    parser.add_argument("--minutes", type=float, default=1e6, help="in all")
    parser.add_argument("--readers", default="", help="these files alone: A,B")
    parser.add_argument("--folder", type=Path, help="keeps the undamaged models for the next call")
    given = parser.parse_args()
    readers = [each for each in given.readers.split(",") if each]
    if unknown := sorted(set(readers) - set(READERS)):
        parser.error(f"--readers: no {', '.join(unknown)}; there are {', '.join(READERS)}")
    folder = given.folder or Path(tempfile.mkdtemp())
    bench = Bench(folder, readers=readers)
    if given.only is not None:
        print(*bench.attempt(given.only, given.seed))
        return 0
    began = time.time()
    counts, findings, tried = run(
        range(given.start, given.start + given.inputs),
        bench,
        seed=given.seed,
        seconds=given.seconds,
        memory=given.memory,
        until=began + 60 * given.minutes,
    )
    print(json.dumps({kind: counts[kind] for kind in sorted(counts)}, indent=1))
    print(f"{tried:,} inputs in {time.time() - began:.0f} s, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
