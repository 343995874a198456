"""Speed and size of asking an n-gram model, in every form, and of ARPA files in and out.

    python benchmarks/ngram_queries.py TRAIN HELDOUT [--order 5] [--only-fast]

TRAIN and HELDOUT are text, a sentence a line, maybe packed with xz. The model is estimated once and
saved; every measurement of a form then begins with opening its file, so CPU-seconds are those of
the whole process but for imports, compiling and making the word table, which is given by itself.
With KenLM's ``query`` and ``build_binary`` on PATH, both are timed on the same ARPA file.
"""

import argparse
import lzma
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from munmaek.folder.tables import load_tables, save_tables
from munmaek.ngram import (
    WordTable,
    compress,
    estimate,
    quantise,
    read_arpa,
    score_text,
    tables_from,
    top,
    write_arpa,
)
from munmaek.ngram.sequences import TokenIds
from munmaek.ngram.textscore import mapped

UNK, BOS, EOS = 0, 1, 2


@contextmanager
def timed(what: str, count: float = 0.0, unit: str = "tokens") -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rates = f"{count / cpu / 1e6:8.2f} M {unit} a CPU-s {count / wall / 1e6:8.2f} M a s"
    print(f"{what:<36} {cpu:7.2f} CPU-s {wall:7.2f} s {rates if count else ''}", flush=True)


def unpacked(path: Path, folder: Path) -> Path:
    if path.suffix != ".xz":
        return path
    plain = folder / path.stem
    with lzma.open(path) as packed, plain.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return plain


def model_of(text: Path, order: int) -> tuple:
    content = text.read_text(encoding="utf-8")
    words = list(dict.fromkeys(["<unk>", "<s>", "</s>", *content.split()]))
    table = WordTable.of(words, without=(UNK, BOS, EOS))
    # Without the sentence ends that scoring needs, and estimation adds itself.
    read = table.read(mapped(text), eos=EOS, unk=UNK)
    ids = read.ids[read.ids != EOS].astype(np.int64)
    offsets = read.offsets - np.arange(len(read.offsets))
    made = estimate(
        ids, offsets, order=order, vocabulary=TokenIds(vocab_size=len(words), bos=BOS, eos=EOS)
    )
    return made.tables, words


def measure(form: str, tables, words: list[str], heldout: Path, folder: Path, order: int) -> None:
    path = folder / f"{form}.safetensors"
    save_tables(tables.tensors(), path)
    ngrams = sum(tables.counts)
    print(f"\n{form}: {ngrams:,} n-grams, {path.stat().st_size / ngrams:.2f} bytes each")
    with timed("word table"):
        table = WordTable.of(words, without=(UNK, BOS, EOS))
    options = {"bos": BOS, "eos": EOS, "unk": UNK}
    score_text(tables, table, np.frombuffer(b"a b\n", dtype=np.uint8), **options)
    count = heldout.read_bytes().count(b"\n") + len(heldout.read_bytes().split())
    for threads in (1, 2):
        with timed(f"open, read and score, {threads} thread(s)", count):
            opened = tables_from(load_tables(path), order=order, vocab_size=len(words))
            found = score_text(opened, table, mapped(heldout), **options, threads=threads)
            logprob = found.logprob
    print(f"  {logprob:.2f} nats, perplexity {found.perplexity:.3f}, {found.unknown_count} unknown")
    opening = time.perf_counter()
    opened = tables_from(load_tables(path), order=order, vocab_size=len(words))
    print(f"  opened in {(time.perf_counter() - opening) * 1e3:.1f} ms")
    contexts = [line.split()[:4] for line in heldout.read_text(encoding="utf-8").split("\n")[:2000]]
    places = {word: place for place, word in enumerate(words)}
    states = [[places.get(word, UNK) for word in each] for each in contexts if each]
    top(opened, states[0], 10)
    seconds = []
    for state in states:
        began = time.perf_counter()
        top(opened, state, 10)
        seconds.append(time.perf_counter() - began)
    middle, worst = np.percentile(seconds, [50, 99]) * 1e6
    print(f"  top 10: {middle:.0f} µs in the middle, {worst:.0f} µs for 99 in 100")


def arpa(tables, words: list[str], folder: Path, heldout: Path) -> None:
    path = folder / "model.arpa"
    special = {"bos": BOS, "eos": EOS}
    for threads in (1, 2):
        with timed(f"\nwriting ARPA, {threads} thread(s)", sum(tables.counts), "n-grams"):
            write_arpa(path, tables, words, **special, unk=UNK, threads=threads)
        with timed(f"reading ARPA, {threads} thread(s)", sum(tables.counts), "n-grams"):
            again = read_arpa(path, threads=threads).tables
    same = all(np.array_equal(a, again.tensors()[name]) for name, a in tables.tensors().items())
    print(f"  {path.stat().st_size / 2**20:.0f} MiB; read back identical: {same}")
    if shutil.which("build_binary") and shutil.which("query"):
        spent = [children()]
        binary = folder / "kenlm.probing"
        run("build_binary", "probing", path, binary)
        spent.append(children())
        with heldout.open("rb") as text:
            run("query", "-v", "summary", binary, stdin=text)
        spent.append(children())
        seconds = [after - before for before, after in pairwise(spent)]
        print(f"KenLM: build_binary {seconds[0]:.2f} CPU-s, query {seconds[1]:.2f} CPU-s")


def run(*command: object, stdin: object = None) -> None:
    arguments = [str(each) for each in command]
    subprocess.run(arguments, check=True, stdin=stdin, capture_output=True)


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("heldout", type=Path)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--only-fast", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        heldout = unpacked(options.heldout, folder)
        tables, words = model_of(unpacked(options.train, folder), options.order)
        measure("fast", tables, words, heldout, folder, options.order)
        if options.only_fast:
            return
        for form, make in (("compact", compress), ("quantised", quantise)):
            with timed(f"\nmaking the {form} form"):
                made = make(tables)
            measure(form, made, words, heldout, folder, options.order)
        arpa(tables, words, folder, heldout)


if __name__ == "__main__":
    main()
