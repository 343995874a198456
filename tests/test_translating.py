"""Translating by search: every stage, several together, in integers, and whatever is typed."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Run
from munmaek.cli import main
from munmaek.decode import GeometricEnsemble, Hypothesis, MeanEnsemble
from munmaek.errors import ConfigError
from munmaek.metrics import measures
from munmaek.tasks.loading import load
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.splitting import split_text
from munmaek.tasks.translate.translating import Decoding, Ensemble
from munmaek.tasks.translate.translation import UnknownWords
from test_cli import IN_ENGLISH, PLACES, SUBJECTS, VERBS

pytestmark = pytest.mark.usefixtures("one_thread_throughout")

SIZES = {
    "attention": "embedding = 32\nhidden = 32\nencoder_hidden = 32",
    "seq2seq": "embedding = 32\nhidden = 64",
    "transformer": "dimension = 32\nheads = 2\nlayers = 1\nfeed_forward = 64",
}
STAGES = tuple(SIZES)
KOREAN = [f"{s} {p} {v}" for s in SUBJECTS for p in PLACES for v in VERBS]
ENGLISH = [f"{IN_ENGLISH[s]} {IN_ENGLISH[v]} {IN_ENGLISH[p]}" for s, p, v in map(str.split, KOREAN)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator of each stage, of few words."""
    folder = tmp_path_factory.mktemp("translating")
    (folder / "ko").write_text("\n".join(KOREAN * 2) + "\n", encoding="utf-8")
    (folder / "en").write_text("\n".join(ENGLISH * 2) + "\n", encoding="utf-8")
    (folder / "in").write_text(f"{KOREAN[0]}\n\n{KOREAN[1]}\n", encoding="utf-8")
    for stage, sizes in SIZES.items():
        options = f"[model]\n{sizes}\n[train]\nsteps = 80\nlearning_rate = 0.01\n"
        (folder / f"{stage}.toml").write_text(options, encoding="utf-8")
        arguments = ["train", "translate", str(folder / "ko"), str(folder / "en")]
        arguments += ["--model", stage, "--config", str(folder / f"{stage}.toml")]
        arguments += ["--tokenizer", "words", "-o", str(folder / stage)]
        assert main(arguments) == 0
    return folder


@pytest.fixture(scope="module")
def models(home: Path) -> dict[str, Translator]:
    return {stage: load(home / stage) for stage in STAGES}


def written(model, texts, **options):
    return [each[0] for each in model.translate_with(Decoding(**options), texts)]


def bleu(model, outputs):
    return measures(outputs, ENGLISH)["bleu"].score(model.signature(beam=5)).value


# One contract for every stage


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_text_is_translated_alike_alone_and_among_others(models, stage, precision):
    model = models[stage] if precision == "float32" else models[stage].quantised()
    texts = [KOREAN[0], "나는 잔다", f"{KOREAN[5]} {KOREAN[7]} {KOREAN[1]}", KOREAN[11]]
    together = model.translate_with(Decoding(n_best=2), texts)
    for text, own in zip(texts, together, strict=True):
        (alone,) = model.translate_with(Decoding(n_best=2), [text])
        assert [each.translation for each in alone] == [each.translation for each in own]
        for one, other in zip(alone, own, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-4)


@pytest.mark.parametrize("stage", STAGES)
def test_a_translations_forced_score_is_the_searchs(models, stage):
    model = models[stage]
    for each in written(model, KOREAN[:8], beam=3):
        forced = model.align([each.source], [each.translation])[0]
        assert forced.logprob == pytest.approx(each.logprob, abs=1e-4)
        assert (forced.alignment is None) == (stage == "seq2seq")


@pytest.mark.parametrize("stage", STAGES)
def test_int8_loses_at_most_one_bleu(models, stage):
    model = models[stage]
    plain = bleu(model, [each.translation for each in written(model, KOREAN)])
    rounded = bleu(model, [each.translation for each in written(model.quantised(), KOREAN)])
    # Trained on these very sentences, so that there is something to lose.
    assert plain > 60
    assert rounded >= plain - 1


def test_the_lengths_and_repeats_that_are_asked_for_are_kept(models):
    for stage in STAGES:
        (found,) = written(models[stage], KOREAN[:1], min_length=6, max_length=8, no_repeat=2)
        words = found.target_words
        assert 6 <= len(words) <= 8
        assert len(set(pairwise(words))) == len(words) - 1


# Several together


