"""Tokenizers as a page takes them along: their file, and what their kind says besides.

``frontend/src/live/text`` reads the same rules; what it does not know is refused here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from munmaek.errors import UnsupportedError
from munmaek.text.building import LONGEST_WORDPIECE_WORD
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.tokenizers import MORPHEMIC, SPACELESS, SPELLED_IN_BYTES, Tokenizer

__all__ = ["living_tokenizer"]

STEPS = frozenset(
    {"BPE", "ByteFallback", "Fuse", "Metaspace", "NFC", "NFD", "Punctuation", "Replace",
     "Sequence", "Split", "Unigram", "WordLevel", "WordPiece"}
)  # fmt: skip
"""The parts of a ``tokenizer.json`` that the page's script knows."""


def living_tokenizer(tokenizer: AnyTokenizer, name: str) -> dict[str, Any]:
    """Return what a page needs to cut texts as ``tokenizer`` does.

    Args:
        tokenizer: of a model.
        name: the model, for the message.

    Raises:
        UnsupportedError: it needs Kiwi, or came with a published checkpoint.
    """
    if not isinstance(tokenizer, Tokenizer):
        message = (
            f"{name}: its tokenizer came with a published checkpoint, and a living page knows "
            "those that munmaek trained; look into it with 'munmaek look' without --live"
        )
        raise UnsupportedError(message)
    if tokenizer.kind in MORPHEMIC:
        message = (
            f"{name}: {tokenizer.kind} needs Kiwi, a program with a dictionary of 90 MB that no "
            "page can hold; train with --tokenizer bpe, unigram, wordpiece, words, characters or "
            "jamo for a living page"
        )
        raise UnsupportedError(message)
    file: dict[str, Any] = json.loads(tokenizer.content)
    strange = sorted({*_types(file)} - STEPS)
    if strange:
        message = f"{name}: a living page does not know its tokenizer's {', '.join(strange)}"
        raise UnsupportedError(message)
    parts = ("normalizer", "pre_tokenizer", "decoder", "model")
    return {
        "kind": tokenizer.kind,
        "rules": {
            "inBytes": tokenizer.kind in SPELLED_IN_BYTES,
            "spaced": tokenizer.kind not in SPACELESS,
            "continues": file["model"]["type"] == "WordPiece",
            "longest": LONGEST_WORDPIECE_WORD,
        },
        "file": {part: file[part] for part in parts},
    }


def _types(step: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types of the steps of a file's parts."""
    for key in ("normalizer", "pre_tokenizer", "decoder", "model"):
        if step.get(key) is not None:
            yield from _types(step[key])
    for key in ("normalizers", "pretokenizers", "decoders"):
        for each in step.get(key, ()):
            yield from _types(each)
    if "type" in step:
        yield step["type"]
