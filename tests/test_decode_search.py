"""What beam search can be asked for besides: coverage, repeats, phrases, several models."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.decode import (
    Coverage,
    GeometricEnsemble,
    MeanEnsemble,
    Phrase,
    Search,
    ShallowFusion,
    beam_search,
    constrained_search,
    from_single,
)
from munmaek.decode.ranking import rank, row_count
from munmaek.decode.repeats import closing_tokens_of
from munmaek.mixing import LogLinearMixture, Mixture
from munmaek.tasks.translate.ranking import likeliest
from test_decode import EOS, Several, Table, every_output

# Ranking


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 4),
    size=st.sampled_from([5, 127, 256, 300, 1000]),
    count=st.integers(1, 6),
    steps=st.sampled_from([1.0, 2.0, 1000.0]),
)
def test_the_fast_ranking_is_that_of_all_logprobs_ties_included(seed, rows, size, count, steps):
    rng = np.random.default_rng(seed)
    # Coarse steps make many scores equal.
    logits = torch.tensor(np.round(rng.normal(size=(rows, size)) * steps) / steps).float()
    count, closed = min(count, size), [0, 2]
    values, tokens = (each.numpy() for each in likeliest(logits.clone(), count, closed=closed))
    logprobs = logits.double().log_softmax(-1).numpy()
    wanted, ids = rank(logits.numpy(), count, closed=closed)
    real = wanted > -np.inf
    np.testing.assert_array_equal(values > -np.inf, real)
    np.testing.assert_array_equal(tokens[real], ids[real])
    np.testing.assert_allclose(
        values[real], np.take_along_axis(logprobs, ids, 1)[real], rtol=1e-5, atol=1e-5
    )


# Coverage


def test_the_coverage_penalty_is_that_of_the_paper():
    """Attention sums to 0.5, 1.2 and 0.3; the fourth column is not to be covered."""
    attention = np.array([[0.3, 0.5, 0.1, 0.1], [0.2, 0.7, 0.1, 0.0], [0.0, 0.0, 0.1, 0.9]])
    coverage = Coverage(0.2, [9, 3])
    wanted = 0.2 * (np.log(0.5) + 0 + np.log(0.3))
    assert coverage.penalty(1, attention.astype(np.float32)) == pytest.approx(wanted)


def test_coverage_is_part_of_the_score_and_ranks_outputs():
    model = Several((3, 8), vocab_size=4)
    wide = {"beam": 64, "max_length": 4, "n_best": 20}
    coverage = Coverage(0.7, [3, 2])
    plain = beam_search(model, Search(**wide))
    covered = beam_search(model, Search(**wide, coverage=coverage))
    for row, outputs in enumerate(covered):
        finished = [one for one in outputs if one.finished]
        for one in outputs:
            length = len(one.tokens) + one.finished
            wanted = one.logprob / length + coverage.penalty(row, one.attention)
            assert one.score == pytest.approx(wanted)
        # A beam that holds everything ranks all there is, so the order is by the new score alone.
        assert [one.score for one in finished] == sorted(one.score for one in finished)[::-1]
    assert [o.tokens for o in covered[0]] != [o.tokens for o in plain[0]]
    with pytest.raises(ValueError, match="needs attention, and this model has none"):
        beam_search(from_single(Table()), Search(3, coverage=Coverage(0.2, [3])))
    with pytest.raises(ValueError, match="at least 0, got -1"):
        Coverage(-1.0, [3])


# Repeats


def test_the_tokens_that_would_close_a_run_are_found():
    assert closing_tokens_of((5, 6, 7, 5, 6), 3) == [7]
    assert closing_tokens_of((5, 6, 7, 5, 6, 8, 5, 6), 3) == [7, 8]
    assert closing_tokens_of((5, 6), 1) == [5, 6]
    assert closing_tokens_of((5,), 3) == []


@settings(max_examples=30)
@given(seed=st.integers(0, 999), size=st.integers(1, 3), beam=st.integers(1, 5))
def test_no_run_comes_twice(seed, size, beam):
    model = Several((seed, seed + 1), vocab_size=5)
    for outputs in beam_search(model, Search(8, beam=beam, min_length=2, no_repeat=size)):
        for one in outputs:
            runs = [one.tokens[at : at + size] for at in range(len(one.tokens) - size + 1)]
            assert len(set(runs)) == len(runs)


def test_of_outputs_without_repeats_the_best_is_found():
    model = Table(seed=2)
    kept = [
        (tokens, total)
        for tokens, total in every_output(model, 4)
        if len({tokens[at : at + 2] for at in range(len(tokens) - 1)}) == max(len(tokens) - 1, 0)
    ]
    best = max(kept, key=lambda one: one[1] / (len(one[0]) + 1))
    found = beam_search(from_single(model), Search(4, beam=256, no_repeat=2))[0][0]
    assert found.tokens == best[0]


# Phrases


def holds(tokens, phrase):
    size = len(phrase.tokens)
    inside = any(tokens[at : at + size] == phrase.tokens for at in range(1, len(tokens)))
    return inside or tokens[: len(phrase.first)] == phrase.first


def same(*tokens):
    return Phrase(tokens, tokens)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("phrases", [[same(2, 3)], [same(0), same(3, 3)], [Phrase((0, 2), (3,))]])
def test_a_beam_that_holds_everything_finds_the_best_output_with_the_phrases(seed, phrases):
    model = Table(seed=seed)
    outputs = [
        one for one in every_output(model, 5) if all(holds(one[0], phrase) for phrase in phrases)
    ]
    best = max(outputs, key=lambda one: one[1] / (len(one[0]) + 1))
    found = constrained_search(from_single(model), [phrases], Search(5, beam=2000))[0][0]
    assert found.tokens == best[0]
    assert found.logprob == pytest.approx(best[1])


@settings(max_examples=60)
@given(
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3),
    first=st.lists(st.sampled_from([0, 2, 3, 4]), min_size=1, max_size=3),
    second=st.lists(st.sampled_from([0, 2, 3, 4]), min_size=0, max_size=2),
    beam=st.integers(1, 5),
    spare=st.integers(0, 4),
)
def test_phrases_that_fit_are_in_every_output_that_ends(seeds, first, second, beam, spare):
    phrases = [same(*each) for each in (first, second) if each]
    model = Several(tuple(seeds), vocab_size=5)
    longest = len(first) + len(second) + 1 + spare
    found = constrained_search(
        model, [phrases] * len(seeds), Search(longest, beam=beam, min_length=1, banned=[2])
    )
    for seed, outputs in zip(seeds, found, strict=True):
        assert outputs[0].finished
        for phrase in phrases:
            size = len(phrase.tokens)
            tokens = outputs[0].tokens
            assert any(tokens[at : at + size] == phrase.tokens for at in range(len(tokens)))
        total = Table(5, seed).score([*outputs[0].tokens, EOS]).sum()
        assert outputs[0].logprob == pytest.approx(total)


def test_without_phrases_the_best_is_that_of_beam_search():
    model = Several((1, 2, 3))
    options = {"beam": 64, "max_length": 4, "n_best": 3}
    free = constrained_search(model, [[], [], []], Search(**options))
    for one, other in zip(free, beam_search(model, Search(**options)), strict=True):
        assert [each.tokens for each in one] == [each.tokens for each in other]
        np.testing.assert_array_equal(one[0].attention, other[0].attention)


# Several models


@pytest.mark.parametrize(
    ("ensemble", "single"), [(MeanEnsemble, Mixture), (GeometricEnsemble, LogLinearMixture)]
)
def test_an_ensemble_is_its_single_twin_row_by_row_and_searched_exhaustively(ensemble, single):
    tables = (Table(seed=5), Table(seed=6), Table(seed=7))
    weights = (0.5, 0.2, 0.3)
    twin = single(tables, weights)
    model = ensemble([from_single(each) for each in tables], weights)
    for history in product(range(4), repeat=2):
        state, own = model.start(), twin.start()
        for token in history:
            state = model.advance(state, np.array([token]))
            own = twin.advance(own, token)
        np.testing.assert_allclose(model.logprobs(state)[0], twin.logprobs(own), rtol=1e-9)

    class Scored:
        vocab_size, eos = 4, EOS
        score = staticmethod(twin.score)

    best = max(every_output(Scored, 3), key=lambda one: one[1] / (len(one[0]) + 1))
    found = beam_search(model, Search(3, beam=64))[0][0]
    assert found.tokens == best[0]
    assert found.logprob == pytest.approx(best[1])


def test_the_attention_of_an_ensemble_is_the_mean_of_those_that_have_it():
    one, other = Several((1, 2)), Several((3, 4))
    silent = from_single(Table(), rows=2)
    model = MeanEnsemble([one, silent, other], [0.5, 0.25, 0.25])
    wanted = (one.attention(one.start()) * 0.5 + other.attention(other.start()) * 0.25) / 0.75
    np.testing.assert_allclose(model.attention(model.start()), wanted, rtol=1e-6)
    assert MeanEnsemble([silent], [1.0]).attention((silent.start(),)) is None


def test_shallow_fusion_adds_the_language_models_logprobs():
    spoken = from_single(Table(seed=9), rows=2)
    model = ShallowFusion(Several((1, 2)), spoken, 0.3)
    state = model.advance(model.start(), np.array([2, 3]))
    state = model.select(state, np.array([1]))
    wanted = Table(seed=2).logprobs((3,)) + 0.3 * Table(seed=9).logprobs((3,))
    np.testing.assert_allclose(model.logprobs(state)[0], wanted)
    assert model.attention(state).shape == (1, 3)


class Unread:
    """A model of whom the number of rows alone may be asked."""

    vocab_size, eos = 4, EOS

    def __init__(self, rows):
        self.inner = from_single(Table(), rows=rows)

    def logprobs(self, _):
        raise AssertionError("all log-probabilities, to know how many rows there are")

    def row_count(self, state):
        return self.inner.row_count(state)

    def start(self):
        return self.inner.start()

    def select(self, state, rows):
        return self.inner.select(state, rows)


def test_the_rows_of_several_models_are_counted_without_reading_one():
    pair = (Unread(3), Unread(3))
    fused = ShallowFusion(MeanEnsemble(pair, (0.5, 0.5)), Unread(3), 0.5)
    for model in (GeometricEnsemble(pair, (0.5, 0.5)), fused):
        state = model.start()
        assert row_count(model, state) == 3
        assert row_count(model, model.select(state, np.array([0, 2]))) == 2


def test_a_model_that_cannot_count_its_rows_is_asked_for_all_logprobs():
    assert not hasattr(Several((1, 2)), "row_count")
    assert row_count(Several((1, 2)), Several((1, 2)).start()) == 2


def test_ensembles_that_cannot_be_are_refused():
    one, other = from_single(Table()), from_single(Table(vocab_size=5))
    with pytest.raises(ValueError, match="an ensemble needs one vocabulary: 4 against 5"):
        MeanEnsemble([one, other], [0.5, 0.5])
    with pytest.raises(ValueError, match="an ensemble needs a weight for each model: 2 against 1"):
        MeanEnsemble([one, one], [1.0])
    with pytest.raises(ValueError, match="above 0 and sum to 1"):
        GeometricEnsemble([one, one], [1.5, -0.5])
    with pytest.raises(ValueError, match="share the vocabulary of 4, got 5"):
        ShallowFusion(one, other, 0.5)
    with pytest.raises(ValueError, match="above 0, got 0"):
        ShallowFusion(one, one, 0.0)
    with pytest.raises(ValueError, match="at least one token"):
        Phrase((), ())
