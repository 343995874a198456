"""The n-grams of KenLM's tries, which lead from the last word of each n-gram to its first.

    values      codebooks of each order, where they are quantised
    unigrams    log10 p, log10 backoff and the place of the first longer n-gram, of each word
    order k     a record of bits for each n-gram: its first word; log10 p (31 bits, always negative)
                and log10 backoff (32 bits), or their places in the codebooks; the place of the
                first n-gram of order k + 1, maybe without its high bits, which an array has
    order n     its first word and log10 p

Source: lm/trie.hh, lm/trie.cc, lm/bhiksha.cc and lm/quantize.hh of KenLM, commit 4cb443e.

Letters: n order, M n-grams of one order.
"""

from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Bytes, Float32s, Int32s, Int64s, Uint64s
from munmaek.ngram.arpa_rendering import LN10
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.grams import Grams
from munmaek.ngram.intrinsics import load8
from munmaek.ngram.kenlm_file import KenlmFile, bits_for, fail

__all__ = ["read_trie"]

_QUANTISATION, _COMPRESSION = 2, 0
"""Versions of the two."""
_MOST_BITS = 25
"""Bits of a place in a codebook, at most."""
_PROBABILITY, _BACKOFF = 31, 32
"""Bits of values that are not quantised."""
_PADDING = 8
_SIGN = np.uint32(1 << 31)


def read_trie(file: KenlmFile) -> tuple[tuple[str, ...], list[Grams]]:
    """Return the words and the n-grams of each order.

    Raises:
        InputError: the file is damaged.
    """
    return _Reader(file).read()


@dataclass(frozen=True, slots=True)
class _Bits:
    """The records of one order."""

    at: int
    """The byte at which the first begins."""
    count: int
    word: int
    """Bits of a word, like those that follow."""
    values: int
    inline: int
    """Bits of a place, of those that stand in the record."""
    offsets: Uint64s | None = None
    """The first record of each value of the places' high bits."""

    @property
    def record(self) -> int:
        """Bits of a record."""
        return self.word + self.values + self.inline

    @property
    def end(self) -> int:
        """The byte after the last."""
        return self.at + ((1 + self.count) * self.record + 7) // 8 + _PADDING


