"""Training speed of each translator on Multi30k de-en, beside a plain torch loop of the same size.

    python benchmarks/translation_training_speed.py DATA/translate/multi30k --stage attention

Both take the same batches, made as ``munmaek train translate`` makes them: pairs of like length
together, 4,096 positions a batch, padding counted. The plain loop is what people write: packed
``nn.GRU`` and ``nn.GRUCell`` (or ``nn.Transformer``), scores of every position, ``cross_entropy``
that ignores padding, ``clip_grad_norm_`` and AdamW, all in float32. munmaek runs its own loss and
step, in float32 and, with ``--bfloat16``, under autocast besides.

Source and target tokens, padding not counted, a CPU-second, on one thread; runs in turns on each
batch, so that a busy machine slows all alike. The loss is the smoothed training loss, nats a
target token, over the first and the last ten measured steps.
"""

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munmaek.data.batches import PairBatch
from munmaek.data.bucketing import bucket, padding_fraction
from munmaek.fit.config import TrainConfig
from munmaek.fit.optimiser import make_optimiser, scale_gradients
from munmaek.folder.weights import parameter_count
from munmaek.models import stage_named
from munmaek.models.configuration import Config
from munmaek.nn.building import build_network
from munmaek.nn.products import fast_products
from munmaek.tasks.translate.objective import Pairs, TranslationTask
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

RATE = 1e-3
SMOOTHING = 0.1
STAGES: dict[str, tuple[int, dict[str, Any]]] = {
    "seq2seq": (9250, {}),
    "attention": (9250, {}),
    "transformer": (4100, {"dimension": 256, "heads": 4, "layers": 3, "feed_forward": 1024}),
}
"""Vocabulary of each side and the stage's options: 6.2, 6.2 and 7.6 million weights."""
PAD = 0
Step = Callable[[PairBatch], float]


