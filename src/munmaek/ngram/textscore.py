"""The likelihood of a whole text: bytes in, sums out.

The text is cut into blocks at line ends; a block is read into ids and scored while it is still in
the processor's cache. Blocks do not depend on the number of threads, nor does any sum.

Letters: S sentences.
"""

from dataclasses import dataclass
from math import exp, fsum, inf, nan
from pathlib import Path
from typing import final

import numpy as np

from munmaek.arrays import Bytes, Float32s, Floats, Int32s, Int64s
from munmaek.errors import InputError
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.descent import step
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.queries import Tables, score
from munmaek.ngram.wordtable import WordTable

__all__ = ["TextScore", "mapped", "score_after", "score_text"]


_BLOCK = 1 << 19
_NEWLINE = 10


@final
@dataclass(frozen=True, slots=True, eq=False)
class TextScore:
    """Every line as a sentence; its end ``</s>`` counts as a token."""

    logprobs: Floats
    """[S]: natural log of each sentence's probability."""
    tokens: Int64s
    """[S]: how many were predicted."""
    unknown: Int64s
    """[S]: how many of them are not in the vocabulary."""
    unknown_logprobs: Floats
    """[S]: what those contribute to ``logprobs``."""

    @property
    def logprob(self) -> float:
        """Natural log of the probability of the whole text."""
        return fsum(self.logprobs)

    @property
    def token_count(self) -> int:
        """Tokens of the whole text, sentence ends among them."""
        return int(self.tokens.sum())

    @property
    def unknown_count(self) -> int:
        """Tokens of the whole text that are not in the vocabulary."""
        return int(self.unknown.sum())

    @property
    def perplexity(self) -> float:
        """Per token, unknown words as ``<unk>``; NaN for no text."""
        if not self.token_count:
            return nan
        nats = -self.logprob / self.token_count
        return exp(nats) if nats < 700.0 else inf


def score_text(
    tables: Tables,
    words: WordTable,
    text: Bytes,
    *,
    bos: int,
    eos: int,
    unk: int,
    threads: int = 1,
) -> TextScore:
    """Score UTF-8 text, a sentence a line, words parted by white space.

    Args:
        tables: the model, in either form.
        words: its vocabulary.
        text: the bytes, which may be memory-mapped.
        bos: the id of ``<s>``.
        eos: the id of ``</s>``.
        unk: the id for other words.
        threads: how many work at once.
    """

    def work(block: tuple[int, int]) -> TextScore:
        read = words.read(text[block[0] : block[1]], eos=eos, unk=unk)
        scores = score(tables, read.ids, read.offsets, bos=bos)
        begins = read.offsets[:-1]
        outside = read.ids == unk
        return TextScore(
            logprobs=np.add.reduceat(scores, begins),
            tokens=np.diff(read.offsets),
            unknown=np.add.reduceat(outside, begins, dtype=np.int64),
            unknown_logprobs=np.add.reduceat(np.where(outside, scores, 0.0), begins),
        )

    parts = in_threads(threads, work, _blocks(text))
    none = np.empty(0)
    return TextScore(
        logprobs=np.concatenate([none, *(part.logprobs for part in parts)]),
        tokens=np.concatenate([none.astype(np.int64), *(part.tokens for part in parts)]),
        unknown=np.concatenate([none.astype(np.int64), *(part.unknown for part in parts)]),
        unknown_logprobs=np.concatenate([none, *(part.unknown_logprobs for part in parts)]),
    )


def _blocks(text: Bytes) -> list[tuple[int, int]]:
    """Cut the text into runs of whole lines of about the same length."""
    blocks: list[tuple[int, int]] = []
    begin = 0
    while begin < len(text):
        end = begin + _BLOCK
        while end < len(text):
            rest = np.flatnonzero(text[end - 1 : end + _BLOCK] == _NEWLINE)
            if len(rest):
                end += int(rest[0])
                break
            end += _BLOCK
        end = min(end, len(text))
        blocks.append((begin, end))
        begin = end
    return blocks


def mapped(path: Path) -> Bytes:
    """Map a file's bytes into memory.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if not path.stat().st_size:
            return np.empty(0, dtype=np.uint8)
        return np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(message) from error


@compiled
def score_after(
    starts: Int64s,
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    context: Index,
    ids: Int64s,
) -> float:
    """Return the natural-log probability of words after a context; arguments as ``step``'s."""
    total = 0.0
    for word in ids:
        found, _, context = step(starts, first, words, links, logprobs, backoffs, context, word)
        total += found
    return total
