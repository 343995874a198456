"""The unigram trainer against sums over all segmentations, written out."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munmaek.text import unigram
from munmaek.text.unigram import learn_subwords

counted = st.dictionaries(st.text("가나다", min_size=1, max_size=6), st.integers(1, 9), min_size=1)


def segmentations(word: str, pieces: dict[str, float]) -> Iterator[list[str]]:
    if not word:
        yield []
    for end in range(1, len(word) + 1):
        if word[:end] in pieces:
            yield from ([word[:end], *rest] for rest in segmentations(word[end:], pieces))


def slow_uses(words: Counter[str], pieces: dict[str, float]) -> dict[str, float]:
    uses = dict.fromkeys(pieces, 0.0)
    for word, count in words.items():
        ways = list(segmentations(word, pieces))
        weights = [math.prod(pieces[piece] for piece in way) for way in ways]
        for way, weight in zip(ways, weights, strict=True):
            for piece in way:
                uses[piece] += count * weight / sum(weights)
    return uses


@given(counted, st.lists(st.text("가나다", min_size=2, max_size=4), max_size=5, unique=True))
def test_expected_uses_are_sums_over_all_segmentations(
    words: dict[str, int], longer: list[str]
) -> None:
    names = ["가", "나", "다", *longer]
    share = np.arange(1, len(names) + 1) / sum(range(1, len(names) + 1))
    lattice = unigram._lattice(list(words), {name: k for k, name in enumerate(names)})
    fast = unigram._uses(lattice, share, np.array(list(words.values()), dtype=float))
    slow = slow_uses(Counter(words), dict(zip(names, share.tolist(), strict=True)))
    assert fast == pytest.approx([slow[name] for name in names])


def test_one_step_worked_by_hand() -> None:
    # 가나 twice with p(가) = 1/4, p(나) = 1/4, p(가나) = 1/2: whole 1/2, in two 1/16, so 8 to 1.
    # Uses: 가나 2 · 8/9, 가 and 나 2 · 1/9 each.
    lattice = unigram._lattice(["가나"], {"가": 0, "나": 1, "가나": 2})
    uses = unigram._uses(lattice, np.array([0.25, 0.25, 0.5]), np.array([2.0]))
    assert uses == pytest.approx([2 / 9, 2 / 9, 16 / 9])


@given(counted, st.integers(3, 12))
def test_probabilities_sum_to_one_and_characters_stay(words: dict[str, int], size: int) -> None:
    pieces = learn_subwords(Counter(words), ["가", "나", "다"], size)
    assert [piece for piece, _ in pieces[:3]] == ["가", "나", "다"]
    assert 3 <= len(pieces) <= size
    assert sum(math.exp(score) for _, score in pieces) == pytest.approx(1.0)


def test_iterations_never_lower_the_likelihood() -> None:
    words = Counter({"가나다": 5, "나다": 3, "가나": 4, "다가": 1})
    names = ["가", "나", "다", "가나", "나다", "가나다"]
    lattice = unigram._lattice(list(words), {name: k for k, name in enumerate(names)})
    counts = np.array(list(words.values()), dtype=float)
    p = np.full(len(names), 1 / len(names))
    likelihoods = []
    for _ in range(6):
        ways = unigram._forward(lattice, p)[lattice.last]
        likelihoods.append(float(counts @ np.log(ways)))
        p = unigram._normalised(unigram._uses(lattice, p, counts))
    # The floor of uses may cost a little once pieces die out.
    assert all(after > before - 1e-2 for before, after in pairwise(likelihoods))
    assert likelihoods[-1] > likelihoods[0]


def test_a_frequent_word_like_no_other_becomes_a_piece() -> None:
    words = Counter({"무엇": 100, "가": 3, "나": 2, "가나": 1})
    pieces = dict(learn_subwords(words, ["가", "나", "무", "엇"], 5))
    assert max(pieces, key=lambda piece: pieces[piece]) == "무엇"


def test_order_of_words_does_not_matter_and_long_words_are_cut() -> None:
    words = {"가나다": 2, "나다": 5, "가" * 100: 1, "다나가": 4}
    one = learn_subwords(Counter(words), ["가", "나", "다"], 10)
    other = learn_subwords(Counter(dict(reversed(words.items()))), ["가", "나", "다"], 10)
    assert one == other
    assert all(math.isfinite(score) for _, score in one)
