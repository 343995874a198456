"""A network trained on a text that is larger than memory should be: what it takes besides.

    python benchmarks/token_cache.py DATA [--tokens 20M 200M] [--steps 200] [--only-cached]

DATA holds lm/books; longer texts are made of it as ``benchmarks/engines.py`` does. An LSTM of the
sizes that are small enough to see, so that the network itself takes next to nothing, is trained for
some steps over whole words: of the first text from memory, and of each from its tokens in a file,
twice, the second time with the file that is there. Each row has wall time, CPU-seconds and the peak
of memory, summed over the processes of the command and sampled ten times a second from
``smaps_rollup``: *anonymous* is what would have to be swapped, *mapped* are pages of files, which
the system takes back when it wants. Weights must be the same in all rows of a text.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engines import number, text_of
from ngram_speed import MUNMAEK

TICK = os.sysconf("SC_CLK_TCK")


def processes(session: int) -> dict[int, float]:
    """CPU-seconds of each process of a session, by its number."""
    found: dict[int, float] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                values = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(values[3]) == session:
                found[int(place.name)] = (int(values[11]) + int(values[12])) / TICK
    return found


def memory(process: int) -> tuple[int, int]:
    """Anonymous and other resident bytes of a process."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines}
    return sizes["Anonymous"], sizes["Rss"] - sizes["Anonymous"]


def row(name: str, text: Path, folder: Path, steps: int, *options: str) -> None:
    """Train once and print what it took."""
    command = [
        *MUNMAEK, "train", "lm", text, "--model", "lstm", "--small-enough-to-see", "--tokenizer",
        "words", "--vocab-size", "30000", "--steps", steps, "--device", "cpu", "--force", "-o",
        folder / "model", *options,
    ]  # fmt: skip
    began, cpu, peak, mapped = time.perf_counter(), dict[int, float](), 0, 0
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while process.poll() is None:
        cpu |= processes(process.pid)
        found = [memory(each) for each in processes(process.pid)]
        peak = max(peak, sum(each[0] for each in found))
        mapped = max(mapped, sum(each[1] for each in found))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit((process.stderr.read() if process.stderr else b"").decode())
    weights = hashlib.sha256((folder / "model/model.safetensors").read_bytes()).hexdigest()
    print(
        f"{name:<28} {time.perf_counter() - began:7.1f} s wall {sum(cpu.values()):7.1f} CPU-s "
        f"{peak / 2**20:7.0f} MiB anonymous {mapped / 2**20:6.0f} MiB mapped {weights[:12]}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--tokens", nargs="+", default=["20M", "200M"])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--only-cached", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    print(f"python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for place, written in enumerate(given.tokens):
            text = text_of(given.data, number(written), folder)
            if place == 0 and not given.only_cached:
                row(f"{written}, memory", text, folder, given.steps, "--no-cache-tokens")
            shutil.rmtree(folder / "token-cache", ignore_errors=True)
            for way in ("file is made", "file is there"):
                row(f"{written}, {way}", text, folder, given.steps, "--cache-tokens")


if __name__ == "__main__":
    main()
