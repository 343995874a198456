"""Elastic training beside DistributedDataParallel: two processes, the same network and batches.

    python benchmarks/elastic.py [--steps 60] [--rounds 3]

Prints the seconds and CPU-seconds of a step of each, rounds in turns. What
DistributedDataParallel does here is its usual loop; it gives other weights for other numbers of
processes, and the shards of munmaek do not.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from munmaek.fit.config import TrainConfig
from munmaek.fit.loop import fit
from munmaek.fit.objective import Loss
from munmaek.fit.optimiser import make_optimiser, scale_gradients
from munmaek.fit.processes import join, leave
from munmaek.nn.products import fast_products

VOCABULARY, WIDTH, LENGTH, ROWS = 4000, 256, 35, 16


class Rows:
    """Token ids that an LSTM predicts one by one: [B, T + 1]."""

    def __init__(self, number: int) -> None:
        generator = torch.Generator().manual_seed(number)
        self.ids = torch.randint(VOCABULARY, (ROWS, LENGTH + 1), generator=generator)

    @property
    def tokens(self) -> int:
        return self.ids[:, 1:].numel()


class Network(nn.Module):
    """An LSTM language model of some three million weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, num_layers=2, batch_first=True)
        self.output = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.lstm(self.embedding(ids[:, :-1]))
        scores = self.output(hidden)
        target = ids[:, 1:].flatten()
        return nn.functional.cross_entropy(scores.flatten(0, 1), target, reduction="sum")


class Task:
    """The same batches in every epoch."""

    def __init__(self) -> None:
        self.batches = [Rows(number) for number in range(32)]

    def epoch(self, number: int) -> list[Rows]:
        del number
        return self.batches

    def loss(self, network: nn.Module, batch: Rows) -> Loss:
        return Loss(network(batch.ids), batch.tokens)

    def validate(self, network: nn.Module) -> float:
        return float(network(self.batches[0].ids)) / self.batches[0].tokens


def elastic(steps: int) -> float:
    """Return the seconds of a step of munmaek's loop."""
    config = TrainConfig(steps=steps, shards=2, validations=1)
    result = fit(Network(), Task(), config=config)
    return result.seconds / steps


@fast_products()
def plain(steps: int) -> float:
    """Return the seconds of a step of the usual loop around DistributedDataParallel."""
    network, task, config = Network(), Task(), TrainConfig(steps=steps)
    rank, size = distributed.get_rank(), distributed.get_world_size()
    divided: Any = nn.parallel.DistributedDataParallel(network)
    optimiser = make_optimiser(network, config)
    network.train()
    began = time.perf_counter()
    for step in range(steps):
        batch = task.batches[(step * size + rank) % len(task.batches)]
        optimiser.zero_grad(set_to_none=True)
        divided(batch.ids).backward()
        scale_gradients(network, count=batch.tokens, clip=config.clip)
        optimiser.step()
    return (time.perf_counter() - began) / steps


def child(rank: int, port: str, kind: str, steps: int, out: Path) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    join("cpu")
    began = time.process_time()
    seconds = {"elastic": elastic, "plain": plain}[kind](steps)
    used = (time.process_time() - began) / steps
    if rank == 0:
        out.write_text(json.dumps({"seconds": seconds, "cpu": used}), encoding="utf-8")
    leave()


def measured(kind: str, steps: int) -> dict[str, float]:
    """Return seconds and CPU-seconds of a step, of the first of two processes."""
    with socket.socket() as found, tempfile.TemporaryDirectory() as folder:
        found.bind(("127.0.0.1", 0))
        port, out = str(found.getsockname()[1]), Path(folder) / "out.json"
        found.close()
        line = [sys.executable, __file__, "--child", port, kind, str(steps), str(out)]
        running = [subprocess.Popen([*line, str(rank)]) for rank in (0, 1)]
        assert all(each.wait() == 0 for each in running)
        return json.loads(out.read_text(encoding="utf-8"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=5)
    options = parser.parse_args()
    if options.child:
        port, kind, steps, out, rank = options.child
        child(int(rank), port, kind, int(steps), Path(out))
        return
    rounds = [
        {kind: measured(kind, options.steps) for kind in ("elastic", "plain")}
        for _ in range(options.rounds)
    ]
    for unit in ("seconds", "cpu"):
        ratios = [each["elastic"][unit] / each["plain"][unit] for each in rounds]
        for kind in ("elastic", "plain"):
            print(unit, kind, *(f"{1000 * each[kind][unit]:.1f} ms" for each in rounds))
        print(f"{unit} ratio {statistics.median(ratios):.3f}", [round(each, 3) for each in ratios])


if __name__ == "__main__":
    main()
