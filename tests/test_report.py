import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from string import Formatter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munmaek.comparison import findings
from munmaek.comparison.figures import curves, drawn, spark, track
from munmaek.comparison.formats import (
    count_text,
    duration_text,
    interval_text,
    number_text,
    rate_text,
    score_text,
    share_text,
    size_text,
)
from munmaek.comparison.lessons import Lesson
from munmaek.comparison.markup import Markup, element, join
from munmaek.comparison.reading import read_baselines, read_rows
from munmaek.comparison.report import render_report, write_report
from munmaek.errors import ConfigError, DiskError, InputError
from munmaek.metrics import Score, Signature
from munmaek.models import LINEAGE
from munmaek.tasks import tasks
from munmaek.text.catalogue import TEXTS, Catalogue

ENGLISH = Catalogue("en")
VOID = {"meta", "br", "link", "hr", "col"}


def _score(value, unit, half=None):
    low, high = (None, None) if half is None else (value - half, value + half)
    signature = "task:lm|stage:rnn|munmaek:0.1.0"
    return {"value": value, "unit": unit, "signature": signature, "low": low, "high": high}


def _model(task, stage, label, **extra):
    return {"name": f"{task}-{stage}", "task": task, "stage": stage, "label": label, **extra}


def _language_model(stage, label, bits, half=0.01):
    scores = {
        "perplexity": _score(2 ** (3 * bits), "per token"),
        "bits_per_character": _score(bits, "bits/character", half),
    }
    curve = [[0, 5.0], [10, 3.0], [20, 2.5]]
    numbers = {"parameters": 1_240_000, "bytes": 4_960_000, "train_seconds": 62.0}
    return _model("lm", stage, label, scores=scores, curve=curve, **numbers)


def _translator(stage, label, values):
    buckets = [
        {
            "low": low,
            "high": high,
            "count": 50,
            "bleu": _score(value, "of 100", 2.0),
            "chrf": _score(value + 20, "of 100", 2.0),
            "ter": _score(100 - value, "per 100 words", 2.0),
            "perplexity": _score(200 / value, "per token", 0.5),
        }
        for (low, high), value in zip([(1, 5), (6, 10), (11, 31)], values, strict=True)
    ]
    mean = float(np.mean(values))
    scores = {
        "bleu": _score(mean, "of 100", 1.0),
        "chrf": _score(mean + 20, "of 100", 1.0),
        "ter": _score(100 - mean, "per 100 words", 1.0),
        "perplexity": _score(200 / mean, "per token", 0.5),
    }
    found = {"scores": scores, "by_length": buckets, "diagnosis": _diagnosis()}
    return _model("translate", stage, label, **found)


def _diagnosis(*wrong):
    """What was looked for in a translator; the failures of those names are found."""
    read = {
        "perplexity": 4.0, "perplexity_shuffled": 61.0, "same_outputs": 0.03,
        "same_references": 0.01,
    }  # fmt: skip
    copied = {"copied": 0.004, "copied_references": 0.0, "overlap": 0.2, "overlap_references": 0.1}
    repeated = {"repeated": 0.017, "repeated_references": 0.012}
    every = {"ignores_source": read, "copies": copied, "repeats": repeated}
    return [
        {"name": name, "found": name in wrong, "evidence": each, "message": "one line"}
        for name, each in every.items()
    ]


