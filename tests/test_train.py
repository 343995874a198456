"""The training loop: what it learns, when it stops, and that nothing is lost on the way."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from munmaek.errors import (
    ArtefactError,
    ConfigError,
    DiskError,
    InputError,
    MunmaekWarning,
    TrainingError,
)
from munmaek.fit import precision
from munmaek.fit.checkpoint import Store, load_weights, weights
from munmaek.fit.config import TrainConfig
from munmaek.fit.log import Log
from munmaek.fit.loop import fit
from munmaek.fit.objective import Loss
from munmaek.fit.optimiser import SETTLE_EVERY, make_optimiser, scale_gradients, settle
from munmaek.fit.precision import autocast, has_fast_bfloat16, resolve
from munmaek.fit.running import Run
from munmaek.fit.schedule import rate

pytestmark = pytest.mark.usefixtures("one_thread")

VOCAB = 11


@dataclass(frozen=True)
class Rows:
    ids: torch.Tensor

    @property
    def tokens(self):
        return self.ids.numel()


class Network(nn.Module):
    """Something of everything: embeddings, recurrence, dropout, normalisation, tied weights."""

    def __init__(self, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(VOCAB, 12)
            self.lstm = nn.LSTM(12, 12, batch_first=True)
            self.normalise = nn.LayerNorm(12)
            self.dropout = nn.Dropout(0.2)
            self.out = nn.Linear(12, VOCAB)
            self.out.weight = self.embedding.weight
        self.register_buffer("counter", torch.zeros(3))

    def forward(self, ids):
        hidden, _ = self.lstm(self.dropout(self.embedding(ids)))
        return self.out(self.dropout(self.normalise(hidden)))


class Counting:
    """Each token is the one before plus a constant: learnt by anything that works."""

    def __init__(self, *, batches=6, rows=8, pause=0.0):
        self.sizes = batches, rows
        self.pause = pause
        self.losses = 0
        self.values = []

    def rows(self, seed, count):
        generator = torch.Generator().manual_seed(seed)
        first = torch.randint(VOCAB, (count, 1), generator=generator)
        return Rows((first + 3 * torch.arange(7)) % VOCAB)

    def epoch(self, number):
        batches, rows = self.sizes
        # Of unequal size, as bucketed batches are.
        return [self.rows(1000 * number + index, rows + index) for index in range(batches)]

    def loss(self, network, batch):
        self.losses += 1
        time.sleep(self.pause)
        logits = network(batch.ids[:, :-1]).flatten(0, 1)
        target = batch.ids[:, 1:].flatten()
        return Loss(F.cross_entropy(logits, target, reduction="sum"), len(target))

    def validate(self, network):
        assert not network.training
        assert not torch.is_grad_enabled()
        loss = self.loss(network, self.rows(-1 % 2**31, 16))
        self.values.append(float(loss.total) / loss.count)
        return self.values[-1]


class Scripted(Counting):
    """Validates to what it was told to."""

    def __init__(self, *values):
        super().__init__()
        self.told = list(values)
        self.seen = []

    def validate(self, network):
        self.seen.append({k: v.clone() for k, v in network.state_dict().items()})
        return self.told[len(self.seen) - 1]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def state_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def trained(config, **options):
    network = Network()
    result = fit(
        network, options.pop("task", None) or Counting(), config=config, run=Run(**options)
    )
    return state_of(network), result


def test_it_learns_and_tells_the_truth_about_it(tmp_path):
    network, task, told = Network(), Counting(), []
    config = TrainConfig(steps=150, learning_rate=0.02, log_every=0.0)
    result = fit(network, task, config=config, run=Run(folder=tmp_path, report=told.append))
    # Given the first token all others are certain, so the loss goes to 0.
    assert result.best_validation < 0.1
    assert (result.steps, result.epochs, result.stopped) == (150, 25.0, "steps")
    # 25 epochs of batches of 8 to 13 rows of 7 tokens: (8 + … + 13) · 7 = 441 each.
    assert result.tokens == 25 * 441
    assert [value for _, value in result.curve] == task.values
    assert [step for step, _ in result.curve] == list(range(15, 151, 15))
    assert result.last_validation == task.values[-1]
    assert result.best_validation == min(task.values)
    assert not network.training
    assert told[-1].step == 150
    assert told[-1].progress == 1.0
    assert told[-1].seconds_left == 0.0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 151))
    assert [line["validation"] for line in lines if "validation" in line] == task.values
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        first = task.loss(Network(), task.epoch(0)[0])
    assert lines[0]["loss"] == pytest.approx(first.total.item() / first.count)


def test_the_network_ends_with_the_best_weights_and_of_equals_the_latest():
    task = Scripted(5.0, 3.0, 4.0, 3.0, 3.5)
    network = Network()
    result = fit(network, task, config=TrainConfig(steps=10, validations=5))
    assert same(state_of(network), task.seen[3])
    assert (result.best_validation, result.last_validation) == (3.0, 3.5)


def test_patience_ends_a_run_that_no_longer_improves():
    task = Scripted(5.0, 3.0, 3.0, 4.0, 1.0)
    result = fit(Network(), task, config=TrainConfig(steps=10, validations=5, patience=2))
    assert (result.stopped, result.steps, result.best_validation) == ("patience", 8, 3.0)


def test_without_a_limit_it_is_ten_epochs_and_half_an_epoch_is_half_an_epoch():
    assert TrainConfig().epochs == 10
    assert TrainConfig(steps=5).epochs is None
    _, result = trained(TrainConfig(epochs=1.5))
    assert (result.steps, result.epochs, result.stopped) == (9, 1.5, "epochs")
    _, result = trained(TrainConfig(epochs=5, steps=3))
    assert (result.steps, result.stopped) == (3, "steps")


def test_the_same_seed_gives_the_same_model_and_the_callers_chance_is_untouched():
    torch.manual_seed(123)
    wanted = torch.rand(3)
    torch.manual_seed(123)
    first, _ = trained(TrainConfig(steps=12, seed=4))
    assert torch.equal(torch.rand(3), wanted)
    torch.rand(1)
    second, _ = trained(TrainConfig(steps=12, seed=4))
    other, _ = trained(TrainConfig(steps=12, seed=5))
    assert same(first, second)
    assert not same(first, other)


def test_accumulated_batches_equal_one_large_batch():
    class Halves(Counting):
        def epoch(self, number):
            whole = super().epoch(number)
            return [Rows(part) for rows in whole for part in (rows.ids[:3], rows.ids[3:])]

    def run(task, accumulate):
        network = Network()
        network.dropout.p = 0.0
        config = TrainConfig(steps=8, accumulate=accumulate)
        result = fit(network, task, config=config)
        return state_of(network), result

    (one, first), (other, second) = run(Counting(), 1), run(Halves(), 2)
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-3, atol=1e-5)
    assert first.tokens == second.tokens
    assert first.epochs == second.epochs


def test_a_batch_count_that_accumulation_does_not_divide_ends_the_epoch_with_a_smaller_step():
    _, result = trained(TrainConfig(epochs=2, accumulate=4))
    assert (result.steps, result.epochs) == (4, 2.0)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_the_rate_rises_then_falls(schedule):
    config = TrainConfig(learning_rate=0.5, warmup=0.2, schedule=schedule)
    rates = [rate(config, step / 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.005)
    assert rates[10] == pytest.approx(0.5 * (0.01 + 0.99 / 2))
    assert rates[20] == max(rates) == 0.5
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    # Half-way through the fall: cos(π/2) = 0 and 1 − 1/2.
    assert rates[60] == pytest.approx(0.5 if schedule == "constant" else 0.25)
    assert rates[100] == pytest.approx(0.5 if schedule == "constant" else 0.0)
    assert rate(TrainConfig(warmup=0.0, learning_rate=0.5), 0.0) == 0.5


def test_the_rate_falls_with_the_root_of_the_steps():
    config = TrainConfig(learning_rate=0.5, warmup=0.04, schedule="inverse-sqrt")
    assert rate(config, 0.02) == pytest.approx(0.5 * (0.01 + 0.99 / 2))
    assert rate(config, 0.04) == 0.5
    # √(0.04 / 0.16) = 1/2 and √(0.04 / 1) = 1/5.
    assert rate(config, 0.16) == pytest.approx(0.25)
    assert rate(config, 1.0) == pytest.approx(0.1)
    bare = TrainConfig(learning_rate=0.5, warmup=0.0, schedule="inverse-sqrt")
    assert rate(bare, 0.0) == rate(bare, 1.0) == 0.5


def rarely_used(*, settled):
    """A table of which all rows but one were used once, 1,500 steps ago."""
    torch.manual_seed(0)
    table = nn.Embedding(4, 3)
    config = TrainConfig(learning_rate=1e-2, betas=(0.9, 0.98))
    optimiser = make_optimiser(table, config)
    for step in range(1500):
        ids = torch.arange(4) if step == 0 else torch.tensor([0])
        optimiser.zero_grad(set_to_none=True)
        table(ids).square().sum().backward()
        optimiser.step()
        if settled and (step + 1) % SETTLE_EVERY == 0:
            settle(optimiser)
    return table.weight.detach(), optimiser.state[table.weight]


def test_moments_of_what_is_not_used_become_zero_rather_than_subnormal_and_no_weight_changes():
    smallest = torch.finfo(torch.float32).tiny
    weights_without, without = rarely_used(settled=False)
    weights_with, settled = rarely_used(settled=True)
    assert (without["exp_avg"][1:].abs() < smallest).all()
    assert (without["exp_avg"][1:] != 0).all()
    assert (settled["exp_avg"][1:] == 0).all()
    assert torch.equal(weights_without, weights_with)


SUBNORMALS = """
import torch
from munmaek.fit.precision import flushing_subnormals

