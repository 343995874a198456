"""Answering back: what is taught and held out, what a run reports, and checks on links."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munmaek.align import MarkedPair, append_marks, tokenizer_hash
from munmaek.cli import main
from munmaek.errors import ConfigError, InputError
from munmaek.look import show
from munmaek.look.checks import measured, parse_check
from munmaek.look.feedback import Feedback, guided_run
from munmaek.look.feedback_material import material
from munmaek.look.feedback_report import Measured, measure, report
from munmaek.look.pairs import Pairs, read_pairs
from munmaek.metrics import Score, sign
from munmaek.phrases import phrasebook
from test_records import LINES, captured, model, tokenizer

RNG = np.random.default_rng(0)

TARGETS = ("I read a book at school", "you eat rice at home", "we go to school and come")
SIGNED = sign(task="translate", stage="attention")


def rows(count: int, *, gold: bool = True) -> Pairs:
    """Sentences of a number and a word, linked word by word."""
    sources = tuple(f"{number} {LINES[number % 3]}" for number in range(count))
    targets = tuple(f"{number} {TARGETS[number % 3]}" for number in range(count))
    marked = tuple(
        MarkedPair(source, target, frozenset({(0, 0), (1, 1)}))
        for source, target in zip(sources, targets, strict=True)
    )
    return Pairs("rows", sources, targets, marked if gold else None)


def marks_of(pairs: Pairs, count: int) -> list[MarkedPair]:
    return [
        MarkedPair(pairs.sources[n], pairs.targets[n], frozenset({(0, 0)})) for n in range(count)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved translator of random weights."""
    made = model("translate", "attention")
    path = tmp_path / "translator"
    made.save(path)
    return path


# What is taught and what is held out


@pytest.mark.parametrize("gold", [True, False])
def test_no_held_out_sentence_is_trained_on(gold: bool) -> None:
    pairs = rows(60, gold=gold)
    chosen = material(pairs, marks_of(pairs, 12), rng=np.random.default_rng(1))
    held = {each.key for each in chosen.held}
    trained = {
        MarkedPair(source, target).key
        for source, target in zip(chosen.sources, chosen.targets, strict=True)
    }
    assert held
    assert not held & trained
    assert {each.key for each in chosen.taught} <= trained
    assert str(len(held)) in chosen.split


def test_with_gold_links_all_marks_are_taught_and_the_rest_is_held_out() -> None:
    pairs = rows(60)
    chosen = material(pairs, marks_of(pairs, 12), rng=np.random.default_rng(1))
    assert (len(chosen.taught), len(chosen.held)) == (12, 48)


def test_without_gold_a_third_of_the_marks_is_held_out() -> None:
    pairs = rows(60, gold=False)
    chosen = material(pairs, marks_of(pairs, 12), rng=np.random.default_rng(1))
    assert (len(chosen.taught), len(chosen.held)) == (8, 4)


def test_a_marked_sentence_is_a_quarter_of_what_is_trained_on() -> None:
    pairs = rows(60)
    other = rows(400)
    more = tuple(f"x {each}" for each in other.sources), other.targets
    pairs = replace(pairs, training=more)
    chosen = material(pairs, marks_of(pairs, 10), rng=np.random.default_rng(1))
    keys = {each.source for each in chosen.taught}
    share = sum(source in keys for source in chosen.sources) / len(chosen.sources)
    assert share == pytest.approx(0.25, abs=0.02)


def test_too_few_marks_are_said() -> None:
    pairs = rows(9)
    with pytest.raises(InputError, match="2 sentences are marked; mark at least 3"):
        material(pairs, marks_of(pairs, 2), rng=np.random.default_rng(1))


# What a run reports


