"""Estimation: every probability against plain rational arithmetic, and against lmplz."""

import gzip
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

from munmaek.errors import InputError, MunmaekWarning
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import FALLBACK, discounts_of, read_arpa
from munmaek.ngram.discounts import counts_of_counts
from munmaek.ngram.sequences import TokenIds

UNK, BOS, EOS = 0, 1, 2
HERE = Path(__file__).resolve().parent

# Tables hold float32: a logarithm of 4 to 8 is rounded by up to 2**-22, and several are added.
ROUNDING = 1e-6

small = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


class Reference:
    """Modified Kneser–Ney word for word from the definition, in fractions."""

    def __init__(self, sequences, *, order, vocab_size, excluded=()):
        self.order = order
        self.predictable = [w for w in range(vocab_size) if w != BOS and w not in excluded]
        bounded = [(BOS, *sequence, EOS) for sequence in sequences]
        self.raw = {
            k: Counter(s[i : i + k] for s in bounded for i in range(len(s) - k + 1))
            for k in range(1, order + 1)
        }
        self.adjusted = {k: {g: self._adjust(g) for g in self.raw[k]} for k in self.raw}
        del self.adjusted[1][BOS,]
        self.discounts = {k: self._discounts(self.adjusted[k].values()) for k in self.adjusted}
        self.probability = cache(self._probability)

    def _adjust(self, gram):
        if len(gram) == self.order or gram[0] == BOS:
            return self.raw[len(gram)][gram]
        return len({longer for longer in self.raw[len(gram) + 1] if longer[1:] == gram})

    @staticmethod
    def _discounts(counts):
        t = Counter(counts)
        if t[1] and t[2] and t[3]:
            y = Fraction(t[1], t[1] + 2 * t[2])
            found = [i - (i + 1) * y * Fraction(t[i + 1], t[i]) for i in (1, 2, 3)]
            if all(0 < d <= i for i, d in zip((1, 2, 3), found, strict=True)):
                return [0, *found]
        return [0, *map(Fraction, FALLBACK)]

    def _probability(self, word, context):
        if word not in self.predictable:
            return Fraction(0)
        k = len(context) + 1
        shorter = (
            self.probability(word, context[1:]) if context else Fraction(1, len(self.predictable))
        )
        following = [c for g, c in self.adjusted[k].items() if g[:-1] == context]
        if not following:
            return shorter
        discount = self.discounts[k]
        gamma = sum(discount[min(c, 3)] for c in following) / Fraction(sum(following))
        count = self.adjusted[k].get((*context, word), 0)
        return (count - discount[min(count, 3)]) / Fraction(sum(following)) + gamma * shorter

    def row(self, state, vocab_size):
        return [float(self.probability(word, state)) for word in range(vocab_size)]


def fit(sequences, *, order, vocab_size, excluded=(), **options):
    return NgramModel.fit(
        sequences,
        config=NgramConfig(order=order, **options),
        vocabulary=TokenIds(vocab_size=vocab_size, bos=BOS, eos=EOS, unk=UNK, excluded=excluded),
    )


def assert_equal_everywhere(sequences, *, order, vocab_size, excluded=()):
    model = fit(sequences, order=order, vocab_size=vocab_size, excluded=excluded)
    reference = Reference(sequences, order=order, vocab_size=vocab_size, excluded=excluded)
    tokens = [w for w in range(vocab_size) if w != BOS]
    for length in range(order):
        for state in product(tokens, repeat=length):
            states = {state, (BOS, *state)[1 - order :] if order > 1 else ()}
            for context in states:
                given_row = np.exp(model.logprobs(context))
                wanted = reference.row(context, vocab_size)
                np.testing.assert_allclose(given_row, wanted, rtol=ROUNDING, atol=0)


@small
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_probability_of_a_small_corpus_equals_the_worked_fraction(order):
    text = [[3, 4, 3, 5], [3, 4], [], [4, 4, 6, 3], [3, 4, 3], [5]]
    assert_equal_everywhere(text, order=order, vocab_size=7)


@small
def test_ids_never_seen_and_excluded_ids_follow_the_fraction_too():
    assert_equal_everywhere([[3, 4], [4, 3, 3]], order=3, vocab_size=9, excluded=(7,))


@small
@settings(max_examples=40)
@given(
    text=st.lists(st.lists(st.integers(3, 5), max_size=6), min_size=1, max_size=12),
    order=st.integers(1, 3),
)
def test_any_small_corpus_equals_the_worked_fractions(text, order):
    if order > max(map(len, text)) + 2:
        return
    assert_equal_everywhere(text, order=order, vocab_size=6)


def test_a_bigram_probability_worked_by_hand():
    # <s> a b </s> and <s> a </s>; D falls back to 1/2, 1, 3/2 for counts 1, 2, 3 or more.
    # Unigrams count the words before them: a 1 (<s>), b 1 (a), </s> 2 (b, a), together 4.
    # p(b) = (1 − 1/2)/4 + (1/2 + 1/2 + 1)/4 · 1/4 = 1/8 + 1/8 = 1/4,
    # the uniform distribution being over a, b, </s> and <unk>.
    # p(b | a) = (1 − 1/2)/2 + (1/2 + 1/2)/2 · 1/4 = 1/4 + 1/8 = 3/8.
    with pytest.warns(MunmaekWarning, match="order 1, 2 cannot be estimated"):
        model = fit([[3, 4], [3]], order=2, vocab_size=5)
    assert math.exp(model.logprobs((3,))[4]) == pytest.approx(3 / 8, rel=ROUNDING)


