r"""Texts that stood before: the same but for case, digits and punctuation, or nearly so.

    normalised   lower case, every digit 0, without control characters and typographic punctuation
    the same     equal hashes (64 bits) of the normalised texts
    nearly so    J(A, B) = |A ∩ B| / |A ∪ B| of the sets of all five characters in a row, estimated
                 by the share of hash functions whose least value over both sets is the same

A near text is looked for among those that share one of ``BANDS`` runs of least values, which finds
95 of 100 texts at J = 0.8, and 6 at J = 0.5; of those found J is estimated then. What is left out
is not compared with.

Sources: Wenzek et al. 2020, §3.2 (normalised as ``normalize_for_dedup`` of their cc_net does);
Broder 1997, "On the resemblance and containment of documents"; Indyk & Motwani 1998 (bands);
Li & König 2010, "b-Bit minwise hashing" (a byte of each least value is kept).

Letters: N texts, P hash functions, B bands.
"""

import sys
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from munmaek.arrays import Bools, Uint64s
from munmaek.filtering.kernels import MinHashes, NearIndex, find_near, min_hashes, take_up

__all__ = ["NearTexts", "SeenTexts", "normalised"]

BANDS, BAND = 16, 8
_PUNCTUATION = (
    "\uff0c\u3002\u3001\u201e\u201d\u201c\u00ab\u00bb\uff11\u300d\u300c\u300a\u300b\u00b4\u2236"
    "\uff1a\uff1f\uff01\uff08\uff09\uff1b\u2013\u2014\uff0e\uff5e\u2019\u2026\u2501\u3008\u3009"
    "\u3010\u3011\uff05\u25ba"
)
"""The typographic punctuation of cc_net."""
_SIZE = 1 << 16


def _table() -> dict[int, str | None]:
    digits = [each for each in range(sys.maxunicode + 1) if chr(each).isdecimal()]
    table: dict[int, str | None] = dict.fromkeys(digits, "0")
    controls = (*range(32), *range(127, 160))
    return table | dict.fromkeys((*map(ord, _PUNCTUATION), *controls))


def normalised(texts: Sequence[str]) -> list[str]:
    """Return the texts as they are compared."""
    if not _TABLE:
        _TABLE.update(_table())
    return [text.strip().lower().translate(_TABLE) for text in texts]


_TABLE: dict[int, str | None] = {}
"""Made when it is used first."""


class SeenTexts:
    """Tells texts that stood before; takes 16 to 32 bytes for each that is new."""

    def __init__(self) -> None:
        """Begin without any."""
        self._slots = np.zeros(_SIZE, dtype=np.uint64)
        self._count = 0

    @staticmethod
    def keys(texts: Sequence[str]) -> Uint64s:
        """Return the hash of each normalised text: [N]; none is 0."""
        hashed = [blake2b(text.encode(), digest_size=8).digest() for text in normalised(texts)]
        return np.maximum(np.frombuffer(b"".join(hashed), dtype=np.uint64), np.uint64(1))

    def new(self, keys: Uint64s) -> Bools:
        """Return which are here for the first time, and take them up: [N]."""
        while 2 * (self._count + len(keys)) > len(self._slots):
            before = self._slots[self._slots > 0]
            self._slots = np.zeros(2 * len(self._slots), dtype=np.uint64)
            take_up(self._slots, before, np.empty(len(before), dtype=np.bool_))
        fresh = np.empty(len(keys), dtype=np.bool_)
        self._count += int(take_up(self._slots, keys, fresh))
        return fresh


class NearTexts:
    """Tells texts that are near one that stood before; takes 500 to 900 bytes for each new one."""

    def __init__(self, least: float) -> None:
        """Begin without any.

        Args:
            least: J from which on texts are too near.
        """
        self._least = least
        self._index = NearIndex(BANDS, BAND, _SIZE)

    @staticmethod
    def keys(texts: Sequence[str]) -> MinHashes:
        """Return what each normalised text is compared by."""
        plain = normalised(texts)
        limits = np.zeros(len(plain) + 1, dtype=np.int64)
        np.cumsum([len(each) for each in plain], out=limits[1:])
        letters = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), np.uint32)
        return min_hashes(letters, limits, BANDS, BAND)

    def new(self, keys: MinHashes) -> Bools:
        """Return which are near none before, and take them up: [N]."""
        return find_near(self._index, keys, self._least)
