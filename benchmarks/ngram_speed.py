"""Whole processes side by side: ours and KenLM's on the same text, everything they do included.

    python benchmarks/ngram_speed.py DATA [--order 5] [--only WORD]

DATA holds lm/books (20 million tokens). Every row is one run of a command from its start to its
end: CPU-seconds (user and system), wall time, how many processors that kept busy, and the most
memory that was resident. lmplz, build_binary and query are timed where they are on PATH. The first
row compiles all code that the others load, into a cache of its own. ``--only`` runs the rows that
have a word in their name, and what they need must be there already (``--folder``).
"""

import argparse
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MUNMAEK = (sys.executable, "-m", "munmaek")
"""The command; the interpreter's start counts too."""


@dataclass(frozen=True)
class Row:
    """One command."""

    name: str
    command: Sequence[str | Path]
    reads: Path | None = None
    """Its standard input."""
    tokens: int = 0
    """What it goes through, for the rate."""


def timed(row: Row, environment: dict[str, str]) -> None:
    """Run it and print what it took."""
    began = time.perf_counter()
    with Path(row.reads or os.devnull).open("rb") as given:
        process = subprocess.Popen(
            [str(part) for part in row.command],
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        # Of this child alone; its own children are counted once it has waited for them.
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        print(f"{row.name:<44} failed with status {process.returncode}", flush=True)
        return
    cpu = used.ru_utime + used.ru_stime
    rate = f"{row.tokens / cpu / 1e6:6.2f} M tokens a CPU-s" if row.tokens else ""
    print(
        f"{row.name:<44} {cpu:7.2f} CPU-s ({used.ru_stime:5.2f} system) {wall:7.2f} s wall "
        f"{cpu / wall:5.2f} busy {used.ru_maxrss / 1024:7.0f} MiB {rate}",
        flush=True,
    )


def unpacked(packed: Path, folder: Path) -> Path:
    """The text as a plain file."""
    plain = folder / packed.name.removesuffix(".xz")
    if not plain.exists():
        with lzma.open(packed) as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target)
    return plain


def tokens_of(path: Path) -> int:
    """Words and line ends: what a model of the text predicts."""
    with path.open("rb") as lines:
        return sum(len(line.split()) + 1 for line in lines)


def ours(train: Path, held: Path, order: int, folder: Path) -> list[Row]:
    """Text to model, in memory and in less of it; model to ARPA; scoring."""
    options = ["--model", "ngram", "--order", str(order), "--tokenizer", "words"]
    options += ["--no-keep-text", "--force", "-o"]
    few = [*MUNMAEK, "train", "lm", held, *options]
    count = [*MUNMAEK, "train", "lm", train, *options]
    model, small = folder / "model", folder / "model-small"
    export = [*MUNMAEK, "export", model, "--force", "--to"]
    words = tokens_of(train)
    rows = [
        Row("munmaek, heldout to model, first run", [*few, small]),
        Row("munmaek, heldout to model, code compiled", [*few, small]),
        Row("munmaek, text to model, saved", [*count, model], tokens=words),
        Row("munmaek, model to ARPA", [*export, "arpa", "-o", folder / "model.arpa"]),
    ]
    for limit in ("256M", "512M", "2G"):
        command = [*count, small, "--memory", limit]
        rows.append(Row(f"munmaek, text to model, --memory {limit}", command, tokens=words))
    score = [*MUNMAEK, "evaluate", model, held]
    return [*rows, Row("munmaek, score", score, tokens=tokens_of(held))]


def kenlm(train: Path, held: Path, order: int, folder: Path) -> list[Row]:
    """What there is of KenLM."""
    arpa, binary = folder / "lmplz.arpa", folder / "lmplz.probing"
    estimate = ["lmplz", "-o", str(order), "-S", "2G", "-T", folder, "--text", train]
    rows = [
        Row("lmplz, text to ARPA", [*estimate, "--arpa", arpa], tokens=tokens_of(train)),
        Row("build_binary, ARPA to probing", ["build_binary", "probing", arpa, binary]),
        Row("query, probing", ["query", "-v", "summary", binary], held, tokens_of(held)),
    ]
    return [row for row in rows if shutil.which(str(row.command[0]))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", type=Path, help="keeps the models; by default a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        books = options.data / "lm/books"
        train, held = (unpacked(books / f"{name}.txt.xz", folder) for name in ("train", "heldout"))
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "compiled")}
        for make in (ours, kenlm):
            for row in make(train, held, options.order, folder):
                if options.only in row.name:
                    timed(row, environment)


if __name__ == "__main__":
    main()
