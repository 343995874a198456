"""A folder in Hugging Face's form, opened as a model: configuration, weights, tokenizer, head.

BERT, RoBERTa, ELECTRA and DistilBERT, with the head for masked words, labels of texts, labels of
tokens, or none, as sentence embeddings have. Weights are read from safetensors; an old
``pytorch_model.bin`` only by a loader that runs no code.
"""

import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from safetensors import SafetensorError
from safetensors import torch as safe_torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from munmaek.artefact.huggingface import Family, family_of, from_huggingface
from munmaek.artefact.huggingface_config import bert_config
from munmaek.artefact.info import Info
from munmaek.errors import ArtefactError
from munmaek.models.bert import (
    BertBaseNetwork,
    BertClassifierNetwork,
    BertConfig,
    BertMaskedNetwork,
    BertTaggerNetwork,
)
from munmaek.nn.tensors import check_tensors
from munmaek.tasks.base import build_network
from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer

__all__ = ["OpenedCheckpoint", "is_checkpoint", "open_checkpoint"]

HEADS = {
    "ForMaskedLM": "mlm",
    "ForPreTraining": "mlm",
    "ForSequenceClassification": "classify",
    "ForTokenClassification": "tag",
    "Model": "base",
}
_safe = cast("Any", safe_torch)


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """What such a folder holds."""

    head: str
    """``mlm``, ``classify``, ``tag`` or ``base``."""
    network: Any
    tokenizer: CheckpointTokenizer
    labels: tuple[str, ...]
    info: Info
    limit: int
    """Tokens of the longest text."""
    pooling: Literal["mean", "first"]
    """``mean`` or ``first``, of sentence embeddings."""
    normalised: bool
    """Embeddings have length one."""


def is_checkpoint(folder: Path) -> bool:
    """Whether the folder has Hugging Face's form rather than ours."""
    return (folder / "config.json").is_file() and not (folder / "munmaek.json").is_file()


def open_checkpoint(folder: Path) -> OpenedCheckpoint:
    """Open the folder; the network is on the processor and in evaluation mode.

    Raises:
        ArtefactError: a file is missing, damaged or would run code; an architecture that is not
            known; a tensor missing, extra or misshapen; more tokens than the embeddings have.
    """
    place = folder / "config.json"
    values = _values(place)
    kin = family_of(str(values.get("model_type")), where=str(place))
    config = bert_config(values, where=str(place))
    weights = _weights(folder)
    head = _head(values, kin, place)
    try:
        ours = from_huggingface(
            weights, family=kin.kind, head=None, tied=config.tie_word_embeddings
        )
    except ArtefactError as error:
        message = f"{folder}: {error}"
        raise ArtefactError(message) from error
    head = _as_the_weights_say(head, ours)
    labels = _labels(values) if head in ("classify", "tag") else ()
    vocabulary = int(values.get("vocab_size", 30522))
    network = _network(config, head, vocabulary, len(labels), ours)
    _fill(network, ours, place=folder)
    tokenizer = CheckpointTokenizer.of_folder(folder)
    if tokenizer.vocab_size > vocabulary:
        message = (
            f"{folder}: the tokenizer has {tokenizer.vocab_size} tokens, the embeddings "
            f"{vocabulary} rows; these two files are not of one model"
        )
        raise ArtefactError(message)
    pooling, normalised, longest = _sentence(folder, config)
    longest = min(longest, tokenizer.longest or longest)
    return OpenedCheckpoint(
        head, network, tokenizer, labels,
        _info(config, head, vocabulary, labels, network, folder), longest, pooling, normalised,
    )  # fmt: skip


