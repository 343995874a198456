"""Spark as an engine: workers count parts natively, Spark adds up integers by their keys.

Rows are shuffled by their whole key, so no context is too frequent for one worker; sums of integers
do not depend on partitions, on tasks that are run again or twice, or on adaptive plans. Sorted sums
come to the driver a partition at a time.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, final

import numpy as np

from munmaek.arrays import Int64s
from munmaek.engines.inputs import Frame, frames_of
from munmaek.engines.sessions import check_workers, explaining, mapped, open_session
from munmaek.engines.work import LIMBS, CountWindows, CountWords, Numbering, Subwords, Words, packed
from munmaek.errors import ConfigError, InputError
from munmaek.fit.holding import NOTHING
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.ngram.reading import UNK, Reserved, ranked
from munmaek.ngram.windows import Packing
from munmaek.tasks.lm.counted_text import CountedText
from munmaek.tasks.lm.merged import Asked, Merged
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import Corpus, corpus_name, read_text
from munmaek.text.tokenizers import KINDS

__all__ = ["Cluster"]

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
            known, numbering = self._numbering(asked, frames)
            asked.stages.tell("counting")
            packing, facts = Packing.of(asked.order, known.sizes["vocab_size"]), dict[int, int]()
            given = _described(known, corpus_name(list(asked.paths)), valid, facts)
            yield Merged(given, packing, self._sums(frames, numbering, packing, given, facts))

    def _numbering(self, asked: Asked, frames: Sequence[Frame]) -> tuple[CountedText, Numbering]:
        """Return the vocabulary or the tokenizer, and the workers' way to ids."""
        recipe, reserved = asked.recipe, _RESERVED[asked.reserved]
        if recipe.tokenizer == "words":
            words = self._vocabulary(asked, frames, reserved)
            return _text(words), Words("\n".join(words), reserved)
        # Learned here, of the lines in their order, as in one process; a folder's is read.
        lines = (
            read_text(asked.paths, column=recipe.text_column).lines
            if recipe.tokenizer in KINDS
            else ()
        )
        tokenizer = make_tokenizer(lines, recipe)
        return _text(tokenizer), Subwords(tokenizer.content, tokenizer.kind)

    def _vocabulary(self, asked: Asked, frames: Sequence[Frame], reserved: int) -> tuple[str, ...]:
        """Count all words, and return those of the vocabulary in the order of their ids.

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
        counts = table.column("n").to_numpy()
        if not words and not len(counts):
            self._refuse_nothing(asked, summed)
        places = ranked(words, counts, specials=len(SPECIALS), most=most)
        return (*SPECIALS, *(words[int(place)].decode() for place in places))

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
        facts: dict[int, int],
    ) -> Iterator[tuple[Int64s, Int64s]]:
        """Yield sums of windows in their order; what is no window goes to ``facts``."""
        names = [f"k{column}" for column in range(packing.columns)]
        schema = ", ".join(f"{name} bigint" for name in [*names, "n"])
        sizes = {name: given.sizes[name] for name in ("vocab_size", "bos", "eos")}
        counted = [
            mapped(frame.rows, CountWindows(frame.reading, numbering, packing, **sizes), schema)
            for frame in frames
        ]
        summed = reduce(_union, counted).groupBy(*names).agg({"n": "sum"}).toDF(*names, "n")
        blobs = mapped(summed.orderBy(*names), packed, "windows binary")
        for row in blobs.toLocalIterator(prefetchPartitions=True):
            numbers = np.frombuffer(bytes(row[0]), dtype=np.int64).reshape(len(names) + 1, -1)
            begin = int(np.searchsorted(numbers[0], 0))
            facts.update(
                zip((-numbers[0, :begin]).tolist(), numbers[-1, :begin].tolist(), strict=True)
            )
            yield np.ascontiguousarray(numbers[:-1, begin:]), numbers[-1, begin:]


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
    """Return the bytes of memory that this machine has free."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
