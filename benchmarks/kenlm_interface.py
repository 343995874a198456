"""A beam search over acoustic scores (pyctcdecode) with our n-gram model and with KenLM's.

    pip install kenlm pygtrie && pip install --no-deps pyctcdecode
    python benchmarks/kenlm_interface.py model.arpa text.txt [--sentences 100] [--noise 1.5]

Acoustic scores are made of the text's own letters with noise. Prints whether both give the same
text, the CPU-seconds of each and their ratio; then words a second of ``score`` alone.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import munmaek.kenlm


def cpu_seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def acoustic_scores(text: str, letters: list[str], noise: float, rng: Any) -> Any:
    """Return log-probabilities of two frames a letter, a blank after each: [T, V]."""
    places = [each for letter in text for each in (letters.index(letter), len(letters) - 1)]
    scores = rng.normal(0.0, noise, (len(places), len(letters)))
    scores[np.arange(len(places)), places] += 4.0
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def decoded(package: Any, arpa: str, letters: list[str], words: list[str], heard: list[Any]) -> Any:
    """Return the decoded texts, with ``package`` in the place of ``kenlm``."""
    for name in [each for each in sys.modules if each.startswith("pyctcdecode")]:
        del sys.modules[name]
    sys.modules["kenlm"] = package
    from pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder([*letters[:-1], ""], arpa, unigrams=words)
    decoder.decode(heard[0])
    return cpu_seconds(lambda: [decoder.decode(each) for each in heard])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arpa")
    parser.add_argument("text", type=Path)
    parser.add_argument("--sentences", type=int, default=100)
    parser.add_argument("--noise", type=float, default=1.5)
    asked = parser.parse_args()
    import kenlm

    lines = [line.strip() for line in asked.text.read_text(encoding="utf-8").split("\n")]
    lines = [line for line in lines if line][: asked.sentences]
    letters = [*sorted({letter for line in lines for letter in line}), "_"]
    rng = np.random.default_rng(0)
    heard = [acoustic_scores(line, letters, asked.noise, rng) for line in lines]
    words = sorted({word for line in lines for word in line.split()})
    spent: dict[str, float] = {}
    texts: dict[str, list[str]] = {}
    for name, package in (("kenlm", kenlm), ("munmaek", munmaek.kenlm)):
        texts[name], spent[name] = decoded(package, asked.arpa, letters, words, heard)
        print(f"{name:8} {spent[name]:7.2f} CPU-s for {len(lines)} sentences")
    same = sum(ours == theirs for ours, theirs in zip(*texts.values(), strict=True))
    print(f"same text {same} of {len(lines)}; ratio {spent['munmaek'] / spent['kenlm']:.2f}")
    for name, package in (("kenlm", kenlm), ("munmaek", munmaek.kenlm)):
        model = package.Model(asked.arpa)
        total, seconds = cpu_seconds(lambda model=model: sum(map(model.score, lines)))
        count = sum(len(line.split()) for line in lines)
        print(f"{name:8} score {count / seconds:9,.0f} words/s {total:.4f}")


if __name__ == "__main__":
    main()
