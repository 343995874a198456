r"""Estimation in little memory: the passes of ``sorting`` and ``estimation`` over files.

A row stands for one occurrence of a k-gram: its first word, the number of the (k−1)-gram after it,
its last word, and the words before it. Rows lie in buckets by ranges of their first word. A bucket
is read, sorted by that word, numbered, and each row is put, one word longer to the left, into the
bucket of the next order. A word too frequent for that has a bucket of its own, which needs no
sorting, for rows come in order, and is read part by part.

Numbers that point elsewhere (links to count, probabilities of the order below) are brought together
in the same way: the requests are put into buckets by where they point, answered bucket by bucket,
and the answers put into buckets by where they came from. Every sum is the one that is made in
memory, so the result is the same to the bit.

Letters: V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from munmaek.arrays import Floats, Int32s, Int64s
from munmaek.errors import InputError, OrderError
from munmaek.ngram.counting import continue_contexts
from munmaek.ngram.discounts import counts_of_counts, discounts_of, raw_last_ngrams
from munmaek.ngram.estimation import Estimate, interpolate, unigram_probabilities
from munmaek.ngram.external_files import Files, begun, note, rows_of
from munmaek.ngram.external_index import index_on_disk
from munmaek.ngram.external_rows import (
    count_into,
    cut,
    extend_rows,
    number_rows,
    place_answers,
    rows_of_text,
    scan,
    sort_rows,
)
from munmaek.ngram.journal import Journal, key_of
from munmaek.ngram.scratch import Buckets, Column, Scratch, chunks_of, give_back
from munmaek.ngram.sequences import TokenIds
from munmaek.ngram.stages import Stages
from munmaek.ngram.tables import NgramTables

__all__ = ["OnDisk", "estimate_on_disk", "room_needed"]


_MOST_NODES = 2**31 - 1
_MOST_BUCKETS = 1 << 12


@final
@dataclass(frozen=True, slots=True, eq=False)
class OnDisk:
    """An estimate whose tables are mapped from files."""

    estimate: Estimate
    release: Callable[[], None]
    """Lets go of the pages that were touched."""


def room_needed(positions: int, order: int) -> int:
    """Return how many bytes of temporary files a text of so many positions takes at most."""
    return positions * (4 + 4 * (order + 1) + 20 * order)


def estimate_on_disk(
    text: Column,
    *,
    order: int,
    vocabulary: TokenIds,
    scratch: Scratch,
    memory: int,
    kenlm_compatible: bool = False,
    stages: Stages | None = None,
) -> OnDisk:
    """Estimate as ``munmaek.ngram.estimation.estimate_text`` in about ``memory`` bytes of arrays.

    Args:
        text: a column of 32-bit ids, as ``munmaek.ngram.counting.bound`` makes them.
        order: n.
        vocabulary: as for ``estimate_text``.
        scratch: where the files are; the tables map some of them, so it must outlive them.
        memory: bytes for the arrays that are worked on.
        kenlm_compatible: as for ``estimate``.
        stages: takes the progress of ``"counting"`` and ``"smoothing"``.

    Raises:
        InputError: an order too high, or too many n-grams.
        DiskError: no room.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    stages = stages or Stages({"counting": 1.0, "smoothing": 1.0})
    external = _External(text, order, vocabulary, scratch, memory, stages)
    return external.run(kenlm_compatible)


