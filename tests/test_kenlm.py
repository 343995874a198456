"""KenLM's Python interface over our models. Golden numbers are those of the package kenlm 0.3.0."""

import copy
import math
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import munmaek
from munmaek import kenlm
from munmaek.cli import main
from munmaek.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from types import ModuleType

ARPA = Path(__file__).with_name("test_ngram_golden.arpa")
TEXT = ARPA.with_suffix(".txt")

GOLDEN = {
    "bird likes and": [(-1.040754, 2), (-1.190269, 3), (-0.459353, 3), (-0.871847, 3)],
    "dog sleeps": [(-1.115656, 2), (-1.195977, 3), (-0.658636, 3)],
    "the unseen dog": [(-0.565116, 2), (-2.641732, 1), (-1.167263, 1), (-0.798248, 2)],
    "나 는 a": [(-2.683387, 1), (-2.094975, 1), (-1.167263, 1), (-0.768553, 2)],
    "": [(-0.8209, 2)],
}


@pytest.fixture(scope="module")
def model() -> kenlm.Model:
    return kenlm.Model(str(ARPA))


def test_full_scores_are_those_of_kenlm(model: kenlm.Model) -> None:
    for sentence, wanted in GOLDEN.items():
        found = list(model.full_scores(sentence))
        assert [each.ngram_length for each in found] == [length for _, length in wanted]
        assert [each.log_prob for each in found] == pytest.approx(
            [logprob for logprob, _ in wanted], abs=2e-6
        )
    assert [each.oov for each in model.full_scores("the unseen dog")] == [False, True, False, False]


def test_score_and_perplexity_are_those_of_kenlm(model: kenlm.Model) -> None:
    assert model.score("bird likes and") == pytest.approx(-3.56222415, abs=2e-6)
    assert model.score("bird likes and", bos=False, eos=False) == pytest.approx(
        -2.83394289, abs=2e-6
    )
    assert model.perplexity("the unseen dog") == pytest.approx(19.6376551, rel=2e-6)
    assert model.score("나 는 a".encode()) == model.score("나 는 a")
    assert model.perplexity("") == pytest.approx(6.62063984, rel=2e-6)


def test_states_carry_the_context(model: kenlm.Model) -> None:
    before, after = kenlm.State(), kenlm.State()
    model.BeginSentenceWrite(before)
    total = 0.0
    for word in ["dog", "sleeps", "</s>"]:
        kept = copy.copy(before)
        total += model.BaseScore(before, word, after)
        assert before == kept
        before, after = after, before
    assert total == pytest.approx(model.score("dog sleeps"))
    model.NullContextWrite(before)
    full = model.BaseFullScore(before, "unseen", after)
    assert (full.ngram_length, full.oov) == (1, True)
    assert after != kept
    assert len({before, copy.deepcopy(before)}) == 1


def test_the_vocabulary_is_asked_with_in(model: kenlm.Model) -> None:
    assert "dog" in model
    assert "나는" in model
    assert "unseen" not in model
    assert "<unk>" not in model
    assert model.order == 3
    assert kenlm.LanguageModel is kenlm.Model


def test_a_folder_is_opened_like_a_file(tmp_path: Path) -> None:
    made = tmp_path / "model"
    data = tmp_path / "text.txt"
    data.write_text(TEXT.read_text(encoding="utf-8"), encoding="utf-8")
    train = ["train", "lm", str(data), "--model", "ngram", "--order", "3", "--tokenizer", "words"]
    assert main([*train, "-o", str(made)]) == 0
    asked = kenlm.Model(made)
    trained = munmaek.load(made)
    assert isinstance(trained, munmaek.TrainedLanguageModel)
    ids = trained.tokenizer.encode("bird likes and")
    logprobs = trained.model.score([*ids, trained.tokenizer.eos])
    assert asked.score("bird likes and") == pytest.approx(float(logprobs.sum()) / math.log(10))


def test_other_models_and_files_are_refused_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other.arpa"
    other.write_text("no model\n")
    with pytest.raises(InputError, match=r"other\.arpa"):
        kenlm.Model(other)
    data = tmp_path / "text.txt"
    data.write_text(TEXT.read_text(encoding="utf-8"), encoding="utf-8")
    made = tmp_path / "rnn"
    config = tmp_path / "rnn.toml"
    config.write_text("[model]\nembedding = 8\nhidden = 8\n[train]\nsteps = 1\n")
    train = ["train", "lm", str(data), "--model", "rnn", "--config", str(config)]
    assert main([*train, "-o", str(made)]) == 0
    with pytest.raises(UnsupportedError, match="for n-gram models"):
        kenlm.Model(made)


def test_drawn_sentences_score_as_the_package_scores_them() -> None:
    theirs: ModuleType = pytest.importorskip("kenlm", reason="the package kenlm is not installed")
    reference: Any = theirs.Model(str(ARPA))
    own = kenlm.Model(ARPA)
    draw = random.Random(0)
    words = [
        *{word for line in TEXT.read_text(encoding="utf-8").split("\n") for word in line.split()}
    ]
    for _ in range(300):
        chosen = [draw.choice([*words, "unseen"]) for _ in range(draw.randrange(8))]
        sentence = " ".join(chosen)
        for bos in (False, True):
            found = list(own.full_scores(sentence, bos=bos))
            wanted = list(reference.full_scores(sentence, bos=bos))
            assert [x[1:] for x in found] == [(n, bool(oov)) for _, n, oov in wanted]
            assert [x[0] for x in found] == pytest.approx([x[0] for x in wanted], abs=2e-6)


def test_pyctcdecode_runs_on_it_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyctcdecode", reason="the package pyctcdecode is not installed")
    for name in [each for each in sys.modules if each.startswith("pyctcdecode")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kenlm", kenlm)
    from pyctcdecode import build_ctcdecoder

    letters = [*"abcdefghijklmnopqrstuvwxyz "]
    decoder = build_ctcdecoder([*letters, ""], str(ARPA), unigrams=["the", "dog", "sleeps", "and"])
    said = "the dog sleeps"
    places = [place for letter in said for place in (letters.index(letter), len(letters))]
    scores = np.full((len(places), len(letters) + 1), -9.0)
    scores[np.arange(len(places)), places] = -0.1
    assert decoder.decode(scores) == said
