"""CPU-seconds of text to ids: each distinct word once, and the library on whole texts.

    python benchmarks/tokenizing.py TEXT [--kinds bpe,characters] [--vocab-size 8000] [--lines N]

TEXT is a text file, a sentence a line. Each tokenizer is trained on it, which is timed by itself,
that of a kind with merges also with the library's trainer: the best of three, the same file;
then the text is encoded by ``encode_flat``, as counting does, and by the ``tokenizers`` library on
lists of 256 texts, each whole, whose ids are then made an array. Both in one process, by turns,
the best of three, in one thread. Ids are compared. For kinds with morphemes, Kiwi's analysis is
timed by itself, since both remember it.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.text import merges

_FEW = 256


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def by_words(tokenizer: Any, texts: list[str]) -> Any:
    runs = tokenizer.runs_of_many()
    blocks = range(0, len(texts), 1 << 14)
    found = [tokenizer.encode_flat(texts[at : at + (1 << 14)], runs)[0] for at in blocks]
    return np.concatenate(found)


def by_library(tokenizer: Any, texts: list[str]) -> Any:
    parts: list[Any] = []
    for at in range(0, len(texts), _FEW):
        rows = tokenizer.encode_many(texts[at : at + _FEW])
        parts.append(np.fromiter((each for row in rows for each in row), np.int32))
    return np.concatenate(parts)


def learned_by_either(kind: str, train: Callable[[], Any], rounds: int) -> None:
    best, found = [float("inf")] * 2, ["", ""]
    usual = merges.MANY
    for _ in range(rounds):
        for place, least in enumerate((0, sys.maxsize)):
            merges.MANY = least
            seconds, tokenizer = timed(train)
            best[place], found[place] = min(best[place], seconds), tokenizer.fingerprint
    merges.MANY = usual
    print(
        f"{kind:14} learned in {best[0]:.2f}, with the library's trainer {best[1]:.2f}; same "
        f"file: {found[0] == found[1]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("--kinds", default="words,characters,jamo,bpe,unigram,wordpiece")
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--lines", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from munmaek.text.morphology import segment
    from munmaek.text.tokenizers import MORPHEMIC, train_tokenizer

    texts = asked.text.read_text(encoding="utf-8").split("\n")[: asked.lines]
    print(f"{len(texts):,} lines, {sum(map(len, texts)):,} characters")
    for kind in asked.kinds.split(","):
        if kind in MORPHEMIC:
            analysis, _ = timed(lambda: segment(texts))
            print(f"{kind:14} Kiwi {analysis:7.2f}")
        train = partial(train_tokenizer, texts, kind=kind, vocab_size=asked.vocab_size)
        training, tokenizer = timed(train)
        if kind in {"bpe", "wordpiece", "morphemes+bpe"}:
            learned_by_either(kind, train, asked.rounds)
        best = [float("inf")] * 2
        found: list[Any] = [None, None]
        for _ in range(asked.rounds):
            for place, way in enumerate((by_words, by_library)):
                seconds, found[place] = timed(partial(way, tokenizer, texts))
                best[place] = min(best[place], seconds)
        same = np.array_equal(*found)
        print(
            f"{kind:14} learned in {training:6.2f}, {len(found[0]):,} ids: {best[0]:7.3f} against "
            f"{best[1]:7.3f}, {best[1] / best[0]:5.1f} times; same ids: {same}",
            flush=True,
        )


if __name__ == "__main__":
    main()
