"""The statistical aligner against sums over every alignment, and symmetrisation by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.align import HmmAligner, HmmSettings, parse_gold, statistical_links, symmetrise
from munmaek.align.bitext import alikeness
from munmaek.align.hmm import lexical_posteriors, markov_posteriors
from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.tasks.translate.translation import word_links

# symmetrisation: 3 source words, 3 target words
#   forward  0-0 1-1 1-2      backward  0-0 1-1 2-2
FORWARD = {(0, 0), (1, 1), (1, 2)}
BACKWARD = {(0, 0), (1, 1), (2, 2)}


def test_symmetrisation_of_a_pair_worked_by_hand() -> None:
    assert symmetrise(FORWARD, BACKWARD, by="intersection") == {(0, 0), (1, 1)}
    assert symmetrise(FORWARD, BACKWARD, by="union") == {(0, 0), (1, 1), (1, 2), (2, 2)}
    # From 1-1, the neighbour below, 1-2, joins target word 2; the diagonal 2-2 joins source word 2.
    grown = {(0, 0), (1, 1), (1, 2), (2, 2)}
    assert symmetrise(FORWARD, BACKWARD, by="grow-diag") == grown


def test_the_last_step_adds_what_growing_cannot_reach() -> None:
    # 0-0 is agreed; 2-2 and 0-3 touch nothing: 2-2 joins two free words, 0-3 one.
    forward, backward = {(0, 0), (0, 3), (2, 2)}, {(0, 0)}
    assert symmetrise(forward, backward, by="grow-diag") == {(0, 0)}
    assert symmetrise(forward, backward, by="grow-diag-final") == {(0, 0), (0, 3), (2, 2)}
    assert symmetrise(forward, backward, by="grow-diag-final-and") == {(0, 0), (2, 2)}


# What Moses' symal prints (mosesdecoder, symal, commit 3445289) for -a=g -d=yes with -f=no -b=no,
# -f=yes -b=no and -f=yes -b=yes. The first pair finds 1-1 from 0-2, in the pass that found it.
@pytest.mark.parametrize(
    ("forward", "backward", "diag", "final", "both"),
    [
        ("0-2 2-0 2-1", "0-2 1-1 2-0", *["0-2 1-1 2-0 2-1"] * 3),
        ("0-2 0-3 2-0 2-1", "0-2 2-2", "0-2 0-3", "0-2 0-3 2-0 2-1", "0-2 0-3 2-0"),
    ],
)
def test_growing_gives_the_links_of_moses(
    forward: str, backward: str, diag: str, final: str, both: str
) -> None:
    ways = parse_gold(forward).sure, parse_gold(backward).sure
    assert symmetrise(*ways, by="grow-diag") == parse_gold(diag).sure
    assert symmetrise(*ways, by="grow-diag-final") == parse_gold(final).sure
    assert symmetrise(*ways, by="grow-diag-final-and") == parse_gold(both).sure


AROUND = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


class _Matrix:
    """Koehn's algorithm over the whole matrix: ``there[t]`` and ``back[s]`` are partners or −1."""

    def __init__(self, there: list[int], back: list[int]) -> None:
        self.cells = list(product(range(len(there)), range(len(back))))
        self.there = {(t, s) for t, s in self.cells if there[t] == s}
        self.back = {(t, s) for t, s in self.cells if back[s] == t}
        self.on = self.there & self.back

    def free(self, t: int, s: int) -> int:
        """How many of the two words have no link."""
        return 2 - any(t == link[0] for link in self.on) - any(s == link[1] for link in self.on)

    def grow(self) -> None:
        size = -1
        while size < len(self.on):
            size = len(self.on)
            for t, s in self.cells:
                for down, right in AROUND if (t, s) in self.on else ():
                    link = (t + down, s + right)
                    if link in self.there | self.back and self.free(*link):
                        self.on.add(link)

    def end(self, wanted: int) -> None:
        for way in (self.there, self.back):
            for link in self.cells:
                if link in way and self.free(*link) >= wanted:
                    self.on.add(link)


@settings(max_examples=200)
@given(data=st.data())
def test_growing_is_a_walk_over_the_whole_matrix(data: st.DataObject) -> None:
    T, S = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    there = data.draw(st.lists(st.integers(-1, S - 1), min_size=T, max_size=T))
    back = data.draw(st.lists(st.integers(-1, T - 1), min_size=S, max_size=S))
    forward = {(s, t) for t, s in enumerate(there) if s >= 0}
    backward = {(s, t) for s, t in enumerate(back) if t >= 0}
    for by, wanted in (("grow-diag", 3), ("grow-diag-final", 1), ("grow-diag-final-and", 2)):
        matrix = _Matrix(there, back)
        matrix.grow()
        matrix.end(wanted)
        assert symmetrise(forward, backward, by=by) == {(s, t) for t, s in matrix.on}, by


