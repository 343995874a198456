"""One pre-training step, 4 layers of 256, vocabulary 16k: munmaek beside transformers, one thread.

    python benchmarks/pretraining_speed.py DATA/mlm/korean-reviews/train.txt.gz

Both begin from the same weights and draw from the same sentences; forward, backward and AdamW in
float32. transformers reads random batches of 64 padded and scores every position; munmaek batches
by length under a token budget and scores masked positions only. CPU-seconds a real token.
"""

import argparse
import gzip
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import transformers

from munmaek.artefact.huggingface import bert_config, from_huggingface
from munmaek.models.bert import BertMaskedNetwork
from munmaek.tasks.mlm import MaskedModelling
from munmaek.text.tokenizers import train_tokenizer

VOCABULARY = 16000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--batches", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with gzip.open(given.data, "rt", encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n") if line][:30000]
    tokenizer = train_tokenizer(lines, kind="bpe", vocab_size=VOCABULARY)
    rows = [[2, *ids[:126], 3] for ids in tokenizer.encode_many(lines[:6000])]
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=1024, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    theirs = transformers.BertForMaskedLM(config).train()
    ours = BertMaskedNetwork(bert_config(config.to_dict()), vocab_size=VOCABULARY).train()
    ours.load_state_dict(from_huggingface(theirs.state_dict(), head="mlm"))
    tasks = {
        # Arrival order, by rows; and ours, by tokens and length.
        "theirs": MaskedModelling(rows, rows[:1], 4, 5, VOCABULARY, max_tokens=10**9),
        "ours": MaskedModelling(rows, rows[:1], 4, 5, VOCABULARY, max_tokens=4096),
    }
    base = _transformers(theirs, rows, tasks["theirs"], given.batches)
    spent = _munmaek(ours, tasks["ours"], given.batches)
    print(f"transformers float32 padded {base * 1e6:8.1f} µs a token = 1")
    print(f"munmaek float32             {spent * 1e6:8.1f} µs a token, {base / spent:.2f} times")
    spent = _munmaek(ours, tasks["ours"], given.batches, torch.bfloat16)
    print(f"munmaek bfloat16            {spent * 1e6:8.1f} µs a token, {base / spent:.2f} times")


def _transformers(model: Any, rows: list[list[int]], task: Any, count: int) -> float:
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    order = np.random.default_rng(0).permutation(len(rows))
    tokens, began = 0, 0.0
    for step in range(count + 1):
        if step == 1:
            tokens, began = 0, time.process_time()
        part = [rows[int(i)] for i in order[step * 64 : step * 64 + 64]]
        size = max(map(len, part))
        ids = np.array([row + [0] * (size - len(row)) for row in part])
        lengths = np.array([len(row) for row in part])
        batch = task.hide(ids, lengths, None, np.random.default_rng(step), 0.15)
        labels = torch.full((ids.size,), -100)
        labels[torch.tensor(batch.chosen)] = torch.tensor(batch.targets)
        mask = torch.tensor((np.arange(size) < lengths[:, None]).astype(np.int64))
        loss = model(
            input_ids=torch.tensor(batch.ids), attention_mask=mask, labels=labels.view(ids.shape)
        ).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        tokens += int(lengths.sum())
    return (time.process_time() - began) / tokens


def _munmaek(model: Any, task: Any, count: int, dtype: Any = None) -> float:
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    batches = task.epoch(0)
    tokens, began = 0, 0.0
    for step in range(count + 1):
        if step == 1:
            tokens, began = 0, time.process_time()
        batch = batches[step]
        with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
            loss = task.loss(model, batch)
        optimiser.zero_grad()
        (loss.total / loss.count).backward()
        optimiser.step()
        tokens += batch.tokens
    return (time.process_time() - began) / tokens


if __name__ == "__main__":
    main()
