"""Batches, buckets and packed rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munmaek.data import (
    LabelledBatch,
    PairBatch,
    SentenceBatch,
    bucket,
    pack,
    pad_rows,
    padding_fraction,
    split_long,
)
from munmaek.errors import ConfigError

lengths_of = st.lists(st.integers(0, 60), max_size=80).map(lambda x: np.array(x, dtype=np.int64))
seeds = st.none() | st.integers(0, 5)
sequences_of = st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=20)


def generator(seed: int | None) -> np.random.Generator | None:
    return None if seed is None else np.random.default_rng(seed)


# Padding


def test_rows_are_padded_after_their_tokens() -> None:
    ids, lengths = pad_rows([[1, 2, 3], [], [4]], 9)
    assert ids.tolist() == [[1, 2, 3], [9, 9, 9], [4, 9, 9]]
    assert lengths.tolist() == [3, 0, 1]
    assert (ids.dtype, lengths.dtype) == (np.int64, np.int64)


@given(sequences_of)
def test_padding_loses_nothing(sequences: list[list[int]]) -> None:
    ids, lengths = pad_rows(sequences, -1)
    assert [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)] == sequences
    assert (ids == -1).sum() == ids.size - lengths.sum()


def test_batches_count_tokens_and_padding() -> None:
    rows = np.array([2, 0])
    sentences = SentenceBatch.gather([[1, 2, 3], [5], [4]], rows, 0)
    assert sentences.ids.tolist() == [[4, 0, 0], [1, 2, 3]]
    assert sentences.rows.tolist() == [2, 0]
    # 4 tokens in 2 x 3 positions: 2/6 is padding.
    assert (sentences.tokens, sentences.padding) == (4, pytest.approx(2 / 6))
    labelled = LabelledBatch.gather([[1, 2, 3], [5], [4]], np.array([7, 8, 9]), rows, 0)
    assert labelled.labels.tolist() == [9, 7]
    assert (labelled.tokens, labelled.padding) == (4, pytest.approx(2 / 6))
    pairs = PairBatch.gather([[1, 2, 3], [5], [4]], [[1], [5], [4, 4]], rows, 0)
    assert pairs.target.tolist() == [[4, 4], [1, 0]]
    # 4 + 3 tokens in 2 x 3 + 2 x 2 positions: 3/10 is padding.
    assert (pairs.tokens, pairs.padding) == (7, pytest.approx(3 / 10))


def test_a_batch_cannot_be_changed() -> None:
    batch = SentenceBatch.gather([[1]], np.array([0]), 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.rows = np.array([1])


def test_a_batch_without_tokens_has_no_padding() -> None:
    assert SentenceBatch.gather([[]], np.array([0]), 0).padding == 0.0


# Buckets


@given(lengths_of, st.integers(1, 200), seeds, st.none() | st.integers(1, 5))
def test_every_index_comes_once_within_the_budget(
    lengths: np.ndarray, max_tokens: int, seed: int | None, batch_size: int | None
) -> None:
    batches = bucket(lengths, max_tokens=max_tokens, rng=generator(seed), batch_size=batch_size)
    assert sorted(np.concatenate([*batches, []]).tolist()) == list(range(lengths.size))
    for rows in batches:
        assert rows.dtype == np.int64
        assert rows.size * lengths[rows].max() <= max_tokens or rows.size == 1
        assert rows.size <= (batch_size or rows.size)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=60), seeds)
def test_pairs_share_the_budget_of_both_sides(pairs: list[tuple[int, int]], seed: int) -> None:
    source = np.array([pair[0] for pair in pairs], dtype=np.int64)
    target = np.array([pair[1] for pair in pairs], dtype=np.int64)
    batches = bucket((source, target), max_tokens=100, rng=generator(seed))
    assert sorted(np.concatenate([*batches, []]).tolist()) == list(range(source.size))
    for rows in batches:
        cost = rows.size * (source[rows].max() + target[rows].max())
        assert cost <= 100 or rows.size == 1


@given(lengths_of, seeds)
def test_the_padding_reported_is_the_batches_own(lengths: np.ndarray, seed: int | None) -> None:
    sequences = [[1] * length for length in lengths.tolist()]
    batches = bucket(lengths, max_tokens=100, rng=generator(seed))
    made = [SentenceBatch.gather(sequences, rows, 0) for rows in batches]
    slots = sum(batch.ids.size for batch in made)
    wanted = 1 - sum(batch.tokens for batch in made) / slots if slots else 0.0
    assert padding_fraction(lengths, batches) == pytest.approx(wanted)


def test_a_longer_row_stands_alone() -> None:
    batches = bucket(np.array([3, 50, 2]), max_tokens=10, rng=None)
    assert [rows.tolist() for rows in batches] == [[1], [2, 0]]


def test_without_generator_batches_are_sorted_and_longest_first() -> None:
    lengths = np.array([5, 1, 4, 2, 3])
    batches = bucket(lengths, max_tokens=8, rng=None)
    # From the longest end: 5 alone (2 x 5 > 8), 4 with 3 (2 x 4 = 8), 2 with 1.
    assert [sorted(lengths[rows].tolist()) for rows in batches] == [[5], [3, 4], [1, 2]]


def test_a_seed_decides_the_shuffle() -> None:
    lengths = np.random.default_rng(0).poisson(20, 1000)
    first, again, other = (
        bucket(lengths, max_tokens=200, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(np.concatenate(first), np.concatenate(other))
    members = [{frozenset(rows.tolist()) for rows in batches} for batches in (first, other)]
    assert len(members[0] & members[1]) < len(first) / 10
    heads = [int(lengths[rows].max()) for rows in first]
    assert heads != sorted(heads)


@pytest.mark.parametrize("seed", [None, 0])
def test_natural_lengths_leave_little_padding(seed: int | None) -> None:
    lengths = np.random.default_rng(0).lognormal(3.0, 0.6, 20_000).astype(np.int64) + 2
    batches = bucket(lengths, max_tokens=4096, rng=generator(seed))
    assert padding_fraction(lengths, batches) < 0.05
    rng = np.random.default_rng(1)
    source = np.maximum(1, (lengths * rng.normal(1.0, 0.2, lengths.size)).astype(np.int64))
    batches = bucket((source, lengths), max_tokens=4096, rng=generator(seed))
    assert padding_fraction((source, lengths), batches) < 0.08


def test_a_budget_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_tokens must be at least 1, got 0"):
        bucket(np.array([1]), max_tokens=0, rng=None)
    with pytest.raises(ConfigError, match="batch_size must be at least 1, got 0"):
        bucket(np.array([1]), max_tokens=1, rng=None, batch_size=0)


# Packing


@given(sequences_of, st.integers(1, 15))
def test_packing_loses_nothing_and_keeps_the_length(
    sequences: list[list[int]], length: int
) -> None:
    found: dict[int, list[list[int]]] = {}
    for row in pack(sequences, length=length):
        assert 0 < row.ids.size <= length
        assert row.starts[0] == 0
        for number, segment in zip(row.rows, np.split(row.ids, row.starts[1:]), strict=True):
            found.setdefault(int(number), []).append(segment.tolist())
    for number, sequence in enumerate(sequences):
        windows = [list(window) for window in split_long(sequence, length=length) if window]
        assert sorted(found.get(number, [])) == sorted(windows)


def test_rows_are_packed_full() -> None:
    # 7 + 3, 6 + 4, 5 + 5: three full rows of 10.
    sequences = [[1] * size for size in (3, 4, 5, 5, 6, 7)]
    rows = pack(sequences, length=10)
    assert [row.ids.size for row in rows] == [10, 10, 10]
    assert [row.starts.tolist() for row in rows] == [[0, 7], [0, 6], [0, 5]]


def test_long_sequences_are_cut_into_windows() -> None:
    assert split_long([1, 2, 3, 4, 5], length=2) == [[1, 2], [3, 4], [5]]
    assert split_long([1], length=2) == [[1]]
    assert split_long([], length=2) == [[]]
    with pytest.raises(ConfigError, match="window length must be at least 1, got 0"):
        split_long([1], length=0)