cells = st.frozensets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(forward=cells, backward=cells)
def test_each_symmetrisation_lies_between_intersection_and_union(
    forward: frozenset[tuple[int, int]], backward: frozenset[tuple[int, int]]
) -> None:
    inner = forward & backward
    diag = symmetrise(forward, backward, by="grow-diag")
    both = symmetrise(forward, backward, by="grow-diag-final-and")
    final = symmetrise(forward, backward, by="grow-diag-final")
    assert inner <= diag <= both <= (forward | backward)
    assert diag <= final <= (forward | backward)


def _brute(
    emit: np.ndarray, nothing: np.ndarray, null: float, jumps: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Every alignment, one by one: its probability, links and jumps."""
    T, S = emit.shape
    K = len(jumps) // 2
    post, taken, total = np.zeros((T, S)), np.zeros(len(jumps)), 0.0

    def jump(distance: int) -> int:
        return min(max(distance, -K), K) + K

    for path in product(range(-1, S), repeat=T):
        at, chance, used = -1, 1.0, []
        for t, j in enumerate(path):
            if j < 0:
                chance *= null * nothing[t]
                continue
            weights = [jumps[jump(k - at)] for k in range(S)]
            chance *= (1 - null) * weights[j] / sum(weights) * emit[t, j]
            used.append(jump(j - at))
            at = j
        end = jumps[jump(S - at)]
        chance *= end / (end + sum(jumps[jump(k - at)] for k in range(S)))
        used.append(jump(S - at))
        total += chance
        np.add.at(taken, used, chance)
        for t, j in enumerate(path):
            if j >= 0:
                post[t, j] += chance
    return post / total, taken / total, float(np.log(total))


@pytest.mark.parametrize(("T", "S", "K"), [(1, 1, 1), (3, 2, 1), (2, 3, 2), (4, 3, 5)])
def test_markov_posteriors_equal_the_sum_over_every_alignment(T: int, S: int, K: int) -> None:
    rng = np.random.default_rng(T * 10 + S)
    emit, nothing, jumps = rng.random((T, S)), rng.random(T), rng.random(2 * K + 1)
    out, taken = np.empty((T, S)), np.zeros(2 * K + 1)
    loglik = markov_posteriors(emit, nothing, 0.3, jumps, out, taken)
    post, used, total = _brute(emit, nothing, 0.3, jumps)
    np.testing.assert_allclose(out, post, rtol=1e-10)
    np.testing.assert_allclose(taken, used, rtol=1e-10)
    assert loglik == pytest.approx(total)


def test_markov_posteriors_of_a_pair_worked_by_hand() -> None:
    # One target word, two source words, K = 1, every jump alike: j is 0 or 1 with 0.8 / 2 each,
    # the end weighs 1 / 3 against two positions whatever the state. θ = 0.5, 0.1; no link 0.2 · 0.5
    #   0.4 · 0.5 = 0.2,  0.4 · 0.1 = 0.04,  0.2 · 0.5 = 0.1;  total 0.34, times 1 / 3 for the end
    out, taken = np.empty((1, 2)), np.zeros(3)
    emit, nothing = np.array([[0.5, 0.1]]), np.array([0.5])
    loglik = markov_posteriors(emit, nothing, 0.2, np.ones(3), out, taken)
    np.testing.assert_allclose(out, [[0.2 / 0.34, 0.04 / 0.34]])
    assert loglik == pytest.approx(np.log(0.34 / 3))


def test_lexical_posteriors_of_a_pair_worked_by_hand() -> None:
    out = np.empty((1, 2))
    emit, nothing = np.array([[0.5, 0.1]]), np.array([0.5])
    loglik = lexical_posteriors(emit, nothing, 0.2, out)
    np.testing.assert_allclose(out, [[0.2 / 0.34, 0.04 / 0.34]])
    assert loglik == pytest.approx(np.log(0.34))


def test_alikeness_is_the_share_of_a_common_subsequence() -> None:
    assert alikeness("nation", "nacion") == pytest.approx(5 / 6)
    assert alikeness("2026", "2026") == 1.0
    assert alikeness("a", "bc") == 0.0


SOURCES = ["das Haus", "das Buch", "ein Buch", "ein Haus ist klein", "das Buch ist klein"]
TARGETS = ["the house", "the book", "a book", "a house is small", "the book is small"]


def test_a_few_sentences_are_enough_where_words_recur() -> None:
    wanted = [frozenset((n, n) for n in range(len(text.split()))) for text in SOURCES]
    assert statistical_links(SOURCES, TARGETS) == wanted


def test_equal_words_link_though_seen_once() -> None:
    links = statistical_links(["am 24. sprach Tanaka lange"], ["Tanaka spoke on 24."])
    assert {(1, 3), (3, 0)} <= links[0]


def test_links_of_new_sentences_and_of_words_never_seen() -> None:
    aligner = HmmAligner.fit(*[[text.split() for text in side] for side in (SOURCES, TARGETS)])
    (links, empty) = aligner.align([["ein", "Buch"], []], [["a", "book"], ["x"]])
    assert links == {(0, 0), (1, 1)}
    assert empty == frozenset()
    (unseen,) = aligner.posteriors([["Fenster", "Haus"]], [["house", "window"]])
    assert np.isfinite(unseen.forward).all()
    assert unseen.forward.shape == unseen.backward.shape == (2, 2)
    assert unseen.links() == {(1, 0)}


def test_rows_and_columns_of_posteriors_are_shares() -> None:
    words = [[text.split() for text in side] for side in (SOURCES, TARGETS)]
    for each in HmmAligner.fit(*words).posteriors(*words):
        assert (each.forward.sum(1) <= 1 + 1e-9).all()
        assert (each.backward.sum(0) <= 1 + 1e-9).all()


def test_swapping_the_texts_turns_the_posteriors_over() -> None:
    words = [[text.split() for text in side] for side in (SOURCES, TARGETS)]
    one = HmmAligner.fit(*words).posteriors(*words)
    other = HmmAligner.fit(*words[::-1]).posteriors(*words[::-1])
    for here, there in zip(one, other, strict=True):
        np.testing.assert_allclose(here.forward, there.backward.T, rtol=1e-9)


def test_empty_lines_keep_their_place() -> None:
    links = statistical_links(["das Haus", "", "das Buch"], ["the house", "x", ""])
    assert len(links) == 3
    assert links[1:] == [frozenset(), frozenset()]


def test_a_sentence_past_the_limit_is_cut_and_said() -> None:
    chosen = HmmSettings(max_words=2)
    with pytest.warns(MunmaekWarning, match="1 pairs are longer than 2 words"):
        links = statistical_links(["a b c", "a"], ["a b c", "a"], settings=chosen)
    assert links == [{(0, 0), (1, 1)}, {(0, 0)}]


def test_what_cannot_be_aligned_is_refused() -> None:
    with pytest.raises(InputError, match="each has an empty side"):
        statistical_links(["a"], [""])
    with pytest.raises(InputError, match="a target for every source, got 2 for 1"):
        statistical_links(["a"], ["b", "c"])
    with pytest.raises(ConfigError, match="must be positive"):
        HmmSettings(null=0.0)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text("abc ", max_size=8), st.text("abc ", max_size=8)), min_size=1))
def test_any_text_gives_links_within_its_words(pairs: list[tuple[str, str]]) -> None:
    sources, targets = [one for one, _ in pairs], [other for _, other in pairs]
    if not any(one.split() and other.split() for one, other in pairs):
        return
    for source, target, links in zip(
        sources, targets, statistical_links(sources, targets), strict=True
    ):
        assert all(0 <= s < len(source.split()) for s, _ in links)
        assert all(0 <= t < len(target.split()) for _, t in links)


def test_attention_is_read_in_both_directions_where_they_are_to_be_joined() -> None:
    """Source word 2 is no target word's best, but target word 1 gives it most."""
    weights = np.array([[0.9, 0.1, 0.0], [0.1, 0.5, 0.4], [0.0, 0.8, 0.2]], dtype=np.float32)
    assert word_links(None) is None
    assert word_links(weights) == ((0, 0), (1, 1), (1, 2))
    # Back: 0-0, 1-2, 2-1. Of the links of one direction, 1-1 joins no word that is free, 2-1 does.
    assert word_links(weights, by="intersection") == ((0, 0), (1, 2))
    assert word_links(weights, by="union") == ((0, 0), (1, 1), (1, 2), (2, 1))
    assert word_links(weights, by="grow-diag-final-and") == ((0, 0), (1, 1), (1, 2), (2, 1))