class _Reader:
    """One walk over the file."""

    def __init__(self, file: KenlmFile) -> None:
        self.file = file
        self.counts = file.counts
        self.order = len(file.counts)
        self.at = file.begin
        self.quantised: tuple[int, int] = (_PROBABILITY, _BACKOFF)
        self.codebooks: list[tuple[Float32s, Float32s]] = []

    def read(self) -> tuple[tuple[str, ...], list[Grams]]:
        file, vocab_size = self.file, self.counts[0]
        hashed = int(file.array("<u8", self.at, 1)[0])
        if hashed + 1 != vocab_size:
            fail(file.path, f"{hashed + 1:,} words, wanted {vocab_size:,}")
        self.at += 8 * (1 + vocab_size)
        if file.is_quantised:
            self._codebooks()
        unigrams = file.array(
            [("p", "<f4"), ("b", "<f4"), ("next", "<u8")], self.at, vocab_size + 2
        )
        self.at += unigrams.nbytes
        records = [self._records(order) for order in range(2, self.order + 1)]
        words = file.words(self.at, vocab_size)
        ids = np.arange(vocab_size, dtype=np.int32).reshape(-1, 1)
        logprobs, backoffs = unigrams["p"][:vocab_size], unigrams["b"][:vocab_size]
        orders = [self._grams(ids, -np.abs(logprobs), backoffs)]
        places = unigrams["next"][: vocab_size + 1]
        for order, bits in enumerate(records, start=2):
            ids = self._longer(ids, places, bits, order)
            orders.append(self._grams(ids, *self._values(bits, order)))
            if order < self.order:
                places = self._places(bits)
        return words, orders

    def _codebooks(self) -> None:
        """Read the values of each order."""
        version, *bits = self.file.array(np.uint8, self.at, 3).tolist()
        if version != _QUANTISATION or not all(1 <= each <= _MOST_BITS for each in bits):
            fail(self.file.path, f"quantisation {version} with {bits[0]} and {bits[1]} bits")
        self.quantised = (bits[0], bits[1])
        self.at += _PADDING
        for order in range(2, self.order + 1):
            sizes = [1 << bits[0], 1 << bits[1] if order < self.order else 0]
            found = [self.file.array("<f4", self.at, sizes[0])]
            found.append(self.file.array("<f4", self.at + 4 * sizes[0], sizes[1]))
            self.codebooks.append((found[0], found[1]))
            self.at += 4 * sum(sizes)

    def _records(self, order: int) -> _Bits:
        """Find the records of an order, and go past them."""
        count, word = self.counts[order - 1], bits_for(self.counts[0])
        if order == self.order:
            made = _Bits(self.at, count, word, self.quantised[0], 0)
        elif self.file.has_compressed_pointers:
            made = self._compressed(order)
        else:
            made = _Bits(self.at, count, word, sum(self.quantised), bits_for(self.counts[order]))
        self.file.need(made.end)
        self.at = made.end
        return made

    def _compressed(self, order: int) -> _Bits:
        """Find the records of an order whose pointers have their high bits in an array."""
        version, most = self.file.array(np.uint8, self.at, 2).tolist()
        if version != _COMPRESSION:
            fail(self.file.path, f"compression of pointers in version {version}, wanted 0")
        count, largest = self.counts[order - 1], self.counts[order]
        bits = bits_for(largest)
        inline = bits - _chopped(count + 1, largest, most)
        offsets = (largest >> inline) + 1
        aligned = -(-self.at // 8) * 8 + 8
        after = self.at + 8 * (1 + offsets) + 7
        table = self.file.array("<u8", aligned, offsets)
        values = sum(self.quantised)
        return _Bits(after, count, bits_for(self.counts[0]), values, inline, table)

    def _unpacked(self, bits: _Bits, begin: int, width: int, *, more: int = 0) -> Uint64s:
        """Return a field of all records, and of so ``more`` that follow: [M + more]."""
        out = np.zeros(bits.count + more, dtype=np.uint64)
        if width:
            unpack(self.file.content, bits.at, bits.record, begin, width, out)
        return out

    def _places(self, bits: _Bits) -> Uint64s:
        """Return where the longer n-grams of each begin, and where the last one's end: [M + 1]."""
        low = self._unpacked(bits, bits.word + bits.values, bits.inline, more=1)
        if bits.offsets is None:
            return low
        records = np.arange(len(low), dtype=np.uint64)
        high = np.searchsorted(bits.offsets, records, side="right") - 1
        return (np.maximum(high, 0).astype(np.uint64) << np.uint64(bits.inline)) | low

    def _longer(self, ids: Int32s, places: Uint64s, bits: _Bits, order: int) -> Int32s:
        """Return the ids of the n-grams that end in those of ``ids``: [M, k]."""
        path = self.file.path
        if int(places[0]) or int(places[-1]) != bits.count or (places[1:] < places[:-1]).any():
            fail(path, f"places of {order}-grams that do not rise from 0 to {bits.count:,}")
        sizes = np.diff(places.astype(np.int64))
        words = self._unpacked(bits, 0, bits.word).astype(np.int64)
        if len(words) and int(words.max()) >= self.counts[0]:
            fail(path, f"a word of the {order}-grams that is outside the vocabulary")
        made = np.empty((bits.count, order), dtype=np.int32)
        made[:, 0] = words
        made[:, 1:] = np.repeat(ids, sizes, axis=0)
        return made

    def _values(self, bits: _Bits, order: int) -> tuple[Float32s, Float32s]:
        """Return log10 probabilities and backoffs, no backoffs of the highest order."""
        longest = order == self.order
        if self.file.is_quantised:
            first, second = self.quantised
            probabilities, weights = self.codebooks[order - 2]
            if longest:
                return probabilities[self._unpacked(bits, bits.word, first)], weights
            backoffs = weights[self._unpacked(bits, bits.word, second)]
            return probabilities[self._unpacked(bits, bits.word + second, first)], backoffs
        raw = self._unpacked(bits, bits.word, _PROBABILITY).astype(np.uint32) | _SIGN
        none = np.empty(0, dtype=np.float32)
        if longest:
            return raw.view(np.float32), none
        paid = self._unpacked(bits, bits.word + _PROBABILITY, _BACKOFF).astype(np.uint32)
        return raw.view(np.float32), paid.view(np.float32)

    def _grams(self, ids: Int32s, logprobs: Float32s, backoffs: Float32s) -> Grams:
        """Return n-grams with natural logs.

        Raises:
            InputError: a value that no logarithm of a probability or of a weight is.
        """
        if not ((logprobs <= 0) & np.isfinite(logprobs)).all() or not np.isfinite(backoffs).all():
            fail(self.file.path, f"a value of the {ids.shape[1]}-grams is no logarithm")
        return Grams(ids, natural(logprobs), natural(backoffs))


def natural(values: Float32s) -> Float32s:
    """Return natural logs of base-10 ones."""
    return (values.astype(np.float64) * LN10).astype(np.float32)


def _chopped(count: int, largest: int, most: int) -> int:
    """Return how many high bits of places stand in an array, where that takes the least room."""
    bits = bits_for(largest)
    costs: Int64s = np.array(
        [(largest >> (bits - each)) * 64 - count * each for each in range(min(bits, most) + 1)]
    )
    return int(costs.argmin())


@compiled
def unpack(
    content: Bytes,
    at: Index,
    record: Index,
    begin: Index,
    width: Index,
    out: Uint64s,
) -> None:
    """Read numbers of up to 57 bits.

    Args:
        content: bytes; 8 more follow the last record.
        at: the byte at which the first record begins.
        record: bits of a record.
        begin: where in a record the number begins, in bits.
        width: its bits.
        out: gets that of each record, from the first on.
    """
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    for index in range(len(out)):
        bit = index * record + begin
        found = load8(content, at + (bit >> 3))
        out[index] = (found >> np.uint64(bit & 7)) & mask
