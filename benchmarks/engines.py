"""Counting and answering on engines beside one process: CPU-seconds of all processes together.

    python benchmarks/engines.py counting DATA [--tokens 20M] [--order 5] [--ways native duckdb …]
    python benchmarks/engines.py growth DATA [--tokens 2M 20M 60M]
    python benchmarks/engines.py memory DATA [--tokens 20M 200M] [--kills 10] [--ways …]
    python benchmarks/engines.py tables DATA [--rows 1M] [--minilm-rows 50K]

DATA holds lm/books (20 million tokens). Texts longer than it repeat it: in the repetition r each
word of rank i is exchanged for the word of rank i xor r, so that n-grams are new and the vocabulary
stays. All rows of a run are made one after the other on the same text; each prints CPU-seconds of
every process that the command began, wall time, peak of resident memory over all of them, and
sha256 of the model's tables, which must be one. ``memory`` also prints the peak of temporary files,
and kills native runs, and with ``duckdb`` among the ways those of ``duckdb:FILE``, at random
moments (seed 1), each time going on.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ngram_speed import MUNMAEK, unpacked

UNITS = {"K": 10**3, "M": 10**6}
TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
WAYS = {
    "native": (),
    "native --memory 2G": ("--memory", "2G"),
    "duckdb": ("--engine", "duckdb"),
    "spark local[2]": ("--engine", "local[2]"),
}


@dataclass
class Used:
    """What all processes of a command took."""

    cpu: dict[int, float] = field(default_factory=dict)
    peak: int = 0
    disk: int = 0
    wall: float = 0.0

    def look(self, session: int, folder: Path | None) -> None:
        """Take a sample."""
        resident = 0
        for place in Path("/proc").iterdir():
            if not place.name.isdigit():
                continue
            try:
                values = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(values[3]) == session:
                self.cpu[int(place.name)] = (int(values[11]) + int(values[12])) / TICK
                resident += int(values[21]) * PAGE
        self.peak = max(self.peak, resident)
        if folder is not None:
            self.disk = max(self.disk, size_of(folder))


def size_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def timed(
    command: Sequence[object], *, temporary: Path | None = None, stop: float | None = None
) -> Used:
    """Run a command and everything that it begins; ``stop`` kills it after so many seconds."""
    used, began = Used(), time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    told: list[bytes] = []
    reader = threading.Thread(target=lambda: told.extend(process.stderr or ()), daemon=True)
    reader.start()
    while process.poll() is None:
        used.look(process.pid, temporary)
        used.wall = time.perf_counter() - began
        if stop is not None and used.wall > stop:
            os.killpg(process.pid, 9)
            process.wait()
            return used
        time.sleep(0.2)
    used.wall = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(b"".join(told[-5:]).decode())
    return used


def number(written: str) -> int:
    unit = UNITS.get(written[-1:].upper(), 1)
    return int(float(written.rstrip("kKmM")) * unit)


def text_of(data: Path, tokens: int, folder: Path) -> Path:
    """A text of so many tokens, line ends counted, made of the books by the rule above."""
    place = folder / f"text-{tokens}.txt"
    if place.exists():
        return place
    books = unpacked(data / "lm/books/train.txt.xz", folder)
    lines = [line.split() for line in books.read_text(encoding="utf-8").splitlines()]
    counts = Counter(word for line in lines for word in line)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    rank = {word: place for place, word in enumerate(words)}
    left, repetition = tokens, 0
    with place.open("w", encoding="utf-8") as out:
        while left > 0:
            other = {word: words[min(i ^ repetition, len(words) - 1)] for word, i in rank.items()}
            for line in lines:
                if left <= 0:
                    break
                left -= len(line) + 1
                out.write(" ".join(map(other.__getitem__, line)) + "\n")
            repetition += 1
    return place


def train(text: Path, order: int, folder: Path, *options: object) -> list[object]:
    return [
        *MUNMAEK, "train", "lm", text, "--model", "ngram", "--order", order, "--tokenizer",
        "words", "--no-keep-text", "--force", "-o", folder / "model", *options,
    ]  # fmt: skip


def told(name: str, used: Used, tokens: int, folder: Path) -> float:
    """Print a row; return its CPU-seconds."""
    cpu = sum(used.cpu.values())
    tables = (folder / "model" / "model.safetensors").read_bytes()
    print(
        f"{name:<22} {tokens / 1e6:6.1f} M tokens {cpu:8.1f} CPU-s {1e6 * cpu / tokens:7.2f} µs a "
        f"token {used.wall:8.1f} s wall {used.peak / 2**20:7.0f} MiB "
        f"{hashlib.sha256(tables).hexdigest()[:12]}",
        flush=True,
    )
    return cpu


def counting(given: argparse.Namespace, folder: Path) -> None:
    """Every way on one text, and how often the native one's CPU-seconds it takes."""
    tokens = number(given.tokens[0])
    text, own = text_of(given.data, tokens, folder), 0.0
    timed(train(text_of(given.data, 20_000, folder), given.order, folder))  # compiles
    for name in given.ways:
        cpu = told(name, timed(train(text, given.order, folder, *WAYS[name])), tokens, folder)
        own = own or cpu
        print(f"{'':<22} {cpu / own:.2f} times {given.ways[0]}", flush=True)


