"""Training without a stage that is named: what is tried, what is kept."""

import json
import subprocess
import sys

import numpy as np
import pytest

import munmaek
from munmaek import choosing
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.running import Running
from munmaek.models import stages_for
from munmaek.tasks import TASKS, Candidate, task_named
from munmaek.tasks.optioned import sources_for

pytestmark = pytest.mark.filterwarnings("ignore:discounts of order")


class Clock:
    """A clock that goes on by a third of a second whenever it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.33
        return self.now


def rows(count=240):
    """Return texts whose label is told by a word, and one that is not among them."""
    rng = np.random.default_rng(3)
    words = {"good": ["fine", "lovely", "great"], "bad": ["dull", "awful", "poor"]}
    labels = ["good" if rng.random() < 0.5 else "bad" for _ in range(count)]
    texts = [f"a {rng.choice(words[each])} film number {rng.integers(40)}" for each in labels]
    return texts, labels


def lines(count=300):
    return [f"line {n % 13} says that {n % 7} and {n % 5} are {n % 35}" for n in range(count)]


def table(tmp_path):
    place = tmp_path / "rows.tsv"
    pairs = zip(*rows(), strict=True)
    body = "".join(f"{text}\t{label}\n" for text, label in pairs)
    place.write_text("text\tlabel\n" + body, encoding="utf-8")
    return place


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path_factory):
    """Keep what is measured of the machine out of the user's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_candidates_can_do_their_task_and_the_counted_come_first() -> None:
    for task in TASKS:
        able = {each.name: each.counted for each in stages_for(task.name)}
        kinds = [able[each.stage] for each in task.candidates]
        assert kinds == sorted(kinds, reverse=True)
        assert not kinds or False in kinds
        for each in task.candidates:
            assert each.options.keys() <= task.recipe_class().model_fields.keys()


def chosen(task, sources, budget, **more):
    row = task_named(task)
    data = sources_for(row, sources)
    running = Running(clock=Clock())
    return choosing.choose(task, data, {"train": {"budget": budget}, **more}, running=running)


def test_a_classifier_is_chosen_with_a_table_and_opens_like_any_other(tmp_path) -> None:
    texts, labels = rows()
    folder = tmp_path / "model"
    data = sources_for(task_named("classify"), (texts, labels))
    found = choosing.choose(
        "classify",
        data,
        {"train": {"budget": 12.0}},
        folder=folder,
        running=Running(clock=Clock()),
    )
    names = [each.name for each in found.tried]
    counted = ["ngram characters", "ngram"]
    learned = ["ngram characters discriminative", "ngram words discriminative"]
    assert names[:6] == [*counted, *learned, "attention", "rnn"]
    assert names[6].endswith(", the rest")
    assert [each.kept for each in found.tried].count(True) == 1
    model = munmaek.load(folder)
    assert model.info.training["tried"] == [each.to_json() for each in found.tried]
    assert [each.label for each in model.predict(texts[:3])] == [
        each.label for each in found.model.predict(texts[:3])
    ]
    best = max(each.score for each in found.tried if each.p_value is None or each.kept)
    kept = next(each for each in found.tried if each.kept)
    assert kept.score == best
    assert model.info.data["train"]["rows"] + model.info.data["valid"]["rows"] == len(texts)


def test_the_budget_is_divided_and_kept_by_the_clock_that_counts() -> None:
    found = chosen("classify", rows(120), 30.0)
    short = [each for each in found.tried if each.budget is not None]
    assert [each.budget for each in short[:2]] == [pytest.approx(30 / 6)] * 2
    assert 15 <= short[2].budget <= 30 * 2 / 3
    assert found.model.info.seconds <= 30 * 1.1
    for each in short:
        assert each.seconds <= 1.1 * each.budget + 2.0


def test_a_language_model_is_mixed_with_counts_of_its_own_tokens_where_that_pays() -> None:
    found = chosen("lm", (lines(600),), 6.0)
    assert [each.name for each in found.tried][:2] == ["ngram", "rnn, the rest"]
    mixed = found.tried[-1]
    assert mixed.p_value is not None
    kept = next(each for each in found.tried if each.kept)
    assert kept.score == min(
        each.score for each in found.tried if each.p_value is None or each.kept
    )
    assert sum(np.exp(found.model.model.logprobs(found.model.model.start()))) == pytest.approx(1)


def test_a_mixture_that_does_not_pay_is_not_kept(monkeypatch) -> None:
    monkeypatch.setattr(choosing, "_SIGNIFICANT", 0.0)
    found = chosen("classify", rows(600), 8.0)
    assert found.tried[-1].p_value is not None
    assert not found.tried[-1].kept
    assert found.model.info.stage in {"ngram", "attention", "rnn"}


def test_one_network_alone_gets_all_of_the_budget(monkeypatch) -> None:
    row = task_named("regress")
    monkeypatch.setattr(
        choosing, "task_named", lambda _: type(row)(**_fields(row, Candidate("attention")))
    )
    texts, labels = rows(80)
    numbers = [1.0 if each == "good" else 0.0 for each in labels]
    found = chosen("regress", (texts, numbers), 3.0)
    assert [each.name for each in found.tried] == ["attention, the rest"]
    assert found.tried[0].budget > 2.5


def _fields(row, *candidates):
    values = {name: getattr(row, name) for name in row.__slots__}
    return {**values, "candidates": candidates}


def test_options_given_stand_and_those_of_a_stage_want_one() -> None:
    found = chosen("classify", rows(), 6.0, max_length=48)
    assert all(part.limit == 48 for part in getattr(found.model, "parts", [found.model]))
    with pytest.raises(ConfigError, match="give --model"):
        chosen("classify", rows(), 6.0, model={"hidden": 8})
    with pytest.raises(UnsupportedError, match="no candidates"):
        choosing.choose("embed", (), {"train": {"budget": 1.0}})
    with pytest.raises(ConfigError, match="or give --budget"):
        munmaek.train("classify", *rows())


def test_python_and_the_command_line_train_without_a_stage(tmp_path) -> None:
    model = munmaek.train("classify", *rows(120), budget=2)
    assert len(model.info.training["tried"]) >= 5
    words = ["train", "classify", str(table(tmp_path)), "--budget", "3s", "-o", tmp_path / "m"]
    done = subprocess.run(
        [sys.executable, "-m", "munmaek", *map(str, words), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["tried"][0]["name"] == "ngram characters"
    refused = subprocess.run(
        [sys.executable, "-m", "munmaek", *map(str, words[:-2]), "-o", "x", "--init", "y"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, "--init" in refused.stderr) == (2, True)
