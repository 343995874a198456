"""Tokens a CPU-second of one training step of each recurrent network, on random data.

The additive decoder runs twice in the same process, as one operation and step by step with
automatic differentiation, and their ratio is shown; runs alternate, medians are printed.

    python benchmarks/recurrent_decoders.py
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from munmaek.models.attention import AttentionConfig, AttentionTranslatorNetwork
from munmaek.models.rnn import RnnConfig, RnnLanguageNetwork
from munmaek.models.seq2seq import FixedVectorTranslatorNetwork, Seq2SeqConfig


def step_of(network: torch.nn.Module, hidden: Callable[[], Tensor], gold: Tensor) -> None:
    """Forward, loss over every position, backward."""
    logits = network.logits(hidden())
    F.cross_entropy(logits.flatten(0, 1), gold.flatten()).backward()
    network.zero_grad()


def seconds(runs: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median CPU time of each, taken in turns so that a busy machine slows all alike."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 2):
        for name, run in runs.items():
            began = time.process_time()
            run()
            taken[name].append(time.process_time() - began)
    return {name: statistics.median(each[2:]) for name, each in taken.items()}


def runs_for(rows: int, length: int, vocabulary: int) -> dict[str, Callable[[], None]]:
    torch.manual_seed(0)
    source, target = torch.randint(vocabulary, (2, rows, length))
    lengths = torch.full((rows,), length)
    language = RnnLanguageNetwork(RnnConfig(), vocab_size=vocabulary)
    pair = {"source_vocab": vocabulary, "target_vocab": vocabulary}
    fixed = FixedVectorTranslatorNetwork(Seq2SeqConfig(), **pair)
    additive = AttentionTranslatorNetwork(AttentionConfig(), **pair)
    general = AttentionTranslatorNetwork(AttentionConfig(score="general"), **pair)
    unfed = AttentionTranslatorNetwork(AttentionConfig(score="dot", input_feeding=False), **pair)

    def loop() -> Tensor:
        memory = additive.encode(source, lengths)
        tokens = additive.target_embedding(target)
        return additive.decoder(memory, additive.begin(memory), tokens, tape=None)[0]

    def translate(network: torch.nn.Module) -> Callable[[], Tensor]:
        return lambda: network.decode(network.encode(source, lengths), target)

    def step(network: torch.nn.Module, hidden: Callable[[], Tensor]) -> Callable[[], None]:
        return lambda: step_of(network, hidden, target)

    return {
        "rnn, language model": step(language, lambda: language(source)[0]),
        "seq2seq": step(fixed, translate(fixed)),
        "attention, additive": step(additive, translate(additive)),
        "attention, additive, step by step": step(additive, loop),
        "attention, general, input feeding": step(general, translate(general)),
        "attention, dot, no input feeding": step(unfed, translate(unfed)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    runs = runs_for(options.rows, options.length, options.vocabulary)
    taken = seconds(runs, options.repeats)
    for name, each in taken.items():
        print(f"{name:36} {options.rows * options.length / each:9,.0f} target tokens a CPU-second")
    ratio = taken["attention, additive, step by step"] / taken["attention, additive"]
    print(f"one operation against step by step, whole training step: {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()
