"""Every smoothing against plain rational arithmetic, and against lmplz where counts are pruned."""

import math
from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import flatten, read_arpa
from munmaek.ngram.pruning import prune_by_entropy
from munmaek.ngram.sequences import TokenIds
from munmaek.ngram.tree import count_tree, raw_counts

UNK, BOS, EOS = 0, 1, 2
V = 7
HERE = Path(__file__).resolve().parent
TEXT = [[3, 4, 3, 5], [3, 4], [], [4, 4, 6, 3], [3, 4, 3], [5], [3, 4, 3, 5, 5]]
FLOAT32 = 3e-6
"""Values are held as 32-bit logarithms: this much of a probability may be lost."""

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


class Counted:
    """Raw and adjusted counts of a text, word for word from their definitions."""

    def __init__(self, sequences, order, *, thresholds=()):
        self.order = order
        bounded = [(BOS, *sequence, EOS) for sequence in sequences]
        self.raw = {
            k: Counter(s[i : i + k] for s in bounded for i in range(len(s) - k + 1))
            for k in range(1, order + 1)
        }
        self.adjusted = {k: {g: self._adjust(g) for g in self.raw[k]} for k in self.raw}
        self.kept = {
            k: {g for g, c in self.raw[k].items() if not thresholds or c > thresholds[k - 1]}
            for k in self.raw
        }
        del self.raw[1][BOS,]
        del self.adjusted[1][BOS,]

    def _adjust(self, gram):
        if len(gram) == self.order or gram[0] == BOS:
            return self.raw[len(gram)][gram]
        return len({longer for longer in self.raw[len(gram) + 1] if longer[1:] == gram})


class Interpolated:
    """p(w|h) = s(hw) + γ(h) p(w|h'), uniform over what can be predicted at the bottom."""

    def __init__(self, counted, *, counts, discount, types=0):
        self.counted, self.counts, self.types = counted, counts, types
        self.discounts = {k: discount(counts[k].values()) for k in counts}
        self.row = cache(self._row)

    def probability(self, word, context):
        k = len(context) + 1
        below = self.row(context[1:])[word] if context else Fraction(int(word != BOS), V - 1)
        following = {g: c for g, c in self.counts[k].items() if g[:-1] == context}
        if not following or word == BOS:
            return below
        total = sum(following.values()) + self.types * len(following)
        own = {
            g: c - self.discounts[k]
            for g, c in following.items()
            if g in self.counted.kept[k] or k == 1
        }
        share = Fraction(own.get((*context, word), 0)) / total
        return share + (1 - sum(own.values()) / Fraction(total)) * below

    def _row(self, context):
        return [self.probability(word, context) for word in range(V)]


def single(counts):
    t = Counter(counts)
    return Fraction(t[1], t[1] + 2 * t[2]) if t[1] and t[2] else Fraction(1, 2)


def nothing(counts):
    del counts
    return Fraction(0)


class AddK:
    def __init__(self, counted, k):
        self.counted, self.k = counted, k

    def row(self, context):
        counts = self.counted.raw[len(context) + 1]
        following = {g: c for g, c in counts.items() if g[:-1] == context}
        whole = len(context) == self.counted.order - 1 or context[:1] == (BOS,)
        total = sum(following.values()) * whole + self.k * (V - 1)
        return [
            (following.get((*context, word), 0) * whole + self.k) / total if word != BOS else 0
            for word in range(V)
        ]


class StupidBackoff:
    def __init__(self, counted, factor):
        self.counted, self.factor = counted, factor

    def seen(self, context):
        return context in self.counted.raw[len(context)] or context == (BOS,)

    def score(self, word, context):
        counts = self.counted.raw[len(context) + 1]
        if not context:
            return Fraction(counts[word,], sum(counts.values()))
        following = {g: c for g, c in counts.items() if g[:-1] == context}
        if (*context, word) in following:
            return Fraction(following[*context, word], sum(following.values()))
        return (self.factor if self.seen(context) else 1) * self.score(word, context[1:])

    def row(self, context):
        return [self.score(word, context) for word in range(V)]


