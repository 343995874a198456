"""N-gram models fused into one: the mixture at every n-gram of the union, and sums of 1."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import munmaek
from munmaek import kenlm
from munmaek.cli import main
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.models.ngram import NgramModel
from munmaek.tasks.lm.exchange import export_arpa, import_ngrams
from munmaek.tasks.lm.fusing import fused
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.text.corpora import Corpus

BIRDS = [
    "the old bird sings",
    "a bird sings today",
    "the bird sees a worm",
    "a worm sees nothing",
] * 3
DOGS = ["the dog sleeps", "the old dog sees a cat", "a cat sleeps today", "나는 a dog"] * 3
HELD = ["the old dog sings today", "a cat sees a bird", "the unseen worm sleeps"]
WEIGHTS = (0.3, 0.7)


def trained(
    lines: Sequence[str], order: int, *, smoothing: str = "witten-bell", tokenizer: str = "words"
) -> TrainedLanguageModel:
    options = {"tokenizer": tokenizer, "order": order, "smoothing": smoothing}
    made = munmaek.train("lm", list(lines), model="ngram", **options)
    assert isinstance(made, TrainedLanguageModel)
    return made


@pytest.fixture(scope="module")
def parts() -> list[TrainedLanguageModel]:
    return [trained(BIRDS, 3), trained(DOGS, 2, smoothing="absolute:0.6")]


def tables_of(model: TrainedLanguageModel) -> NgramModel:
    assert isinstance(model.model, NgramModel)
    return model.model


def chances(part: TrainedLanguageModel, whole: TrainedLanguageModel, context: list[int]):
    """Return p_i of every word of the union after a context of it, by the definition."""
    names = [whole.tokenizer.token(each) for each in range(whole.tokenizer.vocab_size)]
    own = {part.tokenizer.token(each): each for each in range(part.tokenizer.vocab_size)}
    unk = part.tokenizer.unk
    ids = [own.get(name, unk) for name in names]
    found = np.exp(part.model.logprobs(tuple(ids[each] for each in context)))
    lacking = sum(each == unk for each in ids)
    return np.array([found[each] / (lacking if each == unk else 1) for each in ids])


def contexts(model: TrainedLanguageModel) -> list[list[int]]:
    tables = tables_of(model).tables
    paths: list[list[int]] = [[]]
    level = [[word] for word in range(tables.vocab_size)]
    for order in range(1, tables.order):
        paths += level
        begin = int(tables.starts[order - 1])
        level = [
            [*path, int(tables.words[node])]
            for at, path in enumerate(level)
            for node in range(tables.first[begin + at], tables.first[begin + at + 1])
        ]
    return paths


def test_every_n_gram_has_the_mixtures_probability(parts: list[TrainedLanguageModel]) -> None:
    made = fused(parts, weights=WEIGHTS).model
    model = tables_of(made)
    checked = 0
    for context in contexts(made):
        wanted = sum(
            weight * chances(part, made, context)
            for weight, part in zip(WEIGHTS, parts, strict=True)
        )
        for word in range(model.vocab_size):
            entry = model.find([*context, word])
            if entry is not None and math.isfinite(entry.logprob):
                assert math.exp(entry.logprob) == pytest.approx(wanted[word], rel=1e-5)
                checked += 1
    assert checked == sum(model.counts) - 1  # <s> is never predicted
    assert model.counts[1] > max(tables_of(part).counts[1] for part in parts)


def test_probabilities_sum_to_one_after_every_context(parts: list[TrainedLanguageModel]) -> None:
    made = fused(parts, weights=WEIGHTS).model
    draw = np.random.default_rng(0)
    drawn = [draw.integers(0, made.tokenizer.vocab_size, 3).tolist() for _ in range(200)]
    for context in [*contexts(made), *drawn]:
        total = np.exp(made.model.logprobs(tuple(context))).sum()
        assert total == pytest.approx(1.0, abs=2e-6)


def test_a_model_fused_with_itself_stays_as_it_was(parts: list[TrainedLanguageModel]) -> None:
    made = fused([parts[0], parts[0]], weights=(0.5, 0.5)).model
    assert made.tokenizer.fingerprint == parts[0].tokenizer.fingerprint
    for line in HELD:
        assert made.score([line])[0].logprob == pytest.approx(
            parts[0].score([line])[0].logprob, rel=1e-5
        )


def test_weights_are_tuned_and_the_perplexity_is_compared_with_the_mixtures(
    parts: list[TrainedLanguageModel],
) -> None:
    found = fused(parts, text=Corpus("held", HELD))
    assert sum(found.weights) == pytest.approx(1.0)
    mixture = 0.0
    count = 0
    whole = found.model
    for line in HELD:
        context = [whole.tokenizer.bos]
        for word in [*whole.tokenizer.encode(line), whole.tokenizer.eos]:
            pairs = zip(found.weights, parts, strict=True)
            mixture += math.log(sum(w * chances(p, whole, context)[word] for w, p in pairs))
            context.append(word)
            count += 1
    assert found.mixture == pytest.approx(math.exp(-mixture / count), rel=1e-6)
    own = sum(each.logprob for each in whole.score(HELD))
    assert found.perplexity == pytest.approx(math.exp(-own / count), rel=1e-6)
    assert found.lost == pytest.approx(found.perplexity / found.mixture - 1)


def test_the_fused_model_goes_out_as_one_arpa_file(
    parts: list[TrainedLanguageModel], tmp_path: Path
) -> None:
    made = fused(parts, weights=WEIGHTS).model
    export_arpa(made, tmp_path / "fused.arpa")
    again = import_ngrams(tmp_path / "fused.arpa")
    both = fused([parts[0], again], weights=WEIGHTS, text=Corpus("held", HELD))
    assert both.mixture is not None  # one ends words at ASCII white space, the other at any
    for line in HELD:
        assert again.score([line])[0].logprob == pytest.approx(
            made.score([line])[0].logprob, rel=1e-6
        )
    package = pytest.importorskip("kenlm", reason="the package kenlm is not installed")
    theirs, own = package.Model(str(tmp_path / "fused.arpa")), kenlm.Model(tmp_path / "fused.arpa")
    assert [theirs.score(line) for line in HELD] == pytest.approx([own.score(x) for x in HELD])


def test_the_command_fuses_says_the_cost_and_saves_one_model(
    parts: list[TrainedLanguageModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(tmp_path / name) for name in ("birds", "dogs")]
    for part, folder in zip(parts, folders, strict=True):
        part.save(Path(folder))
    held = tmp_path / "held.txt"
    held.write_text("".join(f"{line}\n" for line in HELD), encoding="utf-8")
    out = tmp_path / "fused"
    assert main(["mix", *folders, "--tune", str(held), "--fuse", "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["perplexity_lost"] == pytest.approx(
        said["fused_perplexity"] / said["mixture_perplexity"] - 1
    )
    assert said["scores"]["perplexity"]["value"] == pytest.approx(said["fused_perplexity"])
    opened = munmaek.load(out)
    assert isinstance(opened, TrainedLanguageModel)
    assert opened.is_counted
    assert opened.info.training["fused"]["weights"] == list(said["weights"].values())
    both = ["--weights", "0.5,0.5", "--tune", str(held), "--fuse", "-o", str(tmp_path / "b")]
    assert main(["mix", *folders, *both]) == 0
    assert "of the mixture that asks all models" in capsys.readouterr().out
    assert main(["mix", *folders, *both[:4], "-o", str(tmp_path / "c")]) == 2
    assert "either --tune FILE or --weights" in capsys.readouterr().err
    assert main(["mix", *folders, "--weights", "1,1", "--fuse", "-o", str(tmp_path / "d")]) == 2
    assert "that sum to 1 are wanted" in capsys.readouterr().err
    linear = ["--log-linear", "--fuse", "--weights", "1,0", "-o", str(tmp_path / "e")]
    assert main(["mix", *folders, *linear]) == 2
    assert "leave out --log-linear" in capsys.readouterr().err


def test_what_cannot_be_fused_is_refused(parts: list[TrainedLanguageModel]) -> None:
    characters = trained(BIRDS, 2, tokenizer="characters")
    with pytest.raises(UnsupportedError, match="only words can be put together"):
        fused([parts[0], characters], weights=WEIGHTS)
    scores = trained(BIRDS, 2, smoothing="stupid-backoff")
    with pytest.raises(UnsupportedError, match="model 2 gives scores"):
        fused([parts[0], scores], weights=WEIGHTS)
    with pytest.raises(ConfigError, match="at least 2 models"):
        fused(parts[:1], weights=(1.0,))
    with pytest.raises(ConfigError, match="weights, or held-out text"):
        fused(parts)
