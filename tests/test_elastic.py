"""Shards: any number of processes, changed on the way, ends in the same weights, to the bit."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from munmaek.errors import ConfigError, MunmaekWarning
from munmaek.fit.checkpoint import weights
from munmaek.fit.config import TrainConfig
from munmaek.fit.loop import fit
from munmaek.fit.running import Run
from munmaek.fit.shards import Shards, tree_sum
from munmaek.fit.summing import GradientSum
from test_train import Counting, Interrupt, Network, same, state_of
from test_train_options import Stacked

pytestmark = pytest.mark.usefixtures("one_thread")


class Carried(Counting):
    """Divides its rows among shards, and each carries a sum from batch to batch."""

    def __init__(self, *, first=0, every=1):
        super().__init__(batches=5)
        self.first, self.every = first, every
        self.sum = torch.zeros(())

    def part(self, rank, size):
        return Carried(first=rank, every=size)

    def epoch(self, number):
        return [
            type(batch)(batch.ids[: len(batch.ids) // 4 * 4][self.first :: self.every])
            for batch in super().epoch(number)
        ]

    def loss(self, network, batch):
        found = super().loss(network, batch)
        if network.training:
            self.sum = self.sum + found.total.detach()
            found.total.add_(0.001 * self.sum * network.out.weight.sum())
        return found

    def carried(self):
        return {"sum": self.sum}

    def take_up(self, carried, device):
        self.sum = carried["sum"].to(device)


class Partly(Network):
    """Has a part that some batches leave without a gradient, and one that all do."""

    def __init__(self):
        super().__init__()
        self.rare, self.never = nn.Parameter(torch.ones(12)), nn.Parameter(torch.ones(3))

    def forward(self, ids):
        logits = super().forward(ids)
        return logits + self.rare.sum() * logits.mean() if len(ids) % 2 else logits


CASES = {
    "batches": (Network, Counting, {"shards": 4}),
    "accumulated": (Network, Counting, {"shards": 4, "accumulate": 2, "averaging": "exponential"}),
    "rows": (Network, Carried, {"shards": 4}),
    "muon": (Stacked, Counting, {"shards": 4, "optimizer": "muon"}),
    "partly": (Partly, Counting, {"shards": 5, "optimizer": "sgd", "momentum": 0.5}),
}
WAYS = {"batches": ((1, 3), (2, 4), (4, 2), (1, None)), "partly": ((5, 2), (3, 3), (2, None))}
USUAL = ((2, 3), (4, 3), (1, None))
"""Processes, and the steps after which they are stopped."""


def config_of(name):
    return TrainConfig.of({"steps": 12, "learning_rate": 0.02, **CASES[name][2]})


def trained(name, **more):
    network, task, _ = CASES[name]
    network = network()
    fit(network, task(), config=config_of(name), run=Run(**more))
    return network


def child(name, folder, rank, size, port, stop):
    """One of the processes; the first leaves the weights."""
    from munmaek.fit.processes import Processes, join, leave

    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    join("cpu")
    stopping = None if stop is None else Interrupt(stop)
    network = trained(name, folder=folder, resume=True, should_stop=stopping)
    if Processes().lead:
        save_file(weights(network), folder / "result.safetensors")
    leave()


ALL = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import test_elastic
from test_elastic import USUAL, WAYS
name, folder, ports = sys.argv[2], Path(sys.argv[3]), iter(sys.argv[4:])
for size, stop in WAYS.get(name, USUAL):
    port, children = next(ports), []
    for rank in range(size):
        children.append(os.fork())
        if not children[-1]:
            test_elastic.child(name, folder, rank, size, port, stop)
            os._exit(0)
    if max(os.waitpid(each, 0)[1] for each in children):
        sys.exit(1)
"""


def free_ports(count):
    found = [socket.socket() for _ in range(count)]
    for each in found:
        each.bind(("127.0.0.1", 0))
    ports = [str(each.getsockname()[1]) for each in found]
    for each in found:
        each.close()
    return ports


