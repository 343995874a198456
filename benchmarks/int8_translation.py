"""What 8-bit integers cost a translator and what they bring: BLEU, and seconds of the processor.

    python benchmarks/int8_translation.py MODEL… --data SRC TGT [--beam 5] [--threads 1]

Each MODEL translates SRC in float32 and in int8, in turn and in one process; BLEU is of TGT, with
its 95 % interval, and the difference is that of a paired bootstrap over the same sentences. Seconds
are CPU time of all threads, reading and writing of the text included; each time is the least of
``--repeats``, after a first pass over some sentences that is not counted. Run it on an idle
machine, and set NUMBA_NUM_THREADS to as many threads.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from munmaek.metrics import Measure, Score, measures, paired_bootstrap
from munmaek.tasks.loading import load_for
from munmaek.tasks.translate.model import Translator
from munmaek.text.parallel import ParallelCorpus, read_parallel

WARM = 16
"""Sentences of the pass that is not counted."""


def translated(
    model: Translator, sources: Sequence[str], *, beam: int, repeats: int
) -> tuple[list[str], float]:
    """The outputs, and the least CPU-seconds that they took."""
    model.translate(sources[:WARM], beam=beam, links=False)
    outputs: list[str] = []
    taken: list[float] = []
    for _ in range(repeats):
        began = time.process_time()
        found = model.translate(sources, beam=beam, links=False)
        taken.append(time.process_time() - began)
        outputs = [each.translation for each in found]
    return outputs, min(taken)


def measured(model: Translator, outputs: Sequence[str], corpus: ParallelCorpus, beam: int) -> Score:
    return bleu_of(outputs, corpus).score(model.signature(beam=beam), rng=np.random.default_rng(0))


def bleu_of(outputs: Sequence[str], corpus: ParallelCorpus) -> Measure:
    return measures(outputs, corpus.targets, with_ter=False)["bleu"]


def compare(folder: Path, corpus: ParallelCorpus, options: argparse.Namespace) -> None:
    model = load_for(folder, "translate", what="int8_translation.py")
    parameters = model.info.parameters
    print(f"{folder} ({model.info.label}, {parameters:,} weights, beam {options.beam})")
    outputs: list[list[str]] = []
    seconds: list[float] = []
    for name, each in (("float32", model), ("int8", model.quantised())):
        made, taken = translated(each, corpus.sources, beam=options.beam, repeats=options.repeats)
        score = measured(each, made, corpus, options.beam)
        interval = f"({score.low:.2f} – {score.high:.2f})"
        speed = len(made) / taken
        print(
            f"  {name:8} BLEU {score.value:6.2f} {interval:17}  {taken:8.2f} CPU-seconds, "
            f"{speed:,.1f} sentences a CPU-second"
        )
        outputs.append(made)
        seconds.append(taken)
    first, second = (bleu_of(each, corpus) for each in outputs)
    change = paired_bootstrap(
        second.statistics, first.statistics, first.way, rng=np.random.default_rng(0)
    )
    same = np.mean([one == other for one, other in zip(*outputs, strict=True)])
    interval = f"({change.low:+.2f} – {change.high:+.2f})"
    print(
        f"  int8 − float32: BLEU {change.difference:+.2f} {interval}, "
        f"{seconds[0] / seconds[1]:.2f} times as fast, {same:.1%} of the outputs the same"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--data", nargs=2, type=Path, required=True, metavar=("SRC", "TGT"))
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sentences", type=int, help="only so many, from the beginning")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus = read_parallel(options.data)
    if options.sentences is not None:
        kept = slice(options.sentences)
        corpus = ParallelCorpus(corpus.name, corpus.sources[kept], corpus.targets[kept])
    print(f"{corpus.name}: {len(corpus.sources)} sentences, {options.threads} threads")
    for folder in options.models:
        compare(folder, corpus, options)


if __name__ == "__main__":
    main()
