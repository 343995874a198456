"""Optimisers, schedules, means of weights, layers that join late: each resumed to the bit."""

import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from munmaek.errors import DiskError, UnsupportedError
from munmaek.fit.averaging import Average
from munmaek.fit.checkpoint import weights
from munmaek.fit.config import TrainConfig
from munmaek.fit.loop import fit
from munmaek.fit.optimiser import make_optimiser
from munmaek.fit.running import Run
from munmaek.fit.schedule import momentum, rate
from test_train import Clocked, Counting, Interrupt, Network, Scripted, same, state_of, trained

pytestmark = pytest.mark.usefixtures("one_thread")


class Layers(Network):
    """The same network, which knows how deep its parameters lie."""

    def layers(self):
        return [
            list(self.embedding.parameters()),
            list(self.lstm.parameters()),
            [*self.normalise.parameters(), self.out.bias],
        ]


OPTIONS = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.5},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.1},
    "one-cycle": {"schedule": "one-cycle"},
    "one-cycle sgd": {"schedule": "one-cycle", "optimizer": "sgd", "momentum": 0.9},
    "wsd": {"schedule": "wsd"},
    "exponential": {"averaging": "exponential", "average_decay": 0.8},
    "last": {"averaging": "last", "average_over": 3, "validations": 6},
    "triggered": {"averaging": "triggered", "trigger": 1, "validations": 9, "learning_rate": 0.3},
    "layers": {"layer_decay": 1 / 2.6, "unfreeze": 0.5},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_it_learns_and_an_interrupted_run_ends_with_the_same_weights(tmp_path, options):
    config = TrainConfig.of({"steps": 25, "learning_rate": 0.02, **options})

    def run(**more):
        network = Layers()
        return fit(network, Counting(), config=config, run=Run(**more)), state_of(network)

    whole, wanted = run()
    assert whole.best_validation < whole.curve[0][1] or whole.curve[0][1] < math.log(11)
    for stop in (1, 11, 6):
        part, _ = run(folder=tmp_path, resume=True, should_stop=Interrupt(stop))
        assert part.stopped == "interrupted"
    result, found = run(folder=tmp_path, resume=True)
    assert same(found, wanted)
    assert (result.best_validation, result.averaged) == (whole.best_validation, whole.averaged)
    again, repeated = run(folder=tmp_path, resume=True)
    assert same(repeated, wanted)
    assert again.best_validation == result.best_validation


def test_a_cycle_rises_and_falls_while_momentum_falls_and_rises():
    config = TrainConfig(schedule="one-cycle", learning_rate=1.0)
    assert config.warmup == 0.3
    assert TrainConfig.of({"schedule": "one-cycle", "warmup": 0.1}).warmup == 0.1
    # Half-way up a cosine from 1/25 to 1, and half-way down one to 0.
    assert rate(config, 0.0) == pytest.approx(0.04)
    assert rate(config, 0.15) == pytest.approx(0.52)
    assert rate(config, 0.3) == pytest.approx(1.0)
    assert rate(config, 0.65) == pytest.approx(0.5)
    assert rate(config, 1.0) == pytest.approx(0.0)
    held = [momentum(config, progress) for progress in (0.0, 0.15, 0.3, 0.65, 1.0)]
    assert held == pytest.approx([0.95, 0.9, 0.85, 0.9, 0.95])
    assert momentum(TrainConfig(), 0.5) is None


def test_a_stable_rate_decays_over_its_last_share():
    config = TrainConfig(schedule="wsd", learning_rate=2.0, warmup=0.1, decay=0.25)
    values = [rate(config, progress) for progress in (0.05, 0.1, 0.5, 0.75, 0.875, 1.0)]
    assert values == pytest.approx([2 * (0.01 + 0.99 / 2), 2.0, 2.0, 2.0, 1.0, 0.0])


