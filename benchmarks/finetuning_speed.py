"""One fine-tuning step on random batches of 32 reviews: munmaek beside transformers, one thread.

    python benchmarks/finetuning_speed.py DATA/classify/nsmc/ratings_test.txt.gz

The shape is BERT-base's half (6 layers of 512) unless --layers and --width say otherwise; float32,
forward, backward and AdamW on all weights. munmaek works on the same batches, takes their padding
out and computes in the last layer what the first token alone needs. Once without dropout, where the
losses after all steps are the same, and once with that of BERT's configuration on embeddings and
sublayers (none on attention weights); --gradients says how far the gradients of the first batch are
apart.
"""

import argparse
import copy
import gzip
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import transformers

from munmaek.fit.precision import Precision, autocast
from munmaek.models.bert import BertClassifierNetwork
from munmaek.models.bert.huggingface import from_huggingface
from munmaek.models.bert.huggingface_config import bert_config
from munmaek.nn.products import fast_products
from munmaek.text.tokenizers import train_tokenizer

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--gradients", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with gzip.open(given.data, "rt", encoding="utf-8") as file:
        fields = [line.split("\t") for line in file.read().split("\n")[1:]]
    texts = [row[1] for row in fields if len(row) == 3][:20000]
    tokenizer = train_tokenizer(texts, kind="wordpiece", vocab_size=16000)
    rows = [[2, *ids[:126], 3] for ids in tokenizer.encode_many(texts)]
    order = np.random.default_rng(0).permutation(len(rows))
    batches = [
        [rows[int(i)] for i in order[start : start + 32]]
        for start in range(0, 32 * (given.batches + 1), 32)
    ]
    if given.gradients:
        apart = _apart(*_models(given.layers, given.width, 0.0), batches[0])
        print(f"gradients: {apart:.1e} apart, of the largest")
    for dropout in (0.0, 0.1):
        theirs, ours = _models(given.layers, given.width, dropout)
        torch.manual_seed(0)
        base, first = _seconds(theirs, batches, _theirs)
        print(f"dropout {dropout}: transformers {base:.3f} s a step = 1; loss {first:.6f}")
        for precision in PRECISIONS:
            model = copy.deepcopy(ours)
            with fast_products(), autocast(precision, torch.device("cpu")):
                spent, second = _seconds(model, batches, _ours)
            print(
                f"  munmaek {precision}: {spent:.3f} s, {base / spent:.2f} times; loss {second:.6f}"
            )


def _models(layers: int, width: int, dropout: float) -> tuple[Any, Any]:
    """One network in both libraries, with the same weights."""
    config = transformers.BertConfig(
        vocab_size=16000, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=width // 64, intermediate_size=4 * width,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    theirs = transformers.BertForSequenceClassification(config).train()
    ours = BertClassifierNetwork(bert_config(config.to_dict()), vocab_size=16000, label_count=2)
    ours.load_state_dict(from_huggingface(theirs.state_dict(), head="classify"))
    return theirs, ours.train()


def _theirs(model: Any, ids: Any, lengths: Any, labels: Any) -> Any:
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    return torch.nn.functional.cross_entropy(
        model(input_ids=ids, attention_mask=mask).logits, labels
    )


def _ours(model: Any, ids: Any, lengths: Any, labels: Any) -> Any:
    return torch.nn.functional.cross_entropy(model(ids, lengths), labels)


def _padded(part: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    size = max(map(len, part))
    ids = torch.tensor([row + [0] * (size - len(row)) for row in part])
    return ids, torch.tensor([len(row) for row in part])


def _apart(theirs: Any, ours: Any, part: list[list[int]]) -> float:
    ids, lengths = _padded(part)
    labels = torch.arange(len(part)) % 2
    _theirs(theirs, ids, lengths, labels).backward()
    _ours(ours, ids, lengths, labels).backward()
    named = {name: p.grad for name, p in theirs.named_parameters()}
    wanted = from_huggingface(named, head="classify")
    largest = max(float(each.abs().max()) for each in wanted.values())
    mine = dict(ours.named_parameters())
    return max(float((mine[n].grad - g).abs().max()) for n, g in wanted.items()) / largest


def _seconds(model: Any, batches: list[list[list[int]]], loss_of: Any) -> tuple[float, float]:
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=loss_of is _ours)
    began, last = 0.0, 0.0
    for step, part in enumerate(batches):
        if step == 1:
            began = time.process_time()
        ids, lengths = _padded(part)
        loss = loss_of(model, ids, lengths, torch.arange(len(part)) % 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        last = loss.item()
    return (time.process_time() - began) / (len(batches) - 1), last


if __name__ == "__main__":
    main()