@pytest.mark.parametrize("name", CASES)
def test_changed_numbers_of_processes_end_in_the_weights_of_one(tmp_path, name):
    here = str(Path(__file__).parent)
    out = subprocess.run(
        [sys.executable, "-c", ALL, here, name, str(tmp_path), *free_ports(4)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert out.returncode == 0, out.stderr[-3000:]
    found, wanted = load_file(tmp_path / "result.safetensors"), weights(trained(name))
    assert found.keys() == wanted.keys()
    for key, tensor in found.items():
        assert torch.equal(tensor, wanted[key]), key


def test_shards_are_more_than_accumulation():
    """Each draws its own dropout and takes every so-manieth batch."""
    config = {"steps": 6, "learning_rate": 0.02}
    runs = [{"shards": 2}, {"accumulate": 2}, {"shards": 1}, {}]
    found = []
    for each in runs:
        network = Network()
        fit(network, Counting(), config=TrainConfig.of({**config, **each}))
        found.append(state_of(network))
    assert not same(found[0], found[1])
    assert same(found[2], found[3])


def test_a_run_goes_on_with_its_shards_and_its_threads(tmp_path):
    network = Network()
    config = TrainConfig(steps=6, shards=3)
    torch.set_num_threads(2)
    fit(network, Counting(), config=config, run=Run(folder=tmp_path, should_stop=Interrupt(2)))
    with pytest.raises(ConfigError, match="--shards was 3 and is now 2"):
        fit(
            Network(),
            Counting(),
            config=TrainConfig(steps=6, shards=2),
            run=Run(folder=tmp_path, resume=True),
        )
    torch.set_num_threads(1)
    with pytest.warns(MunmaekWarning, match="began with 2 threads"):
        fit(network, Counting(), config=TrainConfig(steps=6), run=Run(folder=tmp_path, resume=True))
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    whole = Network()
    fit(whole, Counting(), config=config)
    assert same(state_of(whole), state_of(network))


@pytest.mark.parametrize("count", range(1, 9))
def test_branches_are_a_division_of_the_tree(count):
    for size in range(1, count + 1):
        shards = Shards(count, size)
        branches = [each for rank in range(size) for each in shards.branches(rank)]
        covered = list(itertools.chain.from_iterable(range(*each) for each in branches))
        assert covered == list(range(count))
        known = {each: tree(*each) for each in branches}
        assert tree_sum(0, count, lambda *each, known=known: known.get(each), "({} {})".format) == (
            tree(0, count)
        )
        sizes = [len(shards.of(rank)) for rank in range(size)]
        assert max(sizes) - min(sizes) <= 1


def tree(lo, hi):
    """Write the order of a sum in brackets."""
    return tree_sum(lo, hi, lambda a, b: str(a) if b - a == 1 else None, "({} {})".format)


def test_the_order_of_a_sum_is_that_of_the_tree():
    assert tree(0, 5) == "((0 1) (2 (3 4)))"
    weight = nn.Parameter(torch.zeros(1))
    values = [1e8, 1.0, -1e8, 3.0]

    def compute(shard, last):
        last()
        weight.grad = torch.tensor([values[shard]])

    GradientSum([weight], Shards(4), 0).sum(compute)
    # (1e8 + 1) + (-1e8 + 3): in float32 both sums lose what is small, in this order.
    assert float(weight.grad) == (torch.tensor(1e8) + 1.0 + (torch.tensor(-1e8) + 3.0)).item()


COMMAND = (
    "train", "lm", "text.txt", "--model", "rnn", "--tokenizer", "words", "--steps", "150",
    "--set", "model.hidden=16", "--set", "model.embedding=16", "--set", "train.validations=2",
    "--set", "train.checkpoint_every=0.2", "--shards", "2", "--seed", "3", "--device", "cpu",
)  # fmt: skip


@contextmanager
def started(folder, *before):
    """Yield a command that runs, with what it says in a file; it is ended after the block."""
    line = [sys.executable, "-m", *before, "munmaek", *COMMAND, "-o", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with folder.with_suffix(".log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(line, cwd=folder.parent, stderr=log, env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def ended(process, folder):
    code = process.wait(timeout=200)
    return code == 0 or folder.with_suffix(".log").read_text(encoding="utf-8")[-2000:]


def test_torchrun_begins_again_after_a_process_was_killed(tmp_path):
    words = ["나는", "너는", "우리는", "학교에", "집에", "산에", "간다", "온다"]
    lines = [" ".join(words[(7 * n + k * k) % 8] for k in range(6)) for n in range(60)]
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    one, two = tmp_path / "one", tmp_path / "two"
    many = (
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "--max-restarts",
        "1",
        "-m",
    )
    with started(two, *many) as running:
        while not list(tmp_path.glob("two.partial/checkpoints/step-?*")):
            assert running.poll() is None, ended(running, two)
            time.sleep(0.01)
        os.kill(workers_of(running.pid)[-1], signal.SIGKILL)
        assert ended(running, two) is True
    with started(one) as running:
        assert ended(running, one) is True
    found, wanted = (load_file(each / "model.safetensors") for each in (two, one))
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert "Traceback" not in two.with_suffix(".log").read_text(encoding="utf-8")
    training = json.loads((two / "munmaek.json").read_text(encoding="utf-8"))["training"]
    assert (training["shards"], training["threads"]) == (2, 1)


def workers_of(pid):
    """Return the processes that train, among the children of torchrun."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    lines = {int(each): Path(f"/proc/{each}/cmdline").read_bytes() for each in children}
    return [each for each, line in lines.items() if b"text.txt" in line]