def _results():
    return {
        "format": 1,
        "munmaek": "0.1.0",
        "created": "2025-01-31T12:00:05+00:00",
        "title": "Phrasebook",
        "command": "munmaek demo",
        "data": [{"name": "phrases", "task": "lm", "train": 18204, "valid": 9, "test": 12}],
        "machine": {"processor": "EPYC", "cores": 2, "torch": "2.13.0", "python": "3.11.9"},
        "models": [
            _language_model("ngram", "5-gram", 2.0),
            _language_model("rnn", "LSTM", 1.5),
            _language_model("mixture", "LSTM + 5-gram", 1.2),
            _model(
                "classify", "rnn", "LSTM state", scores={"accuracy": _score(0.9, "share", 0.02)}
            ),
            _translator("seq2seq", "fixed vector", [50.0, 30.0, 5.0]),
            _translator("attention", "attention model", [52.0, 50.0, 45.0]),
            _model("mlm", "bert", "BERT", scores={"masked_accuracy": _score(0.6, "share", 0.02)}),
        ],
        "baselines": [
            {"task": "classify", "label": "TF-IDF", "scores": {"accuracy": _score(0.8, "share")}}
        ],
        "alignments": [
            {
                "model": "translate-attention",
                "source": ["나는", "간다"],
                "target": ["I", "go"],
                "weights": [[0.9, 0.1], [0.8, 0.2]],
                "gold": [[0, 0], [1, 1]],
                "scores": {"aer": _score(0.25, "share")},
            }
        ],
        "fills": [
            {
                "text": "나는 <mask>에서 공부한다",
                "answer": "학교",
                "candidates": [
                    {"token": "집", "probability": 0.6},
                    {"token": "학교", "probability": 0.3},
                ],
            }
        ],
        "samples": [{"model": "lm-rnn", "prompt": "나는 ", "text": "나는 간다"}],
        "translations": [
            {
                "source": "나는 너를 사랑해",
                "reference": "I love you",
                "outputs": {"translate-attention": "I love you"},
            }
        ],
        "influence": [
            {"label": "RNN", "distance": [1, 4, 16], "norm": [1.0, 0.1, 1e-3]},
            {"label": "self", "distance": [1, 4, 16], "norm": [0.5, 0.4, 0.25]},
        ],
        "work": [
            {"label": "RNN", "length": [8, 64], "multiplications": [1e4, 1e4]},
            {"label": "self", "length": [8, 64], "multiplications": [2e4, 5e4]},
        ],
        "notes": ["one note"],
    }