def exact(name, sequences, order, thresholds=()):
    counted = Counted(sequences, order, thresholds=thresholds)
    made = {
        "kneser-ney": lambda: Interpolated(counted, counts=counted.adjusted, discount=single),
        "kneser-ney:0.25": lambda: Interpolated(
            counted, counts=counted.adjusted, discount=lambda _: Fraction(1, 4)
        ),
        "absolute": lambda: Interpolated(counted, counts=counted.raw, discount=single),
        "absolute:0.75": lambda: Interpolated(
            counted, counts=counted.raw, discount=lambda _: Fraction(3, 4)
        ),
        "witten-bell": lambda: Interpolated(counted, counts=counted.raw, discount=nothing, types=1),
        "maximum-likelihood": lambda: Interpolated(counted, counts=counted.raw, discount=nothing),
        "add-k": lambda: AddK(counted, Fraction(1)),
        "add-k:0.125": lambda: AddK(counted, Fraction(1, 8)),
        "stupid-backoff": lambda: StupidBackoff(counted, Fraction(2, 5)),
        "stupid-backoff:0.5": lambda: StupidBackoff(counted, Fraction(1, 2)),
    }
    return made[name]()


NAMES = (
    "kneser-ney",
    "kneser-ney:0.25",
    "absolute",
    "absolute:0.75",
    "witten-bell",
    "maximum-likelihood",
    "add-k",
    "add-k:0.125",
    "stupid-backoff",
    "stupid-backoff:0.5",
)
DISTRIBUTIONS = tuple(name for name in NAMES if not name.startswith("stupid"))


def fit(sequences, *, order, vocab_size=V, **options):
    config = NgramConfig.of({"order": order, **options})
    return NgramModel.fit(
        sequences,
        config=config,
        vocabulary=TokenIds(vocab_size=vocab_size, bos=BOS, eos=EOS, unk=UNK),
    )


def contexts(order, vocab_size=V):
    """Every state that a model of the order can be in, and those that cannot be reached too."""
    tokens = [word for word in range(vocab_size) if word != BOS]
    for length in range(order):
        for state in product(tokens, repeat=length):
            if length == order - 1:
                yield state
            if length < order - 1:
                yield (BOS, *state)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_every_probability_of_a_small_corpus_equals_the_worked_fraction(name, order):
    model, reference = fit(TEXT, order=order, smoothing=name), exact(name, TEXT, order)
    for context in contexts(order):
        wanted = [float(p) for p in reference.row(context)]
        np.testing.assert_allclose(np.exp(model.logprobs(context)), wanted, rtol=FLOAT32, atol=0)


@settings(max_examples=25)
@given(
    text=st.lists(st.lists(st.integers(3, 5), max_size=6), min_size=1, max_size=10),
    order=st.integers(1, 3),
    name=st.sampled_from(NAMES),
)
def test_any_small_corpus_equals_the_worked_fractions(text, order, name):
    if order > max(map(len, text)) + 2:
        return
    model, reference = fit(text, order=order, smoothing=name), exact(name, text, order)
    for context in contexts(order):
        wanted = [float(p) for p in reference.row(context)]
        np.testing.assert_allclose(np.exp(model.logprobs(context)), wanted, rtol=FLOAT32, atol=0)


@pytest.mark.parametrize("name", [n for n in DISTRIBUTIONS if not n.startswith("add-k")])
def test_pruned_counts_equal_the_worked_fractions(name):
    thresholds = (0, 0, 1)
    model = fit(TEXT, order=3, smoothing=name, prune=thresholds)
    reference = exact(name, TEXT, 3, thresholds)
    for context in contexts(3):
        wanted = [float(p) for p in reference.row(context)]
        np.testing.assert_allclose(np.exp(model.logprobs(context)), wanted, rtol=FLOAT32, atol=0)


@settings(max_examples=20)
@given(
    text=st.lists(st.lists(st.integers(3, 5), max_size=6), min_size=2, max_size=10),
    order=st.integers(2, 4),
    name=st.sampled_from((*DISTRIBUTIONS, "modified-kneser-ney", "stupid")),
    counts=st.booleans(),
    entropy=st.sampled_from([0.0, 1e-3, 3e-2]),
)
def test_probabilities_sum_to_one_with_any_smoothing_and_pruning(
    text, order, name, counts, entropy
):
    if order > max(map(len, text)) + 2:
        return
    smoothing = {"name": "stupid-backoff", "normalised": True} if name == "stupid" else name
    options = {"smoothing": smoothing, "prune_entropy": entropy}
    try:
        model = fit(text, order=order, prune=(0, 1) if counts else (), **options)
    except InputError as error:
        if "pruning leaves no" not in str(error):
            raise
        return
    model.tables.verify()
    for context in contexts(order):
        assert np.exp(model.logprobs(context)).sum() == pytest.approx(1, abs=2e-6), context


