"""Training speed of a tied two-layer LSTM against a plain loop around ``nn.LSTM``, in one process.

    python benchmarks/training_speed.py [--hidden 200] [--vocabulary 10000]

Both read the same stretches of random text with words as frequent as in natural text (Zipf), carry
their state over, take the same dropout and clipping and make the same kind of update. The plain
loop is what people write: embedding, ``nn.LSTM``, linear layer, ``cross_entropy`` and
``clip_grad_norm_``, all in float32. munmaek runs its own training step, once with the whole
vocabulary in every normaliser (the same mathematics) and once with a sample of it, each in float32
and with products in bfloat16.

Medians of CPU-seconds, runs in turns so that a busy machine slows all alike.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munmaek.fit.config import TrainConfig
from munmaek.fit.optimiser import make_optimiser, scale_gradients
from munmaek.fit.precision import Precision, autocast
from munmaek.models.rnn import RnnConfig, RnnLanguageNetwork
from munmaek.nn.products import fast_products
from munmaek.tasks.lm.objective import DocumentBatch, DocumentModelling

Step = Callable[[np.ndarray], float]


class Plain(nn.Module):
    """pytorch/examples' word_language_model, tied, as most people write it."""

    def __init__(self, vocabulary: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(vocabulary, hidden)
        self.rnn = nn.LSTM(hidden, hidden, 2, dropout=dropout)
        self.decoder = nn.Linear(hidden, vocabulary)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor] | None):
        outputs, state = self.rnn(self.drop(self.encoder(ids)), state)
        return self.decoder(self.drop(outputs)), state


def plain_step(vocabulary: int, hidden: int, dropout: float, optimiser: str) -> Step:
    model = Plain(vocabulary, hidden, dropout).train()
    update = _optimiser(optimiser)(model.parameters())
    held: list[tuple[Tensor, Tensor] | None] = [None]

    def step(ids: np.ndarray) -> float:
        columns = torch.from_numpy(ids).t().contiguous()
        update.zero_grad()
        state = None if held[0] is None else tuple(each.detach() for each in held[0])
        logits, held[0] = model(columns[:-1], state)
        loss = F.cross_entropy(logits.flatten(0, 1), columns[1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        update.step()
        return float(loss.detach())

    return step


def _optimiser(name: str) -> Callable[..., torch.optim.Optimizer]:
    if name == "sgd":
        return lambda parameters: torch.optim.SGD(parameters, lr=1.0)
    return lambda parameters: torch.optim.AdamW(parameters, lr=1e-3)


def own_step(
    vocabulary: int,
    hidden: int,
    dropout: float,
    optimiser: str,
    *,
    sampled: int | None = None,
    precision: Precision = "float32",
) -> Step:
    config = RnnConfig(embedding=hidden, hidden=hidden, layers=2, dropout=dropout, sampled=sampled)
    network = RnnLanguageNetwork(config, vocab_size=vocabulary).train()
    rate = 1.0 if optimiser == "sgd" else 1e-3
    training = TrainConfig.of({"optimizer": optimiser, "learning_rate": rate, "weight_decay": 0})
    update = make_optimiser(network, training)
    empty = np.zeros(0, dtype=np.int64)
    task = DocumentModelling(train=empty, valid=empty, eos=0)
    first = [True]

    def step(ids: np.ndarray) -> float:
        update.zero_grad(set_to_none=True)
        with fast_products():
            with autocast(precision, torch.device("cpu")):
                loss = task.loss(network, DocumentBatch(ids, first[0]))
            first[0] = False
            (loss.total / loss.count).backward()
            scale_gradients(network, count=1, clip=0.25)
            update.step()
        return float(loss.total.detach()) / loss.count

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=200)
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--length", type=int, default=35)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--sampled", type=int, default=2000)
    parser.add_argument("--optimiser", choices=["sgd", "adamw"], default="sgd")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    sizes = (options.vocabulary, options.hidden, options.dropout, options.optimiser)
    steps = {
        "plain nn.LSTM loop, float32": plain_step(*sizes),
        "munmaek, exact": own_step(*sizes),
        "munmaek, exact, bfloat16": own_step(*sizes, precision="bfloat16"),
        f"munmaek, {options.sampled} sampled": own_step(*sizes, sampled=options.sampled),
        f"munmaek, {options.sampled} sampled, bfloat16": own_step(
            *sizes, sampled=options.sampled, precision="bfloat16"
        ),
    }
    taken = measure(steps, options)
    tokens, plain = options.rows * options.length, next(iter(taken.values()))
    print(f"2 x {options.hidden} tied LSTM, vocabulary {options.vocabulary:,}, {options.optimiser}")
    for name, seconds in taken.items():
        print(
            f"{name:34} {1e3 * seconds:7.1f} ms a step {tokens / seconds:8,.0f} tokens a "
            f"CPU-second {plain / seconds:5.2f} times the plain loop"
        )


def measure(steps: dict[str, Step], options: argparse.Namespace) -> dict[str, float]:
    rng = np.random.default_rng(0)
    frequency = 1 / (np.arange(options.vocabulary) + 2.7)
    shape, taken = (options.rows, options.length + 1), {name: [] for name in steps}
    for number in range(options.steps + 3):
        ids = rng.choice(options.vocabulary, size=shape, p=frequency / frequency.sum())
        for name, step in steps.items():
            began = time.process_time()
            step(ids)
            if number >= 3:
                taken[name].append(time.process_time() - began)
    return {name: statistics.median(each) for name, each in taken.items()}


if __name__ == "__main__":
    main()
