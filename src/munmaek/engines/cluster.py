"""Spark as an engine: workers count parts natively, Spark brings together what belongs together.

Windows are shuffled by ranges of their keys, packed by the thousand, and those of a range are added
up by the worker that has it. Sums of integers do not depend on partitions, on tasks that are run
again or twice, or on adaptive plans. They come to the driver a range at a time, in order.
"""

import sys
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import reduce
from pathlib import Path
from typing import Any, final

import numpy as np

from munmaek.arrays import Int64s
from munmaek.engines.inputs import Frame, frames_of
from munmaek.engines.sessions import check_workers, explaining, mapped, open_session, parallelism
from munmaek.engines.work import (
    LIMBS,
    CountWindows,
    CountWords,
    MergeWindows,
    Numbering,
    Subwords,
    Words,
)
from munmaek.errors import ConfigError, InputError
from munmaek.fit.holding import NOTHING
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.ngram.reading import UNK, Reserved, ranked
from munmaek.ngram.windows import Packing
from munmaek.ngram.words import tally
from munmaek.tasks.lm.counted_text import CountedText
from munmaek.tasks.lm.merged import Asked, Merged
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import Corpus, corpus_name, read_text
from munmaek.text.tokenizers import KINDS

__all__ = ["Cluster"]

_BUCKET, _MOST_BUCKETS = 1 << 19, 1 << 14
"""Windows that a worker merges at a time, about, and parts that a task's windows fall into."""
_SAMPLE = 5000
"""Rows by which the frequency of subwords is told, about."""
_WORD = 400
"""Bytes that a word of the vocabulary takes here, about, besides three times its own."""
_RESERVED = {Reserved.REFUSE: -2, Reserved.SPACE: -1, Reserved.WORD: UNK}