def _values(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read as JSON: {error}"
        raise ArtefactError(message) from error
    if not isinstance(values, dict):
        message = f"{path}: an object wanted, got a {type(values).__name__}"
        raise ArtefactError(message)
    return cast("dict[str, Any]", values)


def _weights(folder: Path) -> dict[str, Tensor]:
    safe, old = folder / "model.safetensors", folder / "pytorch_model.bin"
    try:
        if safe.is_file():
            found: dict[str, Tensor] = _safe.load_file(safe)
        elif old.is_file():
            with warnings.catch_warnings():  # of the file's age
                warnings.simplefilter("ignore")
                found = torch.load(old, map_location="cpu", weights_only=True)
        else:
            message = f"{folder}: no weights: model.safetensors or pytorch_model.bin wanted"
            raise ArtefactError(message)
    except pickle.UnpicklingError as error:
        message = (
            f"{old}: refused: it holds more than tensors and could run code when opened; "
            "convert it to safetensors where you trust it"
        )
        raise ArtefactError(message) from error
    except (SafetensorError, ValueError, RuntimeError, EOFError) as error:
        message = f"{safe if safe.is_file() else old}: damaged ({error}); copy the folder again"
        raise ArtefactError(message) from error
    return {name: tensor.float() for name, tensor in found.items() if tensor.is_floating_point()}


def _head(values: Mapping[str, Any], kin: Family, place: Path) -> str | None:
    named = cast("list[str]", values.get("architectures") or [])
    for name in named:
        for ending, head in HEADS.items():
            if name.endswith(ending):
                return head
    if not named:
        return None
    known = ", ".join(f"{kin.classes}{ending}" for ending in HEADS)
    message = f"{place}: architecture '{named[0]}' is not one that munmaek reads; it reads {known}"
    raise ArtefactError(message)


def _as_the_weights_say(head: str | None, ours: Mapping[str, Tensor]) -> str:
    """An ELECTRA discriminator, say, is called ForPreTraining and has no masked-word head."""
    if head == "mlm" and "head.dense.weight" not in ours:
        return "base"
    if head is not None:
        return head
    if "head.dense.weight" in ours:
        return "mlm"
    if "classifier.weight" in ours:
        return "classify" if "pooler.weight" in ours else "tag"
    return "base"


def _labels(values: Mapping[str, Any]) -> tuple[str, ...]:
    named = cast("dict[str, str]", values.get("id2label") or {})
    count = int(values.get("num_labels") or len(named) or 2)
    return tuple(named.get(str(number), f"LABEL_{number}") for number in range(count))


def _network(
    config: BertConfig, head: str, vocabulary: int, labels: int, given: Mapping[str, Tensor]
) -> nn.Module:
    pooled, paired = "pooler.weight" in given, "relation.weight" in given

    def make() -> nn.Module:
        if head == "mlm":
            return BertMaskedNetwork(config, vocab_size=vocabulary, next_sentence=paired)
        if head == "classify":
            return BertClassifierNetwork(config, vocab_size=vocabulary, label_count=labels)
        if head == "tag":
            return BertTaggerNetwork(config, vocab_size=vocabulary, label_count=labels)
        return BertBaseNetwork(config, vocab_size=vocabulary, pooled=pooled)

    with _Undrawn():
        return cast("nn.Module", build_network(make, seed=0))


class _Undrawn(TorchFunctionMode):
    """Fresh weights are not drawn where a checkpoint's take their place at once.

    Torch's own way, the device "meta", imports its compiler, for a second.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func.__name__ in ("normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_"):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _fill(network: nn.Module, weights: dict[str, Tensor], *, place: Path) -> None:
    wanted = network.state_dict()
    # A pooler that this head does not read is left where it is.
    weights = {
        name: tensor
        for name, tensor in weights.items()
        if name in wanted or not name.startswith("pooler.")
    }
    check_tensors(
        weights,
        wanted,
        where=str(place),
        owner="this architecture",
        advice="; config.json describes another network",
    )
    network.load_state_dict(weights)
    network.eval()


def _sentence(folder: Path, config: BertConfig) -> tuple[Literal["mean", "first"], bool, int]:
    """What sentence-transformers' files say: pooling, normalisation, longest text."""
    pooling: Literal["mean", "first"] = "mean"
    normalised = False
    longest = config.longest or 512
    own = folder / "sentence_bert_config.json"
    if own.is_file():
        longest = min(longest, int(_values(own).get("max_seq_length") or longest))
    modules = folder / "modules.json"
    if modules.is_file():
        listed = cast("list[dict[str, str]]", json.loads(modules.read_text(encoding="utf-8")))
        normalised = any(row["type"].endswith("Normalize") for row in listed)
        for row in listed:
            if row["type"].endswith("Pooling"):
                values = _values(folder / row["path"] / "config.json")
                pooling = "first" if values.get("pooling_mode_cls_token") else "mean"
    return pooling, normalised, longest


def _info(
    config: BertConfig, head: str, vocabulary: int, labels: tuple[str, ...], network: Any,
    folder: Path,
) -> Info:  # fmt: skip
    sizes: dict[str, Any] = {"vocab_size": vocabulary}
    if labels:
        sizes["label_count"] = len(labels)
    if head == "base":
        sizes["pooled"] = network.pooler is not None
    if head == "mlm" and network.relation is not None:
        sizes["next_sentence"] = True
    names = {"bert": "BERT", "roberta": "RoBERTa", "electra": "ELECTRA", "distilbert": "DistilBERT"}
    return Info(
        task={"classify": "classify", "tag": "tag"}.get(head, "mlm"),
        stage="bert",
        label=names[config.family],
        config=config.model_dump(),
        sizes=sizes,
        parameters=sum(weight.numel() for weight in network.parameters()),
        data={"checkpoint": folder.name},
    )
