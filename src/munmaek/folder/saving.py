"""The folder of a model with one tokenizer, and its configuration as ``config.json``.

What BERT alone needs is loaded when one is saved: n-grams do without torch.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from munmaek.folder.info import Info
from munmaek.folder.manifest import MARK
from munmaek.text.checkpoint_tokenizer import AnyTokenizer, CheckpointTokenizer

__all__ = ["model_files", "save_config"]

PROBLEMS = {"regress": "regression"}
"""``problem_type`` by task; without it one output would be taken for a label's score."""


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
    """Write the network's configuration as JSON, for BERT in Hugging Face's own schema.

    Args:
        path: the file.
        info: the model's.
        labels: names of the classes, in the order of the scores.
        several: a text may have several of them.
        mark: fields put in front, such as ``MARK`` in a folder that has a manifest.
    """
    if info.stage == "bert":
        from munmaek.models.bert import BertConfig
        from munmaek.models.bert.huggingface import FAMILIES
        from munmaek.models.bert.huggingface_config import huggingface_config

        config = BertConfig.of(info.config)
        content = huggingface_config(
            config,
            vocab_size=info.sizes["vocab_size"],
            architecture=FAMILIES[config.family].classes + _ending(info),
            labels=labels,
        )
        problem = "multi_label_classification" if several else PROBLEMS.get(info.task)
        if problem is not None:
            content["problem_type"] = problem
    else:
        content = {"stage": info.stage, "task": info.task, **info.config, **info.sizes}
    content = {**mark, **content}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _ending(info: Info) -> str:
    """What Hugging Face's class for this head is called after the family's name."""
    if "pooled" in info.sizes:
        return "Model"
    if info.sizes.get("next_sentence"):
        return "ForPreTraining"
    endings = {
        "classify": "ForSequenceClassification",
        "regress": "ForSequenceClassification",
        "tag": "ForTokenClassification",
    }
    return endings.get(info.task, "ForMaskedLM")


def _tokenizer_files(tokenizer: AnyTokenizer) -> dict[str, Callable[[Path], None]]:
    """What ``transformers`` wants beside ``tokenizer.json``."""
    if not isinstance(tokenizer, CheckpointTokenizer):
        return {}
    text = json.dumps(tokenizer.settings(), ensure_ascii=False, indent=2) + "\n"

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return {"tokenizer_config.json": write}