def test_models_of_all_stages_decode_together(models):
    several = Ensemble([models[stage] for stage in STAGES], weights=(2, 1, 1))
    assert several.shares == (0.5, 0.25, 0.25)
    found = several.translate(KOREAN)
    assert bleu(models["attention"], [each[0].translation for each in found]) > 60
    alone = [models[stage].align(KOREAN[:3], ENGLISH[:3]) for stage in STAGES]
    for row, each in enumerate(several.translate(KOREAN[:3])):
        assert each[0].weights is not None
        np.testing.assert_allclose(each[0].weights.sum(1), 1, atol=1e-5)
        if each[0].translation == ENGLISH[row]:
            # The probability of each step is a mean, so that of the whole lies between.
            totals = [one[row].logprob for one in alone]
            assert min(totals) <= each[0].logprob <= max(totals)


def test_an_ensemble_of_one_model_twice_is_that_model(models):
    model = models["transformer"]
    for combine in (MeanEnsemble, GeometricEnsemble):
        twice = Ensemble([model, model], combine=combine).translate(KOREAN[:4])
        for one, other in zip(twice, written(model, KOREAN[:4]), strict=True):
            assert one[0].translation == other.translation
            assert one[0].logprob == pytest.approx(other.logprob, abs=1e-4)
            np.testing.assert_allclose(one[0].weights, other.weights, atol=1e-5)


def test_ensembles_that_cannot_be_are_refused(models, home, run: Run):
    with pytest.raises(ConfigError, match="at least one translator"):
        Ensemble([])
    with pytest.raises(ConfigError, match="one for each of 1 models"):
        Ensemble([models["attention"]], weights=(1, 2))
    pair = [models["attention"], models["seq2seq"]]
    for weight in (0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="weights must be above 0"):
            Ensemble(pair, weights=(1, weight))
        with pytest.raises(ConfigError, match="language model's weight must be above 0"):
            Ensemble(pair, language_weight=weight)
    english = (home / "few").with_suffix(".en")
    english.write_text("I sleep\nyou sleep\n" * 20, encoding="utf-8")
    both = ("train", "translate", english, english, "--model", "seq2seq")
    (home / "few.toml").write_text(f"[model]\n{SIZES['seq2seq']}\n[train]\nsteps = 1\n")
    options = ("--tokenizer", "words", "--config", home / "few.toml", "-o", home / "few")
    assert run(*both, *options).code == 0
    result = run("translate", home / "attention", home / "ko", "--with", home / "few")
    assert result.code == 2
    assert "another target vocabulary" in result.err


# Phrases


@pytest.mark.parametrize("stage", STAGES)
def test_phrases_are_in_the_translation_or_stated(models, stage):
    place, other = (IN_ENGLISH[each] for each in PLACES[:2])
    texts = [f"{SUBJECTS[0]} {PLACES[0]} {VERBS[0]}", KOREAN[1], ""]
    must = [[other], ["zebra", place], [other]]
    found = [
        each[0] for each in models[stage].translate_with(Decoding(), texts, must=must, links=True)
    ]
    assert other in found[0].translation
    assert found[0].unmet == ()
    assert place in found[1].translation
    assert found[1].unmet == ("zebra",)
    assert (found[2].translation, found[2].unmet) == ("", (other,))


def test_phrases_are_found_whatever_the_space_between_their_words(models):
    wide = "  ".join(f" {ENGLISH[0]} ".split(" "))
    (found,) = models["attention"].translate_with(Decoding(), [KOREAN[0]], must=[[wide]])
    assert ENGLISH[0] in found[0].translation
    assert found[0].unmet == ()


def test_phrases_longer_than_the_longest_length_are_stated(models):
    phrase = " ".join(ENGLISH[:3])
    (found,) = models["attention"].translate_with(
        Decoding(max_length=4), [KOREAN[0]], must=[[phrase]]
    )
    assert found[0].unmet == (phrase,)
    with pytest.raises(ConfigError, match="must needs a list for each of 1 texts, got 2"):
        models["attention"].translate_with(Decoding(), [KOREAN[0]], must=[[], []])


# Unknown words