def numbers(aer: float, *, matches: int) -> Measured:
    """Forty sentences with ten links each, and a BLEU of so many matches in twenty."""
    right = round((1 - aer) * 10)
    links = np.tile([right, right, 10, 10], (40, 1))
    counts = np.tile([20, 20, *(matches - n for n in range(4)), 20, 19, 18, 17], (40, 1))
    return Measured(
        Score("aer", aer, "share", SIGNED), Score("bleu", 5.0 * matches, "bleu", SIGNED),
        links, counts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("guided", "control", "after", "other", "outcome", "said"),
    [
        (0.2, 0.5, 16, 16, "improved", "The marks improved the links"),
        (0.5, 0.5, 16, 16, "not improved", "Nothing improved"),
        (0.2, 0.2, 16, 16, "not improved", "Nothing improved"),
        (0.2, 0.5, 10, 10, "improved, but translation is worse", "worse than before:"),
        (0.2, 0.5, 16, 19, "improved, but translation is worse", "worse than the control's:"),
    ],
)
def test_the_verdict_says_plainly_what_the_marks_did(
    guided: float, control: float, after: int, other: int, outcome: str, said: str
) -> None:
    pairs = rows(60)
    chosen = material(pairs, marks_of(pairs, 12), rng=np.random.default_rng(1))
    results = {
        "before": numbers(0.5, matches=16),
        "guided": numbers(guided, matches=after),
        "control": numbers(control, matches=other),
    }
    found = report(results, chosen, steps=7)
    assert (found["outcome"], found["improved"]) == (outcome, outcome == "improved")
    assert said in found["verdict"]
    assert found["difference"]["aer"]["value"] == pytest.approx(guided - control)
    assert json.loads(json.dumps(found)) == found


def test_both_runs_begin_alike_and_only_one_is_told(folder: Path) -> None:
    pairs = rows(24)
    told: list[tuple[str, int, int]] = []
    chosen = material(pairs, marks_of(pairs, 9), rng=np.random.default_rng(1))
    found = guided_run(folder, chosen, steps=3, progress=lambda *each: told.append(each))
    assert {"before", "guided", "control"} <= found.keys()
    assert found["guided"]["aer"] != found["control"]["aer"] or found["guided"] == found["control"]
    assert next(stage for stage, *_ in told) == "before"
    assert {"guided", "control", "evaluating"} <= {stage for stage, *_ in told}
    assert found["taught"] == 9


def test_many_steps_on_the_marks_move_the_links(folder: Path) -> None:
    """Each word is linked to the one in its own place; untrained attention knows nothing."""
    made = rows(30)
    straight = tuple(
        MarkedPair(each.source, each.target, frozenset((at, at) for at in range(4)))
        for each in made.gold or ()
    )
    pairs = Pairs("straight", made.sources, made.targets, straight)
    chosen = material(pairs, straight[:15], rng=np.random.default_rng(1))
    found = guided_run(folder, chosen, steps=60, learning_rate=1e-2)
    assert found["guided"]["aer"]["value"] < found["control"]["aer"]["value"]


def test_a_run_can_be_stopped_and_leaves_no_report(folder: Path) -> None:
    pairs = rows(24)
    run = Feedback(folder, pairs, marks_of(pairs, 9), steps=100_000)
    assert run.state()["state"] == "idle"
    run.start()
    with pytest.raises(InputError, match="a run is at work"):
        run.start()
    run.stop()
    assert run.state()["state"] in ("idle", "failed")
    assert run.state()["report"] is None


def test_a_model_without_attention_cannot_be_guided() -> None:
    with pytest.raises(InputError, match="a 'seq2seq' model has no attention that could be guided"):
        measure(model("translate", "seq2seq"), list(rows(3).gold or ()))


# Pairs


def test_the_phrasebook_comes_with_its_links(monkeypatch: pytest.MonkeyPatch) -> None:
    small = phrasebook(pairs=600, valid=20, test=60)
    monkeypatch.setattr("munmaek.look.pairs.phrasebook", lambda: small)
    pairs = read_pairs(["phrasebook"])
    assert len(pairs) == 60
    assert pairs.training is not None
    assert not set(pairs.training[0]) & set(pairs.sources)
    assert pairs.gold is not None
    assert pairs.gold[0].sure


