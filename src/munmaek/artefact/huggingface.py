"""BERT under Hugging Face's names: weights and ``config.json``, there and back.

The one place that knows those names. Tensors are the same ones throughout but for the query, key
and value projections, which stand in one matrix here and in three there. Tied weights are written
once: ``transformers`` ties the masked-word scores to the word embeddings itself.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from munmaek.errors import ArtefactError
from munmaek.models.bert import BertConfig

__all__ = ["bert_config", "from_huggingface", "huggingface_config", "to_huggingface"]

NAMES = {
    "encoder.word_embeddings": "bert.embeddings.word_embeddings",
    "encoder.position_embeddings.table": "bert.embeddings.position_embeddings",
    "encoder.type_embeddings": "bert.embeddings.token_type_embeddings",
    "encoder.norm": "bert.embeddings.LayerNorm",
    "pooler": "bert.pooler.dense",
    "classifier": "classifier",
    "head.dense": "cls.predictions.transform.dense",
    "head.norm": "cls.predictions.transform.LayerNorm",
    "output": "cls.predictions",
}
LAYER_NAMES = {
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
QKV = ("attention.self.query", "attention.self.key", "attention.self.value")
TIED = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
IGNORED = re.compile(r"bert\.embeddings\.position_ids|cls\.seq_relationship\.(weight|bias)")
"""A buffer of old versions, and the next-sentence head, which no task here uses."""

THEIR_DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "classifier_dropout": None,
    "initializer_range": 0.02,
}
"""transformers 5.23, ``BertConfig``."""

BACK = {theirs: ours for ours, theirs in NAMES.items()}
LAYER_BACK = {theirs: ours for ours, theirs in LAYER_NAMES.items()}


def to_huggingface(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a BERT network under Hugging Face's names."""
    out: dict[str, Tensor] = {}
    for name, tensor in state_dict.items():
        stem, _, kind = name.rpartition(".")
        layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)", stem)
        if layer is None:
            out[f"{NAMES[stem]}.{kind}"] = tensor
            continue
        prefix, inner = f"bert.encoder.layer.{layer[1]}", layer[2]
        if inner == "attention.qkv":
            parts = zip(QKV, tensor.chunk(3), strict=True)
            out |= {f"{prefix}.{each}.{kind}": part.contiguous() for each, part in parts}
        else:
            out[f"{prefix}.{LAYER_NAMES[inner]}.{kind}"] = tensor
    return out


def from_huggingface(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a BERT network under our names.

    A bare ``BertModel`` (names without ``bert.``) and the old names ``gamma`` and ``beta`` are
    understood; the next-sentence head is left out.

    Raises:
        ArtefactError: a tensor that no BERT here has, a projection that lacks one of its three
            parts, or masked-word scores that are not tied to the word embeddings.
    """
    theirs = {_modern(name): tensor for name, tensor in state_dict.items()}
    _check_tied(theirs)
    out: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        if name in TIED or IGNORED.fullmatch(name):
            continue
        stem, _, kind = name.rpartition(".")
        layer = re.fullmatch(r"bert\.encoder\.layer\.(\d+)\.(.+)", stem)
        prefix = "" if layer is None else f"encoder.layers.{layer[1]}."
        inner = stem if layer is None else layer[2]
        if layer is not None and inner in QKV:
            out[f"{prefix}attention.qkv.{kind}"] = _fused(theirs, stem, kind)
            continue
        ours = (BACK if layer is None else LAYER_BACK).get(inner)
        if ours is None:
            message = f"tensor '{name}' belongs to no BERT that munmaek knows"
            raise ArtefactError(message)
        out[f"{prefix}{ours}.{kind}"] = tensor
    return out


def _modern(name: str) -> str:
    name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))
    bare = name.startswith(("embeddings.", "encoder.", "pooler."))
    return f"bert.{name}" if bare else name


def _fused(theirs: Mapping[str, Tensor], stem: str, kind: str) -> Tensor:
    prefix = stem.rsplit(".", 1)[0]
    names = [f"{prefix}.{part.rsplit('.', 1)[1]}.{kind}" for part in QKV]
    for name in names:
        if name not in theirs:
            message = f"tensor '{name}' is missing"
            raise ArtefactError(message)
    return torch.cat([theirs[name] for name in names])


def _check_tied(theirs: Mapping[str, Tensor]) -> None:
    twins = ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias")
    for name, twin in zip(TIED, twins, strict=True):
        if name in theirs and twin in theirs and not torch.equal(theirs[name], theirs[twin]):
            message = f"tensor '{name}' differs from '{twin}'; munmaek reads tied weights only"
            raise ArtefactError(message)


def huggingface_config(
    config: BertConfig,
    *,
    vocab_size: int,
    architecture: str,
    labels: Sequence[str] = (),
    pad: int = 0,
) -> dict[str, Any]:
    """The content of a ``config.json`` that ``transformers.AutoModel`` opens.

    Args:
        config: the network's sizes.
        vocab_size: V.
        architecture: the class that opens it, such as ``BertForMaskedLM`` or
            ``BertForSequenceClassification``.
        labels: names of the classes, in the order of the scores.
        pad: the id that fills rows up.
    """
    classes: dict[str, Any] = {}
    if labels:
        classes["id2label"] = {str(number): name for number, name in enumerate(labels)}
        classes["label2id"] = {name: number for number, name in enumerate(labels)}
    return {
        "architectures": [architecture],
        # A pre-norm stack under the name "bert" would open and compute something else.
        "model_type": "munmaek-bert-pre-norm" if config.norm_first else "bert",
        **config.model_dump(exclude={"norm_first"}),
        "vocab_size": vocab_size,
        "pad_token_id": pad,
        "position_embedding_type": "absolute",
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        **classes,
    }


def bert_config(values: Mapping[str, Any], *, where: str = "config.json") -> BertConfig:
    """The sizes that a Hugging Face ``config.json`` gives; what is not a size is passed over.

    Raises:
        ArtefactError: it is not of a BERT, or of one with other positions than absolute ones.
        ConfigError: a size out of range.
    """
    kind, positions = values.get("model_type"), values.get("position_embedding_type", "absolute")
    if kind != "bert" or positions != "absolute":
        message = (
            f"{where}: model_type 'bert' with absolute positions wanted, "
            f"got '{kind}' with '{positions}'"
        )
        raise ArtefactError(message)
    # Hugging Face's own defaults, for files that leave a field out.
    known = {**THEIR_DEFAULTS, "norm_first": False, **values}
    return BertConfig.of({name: known[name] for name in BertConfig.model_fields}, where=where)