def share_of_zeros():
    return float((torch.full((4_000_000,), 1e-39) * 0.5 == 0).float().mean())

torch.set_num_threads(2)
with flushing_subnormals():
    assert share_of_zeros() == 1.0, share_of_zeros()
    with flushing_subnormals():
        pass
    assert share_of_zeros() == 1.0
assert float(torch.tensor(1e-39) * 0.5) != 0
"""


def test_subnormals_are_zero_in_every_thread_of_training_and_as_before_after_it():
    subprocess.run([sys.executable, "-c", SUBNORMALS], check=True)


def test_the_loop_settles_moments(tmp_path):
    class Once(Counting):
        """The last token occurs in the first batch alone."""

        def epoch(self, number):
            return [Rows(batch.ids % (VOCAB if number == index == 0 else VOCAB - 1))
                    for index, batch in enumerate(super().epoch(number))]  # fmt: skip

    network = Network()
    network.out.weight = nn.Parameter(network.out.weight.clone())
    config = TrainConfig(steps=1000, betas=(0.8, 0.95), learning_rate=1e-3)
    fit(network, Once(), config=config, run=Run(folder=tmp_path))
    moments = Store(tmp_path).newest().optimizer
    assert any(name.endswith("exp_avg") for name in moments)
    for value in moments.values():
        if value.is_floating_point():
            assert not ((value != 0) & (value.abs() < 1e-35)).any()


def test_only_matrices_decay():
    network = Network()
    decayed, plain = make_optimiser(network, TrainConfig()).param_groups
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert {names[id(p)] for p in decayed["params"]} == {"lstm.weight_ih_l0", "lstm.weight_hh_l0"}
    assert len(decayed["params"]) + len(plain["params"]) == len(list(network.parameters()))
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.01, 0.0)


def test_gradients_become_those_of_the_mean_and_no_longer_than_the_clip():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.grad = torch.tensor([[30.0, 40.0]])
    # Over 10 predictions the mean's gradient is (3, 4), of norm 5; clipped to 1: (0.6, 0.8).
    assert scale_gradients(layer, count=10, clip=1.0) == pytest.approx(5.0)
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[0.6, 0.8]]))
    assert scale_gradients(layer, count=1, clip=None) == pytest.approx(1.0)
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[0.6, 0.8]]))


class Clocked(Counting):
    """Steps and validations that take the seconds they are told to, on a clock of their own."""

    def __init__(self, monkeypatch, *, step, validation):
        super().__init__()
        self.step, self.validation = step, validation
        self.now = 100.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def loss(self, network, batch):
        if network.training:
            self.now += self.step
        return super().loss(network, batch)

    def validate(self, network):
        self.now += self.validation
        return super().validate(network)


@pytest.mark.parametrize("validation", [0.0, 0.1, 1.0, 9.0, 20.0])
@pytest.mark.parametrize("validations", [1, 10, 20])
def test_a_budget_is_kept_and_its_schedule_ends_within_it(monkeypatch, validation, validations):
    told = []
    task = Clocked(monkeypatch, step=0.5, validation=validation)
    config = TrainConfig(budget=60, validations=validations)
    result = fit(Network(), task, config=config, run=Run(report=told.append))
    assert result.stopped == "budget"
    assert result.seconds == pytest.approx(task.now - 100)
    assert 55 <= result.seconds <= 60 * 1.1
    assert result.curve[-1][0] == result.steps
    # The rate has come down to nearly nothing by the end.
    assert told[-1].learning_rate < 0.05 * max(one.learning_rate for one in told)
    assert told[-1].progress == 1.0
    assert [one.progress for one in told] == sorted(one.progress for one in told)


def test_costly_validations_become_fewer_under_a_budget(monkeypatch):
    task = Clocked(monkeypatch, step=0.5, validation=6.0)
    result = fit(Network(), task, config=TrainConfig(budget=60, validations=20))
    # One early on to know the cost and one at the end: 15 % of 60 s is 9 s, which affords one more
    # after the first at most, and that is the last.
    assert len(result.curve) == 2
    cheap = Clocked(monkeypatch, step=0.5, validation=0.01)
    result = fit(Network(), cheap, config=TrainConfig(budget=60, validations=20))
    assert len(result.curve) == 20


def test_a_budget_goes_on_where_it_was_after_an_interruption(monkeypatch, tmp_path):
    config = TrainConfig(budget=60)
    task = Clocked(monkeypatch, step=0.5, validation=1.0)
    _, part = trained(config, task=task, folder=tmp_path, should_stop=Interrupt(50))
    task.now += 10_000
    _, result = trained(config, task=task, folder=tmp_path, resume=True)
    assert part.seconds == 30
    assert (result.stopped, result.steps > part.steps) == ("budget", True)
    assert 55 <= result.seconds <= 66


class Interrupt:
    """Asks to stop after a number of steps."""

    def __init__(self, steps):
        self.left = steps

    def __call__(self):
        self.left -= 1
        return self.left == 0


CONFIG = TrainConfig(epochs=5, learning_rate=0.01, validations=7, accumulate=2)


@pytest.fixture(scope="module")
def uninterrupted():
    torch.set_num_threads(1)
    return trained(CONFIG)


@pytest.mark.parametrize("stops", [(1,), (4, 1, 5), (7, 3)])
def test_an_interrupted_run_goes_on_to_the_same_weights_to_the_bit(tmp_path, stops, uninterrupted):
    wanted, whole = uninterrupted
    for stop in stops:
        _, part = trained(CONFIG, folder=tmp_path, resume=True, should_stop=Interrupt(stop))
        assert part.stopped == "interrupted"
        assert part.curve[-1][0] == part.steps
    found, result = trained(CONFIG, folder=tmp_path, resume=True)
    assert same(found, wanted)
    assert (result.steps, result.epochs, result.tokens) == (whole.steps, whole.epochs, whole.tokens)
    assert result.curve == whole.curve
    assert result.stopped == whole.stopped
    # What the last checkpoint holds is a finished run: taking it up changes nothing.
    again, repeated = trained(CONFIG, folder=tmp_path, resume=True)
    assert same(again, wanted)
    assert repeated == result


def test_a_finished_run_goes_on_when_it_is_given_more_steps(tmp_path):
    trained(TrainConfig(steps=4), folder=tmp_path)
    _, result = trained(TrainConfig(steps=9), folder=tmp_path, resume=True)
    assert (result.steps, result.stopped) == (9, "steps")


def test_a_run_out_of_patience_stays_so(tmp_path):
    config = TrainConfig(steps=10, validations=5, patience=2)
    network = Network()
    fit(network, Scripted(3.0, 2.0, 3.0, 3.0), config=config, run=Run(folder=tmp_path))
    other = Network(seed=1)
    result = fit(other, Scripted(), config=config, run=Run(folder=tmp_path, resume=True))
    assert (result.stopped, result.steps) == ("patience", 8)
    assert same(state_of(other), state_of(network))


def child(folder, seconds):
    """Train in this process until it is killed, or to the end without ``seconds``."""
    torch.set_num_threads(1)
    task = Counting(pause=0.01)
    if seconds:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, seconds)
    config = CONFIG.model_copy(update={"checkpoint_every": 1e-9})
    network = Network()
    fit(network, task, config=config, run=Run(folder=folder, resume=True))
    save_file(weights(network), folder / "result.safetensors")


KILLS = """
import os, random, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import test_train
folder, killed = Path(sys.argv[2]), 0
for delay in [0.1] + [random.uniform(0.05, 0.35) for _ in range(3)] + [None]:
    process = os.fork()
    if not process:
        test_train.child(folder, delay)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    killed += os.WIFSIGNALED(status)
