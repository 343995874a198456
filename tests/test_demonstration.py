import io
import json
from functools import partial

import pytest
import torch

from crew_support import Adding
from munmaek.cli.board import _Running, board
from munmaek.comparison import demonstration, lessons
from munmaek.comparison.crew import Begun, Ended, Going, Job, side_by_side
from munmaek.comparison.demonstration import demonstrate
from munmaek.comparison.demonstration_data import Data
from munmaek.comparison.demonstration_jobs import JOBS, LABELS
from munmaek.comparison.demonstration_plan import FULL, QUICK, Plan, Training
from munmaek.comparison.events import Message, StageFinished, StageProgress, StageStarted, TimeLeft
from munmaek.comparison.forecast import Forecast
from munmaek.comparison.lessons import Lesson, examine
from munmaek.comparison.report import render_report
from munmaek.errors import InputError, MunmaekWarning, TrainingError
from munmaek.phrases import LENGTHS, phrasebook
from munmaek.text.catalogue import Catalogue

pytestmark = pytest.mark.filterwarnings("ignore:discounts of order")
"""Of the few n-grams of a tiny demonstration."""

TINY = Plan(
    pairs=900,
    valid=60,
    test=120,
    longest=12,
    words=250,
    labelled=100,
    vocab_size=300,
    max_tokens=320,
    beam=1,
    edges=(3, 5),
    distances=(1, 2, 3),
    validations=1,
    trainings={name: Training(2, 1.0) for name in QUICK.trainings},
)
MACHINE = {"train_seconds", "tokens_per_second", "use_per_second", "created", "machine"}
"""What differs from run to run."""


