"""CPU-seconds, time and memory of ``munmaek align --aligner hmm``'s work, and of eflomal's.

    pip install eflomal
    python benchmarks/aligning_speed.py SOURCE TARGET [--pairs N] [--threads N] [--only munmaek]

SOURCE and TARGET are files of lines, maybe packed with gzip. Each aligner works in a process of its
own, on all processors or ``--threads`` of ours: texts in, joined links out (eflomal: both
directions, by default settings, which it does not join). Machine code has been compiled before.
"""

import argparse
import gzip
import hashlib
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any


def lines(path: Path, most: int | None) -> list[str]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return file.read().split("\n")[:-1][:most]


def used() -> float:
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, kinds))


def most_memory() -> int:
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(each).ru_maxrss for each in kinds) // 1024


def ours(asked: argparse.Namespace, answer: Any) -> None:
    from munmaek.align import statistical_links

    statistical_links(["a b"], ["a b"])
    cpu, wall = used(), time.perf_counter()
    sides = lines(asked.source, asked.pairs), lines(asked.target, asked.pairs)
    links = statistical_links(*sides, threads=asked.threads)
    spent = used() - cpu, time.perf_counter() - wall
    digest = hashlib.sha256(repr([sorted(each) for each in links]).encode()).hexdigest()
    answer.put((*spent, most_memory(), f"links {digest[:12]}"))


def theirs(asked: argparse.Namespace, answer: Any) -> None:
    import eflomal

    cpu, wall = used(), time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, path in (("s", asked.source), ("t", asked.target)):
            text = "".join(f"{line}\n" for line in lines(path, asked.pairs))
            (folder / side).write_text(text, encoding="utf-8")
        with (folder / "s").open() as source, (folder / "t").open() as target:
            eflomal.Aligner().align(
                source,
                target,
                links_filename_fwd=str(folder / "forward"),
                links_filename_rev=str(folder / "backward"),
                quiet=True,
            )
    answer.put((used() - cpu, time.perf_counter() - wall, most_memory(), ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", choices=["munmaek", "eflomal"])
    asked = parser.parse_args()
    for name, work in {"munmaek": ours, "eflomal": theirs}.items():
        if asked.only in (None, name):
            context = multiprocessing.get_context("spawn")
            answer = context.Queue()
            process = context.Process(target=work, args=(asked, answer))
            process.start()
            cpu, wall, memory, more = answer.get()
            process.join()
            print(f"{name:8} {cpu:8.2f} CPU-s {wall:8.2f} s {memory:6,} MiB  {more}", flush=True)


if __name__ == "__main__":
    main()
