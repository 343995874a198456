"""The stage: laws of a language model, explanations, saving, classifying."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from munmaek.errors import ArtefactError, ConfigError, InputError
from munmaek.lm import fold_score
from munmaek.mixing import Mixture
from munmaek.models.ngram import NgramClassifier, NgramConfig, NgramModel
from munmaek.ngram.sequences import TokenIds

UNK, BOS, EOS, PAD = 0, 1, 2, 3
V = 9
SPECIAL = {"vocab_size": V, "bos": BOS, "eos": EOS, "unk": UNK}
TEXT = [[4, 5, 6, 4, 5], [4, 5], [6, 6, 7], [], [5, 4, 5, 6, 7], [UNK, 4]]

# Tables hold float32: a logarithm of 4 to 8 is rounded by up to 2**-22, and several are added.
ROUNDING = 1e-6

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
orders = st.integers(1, 5)
token = st.sampled_from([token for token in range(V) if token not in (BOS, PAD)])


@cache
def model_of(order):
    return NgramModel.fit(
        TEXT, config=NgramConfig(order=order), vocabulary=TokenIds(excluded=(PAD,), **SPECIAL)
    )


@given(order=orders, context=st.lists(token, max_size=7))
def test_probabilities_sum_to_one_after_any_context(order, context):
    model = model_of(order)
    state = model.start()
    for word in context:
        state = model.advance(state, word)
    probabilities = np.exp(model.logprobs(state))
    assert probabilities.sum() == pytest.approx(1, abs=ROUNDING)
    assert probabilities[[BOS, PAD]].tolist() == [0, 0]
    assert (np.delete(probabilities, [BOS, PAD]) > 0).all()


@given(order=orders, ids=st.lists(st.integers(0, V - 1), max_size=12))
def test_score_equals_folding_start_logprobs_and_advance(order, ids):
    model = model_of(order)
    np.testing.assert_allclose(model.score(ids), fold_score(model, ids), rtol=1e-13, atol=1e-15)


@given(order=orders, many=st.lists(st.lists(token, max_size=9), max_size=6))
def test_scoring_many_equals_scoring_each(order, many):
    model = model_of(order)
    together = model.score_many(many)
    assert len(together) == len(many)
    for ids, scores in zip(many, together, strict=True):
        assert np.array_equal(scores, model.score(ids))


def test_scores_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr("munmaek.models.ngram.model._TOKENS_A_THREAD", 10)
    model, draw = model_of(3), np.random.default_rng(0)
    ids = draw.integers(4, V, 500)
    offsets = np.array([0, 0, *np.sort(draw.integers(0, 500, 60)), 500])
    alone = model.score_flat(ids, offsets, threads=1)
    for threads in (2, 5, None):
        assert np.array_equal(model.score_flat(ids, offsets, threads=threads), alone)
    rows = [ids[begin:end] for begin, end in pairwise(offsets.tolist())]
    assert np.array_equal(np.concatenate([model.score(row) for row in rows]), alone)


@given(order=orders, ids=st.lists(token, min_size=1, max_size=9))
def test_explanations_add_up_to_the_score(order, ids):
    model = model_of(order)
    for position, (step, logprob) in enumerate(
        zip(model.explain(ids), model.score(ids), strict=True)
    ):
        assert step.token == ids[position]
        assert step.logprob == logprob
        assert 1 <= step.order <= min(order, position + 2)
        matched = step.logprob - math.fsum(step.backoffs)
        context = (BOS, *ids[:position])[len(ids[:position]) + 2 - step.order :]
        assert matched == pytest.approx(model.logprobs(context)[ids[position]], abs=1e-12)


def test_an_explanation_names_the_order_and_the_backoffs_paid():
    model = model_of(3)
    seen, unseen = model.explain([4, 8])
    assert (seen.order, seen.backoffs) == (2, ())
    assert unseen.order == 1
    assert len(unseen.backoffs) == 2


def test_the_state_is_the_last_words_and_the_future_does_not_change_the_past():
    model = model_of(3)
    state = model.start()
    assert state == (BOS,)
    assert model.advance(model.advance(state, 4), 5) == (4, 5)
    longer = model.score([4, 5, 6, 7])
    assert np.array_equal(longer[:2], model.score([4, 5]))
    assert model_of(1).start() == model_of(1).advance((), 4) == ()


def test_saving_and_loading_gives_the_same_bits():
    model = model_of(4)
    again = NgramModel.from_tensors(load(save(model.tensors())), config=model.config, **SPECIAL)
    again.tables.verify()
    for name, tensor in model.tensors().items():
        assert np.array_equal(tensor, again.tensors()[name])
    assert np.array_equal(model.logprobs((4, 5)), again.logprobs((4, 5)))
    assert again.counts == model.counts


def test_tables_may_lie_in_a_mapped_read_only_file(tmp_path):
    model = model_of(3)
    mapped = {}
    for name, tensor in model.tensors().items():
        np.save(tmp_path / f"{name}.npy", tensor)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    again = NgramModel.from_tensors(mapped, config=model.config, **SPECIAL)
    assert np.shares_memory(again.tables.words, mapped["words"])
    assert np.array_equal(again.score([4, 5, EOS]), model.score([4, 5, EOS]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("words"), "tensor 'words' is missing"),
        (lambda t: t.update(words=t["words"][:-1]), "shape of 'words'"),
        (lambda t: t.update(links=t["links"].astype(np.int64)), "type of 'links'"),
        (lambda t: t.update(starts=t["starts"][:-1]), "shape of 'starts'"),
        (lambda t: t.update(starts=t["starts"] + 1), "number of unigrams"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(change, reason):
    tensors = model_of(3).tensors()
    change(tensors)
    with pytest.raises(ArtefactError, match=reason):
        NgramModel.from_tensors(tensors, config=model_of(3).config, **SPECIAL)


@pytest.mark.parametrize("name", ["logprobs", "backoffs"])
def test_opening_finds_values_that_no_table_has(name):
    model = model_of(3)
    tensors = {key: array.copy() for key, array in model.tensors().items()}
    tensors[name][-1] = np.inf if name == "backoffs" else 10**6
    with pytest.raises(ArtefactError, match=f"'{name}' is damaged"):
        NgramModel.from_tensors(tensors, config=model.config, **SPECIAL)


@pytest.mark.parametrize("name", ["words", "links", "first"])
def test_verifying_finds_damaged_tables(name):
    model = model_of(3)
    tensors = {key: array.copy() for key, array in model.tensors().items()}
    tensors[name][-1] = 10**6
    damaged = NgramModel.from_tensors(tensors, config=model.config, **SPECIAL)
    with pytest.raises(ArtefactError, match=f"'{name}' is damaged"):
        damaged.tables.verify()


def test_ids_outside_the_vocabulary_are_refused_when_scoring():
    with pytest.raises(InputError, match=f"sequence 1: token id {V} is outside"):
        model_of(2).score_many([[4], [4, V]])
    with pytest.raises(InputError, match="outside"):
        model_of(2).explain([-1])


@pytest.mark.parametrize("values", [{"order": 0}, {"order": 11}, {"ordre": 3}])
def test_configurations_out_of_range_are_refused(values):
    with pytest.raises(ConfigError):
        NgramConfig.of(values)


def test_a_longer_order_needs_more_n_grams():
    sizes = [model_of(order).parameters for order in range(1, 6)]
    assert all(shorter < longer for shorter, longer in pairwise(sizes))
    assert model_of(2).counts[0] == V - 1
    assert model_of(2).size == sum(t.nbytes for t in model_of(2).tables.tensors().values())


def test_a_mixture_with_another_order_is_a_language_model_too():
    mixture = Mixture((model_of(3), model_of(1)), (0.7, 0.3))
    assert np.exp(mixture.logprobs(mixture.start())).sum() == pytest.approx(1, abs=ROUNDING)


def classifier():
    config = NgramConfig(order=2)
    text = [[4, 4, 5], [4, 5], [6, 7], [7, 7, 6], [6]]
    return NgramClassifier.fit(
        text,
        [0, 0, 1, 1, 1],
        config=config,
        label_count=2,
        vocabulary=TokenIds(excluded=(PAD,), **SPECIAL),
    )


def test_the_classifier_is_bayes_rule_over_class_models():
    model = classifier()
    ids = [4, 6]
    joint = [
        math.log(share) + chain.score([*ids, EOS]).sum()
        for share, chain in zip((2 / 5, 3 / 5), model.models, strict=True)
    ]
    wanted = np.array(joint) - np.logaddexp(*joint)
    np.testing.assert_allclose(model.logprobs([ids])[0], wanted, rtol=1e-12)


def test_the_classifier_tells_the_labels_apart_and_its_posteriors_sum_to_one():
    posteriors = np.exp(classifier().logprobs([[4, 5], [7, 6], []]))
    assert posteriors.shape == (3, 2)
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, rtol=1e-12)
    assert posteriors[0, 0] > 0.5
    assert posteriors[1, 1] > 0.5
    assert classifier().logprobs([]).shape == (0, 2)


def test_the_classifier_comes_back_from_its_tensors():
    model = classifier()
    again = NgramClassifier.from_tensors(
        load(save(model.tensors())), config=NgramConfig(order=2), **SPECIAL
    )
    assert np.array_equal(model.logprobs([[4, 6]]), again.logprobs([[4, 6]]))
    assert again.parameters == model.parameters
    with pytest.raises(ArtefactError, match="'prior' is missing"):
        NgramClassifier.from_tensors({}, config=NgramConfig(order=2), **SPECIAL)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [([0, 0], "label 1 has no sequences"), ([0], "1 labels for 2"), ([0, 2], "labels from 0 to 2")],
)
def test_labels_that_do_not_fit_are_refused(labels, reason):
    with pytest.raises(InputError, match=reason):
        NgramClassifier.fit(
            [[4], [5]],
            labels,
            config=NgramConfig(order=2),
            label_count=2,
            vocabulary=TokenIds(**SPECIAL),
        )