class _Page(HTMLParser):
    """Collects tags and text, and fails on a tag that is closed out of order."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.words, self.attributes = [], [], [], []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & {*self.open}:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def _text(results, **options):
    return _Page(render_report(results, **options)).text


# --- the page --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_full_report_is_well_formed_and_has_every_part(language):
    page = _Page(render_report(_results(), language=language))
    ids = {value for name, value in page.attributes if name == "id"} - {"style", "report"}
    wanted = "lineage lm classify translate mlm alignment fills limits table notes"
    assert ids == set(wanted.split())
    assert ("lang", language) in page.attributes


def test_a_report_needs_no_network_and_runs_its_own_script_alone():
    page = render_report(_results())
    before, _, script = page.partition('<script id="report">')
    assert not re.search(r"https?://|url\(|@import|src=|<link|<script|href=", before)
    assert set(re.findall(r"https?://[\w.]+", script)) <= {"http://www.w3.org"}
    digest = base64.b64encode(hashlib.sha256(script.partition("</script>")[0].encode()).digest())
    assert "default-src 'none';" in before
    assert f"script-src 'sha256-{digest.decode()}'" in before
    assert "connect-src" not in before


def test_a_report_shows_every_number_of_its_figures_where_no_script_runs():
    text = _text(_results())
    assert "words in the source sentence 1–5 6–10 11–31 fixed vector 50 30 5" in text
    assert "distance from the first word, in tokens 1 4 16 RNN 1 0.1 0.001" in text
    assert "나는 간다 I 0.9 0.1 go 0.8 0.2" in text
    assert "5.00 → 2.50" in text


@pytest.mark.parametrize("missing", [key for key in _results() if key != "format"])
def test_a_report_without_a_part_is_still_a_report(missing):
    results = _results()
    del results[missing]
    assert "</html>" in render_report(results)
    results[missing] = None
    _Page(render_report(results))


@pytest.mark.parametrize(
    "missing", ["scores", "label", "curve", "by_length", "stage", "parameters"]
)
def test_a_model_without_a_part_is_still_shown(missing):
    results = _results()
    for model in results["models"]:
        model.pop(missing, None)
    _Page(render_report(results))


def test_a_report_of_nothing_says_so():
    assert "no models yet" in _text({"format": 1})
    assert "no models yet" in _text({})


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=y>&amp;"


def _poisoned(value):
    if isinstance(value, dict):
        return {
            key: inner if key in ("task", "stage", "unit", "name", "model") else _poisoned(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_poisoned(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


def test_hostile_text_is_shown_and_never_becomes_markup():
    results = _poisoned(_results())
    for model in results["models"]:
        model["name"] = model["use_unit"] = HOSTILE
        for score in list(model["scores"]):
            model["scores"][score]["unit"] = HOSTILE
        model["scores"][HOSTILE] = _score(1.0, "share")
    results["models"].append(_model(HOSTILE, HOSTILE, HOSTILE, scores={}))
    page = _Page(render_report(results))
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "alert('x')" in page.text


PRINTABLE = st.text(st.characters(exclude_categories=("Cs", "Cc")))


@given(PRINTABLE)
def test_any_text_comes_back_from_the_markup_as_it_was(text):
    page = element("div", text, title=text)
    reader = _Page(str(page))
    assert reader.tags == ["div"]
    assert reader.attributes == [("title", text)]
    assert "".join(reader.words) == text


def test_markup_nests_without_escaping_twice():
    assert join(["a<b", Markup("<i>"), None, 2, 0.5]) == "a&lt;b<i>20.5"
    assert element("p", ["a"], kind=None, data_x="1") == '<p data-x="1">a</p>'


VALUES = {"better": "a", "worse": "b", "value": "2", "other": "1", "near": "8", "far": "64"}
LESSON = Lesson("work", True, VALUES).to_json()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(models=3), "models = 3"),
        (lambda r: r["models"][0].update(scores=[]), r"models.0.scores = \[\]"),
        (lambda r: r["models"][4]["by_length"][0].update(low=-1), "models.4.by_length.0.low = -1"),
        (lambda r: r["models"][4]["by_length"][0]["bleu"].update(value="x"), "bleu.value = 'x'"),
        (lambda r: r["alignments"][0].update(gold=[[0]]), "alignments.0.gold.0 = "),
        (lambda r: r["work"][0].update(length=[0, 1]), "work.0.length.0 = 0"),
        (lambda r: r.update(lessons=[LESSON | {"name": "x"}]), "lesson.x.claim"),
        (lambda r: r.update(lessons=[LESSON | {"values": {}}]), "lessons.0 = "),
        (lambda r: r.update(format="1"), "format = '1'"),
    ],
)
def test_a_part_of_another_type_is_named_in_one_line(change, said):
    results = _results()
    change(results)
    with pytest.raises(InputError, match=said) as caught:
        render_report(results)
    assert "\n" not in str(caught.value)


def test_results_of_a_newer_format_are_refused():
    with pytest.raises(InputError, match="upgrade munmaek"):
        render_report({"format": 2})


def test_an_unknown_language_lists_those_there_are():
    with pytest.raises(ConfigError, match="en, ko"):
        render_report(_results(), language="fr")


def test_numbers_that_are_not_finite_do_not_break_a_report():
    results = _results()
    results["models"][0]["scores"]["perplexity"]["value"] = math.inf
    results["models"][0]["scores"]["bits_per_character"]["value"] = math.inf
    results["models"][1]["scores"]["bits_per_character"]["value"] = math.nan
    results["models"][1]["curve"] = [[0, math.nan], [1, None], [2, 3.0]]
    results["alignments"][0]["weights"] = [[math.nan, 1.0], [None, 0.0]]
    results["influence"][0]["norm"] = [0.0, math.nan, None]
    results["work"] = [{"label": "RNN", "length": [8], "multiplications": [5.0]}]
    page = render_report(json.loads(json.dumps(results)))
    assert "nan" not in _Page(page).text
    assert "∞" in page


def test_a_report_is_written_whole_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    write_report(_results(), path)
    assert path.read_text(encoding="utf-8") == render_report(_results())
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_says_where(tmp_path):
    (tmp_path / "nowhere").write_text("a file where a folder is wanted", encoding="utf-8")
    with pytest.raises(DiskError, match=r"nowhere.*cannot write"):
        write_report(_results(), tmp_path / "nowhere" / "report.html")


# --- what the sentences say ------------------------------------------------------------------


def test_the_sentence_on_language_models_is_computed():
    text = _text(_results())
    # 1.5 is 25 % below 2.0; the mixture's 1.2 is 20 % below 1.5.
    assert "LSTM spends the fewest bits on each character, 1.500: 25 % fewer than 5-gram." in text
    assert "Mixed, the models need 20 % fewer than LSTM, the best of them alone." in text
    said = findings.best_and_worst("lm", read_rows(_results())[:3], [], ENGLISH)
    assert not [each for each in said if "overlap" in each]


def test_a_mixture_that_does_not_help_is_not_praised():
    results = _results()
    results["models"][2] = _language_model("mixture", "both", 1.6)
    assert "Mixing does not help here: LSTM alone needs 1.500." in _text(results)


def test_overlapping_intervals_are_said_to_overlap():
    results = _results()
    results["models"][0] = _language_model("ngram", "5-gram", 1.51)
    assert "The intervals of LSTM and 5-gram overlap." in _text(results)


def test_the_sentence_on_length_compares_the_best_and_the_worst_on_long_sentences():
    said = findings.by_length(read_rows(_results())[4:6], "bleu", ENGLISH)
    assert said == [
        "On sources of 1–5 words fixed vector reaches 50.0 BLEU and attention model 52.0; "
        "on those of 11–31 words, 5.0 against 45.0."
    ]


def test_a_length_with_few_sentences_carries_no_sentence():
    results = _results()
    for model in results["models"][4:6]:
        model["by_length"][-1]["count"] = 3
    said = findings.by_length(read_rows(results)[4:6], "bleu", ENGLISH)
    assert "on those of 6–10 words, 30.0 against 50.0" in said[0]


def test_the_sentence_on_alignment_counts_the_heaviest_links():
    # Row "I" has its greatest weight on its gold word, row "go" does not: 1 of 2.
    text = _text(_results())
    assert "1 of 2 linked target words" in text
    assert "Over all test sentences the alignment error rate is 25.0 %." in text


def test_error_rates_of_links_stand_beside_a_baseline():
    results = _results()
    results["models"][5]["scores"]["aer"] = _score(0.3, "share", 0.01)
    told = {"task": "align", "label": "IBM Model 1", "scores": {"aer": _score(0.2, "share", 0.01)}}
    results["baselines"].append(told)
    wanted = "IBM Model 1 comes closest to the gold links: alignment error rate 20.0 %, attention"
    assert wanted in _text(results)


def test_translators_that_are_all_alike_are_not_ranked():
    results = _results()
    for model in results["models"][4:6]:
        model["scores"]["bleu"] = _score(0.01, "of 100")
        for bucket in model["by_length"]:
            bucket["bleu"] = _score(0.02, "of 100")
    assert "All of them come to the same BLEU: 0.0." in _text(results)
    assert findings.by_length(read_rows(results)[4:6], "bleu", ENGLISH) == []


def test_the_sentence_on_masked_words_counts_first_and_shown():
    assert findings.fills(_results()["fills"], ENGLISH) == [
        "The hidden word comes first in 0 of 1 sentences, among those shown in 1."
    ]


def test_the_sentence_on_influence_compares_each_model_with_itself():
    # RNN keeps 1e-3 / 1 = 0.10 %, self keeps 0.25 / 0.5 = 50 %.
    rows = _results()["influence"]
    lines = {row["label"]: dict(zip(row["distance"], row["norm"], strict=True)) for row in rows}
    hot, said = findings.influence(lines, ENGLISH)
    assert hot == "self"
    assert "0.10\u2009% at distance 16 in RNN, 50\u2009% in self" in said[0]


def test_the_sentence_on_work_gives_how_many_times_it_grows():
    # self goes from 2e4 to 5e4, RNN stays at 1e4.
    said = (
        "From 8 to 64 tokens the multiplications for each token become 2.50 times as many in self, "
        "1.00 times in RNN."
    )
    assert said in _text(_results())


def test_baselines_stand_beside_the_models():
    assert read_baselines(_results())[0].baseline
    text = _text(_results())
    assert "The baseline, TF-IDF, reaches 80.0 %." in text
    assert "TF-IDF (baseline)" in text


def test_every_score_shows_its_signature():
    page = render_report(_results())
    assert page.count("<code>task:lm|stage:rnn|munmaek:0.1.0</code>") == 17
    assert 'title="accuracy = 0.9 [0.88, 0.92] share' in page


def test_every_task_has_its_part_also_one_of_others():
    results = _results()
    firsts = {"regress": "spearman", "tag": "span_f1", "embed": "spearman", "theirs": "their_score"}
    for task, metric in firsts.items():
        for stage, value in (("bert", 0.9), ("rnn", 0.7)):
            scores = {metric: _score(value, "share", 0.01)}
            results["models"].append(_model(task, stage, stage.upper(), scores=scores))
    page = _Page(render_report(results))
    ids = [value for name, value in page.attributes if name == "id"]
    assert [value for value in ids if value in (*tasks(), "theirs")] == [*tasks(), "theirs"]
    assert "BERT comes first: F1 of spans 90.0 %, against 70.0 % for RNN." in page.text
    assert "BERT comes first: their_score 90.0 %, against 70.0 % for RNN." in page.text
    assert "맨 앞 모델: BERT, 구간 F1 90.0 %. RNN의 값은 70.0 %." in _text(results, language="ko")


# --- translators ------------------------------------------------------------------------------


def test_translators_are_shown_by_every_score_in_all_and_by_length():
    text = _text(_results())
    # Means of 50, 30, 5 and of 52, 50, 45: 28.3 and 49.0.
    assert "By other measures chrF TER perplexity fixed vector 48.3" in text
    assert "attention model 69.0 68.0–70.0 51.0 50.0–52.0 4.08 3.58–4.58" in text
    for name in ("BLEU", "chrF", "TER", "perplexity"):
        assert f"{name} by length of the source sentence" in text


def test_fewer_edits_are_better_and_perplexity_ranks_nobody():
    part = render_report(_results()).split('id="translate"')[1].split("</section>")[0]
    best = re.findall(r'<td class="num best" title="(\w+) = [^"]*">([\d.]+)</td>', part)
    assert best == [("bleu", "49.0"), ("chrf", "69.0"), ("ter", "51.0")]
    said = findings.by_length(read_rows(_results())[4:6], "ter", ENGLISH)
    assert "fixed vector reaches 50.0 TER and attention model 48.0" in said[0]
    assert "95.0 against 55.0" in said[0]


def test_the_diagnosis_stands_beside_what_the_references_do():
    text = _text(_results())
    assert "fixed vector 4.00 61.0 3.0 % 0.4 % 20 % 1.7 %" in text
    assert "the references 1.0 % 0.0 % 10 % 1.2 %" in text
    assert "No model here ignores its source, copies it or repeats itself" in text
    assert 'class="num warn"' not in render_report(_results())


def test_a_failure_is_marked_and_said():
    results = _results()
    results["models"][4]["diagnosis"] = _diagnosis("ignores_source", "repeats")
    page = render_report(results)
    # Three columns say whether the source is read, one whether words come again.
    assert page.count('class="num warn"') == 4
    text = _Page(page).text
    assert "The source is ignored by fixed vector: " in text
    assert "Repetition, more than in the references: fixed vector." in text
    assert "No model here" not in text
    assert "원문을 무시하는 모델: fixed vector." in _text(results, language="ko")
    results["models"][5]["diagnosis"] = _diagnosis("repeats")
    assert "than in the references: fixed vector, attention model." in _text(results)


def test_translators_that_were_not_examined_have_no_diagnosis():
    results = _results()
    for model in results["models"]:
        model.pop("diagnosis", None)
    assert "What could be wrong" not in _text(results)


# --- texts, numbers, colours, places ---------------------------------------------------------


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_has_the_same_names_in_both_languages(key):
    english, korean = (
        {name for _, name, _, _ in Formatter().parse(text) if name} for text in TEXTS[key]
    )
    assert english == korean


@pytest.mark.parametrize("key", TEXTS)
def test_korean_names_take_no_particle_that_depends_on_their_last_sound(key):
    assert not re.search(r"\}(은|는|이|가|을|를|과|와|으로|로|이다|다)(?![가-힣])", TEXTS[key][1])


def test_a_missing_text_falls_back_to_the_name_it_was_given():
    assert ENGLISH.known("stage.mine", "mine") == "mine"
    assert Catalogue("ko").known("stage.ngram", "ngram") == "엔그램"


def test_numbers_have_the_digits_of_their_kind():
    signature = Signature(())
    assert score_text(Score("accuracy", 0.8432, "share", signature)) == "84.3\u2009%"
    assert score_text(Score("bleu", 41.46, "of 100", signature)) == "41.5"
    assert score_text(Score("perplexity", math.inf, "per token", signature)) == "∞"
    assert score_text(Score("pearson", -0.05, "correlation", signature)) == "−0.05"
    assert interval_text(Score("b", 1.5, "bits/byte", signature, 1.4, 1.62)) == "1.400–1.620"
    assert [count_text(value) for value in (842, 12_400, 1_240_000, None)] == [
        "842",
        "12\u2009400",
        "1.24\u2009M",
        "–",
    ]
    assert [number_text(value) for value in (4.214, 57.34, 1204.4, 3e7, 1e304)] == [
        "4.21",
        "57.3",
        "1\u2009204",
        "≈10⁷",
        "≈10³⁰⁴",
    ]
    assert [share_text(value) for value in (0.004, 0.0994, 0.37)] == [
        "0.4\u2009%",
        "9.9\u2009%",
        "37\u2009%",
    ]
    assert [size_text(value) for value in (812, 34_200, 4_810_000)] == [
        "812\u2009B",
        "34.2\u2009kB",
        "4.8\u2009MB",
    ]
    assert [duration_text(value) for value in (0.44, 48, 200, 7500)] == [
        "0.4\u2009s",
        "48\u2009s",
        "3\u2009min 20\u2009s",
        "2\u2009h 05\u2009min",
    ]
    assert [rate_text(value) for value in (8.254, 412.4, 12_412)] == ["8.25", "412", "12\u2009400"]


def _given(markup):
    """Return what a figure's drawing is made from."""
    return json.loads(dict(_Page(str(markup)).attributes)["data-figure"])


