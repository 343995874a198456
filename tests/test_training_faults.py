"""What is wrong with how a model was trained is found, said after training, and kept with it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from munmaek.comparison.reading import read_rows
from munmaek.comparison.report import render_report
from munmaek.fit.examining import examined
from munmaek.fit.fingerprints import fingerprints, unmoved_since
from munmaek.fit.record import FitResult
from munmaek.fit.run import RunState
from munmaek.metrics.training import (
    TRAINING_FAILURES,
    loss_stands,
    one_label,
    one_value,
    unmoved_weights,
    unread_data,
)
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.catalogue import Catalogue

LABELS = ["good", "bad"] * 30


@pytest.mark.parametrize(
    ("epochs", "found"), [(0.2, True), (0.999, True), (1.0, False), (3, False)]
)
def test_a_run_within_its_first_epoch_has_not_read_its_data(epochs: float, found: bool) -> None:
    finding = unread_data(epochs, steps=7)
    assert finding.found is found
    assert ("less than one epoch (7 steps)" in finding.message) is found


@pytest.mark.parametrize(
    ("opening", "closing", "found"),
    [(3.0, 3.0, True), (3.0, 2.98, True), (3.0, 2.9, False), (3.0, 3.4, True), (0.0, 0.0, False)],
)
def test_a_loss_that_did_not_fall_by_a_hundredth_stands(
    opening: float, closing: float, found: bool
) -> None:
    assert loss_stands(opening, closing, steps=9).found is found


def test_one_label_for_texts_of_several_is_found_and_named() -> None:
    finding = one_label(["good"] * 60, LABELS)
    assert finding is not None
    assert finding.found
    assert "each of 60 texts one and the same label, 'good', of the 2" in finding.message
    assert not one_label(LABELS, LABELS).found


def test_one_label_says_nothing_of_few_texts_or_of_texts_that_have_one() -> None:
    assert one_label(["good"] * 5, LABELS[:5]) is None  # two with the other label
    assert one_label(["good"] * 60, ["good"] * 60) is None


def test_one_value_for_texts_of_several_is_found() -> None:
    gold = np.linspace(0.0, 5.0, 60)
    assert one_value(np.full(60, 2.5), gold).found
    assert not one_value(gold + 1, gold).found
    assert one_value(np.full(60, 2.5), np.full(60, 2.0)) is None
    assert one_value(np.empty(0), np.empty(0)) is None


def test_the_opening_loss_is_that_of_the_first_ten_steps_and_of_the_first_half_of_few() -> None:
    state = RunState(batches=100)
    for step in range(1, 31):
        state.stepped(batches=1, tokens=1, loss=2.0 * (40 - step), count=2)
        if step == 4:
            assert state.opening_loss == pytest.approx((39 + 38) / 2)
    assert state.opening_loss == pytest.approx(np.mean([40 - step for step in range(1, 11)]))
    assert state.closing_loss < state.opening_loss
    again = RunState.of(json.loads(json.dumps(state.values())))
    assert again.opening_loss == state.opening_loss


# --- weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
def test_a_tensor_that_changes_by_one_bit_has_moved(kind: torch.dtype) -> None:
    network = nn.Linear(4, 3).to(kind)
    before = fingerprints(network)
    assert unmoved_since(before, network) == ["weight", "bias"]
    with torch.no_grad():
        first = network.weight.view(torch.int16 if kind == torch.bfloat16 else torch.int32)
        first[0, 0] ^= 1
    network.bias.grad = torch.zeros_like(network.bias)
    assert unmoved_since(before, network) == ["bias"]
    network.bias.grad = None  # it takes no part in the loss
    assert unmoved_since(before, network) == []


def test_frozen_weights_are_not_looked_at() -> None:
    network = nn.Linear(4, 3)
    network.bias.requires_grad_(False)
    assert list(fingerprints(network)) == ["weight"]


def test_unmoved_weights_are_counted_and_named() -> None:
    finding = unmoved_weights(["a", "b", "c", "d"], tensors=9)
    assert finding.found
    assert "4 of 9 weight tensors never moved in training (a, b, c, …)" in finding.message
    assert not unmoved_weights([], tensors=9).found


def test_what_goes_on_from_a_model_of_the_task_need_not_lower_its_loss() -> None:
    result = FitResult(9, 1.0, 1.0, 9, 1.0, 1.0, "steps", (), opening_loss=1.0, closing_loss=1.0)
    fresh, begun = (
        {each.name for each in examined(result, unmoved=[], tensors=1, begun=each) if each.found}
        for each in (False, True)
    )
    assert fresh == {"loss_stands"}
    assert begun == set()


# --- from training to the report -------------------------------------------------------------


def _table(folder: Path) -> Path:
    rows = [
        f"이 영화 {'좋다' if i % 2 else '싫다'} {i}\t{'good' if i % 2 else 'bad'}"
        for i in range(240)
    ]
    path = folder / "reviews.tsv"
    path.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def _recipe(task: str, stage: str, **options: Any) -> Recipe:
    small = {"rnn": {"embedding": 8, "hidden": 8}, "attention": {"embedding": 8, "hidden": 8}}
    usual = {"tokenizer": "characters", "max_tokens": 128, "model": small[stage]}
    return Recipe.of({"task": task, "stage": stage, **usual, **options})


def _found(folder: Path) -> set[str]:
    diagnosis = load(folder).info.training["diagnosis"]
    assert {each["name"] for each in diagnosis} <= set(TRAINING_FAILURES)
    return {each["name"] for each in diagnosis if each["found"]}


def test_a_classifier_that_learned_nothing_says_so_in_all_ways(tmp_path: Path) -> None:
    asked = _recipe("classify", "rnn", train={"steps": 2, "learning_rate": 1e-12})
    train_recipe(asked, [_table(tmp_path)], folder=tmp_path / "model")
    assert _found(tmp_path / "model") == {
        "unread_data", "loss_stands", "unmoved_weights", "one_label",
    }  # fmt: skip


def test_a_classifier_that_learned_has_no_fault(tmp_path: Path) -> None:
    asked = _recipe("classify", "rnn", train={"epochs": 12, "learning_rate": 2e-2})
    train_recipe(asked, [_table(tmp_path)], folder=tmp_path / "model")
    assert _found(tmp_path / "model") == set()


def test_training_warns_on_the_command_line_and_compare_marks_the_row(run, tmp_path: Path) -> None:
    table = _table(tmp_path)
    asked = ("--tokenizer", "characters", "--epochs", 0.1)
    trained = run("train", "classify", table, "--model", "rnn", *asked, "-o", tmp_path / "model")
    assert trained.code == 0, trained.err
    assert any(
        line.startswith("warning: trained on ") and "less than one epoch" in line
        for line in trained.err.splitlines()
    )
    models = ("--task", "classify", "--models", "ngram,rnn", *asked)
    compared = run("compare", table, *models, "-o", tmp_path / "out", "--json")
    assert compared.code == 0, compared.err
    assert "warning: classify-rnn: trained on " in compared.err
    assert "warning: classify-ngram" not in compared.err
    results = compared.rows[0]
    counted, network = read_rows(results)
    assert counted.faults(Catalogue()) == ()
    assert len(network.faults(Catalogue())) >= 1
    for language in ("en", "ko"):
        page = render_report(results, language=language)
        assert page.count("\u26a0") >= 3  # its bar, its row of the table, and the heading
        assert network.faults(Catalogue(language))[0] in page


def test_each_run_of_several_seeds_is_warned_of(run, tmp_path: Path) -> None:
    asked = ("--tokenizer", "characters", "--epochs", 0.1, "--seeds", "1,2", "--json")
    found = run(
        "train", "classify", _table(tmp_path), "--model", "rnn", *asked, "-o", tmp_path / "m"
    )
    assert found.code == 0, found.err
    for each, seed in zip(found.rows[0]["runs"], (1, 2), strict=True):
        assert each["faults"]
        assert f"warning: seed {seed}, 228 rows: trained on " in found.err


def test_a_report_without_faults_has_no_mark() -> None:
    row = {"name": "lm-rnn", "task": "lm", "stage": "rnn", "label": "LSTM", "scores": {},
           "diagnosis": [unread_data(2.0, steps=9).to_json()]}  # fmt: skip
    assert "\u26a0" not in render_report({"format": 1, "models": [row]})
