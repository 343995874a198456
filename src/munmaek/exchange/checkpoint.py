"""A folder in Hugging Face's form, opened as a model: configuration, weights, tokenizer, head.

BERT, RoBERTa, ELECTRA and DistilBERT, with the head for masked words, labels of texts, labels of
tokens, or none, as sentence embeddings have. A folder of sentence-transformers names its modules in
``modules.json``; the network is then the encoder of the first of them.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from munmaek.errors import ArtefactError, MunmaekWarning
from munmaek.exchange.labels import Labels, read_labels
from munmaek.exchange.schema import check_published
from munmaek.exchange.sentence_folder import SentenceFolder, longest_text, read_sentence_folder
from munmaek.exchange.weights import read_weights
from munmaek.folder.allocation import Bounded, TooLargeError
from munmaek.folder.info import Info
from munmaek.models.bert import BertConfig
from munmaek.models.bert.huggingface import (
    Family,
    ReadTensors,
    family_of,
    head_name,
    read_huggingface,
)
from munmaek.models.bert.huggingface_config import bert_config
from munmaek.models.bert.published import BARE, CLASSES, HEADS, STAGE, Head, head_of
from munmaek.nn.building import build_network
from munmaek.nn.tensors import check_tensors
from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer
from munmaek.text.json_files import read_json_object

__all__ = ["OpenedCheckpoint", "is_checkpoint", "open_checkpoint"]

VOCABULARY = {"roberta": 50265}
"""Rows of the embeddings where ``config.json`` does not say; else 30522."""
SHOWN = 3
"""Names of tensors or tokens that a note lists."""


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """The content of a published folder."""

    head: str
    """The name of a row of ``models.bert.published.HEADS``."""
    network: Any
    tokenizer: CheckpointTokenizer
    labels: Labels
    info: Info
    max_length: int
    """Tokens of the longest text."""
    sentence: SentenceFolder | None
    """The content of sentence-transformers' files; None where there are none."""


def is_checkpoint(folder: Path) -> bool:
    """Return whether the folder has Hugging Face's form rather than ours."""
    if (folder / "munmaek.json").is_file():
        return False
    return (folder / "config.json").is_file() or (folder / "modules.json").is_file()


def open_checkpoint(folder: Path) -> OpenedCheckpoint:
    """Open the folder; the network is on the processor and in evaluation mode.

    A ``MunmaekWarning`` names tensors of no use here and tokens without a row in the embeddings.

    Raises:
        ArtefactError: a file is missing, damaged or would run code; an architecture, a module or a
            field that is not known; a tensor missing or misshapen.
    """
    sentence = read_sentence_folder(folder)
    inner = folder if sentence is None else sentence.transformer
    place = inner / "config.json"
    if (inner / "adapter_config.json").is_file():
        message = f"{inner}/adapter_config.json: weights of an adapter; merge them into the model"
        raise ArtefactError(message)
    values = read_json_object(place)
    check_published(values, where=str(place))
    kin = family_of(str(values.get("model_type")), where=str(place))
    config = bert_config(values, where=str(place))
    declared = _head(values, kin, place, embeds=sentence is not None)
    weights = read_weights(inner)
    read = _read(weights, kin, declared, config, folder)
    head = head_of(declared, head_name(read.ours), read.ours)
    config = config.model_copy(update={"tie_word_embeddings": read.tied})
    labels = read_labels(values, place) if head.labelled else Labels()
    vocabulary = _vocabulary(values, place)
    sizes = {"vocab_size": vocabulary, **head.sizes(read.ours, len(labels.names))}
    try:
        with Bounded(weights):
            network = _network(config, head, sizes)
    except TooLargeError:
        held = sum(each.numel() for each in weights.values())
        message = (
            f"{place}: it describes a network far larger than the {held:,} numbers of its weights; "
            "these files are not of one model"
        )
        raise ArtefactError(message) from None
    _add_sinusoids(read.ours, values, config)
    over = _fill(network, read.ours, place=folder)
    _tell_of_tensors(folder, [*read.passed_over, *over])
    tokenizer = CheckpointTokenizer.of_folder(inner)
    if sentence is not None and sentence.lower_case:
        tokenizer = tokenizer.lowered()
    _tell_of_tokens(folder, tokenizer, vocabulary)
    info = _info(config, head, sizes, network, folder)
    if sentence is not None:
        sentence.check_sizes(config.hidden_size, where=folder)
    longest = longest_text(sentence, tokenizer.longest, config.longest)
    return OpenedCheckpoint(head.name, network, tokenizer, labels, info, longest, sentence)


def _read(
    weights: Mapping[str, Tensor], kin: Family, head: Head | None, config: BertConfig, folder: Path
) -> ReadTensors:
    name = None if head is None else head.name
    try:
        return read_huggingface(
            weights, family=kin.kind, head=name, tied=config.tie_word_embeddings
        )
    except ArtefactError as error:
        message = f"{folder}: {error}"
        raise ArtefactError(message) from error


