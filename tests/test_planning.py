"""Plans: what a budget chooses, from data, machine and measured runs."""

import itertools
import json
import math
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import munmaek
from munmaek.fit.extra import Extra
from munmaek.fit.running import Running
from munmaek.models import stage_named
from munmaek.pipeline import train_recipe
from munmaek.planning import making
from munmaek.planning.between import between, nearest, size_for
from munmaek.planning.cost import cost_of, sizes_for
from munmaek.planning.experience import _table, experiences
from munmaek.planning.facts import Facts, Side, facts_of
from munmaek.planning.plan import plan_for
from munmaek.planning.said import again, paragraph
from munmaek.planning.speed import Speed, cached_speed
from munmaek.tasks.recipe import Recipe

SPEED = Speed(products=100.0, half_products=0.0, threads=2, memory=16 << 30)
RUNS, STAGES = _table()
CASES = [("lm", "rnn"), *(("translate", each) for each in ("attention", "seq2seq", "transformer"))]
BUDGETS = [5, 60, 300, 1800, 7200, 36_000]


def facts(tokens, *, sides=1, hangul=0.0, follows=True):
    words = max(1, tokens // (2 * sides))
    side = Side(words, round(4.2 * words), max(1, words // 20), hangul)
    return Facts(max(1, words // 10), (side,) * sides, labels=2, follows=follows)


def recipe(task, stage, **train):
    return Recipe.of({"task": task, "stage": stage, "train": train})


def planned(task, stage, *, tokens=1_000_000, budget=1800.0, speed=SPEED, **more):
    of = facts(tokens, sides=2 if task == "translate" else 1, **more)
    found = plan_for(recipe(task, stage, budget=budget), of, speed)
    assert found is not None
    return found


def test_every_stage_has_runs_and_every_run_a_stage_that_is_known() -> None:
    assert {(each.task, each.stage) for each in RUNS} == {(e.task, e.stage) for e in STAGES}
    assert set(CASES) <= {(each.task, each.stage) for each in STAGES}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.stage}-{run.data}-{run.passes}")
def test_a_run_is_made_of_options_that_there_are_and_costs_what_the_table_says(run) -> None:
    values = {"task": run.task, "stage": run.stage, **run.recipe}
    made = Recipe.of({**values, "model": {**run.model, **run.size}, "train": dict(run.train)})
    vocabulary = 8000 if run.tokenizer == "bpe" else 10_003 if run.tokens < 1.5e6 else 33_281
    sizes = sizes_for(run.stage, run.task, vocabulary=vocabulary, labels=2)
    assert cost_of(run.stage, run.task, made.stage_config(), sizes).products == run.products
    Extra(**run.extra)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.stage}-{run.data}-{run.passes}")
def test_on_the_data_and_time_of_a_run_the_options_are_those_of_the_run(run) -> None:
    runs = experiences(run.task, run.stage, follows=run.follows)
    at = {"passes": float(run.passes), "tokens": float(run.tokens)}
    assert nearest(runs, **at) == run
    for table in ("model", "recipe", "train", "extra"):
        assert between(runs, table, **at) == getattr(run, table)


@pytest.mark.parametrize(("task", "stage"), CASES)
def test_sizes_grow_with_the_budget_and_with_the_data(task, stage) -> None:
    runs = experiences(task, stage, follows=True)
    work = [10.0**power for power in range(8, 20)] + [math.inf]
    grown = [size_for(runs, each) for each in work]
    for before, after in itertools.pairwise(grown):
        assert all(after[name] >= width for name, width in before.items())
    by_budget = [planned(task, stage, budget=each).weights for each in BUDGETS]
    assert by_budget == sorted(by_budget)
    assert by_budget[0] < by_budget[-1]
    amounts = [3_000, 30_000, 300_000, 3_000_000]
    by_data = [planned(task, stage, tokens=each, budget=7200).weights for each in amounts]
    assert by_data == sorted(by_data)
    assert by_data[0] < by_data[-1]


@pytest.mark.parametrize(("task", "stage"), CASES)
def test_a_plan_never_takes_more_than_its_share_of_the_memory(task, stage) -> None:
    plenty = planned(task, stage, budget=36_000, tokens=50_000_000)
    for memory in (400 << 20, 200 << 20, 100 << 20):
        small = replace(SPEED, memory=memory)
        found = planned(task, stage, budget=36_000, tokens=50_000_000, speed=small)
        filled = found.filled(recipe(task, stage, budget=36_000))
        sizes = sizes_for(stage, task, vocabulary=8000, labels=2)
        cost = cost_of(stage, task, filled.stage_config(), sizes)
        widths = [each for name, each in found.model.items() if name in found.near.size]
        batch = 2 * recipe(task, stage).max_tokens
        fits = cost.memory(optimizer="adamw", batch=batch) <= memory / 2
        assert fits or max(widths) <= 32
        assert found.weights <= plenty.weights
    assert "memory" in found.reasons


@pytest.mark.parametrize(("task", "stage"), CASES)
def test_what_is_given_stands_and_counts(task, stage) -> None:
    near = planned(task, stage).near
    widths = dict.fromkeys(near.size, 64)
    width = next(iter(widths))
    values = {
        "task": task,
        "stage": stage,
        "max_tokens": 777,
        "model": {**widths, "dropout": 0.07},
        "train": {"budget": 1800.0, "learning_rate": 0.0123, "epochs": 3.0},
    }
    given = Recipe.of(values)
    of = facts(1_000_000, sides=2 if task == "translate" else 1)
    plan = plan_for(given, of, SPEED)
    filled = plan.filled(given)
    assert (filled.max_tokens, filled.model[width], filled.model["dropout"]) == (777, 64, 0.07)
    assert (filled.train["learning_rate"], filled.train["epochs"]) == (0.0123, 3.0)
    assert {"max_tokens", width, "dropout", "learning_rate"} <= set(plan.given)
    assert plan.options().keys().isdisjoint({"max_tokens", f"model.{width}", "model.dropout"})
    usual = planned(task, stage)
    assert plan.speed > usual.speed or plan.passes == usual.passes  # a small one reads more


def test_epochs_and_steps_alone_are_no_plan_so_that_they_give_the_same_everywhere() -> None:
    of = facts(1_000_000)
    for limit in ({"epochs": 2.0}, {"steps": 10}):
        assert plan_for(recipe("lm", "rnn", **limit), of, SPEED) is None
    assert plan_for(Recipe.of({"task": "lm", "stage": "ngram"}), of, SPEED) is None
    elman = Recipe.of({"task": "lm", "stage": "elman", "train": {"budget": 60.0}})
    assert plan_for(elman, of, SPEED) is None


def test_without_a_budget_the_plan_converges_and_asks_no_machine() -> None:
    of = facts(1_000_000)
    found = plan_for(recipe("lm", "rnn"), of, None)
    assert (found.train["epochs"], found.budget) == (40.0, None)
    assert found == plan_for(recipe("lm", "rnn"), of, None)
    assert found.train["optimizer"] == "sgd"


def test_a_plan_that_contradicts_what_is_given_leaves_the_network_alone() -> None:
    given = Recipe.of(
        {
            "task": "translate",
            "stage": "transformer",
            "model": {"heads": 7, "dimension": 63},
            "train": {"budget": 60.0},
        }
    )
    filled = plan_for(given, facts(500_000, sides=2), SPEED).filled(given)
    assert filled.stage_config().heads == 7


def test_little_time_says_that_counting_may_do_better() -> None:
    assert planned("lm", "rnn", budget=20, tokens=20_000_000).simpler == "ngram"
    assert planned("lm", "rnn", budget=1800).simpler == ""


def test_korean_is_cut_into_morphemes_where_kiwi_is_and_one_side_alone(monkeypatch) -> None:
    given = recipe("translate", "attention", budget=600.0)
    side = facts(500_000).sides[0]
    of = Facts(10_000, (replace(side, hangul=0.9), side))
    monkeypatch.setattr("munmaek.planning.plan.find_spec", lambda _: object())
    found = plan_for(given, of, SPEED).filled(given)
    assert found.tokenizers == ("morphemes+bpe", "bpe")
    assert not found.joint_vocabulary
    monkeypatch.setattr("munmaek.planning.plan.find_spec", lambda _: None)
    found = plan_for(given, of, SPEED).filled(given)
    assert found.tokenizers == ("bpe", "bpe")
    alike = plan_for(given, facts(500_000, sides=2), SPEED).filled(given)
    assert alike.joint_vocabulary


def test_links_guide_attention_only_where_the_recipe_lets_them_and_they_are_soon_made() -> None:
    little, much = facts(500_000, sides=2), facts(9_000_000, sides=2)
    plain = recipe("translate", "attention", budget=100.0)
    dropping = plain.model_copy(update={"bpe_dropout": 0.1})
    assert plan_for(plain, little, SPEED).beside(Extra()).alignment_supervision == "statistical"
    assert plan_for(dropping, little, SPEED).extra == {}
    assert plan_for(plain, much, SPEED).extra == {}
    given = Extra(alignment_supervision="links.jsonl")
    assert plan_for(plain, little, SPEED).beside(given) == given


def test_models_that_are_compared_keep_their_common_tokens() -> None:
    given = recipe("translate", "attention", budget=600.0)
    found = plan_for(given, facts(500_000, sides=2, hangul=0.9), SPEED, shared=True)
    assert found.recipe.keys().isdisjoint({"tokenizer", "source_tokenizer", "vocab_size"})
    assert "joint_vocabulary" not in found.recipe


def test_rows_that_go_on_are_told_from_rows_that_do_not() -> None:
    story = [f"the hero{n // 3} met the dragon{n // 3} at gate{n % 7}" for n in range(2000)]
    apart = story[::2][::-1]
    mixed = sorted(apart, key=lambda line: hash((len(line) * 7919, line[::-1])) % 1013)
    assert facts_of(story, in_order=True).follows
    assert not facts_of([f"word{n * 7919 % 997} and" for n in range(2000)], in_order=True).follows
    assert facts_of(mixed).follows is False  # nobody asked


def test_facts_are_counted_on_a_sample_and_scaled_up() -> None:
    of = facts_of(["한국어 글입니다 셋"] * 50_000, labels=3)
    assert (of.rows, of.sides[0].words, of.labels) == (50_000, 150_000, 3)
    assert of.sides[0].is_hangul
    assert of.tokens(["words"]) == 200_000


def test_a_paragraph_says_the_plan_in_both_languages() -> None:
    plan = planned("translate", "attention", budget=120, tokens=2_000_000)
    english, korean = (paragraph(plan.to_json(), plan.stage, each) for each in ("en", "ko"))
    assert "Planned for 2 min 00 s: attention" in english
    assert "예산에 맞춘 계획입니다: attention" in korean
    for text in (english, korean):
        assert f"{plan.tokens:,}" in text
        assert f"hidden {plan.model['hidden']}" in text
    assert "{" not in english + korean


def test_the_speed_kept_is_the_best_and_a_damaged_file_is_measured_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from munmaek.planning import speed

    monkeypatch.setattr(speed, "_products", lambda *_: 50.0)
    assert cached_speed().products == 50.0
    monkeypatch.setattr(speed, "_products", lambda *_: 20.0)
    assert cached_speed().products == 50.0
    (tmp_path / "munmaek" / "speed.json").write_text("{", encoding="utf-8")
    assert cached_speed().products == 20.0
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/no")
    assert cached_speed().products == 20.0


@pytest.fixture
def slow(monkeypatch):
    """Be a machine so slow that plans for seconds are small."""
    monkeypatch.setattr("munmaek.planning.speed.measured_speed", lambda _="cpu": SPEED)
    monkeypatch.setattr("munmaek.planning.speed._place", lambda: Path("/dev/null/no"))


def text(tmp_path):
    place = tmp_path / "text.txt"
    lines = [f"line {n % 13} says that {n % 7} and {n % 5} are {n % 35}" for n in range(300)]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place


class Clock:
    """A clock that goes on by a tenth of a second whenever it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.1
        return self.now


@pytest.mark.usefixtures("slow")
def test_a_planned_run_ends_in_time_by_its_own_clock(tmp_path) -> None:
    told = []
    clock = Clock()
    model = train_recipe(
        recipe("lm", "rnn", budget=6.0),
        [text(tmp_path)],
        folder=None,
        running=Running(planned=told.append, clock=clock),
    )
    assert 0.9 * 6 <= model.info.seconds <= 1.1 * 6
    assert model.info.training["plan"] == told[0].to_json()
    assert model.info.training["config"]["clip"] == told[0].train["clip"]


@pytest.mark.usefixtures("slow")
def test_the_same_plan_goes_on_after_an_interruption_on_a_faster_machine(
    tmp_path, monkeypatch
) -> None:
    steps = iter(range(4))
    folder, given = tmp_path / "model", recipe("lm", "rnn", budget=20.0)
    first, second = [], []
    train_recipe(
        given,
        [text(tmp_path)],
        folder=folder,
        running=Running(
            planned=first.append, clock=Clock(), should_stop=lambda: next(steps, None) is None
        ),
    )
    monkeypatch.setattr(
        "munmaek.planning.speed.measured_speed", lambda _="cpu": replace(SPEED, products=9e9)
    )
    model = train_recipe(
        given,
        [text(tmp_path)],
        folder=folder,
        running=Running(planned=second.append, clock=Clock(), resume=True),
    )
    assert first == second
    assert model.info.training["stopped"] in ("budget", "epochs")


@pytest.mark.usefixtures("slow")
def test_info_repeats_a_plan_as_a_command_that_trains_the_same_options(tmp_path) -> None:
    folder = tmp_path / "model"
    munmaek.train("lm", str(text(tmp_path)), model="lstm", budget=3, save=folder)
    record = json.loads((folder / "munmaek.json").read_text(encoding="utf-8"))
    plan = record["training"]["plan"]
    command = again(plan, "munmaek config lm --model lstm --set train.budget=3 --json")
    words = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "munmaek", *words], capture_output=True, text=True, check=True
    )
    found = {each["key"]: each["value"] for each in json.loads(done.stdout)["options"]}
    for name, value in plan["options"].items():
        assert found[name] == value
    for name, value in record["config"].items():
        assert found[f"model.{name}"] == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.usefixtures("slow")
def test_what_begins_from_a_model_or_runs_under_torchrun_is_not_planned(
    tmp_path, monkeypatch
) -> None:
    first = munmaek.train("lm", str(text(tmp_path)), model="lstm", steps=2, learning_rate=0.001)
    told = []
    second = munmaek.train("lm", str(text(tmp_path)), model="lstm", budget=1, init=first)
    assert "plan" not in second.info.training
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert making.planner_of(None, Running(planned=told.append), resume=False) is None
    assert told == []


def test_config_prints_what_the_budget_chooses(tmp_path) -> None:
    words = ["config", "lm", "--model", "rnn", "--budget", "5m", str(text(tmp_path)), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "munmaek", *words], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    values = {each["key"]: each["value"] for each in found["options"]}
    assert values["train.clip"] == found["plan"]["options"]["train.clip"]
    assert stage_named("rnn").config_class().of({}).layers != values["model.layers"]