def test_a_figure_has_its_table_and_what_is_no_number_is_absent():
    figure = drawn(
        "lines", "t", ["x", 1, 2], [["a", math.nan, 0.5], ["b", None, math.inf]], hot="a"
    )
    assert _Page(str(figure)).text == "t x 1 2 a – 0.5 b – –"
    assert _given(figure) == {
        "kind": "lines", "title": "t", "caption": "", "head": ["x", 1, 2],
        "rows": [["a", None, 0.5], ["b", None, None]], "hot": "a",
    }  # fmt: skip


def test_curves_share_one_axis():
    xs, rows = curves({"a": {4.0: 1.0, 1.0: 2.0}, "b": {2.0: 3.0}})
    assert xs == [1.0, 2.0, 4.0]
    assert rows == [["a", 2.0, None, 1.0], ["b", None, 3.0, None]]


def test_a_spark_says_where_it_begins_and_ends():
    assert spark([(0, 1.0)]) is None
    assert _Page(str(spark([(0, 3.0), (5, 1.25)]))).text == "3.00 → 1.25"


def test_a_bar_goes_from_nought_and_stays_within_its_room():
    bar = str(track(1.5, (0.0, 3.0), low=1.2, high=6.0, kind="hot", hint="a <b>"))
    assert 'class="track hot" style="--from:0.00%;--to:50.00%" title="a &lt;b&gt;"' in bar
    assert "--low:40.00%;--high:100.00%" in bar
    signed = str(track(-1.0, (-1.0, 3.0), low=math.nan, high=1.0))
    assert "--from:0.00%;--to:25.00%" in signed
    assert "<i" not in signed


def test_every_stage_has_a_picture_and_a_stage_of_others_none():
    for stage in LINEAGE:
        _Page(stage.drawing())
        assert "<svg" in stage.drawing()
    assert replace(LINEAGE[0], picture="").drawing() == ""