@final
class Cluster:
    """A session of Spark, and its address for messages."""

    def __init__(self, address: str, session: Any = None) -> None:
        """Take a session, or open one.

        Raises:
            UnsupportedError: PySpark or Java is missing; workers with other versions.
            InputError: nothing answers at the address.
        """
        self.address = address
        self.session, self._own = open_session(address) if session is None else (session, False)
        check_workers(self.session, address)

    def close(self) -> None:
        """Stop the session if it was begun here."""
        if self._own:
            self.session.stop()

    @contextmanager
    def counting(self, asked: Asked) -> Generator[Merged]:
        """Count a text over the workers; see ``CountingEngine``."""
        recipe = asked.recipe
        if recipe.holds_out(valid=bool(asked.valid)) or recipe.hold_out not in (None, NOTHING):
            message = (
                f"--hold-out {recipe.hold_out}: rows that Spark reads have no numbers to choose "
                "by; give --valid FILE"
            )
            raise ConfigError(message)
        valid = read_text(asked.valid, column=recipe.text_column) if asked.valid else None
        what = f"--engine {self.address}"
        with explaining(what):
            frames = frames_of(self.session, asked.paths, column=recipe.text_column)
            known, numbering, shares = self._numbering(asked, frames)
            asked.stages.tell("counting")
            packing, facts = Packing.of(asked.order, known.sizes["vocab_size"]), dict[int, int]()
            given = _described(known, corpus_name(list(asked.paths)), valid, facts)
            yield Merged(
                given, packing, self._sums(frames, numbering, packing, given, (shares, facts))
            )

    def _numbering(
        self, asked: Asked, frames: Sequence[Frame]
    ) -> tuple[CountedText, Numbering, Int64s]:
        """Return the words or the tokenizer, the workers' way to ids, and counts of ids, about."""
        recipe, reserved = asked.recipe, _RESERVED[asked.reserved]
        if recipe.tokenizer == "words":
            words, counts = self._vocabulary(asked, frames, reserved)
            return _text(words), Words("\n".join(words), reserved), counts
        # Learned here, of the lines in their order, as in one process; a folder's is read.
        lines = (
            read_text(asked.paths, column=recipe.text_column).lines
            if recipe.tokenizer in KINDS
            else ()
        )
        tokenizer = make_tokenizer(lines, recipe)
        numbering = Subwords(tokenizer.content, tokenizer.kind)
        return _text(tokenizer), numbering, self._sampled(frames, numbering, tokenizer.vocab_size)

    def _sampled(self, frames: Sequence[Frame], numbering: Numbering, size: int) -> Int64s:
        """Return how often ids occur in all rows, by some of them: [V]."""
        share = min(1.0, _SAMPLE / max(sum(frame.rows.count() for frame in frames), 1))
        counts = np.zeros(size, dtype=np.int64)
        for frame in frames:
            rows = frame.rows.sample(fraction=share, seed=0).limit(2 * _SAMPLE).collect()
            lines = frame.reading.lines([row[0] for row in rows])
            tally(numbering.text(lines, frame.reading.name), counts)
        return (counts / share).astype(np.int64)

    def _vocabulary(
        self, asked: Asked, frames: Sequence[Frame], reserved: int
    ) -> tuple[tuple[str, ...], Int64s]:
        """Count all words; return those of the vocabulary in the order of their ids, and counts.

        Raises:
            InputError: no words, or more than this process can hold.
        """
        recipe = asked.recipe
        most = recipe.vocab_size if "vocab_size" in recipe.model_fields_set else None
        counted = [
            mapped(frame.rows, CountWords(frame.reading, reserved), "word binary, n bigint")
            for frame in frames
        ]
        summed = reduce(_union, counted).groupBy("word").agg({"n": "sum"}).toDF("word", "n")
        enough = summed.filter(summed["n"] >= max(recipe.min_count, 1))
        if most is not None:
            order = [enough["n"].desc(), enough["word"].asc()]
            enough = enough.orderBy(*order).limit(max(most - len(SPECIALS), 0))
        enough = enough.persist()
        try:
            _check_room(enough)
            table = enough.toArrow()
        finally:
            enough.unpersist()
        words = table.column("word").to_pylist()
        counts: Int64s = table.column("n").to_numpy()
        if not words and not len(counts):
            self._refuse_nothing(asked, summed)
        places = ranked(words, counts, specials=len(SPECIALS), most=most)
        found = (*SPECIALS, *(words[int(place)].decode() for place in places))
        return found, np.concatenate([np.zeros(len(SPECIALS), dtype=np.int64), counts[places]])

    def _refuse_nothing(self, asked: Asked, summed: Any) -> None:
        if summed.isEmpty():
            name = corpus_name(list(asked.paths))
            message = f"{name}: only empty lines; a corpus needs text"
            raise InputError(message)

    def _sums(
        self,
        frames: Sequence[Frame],
        numbering: Numbering,
        packing: Packing,
        given: CountedText,
        counts: tuple[Int64s, dict[int, int]],
    ) -> Iterator[tuple[Int64s, Int64s]]:
        """Yield sums of windows in their order; what is no window goes to ``facts``."""
        shares, facts = counts
        sizes = {name: given.sizes[name] for name in ("vocab_size", "bos", "eos")}
        cuts = cuts_of(shares, packing, buckets := self._buckets(shares))
        counted = [
            mapped(
                frame.rows,
                CountWindows(frame.reading, numbering, packing, cuts, **sizes),
                "bucket int, windows binary",
            )
            for frame in frames
        ]
        united = reduce(_union, counted)
        parted = united.repartitionById(buckets, united["bucket"])
        merged = mapped(parted, MergeWindows(packing.columns), "windows binary")
        for row in merged.toLocalIterator(prefetchPartitions=True):
            numbers = np.frombuffer(bytes(row[0]), dtype=np.int64)
            numbers = numbers.reshape(packing.columns + 1, -1)
            begin = int(np.searchsorted(numbers[0], 0))
            told = zip((-numbers[0, :begin]).tolist(), numbers[-1, :begin].tolist(), strict=True)
            facts.update(told)
            yield np.ascontiguousarray(numbers[:-1, begin:]), numbers[-1, begin:]

    def _buckets(self, shares: Int64s) -> int:
        """Return how many buckets have about as many windows as a worker merges at a time."""
        wanted = -(-int(shares.sum()) // _BUCKET)
        return min(max(wanted, parallelism(self.session)), _MOST_BUCKETS)


def cuts_of(counts: Int64s, packing: Packing, buckets: int) -> tuple[int, ...]:
    """Return first numbers of windows at which buckets begin, each with about as many windows.

    A word that is more frequent than that is cut by the words after it, as if these were
    independent of it. Whatever the cuts are, sums are the same; they balance work alone.

    Args:
        counts: how often each word occurs, about: [V].
        packing: the form of windows, two words or more in a number.
        buckets: how many are wanted.
    """
    weights = counts + 1e-3
    ends: list[float] = (np.cumsum(weights) / weights.sum()).tolist()
    cuts = set[int]()
    for wanted in (each / buckets for each in range(1, buckets)):
        first = min(bisect_left(ends, wanted), len(ends) - 1)
        before = ends[first - 1] if first else 0.0
        within = (wanted - before) / max(ends[first] - before, 1e-300)
        second = min(bisect_left(ends, within), len(ends) - 1)
        (_, shift), (column, other) = packing.place(0), packing.place(1)
        cut = (first + 1) << shift
        cuts.add(cut | (second + 1) << other if column == 0 and packing.order > 1 else cut)
    return tuple(sorted(cuts))


def _union(first: Any, second: Any) -> Any:
    return first.unionAll(second)


def _text(known: Any) -> CountedText:
    """Return a text of which no more than its words, or its tokenizer, is here."""
    none = np.empty(0, dtype=np.int32)
    return CountedText(known, none, 0, np.empty(0, dtype=np.int64), None, dict[str, Any])


def _described(
    text: CountedText, name: str, valid: Corpus | None, facts: dict[int, int]
) -> CountedText:
    def described() -> dict[str, Any]:
        limbs = [facts.get(2 + limb, 0) for limb in range(LIMBS)]
        total = sum(each << 32 * (LIMBS - 1 - limb) for limb, each in enumerate(limbs))
        rows = facts.get(1, 0)
        train = {"name": name, "rows": rows, "sha256": f"{total % 2**256:064x}", "order": "any"}
        checked = {} if valid is None else {"valid": _record(valid)}
        return {"train": train, **checked}

    return CountedText(text.known, text.text, 0, text.lines, valid, described)


def _record(corpus: Corpus) -> dict[str, Any]:
    return {"name": corpus.name, "rows": len(corpus.lines), "sha256": corpus.fingerprint}


def _check_room(words: Any) -> None:
    """Refuse a vocabulary that this process cannot hold.

    Raises:
        InputError: says how large it is.
    """
    found = words.selectExpr("count(1)", "coalesce(sum(length(word)), 0)").collect()[0]
    needed, there = _WORD * found[0] + 3 * found[1], room()
    if needed > there:
        message = (
            f"the vocabulary has {found[0]:,} words, about {needed / 1e9:.1f} GB in the driver, "
            f"which has {there / 1e9:.1f} GB; give --min-count or --vocab-size"
        )
        raise InputError(message)


def room() -> int:
    """Return the bytes of memory that this machine can still give; no limit where it tells none."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return sys.maxsize