def test_discounts_follow_equation_26_of_chen_and_goodman():
    # Y = 10/(10 + 2·4) = 5/9; D1 = 1 − 2·5/9·4/10 = 5/9; D2 = 2 − 3·5/9·2/4 = 7/6;
    # D3+ = 3 − 4·5/9·1/2 = 17/9.
    found = discounts_of([np.array([0, 10, 4, 2, 1])])
    np.testing.assert_allclose(found, [[5 / 9, 7 / 6, 17 / 9]], rtol=1e-15)


def test_counts_of_counts_leave_out_five_and_more():
    counts = np.array([0, 1, 1, 2, 3, 4, 4, 5, 99], dtype=np.int32)
    assert counts_of_counts(counts).tolist() == [1, 2, 1, 1, 2]


@small
@pytest.mark.parametrize("compatible", [True, False])
def test_the_golden_arpa_of_lmplz_is_met(compatible):
    # kenlm 4cb443e: lmplz -o 3 --discount_fallback < test_ngram_golden.txt > test_ngram_golden.arpa
    golden = read_arpa(HERE / "test_ngram_golden.arpa")
    ids = {word: index for index, word in enumerate(golden.words)}
    lines = (HERE / "test_ngram_golden.txt").read_text(encoding="utf-8").splitlines()
    text = [[ids[word] for word in line.split()] for line in lines]
    model = fit(text, order=3, vocab_size=len(ids), kenlm_compatible=compatible)
    assert model.counts == golden.tables.counts
    for name in ("words", "links", "first"):
        assert np.array_equal(model.tables.tensors()[name], golden.tables.tensors()[name])
    finite = np.isfinite(golden.tables.logprobs)
    apart = np.abs(model.tables.logprobs[finite] - golden.tables.logprobs[finite]).max()
    apart /= math.log(10)
    if compatible:
        assert apart < 1e-5
        backoffs = np.abs(model.tables.backoffs - golden.tables.backoffs) / math.log(10)
        assert backoffs.max() < 1e-5
    else:
        # lmplz takes the last n-gram of each lower order with its raw count.
        assert apart > 1e-5


def test_discounts_that_cannot_be_estimated_are_said_and_replaced():
    with pytest.warns(MunmaekWarning, match=r"order 1, 2 .*0\.5, 1\.0, 1\.5"):
        model = fit([[3, 3, 3]], order=2, vocab_size=4)
    assert model.discounts.tolist() == [list(FALLBACK)] * 2


def test_a_corpus_too_small_for_the_order_is_refused_with_the_order_that_works():
    with pytest.raises(InputError, match=r"order 5 is too high.* 3 tokens .*at most 3"):
        fit([[3], []], order=5, vocab_size=4)


def test_an_empty_corpus_is_refused():
    with pytest.raises(InputError, match="empty: 0 sequences"):
        fit([], order=2, vocab_size=4)


@pytest.mark.parametrize(("token", "reason"), [(9, "outside"), (-1, "outside"), (BOS, "reserved"),
                                               (EOS, "reserved"), (5, "reserved")])  # fmt: skip
def test_ids_that_may_not_stand_in_the_text_are_named_with_their_sequence(token, reason):
    with pytest.raises(InputError, match=f"sequence 1: token id {token} is {reason}"):
        fit([[3], [4, token]], order=2, vocab_size=6, excluded=(5,))


@small
def test_empty_sequences_count_as_sentences():
    with_empty = fit([[3], []], order=2, vocab_size=4)
    without = fit([[3]], order=2, vocab_size=4)
    assert with_empty.logprobs((BOS,))[EOS] > without.logprobs((BOS,))[EOS]


@small
def test_arrays_and_lists_of_ids_give_the_same_model():
    text = [[3, 4], [], [4, 4, 5]]
    lists = fit(text, order=3, vocab_size=6)
    arrays = fit([np.array(s, dtype=np.int32) for s in text], order=3, vocab_size=6)
    for name, tensor in lists.tensors().items():
        assert np.array_equal(tensor, arrays.tensors()[name])


@small
def test_order_ten_is_reached():
    model = fit([[3, 4, 5, 3, 4, 5, 3, 4]], order=10, vocab_size=6)
    assert model.counts[-1] == 1
    assert np.exp(model.logprobs((BOS, 3, 4, 5, 3, 4, 5, 3, 4))).sum() == pytest.approx(1)


@pytest.mark.data
def test_order_five_on_the_penn_treebank_meets_kenlms_perplexity(data_dir):
    # kenlm 4cb443e on the same files: 141.186 over 82,430 tokens.
    vocabulary = {"<unk>": UNK, "<s>": BOS, "</s>": EOS}

    def lines(path, opener):
        with opener(path, "rt", encoding="utf-8") as stream:
            return [line.replace("<unk>", "_unk_").split() for line in stream]

    text = lines(data_dir / "lm/ptb/ptb.train.txt.gz", gzip.open)
    ids = [[vocabulary.setdefault(word, len(vocabulary)) for word in line] for line in text]
    model = fit(ids, order=5, vocab_size=len(vocabulary))
    test = lines(data_dir / "lm/ptb/ptb.test.txt", open)
    ended = [[*(vocabulary.get(word, UNK) for word in line), EOS] for line in test]
    scores = np.concatenate(model.score_many(ended))
    assert model.counts == (10_002, 264_990, 586_558, 717_733, 737_952)
    assert len(scores) == 82_430
    assert math.exp(-scores.mean()) == pytest.approx(141.186, abs=5e-4)