def test_gold_links_are_read_beside_the_pairs(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("가 나\ta b\n다\tc\n", encoding="utf-8")
    links = tmp_path / "links"
    links.write_text("0-0 1?1\n0-0\n", encoding="utf-8")
    pairs = read_pairs([tmp_path / "p.tsv"], links)
    assert pairs.gold is not None
    assert pairs.gold[0].possible == {(1, 1)}
    links.write_text("0-5\n0-0\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: link 0-5 points past"):
        read_pairs([tmp_path / "p.tsv"], links)
    links.write_text("0-0\n", encoding="utf-8")
    with pytest.raises(InputError, match="a line of links for each of 2 pairs, got 1"):
        read_pairs([tmp_path / "p.tsv"], links)


# Checks


@pytest.mark.parametrize("written", ["aer<0.2", " coverage >= .8 ", "entropy<=1", "forbidden<0.05"])
def test_a_check_is_read(written: str) -> None:
    check = parse_check(written)
    assert str(check) == str(parse_check(str(check)))


@pytest.mark.parametrize(
    "written", ["", "aer", "aer=0.2", "bleu>30", "aer<-1", "aer<x", "aer<0.2;"]
)
def test_a_check_that_cannot_be_read_shows_one_that_can(written: str) -> None:
    with pytest.raises(ConfigError, match=r"such as 'aer<0\.2'"):
        parse_check(written)


def test_figures_are_those_of_the_links_found() -> None:
    made = model("translate", "attention")
    pairs = marks_of(rows(3), 3)
    found = made.align([each.source for each in pairs], [each.target for each in pairs])
    links = sum(len(each.alignment or ()) for each in found)
    hits = sum(len(set(each.alignment or ()) & {(0, 0)}) for each in found)
    checks = [parse_check("aer<1"), parse_check("precision>0"), parse_check("forbidden<1")]
    rate, precision, forbidden = measured(made, pairs, checks)
    assert rate.value == pytest.approx(1 - 2 * hits / (links + 3))
    assert precision.value == pytest.approx(hits / links)
    assert forbidden.value == 0
    assert rate.low is not None


def saved_marks(path: Path, digest: str) -> Path:
    append_marks(path, marks_of(rows(4), 4), tokenizer=digest)
    return path


def digest_of() -> str:
    return tokenizer_hash(tokenizer(), tokenizer())


def test_a_check_leaves_with_zero_or_one(folder: Path, tmp_path: Path, capsys: Any) -> None:
    marks = str(saved_marks(tmp_path / "m.jsonl", digest_of()))
    assert main(["look", str(folder), marks, "--check", "aer<=1", "--check", "coverage>=0"]) == 0
    assert "aer<=1 is met" in capsys.readouterr().out
    assert main(["look", str(folder), marks, "--check", "aer<0", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [each["met"] for each in told["checks"]] == [False]


def test_a_check_that_cannot_be_asked_leaves_with_two(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    marks = str(saved_marks(tmp_path / "m.jsonl", "f" * 64))
    assert main(["look", str(folder), marks, "--check", "aer<1"]) == 2
    said = capsys.readouterr().err
    assert "f" * 64 in said
    assert digest_of() in said
    assert main(["look", str(folder), "--check", "aer<1"]) == 2
    assert main(["look", str(folder), marks, "--check", "nonsense"]) == 2


# A notebook


def test_a_notebook_shows_the_page_in_a_frame_that_reaches_nothing() -> None:
    record = captured("lm", "transformer")
    shown = show([record, captured("lm", "rnn")])
    assert 'sandbox="allow-scripts allow-downloads allow-modals"' in shown.html
    assert shown.html.count("<iframe") == 1
    assert "<script" not in shown.html  # the page stands escaped in an attribute
    assert record._repr_html_().startswith("<iframe srcdoc=")
