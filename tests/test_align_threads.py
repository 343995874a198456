"""The aligner in blocks and threads: the same links, and the links of the slow way."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.align import (
    HmmAligner,
    HmmSettings,
    Symmetrisation,
    counting,
    linking,
    statistical_links,
)
from munmaek.align.bitext import Bitext, Numbers

WAYS = get_args(Symmetrisation)


def sentences(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw pairs of sentences whose words translate one another, in nearly the same order."""
    draw = np.random.default_rng(seed)
    rows = [draw.zipf(1.5, draw.integers(0, 9)) % 60 for _ in range(count)]
    turned = [row[np.argsort(np.arange(len(row)) + draw.normal(0, 1, len(row)))] for row in rows]
    return (
        [" ".join(f"s{word}" for word in row) for row in rows],
        [" ".join(f"t{word // 2}" for word in row if word % 7) for row in turned],
    )


def fitted(threads: int) -> Any:
    return HmmAligner.fit(*[[text.split() for text in side] for side in PAIRS], threads=threads)


PAIRS = sentences(300, 0)


def test_links_do_not_depend_on_threads_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "BLOCK", 100)
    monkeypatch.setattr(linking, "BLOCK", 100)
    one, four = fitted(1), fitted(4)
    assert one.logliks == four.logliks
    for name in ("forward", "backward"):
        here, there = getattr(one.trained, name), getattr(four.trained, name)
        assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))
    assert statistical_links(*PAIRS, threads=1) == statistical_links(*PAIRS, threads=4)


def test_counts_do_not_depend_on_what_is_held_together(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitted(1)
    monkeypatch.setattr(counting, "TOGETHER", 500)
    parts = fitted(1)
    np.testing.assert_allclose(whole.trained.forward.theta, parts.trained.forward.theta, rtol=1e-9)
    assert np.allclose(whole.logliks, parts.logliks)


@pytest.mark.parametrize("by", WAYS)
def test_compiled_links_are_those_of_posteriors_one_by_one(by: Symmetrisation) -> None:
    words: Any = [[text.split() for text in side] for side in sentences(120, 1)]
    words = [[*side, ["s1", "new"], [], ["x"]] for side in words]  # unseen words, an empty side
    aligner = fitted(2)
    slow = [each.links(by=by) for each in aligner.posteriors(*words)]
    assert aligner.align(*words, by=by) == slow


word = st.text("abcAß", min_size=1, max_size=6)
sentence = st.lists(word, max_size=6)


@settings(max_examples=60)
@given(st.lists(st.tuples(sentence, sentence), min_size=1, max_size=8), st.integers(1, 3))
def test_word_pairs_are_numbered_by_source_then_target(
    rows: list[tuple[list[str], list[str]]], threads: int
) -> None:
    numbers = Numbers(3), Numbers(3)
    sides = [numbers[at].of([row[at] for row in rows], most=5, grow=True) for at in range(2)]
    sizes = len(numbers[0].words), len(numbers[1].words)
    bitext = Bitext.of(*sides, sizes=sizes, threads=threads)
    short = [
        [[numbers[at].words.index(each.casefold()[:3]) for each in row[at][:5]] for row in rows]
        for at in range(2)
    ]
    cells = [(s, t) for source, target in zip(*short, strict=True) for t in target for s in source]
    wanted = {pair: number for number, pair in enumerate(sorted(set(cells)))}
    assert bitext.cells.pairs.tolist() == [wanted[cell] for cell in cells]
    assert bitext.pairs.takers.tolist() == [t for _, t in wanted]
    assert np.diff(bitext.pairs.first).tolist() == [
        sum(s == each for s, _ in wanted) for each in range(sizes[0])
    ]


def test_words_past_the_limit_are_not_numbered() -> None:
    side = Numbers(5).of([["a", "b", "c"], [], ["c"]], most=2, grow=True)
    assert side.ids.tolist() == [0, 1, 2]
    assert side.limits.tolist() == [0, 2, 2, 3]
    assert side.lengths.tolist() == [3, 0, 1]


def test_new_sentences_number_nothing_anew() -> None:
    numbers = Numbers(2)
    numbers.of([["Abc", "b"]], most=9, grow=True)
    assert numbers.of([["abx", "c", "B"]], most=9, grow=False).ids.tolist() == [0, -1, 1]
    assert numbers.words == ["ab", "b"]


def test_blocks_cover_every_sentence_once_whatever_their_size() -> None:
    for starts in ([0], [0, 0], [0, 0, 5, 5, 900, 901, 1300, 1300], [7, 7, 12, 20]):
        for size in (1, 4, 1000):
            blocks = counting.blocks_of(np.array(starts), size)
            flat = [at for begin, end in blocks for at in range(begin, end)]
            assert flat == list(range(len(starts) - 1))


def test_settings_still_bound_the_length() -> None:
    links = statistical_links(["a b", "a"], ["a b", "a"], settings=HmmSettings(max_words=2))
    assert links == [{(0, 0), (1, 1)}, {(0, 0)}]
