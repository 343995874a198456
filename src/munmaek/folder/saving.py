"""The folder of a model with one tokenizer, and its configuration as ``config.json``."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from munmaek.folder.info import Info
from munmaek.folder.manifest import MARK
from munmaek.models import stage_named
from munmaek.text.checkpoint_tokenizer import AnyTokenizer, CheckpointTokenizer

__all__ = ["model_files", "save_config"]


def model_files(
    info: Info,
    tokenizer: AnyTokenizer,
    weights: Callable[[Path], None],
    *,
    labels: Sequence[str] = (),
    several: bool = False,
) -> dict[str, Callable[[Path], str | None]]:
    """Return what writes each file of the folder of a model with one tokenizer.

    Args:
        info: the model's.
        tokenizer: the same.
        weights: writes ``model.safetensors``.
        labels: names of the classes, in the order of the scores.
        several: a text may have several of them.
    """
    return {
        "tokenizer.json": tokenizer.save,
        "model.safetensors": weights,
        "config.json": lambda path: save_config(
            path, info, labels=labels, several=several, mark=MARK
        ),
        **_tokenizer_files(tokenizer),
    }


def save_config(
    path: Path,
    info: Info,
    *,
    labels: Sequence[str] = (),
    several: bool = False,
    mark: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write the network's configuration as JSON, in the form of its stage.

    Args:
        path: the file.
        info: the model's.
        labels: names of the classes, in the order of the scores.
        several: a text may have several of them.
        mark: fields put in front, such as ``MARK`` in a folder that has a manifest.
    """
    content = (
        stage_named(info.stage)
        .form()
        .settings(
            task=info.task,
            stage=info.stage,
            config=info.config,
            sizes=info.sizes,
            labels=labels,
            several=several,
        )
    )
    content = {**mark, **content}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _tokenizer_files(tokenizer: AnyTokenizer) -> dict[str, Callable[[Path], None]]:
    """Return what ``transformers`` wants beside ``tokenizer.json``: a writer for each file."""
    if not isinstance(tokenizer, CheckpointTokenizer):
        return {}
    text = json.dumps(tokenizer.settings(), ensure_ascii=False, indent=2) + "\n"

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return {"tokenizer_config.json": write}