def _vocabulary(values: Mapping[str, Any], place: Path) -> int:
    rows = values.get("vocab_size", VOCABULARY.get(str(values.get("model_type")), 30522))
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        message = f"{place}: vocab_size = {json.dumps(rows)}; a whole number from 1 on is wanted"
        raise ArtefactError(message)
    return rows


def _head(values: Mapping[str, Any], kin: Family, place: Path, *, embeds: bool) -> Head | None:
    """Return the head that the architecture names; one that embeds needs none but masked words."""
    named = _architectures(values, place)
    for name in named:
        for head in HEADS:
            if name in {f"{family}{each}" for family in CLASSES for each in head.endings}:
                return BARE if embeds and not head.embeds else head
    if not named or embeds:
        return BARE if embeds else None
    known = ", ".join(f"{kin.classes}{each}" for head in HEADS for each in head.endings)
    message = f"{place}: architecture '{named[0]}' is not one that munmaek reads; it reads {known}"
    raise ArtefactError(message)


def _architectures(values: Mapping[str, Any], place: Path) -> list[str]:
    given: Any = values.get("architectures") or []
    named = cast("list[Any]", given) if isinstance(given, list) else []
    if not isinstance(given, list) or any(not isinstance(name, str) for name in named):
        message = f"{place}: architectures = {json.dumps(given)}; a list of names wanted"
        raise ArtefactError(message)
    return named


def _add_sinusoids(ours: dict[str, Tensor], values: Mapping[str, Any], config: BertConfig) -> None:
    """Compute DistilBERT's fixed positions where the weights leave them out."""
    name = "encoder.position_embeddings.table.weight"
    if config.family != "distilbert" or not values.get("sinusoidal_pos_embds") or name in ours:
        return
    count, size = config.max_position_embeddings, config.hidden_size
    pairs = torch.arange(size, dtype=torch.float64) // 2 * 2
    angles = torch.arange(count, dtype=torch.float64)[:, None] / 10000 ** (pairs / size)
    ours[name] = torch.where(torch.arange(size) % 2 == 0, angles.sin(), angles.cos()).float()


def _tell_of_tensors(folder: Path, names: list[str]) -> None:
    if not names:
        return
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    message = (
        f"{folder}: tensors that this network does not have are passed over: "
        f"{', '.join(names[:SHOWN])}{more}"
    )
    warnings.warn(message, MunmaekWarning, stacklevel=3)


def _tell_of_tokens(folder: Path, tokenizer: CheckpointTokenizer, rows: int) -> None:
    """Tell of tokens that the embeddings have no row for; a text with one is refused."""
    if tokenizer.vocab_size <= rows:
        return
    names = list(islice(_tokens_from(tokenizer, rows), SHOWN))
    message = (
        f"{folder}: the tokenizer has {tokenizer.vocab_size} tokens, the embeddings {rows} rows; "
        f"texts with one of the others, such as {', '.join(map(repr, names))}, are refused"
    )
    warnings.warn(message, MunmaekWarning, stacklevel=3)


def _tokens_from(tokenizer: CheckpointTokenizer, first: int) -> Iterator[str]:
    """Yield the tokens from an id on; not every id has one."""
    for number in range(first, tokenizer.vocab_size):
        with suppress(IndexError):
            yield tokenizer.token(number)


def _network(config: BertConfig, head: Head, sizes: Mapping[str, Any]) -> nn.Module:
    with _Undrawn():
        return cast("nn.Module", build_network(lambda: head.network(config, **sizes), seed=0))


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


def _fill(network: nn.Module, weights: Mapping[str, Tensor], *, place: Path) -> list[str]:
    """Give the network its weights, and return the names of those that it has no use for.

    Raises:
        ArtefactError: one of its own is missing or misshapen.
    """
    wanted = network.state_dict()
    kept = {name: tensor for name, tensor in weights.items() if name in wanted}
    check_tensors(
        kept,
        wanted,
        where=str(place),
        owner="this architecture",
        advice="; config.json describes another network",
    )
    network.load_state_dict(kept)
    network.eval()
    # A pooler that this head does not read is usual.
    return [name for name in weights if name not in wanted and not name.startswith("pooler.")]


def _info(
    config: BertConfig, head: Head, sizes: Mapping[str, Any], network: nn.Module, folder: Path
) -> Info:
    names = {"bert": "BERT", "roberta": "RoBERTa", "electra": "ELECTRA", "distilbert": "DistilBERT"}
    return Info(
        task=head.task,
        stage=STAGE,
        label=names[config.family],
        config=config.model_dump(),
        sizes=sizes,
        parameters=sum(weight.numel() for weight in network.parameters()),
        data={"checkpoint": folder.name},
    )
