"""Loggers that follow the trainings of a comparison: one run for each that is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import munmaek
from conftest import Run

TEXTS = ["좋은 영화", "나쁜 책", "아주 좋은 책", "정말 나쁜 영화"] * 10
LABELS = ["a", "b"] * 20
OPTIONS = ("--vocab-size", "280", "--device", "cpu", "--steps", "3")


class Kept:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []

    def start(self, recipe: Mapping[str, Any]) -> None:
        self.runs.append({"stage": recipe["stage"], "steps": [], "scores": None})

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        assert metrics
        self.runs[-1]["steps"].append(step)

    def finish(self, scores: Mapping[str, float]) -> None:
        self.runs[-1]["scores"] = dict(scores)


@pytest.mark.filterwarnings("ignore:discounts of order")
def test_each_training_is_a_run_that_ends_with_its_scores(tmp_path: Path) -> None:
    munmaek.train("classify", TEXTS, LABELS, model="ngram", order=2, vocab_size=280,
                  save=tmp_path / "earlier")  # fmt: skip
    kept = Kept()
    found = munmaek.compare(
        "classify", TEXTS, LABELS, models=["ngram", "rnn", tmp_path / "earlier"],
        test=(TEXTS, LABELS), steps=3, vocab_size=280, device="cpu", log_to=kept,
        model_options={"rnn": {"hidden_size": 4, "embedding_size": 4}},
    )  # fmt: skip
    assert [run["stage"] for run in kept.runs] == ["ngram", "rnn"]
    rows = {row["name"]: row["scores"] for row in found["models"]}
    for run in kept.runs:
        wanted = rows[f"classify-{run['stage']}"]
        assert run["scores"] == {name: each["value"] for name, each in wanted.items()}
    assert kept.runs[0]["steps"] == []
    assert kept.runs[1]["steps"][-1] == 3


def test_tensorboard_has_a_folder_for_each_network(tmp_path: Path, run: Run) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    table = tmp_path / "t.tsv"
    rows = [f"{text}\t{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    table.write_text("\n".join(["text\tlabel", *rows]), encoding="utf-8")
    asked = ("compare", table, "--task", "classify", "--models", "ngram,rnn", *OPTIONS)
    done = run(*asked, "--log-to", "tensorboard", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    written = sorted(tmp_path.glob("out/logs/*/tensorboard/events.out.tfevents*"))
    assert [each.parent.parent.name for each in written] == ["classify-rnn"]
    again = run(*asked, "--log-to", "tensorboard", "-o", tmp_path / "out", "--force")
    assert again.code == 0, again.err
    nowhere = run(*asked, "--log-to", "tensorboard")
    assert nowhere.code == 2
    unknown = run(*asked, "--log-to", "elsewhere", "-o", tmp_path / "other")
    assert unknown.code == 2
    assert "there are tensorboard, mlflow, wandb" in unknown.err
    assert not (tmp_path / "other").exists()