def test_normalised_stupid_backoff_divides_each_score_by_their_sum():
    model = fit(TEXT, order=3, smoothing={"name": "stupid-backoff", "normalised": True})
    reference = exact("stupid-backoff", TEXT, 3)
    assert not NgramConfig(smoothing="stupid-backoff").is_distribution
    assert model.config.is_distribution
    for context in contexts(3):
        row = reference.row(context)
        wanted = [float(score / sum(row)) for score in row]
        np.testing.assert_allclose(np.exp(model.logprobs(context)), wanted, rtol=FLOAT32, atol=0)


def test_witten_bell_worked_by_hand():
    # a b </s>, a </s>: c(a) = 2, c(b) = 1, c(</s>) = 2; 5 tokens of 3 kinds, 4 ids possible.
    # p(b) = (1 + 3/4) / (5 + 3) = 7/32; after a: b once, </s> once, so
    # p(b | a) = (1 + 2 · 7/32) / (2 + 2) = 23/64.
    model = fit([[3, 4], [3]], order=2, vocab_size=5, smoothing="witten-bell")
    assert math.exp(model.logprobs((3,))[4]) == pytest.approx(23 / 64, rel=FLOAT32)


def test_raw_counts_are_found_again_from_adjusted_ones():
    ids, offsets = flatten(TEXT)
    tree = count_tree(ids, offsets, order=4, vocabulary=TokenIds(V, bos=BOS, eos=EOS))
    counted = Counted(TEXT, 4)
    grams = {(word,): word for word in range(V)}
    frontier = dict(grams)
    for _ in range(3):
        frontier = {
            (*gram, int(tree.words[node])): node
            for gram, at in frontier.items()
            for node in range(tree.first[at], tree.first[at + 1])
        }
        grams |= frontier
    raw = raw_counts(tree)
    assert len(grams) == len(raw)
    for gram, node in grams.items():
        assert raw[node] == counted.raw[len(gram)].get(gram, 0)
        assert tree.counts[node] == counted.adjusted[len(gram)].get(gram, 0)


def test_the_single_discount_falls_back_with_a_warning():
    with pytest.warns(MunmaekWarning, match=r"discount of order 1, 2 cannot be estimated.*0\.5"):
        fit([[3, 4, 5]], order=2, smoothing="absolute")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"smoothing": "good-turing"}, "unknown; there are modified-kneser-ney, kneser-ney"),
        ({"smoothing": "witten-bell:2"}, "'witten-bell' takes no number"),
        ({"smoothing": "add-k:x"}, "'x' is not a number"),
        ({"smoothing": "add-k:0"}, "greater than 0"),
        ({"smoothing": "absolute:1.5"}, "less than or equal to 1"),
        ({"prune": [1]}, "begins with the unigrams"),
        ({"prune": [0, 2, 1]}, "falls"),
        ({"prune": [0, 0, 0, 1], "order": 3}, "4 thresholds for order 3"),
        ({"prune": [0, -1]}, "greater than or equal to 0"),
        ({"prune_entropy": 1e-6, "smoothing": "stupid-backoff"}, "has scores"),
    ],
)
def test_what_cannot_be_is_refused(values, reason):
    with pytest.raises(ConfigError, match=reason):
        NgramConfig.of(values)


def test_a_configuration_comes_back_from_plain_values():
    config = NgramConfig.of({"order": 3, "smoothing": "add-k:0.5", "prune": [0, 0, 1]})
    assert NgramConfig.of(config.model_dump()) == config
    assert config.model_dump()["smoothing"] == {"name": "add-k", "k": 0.5}


def test_pruning_everything_of_an_order_is_refused():
    with pytest.raises(InputError, match=r"pruning leaves no 3-grams; .* order 2"):
        fit(TEXT, order=3, prune=(0, 0, 100))