@dataclass(eq=False)
class _External:
    source: Column
    order: int
    vocabulary: TokenIds
    scratch: Scratch
    memory: int
    stages: Stages

    def __post_init__(self) -> None:
        self.text, self.vocab_size = self.source.map(), self.vocabulary.vocab_size
        self.predictable = self.vocabulary.predictable
        self.bos, self.eos = self.vocabulary.bos, self.vocabulary.eos
        # A row of an order 5 takes 24 bytes, and lies in memory four times at most: read, sorted,
        # extended and grouped.
        self.chunk_size = max(self.memory // (20 * (self.order + 5)), 1 << 12)
        settings = (self.order, self.chunk_size, self.vocab_size, self.bos, self.eos)
        self.journal = Journal(self.scratch.folder, key_of(self.source.path, *settings))
        self.found = self.journal.found() or {}

    def run(self, kenlm_compatible: bool) -> OnDisk:
        histogram = self._histogram()
        files = self._sort(histogram)
        starts = np.array(files.starts, dtype=np.int64)
        words, links, counts = files.words.map(), files.links.map(), files.counts.map()
        first = self._first(files, starts, words, counts)
        self._adjust(files, starts, links, counts, first)
        statistics = [self._tally(files, counts, starts, k) for k in range(1, self.order + 1)]
        if kenlm_compatible:
            statistics = raw_last_ngrams(statistics, self.text, bos=self.bos, eos=self.eos)
            self.source.release()
        discounts = discounts_of(statistics, allow_zero=kenlm_compatible)
        logprobs, backoffs = self._smooth(files, starts, links, counts, first, discounts)
        self.index = index_on_disk(first, files.words, self.scratch, chunk_size=self.chunk_size)
        tables = NgramTables(
            starts=starts,
            words=words,
            links=links,
            first=first.array,
            logprobs=logprobs.map(),
            backoffs=backoffs.map(),
            index=self.index.array,
        )
        maps = (files.words, files.links, files.counts, first, logprobs, backoffs, self.index)

        def release() -> None:
            for column in maps:
                column.release()

        release()
        return OnDisk(Estimate(tables, discounts), release)

    # Counting

    def _spans_of(self, size: int, chunk_size: int) -> Iterator[tuple[int, int]]:
        for begin in range(0, size, chunk_size):
            yield begin, min(begin + chunk_size, size)

    def _histogram(self) -> Int64s:
        histogram = np.zeros(self.vocab_size, dtype=np.int64)
        longest = run = 0
        for begin, end in self._spans_of(len(self.text) - 1, 4 * self.chunk_size):
            longest, run = scan(self.text[begin:end], self.eos, histogram, longest, run)
            self.source.release()
        if self.order > longest:
            sequences = int(histogram[self.eos])
            raise OrderError(self.order, longest, f"the longest of {sequences} sequences")
        return histogram

    def _sort(self, histogram: Int64s) -> Files:
        room = max(self.chunk_size, -(-int(histogram.sum()) // _MOST_BUCKETS))
        cuts = np.empty(self.vocab_size + 1, dtype=np.int64)
        cuts = cuts[: cut(histogram, room, cuts)]
        bucket_of = np.repeat(np.arange(len(cuts) - 1, dtype=np.int32), np.diff(cuts))
        files = begun(self.scratch, self.found, histogram)
        if self.order == 1:
            return files
        reached = int(self.found.get("order", 1))
        sizes = self.found.get("rows")
        if reached <= self.order:
            buckets = (
                self._begin(bucket_of, len(cuts) - 1)
                if sizes is None
                else rows_of(self.scratch, self.order, reached, len(cuts) - 1, sizes)
            )
            for order in range(reached, self.order + 1):
                self.stages.tell("counting", order / (self.order + 2))
                buckets = self._pass(order, buckets, bucket_of, cuts, files)
                if order > 1:
                    files.starts.append(files.links.size)
        return files

    def _begin(self, bucket_of: Int32s, count: int) -> Buckets:
        buckets = rows_of(self.scratch, self.order, 1, count)
        for begin, end in self._spans_of(len(self.text) - 1, self.chunk_size):
            rows = np.empty((end - begin, self.order), dtype=np.int32)
            filled = rows_of_text(self.text, begin, end, self.bos, rows)
            buckets.add(rows[:filled], bucket_of[rows[:filled, 0]])
            self.source.release()
        return buckets

    def _pass(
        self, order: int, buckets: Buckets, bucket_of: Int32s, cuts: Int64s, files: Files
    ) -> Buckets:
        """Number the n-grams of one order and make the rows of the next."""
        columns, again = self.order - order + 2, self.found.get("order") == order
        sizes = self.found.get("longer") if again else None
        longer = rows_of(self.scratch, self.order, order + 1, len(cuts) - 1, sizes)
        pending = np.empty(3, dtype=np.int32)
        node = files.links.size - 1
        for bucket in range(self.found.get("bucket", 0) if again else 0, len(cuts) - 1):
            low, high = int(cuts[bucket]), int(cuts[bucket + 1])
            size = buckets.size(bucket)
            step = self.chunk_size if high - low == 1 else max(size, 1)
            state = np.array([-1, -1, node, 0], dtype=np.int64)
            for begin in range(0, size, step):
                rows = buckets.read(bucket, begin, begin + step)
                if high - low > 1:
                    rows = sort_rows(rows, low, high)
                if order > 1:
                    self._number(rows, state, pending, files)
                if order < self.order:
                    extended = np.empty((len(rows), columns), dtype=np.int32)
                    filled = extend_rows(rows, order, self.bos, extended)
                    buckets_of_rows = bucket_of[extended[:filled, 0]]
                    del rows
                    longer.add(extended[:filled], buckets_of_rows)
            if state[3]:
                _flush(pending[None, :], files)
            node = int(state[2])
            note(self.journal, (order, bucket), buckets, longer, files)
        give_back()
        if node >= _MOST_NODES:
            message = f"more than {_MOST_NODES} n-grams are too many for one table; lower the order"
            raise InputError(message)
        return longer

    def _number(self, rows: Int32s, state: Int64s, pending: Int32s, files: Files) -> None:
        """Number rows in place; the last n-gram waits in ``pending``, for it may go on."""
        opened = np.empty((len(rows) + 1, 3), dtype=np.int32)
        opened[0] = pending
        waiting = int(state[3])
        last = number_rows(rows, state, opened)
        _flush(opened[1 - waiting : last], files)
        pending[:] = opened[last]
        state[3] = 1

    def _first(self, files: Files, starts: Int64s, words: Int32s, counts: Int32s) -> Column:
        done = int(self.found.get("first", 0))
        column = self.scratch.column("first", np.int32, size=done)
        if done:
            column.map()
            return column
        for order in range(1, self.order):
            node = int(starts[order])
            for begin, end in self._spans(starts, order, self.chunk_size):
                chunk = np.empty(end - begin, dtype=np.int32)
                node = continue_contexts(begin, end, node, counts, words, self.eos, chunk)
                column.append(chunk)
                files.words.release()
                files.counts.release()
        column.append(np.array([starts[-1]]))
        column.map()
        # Adjusting changes raw counts only where it would again, and needs them no more for this.
        entry = {"order": self.order + 1, "nodes": int(starts[-1]), "starts": starts.tolist()}
        self.journal.reached(lambda: {**entry, "first": column.size}, now=True)
        return column

    def _spans(self, starts: Int64s, order: int, chunk_size: int) -> Iterator[tuple[int, int]]:
        base = int(starts[order - 1])
        for begin, end in self._spans_of(int(starts[order]) - base, chunk_size):
            yield base + begin, base + end

    # Adjusting

    def _adjust(
        self, files: Files, starts: Int64s, links: Int32s, counts: Int32s, first: Column
    ) -> None:
        if self.order == 1:
            counts[self.bos] = 0
            return
        lower, width = int(starts[-2]), 4 * self.chunk_size
        buckets = Buckets(self.scratch.folder, "links", count=-(-lower // width), columns=1)
        for begin, end in self._spans_of(len(links) - self.vocab_size, width):
            chunk = links[self.vocab_size + begin : self.vocab_size + end]
            buckets.add(chunk[:, None].copy(), chunk // np.int32(width))
            files.links.release()
        kept = self._begun_by_bos(first.array)
        for bucket, (begin, end) in enumerate(self._spans_of(lower, width)):
            tally = np.zeros(end - begin, dtype=np.int32)
            for at in range(0, buckets.size(bucket), width):
                count_into(buckets.read(bucket, at, at + width)[:, 0], begin, tally)
            buckets.remove(bucket)
            for low, high in kept:
                low, high = max(low, begin), min(high, end)
                if low < high:
                    tally[low - begin : high - begin] = counts[low:high]
            counts[begin:end] = tally
            files.counts.release()
        counts[self.bos] = 0
        first.release()

    def _begun_by_bos(self, first: Int32s) -> list[tuple[int, int]]:
        low, high = self.bos, self.bos + 1
        runs: list[tuple[int, int]] = []
        for _ in range(self.order - 1):
            runs.append((low, high))
            low, high = int(first[low]), int(first[high])
        return runs

    def _tally(self, files: Files, counts: Int32s, starts: Int64s, order: int) -> Int64s:
        total = np.zeros(5, dtype=np.int64)
        for begin, end in self._spans(starts, order, 4 * self.chunk_size):
            total += counts_of_counts(counts[begin:end])
            files.counts.release()
        return total

    # Smoothing

    def _smooth(
        self,
        files: Files,
        starts: Int64s,
        links: Int32s,
        counts: Int32s,
        first: Column,
        discounts: Floats,
    ) -> tuple[Column, Column]:
        logprobs, backoffs = (
            self.scratch.column("logprobs", np.float32),
            self.scratch.column("backoffs", np.float32),
        )
        unigrams = unigram_probabilities(counts[: self.vocab_size], discounts[0], self.predictable)
        logprobs.append(_logs(unigrams))
        lower = self.scratch.column("probabilities-1", np.float64)
        lower.append(unigrams)
        continued = first.array
        for order in range(2, self.order + 1):
            self.stages.tell("smoothing", (order - 2) / self.order)
            chunks = chunks_of(
                first, int(starts[order - 2]), int(starts[order - 1]), chunk_size=self.chunk_size
            )
            answers = self._lower(files, starts, links, first, chunks, lower, order)
            lower = self.scratch.column(f"probabilities-{order}", np.float64)
            held = np.concatenate([np.zeros(1), discounts[order - 1]])
            for place, (low, high) in enumerate(chunks):
                begin, end = int(continued[low]), int(continued[high])
                below = np.empty(end - begin, dtype=np.float64)
                for at in range(0, answers.size(place), self.chunk_size):
                    place_answers(answers.read(place, at, at + self.chunk_size), begin, below)
                answers.remove(place)
                made, weights = np.empty(end - begin), np.empty(high - low)
                local = continued[low : high + 1] - np.int32(begin)
                own = np.arange(end - begin, dtype=np.int32)
                tree = local, own, counts[begin:end].copy()
                interpolate(0, high - low, tree, held, below, 0, made, weights)
                logprobs.append(_logs(made))
                backoffs.append(_logs(weights))
                if order < self.order:
                    lower.append(made)
                files.counts.release()
                first.release()
        return logprobs, backoffs

    def _lower(
        self,
        files: Files,
        starts: Int64s,
        links: Int32s,
        contexts: Column,
        chunks: list[tuple[int, int]],
        lower: Column,
        order: int,
    ) -> Buckets:
        """Return for each chunk the probabilities that its n-grams have one order below."""
        first, base, width = contexts.array, int(starts[order - 2]), 4 * self.chunk_size
        asked = Buckets(self.scratch.folder, "asked", count=-(-lower.size // width), columns=2)
        for begin, end in self._spans(starts, order, self.chunk_size):
            rows = np.empty((end - begin, 2), dtype=np.int32)
            rows[:, 0] = np.arange(begin, end)
            rows[:, 1] = links[begin:end]
            rows[:, 1] -= base
            asked.add(rows, rows[:, 1] // np.int32(width))
            files.links.release()
        limits = first[[low for low, _ in chunks]]
        contexts.release()
        answers = Buckets(self.scratch.folder, "answers", count=len(chunks), columns=3)
        values = lower.map()
        for bucket, (begin, end) in enumerate(self._spans_of(lower.size, width)):
            known = values[begin:end].copy()
            lower.release()
            for at in range(0, asked.size(bucket), self.chunk_size):
                rows = asked.read(bucket, at, at + self.chunk_size)
                found = np.empty((len(rows), 3), dtype=np.int32)
                places = np.searchsorted(limits, rows[:, 0], side="right").astype(np.int32)
                found[:, 0] = rows[:, 0]
                found[:, 1:] = known[rows[:, 1] - begin].view(np.int32).reshape(-1, 2)
                answers.add(found, places - np.int32(1))
            asked.remove(bucket)
        give_back()
        return answers


def _logs(probabilities: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.minimum(np.log(probabilities), 0.0)


def _flush(opened: Int32s, files: Files) -> None:
    files.links.append(opened[:, 0])
    files.words.append(opened[:, 1])
    files.counts.append(opened[:, 2])
