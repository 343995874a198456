"""Forecasts of --dry-run beside what runs take: seconds of a step in one and in two processes.

    OMP_NUM_THREADS=1 python benchmarks/dry_run.py DATA [--steps 30] [--tasks lm classify]

DATA holds lm/books. Texts are 3,000 lines of it, for ``classify`` with two labels in turn. The
seconds of a step are those of the log, from its third step to its last, updates included and
validation apart. Forecast and run come one after the other; on a machine where other processes wait
for the cores they tell of these.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ngram_speed import MUNMAEK, unpacked

TASKS = {
    "lm": ("lm", "text.txt", "--model", "rnn"),
    "classify": ("classify", "labelled.tsv", "--model", "attention"),
}
COMMON = ("--tokenizer", "words", "--device", "cpu", "--seed", "1", "--shards", "2")
LOG = ("--set", "train.log_every=0", "--set", "train.validations=1")
LINES, FIRST = 3000, 3


def texts(data: Path, folder: Path) -> None:
    lines = unpacked(data / "lm/books/heldout.txt.xz", folder).read_text(encoding="utf-8")
    kept = [line for line in lines.splitlines() if line.strip()][:LINES]
    (folder / "text.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    rows = [f"{line}\t{'odd' if number % 2 else 'even'}" for number, line in enumerate(kept)]
    (folder / "labelled.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def run(command: Sequence[object], folder: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout


def forecast(task: str, steps: int, folder: Path) -> dict[int, float]:
    command = [*MUNMAEK, "train", *TASKS[task], *COMMON, "--steps", steps]
    found: dict[str, Any] = json.loads(
        run([*command, "--dry-run", "--json", "-o", "unmade"], folder)
    )
    return {1: found["step_seconds"], 2: found["shares"][0]["step_seconds"]}


def measured(task: str, steps: int, processes: int, folder: Path) -> float:
    out = folder / f"{task}-{processes}"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    many = [*torchrun, "--nproc-per-node", processes, "-m", "munmaek"]
    command = [*(MUNMAEK if processes == 1 else many), "train", *TASKS[task], *COMMON]
    run([*command, "--steps", steps, *LOG, "-o", out], folder)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    # The last row is after the one validation.
    first, *_, last = [row for row in log if row.get("step", 0) >= FIRST][:-1]
    return (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=[*TASKS])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        texts(given.data, folder)
        for task in given.tasks:
            told = forecast(task, given.steps, folder)
            for processes, seconds in told.items():
                took = measured(task, given.steps, processes, folder)
                print(
                    f"{task:<9} {processes} processes: forecast {1000 * seconds:7.1f} ms a step, "
                    f"measured {1000 * took:7.1f} ms, {seconds / took:.2f} of it; load "
                    f"{os.getloadavg()[0]:.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
