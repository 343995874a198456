"""The cost of a run beforehand: of every task, in one process and in several."""

import json
from pathlib import Path
from typing import Any

import pytest

from munmaek.cli import main
from munmaek.fit.config import TrainConfig
from munmaek.fit.forecast import WIRE, _Pace, _Run
from munmaek.models import stages_for
from munmaek.tasks import tasks
from test_memory import SIZES, write

Output = pytest.CaptureFixture[str]


def command(task: str, stage: str, folder: Path, *more: str) -> list[str]:
    sizes = [f"--{name.replace('_', '-')}={size}" for name, size in SIZES[stage].items()]
    if "intermediate_size" in SIZES[stage]:
        sizes[-1] = f"--set=model.{sizes[-1].removeprefix('--').replace('-', '_')}"
    paths = [str(path) for path in write(folder, task)]
    usual = ["--vocab-size", "300", "--device", "cpu", "--dry-run", "--json"]
    return ["train", task, *paths, "--model", stage, *sizes, *usual, *more]


@pytest.mark.parametrize("task", tasks())
def test_every_task_is_forecast_and_nothing_is_left(
    task: str, tmp_path: Path, capsys: Output
) -> None:
    stage = [each.name for each in stages_for(task) if not each.counted][-1]
    more = ("--steps", "6", "--shards", "3")
    assert main(command(task, stage, tmp_path, *more)) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["step_seconds"] * 6 == pytest.approx(found["seconds"])
    assert found["tokens"] > 0
    assert found["shards"] == 3
    assert [each["processes"] for each in found["shares"]] == [2]
    assert found["shares"][0]["bytes_per_step"] == 4 * found["parameters"]
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_what_is_counted_has_no_steps(tmp_path: Path, capsys: Output) -> None:
    assert main(command("lm", "ngram", tmp_path)) == 2
    assert "--dry-run: n-grams are counted in one go" in capsys.readouterr().err


def test_shares_are_worked_out() -> None:
    config = TrainConfig(epochs=2, shards=4, accumulate=2)
    run = _Run(config, batches=20, divided=False, parameters=1_000_000)
    pace = _Pace(batch=0.5, update=0.25)
    one, two, three = (run.share(processes, pace) for processes in (1, 2, 3))
    # 4 shards of 2 batches; 3 steps of 8, 8 and 4 batches an epoch, of which the last counts whole.
    assert one.step_seconds == 4 * 2 * 0.5 + 0.25
    assert one.seconds == 2 * 3 * one.step_seconds
    assert (one.bytes_per_step, two.bytes_per_step) == (0, 4_000_000)
    assert two.step_seconds == 2 * 2 * 0.5 + 0.25 + 4_000_000 / WIRE
    # Of three processes one has two shards.
    assert three.step_seconds == 2 * 2 * 0.5 + 0.25 + 5_333_333 / WIRE
    # Weights, gradients and two moments, and the gradients as they are exchanged and summed.
    assert (run.memory, two.memory) == (16_000_000, 24_000_000)
    divided = _Run(config, batches=20, divided=True, parameters=1_000_000).share(2, pace)
    # Each batch is shared out: two of four shards compute half of each of the two.
    assert divided.step_seconds == 2 * 2 * 0.5 / 4 + 0.25 + 4_000_000 / WIRE
