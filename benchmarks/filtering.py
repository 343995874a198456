"""A corpus filtered by 5-gram perplexity: ``munmaek filter`` and cc_net's loop over KenLM.

    pip install kenlm
    munmaek train lm train.txt --model ngram --order 5 --tokenizer words -o models/5gram
    munmaek export models/5gram --to arpa -o lm.arpa && build_binary lm.arpa lm.binary
    munmaek import lm.arpa -o models/imported
    python benchmarks/filtering.py models/imported lm.binary corpus.txt [--cc-net CHECKOUT]

The peer is what ``DocLM.do`` and ``PerplexityBucket`` of cc_net's perplexity.py do for each line:
``model.score(line)``, ``len(line.split()) + 1``, ``10 ** (-score / length)``, here read from a file
and written to one where it is at most the limit, without their JSON. With ``--cc-net`` a second run
of it has ``text_normalizer.normalize(line)`` before, as published (the sum is then of other lines).
All on one processor, in one process, by turns; CPU-seconds, the best of three.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from munmaek.filtering import Choice, Settings, filter_corpus


def perplexity(log_score: float, length: int) -> float:
    """Return what cc_net calls ``pp``."""
    return 10.0 ** (-log_score / length)


def their_loop(
    model: Any, corpus: Path, out: Path, limit: float, normalize: Callable[[str], str]
) -> int:
    kept = 0
    with corpus.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as written:
        for raw in lines:
            line = normalize(raw.strip())
            if not line:
                continue
            log_score = model.score(line)
            length = len(line.split()) + 1
            if perplexity(log_score, length) <= limit:
                written.write(raw.strip() + "\n")
                kept += 1
    return kept


def ours(model: Path, corpus: Path, out: Path, limit: float) -> int:
    choice = Choice(at_most=limit)
    found = filter_corpus(Settings(model, [str(corpus)], out, choice=choice, force=True))
    return found.written["kept"]


def timed(work: Callable[[], int]) -> tuple[int, float]:
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("binary")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--cc-net", type=Path, help="A checkout of facebookresearch/cc_net.")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import kenlm

    theirs = kenlm.Model(asked.binary)
    with asked.corpus.open(encoding="utf-8") as lines:
        count = sum(1 for _ in lines)
    ways: dict[str, Callable[[Path], int]] = {
        "munmaek filter": lambda out: ours(asked.model, asked.corpus, out, asked.limit),
        "KenLM, cc_net's loop": lambda out: their_loop(
            theirs, asked.corpus, out, asked.limit, lambda line: line
        ),
    }
    if asked.cc_net is not None:
        sys.path.insert(0, str(asked.cc_net / "cc_net"))
        import text_normalizer

        ways["the same, normalised"] = lambda out: their_loop(
            theirs, asked.corpus, out, asked.limit, text_normalizer.normalize
        )
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(asked.rounds + 1):
            for name, way in ways.items():
                kept, seconds = timed(lambda way=way: way(Path(scratch) / "kept.txt"))
                if turn:  # the first reads files and compiled code from the disk
                    best[name] = min(seconds, best.get(name, seconds))
                else:
                    print(f"{name:22} keeps {kept:,} of {count:,} lines")
    fastest = best["munmaek filter"]
    for name, seconds in best.items():
        print(f"{name:22} {count / seconds:12,.0f} lines/s  ratio {seconds / fastest:.2f}")


if __name__ == "__main__":
    main()
