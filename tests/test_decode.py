"""Decoding against exhaustive search, forced scores and known distributions."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.decode import (
    Drawing,
    Search,
    beam_search,
    constrained_search,
    follow,
    force,
    from_single,
    greedy,
    sample,
)
from munmaek.decode.sampling import keep_likeliest, keep_mass
from munmaek.lm import fold_score

EOS = 1


@dataclass(frozen=True)
class Table:
    """A toy model: any distribution for any history, drawn from a hash of it."""

    vocab_size: int = 4
    seed: int = 0
    eos: int = EOS

    def start(self):
        return ()

    def logprobs(self, state):
        rng = np.random.default_rng([self.seed, len(state), *state])
        scores = rng.normal(size=self.vocab_size) * 2
        return scores - np.logaddexp.reduce(scores)

    def advance(self, state, token):
        return (*state, token)

    def score(self, ids):
        return fold_score(self, ids)

    def score_many(self, sequences):
        return [self.score(ids) for ids in sequences]


@dataclass(frozen=True)
class Several:
    """A batched toy model: each row has a table of its own, and attention that tells its history.

    The weights of a row are a function of its seed and of every token it has read, so that weights
    that end up with another hypothesis give themselves away.
    """

    seeds: tuple[int, ...]
    vocab_size: int = 4
    eos: int = EOS
    sources: int = 3

    def start(self):
        return tuple((seed, ()) for seed in self.seeds)

    def logprobs(self, state):
        out = [Table(self.vocab_size, seed).logprobs(history) for seed, history in state]
        return np.array(out).reshape(len(state), self.vocab_size)

    def advance(self, state, tokens):
        assert tokens.dtype == np.int64
        assert len(tokens) == len(state)
        pairs = zip(state, tokens.tolist(), strict=True)
        return tuple((seed, (*history, token)) for (seed, history), token in pairs)

    def select(self, state, rows):
        return tuple(state[row] for row in rows.tolist())

    def weights(self, seed, history):
        scores = np.random.default_rng([7, seed, len(history), *history]).random(self.sources)
        return (scores / scores.sum()).astype(np.float32)

    def attention(self, state):
        return np.stack([self.weights(seed, history) for seed, history in state])


def every_output(model, longest):
    """All finished outputs of at most ``longest`` predictions, and their probability."""
    words = [token for token in range(model.vocab_size) if token != model.eos]
    for length in range(longest):
        for tokens in product(words, repeat=length):
            yield tokens, float(model.score([*tokens, model.eos]).sum())


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_that_holds_everything_is_exhaustive_search(seed, penalty):
    model = Table(seed=seed)
    longest = 4
    outputs = sorted(
        every_output(model, longest), key=lambda one: -one[1] / (len(one[0]) + 1) ** penalty
    )
    found = beam_search(
        from_single(model), Search(longest, beam=4**longest, length_penalty=penalty, n_best=5)
    )[0]
    assert [one.tokens for one in found] == [tokens for tokens, _ in outputs[:5]]
    assert [one.logprob for one in found] == pytest.approx([total for _, total in outputs[:5]])
    assert all(one.finished for one in found)


def test_a_score_is_the_probability_divided_by_the_length_with_eos():
    found = beam_search(from_single(Table()), Search(6, length_penalty=0.7))[0][0]
    predictions = len(found.tokens) + found.finished
    assert found.score == pytest.approx(found.logprob / predictions**0.7)


@settings(max_examples=40)
@given(
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=4),
    beam=st.integers(1, 6),
    longest=st.integers(1, 7),
    penalty=st.sampled_from([0.0, 1.0]),
)
def test_forcing_an_output_gives_the_score_that_the_beam_gave(seeds, beam, longest, penalty):
    model = Several(tuple(seeds))
    found = beam_search(model, Search(longest, beam=beam, length_penalty=penalty, n_best=beam))
    for seed, outputs in zip(seeds, found, strict=True):
        scores = [one.score for one in outputs if one.finished]
        assert scores == sorted(scores, reverse=True)
        assert len({(one.tokens, one.finished) for one in outputs}) == len(outputs)
        for one in outputs:
            if not one.finished:
                assert len(one.tokens) == longest
                assert one.logprob == pytest.approx(Table(seed=seed).score(one.tokens).sum())
                continue
            forced = force(Several((seed,)), [one.tokens], length_penalty=penalty)[0]
            assert forced.logprob == pytest.approx(one.logprob)
            assert forced.score == pytest.approx(one.score)
            np.testing.assert_array_equal(forced.attention, one.attention)


@settings(max_examples=40)
@given(
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=5),
    longest=st.integers(1, 8),
    shortest=st.integers(0, 3),
)
def test_a_beam_of_one_is_greedy(seeds, longest, shortest):
    model = Several(tuple(seeds))
    options = {"max_length": longest, "min_length": shortest, "banned": [0]}
    for one, (other,) in zip(
        greedy(model, **options), beam_search(model, Search(beam=1, **options)), strict=True
    ):
        assert one.tokens == other.tokens
        assert one.finished == other.finished
        assert one.logprob == pytest.approx(other.logprob, abs=1e-12)
        np.testing.assert_array_equal(one.attention, other.attention)
        assert 0 not in one.tokens
        assert len(one.tokens) >= min(shortest, longest)


@settings(max_examples=40)
@given(seeds=st.lists(st.integers(0, 999), min_size=2, max_size=6), beam=st.integers(1, 5))
def test_a_row_comes_out_the_same_alone_and_among_others(seeds, beam):
    lengths = [2 + seed % 7 for seed in seeds]
    together = beam_search(Several(tuple(seeds)), Search(lengths, beam=beam, n_best=beam))
    for seed, length, outputs in zip(seeds, lengths, together, strict=True):
        alone = beam_search(Several((seed,)), Search(length, beam=beam, n_best=beam))[0]
        assert [one.tokens for one in alone] == [one.tokens for one in outputs]
        assert [one.logprob for one in alone] == [one.logprob for one in outputs]


@pytest.mark.parametrize("seed", range(8))
def test_attention_stays_with_its_hypothesis(seed):
    model = Several((seed, seed + 50), vocab_size=5)
    found = beam_search(model, Search(7, beam=4, n_best=4))
    for start, outputs in zip(model.seeds, found, strict=True):
        for one in outputs:
            read = [one.tokens[:step] for step in range(len(one.tokens) + one.finished)]
            wanted = np.stack([model.weights(start, history) for history in read])
            np.testing.assert_array_equal(one.attention, wanted)


def test_the_batched_adapter_gives_rows_of_the_single_model():
    model = Table(seed=3)
    rows = from_single(model, rows=3)
    state = rows.advance(rows.start(), np.array([0, 2, 3]))
    state = rows.select(state, np.array([2, 2, 0]))
    wanted = [model.logprobs((3,)), model.logprobs((3,)), model.logprobs((0,))]
    np.testing.assert_array_equal(rows.logprobs(state), wanted)
    assert rows.attention(state) is None
    assert (rows.vocab_size, rows.eos) == (4, EOS)
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        from_single(model, rows=0)


def test_what_is_cut_off_ranks_after_what_has_ended():
    # Ending at once has probability 0.01; going on for ever has nearly 1 at each step.
    class Endless(Table):
        def logprobs(self, _state):
            return np.log([0.98, 0.01, 0.005, 0.005])

    best, *rest = beam_search(from_single(Endless()), Search(3, beam=3, n_best=3))[0]
    assert best.finished
    assert not rest[-1].finished
    assert rest[-1].tokens == (0, 0, 0)


def test_a_row_in_which_nothing_may_follow_is_an_error_and_not_an_empty_answer():
    with pytest.raises(ValueError, match="row 0: no token left to choose"):
        beam_search(from_single(Table()), Search(3, banned=[0, 1, 2, 3]))
    for heat in (0.0, 1.0):
        with pytest.raises(ValueError, match="no token is left to draw"):
            sample(
                from_single(Table()), drawing(max_length=3, banned=[0, 1, 2, 3], temperature=heat)
            )


def test_no_rows_give_no_outputs():
    model = from_single(Table())
    empty = model.select(model.start(), np.array([], dtype=np.int64))
    assert follow(model, empty, choose=lambda *_: np.array([]), max_length=3) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 2, "n_best": 3}, "n_best must be at least 1 and at most the beam of 2, got 3"),
        ({"beam": 0}, "n_best must be at least 1"),
        ({"length_penalty": -1.0}, "length_penalty must be at least 0, got -1.0"),
        ({"no_repeat": -1}, "no_repeat must be at least 0, got -1"),
        ({"max_length": 0}, "max_length must be at least 1, got 0"),
        ({"max_length": [3, 4]}, "one number or one for each of 1 rows, got 2"),
    ],
)
def test_beam_options_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        beam_search(from_single(Table()), Search(**{"max_length": 5, **options}))
    with pytest.raises(ValueError, match=message):
        constrained_search(from_single(Table()), [[]], Search(**{"max_length": 5, **options}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.5}, "temperature must be 0 or above, got -0.5"),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "top_p must be above 0 and at most 1, got 1.5"),
    ],
)
def test_sampling_options_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        drawing(**options)


def test_forcing_asks_for_one_output_a_row_without_eos():
    with pytest.raises(ValueError, match="wanted an output for each of 2 rows, got 1"):
        force(Several((1, 2)), [[0]])
    with pytest.raises(ValueError, match=r"output 1 holds eos \(1\)"):
        force(Several((1, 2)), [[0], [2, 1]])


def drawing(seed=0, max_length=2, **options):
    return Drawing(np.random.default_rng(seed), max_length, **options)


def test_without_temperature_the_likeliest_is_drawn():
    model = Table(seed=3)
    drawn = sample(from_single(model), drawing(max_length=6, temperature=0.0, top_k=2))
    assert drawn[0].tokens == greedy(from_single(model), max_length=6)[0].tokens


def chi_square(counts, chances):
    wanted = counts.sum() * chances
    return float(((counts - wanted) ** 2 / wanted).sum())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_distribution(temperature):
    model = Table(vocab_size=6, seed=4)
    rows = 20_000
    drawn = sample(from_single(model, rows=rows), drawing(5, max_length=1, temperature=temperature))
    first = [one.tokens[0] if one.tokens else EOS for one in drawn]
    chances = np.exp(model.logprobs(()) / temperature)
    counts = np.bincount(first, minlength=6)
    # The 99.9th percentile of chi-square with 5 degrees of freedom is 20.5.
    assert chi_square(counts, chances / chances.sum()) < 20.5
    assert drawn[0].logprob == pytest.approx(model.logprobs(())[first[0]])


def test_whole_samples_come_as_often_as_their_probability_says():
    model = Table(vocab_size=3, seed=11)
    drawn = sample(from_single(model, rows=4000), drawing(6, max_length=3))
    counts = {}
    for one in drawn:
        counts[one.tokens, one.finished] = counts.get((one.tokens, one.finished), 0) + 1
    outputs = {(tokens, True): np.exp(total) for tokens, total in every_output(model, 3)}
    for tokens in product([0, 2], repeat=3):
        outputs[tokens, False] = np.exp(model.score(tokens).sum())
    assert sum(outputs.values()) == pytest.approx(1)
    assert counts.keys() <= outputs.keys()
    seen = np.array([counts.get(key, 0) for key in outputs])
    # 15 outputs: 14 degrees of freedom, 99.9th percentile 36.1.
    assert len(outputs) == 15
    assert chi_square(seen, np.array(list(outputs.values()))) < 36.1


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 8), mass=st.floats(0.05, 1.0))
def test_cut_samples_never_leave_their_set(seed, count, mass):
    logprobs = Table(vocab_size=8, seed=seed).logprobs(())
    order = np.argsort(-logprobs)
    # The likeliest `count`, normalised, then the fewest of them that hold the mass.
    chances = np.exp(logprobs[order[:count]])
    before = np.cumsum(chances / chances.sum()) - chances / chances.sum()
    inside = set(order[:count][before < mass - 1e-12].tolist())
    border = set(order[:count][before < mass + 1e-12].tolist())
    left = keep_mass(keep_likeliest(logprobs[None], count), mass)[0]
    kept = set(np.flatnonzero(left > -np.inf).tolist())
    assert inside <= kept <= border
    drawn = sample(
        from_single(Table(vocab_size=8, seed=seed), rows=50),
        drawing(seed, max_length=1, top_k=count, top_p=mass),
    )
    assert {one.tokens[0] if one.tokens else EOS for one in drawn} <= kept


def test_a_prompt_is_read_and_left_out_of_the_answer():
    model = Table(seed=8)
    drawn = sample(from_single(model, rows=5), drawing(1, max_length=4), prompt=[2, 0])
    for one in drawn:
        ids = [2, 0, *one.tokens] + ([EOS] if one.finished else [])
        assert one.logprob == pytest.approx(model.score(ids)[2:].sum())


def test_the_same_generator_draws_the_same_and_banned_ids_never():
    def draw():
        model = Several(tuple(range(30)))
        return sample(model, drawing(2, max_length=6, min_length=2, banned=[3]))

    first, second = draw(), draw()
    assert [one.tokens for one in first] == [one.tokens for one in second]
    assert all(3 not in one.tokens and len(one.tokens) >= 2 for one in first)