def test_an_exponential_mean_forgets_the_first_weights():
    average = Average(TrainConfig(averaging="exponential", average_decay=0.5))
    layer = torch.nn.Linear(1, 1, bias=False)
    for value in (1.0, 2.0, 3.0):
        layer.weight.data.fill_(value)
        average.stepped(layer)
    # Decays min(0.5, 2/11) and min(0.5, 3/12): 2 + (1 − 2) 2/11 = 20/11, then 3 + (20/11 − 3) / 4.
    assert float(average.value()["weight"]) == pytest.approx(3 - (3 - 20 / 11) / 4)


def test_a_triggered_mean_begins_once_validation_is_worse_than_some_time_ago():
    average = Average(TrainConfig(averaging="triggered", trigger=2))
    layer = torch.nn.Linear(1, 1, bias=False)
    curve = []
    for value in (5.0, 4.0, 4.5, 4.55, 4.6):
        curve.append(value)
        average.validated(layer, curve)
        average.stepped(layer)
        # 4.55 is worse than 4.0, but of those before it all but the last two hold 5.0 alone.
        assert average.running is (value == 4.6)
    layer.weight.data.fill_(1.0)
    average.mean["weight"].fill_(0.0)
    average.stepped(layer)
    assert float(average.value()["weight"]) == 0.5


def test_the_mean_of_the_last_validations_is_taken_if_it_validates_better():
    told = Scripted(5.0, 4.0, 3.0, 2.5)
    network = Network()
    config = TrainConfig(steps=3, validations=3, averaging="last", average_over=2)
    result = fit(network, told, config=config)
    assert (result.best_validation, result.averaged) == (2.5, True)
    for name, tensor in told.seen[3].items():
        torch.testing.assert_close(tensor, (told.seen[1][name] + told.seen[2][name]) / 2)
    assert same(state_of(network), told.seen[3])
    told = Scripted(5.0, 4.0, 3.0, 3.5)
    network = Network()
    result = fit(network, told, config=config)
    assert (result.best_validation, result.averaged) == (3.0, False)
    assert same(state_of(network), told.seen[2])


def test_layers_join_from_the_top_and_lower_ones_learn_more_slowly():
    config = TrainConfig(steps=8, layer_decay=0.5, unfreeze=0.5, schedule="constant", warmup=0.0)
    network = Layers()
    groups = make_optimiser(network, config).param_groups
    found = {(group["factor"], group["joins"]) for group in groups}
    assert found == {(1.0, 0.0), (0.5, 0.25), (0.25, 0.5)}
    assert sum(len(g["params"]) for g in groups) == len(list(network.parameters()))
    begin, seen = state_of(network), []

    def still(_):
        now = state_of(network)
        seen.append([torch.equal(now[n], begin[n]) for n in ("embedding.weight", "out.bias")])

    fit(network, Counting(), config=config, run=Run(report=still))
    assert seen[0] == [True, False]
    assert not torch.equal(state_of(network)["embedding.weight"], begin["embedding.weight"])


def test_a_budget_pays_for_the_validation_of_the_mean(monkeypatch):
    task = Clocked(monkeypatch, step=0.5, validation=3.0)
    result = fit(Network(), task, config=TrainConfig(budget=60, averaging="exponential"))
    assert 54 <= result.seconds <= 66
    assert 54 <= task.now - 100 <= 66


def test_tensorboard_that_is_not_there_is_an_error_that_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'munmaek\[tensorboard\]'"):
        trained(TrainConfig(steps=2, tensorboard=True), folder=tmp_path)


def test_tensorboard_reads_what_the_log_says(tmp_path):
    loaders = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    config = TrainConfig(steps=3, tensorboard=True, log_every=0.0, validations=1)
    _, result = trained(config, folder=tmp_path)
    (file,) = (tmp_path / "tensorboard").glob("events.out.tfevents.*")
    version, *events = loaders.EventFileLoader(str(file)).Load()
    assert version.file_version == "brain.Event:2"
    told = [(each.tag, each.tensor.float_val[0], event.step) for event in events
            for each in event.summary.value]  # fmt: skip
    assert ("validation", pytest.approx(result.last_validation), 3) in told
    assert sorted({step for _, _, step in told}) == [1, 2, 3]


