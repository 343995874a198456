"""The ids of many texts, each distinct run of them encoded once by the ``tokenizers`` library.

A text is cut before every space. Where the rules of a pipeline cut there too, its ids are those of
its runs end to end: no character composes with a space before it, in NFC or in NFD, and no rule
looks across. Words repeat, and a run that was met before costs one look-up. Texts of the kinds with
morphemes come cut already, and each morpheme is a run.

Characters and jamo have no merges, so an array over all code points holds their ids.

Letters: N texts, T ids.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, count
from typing import Any, Protocol, final

import numpy as np
from tokenizers import Regex, pre_tokenizers
from tokenizers import Tokenizer as Pipeline

from munmaek.arrays import Int32s, Int64s, Uint32s
from munmaek.text.building import (
    MARK,
    SPECIALS,
    STAND_IN,
    normal_form,
    word_borders,
    wordpiece_borders,
)
from munmaek.text.spaces import ASCII_SPACE, SPACE, before_spaces, with_its_space

__all__ = ["Runs", "flattened", "runs_of"]

MOST_CHARACTERS = 1 << 24
"""Characters of the runs that are remembered, before all are forgotten."""
_POINTS = 0x110000
_UNASSIGNED = "Cn"
_WORD_ENDS = SPACE, ASCII_SPACE

Encode = Callable[[Sequence[str]], list[list[int]]]
Cut = Callable[[Sequence[str]], list[list[str]]]


class Runs(Protocol):
    """Encodes texts block by block, and remembers what it has met."""

    def flat(self, texts: Sequence[str]) -> tuple[Int32s, Int64s]:
        """Return the ids of all texts end to end [T], and the limits of each [N + 1]."""
        ...


def runs_of(pipeline: Pipeline, kind: str, encode: Encode, cut: Cut | None) -> Runs | None:
    """Return what encodes many texts with a pipeline; None where its rules look across spaces.

    Args:
        pipeline: of that kind, maybe from a file.
        kind: one of ``munmaek.text.tokenizers.KINDS``.
        encode: gives the ids of each of many runs.
        cut: cuts each text into runs; None cuts before spaces.
    """
    given: Any = pipeline
    if given.truncation is not None or given.padding is not None:
        return None
    if cut is not None:
        return _Remembered(encode, cut)
    if kind in _FORMS:
        spelled = _spells_characters(pipeline, _FORMS[kind])
        return _Spelled(pipeline, _FORMS[kind], encode) if spelled else None
    return _Remembered(encode, _before_spaces) if _cuts_at_spaces(pipeline, kind) else None


_FORMS = {"characters": "NFC", "jamo": "NFD"}


def _state(part: Any) -> Any:
    return None if part is None else json.loads(part.__getstate__())


def _cuts_at_spaces(pipeline: Pipeline, kind: str) -> bool:
    """Return whether the rules are those of this package, all of which cut before spaces."""
    borders, normalizer = _state(pipeline.pre_tokenizer), _state(pipeline.normalizer)
    if kind == "words":
        parted = [_state(pre_tokenizers.Split(Regex(each), "removed")) for each in _WORD_ENDS]
        return borders in parted and normalizer == {"type": "NFC"}
    if normalizer != _state(normal_form("NFC")) or borders is None:
        return False
    if kind != "wordpiece":
        return bool(borders == _state(word_borders()))
    # The characters that stand alone differ from one vocabulary to the next.
    plain, found = _state(wordpiece_borders([])), borders.get("pretokenizers", [])
    begun = plain["pretokenizers"][0]["pattern"]["Regex"].removesuffix("]")
    alone = str(found[:1] and found[0].get("pattern", {}).get("Regex", ""))
    same = found[1:] == plain["pretokenizers"][1:]
    return bool(same and alone.startswith(begun) and " " not in alone[len(begun) :])


def _spells_characters(pipeline: Pipeline, form: str) -> bool:
    """Return whether each character of the normal form has its id, whatever stands beside it."""
    state = json.loads(pipeline.to_str())
    model = state["model"]
    return (
        state["normalizer"] == _state(normal_form(form, spaces=True))
        and state["pre_tokenizer"] is None
        and model["type"] == "BPE"
        and not model["merges"]
        and not any(model.get(each) for each in ("fuse_unk", "byte_fallback", "ignore_merges"))
        and not (model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"))
        and model["unk_token"] == SPECIALS[1]
    )


@final
class _Remembered:
    """Remembers the ids of every run that it has met."""

    def __init__(self, encode: Encode, cut: Cut) -> None:
        self._encode, self._cut = encode, cut
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids = np.empty(0, dtype=np.int32)
        self._limits = np.zeros(1, dtype=np.int64)
        self._characters = 0

    def flat(self, texts: Sequence[str]) -> tuple[Int32s, Int64s]:
        if self._characters > MOST_CHARACTERS:
            self._forget()
        keys = self._cut(texts)
        self._learn(set(chain.from_iterable(keys)) - self._numbers.keys())
        ends = _limits(map(len, keys), len(keys))
        found = map(self._numbers.__getitem__, chain.from_iterable(keys))
        numbers = np.fromiter(found, np.int64, int(ends[-1]))
        begins = self._limits[numbers]
        sizes = self._limits[numbers + 1] - begins
        before = _summed(sizes)
        places = np.arange(int(before[-1])) + np.repeat(begins - before[:-1], sizes)
        return self._ids[places], before[ends]

    def _learn(self, keys: Iterable[str]) -> None:
        new = list(keys)
        if not new:
            return
        cut = self._cut is _before_spaces
        found = self._encode([with_its_space(key) for key in new] if cut else new)
        self._numbers.update(zip(new, count(len(self._numbers)), strict=False))
        ids, limits = flattened(found)
        self._ids = np.concatenate([self._ids, ids])
        self._limits = np.concatenate([self._limits, self._limits[-1] + limits[1:]])
        self._characters += sum(map(len, new))


def flattened(rows: Sequence[Sequence[int]]) -> tuple[Int32s, Int64s]:
    """Return the ids of all rows end to end, and the limits of each."""
    limits = _limits(map(len, rows), len(rows))
    return np.fromiter(chain.from_iterable(rows), np.int32, int(limits[-1])), limits


def _limits(sizes: Iterable[int], number: int) -> Int64s:
    """Return where each of so many parts of these sizes begins, and the end: [number + 1]."""
    return _summed(np.fromiter(sizes, np.int64, number))


def _summed(sizes: Int64s) -> Int64s:
    limits = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=limits[1:])
    return limits


def _before_spaces(texts: Sequence[str]) -> list[list[str]]:
    return [before_spaces(text) for text in texts]


@final
class _Spelled:
    """Looks up the id of each character."""

    def __init__(self, pipeline: Pipeline, form: Any, encode: Encode) -> None:
        self._form, self._encode = form, encode
        self._ids = np.full(_POINTS, SPECIALS.index("<unk>"), dtype=np.int32)
        for token, number in pipeline.get_vocab(with_added_tokens=False).items():
            if len(token) == 1:
                self._ids[ord(token)] = number
        mark, stand_in = self._ids[ord(MARK)], self._ids[ord(STAND_IN)]
        self._ids[ord(" ")], self._ids[ord(MARK)] = mark, stand_in
        self._checked = np.zeros(_POINTS, dtype=np.bool_)

    def flat(self, texts: Sequence[str]) -> tuple[Int32s, Int64s]:
        plain = [unicodedata.normalize(self._form, text) for text in texts]
        points = np.frombuffer("".join(plain).encode("utf-32-le"), dtype=np.uint32)
        if self._known(points):
            return self._ids[points], _limits(map(len, plain), len(plain))
        return flattened(self._encode(texts))

    def _known(self, points: Uint32s) -> bool:
        """Return whether Python knows all characters; the library may know normal forms of more."""
        met = np.zeros(_POINTS, dtype=np.bool_)
        met[points] = True
        new = np.flatnonzero(met & ~self._checked)
        if any(unicodedata.category(chr(point)) == _UNASSIGNED for point in new.tolist()):
            return False
        self._checked[new] = True
        return True