def growth(given: argparse.Namespace, folder: Path) -> None:
    """The cost of a token on Spark as texts grow."""
    for written in given.tokens:
        tokens = number(written)
        text = text_of(given.data, tokens, folder)
        used = timed(train(text, given.order, folder, *WAYS["spark local[2]"]))
        told("spark local[2]", used, tokens, folder)


def memory(given: argparse.Namespace, folder: Path) -> None:
    """The cost of a token in little memory, the temporary files, and what survives kills."""
    place = folder / "temporary"
    for written in given.tokens:
        tokens = number(written)
        text = text_of(given.data, tokens, folder)
        options = ("--memory", "2G", "--temp-dir", place)
        used = timed(train(text, given.order, folder, *options), temporary=place)
        told("native --memory 2G", used, tokens, folder)
        print(f"{'':<22} temporary files {used.disk / text.stat().st_size:.2f} times the text")
    whole, draw = used.wall, random.Random(1)
    base = ("--memory", "2G", "--engine", f"duckdb:{folder / 'counts.duckdb'}")
    ways = {"native --memory 2G": options, "duckdb:FILE": base}
    for name in [each for each in ways if each.partition(":")[0] in given.ways]:
        command, cpu = train(text, given.order, folder, *ways[name]), 0.0
        for _ in range(given.kills):
            cpu += sum(timed(command, stop=draw.uniform(0.05, 0.5) * whole).cpu.values())
        told(f"{name}, killed", timed(command), tokens, folder)
        print(f"{'':<22} {given.kills} killed runs before it took {cpu:.1f} CPU-s", flush=True)


def lines_of(text: Path) -> Iterator[str]:
    while True:
        with text.open(encoding="utf-8") as lines:
            yield from lines


def tables(given: argparse.Namespace, folder: Path) -> None:
    """A model over a table: Spark with two processes beside two processes of the command."""
    text = unpacked(given.data / "lm/books/heldout.txt.xz", folder)
    timed(train(text, 3, folder))
    models = {"score": (folder / "model", number(given.rows))}
    if given.minilm is not None:
        models["embed"] = (given.minilm, number(given.minilm_rows))
    for verb, (model, rows) in models.items():
        halves = [folder / f"rows-{half}.jsonl" for half in (0, 1)]
        source = lines_of(text)
        for half in halves:
            with half.open("w", encoding="utf-8") as out:
                for _ in range(rows // 2):
                    out.write(json.dumps({"text": next(source).strip() or "a"}) + "\n")
        own, local = of_two(verb, model, halves)
        out, few = folder / f"{verb}.jsonl", folder / "few-0.jsonl"
        few.write_text("".join(islice(halves[0].open(encoding="utf-8"), 2)), encoding="utf-8")
        start = on_spark(verb, model, few, out)
        spark = on_spark(verb, model, folder / "rows-?.jsonl", out)
        written = sum(each.read_bytes().count(b"\n") for each in out.glob("part-*"))
        if written != rows // 2 * 2:
            message = f"Spark wrote {written:,} rows of {rows:,}"
            raise SystemExit(message)
        taken = sum(spark.cpu.values())
        apart = taken - sum(start.cpu.values())
        print(
            f"{verb:<8} {rows:>9,} rows: two processes {own:7.1f} CPU-s {local:7.1f} s, Spark "
            f"{taken:7.1f} CPU-s {spark.wall:7.1f} s; {own / taken:.2f} of their speed by CPU-s, "
            f"{own / apart:.2f} without Spark's start, {local / spark.wall:.2f} by the clock",
            flush=True,
        )


def of_two(verb: str, model: Path, halves: Sequence[Path]) -> tuple[float, float]:
    """Have two processes of the command answer a half each; return CPU-seconds and seconds."""
    began, used = time.perf_counter(), list[Used]()

    def answer(half: Path) -> None:
        # The answers are called otherwise than what Spark is to read.
        answers = half.with_name(f"of-{half.name}")
        used.append(timed([*MUNMAEK, verb, model, half, "--force", "-o", answers]))

    both = [threading.Thread(target=answer, args=(half,)) for half in halves]
    for each in both:
        each.start()
    for each in both:
        each.join()
    return sum(sum(each.cpu.values()) for each in used), time.perf_counter() - began


def on_spark(verb: str, model: Path, rows: Path, out: Path) -> Used:
    shutil.rmtree(out, ignore_errors=True)
    return timed([*MUNMAEK, verb, model, rows, "--engine", "local[2]", "-o", out])


RUNS = {"counting": counting, "growth": growth, "memory": memory, "tables": tables}
TOKENS = {
    "counting": ["20M"],
    "growth": ["2M", "20M", "60M"],
    "memory": ["20M", "200M"],
    "tables": [],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("data", type=Path)
    parser.add_argument("--tokens", nargs="+")
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rows", default="1M")
    parser.add_argument("--minilm", type=Path, help="folder of an encoder (munmaek import)")
    parser.add_argument("--minilm-rows", default="50K")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    given.tokens = given.tokens or TOKENS[given.run]
    print(f"python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        RUNS[given.run](given, folder)


if __name__ == "__main__":
    main()
