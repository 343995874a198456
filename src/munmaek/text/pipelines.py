"""``tokenizer.json``, the form of the ``tokenizers`` library, opened with suspicion.

The library takes any ids and any rules that are spelled right, and fails where they are used: it
stops with a Rust panic, or writes a table up to the highest id. So what it made is tried at once.
"""

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer as Pipeline

from munmaek.errors import ArtefactError

__all__ = ["check_lossless", "check_near", "check_numbered", "open_pipeline"]

LARGEST = 1 << 30
"""Bytes of such a file, at most; the largest vocabularies take some tens of millions."""
_SPARSE = 1 << 16
"""Ids that no token has, at most, besides as many as there are tokens."""
_TRIED = "a 가 \U0010fffd"
"""Letters that are known to most, and one that is known to none."""
_SPELLED = "Aa 가, \U0010fffd"
"""A text that kinds with bytes give back, whatever they have learned."""


def check_near(ids: Collection[int]) -> None:
    """Raise ``ValueError`` where far fewer tokens have ids than the highest id says."""
    highest = max(ids, default=-1)
    if highest > 2 * len(ids) + _SPARSE:
        message = f"{len(ids)} tokens with ids up to {highest}"
        raise ValueError(message)


def check_numbered(ids: Collection[int]) -> None:
    """Raise ``ValueError`` unless the tokens are numbered from 0 on, each by its own number."""
    if not len(ids) == len(set(ids)) == max(ids, default=-1) + 1:
        message = f"{len(ids)} tokens need the ids 0 to {len(ids) - 1}, each its own"
        raise ValueError(message)


def open_pipeline(path: Path, *, check: Callable[[Collection[int]], None] = check_near) -> Pipeline:
    """Open a ``tokenizer.json``.

    Args:
        path: the file.
        check: raises ``ValueError`` for ids of tokens that are not taken.

    Raises:
        ArtefactError: it cannot be read, is not UTF-8 or too large, the library does not take it,
            its ids are not taken, or it cannot encode a text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ArtefactError(message) from None
    if len(content) > LARGEST:
        message = f"{path}: {len(content):,} bytes and more; a tokenizer has {LARGEST:,} at most"
        raise ArtefactError(message)
    try:
        _check_merges(text)
        return _tried(Pipeline.from_str(text), check)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001  bare Exception, and panics, which are none
        message = f"{path}: not a tokenizer of the tokenizers library: {error}"
        raise ArtefactError(message) from None


def _check_merges(text: str) -> None:
    """Raise ``ValueError`` where two subwords are merged into what is none.

    The library cuts a prefix of the second by its bytes and looks the result up in as much memory
    as the longest subword takes: it panics where that is too little, and ends the process where the
    cut goes through a character.
    """
    if '"merges"' not in text and "\\u" not in text:
        return  # a vocabulary of words is not parsed once more for nothing
    model = _object(_object(json.loads(text)).get("model"))
    vocabulary, merges = _object(model.get("vocab")), model.get("merges")
    if model.get("type", "BPE") != "BPE" or not isinstance(merges, list):
        return
    cut = len(str(model.get("continuing_subword_prefix") or "").encode())
    for merge in cast("list[Any]", merges):
        parts = cast("list[Any]", merge.split(" ") if isinstance(merge, str) else merge)
        if [type(each) for each in parts] != [str, str]:
            return  # which the library tells
        first, second = (str(each).encode() for each in parts)
        if len(second) < cut or (first + second[cut:]).decode(errors="replace") not in vocabulary:
            message = f"it merges '{parts[0]}' and '{parts[1]}' into what is no subword of it"
            raise ValueError(message)


def _object(value: Any) -> dict[str, Any]:
    """Return an object of JSON; what is none is told by the library."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _tried(pipeline: Pipeline, check: Callable[[Collection[int]], None]) -> Pipeline:
    check(pipeline.get_vocab(with_added_tokens=True).values())
    _check_templates(pipeline)
    encoding = pipeline.encode(_TRIED, add_special_tokens=False)
    pipeline.decode(encoding.ids)
    _check_within(encoding.offsets)
    for pair in (None, _TRIED):
        pipeline.encode(_TRIED, pair)
    return pipeline


def _check_templates(pipeline: Pipeline) -> None:
    """Raise ``ValueError`` where a template names a special token that it does not define.

    The library takes it, and panics at the first text, which writes to the terminal.
    """
    processor: Any = pipeline.post_processor
    for template in _templates(json.loads(processor.__getstate__()) if processor else {}):
        pieces = [*template["single"], *template["pair"]]
        named = {piece["SpecialToken"]["id"] for piece in pieces if "SpecialToken" in piece}
        for token in sorted(named.difference(template["special_tokens"])):
            message = f"its template has '{token}', which is none of its special_tokens"
            raise ValueError(message)


def _templates(processor: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if processor.get("type") == "TemplateProcessing":
        yield processor
    for each in processor.get("processors", ()):
        yield from _templates(each)


def _check_within(offsets: Collection[tuple[int, int]]) -> None:
    """Raise ``ValueError`` where tokens are said to stand outside their text."""
    for start, end in offsets:
        if not 0 <= start <= end <= len(_TRIED):
            message = f"it finds a token at {start} to {end} of {len(_TRIED)} characters"
            raise ValueError(message)


def check_lossless(pipeline: Pipeline, kind: str, path: Path) -> None:
    """Refuse rules that do not give a text back.

    Raises:
        ArtefactError: they are not those of ``kind``.
    """
    ids = pipeline.encode(_SPELLED, add_special_tokens=False).ids
    given = pipeline.decode(ids, skip_special_tokens=False)
    if given != _SPELLED:
        message = f"{path}: its rules are not those of {kind}: {_SPELLED!r} becomes {given!r}"
        raise ArtefactError(message)
