"""Sentences of 20 output tokens a CPU-second, greedy and with a beam of five, on one thread.

Networks have random weights: the attention network of width 256, the Transformer of 3 + 3 layers of
width 256 and, beside them, the fixed vector. Sources are real sentences, German of Multi30k's test
set of 2016, as pieces of a vocabulary of 8,000; outputs are held to 20 tokens, the end among them,
by the shortest and the longest length. Without the data sources are random words. Set
NUMBA_NUM_THREADS=1 too.

    python benchmarks/translation_decoding_speed.py --data folder/of/multi30k
"""

import argparse
import gzip
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from munmaek.folder.info import Info
from munmaek.models.attention import AttentionConfig, AttentionTranslatorNetwork
from munmaek.models.seq2seq import FixedVectorTranslatorNetwork, Seq2SeqConfig
from munmaek.models.transformer import TransformerConfig, TransformerTranslatorNetwork
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.translating import Decoding
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

LENGTH = 20


def sentences(folder: Path | None, count: int) -> tuple[list[str], Tokenizer]:
    """Sources and a tokenizer for both sides."""
    if folder is None:
        rng = np.random.default_rng(0)
        words = [f"w{number}" for number in range(9000)]
        drawn = rng.integers(9000, size=(20_000, 12))
        lines = [" ".join(words[word] for word in row) for row in drawn.tolist()]
        return lines[:count], train_tokenizer(lines, kind="words", vocab_size=8000)
    train, test = (
        gzip.decompress((folder / name).read_bytes()).decode().splitlines()
        for name in ("train.de.gz", "test_2016_flickr.de.gz")
    )
    return test[:count], train_tokenizer(train, kind="bpe", vocab_size=8000)


def networks(vocabulary: int) -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    pair = {"source_vocab": vocabulary, "target_vocab": vocabulary}
    return {
        "attention": AttentionTranslatorNetwork(AttentionConfig(), **pair),
        "transformer": TransformerTranslatorNetwork(TransformerConfig(), **pair),
        "seq2seq": FixedVectorTranslatorNetwork(Seq2SeqConfig(), **pair),
    }


def translator(network: torch.nn.Module, tokenizer: Tokenizer) -> Translator:
    info = Info("translate", "attention", "", {}, {}, 0)
    return Translator(tokenizer, tokenizer, network.eval(), info)


def seconds(model: Translator, texts: Sequence[str], beam: int, repeats: int) -> float:
    """Median CPU time, encoding of the text and writing out included."""
    decoding = Decoding(beam=beam, min_length=LENGTH - 1, max_length=LENGTH)
    taken: list[float] = []
    for _ in range(repeats):
        began = time.process_time()
        model.translate_with(decoding, texts, links=False)
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sentences", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--beams", type=int, nargs="*", default=[1, 5])
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts, tokenizer = sentences(options.data, options.sentences)
    source = sum(map(len, tokenizer.encode_many(texts))) / len(texts)
    print(f"{len(texts)} sentences of {source:.1f} tokens, vocabulary {tokenizer.vocab_size}")
    for name, network in networks(tokenizer.vocab_size).items():
        if options.only and name not in options.only:
            continue
        model = translator(network, tokenizer)
        for precision, each in {"float32": model, "int8": model.quantised()}.items():
            for beam in options.beams:
                seconds(each, texts[:64], beam, 1)
                taken = seconds(each, texts, beam, options.repeats)
                speed = len(texts) / taken
                print(f"{name:12} {precision:8} beam {beam}  {speed:8,.1f} sentences a CPU-second")


if __name__ == "__main__":
    main()
