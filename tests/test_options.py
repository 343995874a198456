"""Options: by task, read from their classes, under the field's names, found and printed."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from munmaek.declared import REQUIRED, fields_of
from munmaek.errors import ConfigError, MunmaekWarning
from munmaek.fit.config import TrainConfig
from munmaek.folder.manifest import render_manifest
from munmaek.models import stage_named, stages, stages_for
from munmaek.models.configuration import Config
from munmaek.models.renamed import RENAMED
from munmaek.tasks import tasks
from munmaek.tasks.recipe import Recipe

PAIRS = [(task, stage.name) for task in tasks() for stage in stages_for(task)]
CLASSES = {
    "munmaek.fit.config:TrainConfig": TrainConfig,
    **{task.recipe: task.recipe_class() for task in tasks().values()},
    **{stage.config: stage.config_class() for stage in stages().values()},
}


# Read from the source


@pytest.mark.parametrize("path", CLASSES)
def test_what_the_source_declares_is_what_the_class_has(path: str) -> None:
    declared, made = fields_of(path), CLASSES[path].model_fields
    assert declared.keys() == made.keys()
    for name, field in declared.items():
        own = made[name]
        assert (field.default is REQUIRED) == own.is_required(), name
        if not own.is_required():
            assert field.default == own.get_default(call_default_factory=True), name
        found = {
            bound: getattr(each, bound)
            for each in own.metadata
            for bound in ("ge", "gt", "le", "lt")
            if hasattr(each, bound)
        }
        assert field.bounds == found, name
        assert field.doc, f"{path}: {name} has no docstring"
        assert field.doc.endswith("."), name


@pytest.mark.parametrize("path", CLASSES)
def test_every_option_of_the_command_line_stands_for_a_key(path: str) -> None:
    made = CLASSES[path]
    assert set(made.options.values()) <= made.model_fields.keys()


def test_help_of_a_task_loads_no_torch_and_no_numpy() -> None:
    code = (
        "import sys\n"
        "from munmaek.cli import main\n"
        "assert main(['train', 'lm', '--help']) == 0\n"
        "assert not {'torch', 'numba', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


# By task


def test_help_says_what_each_verb_does_in_one_whole_line(run: Run) -> None:
    lines = run("--help").lines
    cut = [line for line in lines[lines.index("Commands:") :] if line.endswith("...")]
    assert not cut, "begin the docstring of the verb with a shorter sentence"


@pytest.mark.parametrize("verb", ["train", "config"])
def test_help_says_what_each_task_is_for_in_one_whole_line(run: Run, verb: str) -> None:
    lines = run(verb, "--help").lines
    for task in tasks().values():
        assert f"  {task.name:9}  {task.purpose[0].upper()}{task.purpose[1:]}." in lines


def _options(run: Run, *arguments: str) -> set[str]:
    shown = run("train", *arguments, "--help").out
    words = shown.partition("Examples")[0].replace("/", " ").split()
    return {word for word in words if word.startswith("--")}


def test_help_shows_the_options_of_the_task_and_of_the_stage(run: Run) -> None:
    lm, rnn, translate = _options(run, "lm"), _options(run, "lm", "--model", "rnn"), set[str]()
    translate = _options(run, "translate")
    assert {"--layers", "--order", "--heads", "--batch-size", "--memory"} <= lm
    assert {"--layers", "--hidden-size", "--dropout", "--learning-rate"} <= rnn
    assert not {"--order", "--heads", "--memory", "--label-smoothing"} & rnn
    assert {"--label-smoothing", "--alignment-supervision", "--max-length"} <= translate
    assert not {"--order", "--memory", "--calibrate", "--next-sentence"} & translate


def test_help_has_the_defaults_of_task_and_stage(run: Run) -> None:
    words = " ".join(run("train", "lm", "--model", "transformer", "--help").out.split())
    assert "end of the warm-up. [default: (0.0015)]" in words
    words = " ".join(run("train", "lm", "--help").out.split())
    assert "(rnn 0.003, self_attention 0.003, transformer 0.0015)" in words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("translate a b --smoothing 0.1", "--smoothing: for translate it is --label-smoothing"),
        ("lm a --label-smoothing 1", "--label-smoothing is for 'translate', not for 'lm'"),
        ("lm a --model rnn --heads 2", "--heads is for transformer; 'rnn' has no use for it"),
        ("lm a --model rnn --memory 2G", "--memory is for ngram; 'rnn' has no use for it"),
        ("lm a --model rnn --clip 2", "--clip: write --set train.clip=VALUE"),
        ("lm a --learnin-rate 1", "did you mean --learning-rate?"),
        ("embed a --label-smoothin 1", "for translate there is --label-smoothing"),
        ("lm a --model rnn --set depth", "wanted KEY=VALUE, model.KEY=VALUE or train.KEY=VALUE"),
        ("lm a --model rnn --set model.depth=3", "[model]: unknown option 'depth'"),
        ("lm a --model lstm --cell gru", "stage 'lstm' has cell = 'lstm', not 'gru'"),
        ("lm a --model rnn --dropout 2", "dropout = 2.0: input should be less than 1"),
    ],
)
def test_an_option_that_is_not_there_is_told_with_the_right_one(
    run: Run, arguments: str, said: str
) -> None:
    done = run("train", *arguments.split())
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert said in done.err


def test_an_option_known_by_the_file_alone_is_checked_for_its_stage(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text('stage = "rnn"\n', encoding="utf-8")
    done = run("train", "lm", "a", "--config", tmp_path / "a.toml", "--heads", 2)
    assert "--heads is for transformer; 'rnn' has no use for it" in done.err


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman"])
def test_a_cell_is_a_name_of_its_stage(cell: str) -> None:
    recipe = Recipe(task="lm", stage=cell)
    assert (recipe.stage, recipe.stage_config().cell) == ("rnn", cell)


def test_a_recipe_is_of_its_tasks_class_and_refuses_what_others_have() -> None:
    for name, task in tasks().items():
        assert type(Recipe(task=name, stage=stages_for(name)[-1].name)) is task.recipe_class()
    with pytest.raises(ConfigError, match="pairs is for 'classify' and 'regress' and 'embed'"):
        Recipe(task="lm", stage="rnn", pairs=True)
    with pytest.raises(ConfigError, match=r"here: \[train\]: learning_rate = -1"):
        Recipe.of({"task": "lm", "stage": "rnn", "train": {"learning_rate": -1}}, where="here")


def test_a_changed_recipe_is_validated_and_resolved_anew() -> None:
    recipe = Recipe(task="lm", stage="rnn", model={"layers": 2})
    assert recipe.model_copy(update={"model": {"layers": 3}}).stage_config().layers == 3
    assert recipe.stage_config().layers == 2
    with pytest.raises(ConfigError, match="layers = 0"):
        recipe.model_copy(update={"model": {"layers": 0}})


def test_a_configuration_is_validated_once_in_a_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Counter[str]()
    validate = Config.given.__func__

    def counted(cls: Any, values: Any) -> Any:
        seen[cls.__name__] += 1
        return validate(cls, values)

    monkeypatch.setattr(Config, "given", classmethod(counted))
    text = tmp_path / "a.txt"
    text.write_text("나는 학교에서 공부한다\n그는 집에서 잔다\n" * 20, encoding="utf-8")
    sizes = ("--layers", 1, "--hidden-size", 6, "--embedding-size", 4, "--steps", 1)
    asked = ("train", "lm", text, "--model", "gru", "--tokenizer", "words", *sizes)
    assert run(*asked, "-o", tmp_path / "m").code == 0
    assert seen == {"LmRecipe": 1, "RnnConfig": 1, "TrainConfig": 1}


# Names of earlier versions


def test_every_new_name_of_the_table_is_a_key() -> None:
    recipes = {name for task in tasks().values() for name in task.recipe_class().model_fields}
    assert set(RENAMED["recipe"].values()) <= recipes
    assert set(RENAMED["train"].values()) <= TrainConfig.model_fields.keys()


def test_an_old_name_is_read_and_the_new_one_told() -> None:
    with pytest.warns(MunmaekWarning, match="smoothing is called label_smoothing now"):
        recipe = Recipe(task="translate", stage="attention", smoothing=0.2)
    assert recipe.label_smoothing == 0.2
    with pytest.warns(MunmaekWarning, match="optimiser is called optimizer now"):
        assert TrainConfig.of({"optimiser": "sgd"}).optimizer == "sgd"
    with pytest.raises(ConfigError, match="rows is batch_size today, and both are given"):
        Recipe(task="lm", stage="rnn", rows=2, batch_size=3)


def test_the_smoothing_of_n_grams_keeps_its_name() -> None:
    recipe = Recipe(task="lm", stage="ngram", model={"smoothing": "witten-bell"})
    assert recipe.stage_config().smoothing.name == "witten-bell"


def test_a_file_of_an_earlier_version_is_read_and_told_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text("rows = 3\n[train]\noptimiser = 'sgd'\n", encoding="utf-8")
    done = run("config", "lm", "--model", "rnn", "--config", tmp_path / "old.toml")
    assert done.code == 0
    assert done.err.count("rows is called batch_size now") == 1
    assert done.err.count("optimiser is called optimizer now") == 1
    assert {"batch_size = 3", 'optimizer = "sgd"'} <= set(done.lines)


# Printed


@pytest.mark.parametrize(("task", "stage"), PAIRS)
def test_a_printed_configuration_is_read_back(
    run: Run, tmp_path: Path, task: str, stage: str
) -> None:
    printed = run("config", task, "--model", stage, "--seed", 3, "--vocab-size", 99)
    lines = printed.lines
    given = tomllib.loads(printed.out)
    assert {name: value for name, value in given.items() if value} == {
        "stage": stage, "seed": 3, "vocab_size": 99
    }  # fmt: skip
    full = "\n".join(line[1:] if line[:1] == "#" and line[1:2] != " " else line for line in lines)
    known = "\n".join(line for line in full.splitlines() if not line.endswith("="))
    (tmp_path / "all.toml").write_text(known, encoding="utf-8")
    again = Recipe.of({**tomllib.loads(known), "task": task})
    expected = Recipe.of({"task": task, "stage": stage, "seed": 3, "vocab_size": 99})
    assert again.stage_config() == expected.stage_config()
    assert again.train_config() == expected.train_config()
    own = set(type(again).model_fields) - {"model", "train"}
    assert all(getattr(again, name) == getattr(expected, name) for name in own)
    keys = {line.partition(" =")[0] for line in full.splitlines() if " =" in line}
    classes = (type(again), stage_named(stage).config_class(), TrainConfig)
    assert {name for each in classes for name in each.model_fields} - {
        "task",
        "model",
        "train",
    } <= keys


def test_a_printed_configuration_has_what_was_given(run: Run) -> None:
    asked = ("--model", "attention", "--set", "model.paper=luong2015", "--epochs", 2)
    done = run("config", "translate", *asked)
    assert {'paper = "luong2015"', "epochs = 2.0", '#score = "general"'} <= set(done.lines)
    options = run("config", "translate", *asked, "--json").rows[0]["options"]
    found = {each["key"]: each["value"] for each in options}
    assert (found["model.layers"], found["train.epochs"], found["max_length"]) == (4, 2.0, 256)


def test_info_tells_what_a_model_is_and_the_command_that_made_it(run: Run, tmp_path: Path) -> None:
    text, model = tmp_path / "a b.txt", tmp_path / "m"
    text.write_text("나는 학교에서 공부한다\n그는 집에서 잔다\n" * 20, encoding="utf-8")
    asked = ("train", "lm", text, "--model", "ngram", "--order", 2, "--hold-out", 4, "-o", model)
    assert run(*asked).code == 0
    done = run("info", model)
    command = f"munmaek train lm '{text}' --model ngram --order 2 --hold-out 4 -o {model}"
    assert done.lines[0] == f"{model}: 2-gram, to predict each next token of a text"
    assert f"command     {command}" in done.lines
    assert {"task        lm", "[model]", "order = 2"} <= set(done.lines)
    assert "train       a b.txt, 36 rows" in done.lines
    assert any(line.startswith("perplexity") for line in done.lines)
    told = run("info", model, "--json").rows[0]
    assert (told["command"], told["config"]["order"], told["stage"]) == (command, 2, "ngram")
    manifest = model / "munmaek.json"
    record = json.loads(manifest.read_text(encoding="utf-8"))
    del record["command"]
    manifest.write_text(render_manifest(record), encoding="utf-8")
    assert "command     not known" in run("info", model).out


# Of other packages


def test_options_of_another_package_are_read_with_what_they_inherit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere.py").write_text(
        "from typing import ClassVar\n"
        "from munmaek.tasks.recipe import Texts\n"
        "class Own(Texts):\n"
        "    training: ClassVar[tuple[str, ...]] = ('width',)\n"
        "    width: int = 3\n"
        '    """Width of it."""\n',
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = fields_of("elsewhere:Own")
    assert {"tokenizer", "seed", "text_column", "width"} <= found.keys()
    assert (found["width"].default, found["width"].doc) == (3, "Width of it.")