@pytest.mark.parametrize("thresholds", ["0 0 1", "0 1 2"])
def test_the_golden_arpa_of_lmplz_with_pruning_is_met(thresholds):
    # kenlm 4cb443e: lmplz -o 3 --discount_fallback --prune 0 0 1 < test_ngram_golden.txt
    #   > test_ngram_golden_prune_0_0_1.arpa, and --prune 0 1 2 likewise
    golden = read_arpa(HERE / f"test_ngram_golden_prune_{thresholds.replace(' ', '_')}.arpa")
    ids = {word: index for index, word in enumerate(golden.words)}
    lines = (HERE / "test_ngram_golden.txt").read_text(encoding="utf-8").splitlines()
    text = [[ids[word] for word in line.split()] for line in lines]
    prune = tuple(map(int, thresholds.split()))
    model = fit(text, order=3, vocab_size=len(ids), prune=prune, kenlm_compatible=True)
    assert model.counts == golden.tables.counts
    for name in ("words", "links", "first"):
        assert np.array_equal(model.tables.tensors()[name], golden.tables.tensors()[name])
    for name in ("logprobs", "backoffs"):
        mine, theirs = (t.tensors()[name] / math.log(10) for t in (model.tables, golden.tables))
        np.testing.assert_allclose(mine, theirs, atol=1e-5, rtol=0)


# Entropy pruning


def stolcke(model, gram):
    """D(hw) from the definition, with the model's own distributions, in natural logarithms."""
    *context, word = gram
    tables = model.tables
    history = sum(model.logprobs(tuple(context[:i]))[w] for i, w in enumerate(context) if w != BOS)
    full, short = (np.exp(model.logprobs(tuple(c))) for c in (context, context[1:]))
    at = node_of(tables, context)
    seen = tables.words[tables.first[at] : tables.first[at + 1]].tolist()
    rest = [w for w in seen if w != word]
    weight = (1 - full[rest].sum()) / (1 - short[rest].sum())
    without = short * weight
    without[rest] = full[rest]
    mass = full > 0
    return math.exp(history) * (full[mass] * np.log(full[mass] / without[mass])).sum()


def node_of(tables, gram):
    at = gram[0]
    for word in gram[1:]:
        children = tables.words[tables.first[at] : tables.first[at + 1]]
        at = int(tables.first[at]) + children.tolist().index(word)
    return at


def test_entropy_pruning_leaves_out_what_costs_less_than_the_threshold():
    model = fit(TEXT, order=2, smoothing="witten-bell")
    tables = model.tables
    grams = [
        (context, int(tables.words[node]))
        for context in range(V)
        for node in range(tables.first[context], tables.first[context + 1])
    ]
    costs = {gram: math.expm1(stolcke(model, gram)) for gram in grams}
    threshold = sorted(costs.values())[len(costs) // 2] * 1.0001
    histories = tables.logprobs[:V].astype(np.float64)
    histories[BOS] = 0.0  # every sentence begins so
    smaller = prune_by_entropy(tables, histories, threshold=threshold)
    left = {
        (context, int(smaller.words[node]))
        for context in range(V)
        for node in range(smaller.first[context], smaller.first[context + 1])
    }
    assert left == {gram for gram, cost in costs.items() if cost >= threshold}
    assert 0 < len(left) < len(grams)


def test_a_higher_entropy_threshold_leaves_fewer_n_grams_and_perplexity_rises():
    rng = np.random.default_rng(1)
    text = [rng.integers(3, 12, size=8).tolist() for _ in range(200)]
    ended = [[*line, EOS] for line in text]
    models = [fit(text, order=3, vocab_size=12, prune_entropy=t) for t in (0.0, 1e-5, 1e-4)]
    sizes = [model.parameters for model in models]
    costs = [-np.concatenate(model.score_many(ended)).mean() for model in models]
    assert sizes[0] > sizes[1] > sizes[2]
    assert costs[0] < costs[1] < costs[2]
    for model in models:
        for context in ((BOS,), (3, 4), (BOS, 5)):
            assert np.exp(model.logprobs(context)).sum() == pytest.approx(1, abs=1e-6)
