"""Folders that munmaek wrote, and may therefore replace when it is asked to.

A folder is ours when everything in it is: one file that nobody here wrote, and it stays.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from munmaek.errors import DiskError, InputError
from munmaek.folder.manifest import MANIFEST
from munmaek.writing import LEFT

__all__ = ["PUBLISHED", "check_free", "check_ours"]

PUBLISHED = "munmaek"
"""Stands in the head of the weights of a folder that was written for others (``writer``)."""

_MODEL = frozenset(
    {
        MANIFEST,
        "config.json",
        "log.jsonl",
        "model.safetensors",
        "source_tokenizer.json",
        "text.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
)
_RESULTS = frozenset({"compare.json", "report.html", "results.json", "rows.safetensors"})
_SEARCH = frozenset(
    {
        "best.toml",
        "journal.jsonl",
        "journal.jsonl.lock",
        "trials.csv",
        "trials.html",
        "trials.svg",
    }
)
_FILES = {
    MANIFEST: _MODEL,
    "compare.json": _RESULTS,
    "results.json": _RESULTS,
    "journal.jsonl": _SEARCH,
    "runs.json": frozenset({"runs.json", "report.html"}),
    "folds.json": frozenset({"folds.json", "report.html"}),
    "translator.json": frozenset(
        {
            "README.md",
            "config.json",
            "model.bin",
            "run.py",
            "shared_vocabulary.json",
            "source_tokenizer.json",
            "source_vocabulary.json",
            "target_vocabulary.json",
            "tokenizer.json",
            "translator.json",
        }
    ),
    "graph.json": frozenset({"README.md", "graph.json", "model.onnx", "run.py", "tokenizer.json"}),
}
"""By the file that tells what a folder is: the files that it may hold."""

_PARTIAL = frozenset({"data.json", "log.jsonl", "recipe.json"}) | _RESULTS
_CHECKPOINT = frozenset(
    {"state.json", "model.safetensors", "best.safetensors", "optimizer.safetensors"}
)

_SENTENCES = ("1_Pooling", "2_Dense", "2_Normalize", "3_Normalize")
_FOR_OTHERS = frozenset(
    {
        "config.json",
        "config_sentence_transformers.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "SHA256SUMS",
        "vocab.json",
        "vocab.txt",
    }
)


def check_free(folder: Path, *, force: bool) -> None:
    """Refuse to overwrite.

    Raises:
        InputError: something is at ``folder`` and ``force`` is false, or it is not a folder, or
            holds what munmaek did not write, which not even ``force`` removes.
        DiskError: what is there cannot be read.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        message = f"{folder}: is not a folder; choose another -o"
        raise InputError(message)
    if not any(folder.iterdir()):
        return
    if not force:
        message = f"{folder}: already exists; choose another -o, or --force to replace it"
        raise InputError(message)
    check_ours(folder)


def check_ours(folder: Path) -> None:
    """Refuse to remove a folder that holds anything that munmaek did not write.

    Raises:
        InputError: it does; names the first such file.
        DiskError: a file in it cannot be read.
    """
    stranger = next(_strangers(folder), None)
    if stranger is not None:
        name = stranger.relative_to(folder)
        message = (
            f"{folder}: {name} in it was not made by munmaek, so --force does not remove it; "
            "move it away, or choose another -o"
        )
        raise InputError(message)


def _strangers(folder: Path) -> Iterator[Path]:
    names = _names(folder)
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _strangers_below(entry)
        elif entry.name not in names and not LEFT.fullmatch(entry.name):
            yield entry


def _strangers_below(folder: Path) -> Iterator[Path]:
    """Yield what munmaek did not write into a folder within one of ours."""
    if LEFT.fullmatch(folder.name):
        return
    if folder.name == "tensorboard":
        yield from (x for x in folder.iterdir() if not x.name.startswith("events.out.tfevents"))
    elif folder.name in _SENTENCES and _is_for_others(folder.parent):
        written = ("config.json", "model.safetensors")
        yield from (each for each in folder.iterdir() if each.name not in written)
    else:
        yield from _strangers(folder)


def _names(folder: Path) -> frozenset[str]:
    """Return the names of the files that munmaek writes into a folder of this kind."""
    if _is_for_others(folder):
        return _FOR_OTHERS
    if folder.name.endswith(".partial"):
        return _PARTIAL
    if folder.parent.name == "checkpoints":
        return _CHECKPOINT
    found = [names for marker, names in _FILES.items() if (folder / marker).is_file()]
    listed = _listed(folder / MANIFEST)
    return listed.union(*found)


def _listed(manifest: Path) -> frozenset[str]:
    """Return the names of the files that a manifest lists, as far as it can be read."""
    try:
        content: Any = json.loads(_read(manifest))
        files: Any = content["files"] if content["format"] else {}
        return frozenset(str(name) for name in cast("dict[str, Any]", files))
    except (ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def _is_for_others(folder: Path) -> bool:
    """Tell whether the weights in it say that munmaek wrote them for others."""
    path = folder / "model.safetensors"
    try:
        length = int.from_bytes(_read(path, 8), "little")
        head: Any = json.loads(_read(path, 8 + min(length, 1 << 24))[8:])
        return head["__metadata__"]["writer"] == PUBLISHED
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _read(path: Path, most: int = -1) -> bytes:
    """Return the first bytes of a file; none of what is no file.

    Raises:
        DiskError: it is one and cannot be read, so that nobody knows whose it is.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return b""
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; nothing there was changed"
        raise DiskError(message) from error