class PlainRecurrent(nn.Module):
    """A GRU translator, with Bahdanau's attention or without, as most people write it."""

    def __init__(self, config: Any, sizes: tuple[int, int], *, attention: bool) -> None:
        super().__init__()
        width, hidden = config.embedding, config.hidden
        each = config.encoder_hidden if attention else hidden
        states = 2 * each if attention else hidden
        self.source, self.target = (nn.Embedding(size, width, padding_idx=PAD) for size in sizes)
        self.drop = nn.Dropout(config.dropout)
        self.encoder = nn.GRU(width, each, batch_first=True, bidirectional=attention)
        self.initial = nn.Linear(each, hidden)
        self.attention = attention
        if attention:
            self.query = nn.Linear(hidden, hidden, bias=False)
            self.key = nn.Linear(states, hidden, bias=False)
            self.energy = nn.Linear(hidden, 1, bias=False)
            self.cell = nn.GRUCell(width + states, hidden)
        else:
            self.decoder = nn.GRU(width + states, hidden, batch_first=True)
        self.readout = nn.Linear(hidden + width + states, 2 * width)
        self.output = nn.Linear(width, sizes[1])
        self.output.weight = self.target.weight
        nn.init.normal_(self.target.weight, std=width**-0.5)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(self.source(source)), lengths, batch_first=True, enforce_sorted=False
        )
        packed, last = self.encoder(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        hidden = torch.tanh(self.initial(last[-1]))
        tokens = self.drop(self.target(target))
        if self.attention:
            after, contexts = self._attend(states, source != PAD, tokens, hidden)
        else:
            contexts = last[-1][:, None].expand(-1, target.shape[1], -1)
            after, _ = self.decoder(torch.cat([tokens, contexts], 2), hidden[None])
        first, second = self.readout(torch.cat([after, tokens, contexts], 2)).chunk(2, 2)
        return self.output(self.drop(torch.maximum(first, second)))

    def _attend(
        self, states: Tensor, mask: Tensor, tokens: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        keys, after, contexts = self.key(states), [], []
        for column in tokens.unbind(1):
            scores = self.energy(torch.tanh(self.query(hidden)[:, None] + keys))[:, :, 0]
            weights = scores.masked_fill(~mask, float("-inf")).softmax(1)
            context = torch.bmm(weights[:, None], states)[:, 0]
            hidden = self.cell(torch.cat([column, context], 1), hidden)
            after.append(hidden)
            contexts.append(context)
        return torch.stack(after, 1), torch.stack(contexts, 1)


class PlainTransformer(nn.Module):
    """``nn.Transformer`` with embeddings and positions, as most people write it."""

    def __init__(self, config: Any, sizes: tuple[int, int]) -> None:
        super().__init__()
        width = config.dimension
        self.scale = width**0.5
        self.source, self.target = (nn.Embedding(size, width, padding_idx=PAD) for size in sizes)
        for table in (self.source, self.target):
            nn.init.normal_(table.weight, std=1 / self.scale)
        self.places = nn.Parameter(_sinusoids(512, width), requires_grad=False)
        self.drop = nn.Dropout(config.dropout)
        self.stack = nn.Transformer(
            width, config.heads, config.encoder_layers or config.layers,
            config.decoder_layers or config.layers, config.feed_forward, config.dropout,
            batch_first=True, norm_first=config.norm_first,
        )  # fmt: skip
        self.output = nn.Linear(width, sizes[1])
        self.output.weight = self.target.weight

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:  # noqa: ARG002
        later = nn.Transformer.generate_square_subsequent_mask(target.shape[1], dtype=torch.bool)
        hidden = self.stack(
            self._read(self.source, source),
            self._read(self.target, target),
            tgt_mask=later,
            src_key_padding_mask=source == PAD,
            tgt_key_padding_mask=target == PAD,
            memory_key_padding_mask=source == PAD,
            tgt_is_causal=True,
        )
        return self.output(hidden)

    def _read(self, table: nn.Embedding, ids: Tensor) -> Tensor:
        return self.drop(self.scale * table(ids) + self.places[: ids.shape[1]])


def _sinusoids(count: int, width: int) -> Tensor:
    angle = torch.arange(count)[:, None] * 1e4 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)


def plain_step(stage: str, config: Any, sizes: tuple[int, int]) -> tuple[nn.Module, Step]:
    def make() -> nn.Module:
        if stage == "transformer":
            return PlainTransformer(config, sizes)
        return PlainRecurrent(config, sizes, attention=stage == "attention")

    model = build_network(make, seed=0).train()
    update = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98))

    def step(batch: PairBatch) -> float:
        source, target = torch.from_numpy(batch.source), torch.from_numpy(batch.target)
        update.zero_grad()
        logits = model(source, torch.from_numpy(batch.source_lengths), target[:, :-1])
        loss = F.cross_entropy(
            logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD,
            label_smoothing=SMOOTHING,
        )  # fmt: skip
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        update.step()
        return float(loss.detach())

    return model, step


def own_step(
    stage: str, config: Config, sizes: tuple[int, int], task: TranslationTask, *, bfloat16: bool
) -> tuple[nn.Module, Step]:
    make = stage_named(stage).network_class("translate")
    network = build_network(
        lambda: make(config, source_vocab=sizes[0], target_vocab=sizes[1]), seed=0
    ).train()
    update = make_optimiser(network, TrainConfig.of({"learning_rate": RATE}))

    def step(batch: PairBatch) -> float:
        update.zero_grad(set_to_none=True)
        with fast_products():
            with torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext():
                loss = task.loss(network, batch)
            loss.total.backward()
            scale_gradients(network, count=loss.count, clip=1.0)
            update.step()
        return float(loss.total.detach()) / loss.count

    return network, step


@dataclass
class Run:
    """What one of the loops took and came to."""

    step: Step
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)


