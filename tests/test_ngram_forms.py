"""Fast, compact and quantised tables: one set of answers, damage that stays inside, whole texts."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.errors import ArtefactError
from munmaek.lm import fold_score
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import (
    CompactTables,
    NgramTables,
    WordTable,
    compress,
    distribution,
    fast,
    quantise,
    score,
    score_text,
    tables_from,
    top,
    trace,
)
from munmaek.ngram.bits import low_width, pair_at, words_for, write_rising
from munmaek.ngram.index import FEW, PROBES, build_index, slot_of
from munmaek.ngram.links import fill_links
from munmaek.ngram.sequences import TokenIds
from munmaek.text.spaces import ascii_words

UNK, BOS, EOS, PAD = 0, 1, 2, 3
V = 60
SPECIAL = {"vocab_size": V, "bos": BOS, "eos": EOS, "unk": UNK}
FORMS = {"fast": fast, "compact": compress, "quantised": quantise}

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
every_form = pytest.mark.parametrize("form", FORMS)
token = st.sampled_from([token for token in range(V) if token not in (BOS, PAD)])


def text_of(lines):
    """Few words follow most words and many follow some, so that the index is in use."""
    rng = np.random.default_rng(0)
    return [
        (4 + np.minimum(rng.geometric(0.08, size=rng.integers(0, 15)) - 1, V - 5)).tolist()
        for _ in range(lines)
    ]


@cache
def counted(order):
    return NgramModel.fit(
        text_of(300),
        config=NgramConfig(order=order),
        vocabulary=TokenIds(excluded=(PAD,), **SPECIAL),
    )


@cache
def model_of(form, order):
    model = counted(order)
    return NgramModel(FORMS[form](model.tables), config=model.config, bos=BOS, eos=EOS, unk=UNK)


def test_some_contexts_of_these_tests_are_in_the_index():
    tables = counted(3).tables
    assert np.diff(tables.first).max() > FEW
    assert np.count_nonzero(tables.index) > FEW


@every_form
@settings(max_examples=60)
@given(order=st.sampled_from([1, 2, 3, 5]), ids=st.lists(token, max_size=12))
def test_score_and_trace_and_folding_distributions_agree_to_the_bit(form, order, ids):
    model = model_of(form, order)
    scores = model.score(ids)
    traced = trace(model.tables, np.array(ids, dtype=np.int64), bos=BOS)
    assert np.array_equal(scores, traced.logprobs)
    np.testing.assert_array_equal(scores, fold_score(model, ids))


@settings(max_examples=60)
@given(order=st.sampled_from([1, 2, 3, 5]), ids=st.lists(token, max_size=12))
def test_compact_tables_answer_as_the_fast_ones_to_the_bit(order, ids):
    one, other = model_of("fast", order), model_of("compact", order)
    assert np.array_equal(one.score(ids), other.score(ids))
    assert one.explain(ids) == other.explain(ids)
    assert np.array_equal(distribution(one.tables, ids), distribution(other.tables, ids))
    if ids:
        assert one.find(ids[:order]) == other.find(ids[:order])


@every_form
@settings(max_examples=60)
@given(
    order=st.sampled_from([1, 2, 3, 5]),
    context=st.lists(token, max_size=5),
    count=st.integers(0, V + 3),
)
def test_the_top_is_that_of_the_whole_distribution_sorted(form, order, context, count):
    tables = model_of(form, order).tables
    whole = distribution(tables, context)
    wanted = [int(i) for i in np.lexsort((np.arange(V), -whole)) if whole[i] > -np.inf][:count]
    found = top(tables, context, count)
    assert found.ids.tolist() == wanted
    assert np.array_equal(found.logprobs, whole[wanted])


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_compressing_and_expanding_gives_every_bit_back(order):
    tables = counted(order).tables
    packed = compress(tables, threads=2)
    packed.verify()
    for name, array in packed.expand().tensors().items():
        assert array.tobytes() == tables.tensors()[name].tobytes()
    assert packed.counts == tables.counts
    assert packed.tensors().keys() == compress(tables).tensors().keys()
    for name, array in compress(tables).tensors().items():
        assert np.array_equal(array, packed.tensors()[name])


def test_values_at_the_edges_are_packed_without_loss():
    edges = [-np.inf, -0.0, 0.0, -1e-45, -1e-30, -3.4e38, -np.pi, -1.0]
    logprobs = np.array([*edges[:3], -1, *edges], dtype=np.float32)
    tables = NgramTables(
        starts=np.array([0, 4, 12]),
        words=np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], dtype=np.int32),
        links=np.array([-1] * 4 + [0, 1, 2, 3] * 2, dtype=np.int32),
        first=np.array([4, 8, 12, 12, 12], dtype=np.int32),
        logprobs=logprobs,
        backoffs=np.array([-np.inf, 0.5, 0, -0.0], dtype=np.float32),
    )
    for name, array in compress(tables).expand().tensors().items():
        assert array.tobytes() == tables.tensors()[name].tobytes()


def test_quantised_tables_hold_few_values_near_the_right_ones():
    exact, coarse = counted(3).tables, quantise(counted(3).tables).expand()
    for begin, end in zip(exact.starts[1:-1], exact.starts[2:], strict=True):
        assert len(np.unique(coarse.logprobs[begin:end])) <= 256
    # Values lie within 8 nats; the mean distance is that of 256 steps or less, tails are coarser.
    finite = np.isfinite(exact.logprobs)
    apart = np.abs(coarse.logprobs[finite] - exact.logprobs[finite])
    assert apart.mean() < 8 / 256 / 2
    assert apart.max() < 0.3
    assert np.array_equal(coarse.backoffs == 0, exact.backoffs == 0)
    assert quantise(exact).size < compress(exact).size < exact.size


@pytest.mark.parametrize("form", ["compact", "quantised"])
def test_packed_tables_come_back_from_their_tensors(form):
    model = model_of(form, 3)
    again = NgramModel.from_tensors(model.tensors(), config=model.config, **SPECIAL)
    assert isinstance(again.tables, CompactTables)
    assert np.array_equal(again.score([4, 5, 6]), model.score([4, 5, 6]))
    again.tables.verify()


def damaged(tensors, name, place, bit):
    copies = {key: array.copy() for key, array in tensors.items()}
    raw = copies[name].reshape(-1).view(np.uint8)
    raw[place % len(raw)] ^= 1 << bit
    return copies


@pytest.mark.parametrize("form", ["fast", "compact"])
@settings(max_examples=250)
@given(data=st.data())
def test_a_flipped_bit_is_refused_or_queries_stay_inside_and_end(form, data):
    tensors = model_of(form, 3).tables.tensors()
    name = data.draw(st.sampled_from(sorted(tensors)))
    place, bit = data.draw(st.integers(0, 10**6)), data.draw(st.integers(0, 7))
    try:
        tables = tables_from(damaged(tensors, name, place, bit), order=3, vocab_size=V)
    except ArtefactError:
        return
    ids = np.array([4, 5, 6, 7, 4, 4, 30, 31, EOS] * 3)
    for context in ([], [4], [4, 5], [BOS, 4]):
        assert distribution(tables, context).shape == (V,)
        assert len(top(tables, context, 5).ids) <= 5
    assert score(tables, ids, np.array([0, 9, 27]), bos=BOS).shape == (27,)
    assert trace(tables, ids, bos=BOS).orders.min() >= 1


@pytest.mark.parametrize("form", ["fast", "compact"])
def test_verifying_finds_altered_tables(form):
    tensors = model_of(form, 3).tables.tensors()
    # Values may be altered to others that could stand there: only the sha256 tells.
    for name in sorted(tensors.keys() - {"logprobs", "backoffs", "books", "unigram_backoffs"}):
        found = 0
        for place in range(0, tensors[name].nbytes, max(1, tensors[name].nbytes // 40)):
            try:
                made = tables_from(damaged(tensors, name, place, 7), order=3, vocab_size=V)
                made.verify()
            except ArtefactError:
                found += 1
        assert found > 0, name


@pytest.mark.parametrize("change", ["words", "first", "links", "index", "ranked"])
def test_verifying_finds_what_does_not_fit(change):
    tensors = {key: array.copy() for key, array in counted(3).tables.tensors().items()}
    tensors[change][len(tensors[change]) // 2 :] = tensors[change][0]
    with pytest.raises(ArtefactError, match=f"'{change}' is damaged"):
        NgramTables.from_tensors(tensors, order=3, vocab_size=V).verify()


def test_links_are_those_that_estimation_gives():
    tables = counted(5).tables
    found = fill_links(tables.starts, tables.first, tables.words)
    assert np.array_equal(found, tables.links)


def test_an_empty_index_is_one_free_slot():
    first = np.array([2, 3, 3], dtype=np.int32)
    assert build_index(first, np.array([0, 1, 0], dtype=np.int32)).tolist() == [0]


def put_one_after_the_other(first, words, slots):
    """The same table from its definition: linear probing in the order of the nodes."""
    mask = slots - 1
    table = [0] * slots
    for context in range(len(first) - 1):
        nodes = range(first[context], first[context + 1])
        for node in nodes if len(nodes) > FEW else ():
            slot = int(slot_of(np.uint64(context), np.uint64(words[node]), np.uint64(mask)))
            while table[slot]:
                slot = (slot + 1) & mask
            table[slot] = int(words[node]) << 32 | node
    return table


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
@pytest.mark.parametrize("seed", range(4))
def test_the_index_is_as_if_entries_came_one_after_the_other(seed, threads):
    rng = np.random.default_rng(seed)
    sizes = np.where(rng.random(300) < 0.5, rng.integers(0, 20, 300), rng.integers(17, 400, 300))
    first = np.concatenate([[len(sizes)], len(sizes) + np.cumsum(sizes)]).astype(np.int32)
    words = np.zeros(first[-1], dtype=np.int32)
    for begin, end in pairwise(first.tolist()):
        words[begin:end] = np.sort(rng.choice(5000, end - begin, replace=False))
    index = build_index(first, words, threads=threads)
    assert len(index) > 2 * PROBES  # several ranges
    assert index.tolist() == put_one_after_the_other(first, words, len(index))


@settings(max_examples=50)
@given(steps=st.lists(st.integers(0, 300), min_size=1, max_size=300), base=st.integers(0, 9))
def test_rising_numbers_come_back_in_pairs(steps, base):
    numbers = np.cumsum(steps).astype(np.int32)
    width = low_width(len(numbers), int(numbers[-1]))
    start, high_start = 5, 70
    low = np.zeros(words_for(start + width * len(numbers)), dtype=np.uint64)
    high = np.zeros(
        words_for(high_start + (int(numbers[-1]) >> width) + len(numbers)), dtype=np.uint64
    )
    samples = np.zeros(-(-len(numbers) // 64), dtype=np.uint32)
    write_rising(numbers + base, base, width, low, start, high, high_start, samples)
    places = np.array([width, start, high_start, 0], dtype=np.uint64)
    for index in range(len(numbers) - 1):
        pair = pair_at(
            np.uint64(index), places[0], low, places[1], high, places[2], samples, places[3]
        )
        assert pair == (numbers[index], numbers[index + 1])


@every_form
def test_threads_change_nothing(form):
    tables = model_of(form, 3).tables
    sequences = [*text_of(40), [], []]
    ids = np.concatenate([np.array(each, dtype=np.int64) for each in sequences])
    offsets = np.cumsum([0, *map(len, sequences)])
    one = score(tables, ids, offsets, bos=BOS)
    for threads in (2, 5):
        assert np.array_equal(score(tables, ids, offsets, bos=BOS, threads=threads), one)


# Whole texts

WORDS = ["<unk>", "<s>", "</s>", "<pad>", *(f"나{i}" if i % 2 else f"w{i}" for i in range(V - 4))]
word = st.sampled_from([*WORDS, "never-seen", "모름"])
blank = st.sampled_from([" ", "  ", "\t", " \r", "\v"])


@settings(max_examples=200)
@given(
    words=st.lists(st.text("ab\x01\x08\x0e\x1f가", min_size=1, max_size=10), unique=True),
    text=st.text("ab\x01\x08\x0e\x1f가 \t\n\v\f\r", max_size=60),
)
def test_words_of_any_length_are_read_as_they_are_looked_up(words, text):
    """Control characters are part of a word; words of seven bytes and eight lie in two tables."""
    table = WordTable.of([*words, *words[:1], "two\nlines"])
    read = table.read(np.frombuffer(text.encode(), dtype=np.uint8), eos=-2, unk=-1)
    given_lines = text.split("\n")
    if not given_lines[-1]:
        given_lines.pop()
    place = {each: number for number, each in enumerate(words)}
    wanted = [[*(place.get(each, -1) for each in ascii_words(line)), -2] for line in given_lines]
    assert read.ids.tolist() == [each for line in wanted for each in line]
    assert np.diff(read.offsets).tolist() == [len(line) for line in wanted]


def words_table():
    return WordTable.of(WORDS, without=(UNK, BOS, EOS, PAD))


@settings(max_examples=60)
@given(
    lines=st.lists(st.lists(word, max_size=6), max_size=6),
    between=blank,
    ended=st.booleans(),
)
def test_a_text_scores_as_its_lines_do(lines, between, ended):
    model = model_of("fast", 3)
    text = "\n".join(between.join(line) for line in lines) + ("\n" if ended and lines else "")
    found = score_text(
        model.tables,
        words_table(),
        np.frombuffer(text.encode(), dtype=np.uint8),
        bos=BOS,
        eos=EOS,
        unk=UNK,
    )
    ids = {name: place for place, name in enumerate(WORDS) if place > PAD}
    given_lines = [line.split() for line in text.split("\n")]
    if not given_lines[-1] and not (text and text[-1] in between and text[-1] != "\n"):
        given_lines.pop()
    encoded = [[*(ids.get(name, UNK) for name in line), EOS] for line in given_lines]
    assert found.tokens.tolist() == [len(each) for each in encoded]
    assert found.unknown.tolist() == [each.count(UNK) for each in encoded]
    for total, each in zip(found.logprobs, encoded, strict=True):
        assert total == pytest.approx(math.fsum(model.score(each)), rel=1e-13)


def test_the_totals_of_a_text_are_worked_out_with_and_without_unknown_words():
    model = model_of("fast", 3)
    text = np.frombuffer(b"w0 never-seen\nw2\n", dtype=np.uint8)
    found = score_text(model.tables, words_table(), text, bos=BOS, eos=EOS, unk=UNK)
    first, second = model.score([4, UNK, EOS]), model.score([6, EOS])
    total = float(first.sum() + second.sum())
    assert (found.token_count, found.unknown_count) == (5, 1)
    assert found.perplexity == pytest.approx(math.exp(-total / 5))
    assert found.unknown_logprobs == pytest.approx([first[1], 0.0])
    assert found.logprobs == pytest.approx([first.sum(), second.sum()])


def test_a_text_in_many_blocks_scores_the_same_in_any_number_of_threads(monkeypatch):
    from munmaek.ngram import textscore

    model = model_of("compact", 3)
    text = "\n".join(" ".join(WORDS[i] for i in line) for line in text_of(60)).encode()
    bytes_ = np.frombuffer(text, dtype=np.uint8)
    options = {"bos": BOS, "eos": EOS, "unk": UNK}
    whole = score_text(model.tables, words_table(), bytes_, **options)
    monkeypatch.setattr(textscore, "_BLOCK", 64)
    for threads in (1, 3):
        cut = score_text(model.tables, words_table(), bytes_, **options, threads=threads)
        assert np.array_equal(cut.logprobs, whole.logprobs)
        assert np.array_equal(cut.tokens, whole.tokens)


def test_no_text_has_no_perplexity():
    none = np.empty(0, dtype=np.uint8)
    found = score_text(counted(2).tables, words_table(), none, bos=BOS, eos=EOS, unk=UNK)
    assert found.token_count == 0
    assert math.isnan(found.perplexity)