print(killed)
"""


def test_a_run_killed_at_any_moment_goes_on_to_the_same_weights_to_the_bit(tmp_path, uninterrupted):
    folder = tmp_path / "run"
    folder.mkdir()
    out = subprocess.run(
        [sys.executable, "-c", KILLS, str(Path(__file__).parent), str(folder)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    assert int(out.stdout) >= 1
    wanted, _ = uninterrupted
    found = load_file(folder / "result.safetensors")
    # Tied weights are kept once, under their first name.
    assert same(found, {name: wanted[name] for name in found})
    assert wanted.keys() - found.keys() == {"out.weight"}
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == [
        "step-14",
        "step-15",
    ]
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def break_off(path):
    path.write_bytes(path.read_bytes()[:-7])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("harm", [break_off, flip, Path.unlink])
@pytest.mark.parametrize(
    "name", ["model.safetensors", "best.safetensors", "optimizer.safetensors", "state.json"]
)
def test_a_harmed_checkpoint_is_passed_over_for_the_one_before(tmp_path, harm, name, uninterrupted):
    config = CONFIG.model_copy(update={"checkpoint_every": 1e-9})
    trained(config, folder=tmp_path, should_stop=Interrupt(9))
    store = Store(tmp_path)
    assert store.steps() == [9, 8]
    assert store.newest().step == 9
    harm(tmp_path / "checkpoints" / "step-9" / name)
    note = r"step-9: damaged; training goes on from step 8, the last whole checkpoint"
    with pytest.warns(MunmaekWarning, match=note):
        assert store.newest().step == 8
    with pytest.warns(MunmaekWarning, match=note):
        found, _ = trained(CONFIG, folder=tmp_path, resume=True)
    assert same(found, uninterrupted[0])


def test_a_state_file_with_another_number_in_it_is_not_believed(tmp_path):
    trained(TrainConfig(steps=3), folder=tmp_path)
    path = tmp_path / "checkpoints" / "step-3" / "state.json"
    path.write_text(path.read_text().replace('"tokens": ', '"tokens": 1'))
    with pytest.raises(ArtefactError, match="none of its 1 checkpoints is whole; --force"):
        Store(tmp_path).newest()


def test_a_full_disk_ends_the_run_and_leaves_the_last_checkpoint_whole(tmp_path):
    config = TrainConfig(steps=6)
    trained(config, folder=tmp_path, should_stop=Interrupt(2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(DiskError, match=r"step-3: cannot write: File too large.*; free space"):
            trained(config, folder=tmp_path, resume=True, should_stop=Interrupt(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-2"]
    found, _ = trained(config, folder=tmp_path, resume=True)
    assert same(found, trained(config)[0])


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"file.log\.jsonl: cannot write"):
        trained(TrainConfig(steps=2), folder=tmp_path / "file")


def test_checkpoints_of_an_earlier_run_are_never_overwritten(tmp_path):
    trained(TrainConfig(steps=3), folder=tmp_path)
    with pytest.raises(ArtefactError, match="holds checkpoints of an earlier run; resume it"):
        trained(TrainConfig(steps=3), folder=tmp_path)


def test_resuming_with_other_options_network_or_data_is_an_error(tmp_path):
    trained(TrainConfig(steps=8), folder=tmp_path, should_stop=Interrupt(3))
    with pytest.raises(ConfigError, match=r"seed was 0 and is now 1; give the same value"):
        trained(TrainConfig(steps=8, seed=1), folder=tmp_path, resume=True)
    with pytest.raises(InputError, match="epoch 0 had 6 batches and now has 4"):
        trained(TrainConfig(steps=8), folder=tmp_path, resume=True, task=Counting(batches=4))
    with pytest.raises(ArtefactError, match=r"the checkpoint lacks '0\.bias'"):
        fit(
            nn.Sequential(nn.Linear(2, 2)),
            Counting(),
            config=TrainConfig(steps=8),
            run=Run(folder=tmp_path, resume=True),
        )


def test_weights_of_another_shape_are_named():
    layer = nn.Linear(2, 3)
    with pytest.raises(ArtefactError, match=r"'bias' wanted \(3,\), got \(4,\)"):
        load_weights(layer, {**weights(layer), "bias": torch.zeros(4)})
    with pytest.raises(ArtefactError, match="the checkpoint also holds 'more'"):
        load_weights(layer, {**weights(layer), "more": torch.zeros(4)})


class Failing(Counting):
    """Not a number, in the loss of one batch or in its gradient alone."""

    def __init__(self, at, *, gradient=False):
        super().__init__()
        self.at, self.gradient = at, gradient

    def loss(self, network, batch):
        loss = super().loss(network, batch)
        if self.losses != self.at:
            return loss
        if self.gradient:
            # √x at 0: the value is 0 and its derivative infinite.
            bad = torch.sqrt(network.out.bias.sum() * 0)
            return Loss(loss.total + bad, loss.count)
        return Loss(loss.total * float("nan"), loss.count)


def test_a_loss_that_is_not_finite_names_its_step_and_batch_and_harms_no_checkpoint(tmp_path):
    config = TrainConfig(steps=20, validations=1, checkpoint_every=1e-9)
    wanted = r"step 9 \(epoch 2, batch 3 of 6\): the loss is nan; lower the learning rate"
    with pytest.raises(TrainingError, match=wanted):
        trained(config, folder=tmp_path, task=Failing(9))
    assert Store(tmp_path).newest().step == 8
    found, _ = trained(config, folder=tmp_path, resume=True)
    assert same(found, trained(config)[0])
    with pytest.raises(TrainingError, match=r"step 5 \(epoch 1, batch 5 of 6\): its gradient is"):
        trained(config, task=Failing(5, gradient=True))
    with pytest.raises(TrainingError, match=r"step 2: validation loss is nan"):
        trained(TrainConfig(steps=2, validations=1), task=Scripted(float("nan")))


def test_no_training_data_is_an_error():
    with pytest.raises(InputError, match="no training data"):
        trained(TrainConfig(steps=2), task=Counting(batches=0))


def test_an_option_that_is_unknown_or_out_of_range_is_named():
    with pytest.raises(ConfigError, match="unknown option 'learning_rat'"):
        TrainConfig.of({"learning_rat": 1.0})
    with pytest.raises(ConfigError, match=r"warmup = 1\.5"):
        TrainConfig.of({"warmup": 1.5})


def test_lower_precision_trains_to_about_the_same_loss():
    config = TrainConfig(steps=120, learning_rate=0.02)
    _, full = trained(config)
    _, half = trained(config.model_copy(update={"precision": "bfloat16"}))
    assert half.best_validation == pytest.approx(full.best_validation, abs=0.1)


def test_automatic_precision_is_what_is_faster(monkeypatch, tmp_path):
    device = torch.device("cpu")
    auto = TrainConfig(precision="auto", steps=4)
    assert resolve(auto, device) == ("bfloat16" if has_fast_bfloat16(device) else "float32")
    assert resolve(TrainConfig(), device) == "float32"
    assert not has_fast_bfloat16(torch.device("meta"))
    with autocast("bfloat16", device):
        assert torch.is_autocast_enabled("cpu")
    with autocast("float32", device):
        assert not torch.is_autocast_enabled("cpu")
    # A resumed run keeps what it began with, whatever a new measurement would say.
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda _device: True)
    trained(auto, folder=tmp_path, should_stop=Interrupt(2))
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda _device: False)
    found, _ = trained(auto, folder=tmp_path, resume=True)
    assert same(found, trained(TrainConfig(precision="bfloat16", steps=4))[0])
    assert not same(found, trained(auto)[0])


def test_a_log_that_was_cut_off_goes_on_without_the_broken_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    Log(tmp_path, every=1.0).begin(2)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'
