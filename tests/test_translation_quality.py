"""Edits, likelihoods and tests between systems by hand; the diagnosis against made-up models."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics.ter import TER

from munmaek.metrics import (
    Likelihoods,
    approximate_randomisation,
    by_length,
    measures,
    paired_bootstrap,
    sign,
)
from munmaek.metrics.diagnosis import FEWEST, Finding, diagnose
from munmaek.metrics.training import TRAINING_FAILURES
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.quality import judge, reference_likelihoods
from munmaek.text.parallel import read_parallel
from test_translation_training import PAIRS, recipe, written

SIGNATURE = sign(task="translate", stage="attention")


# Scores


def test_a_shift_is_one_edit_and_edits_are_summed_before_they_are_divided() -> None:
    hypotheses = ["the cat on the mat sat", "a b"]
    references = ["the cat sat on the mat", "a c"]
    # "sat" moves to its place: 1 edit of 6 words. b for c: 1 of 2. Together 2 of 8.
    first = measures(hypotheses[:1], references[:1])["ter"].score(SIGNATURE)
    assert first.value == pytest.approx(100 / 6)
    both = measures(hypotheses, references)["ter"].score(SIGNATURE, rng=np.random.default_rng(0))
    assert both.value == pytest.approx(25.0)
    assert both.value == pytest.approx(TER().corpus_score(hypotheses, [references]).score)
    assert both.low is not None
    assert both.low <= 25.0 <= both.high
    assert "tok.tercom" in str(both.signature)
    assert "case.lc" in str(both.signature)


def test_a_line_that_is_a_book_is_measured_without_shifts_and_signed_so() -> None:
    words = [f"w{number}" for number in range(400)]
    moved = [*words[1:], words[0]]
    # Without a shift the first word is deleted at one end and inserted at the other.
    score = measures([" ".join(moved), "a b"], [" ".join(words), "b a"])["ter"].score(SIGNATURE)
    assert score.value == pytest.approx(100 * (2 + 1) / (400 + 2))
    assert "shifts:to-300-words" in str(score.signature)
    book = " ".join(["x"] * 5000)
    without = measures([book], ["x " * 4000])["ter"].score(SIGNATURE)
    assert without.value == pytest.approx(25.0)


def likelihoods(per_token: float, count: int, *, tokens: int = 4) -> Likelihoods:
    sizes = np.full(count, tokens, dtype=np.int64)
    return Likelihoods(per_token * sizes, sizes, 5 * sizes)


def test_perplexity_is_of_the_references_by_token_and_bits_are_by_character() -> None:
    # Four choices a token: perplexity 4; of five characters a token, 2 / 5 bits each.
    found = measures(["a"] * 3, ["b"] * 3, likelihoods=likelihoods(-math.log(4), 3))
    scores = {name: measure.score(SIGNATURE) for name, measure in found.items()}
    assert list(scores) == ["bleu", "chrf", "ter", "perplexity", "bits_per_character"]
    assert scores["perplexity"].value == pytest.approx(4.0)
    assert scores["bits_per_character"].value == pytest.approx(2 / 5)
    assert "of:references" in str(scores["perplexity"].signature)


def test_every_score_is_had_by_source_length() -> None:
    sources = ["one", "one two", "one two three four", "a b c d e"]
    sizes = np.array([1, 1, 2, 2])
    given = Likelihoods(np.log([0.5, 0.5, 0.25 * 0.25, 0.25 * 0.25]), sizes, sizes)
    outputs = ["x y", "x z", "x y z w", "x y z w"]
    references = ["x y", "x y", "x y z w", "x y w z"]
    found = measures(outputs, references, likelihoods=given)
    short, long = by_length(
        sources, outputs, references, signature=SIGNATURE, edges=(2,), measured=found
    )
    assert (short.count, long.count) == (2, 2)
    assert short.scores["perplexity"].value == pytest.approx(2.0)
    assert long.scores["perplexity"].value == pytest.approx(4.0)
    assert short.scores["ter"].value == pytest.approx(25.0)  # 1 edit of 4 words
    assert long.scores["ter"].value == pytest.approx(12.5)  # 1 shift of 8 words
    assert set(short.to_json()) >= {"low", "high", "count", "chrf", "ter", "perplexity"}
    assert short.bleu is None, "two sentences have no BLEU"


# Between systems


def total(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0]


def test_randomisation_agrees_with_trying_every_swap() -> None:
    first = np.array([[3.0], [1.0], [4.0], [1.0], [5.0], [9.0]])
    second = np.array([[2.0], [1.0], [1.0], [2.0], [2.0], [5.0]])
    gaps = (first - second)[:, 0]
    every = [abs(np.dot(signs, gaps)) for signs in itertools.product((1, -1), repeat=6)]
    exact = float(np.mean([value >= abs(gaps.sum()) for value in every]))
    found = approximate_randomisation(
        first, second, total, rng=np.random.default_rng(0), trials=20_000
    )
    # Three standard deviations of a share over 20,000 trials.
    assert abs(found - exact) < 3 * math.sqrt(exact * (1 - exact) / 20_000) + 1 / 20_000


def test_a_system_does_not_differ_from_itself_and_differs_from_one_that_is_always_better() -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(size=(50, 1))
    assert approximate_randomisation(first, first, total, rng=rng) == 1.0
    better = first + 1
    assert approximate_randomisation(better, first, total, rng=rng) == pytest.approx(1 / 1001)
    assert paired_bootstrap(better, first, total, rng=rng).low > 0
    with pytest.raises(ValueError, match="same statistics"):
        approximate_randomisation(first, first[1:], total, rng=rng)


# The diagnosis

SOURCES = [f"나는 {number} 번 집에 갔다" for number in range(40)]
REFERENCES = [f"I went home {number} times and slept" for number in range(40)]


def found_in(
    outputs: list[str], *, sources: list[str] = SOURCES, own: float = -1.0, others: float = -4.0
) -> dict[str, Finding]:
    count = len(outputs)
    findings = diagnose(
        sources[:count],
        outputs,
        REFERENCES[:count],
        true=likelihoods(own, count),
        shuffled=likelihoods(others, count),
    )
    return {finding.name: finding for finding in findings}


def triggered(outputs: list[str], **more) -> set[str]:
    return {name for name, each in found_in(outputs, **more).items() if each.found}


def test_a_model_that_translates_gets_no_warning() -> None:
    assert triggered(REFERENCES) == set()
    wrong = [text.replace("home", "back") for text in REFERENCES]
    assert triggered(wrong) == set()


def test_a_model_that_says_the_same_of_everything_ignores_its_source() -> None:
    assert triggered(["I went home"] * 40) == {"ignores_source"}
    finding = found_in(["I went home"] * 40)["ignores_source"]
    assert finding.evidence["same_outputs"] == 1.0
    assert "ignores its source" in finding.message


def test_a_model_as_sure_of_the_references_after_other_sources_ignores_its_own() -> None:
    # Perplexity e and e^1.1: a tenth more; SHUFFLED_RATIO wants a fifth.
    assert triggered(REFERENCES, own=-1.0, others=-1.1) == {"ignores_source"}
    finding = found_in(REFERENCES, own=-1.0, others=-1.1)["ignores_source"]
    assert finding.evidence["perplexity"] == pytest.approx(math.e)
    assert finding.evidence["perplexity_shuffled"] == pytest.approx(math.exp(1.1))


def test_a_model_that_gives_its_source_back_copies() -> None:
    assert triggered(SOURCES) == {"copies"}
    half = [
        f"{source} and slept" if place % 2 else text
        for place, (source, text) in enumerate(zip(SOURCES, REFERENCES, strict=True))
    ]
    assert triggered(half) == {"copies"}, "words of the source, though no output is its source"


def test_copying_what_the_references_copy_is_no_fault() -> None:
    assert triggered(REFERENCES, sources=REFERENCES) == set()


def test_a_model_in_a_loop_repeats_itself() -> None:
    looping = [f"I went {number} I went {number} I went {number}" for number in range(40)]
    assert triggered(looping) == {"repeats"}
    # Eight pairs each, of which the last five came before: (I went) twice, (went n) twice, (n I).
    assert found_in(looping)["repeats"].evidence["repeated"] == pytest.approx(5 / 8)


def test_a_handful_of_pairs_says_nothing() -> None:
    assert found_in(["I went home"] * (FEWEST - 1)) == {}
    assert triggered(["I went home"] * FEWEST) == {"ignores_source"}


# With a model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return written(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, files: list[Path]) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model"
    train_recipe(recipe("attention"), files, folder=folder, valid=files)
    return folder


def test_likelihoods_in_batches_are_those_of_forced_decoding_one_by_one(folder: Path) -> None:
    model = load(folder)
    assert isinstance(model, Translator)
    sources, targets = ["나 집", "물 산 강 책 우리", "너"], ["I house", "river", "you of we book"]
    found = reference_likelihoods(model, sources, targets)
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        (one,) = model.align([source], [target])
        assert found.logprobs[row] == pytest.approx(one.logprob, abs=1e-4)
    assert found.tokens.tolist() == [len(model.target_tokenizer.encode(t)) + 1 for t in targets]
    assert found.characters.tolist() == [len(target) + 1 for target in targets]


def test_a_trained_translator_carries_its_diagnosis_and_evaluate_shows_everything(
    folder: Path, files: list[Path], run
) -> None:
    model = load(folder)
    assert isinstance(model, Translator)
    quality = judge(model, read_parallel(files))
    kept = model.info.training["diagnosis"]
    assert kept[-3:] == [each.to_json() for each in quality.findings]
    assert {each["name"] for each in kept[:-3]} <= set(TRAINING_FAILURES)
    assert {each.name for each in quality.findings} == {"ignores_source", "copies", "repeats"}
    shown = run("evaluate", folder, *files, "--beam", 1, "--by-length", "--diagnose")
    assert any(line.startswith("ter ") for line in shown.lines)
    assert any("source: perplexity of the references" in line for line in shown.lines)
    (found,) = run(
        "evaluate", folder, *files, "--beam", 1, "--no-ter", "--against", folder, "--json"
    ).rows
    assert sum(bucket["count"] for bucket in found["by_length"]) == len(PAIRS)
    assert set(found["scores"]) == {"bleu", "chrf", "perplexity", "bits_per_character"}
    compared = found["against"]["comparisons"]
    assert set(compared) == set(found["scores"])
    assert all(each["difference"] == 0 for each in compared.values())
    assert all(each["p_randomisation"] == 1 for each in compared.values())


def test_evaluate_counts_bleu_by_the_tokenizer_that_is_asked_for(
    folder: Path, files: list[Path], run
) -> None:
    asked = ("evaluate", folder, *files, "--beam", 1, "--no-ter", "--json")
    (plain,) = run(*asked).rows
    (found,) = run(*asked, "--bleu-tokenizer", "char").rows
    assert "tok.13a" in plain["scores"]["bleu"]["signature"]
    assert "tok.char" in found["scores"]["bleu"]["signature"]
    assert all("tok.char" in bucket["bleu"]["signature"] for bucket in found["by_length"])
    assert found["scores"]["chrf"] == plain["scores"]["chrf"]
    refused = run(*asked, "--bleu-tokenizer", "kiwi")
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "BLEU has no tokenizer 'kiwi'" in refused.err


def test_what_is_not_shown_is_not_computed(
    folder: Path, files: list[Path], run, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(folder)
    assert isinstance(model, Translator)
    corpus = read_parallel(files)
    read: list[int] = []

    def counted(*given):
        read.append(len(given[1]))
        return reference_likelihoods(*given)

    monkeypatch.setattr("munmaek.tasks.translate.quality.reference_likelihoods", counted)
    assert set(model.evaluate(corpus, beam=1)) == {"bleu", "chrf", "perplexity",
                                                  "bits_per_character"}  # fmt: skip
    assert len(read) == 1, "no failure is looked for, so no reference is read after other sources"
    quality = judge(model, corpus, beam=1, with_findings=False)
    assert (quality.findings, quality.warnings, len(read)) == ((), (), 2)
    monkeypatch.setattr("munmaek.tasks.translate.quality.by_length", None)
    assert run("evaluate", folder, *files, "--beam", 1, "--no-ter").code == 0


def test_a_comparison_has_the_scores_and_the_diagnosis_of_evaluate(
    folder: Path, files: list[Path], run, tmp_path: Path
) -> None:
    sides = ("--valid", files[0], "--valid", files[1])
    asked = ("compare", *files, *sides, "--task", "translate", "--models", folder, "--beam", 1)
    compared = run(*asked, "-o", tmp_path / "out", "--json")
    assert compared.code == 0, compared.err
    (row,) = compared.rows[0]["models"]
    (alone,) = run("evaluate", folder, *files, "--beam", 1, "--json").rows
    assert set(row["scores"]) == {"bleu", "chrf", "ter", "perplexity", "bits_per_character"}
    roles = {score["role"] for score in row["scores"].values()}
    assert roles == {"which is the training data"}, "the model was trained on these pairs"
    assert row["scores"] == alone["scores"]
    # How it was trained is known besides, from the folder.
    assert row["diagnosis"][-3:] == alone["diagnosis"]
    assert {each["name"] for each in row["diagnosis"][:-3]} <= set(TRAINING_FAILURES)
    assert all(set(bucket) > set(row["scores"]) for bucket in row["by_length"])
    wrong = [each["message"] for each in row["diagnosis"] if each["found"]]
    assert [line.split(": ", 2)[2] for line in compared.err.splitlines() if "warning" in line] == (
        wrong
    )
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "By other measures" in page
    assert "What could be wrong" in page
    (quick,) = run(*asked, "--no-ter", "--json").rows[0]["models"]
    assert set(row["scores"]) - set(quick["scores"]) == {"ter"}
