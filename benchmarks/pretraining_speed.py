"""Pre-training steps, 4 layers of 256, vocabulary 16k: munmaek beside transformers, one thread.

    python benchmarks/pretraining_speed.py DATA/mlm/korean-reviews/train.txt.gz

All begin from the same weights and read the same sentences, 64 a step, with the same words hidden:
forward, backward and AdamW (fused). transformers is in float32, pads and scores every position;
munmaek pads nothing and scores the hidden words only. Batches in random order and of like length.
CPU-seconds a real token, special tokens included.
"""

import argparse
import gzip
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import transformers

from munmaek.data.batches import pad_rows
from munmaek.models.bert import BertMaskedNetwork
from munmaek.models.bert.huggingface import from_huggingface
from munmaek.models.bert.huggingface_config import bert_config
from munmaek.nn.products import fast_products
from munmaek.tasks.mlm.objective import MaskedBatch, MaskedModelling
from munmaek.text.tokenizers import train_tokenizer

VOCABULARY, ROWS = 16000, 64
PAD, BOS, EOS, MASK = 0, 2, 3, 4

Step = Callable[[MaskedBatch], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--batches", type=int, default=6)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with gzip.open(given.data, "rt", encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n") if line][:30000]
    tokenizer = train_tokenizer(lines, kind="bpe", vocab_size=VOCABULARY)
    chosen = np.random.default_rng(0).permutation(len(lines))[: given.batches * ROWS]
    encoded = tokenizer.encode_many([lines[int(row)] for row in chosen])
    rows = [[BOS, *ids[:126], EOS] for ids in encoded]
    random, like = batches(rows), batches(sorted(rows, key=len))
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=1024, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    weights = transformers.BertForMaskedLM(config).state_dict()
    kinds = {
        "transformers float32": theirs(config, weights),
        "munmaek float32": ours(config, weights),
        "munmaek bfloat16": ours(config, weights, torch.bfloat16),
    }
    tokens = sum(map(len, rows))
    print(f"{len(rows)} sentences, {tokens} tokens, {sum(len(b.targets) for b in random)} hidden")
    first = None
    for name, step in kinds.items():
        for order, some in (("random order", random), ("like lengths", like)):
            spent = timed(step, some) / tokens
            first = first or spent
            print(f"{name:22} {order:14} {1e6 * spent:7.1f} µs a token  {first / spent:5.2f} times")


def batches(rows: Sequence[list[int]]) -> list[MaskedBatch]:
    """Steps of 64 rows; what is hidden of a row depends on the row alone."""
    task = MaskedModelling((), (), MASK, 5, VOCABULARY)
    out: list[MaskedBatch] = []
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        ids, lengths = pad_rows(part, PAD)
        seen, chosen, targets = ids.copy(), [], []
        for number, row in enumerate(part):
            one = task.hide(
                np.array([row]), np.array([len(row)]), None, np.random.default_rng(row), 0.15
            )
            seen[number, : len(row)] = one.ids[0]
            chosen.append(number * ids.shape[1] + one.chosen)
            targets.append(one.targets)
        out.append(MaskedBatch(seen, lengths, np.concatenate(chosen), np.concatenate(targets)))
    return out


def theirs(config: Any, weights: Any) -> Step:
    model = transformers.BertForMaskedLM(config).train()
    model.load_state_dict(weights)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch: MaskedBatch) -> None:
        labels = torch.full((batch.ids.size,), -100)
        labels[torch.tensor(batch.chosen)] = torch.tensor(batch.targets)
        mask = (np.arange(batch.ids.shape[1]) < batch.lengths[:, None]).astype(np.int64)
        loss = model(
            input_ids=torch.tensor(batch.ids),
            attention_mask=torch.tensor(mask),
            labels=labels.view(batch.ids.shape),
        ).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def ours(config: Any, weights: Any, dtype: Any = None) -> Step:
    model = BertMaskedNetwork(bert_config(config.to_dict()), vocab_size=VOCABULARY).train()
    model.load_state_dict(from_huggingface(weights, head="mlm"))
    task = MaskedModelling((), (), MASK, 5, VOCABULARY)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch: MaskedBatch) -> None:
        with fast_products():
            with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
                loss = task.loss(model, batch)
            optimiser.zero_grad()
            (loss.total / loss.count).backward()
            optimiser.step()

    return step


def timed(step: Step, some: Sequence[MaskedBatch], repeat: int = 2) -> float:
    """CPU-seconds of one pass, the better of two after a step that sets up."""
    step(some[0])
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        for batch in some:
            step(batch)
        best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    main()
