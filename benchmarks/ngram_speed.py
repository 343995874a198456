"""CPU-seconds and memory of n-gram estimation, ARPA writing and scoring on 20 million tokens.

    python benchmarks/ngram_speed.py DATA [--order 5] [--kenlm]

DATA holds lm/books. With --kenlm, lmplz and query are timed too where they are on PATH. Compiling
is done before the clock starts, on a few sentences. Ids are read with a plain Python dictionary.
"""

import argparse
import lzma
import resource
import shutil
import subprocess
import tempfile
import time
import warnings
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from munmaek.errors import MunmaekWarning
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import estimate, flatten, write_arpa

UNK, BOS, EOS = 0, 1, 2
Ints = NDArray[np.int64]


@contextmanager
def timed(what: str, tokens: int) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rate = tokens / cpu / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{what:<28} {cpu:7.2f} CPU-s {wall:7.2f} s wall {rate:7.2f} M tokens a CPU-s"
        f" {memory:6.2f} GiB resident at most",
        flush=True,
    )


def read(path: Path, ids: Mapping[str, int]) -> tuple[Ints, Ints]:
    flat, lengths = array("q"), array("q", [0])
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as stream:
        for line in stream:
            words = line.split()
            flat.extend(map(ids.__getitem__, words))
            lengths.append(len(words))
    return np.array(flat), np.cumsum(np.array(lengths))


def warm(order: int) -> None:
    ids, offsets = flatten([[3, 4] * order])
    options = {"order": order, "vocab_size": 5, "bos": BOS, "eos": EOS}
    with warnings.catch_warnings(action="ignore", category=MunmaekWarning):
        tables = estimate(ids, offsets, **options).tables
    model = NgramModel(tables, config=NgramConfig(order=order), bos=BOS, eos=EOS)
    model.score([3, 4])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warm.arpa"
        write_arpa(path, tables, list("abcde"), bos=BOS, eos=EOS, unk=UNK)


def ours(data: Path, order: int, folder: Path) -> None:
    cpu = time.process_time()
    warm(order)
    print(f"compiling, or loading it     {time.process_time() - cpu:7.2f} CPU-s")
    vocabulary: defaultdict[str, int] = defaultdict(count().__next__)
    for word in ("<unk>", "<s>", "</s>"):
        vocabulary[word]
    with timed("text to ids (with xz)", 20_000_004):
        ids, offsets = read(data / "lm/books/train.txt.xz", vocabulary)
    with timed("estimation", len(ids)):
        made = estimate(ids, offsets, order=order, vocab_size=len(vocabulary), bos=BOS, eos=EOS)
    model = NgramModel(made.tables, config=NgramConfig(order=order), bos=BOS, eos=EOS, unk=UNK)
    grams = model.parameters
    print(f"{grams:,} n-grams {model.counts}, {model.size / grams:.1f} bytes each in memory")
    with timed("saving", len(ids)):
        save_file(model.tensors(), folder / "model.safetensors")
    with timed("writing ARPA", len(ids)):
        write_arpa(folder / "model.arpa", model.tables, list(vocabulary), bos=BOS, eos=EOS, unk=UNK)
    known = defaultdict(int, vocabulary)
    held, limits = read(data / "lm/books/heldout.txt.xz", known)
    lines = len(limits) - 1
    ended = np.insert(held, limits[1:], EOS)
    with timed("scoring heldout, ids in", len(ended)):
        scores = model.score_flat(ended, limits + np.arange(lines + 1))
    print(f"perplexity {np.exp(-scores.mean()):.3f} over {len(scores):,} tokens")


def kenlm(data: Path, order: int, folder: Path) -> None:
    text = folder / "train.txt"
    with lzma.open(data / "lm/books/train.txt.xz") as packed, text.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    arpa = folder / "lmplz.arpa"
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = ["lmplz", "-o", str(order), "-S", "2G", "-T", str(folder), "--text", str(text)]
    subprocess.run([*command, "--arpa", str(arpa)], check=True, stderr=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - wall
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"lmplz, text to ARPA          {cpu:7.2f} CPU-s {wall:7.2f} s wall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--kenlm", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours(options.data, options.order, Path(folder))
        if options.kenlm and shutil.which("lmplz"):
            kenlm(options.data, options.order, Path(folder))


if __name__ == "__main__":
    main()
