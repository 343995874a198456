"""The tokenizers of a trained model: of one that is open, or of a folder without its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ArtefactError, UnsupportedError
from munmaek.folder.manifest import MANIFEST, read_manifest
from munmaek.folder.schema import TokenizerRecord, check_manifest
from munmaek.text.checkpoint_tokenizer import AnyTokenizer, CheckpointTokenizer
from munmaek.text.tokenizers import Tokenizer

__all__ = ["borrowed_tokenizer", "named_tokenizer", "tokenizers_of"]

SOURCE, TARGET = "source_tokenizer", "tokenizer"
"""Names of a translator's two tokenizers, in its record and as its attributes."""
_KEEPS_TEXT = ("lm", "translate")
"""Tasks whose tokenizers must give back the text that they read."""


def tokenizers_of(model: Any) -> tuple[AnyTokenizer, ...]:
    """Return the tokenizers that a model reads and writes with: of a translator source, target.

    A mixture of classifiers has none of its own.
    """
    if hasattr(model, SOURCE):
        return (model.source_tokenizer, model.target_tokenizer)
    return (model.tokenizer,) if hasattr(model, TARGET) else ()


def named_tokenizer(path: Path, manifest: Mapping[str, Any], name: str) -> AnyTokenizer:
    """Read the tokenizer that a model's record describes under ``name``.

    Raises:
        ArtefactError: its file is missing or damaged, or has another vocabulary than the record.
        KeyError: the record describes none.
    """
    record, place = manifest[name], path / f"{name}.json"
    check_manifest(record, TokenizerRecord, where=f"{path / MANIFEST}: {name}")
    opened: AnyTokenizer
    if str(record["kind"]).startswith("checkpoint/"):
        opened = CheckpointTokenizer.load(place, record)
    else:
        opened = Tokenizer.load(place, kind=record["kind"])
    if opened.vocab_size != record["vocab_size"]:
        message = (
            f"{place}: {opened.vocab_size} tokens, {record['vocab_size']} wanted by {MANIFEST}; "
            "copy the folder again"
        )
        raise ArtefactError(message)
    return opened


def borrowed_tokenizer(folder: Path, *, task: str, source: bool = False) -> Tokenizer:
    """Read the tokenizer of the model in ``folder``, for another model of ``task``.

    Args:
        folder: of a model trained here.
        task: of the model that takes the tokenizer over.
        source: take a translator's tokenizer of the source, rather than that of the target.

    Raises:
        ArtefactError: no model there, or its tokenizer is missing or damaged.
        UnsupportedError: it has none of its own, or none that gives back the text it reads where
            ``task`` needs that.
    """
    manifest = read_manifest(folder)
    name = SOURCE if source and SOURCE in manifest else TARGET
    if name not in manifest:
        message = f"{folder}: a mixture of classifiers has no tokenizer of its own; give its part-0"
        raise UnsupportedError(message)
    found = named_tokenizer(folder, manifest, name)
    if isinstance(found, CheckpointTokenizer) and task in _KEEPS_TEXT:
        message = (
            f"{folder}: its tokenizer came with a checkpoint and does not give back the text it "
            f"reads, which '{task}' needs; name a model whose tokenizer was learned here"
        )
        raise UnsupportedError(message)
    # A checkpoint's tokenizer answers to the same names.
    return cast("Tokenizer", found)