def measure(runs: dict[str, Run], task: TranslationTask, steps: int) -> int:
    """Train all in turns; returns the tokens that each was measured on."""
    warm_up, tokens = 3, 0
    batches = task.epoch(0)
    for number in range(steps + warm_up):
        batch = batches[number % len(batches)]
        for run in runs.values():
            began = time.process_time()
            loss = run.step(batch)
            if number >= warm_up:
                run.seconds += time.process_time() - began
                run.losses.append(loss)
        tokens += batch.tokens if number >= warm_up else 0
    return tokens


def read(path: Path, count: int | None) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()[:count]


def framed(folder: Path, vocabulary: int, *, joint: bool) -> tuple[Pairs, tuple[int, int]]:
    """Training pairs as ids, and the size of each vocabulary."""
    texts = [read(folder / f"train.{language}.gz", None) for language in ("de", "en")]
    if joint:
        tokenizers = [train_tokenizer([*texts[0], *texts[1]], kind="bpe", vocab_size=vocabulary)]
        tokenizers *= 2
    else:
        tokenizers = [train_tokenizer(text, kind="bpe", vocab_size=vocabulary) for text in texts]
    source, target = (
        tokenizer.encode_many(text) for tokenizer, text in zip(tokenizers, texts, strict=True)
    )
    first, second = tokenizers
    pairs = Pairs(
        [[*ids, first.eos] for ids in source], [[second.bos, *ids, second.eos] for ids in target]
    )
    return pairs, (_size(first), _size(second))


def _size(tokenizer: Tokenizer) -> int:
    assert tokenizer.pad == PAD
    return tokenizer.vocab_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with train.de.gz and train.en.gz")
    parser.add_argument("--stage", choices=list(STAGES), default="attention")
    parser.add_argument("--options", type=json.loads, default={}, help="of the stage, as JSON")
    parser.add_argument("--vocabulary", type=int, help="tokens of each side")
    parser.add_argument("--joint", action="store_true", help="one vocabulary for both sides")
    parser.add_argument("--max-tokens", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--bfloat16", action="store_true", help="measure that too")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain loop out")
    given = parser.parse_args()
    torch.set_num_threads(1)
    vocabulary, usual = STAGES[given.stage]
    pairs, sizes = framed(given.data, given.vocabulary or vocabulary, joint=given.joint)
    config = stage_named(given.stage).config_class().of({**usual, **given.options})
    task = TranslationTask(
        pairs, pairs, pad=PAD, max_tokens=given.max_tokens, smoothing=SMOOTHING, seed=0
    )
    made = {"munmaek, float32": own_step(given.stage, config, sizes, task, bfloat16=False)}
    if given.bfloat16:
        made["munmaek, bfloat16"] = own_step(given.stage, config, sizes, task, bfloat16=True)
    if not given.no_plain:
        made["plain torch, float32"] = plain_step(given.stage, config, sizes)
    runs = {name: Run(step) for name, (_, step) in made.items()}
    torch.manual_seed(0)
    tokens = measure(runs, task, given.steps)
    share = padding_fraction(pairs.lengths(), bucket(
        pairs.lengths(), max_tokens=given.max_tokens, rng=None
    ))  # fmt: skip
    print(
        f"{given.stage}, Multi30k de-en, vocabularies {sizes[0]:,} and {sizes[1]:,}, batches of "
        f"{given.max_tokens:,}, {share:.1%} padding, {given.steps} steps"
    )
    plain = runs.get("plain torch, float32")
    for name, run in runs.items():
        ratio = "" if plain is None else f" {plain.seconds / run.seconds:5.2f} x plain"
        start, end = (sum(part) / len(part) for part in (run.losses[:10], run.losses[-10:]))
        print(
            f"{name:22} {tokens / run.seconds:8,.0f} tokens a CPU-second{ratio}   "
            f"{parameter_count(made[name][0]) / 1e6:.2f} M weights, loss {start:.3f} to {end:.3f}"
        )


if __name__ == "__main__":
    main()
