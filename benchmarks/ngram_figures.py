"""Test perplexity and n-gram counts of order 5 on the Penn Treebank and WikiText-2.

    python benchmarks/ngram_figures.py DATA [--kenlm-compatible]

DATA holds lm/ptb and lm/wikitext-2. The vocabulary is the words of the training text with <s>,
</s> and <unk> besides; the corpus's own <unk> is read as an ordinary word. Every line predicts its
end, empty lines too. Words of the test text that training lacks count as <unk>.
"""

import argparse
import gzip
import time
from pathlib import Path

import numpy as np

from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.sequences import TokenIds

CORPORA = {
    "Penn Treebank": ("lm/ptb/ptb.train.txt.gz", "lm/ptb/ptb.test.txt"),
    "WikiText-2": (
        "lm/wikitext-2/wiki.train.tokens.article-order-changed.gz",
        "lm/wikitext-2/wiki.test.tokens.gz",
    ),
}
UNK, BOS, EOS = 0, 1, 2


def lines_of(path: Path) -> list[list[str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as stream:
        return [["_unk_" if word == "<unk>" else word for word in line.split()] for line in stream]


def measure(name: str, train: Path, test: Path, config: NgramConfig) -> None:
    text = lines_of(train)
    vocabulary = {"<unk>": UNK, "<s>": BOS, "</s>": EOS}
    for line in text:
        for word in line:
            vocabulary.setdefault(word, len(vocabulary))
    ids = [[vocabulary[word] for word in line] for line in text]
    began = time.perf_counter()
    model = NgramModel.fit(
        ids,
        config=config,
        vocabulary=TokenIds(vocab_size=len(vocabulary), bos=BOS, eos=EOS, unk=UNK),
    )
    seconds = time.perf_counter() - began
    ended = [[*(vocabulary.get(word, UNK) for word in line), EOS] for line in lines_of(test)]
    scores = np.concatenate(model.score_many(ended))
    counts = " / ".join(f"{count:,}" for count in model.counts)
    print(
        f"{name}: perplexity {np.exp(-scores.mean()):.3f} over {len(scores):,} tokens; "
        f"n-grams {counts}; estimated in {seconds:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--kenlm-compatible", action="store_true")
    options = parser.parse_args()
    config = NgramConfig(order=options.order, kenlm_compatible=options.kenlm_compatible)
    for name, (train, test) in CORPORA.items():
        measure(name, options.data / train, options.data / test, config)


if __name__ == "__main__":
    main()