def test_an_unknown_word_becomes_the_source_word_or_its_translation(models):
    """The step that writes <unk> attends to the second of three source tokens most."""
    tokenizer = models["attention"].target_tokenizer

    ids = [*tokenizer.encode("I"), tokenizer.unk]
    weights = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], dtype=np.float32)
    best = Hypothesis(tuple(ids), -1.0, -1.0, True, weights)
    told = {"tokenizer": tokenizer, "source": "나는 서울", "columns": (0, 1, -1)}
    text = tokenizer.decode(ids)
    assert text == "I <unk>"
    assert UnknownWords().replaced(text, best, **told) == "I 서울"
    assert UnknownWords({"서울": "Seoul"}).replaced(text, best, **told) == "I Seoul"
    silent = Hypothesis(tuple(ids), -1.0, -1.0, True)
    with pytest.raises(ConfigError, match="no attention; leave --replace-unknown out"):
        UnknownWords().replaced(text, silent, **told)


@torch.no_grad()
def test_unknown_words_are_written_only_where_they_are_replaced(home):
    model = load(home / "attention")
    model.network.output.bias[model.target_tokenizer.unk] += 100.0
    text = KOREAN[0]
    assert "<unk>" not in written(model, [text])[0].translation
    found = written(model, [text], unknown=UnknownWords({PLACES[0]: "here"}), max_length=5)[0]
    assert set(found.target_words) <= {SUBJECTS[0], "here", VERBS[0]}


# Whatever is typed


@pytest.mark.parametrize("stage", STAGES)
def test_whatever_is_typed_has_its_line(models, stage):
    texts = [
        "",
        " \t ",
        "\x00\x01\x1f",
        "ᚠᚢᚦ 𓂀",
        "\u200b",
        "가" * 100_000,
        "나는 " * 20_000,
        "잔다",
    ]
    found = written(models[stage], texts, beam=2)
    assert [each.source for each in found] == texts
    assert found[0].translation == found[1].translation == ""
    limit = models[stage].limit
    # Words of a line, less those that are read beside the end.
    assert found[6].cut == 20_000 - (limit - 1)
    assert found[7].cut == found[5].cut == 0


def test_long_texts_are_split_where_sentences_end():
    words = lambda text: len(text.split()) <= 4  # noqa: E731
    text = "one two three. four five! six seven eight nine ten"
    parts = split_text(text, words)
    assert " ".join(parts) == text
    assert parts[0] == "one two three."
    assert all(len(part.split()) <= 4 for part in parts)
    assert split_text("abcdefgh", lambda part: len(part) <= 3) == ["ab", "cd", "ef", "gh"]
    assert split_text("", words) == []