def _numbers(value):
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items() if key not in MACHINE}
    return [_numbers(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A tiny demonstration in this process, and the events that it told of."""
    told = []
    folder = tmp_path_factory.mktemp("demo") / "here"
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        results = demonstrate(folder, TINY, report=told.append)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    return folder, results, told


def test_two_processes_give_the_numbers_of_one_whatever_its_threads(here, tmp_path):
    told = []
    demonstrate(tmp_path / "there", TINY, processes=2, report=told.append)
    one, two = (
        _numbers(json.loads((folder / "results.json").read_text(encoding="utf-8")))
        for folder in (here[0], tmp_path / "there")
    )
    assert one == two
    rows = [
        [e.row["name"] for e in each if isinstance(e, StageFinished)] for each in (here[2], told)
    ]
    assert rows[0] == rows[1]


def test_another_seed_gives_other_sentences():
    assert Data(TINY, 0).book == Data(TINY, 0).book
    assert Data(TINY, 0).book != Data(TINY, 1).book


def test_a_demonstration_tells_of_every_model_in_the_order_of_the_report(here):
    folder, results, told = here
    names = [row["name"] for row in results["models"]]
    assert names == [job.name for job in JOBS if job.name in LABELS]
    assert [e.row["name"] for e in told if isinstance(e, StageFinished)] == names
    assert {e.name for e in told if isinstance(e, StageStarted)} == set(names)
    assert sorted(path.name for path in (folder / "models").iterdir()) == sorted(
        set(names) - {"lm-mixture"}
    )


def test_what_two_steps_cannot_teach_is_warned_of_and_marked_in_the_report(here):
    folder, results, told = here
    warned = [e.text for e in told if isinstance(e, Message) and e.text.startswith("warning: ")]
    assert any("translate-attention: trained on" in text for text in warned)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "\u26a0" in page
    assert "This lesson failed here" in page
    failed = {each["name"]: each["why"] for each in results["lessons"] if not each["held"]}
    assert failed["translate.attention"] == "untrained"


def test_an_earlier_demonstration_is_not_replaced_unasked(here):
    with pytest.raises(InputError, match="--force"):
        demonstrate(here[0], TINY)


def test_the_plans_count_steps_and_no_seconds():
    for plan in (FULL, QUICK):
        assert set(plan.trainings) == {name for name in LABELS if "ngram" not in name} - {
            "lm-mixture"
        }
        for training in plan.trainings.values():
            assert training.steps > 0
            assert {"budget", "precision"}.isdisjoint(training.train)


def test_short_phrasebooks_have_no_long_sentences():
    book = phrasebook(pairs=400, valid=10, test=10, longest=12)
    lengths = [len(each.english.split()) for each in (*book.train, *book.valid, *book.test)]
    assert max(lengths) <= LENGTHS[1][1]
    assert len(lengths) == 400


# --- jobs side by side -----------------------------------------------------------------------


def _told(jobs, processes):
    told = []
    side_by_side(Adding, jobs, processes=processes, report=told.append)
    return told


@pytest.mark.parametrize("processes", [1, 2])
def test_jobs_begin_when_what_they_need_has_ended(processes):
    told = _told([Job("1+1"), Job("2+2"), Job("3+3", needs=("1+1", "2+2"))], processes)
    ends = {each.name: each.result for each in told if isinstance(each, Ended)}
    assert ends == {"1+1": 2, "2+2": 4, "3+3": 6}
    begun = told.index(Begun("3+3"))
    assert all(told.index(Ended(name, ends[name])) < begun for name in ("1+1", "2+2"))
    assert Going("3+3", 0.5, 1.0) in told


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_job_warns_of_is_warned_of_where_it_was_asked_for(processes):
    with pytest.warns(MunmaekWarning, match="one should know"):
        _told([Job("1+1"), Job("0+1")], processes)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_job_raises_is_raised_where_it_was_asked_for(processes):
    with pytest.raises(InputError, match="a line for the user"):
        _told([Job("1+1"), Job("wrong")], processes)


def test_a_process_that_dies_is_named_in_one_line():
    with pytest.raises(TrainingError, match="worked at killed ended with status -9"):
        _told([Job("killed"), Job("1+1")], 2)


# --- how long it takes -----------------------------------------------------------------------


def _forecast(processes=1, **costs):
    now = [0.0]
    return Forecast(costs, processes=processes, clock=lambda: now[0]), now


def test_the_time_left_is_measured_from_the_first_steps_on():
    forecast, now = _forecast(first=10.0, second=30.0)
    forecast.begun("first")
    now[0] = 5.0  # five seconds of reading data say nothing of the steps
    forecast.going("first", 0.0)
    assert forecast.left() is None
    now[0] = 9.0
    forecast.going("first", 0.2)
    # 2 of 10 took 4 seconds, so the other 8 and 30 take 76.
    assert forecast.left() == pytest.approx(76.0)
    assert forecast.total(76.0) == pytest.approx(85.0)
    assert forecast.share() == pytest.approx(2 / 40)


def test_the_time_left_is_that_of_the_process_that_ends_last():
    forecast, now = _forecast(processes=2, a=10.0, b=4.0, c=20.0)
    forecast.begun("a")
    forecast.begun("b")
    forecast.going("a", 0.0)
    forecast.going("b", 0.0)
    now[0] = 4.0
    forecast.going("a", 0.4)
    forecast.ended("b")
    # One second a unit: a has 6 left, c begins at once and takes 20.
    assert forecast.left() == pytest.approx(20.0)


def test_the_demonstration_tells_the_time_left(monkeypatch):
    monkeypatch.setattr(demonstration, "Forecast", partial(Forecast, after=0.0))
    told = []
    show = demonstration._Show(TINY, 1, told.append)
    show.take(Begun("lm-rnn"))
    show.take(Going("lm-rnn", 0.1, 3.0))
    show.take(Going("lm-rnn", 0.5, 2.0))
    left = [event for event in told if isinstance(event, TimeLeft)]
    assert left
    assert 0 < left[-1].seconds_left < left[-1].seconds_total


def test_the_time_is_said_once_measured_and_then_every_while(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("munmaek.cli.board.time.monotonic", lambda: now[0])
    with board(io.StringIO()) as report:
        for seconds in (0.0, 1.0, 20.0):
            now[0] = 100.0 + seconds
            report(TimeLeft(0.25, 90.0, 120.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "measured in the first seconds: about 2 min 00 s in all on this machine; "
        "25 %, about 1 min 30 s left",
        "25 %, about 1 min 30 s left",
    ]


def test_the_bars_are_those_of_the_models_in_work_and_of_all():
    running = _Running(60)
    running.take(StageStarted("lm-rnn", "lm", "LSTM"))
    running.take(StageStarted("mlm-bert", "mlm", "BERT"))
    running.take(TimeLeft(0.25, 90.0, 120.0))
    lines = running.render().plain.splitlines()
    assert [line.split()[0] for line in lines] == ["LSTM", "BERT", "all"]
    assert max(map(len, lines)) < 60
    running.take(StageProgress("lm-rnn", 1.0))  # its row waits for an earlier one
    assert list(running.stages) == ["mlm-bert"]


# --- lessons ---------------------------------------------------------------------------------


def _score(value, unit="share", half=0.01):
    return {
        "value": value,
        "unit": unit,
        "signature": "task:lm|stage:rnn|munmaek:0.1.0",
        "low": value - half,
        "high": value + half,
    }


def _row(name, label, metric, score, **more):
    task, _, stage = name.partition("-")
    curve = [[1, 3.0], [2, 2.99]]
    return {"name": name, "task": task, "stage": stage, "label": label, "curve": curve,
            "scores": {metric: score}, "diagnosis": [], **more}  # fmt: skip


def _lengths(*values):
    return [
        {"low": low, "high": high, "count": 40, "bleu": _score(value, "of 100", 2.0)}
        for (low, high), value in zip(((1, 3), (4, 6), (7, 12)), values, strict=True)
    ]


def _held():
    """Results in which every lesson holds."""
    bits = {"lm-ngram": 1.9, "lm-elman": 1.8, "lm-rnn": 1.6, "lm-self_attention": 1.8,
            "lm-transformer": 1.6, "lm-mixture": 1.5}  # fmt: skip
    types = {"ngram": 0.97, "rnn": 0.99, "attention": 0.99, "bert": 0.95}
    bleu = {"seq2seq": 40.0, "attention": 70.0, "transformer": 75.0}
    lengths = {"seq2seq": (60, 40, 20), "attention": (80, 70, 60), "transformer": (80, 75, 70)}
    models = [
        *(
            _row(name, name.removeprefix("lm-"), "bits_per_character",
                 _score(value, "bits/character"))
            for name, value in bits.items()
        ),
        _row("mlm-bert", "BERT", "masked_accuracy", _score(0.3)),
        *(
            _row(f"translate-{name}", name, "bleu", _score(value, "of 100", 2.0),
                 by_length=_lengths(*lengths[name]))
            for name, value in bleu.items()
        ),
        *(
            _row(f"classify-{name}", name, "accuracy", _score(value))
            for name, value in types.items()
        ),
    ]  # fmt: skip
    for row in models:
        if row["name"] == "lm-mixture":
            row["parts"] = ["lm-rnn", "lm-ngram"]
        if row["name"] in ("translate-attention", "translate-transformer"):
            row["scores"]["aer"] = _score(0.35)
    baselines = [
        {"task": "align", "label": "IBM Model 1", "scores": {"aer": _score(0.2)}},
        {"task": "align", "label": "by position", "scores": {"aer": _score(0.8)}},
        {"task": "classify", "label": "commonest type", "scores": {"accuracy": _score(0.5)}},
        {"task": "mlm", "label": "commonest token", "scores": {"masked_accuracy": _score(0.05)}},
    ]
    influence = [
        {"model": "lm-elman", "label": "Elman", "distance": [1, 8], "norm": [1.0, 0.01]},
        {"model": "lm-rnn", "label": "LSTM", "distance": [1, 8], "norm": [1.0, 0.5]},
    ]
    work = [
        {"model": "lm-rnn", "label": "LSTM", "length": [8, 512], "multiplications": [9.0, 9.0]},
        {"model": "lm-self_attention", "label": "self", "length": [8, 512],
         "multiplications": [5.0, 20.0]},
    ]  # fmt: skip
    data = [{"name": "b", "task": task, "train": 9, "valid": 9, "test": 40}
            for task in ("lm", "mlm", "translate", "classify")]  # fmt: skip
    return {"format": 1, "models": models, "baselines": baselines, "influence": influence,
            "work": work, "data": data}  # fmt: skip


def _lesson(results, name):
    return next(each for each in examine(results) if each.name == name)


def _model(results, name):
    return next(row for row in results["models"] if row["name"] == name)


def test_every_lesson_holds_where_the_numbers_keep_it_and_says_them():
    found = examine(_held())
    assert [each.name for each in found if not each.held] == []
    said = " ".join(each.sentence(Catalogue()) for each in found)
    for numbers in ("1.600", "70.0 BLEU", "by 20.0 BLEU on sources of 1–3 words, by 40.0",
                    "is 35.0", "IBM Model 1, which learns nothing but links, 20.0"):  # fmt: skip
        assert numbers in said
    assert "failed" not in said


def _with_score(name, metric, score):
    def change(results):
        _model(results, name)["scores"][metric] = score

    return change


def _flat(results):
    results["work"][1]["multiplications"] = [5.0, 5.0]


def _forgotten(results):
    results["influence"][1]["norm"] = [1.0, 0.001]


def _short_lead(results):
    _model(results, "translate-attention")["by_length"] = _lengths(95, 70, 45)


def _middle_lead(results):
    _model(results, "translate-attention")["by_length"] = _lengths(80, 85, 60)


BREAKING = [
    ("lm.context", _with_score("lm-rnn", "bits_per_character", _score(2.0, "bits/character"))),
    ("lm.gates", _forgotten),
    (
        "lm.depth",
        _with_score("lm-transformer", "bits_per_character", _score(1.9, "bits/character")),
    ),
    ("lm.mixture", _with_score("lm-mixture", "bits_per_character", _score(1.7, "bits/character"))),
    ("classify.rnn", _with_score("classify-rnn", "accuracy", _score(0.9))),
    ("classify.all", _with_score("classify-bert", "accuracy", _score(0.4))),
    ("translate.attention", _with_score("translate-attention", "bleu", _score(3.0, "of 100"))),
    ("translate.long", _short_lead),
    ("translate.long", _middle_lead),
    ("translate.transformer", _with_score("translate-transformer", "bleu", _score(1.0, "of 100"))),
    ("align", _with_score("translate-attention", "aer", _score(0.9))),
    ("mlm", _with_score("mlm-bert", "masked_accuracy", _score(0.04))),
    ("work", _flat),
]


@pytest.mark.parametrize(("name", "change"), BREAKING)
def test_a_lesson_whose_numbers_break_it_is_said_to_have_failed(name, change):
    results = _held()
    change(results)
    lesson = _lesson(results, name)
    assert not lesson.held
    for language in ("en", "ko"):
        catalogue = Catalogue(language)
        said = lesson.sentence(catalogue)
        assert catalogue.text(f"lesson.{name}.claim") in said
        assert catalogue.text("lesson.why.unknown") in said


def test_every_lesson_is_broken_by_some_numbers():
    assert {name for name, _ in BREAKING} == set(lessons._CLAIMS)


def test_a_lesson_that_too_few_rows_leave_open_says_how_many_there_are():
    results = _held()
    _with_score("translate-attention", "bleu", _score(41.0, "of 100", 3.0))(results)
    lesson = _lesson(results, "translate.attention")
    assert (lesson.held, lesson.why) == (False, "rows")
    assert "intervals overlap: 40 test rows are too few" in lesson.sentence(Catalogue())


def test_a_lesson_fails_for_want_of_training_where_that_is_what_is_wrong():
    results = _held()
    _with_score("translate-attention", "bleu", _score(3.0, "of 100"))(results)
    _model(results, "translate-attention")["diagnosis"] = [
        {"name": "unread_data", "found": True, "evidence": {}, "message": "trained on 2 %"}
    ]
    lesson = _lesson(results, "translate.attention")
    assert lesson.why == "untrained"
    assert "attention: trained on 2 %" in lesson.sentence(Catalogue())


def test_a_lesson_fails_for_want_of_steps_where_the_loss_still_falls():
    results = _held()
    _with_score("lm-rnn", "bits_per_character", _score(2.0, "bits/character"))(results)
    _model(results, "lm-rnn")["curve"] = [[1, 4.0], [2, 3.0]]
    lesson = _lesson(results, "lm.context")
    assert lesson.why == "unfinished"
    assert "fell by 25\u2009%" in lesson.sentence(Catalogue())


def test_a_lesson_without_its_numbers_cannot_be_checked():
    results = _held()
    results["models"] = []
    for lesson in examine(results):
        assert (lesson.held, lesson.why) == (False, "missing")
        assert "cannot be checked" in lesson.sentence(Catalogue())


def test_a_lesson_comes_back_from_json():
    for lesson in examine(_held()):
        assert Lesson.from_json(json.loads(json.dumps(lesson.to_json()))) == lesson


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_report_shows_each_lesson_kept_or_failed(language):
    results = _held()
    _short_lead(results)
    results["lessons"] = [each.to_json() for each in examine(results)]
    page = render_report(results, language=language)
    assert page.count('class="held"') == len(results["lessons"]) - 1
    assert page.count('class="failed"') == 1
