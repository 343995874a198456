"""Models that are small enough to see: sizes by stage, over which whatever is given wins."""

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from munmaek.errors import ConfigError
from munmaek.fit.recipe import SMALL_STEPS
from munmaek.models import Stage, stage_named, stages, stages_for
from munmaek.tasks import tasks
from munmaek.tasks.recipe import Recipe

PAIRS = [(task, stage.name) for task in tasks() for stage in stages_for(task)]
WIDTHS = ("embedding", "hidden", "encoder_hidden", "dimension", "hidden_size")
LAYERS = ("layers", "encoder_layers", "num_hidden_layers")
HEADS = ("heads", "num_attention_heads")


def small(task: str, stage: str, **options: Any) -> Recipe:
    return Recipe.of({"task": task, "stage": stage, "small_enough_to_see": True, **options})


@pytest.mark.parametrize(("task", "stage"), PAIRS)
def test_every_stage_is_four_to_eight_wide_with_one_layer(task: str, stage: str) -> None:
    recipe = small(task, stage)
    config = recipe.stage_config().model_dump()
    assert all(4 <= config[name] <= 8 for name in WIDTHS if name in config)
    assert all(config[name] in (1, None) for name in LAYERS if name in config)
    assert all(config[name] <= 2 for name in HEADS if name in config)
    assert (recipe.tokenizer, recipe.vocab_size) == ("words", 500)
    if not recipe.is_counted:
        assert recipe.train_config().steps == SMALL_STEPS
        assert recipe.train_config().epochs is None


def test_whatever_is_given_wins() -> None:
    recipe = small(
        "translate",
        "transformer",
        tokenizer="characters",
        vocab_size=90,
        model={"dimension": 6, "layers": 2},
        train={"epochs": 3.0, "learning_rate": 0.5},
    )
    config, training = recipe.stage_config(), recipe.train_config()
    assert (config.dimension, config.layers, config.heads) == (6, 2, 2)
    assert (recipe.tokenizer, recipe.vocab_size) == ("characters", 90)
    assert (training.epochs, training.steps, training.learning_rate) == (3.0, None, 0.5)


def test_an_alias_keeps_its_cell_and_a_copy_its_sizes() -> None:
    recipe = small("lm", "elman")
    assert (recipe.stage, recipe.stage_config().cell) == ("rnn", "elman")
    again = recipe.model_copy(update={"model": {**recipe.model, "hidden": 5}})
    assert (again.stage_config().hidden, again.stage_config().embedding) == (5, 6)


def test_a_folder_that_brings_its_tokenizer_is_given_no_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "munmaek.json").write_text("{}", encoding="utf-8")
    recipe = small("lm", "rnn", tokenizer=str(tmp_path))
    assert "vocab_size" not in recipe.model_fields_set


def test_a_stage_of_others_without_small_sizes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Stage("theirs", "", "", "", stage_named("rnn").config, stage_named("rnn").networks)
    known = {**stages(), "theirs": row}
    monkeypatch.setattr("munmaek.fit.recipe.stages", lambda: known)
    with pytest.raises(ConfigError, match="'theirs' has no small sizes of its own"):
        small("lm", "theirs")


def test_a_small_translator_is_trained_and_says_its_sizes(run: Run, tmp_path: Path) -> None:
    pairs = [("나는 너를 사랑해", "I love you"), ("너는 나를 사랑해", "you love me")] * 40
    data = tmp_path / "pairs.tsv"
    data.write_text("".join(f"{ko}\t{en}\n" for ko, en in pairs), encoding="utf-8")
    command = ("train", "translate", data, "--model", "attention", "--small-enough-to-see")
    done = run(*command, "--steps", "5", "-o", tmp_path / "model", "--json")
    assert done.code == 0
    told = json.loads((tmp_path / "model" / "munmaek.json").read_text(encoding="utf-8"))
    assert told["config"]["hidden"] == 8
    assert told["training"]["steps"] == 5
    begun = run(*command, "--init", tmp_path / "model", "-o", tmp_path / "other")
    assert begun.code == 2
    assert "--small-enough-to-see" in begun.err
