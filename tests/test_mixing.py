"""Mixtures: linear and log-linear, their weights, and as trained models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.errors import ConfigError
from munmaek.folder.info import Info
from munmaek.lm import fold_score
from munmaek.mixing import LogLinearMixture, Mixture, tune_log_linear, tune_mixture
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.sequences import TokenIds
from munmaek.tasks.lm.mixing import mix
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.loading import load
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import train_tokenizer

PAD, UNK, BOS, EOS, MASK = range(5)
V = 11
RNG = np.random.default_rng(5)
TEXT = [
    RNG.choice([5, 6, 7, 8, 9, 10], size=6, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1]) for _ in range(50)
]
HELD = [[int(word) for word in RNG.choice([5, 6, 7, 8], size=5)] + [EOS] for _ in range(12)]

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


def chain(order: int, smoothing: str = "witten-bell", text=TEXT) -> NgramModel:
    return NgramModel.fit(
        text,
        config=NgramConfig.of({"order": order, "smoothing": smoothing}),
        vocabulary=TokenIds(vocab_size=V, bos=BOS, eos=EOS, unk=UNK, excluded=(PAD, MASK)),
    )


MODELS = (chain(1), chain(3), chain(2, "add-k:0.5"))
token = st.sampled_from([UNK, 5, 6, 7, 8, 9, 10])
weights = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


@settings(max_examples=30)
@given(shares=weights, ids=st.lists(token, min_size=1, max_size=6))
def test_a_linear_mixture_is_the_weighted_mean_of_probabilities(shares, ids):
    total = sum(shares)
    given_weights = tuple(share / total for share in shares)
    mixture = Mixture(MODELS, given_weights)
    wanted = sum(
        weight * np.exp(model.score(ids))
        for weight, model in zip(given_weights, MODELS, strict=True)
    )
    np.testing.assert_allclose(np.exp(mixture.score(ids)), wanted, rtol=1e-12)
    np.testing.assert_allclose(mixture.score(ids), fold_score(mixture, ids), rtol=1e-9)
    np.testing.assert_array_equal(mixture.score_many([ids, ids])[1], mixture.score(ids))
    assert np.exp(mixture.logprobs(mixture.start())).sum() == pytest.approx(1, abs=1e-6)


@settings(max_examples=30)
@given(exponents=weights, ids=st.lists(token, min_size=1, max_size=4))
def test_a_log_linear_mixture_is_normalised_over_the_vocabulary_in_every_state(exponents, ids):
    mixture = LogLinearMixture(MODELS, tuple(exponents))
    state = mixture.start()
    for place, word in enumerate(ids):
        product = np.prod(
            [
                np.exp(weight * model.logprobs(own))
                for weight, model, own in zip(exponents, MODELS, state, strict=True)
            ],
            axis=0,
        )
        np.testing.assert_allclose(
            np.exp(mixture.logprobs(state)), product / product.sum(), rtol=1e-9
        )
        assert mixture.score(ids)[place] == mixture.logprobs(state)[word]
        state = mixture.advance(state, word)


def test_a_weight_of_zero_takes_no_notice_of_an_impossible_word():
    never = chain(1, "maximum-likelihood", [[5, 6]])
    for mixture in (Mixture, LogLinearMixture):
        found = mixture((MODELS[1], never), (1.0, 0.0)).logprobs(((BOS,), ()))
        np.testing.assert_allclose(np.exp(found), np.exp(MODELS[1].logprobs((BOS,))), rtol=1e-6)


def test_expectation_maximisation_never_lowers_the_likelihood():
    rows = [np.concatenate(model.score_many(HELD)) for model in MODELS]

    def likelihood(steps: int) -> float:
        found = tune_mixture(rows, steps=steps)
        assert sum(found) == pytest.approx(1)
        return float(np.concatenate(Mixture(MODELS, found).score_many(HELD)).sum())

    climb = [likelihood(steps) for steps in (0, 1, 2, 5, 50, 200)]
    assert climb == sorted(climb)
    assert climb[-1] >= max(row.sum() for row in rows) - 1e-3


def test_one_step_of_expectation_maximisation_worked_by_hand():
    # p = (0.5, 0.1) and (0.25, 0.3): shares of the first 2/3 and 1/4, mean 11/24.
    rows = [np.log([0.5, 0.1]), np.log([0.25, 0.3])]
    assert tune_mixture(rows, steps=1) == pytest.approx((11 / 24, 13 / 24))


def test_tokens_that_no_model_thinks_possible_are_passed_over():
    rows = [np.array([-np.inf, -1.0, -np.inf]), np.array([-np.inf, -np.inf, -2.0])]
    assert tune_mixture(rows) == pytest.approx((0.5, 0.5))
    with pytest.raises(ValueError, match="no held-out token is possible"):
        tune_mixture([rows[0][:1], rows[1][:1]])


def test_log_linear_weights_are_at_the_top_of_the_likelihood():
    found = tune_log_linear(MODELS[:2], HELD)

    def likelihood(exponents) -> float:
        mixture = LogLinearMixture(MODELS[:2], tuple(exponents))
        return float(np.concatenate(mixture.score_many(HELD)).sum())

    best = likelihood(found)
    for change in ((0.02, 0), (-0.02, 0), (0, 0.02), (0, -0.02)):
        moved = np.maximum(np.add(found, change), 0)
        assert likelihood(moved) <= best + 1e-6
    assert best >= likelihood((1, 0))
    assert best >= likelihood((0, 1))


@pytest.mark.parametrize(
    ("models", "shares", "reason"),
    [
        (MODELS, (0.5, 0.5), "a weight for each model: 3 against 2"),
        ((), (), "a weight for each model: 0 against 0"),
        (MODELS[:2], (0.7, 0.7), "sum to 1"),
        (MODELS[:2], (1.5, -0.5), "at least 0"),
    ],
)
def test_weights_that_cannot_be_are_refused(models, shares, reason):
    with pytest.raises(ValueError, match=reason):
        Mixture(models, shares)


def test_log_linear_weights_below_zero_are_refused():
    with pytest.raises(ValueError, match="at least 0 and finite"):
        LogLinearMixture(MODELS[:2], (0.5, -0.1))


def test_models_of_different_vocabularies_are_refused():
    other = NgramModel.fit(
        [[3]],
        config=NgramConfig(order=1),
        vocabulary=TokenIds(vocab_size=4, bos=0, eos=1, unk=None),
    )
    with pytest.raises(ValueError, match="one vocabulary: 11 against 4"):
        Mixture((MODELS[0], other), (0.5, 0.5))


# As trained models, with a network among them


@pytest.fixture(scope="module")
def parts():
    from munmaek.folder.weights import make_network
    from munmaek.tasks.lm.objective import NeuralLanguageModel

    lines = ["나는 학교에서 공부한다", "너는 집에서 책을 읽는다", "우리는 집에서 논다"]
    tokenizer = train_tokenizer(lines, kind="words", vocab_size=50)
    size = tokenizer.vocab_size
    counted = NgramModel.fit(
        tokenizer.encode_many(lines),
        config=NgramConfig(order=2),
        vocabulary=TokenIds(vocab_size=size, bos=BOS, eos=EOS, unk=UNK, excluded=(PAD, MASK)),
    )
    sizes = {"vocab_size": size, "bos": BOS, "eos": EOS, "unk": UNK}
    config = {"embedding": 8, "hidden": 8}
    network = make_network(stage="rnn", task="lm", config=config, sizes={"vocab_size": size})
    neural = NeuralLanguageModel(network.eval(), BOS, EOS, size)
    first = Info("lm", "ngram", "2-gram", NgramConfig(order=2).model_dump(), sizes, 9)
    second = Info("lm", "rnn", "LSTM", config, {"vocab_size": size}, 9)
    return (
        TrainedLanguageModel(tokenizer, counted, first),
        TrainedLanguageModel(tokenizer, neural, second),
    )


@pytest.mark.parametrize("log_linear", [False, True])
def test_a_mixture_with_a_network_is_saved_and_scores_to_the_bit(parts, tmp_path, log_linear):
    held = Corpus("held", ("나는 집에서 논다", "너는 학교에서 논다"))
    made = mix(parts, tune=held, log_linear=log_linear)
    made.save(tmp_path / "mixed")
    again = load(tmp_path / "mixed")
    assert again.score(held.lines) == made.score(held.lines)
    assert again.info.stage == "mixture"
    assert [part.info.stage for part in again.parts] == ["ngram", "rnn"]
    found = again.evaluate(held)["perplexity"].value
    assert found <= min(part.evaluate(held)["perplexity"].value for part in parts) * 1.001
    assert np.exp(again.model.logprobs(again.model.start())).sum() == pytest.approx(1, abs=1e-5)


def test_a_damaged_part_of_a_mixture_is_found(parts, tmp_path):
    from munmaek.errors import ArtefactError

    mix(parts, weights=(0.5, 0.5)).save(tmp_path / "mixed")
    file = tmp_path / "mixed" / "part-0" / "config.json"
    file.write_text(file.read_text(encoding="utf-8").replace("2", "3"), encoding="utf-8")
    with pytest.raises(ArtefactError, match="altered"):
        load(tmp_path / "mixed")


def test_a_mixture_needs_two_models_and_weights_or_text(parts):
    with pytest.raises(ConfigError, match="at least 2 models"):
        mix(parts[:1], weights=(1.0,))
    with pytest.raises(ConfigError, match="weights, or held-out text"):
        mix(parts)