def test_a_split_text_is_read_to_its_end(models):
    model = models["attention"]
    long = " ".join(KOREAN * 4)
    cut, whole = written(model, [long])[0], written(model, [long, KOREAN[0]], split=True)
    assert cut.cut == 3 * len(KOREAN) * 4 - (model.limit - 1)
    assert whole[0].cut == 0
    assert whole[0].weights.shape == (len(whole[0].target_words), len(whole[0].source_words))
    assert whole[0].source_words == tuple(long.split())
    assert len(whole[0].target_words) > len(cut.target_words)
    assert whole[1].translation == written(model, [KOREAN[0]])[0].translation
    with pytest.raises(ConfigError, match="cannot go with a text that is split"):
        model.translate_with(Decoding(split=True), [long], must=[["I"]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 2, "n_best": 3}, "at most the beam of 2, got 3"),
        ({"beam": 0}, "beam must be at least 1, got 0"),
        ({"coverage": -1.0}, "coverage must be at least 0"),
        ({"length_penalty": float("nan")}, "length_penalty must be at least 0"),
        ({"min_length": 5, "max_length": 5}, "above min_length = 5, got 5"),
        ({"split": True, "n_best": 2}, "split joins the best of each part"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        Decoding(**options)


def test_coverage_needs_attention(models):
    assert written(models["attention"], KOREAN[:2], coverage=0.2)[0].score < 0
    with pytest.raises(ConfigError, match="coverage penalty needs attention"):
        written(models["seq2seq"], KOREAN[:2], coverage=0.2)


# The command


def test_the_command_gives_several_translations_with_their_scores(run: Run, home: Path):
    asked = ("translate", home / "attention", home / "in", "--n-best", 3, "--coverage", 0.2)
    rows = [line.split("\t") for line in run(*asked).out.splitlines()]
    assert [row[0] for row in rows] == ["1"] * 3 + ["2"] + ["3"] * 3
    scores = [float(row[1]) for row in rows[:3]]
    assert scores == sorted(scores, reverse=True)
    told = run(*asked, "--json").rows
    assert [each["translation"] for each in told[0]["n_best"]] == [row[2] for row in rows[:3]]
    assert told[0]["translation"] == rows[0][2]


def test_the_command_joins_models_of_any_stage(run: Run, home: Path):
    others = ("--with", home / "transformer", "--with", home / "seq2seq", "--weight", 1)
    asked = ("translate", home / "attention", home / "in", *others, "--weight", 1, "--weight", 2)
    result = run(*asked, "--geometric", "--precision", "int8")
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 3


def test_the_command_takes_phrases_for_all_lines_and_for_each(run: Run, home: Path):
    place, other = (IN_ENGLISH[each] for each in PLACES[:2])
    (home / "must").write_text(f"{place}\tzebra\n\n{json.dumps([place])}\n", encoding="utf-8")
    asked = ("translate", home / "attention", home / "in", "--must-file", home / "must")
    result = run(*asked, "--must", other)
    lines = result.out.split("\n")
    assert place in lines[0]
    assert other in lines[0]
    assert lines[1] == ""
    assert place in lines[2]
    assert "line 1: 'zebra' cannot be in the translation" in result.err
    (home / "short").write_text("a\n", encoding="utf-8")
    short = run("translate", home / "attention", home / "in", "--must-file", home / "short")
    assert (short.code, "fewer lines than the text" in short.err) == (2, True)
    (home / "deep").write_text("[" * 100_000 + "\n", encoding="utf-8")
    deep = run("translate", home / "attention", home / "in", "--must-file", home / "deep")
    assert (deep.code, "line 1: not a JSON list" in deep.err) == (2, True)
    (home / "long").write_text("a\n" * 9, encoding="utf-8")
    long = run("translate", home / "attention", home / "in", "--must-file", home / "long")
    assert (long.code, "more lines than the text" in long.err) == (2, True)


def test_output_has_as_many_lines_as_input_and_long_ones_are_counted(run: Run, home: Path):
    lines = [KOREAN[0], "a\u2028b\x85c", "\x0b\x0c\x1c", "나는 " * 700, "", "가" * 100_000]
    (home / "odd").write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = run("translate", home / "transformer", home / "odd", "--beam", 1)
    assert result.code == 0
    assert result.out.count("\n") == len(result.out.splitlines()) == len(lines)
    assert "1 of 6 lines are longer than" in result.err
    whole = run("translate", home / "transformer", home / "odd", "--beam", 1, "--split")
    assert whole.out.count("\n") == len(lines)
    assert "longer than" not in whole.err
    told = run("translate", home / "transformer", home / "odd", "--beam", 1, "--json")
    assert [row["source"] for row in told.rows][3] == lines[3].strip()


def test_a_translation_with_line_ends_in_it_is_one_line(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
):
    from munmaek.text.tokenizers import Tokenizer

    odd = "one\u2028two\x85three\rfour\nfive"
    monkeypatch.setattr(Tokenizer, "decode", lambda *_: odd)
    result = run("translate", home / "seq2seq", home / "in", "--beam", 2)
    assert result.out == "one two three four five\n\none two three four five\n"
    several = run("translate", home / "seq2seq", home / "in", "--beam", 2, "--n-best", 2)
    assert len(several.out.splitlines()) == several.out.count("\n") == 5
    rows = run("translate", home / "seq2seq", home / "in", "--beam", 2, "--json").rows
    assert [row["translation"] for row in rows] == [odd, "", odd]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--precision", "int4"), "precision = 'int4': input should be 'float32' or 'int8'"),
        (("--dictionary", "d.tsv"), "--dictionary is for --replace-unknown"),
        (("--n-best", 6), "n_best must be at most the beam of 5"),
    ],
)
def test_options_that_cannot_be_are_refused(run: Run, home: Path, options, message):
    result = run("translate", home / "attention", home / "in", *options)
    assert result.code == 2
    assert message in result.err


def test_a_dictionary_is_read_and_its_faults_named(run: Run, home: Path):
    (home / "good.tsv").write_text("서울\tSeoul\n\n집\thouse\tmore\n", encoding="utf-8")
    (home / "bad.tsv").write_text("서울\tSeoul\n집\n", encoding="utf-8")
    asked = ("translate", home / "attention", home / "in", "--replace-unknown", "--dictionary")
    assert run(*asked, home / "good.tsv").code == 0
    result = run(*asked, home / "bad.tsv")
    assert (result.code, "line 2: wanted a word, a tab" in result.err) == (2, True)
    (home / "gap.tsv").write_text("서울\t \tSeoul\n", encoding="utf-8")
    result = run(*asked, home / "gap.tsv")
    assert (result.code, "line 1: wanted a word, a tab" in result.err) == (2, True)
