"""Runs are told to loggers: your own, MLflow in a folder, Weights & Biases offline, TensorBoard."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import munmaek
from munmaek.cli import main
from munmaek.errors import ConfigError, TrainingError, UnsupportedError

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

BOOK = munmaek.phrasebook(pairs=240, valid=10, test=10).train[:80]
TEXTS, LABELS = [each.korean for each in BOOK], [each.label for each in BOOK]
SMALL: dict[str, Any] = {"model": "rnn", "hidden_size": 8, "embedding_size": 8, "steps": 6}


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def start(self, recipe: Any) -> None:
        self.events.append(("start", dict(recipe)))

    def log(self, step: int, metrics: Any) -> None:
        self.events.append(("log", (step, dict(metrics))))

    def finish(self, scores: Any) -> None:
        self.events.append(("finish", dict(scores)))


def test_a_logger_of_ones_own_is_told_recipe_lines_and_scores(tmp_path: Path) -> None:
    told = Told()
    assert isinstance(told, munmaek.Logger)
    model = munmaek.train("classify", TEXTS, LABELS, log_to=told, save=tmp_path / "m", **SMALL)
    kinds = [kind for kind, _ in told.events]
    assert (kinds[0], kinds[-1]) == ("start", "finish")
    assert set(kinds[1:-1]) == {"log"}
    assert told.events[0][1]["model"] == {"hidden": 8, "embedding": 8}
    lines = [json.loads(line) for line in (tmp_path / "m" / "log.jsonl").read_text().splitlines()]
    assert [{"step": step, **each} for _, (step, each) in told.events[1:-1]] == lines
    scores = {name: each["value"] for name, each in model.info.scores.items()}
    assert told.events[-1] == ("finish", scores)


def test_without_a_folder_and_of_counted_models_loggers_are_told_too() -> None:
    for options in (SMALL, {"model": "ngram", "order": 2, "hold_out": 20}):
        told = Told()
        munmaek.train("classify", TEXTS, LABELS, log_to=[told], **options)
        assert [kind for kind, _ in told.events].count("finish") == 1
        assert ("log" in {kind for kind, _ in told.events}) == (options is SMALL)
        assert "accuracy" in told.events[-1][1]


def test_a_run_that_fails_is_finished_without_scores_and_the_model_is_the_same() -> None:
    told = Told()
    with pytest.raises(TrainingError):
        munmaek.train("classify", TEXTS, LABELS, log_to=told, learning_rate=1e30, **SMALL)
    assert told.events[-1] == ("finish", {})
    plain = munmaek.train("classify", TEXTS, LABELS, **SMALL)
    followed = munmaek.train("classify", TEXTS, LABELS, log_to=Told(), **SMALL)
    assert (plain.logprobs(TEXTS) == followed.logprobs(TEXTS)).all()


def test_names_that_are_none_and_packages_that_are_missed_are_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--log-to mlfow: there are tensorboard, mlflow, wandb"):
        munmaek.train("classify", TEXTS, LABELS, log_to="mlfow", **SMALL)
    with pytest.raises(ConfigError, match=r"tensorboard.*give save="):
        munmaek.train("classify", TEXTS, LABELS, log_to="tensorboard", **SMALL)
    with pytest.raises(ConfigError, match="n-grams are counted in one go"):
        munmaek.train("lm", TEXTS, model="ngram", log_to="tensorboard", save=tmp_path / "lm")
    for name, module in (("mlflow", "mlflow"), ("wandb", "wandb")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(UnsupportedError, match=rf"pip install 'munmaek\[{name}\]'"):
            munmaek.train("classify", TEXTS, LABELS, log_to=name, save=tmp_path / name, **SMALL)
        assert not any(tmp_path.iterdir())


def write_table(folder: Path) -> Path:
    rows = [f"{text}\t{label}\n" for text, label in zip(TEXTS, LABELS, strict=True)]
    (folder / "data.tsv").write_text("".join(rows), encoding="utf-8")
    return folder / "data.tsv"


@pytest.mark.filterwarnings("ignore")
def test_mlflow_has_a_run_with_parameters_curve_and_scores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mlflow: Any = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    options = "--model rnn --hidden-size 8 --embedding-size 8 --steps 6"
    command = f"train classify {write_table(tmp_path)} {options} -o {tmp_path / 'm'}"
    assert main([*command.split(), "--log-to", "mlflow"]) == 0
    client = mlflow.MlflowClient()
    run = client.search_runs(["0"])[0]
    assert run.info.status == "FINISHED"
    assert run.data.params["model.hidden"] == "8"
    scores = munmaek.load(tmp_path / "m").info.scores
    assert run.data.metrics["accuracy"] == pytest.approx(scores["accuracy"]["value"])
    curve = [each.step for each in client.get_metric_history(run.info.run_id, "validation")]
    assert curve
    assert max(curve) == 6
    with mlflow.start_run() as outer:
        munmaek.train("classify", TEXTS, LABELS, log_to="mlflow", **SMALL)
        assert mlflow.active_run().info.run_id == outer.info.run_id


@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases_writes_a_run_offline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    munmaek.train("classify", TEXTS, LABELS, log_to="wandb", **SMALL)
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    wanted = (b"classify-rnn", b"validation", b"accuracy", b"model.hidden")
    path = next(run.glob("run-*.wandb"))
    for _ in range(100):  # their service writes after the run is finished
        if all(name in path.read_bytes() for name in wanted):
            break
        time.sleep(0.1)
    assert [name for name in wanted if name not in path.read_bytes()] == []


def test_tensorboard_is_a_logger_too(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    munmaek.train("classify", TEXTS, LABELS, log_to="tensorboard", save=tmp_path / "m", **SMALL)
    assert any((tmp_path / "m" / "tensorboard").glob("events.out.tfevents*"))