def test_tensorboard_on_a_full_disk_is_an_error_of_the_run(tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "tensorboard").write_text("in the way", encoding="utf-8")
    with pytest.raises(DiskError, match="tensorboard: cannot write"):
        trained(TrainConfig(steps=2, tensorboard=True, log_every=0.0), folder=tmp_path)


# Several processes

SHARED = {
    "steps": 14, "learning_rate": 0.02, "validations": 5, "log_every": 0.0, "trigger": 1,
    "checkpoint_every": 3.0,
}  # fmt: skip


class Stacked(Network):
    """The same with more matrices, so that there is something to share out."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.inner = torch.nn.Linear(12, 24)
            self.outer = torch.nn.Linear(24, 12)

    def forward(self, ids):
        hidden, _ = self.lstm(self.embedding(ids))
        return self.out(self.normalise(hidden + self.outer(self.inner(hidden).relu())))


MODES = {"whole": {}, "sharded": {"sharded": True}, "muon": {"optimizer": "muon"}}


def undisturbed(mode):
    network = Stacked() if mode == "muon" else Network()
    network.dropout.p = 0.0
    return network


def child(rank, folder, mode, port):
    """One of two processes; the first leaves its weights and loss curve."""
    from safetensors.torch import save_file

    from munmaek.fit import loop, precision
    from munmaek.fit.processes import Processes, join, leave

    torch.set_num_threads(1)
    # Measurements that differ too: the first process's counts.
    precision.has_fast_bfloat16 = lambda _device: rank > 0
    # Clocks that differ, so that each process would choose other steps for its checkpoints.
    clock = itertools.count(0.0, 1.0 + rank)
    loop.time = SimpleNamespace(perf_counter=lambda: next(clock))
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    assert join("cpu") == "cpu"
    given = {**SHARED, **MODES[mode], "averaging": "triggered", "precision": "auto"}
    config = TrainConfig.of(given)
    # With 5 batches in an epoch, every third step has none for the second process.
    stops = [None] if mode == "whole" else [Interrupt(5), None]
    for stop in stops:
        network, task = undisturbed(mode), Counting(batches=5)
        result = fit(
            network, task, config=config, run=Run(folder=folder, resume=True, should_stop=stop)
        )
    assert all(type(each) is torch.nn.Parameter for each in network.parameters())
    whole = weights(network)
    if Processes().lead:
        save_file({**whole, "curve": torch.tensor(result.curve)}, folder / "result.safetensors")
    leave()


TWO = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import test_train_options
children = []
for rank in (0, 1):
    children.append(os.fork())
    if not children[-1]:
        test_train_options.child(rank, Path(sys.argv[2]), sys.argv[3], sys.argv[4])
        os._exit(0)
sys.exit(max(os.waitpid(process, 0)[1] for process in children) != 0)
"""


@pytest.mark.parametrize("mode", MODES)
def test_two_processes_train_as_one_does_on_batches_of_twice_the_size(tmp_path, mode):
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    out = subprocess.run(
        [sys.executable, "-c", TWO, str(Path(__file__).parent), str(tmp_path), mode, port],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert out.returncode == 0, out.stderr[-3000:]
    alone = undisturbed(mode)
    alike = MODES[mode] | {"sharded": False, "accumulate": 2, "averaging": "triggered"}
    config = TrainConfig.of({**SHARED, **alike})
    result = fit(alone, Counting(batches=5), config=config)
    found = load_file(tmp_path / "result.safetensors")
    torch.testing.assert_close(found.pop("curve"), torch.tensor(result.curve), rtol=1e-4, atol=1e-4)
    wanted = weights(alone)
    assert found.keys() == wanted.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-3, atol=1e-4)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(lines) == 14
