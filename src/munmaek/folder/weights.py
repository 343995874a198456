"""Networks to and from safetensors files."""

import json
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors import torch as safe_torch
from torch import Tensor, nn

from munmaek.errors import ArtefactError
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST, MARK
from munmaek.folder.writing import NOTHING_BESIDE, copies_of, write_folder
from munmaek.models import stage_named
from munmaek.models.bert import BertConfig
from munmaek.models.bert.huggingface import FAMILIES, from_huggingface, to_huggingface
from munmaek.models.bert.huggingface_config import huggingface_config
from munmaek.nn.allocation import Bounded, TooLargeError
from munmaek.nn.building import build_network
from munmaek.nn.tensor_files import write_tensors
from munmaek.nn.tensors import check_tensors
from munmaek.text.checkpoint_tokenizer import AnyTokenizer, CheckpointTokenizer

__all__ = [
    "make_network",
    "network_with",
    "parameter_count",
    "read_weights",
    "save_config",
    "save_model",
    "save_network",
]

# The library's functions come without complete types.
_torch = cast("Any", safe_torch)
PROBLEMS = {"regress": "regression"}
"""``problem_type`` by task; without it one output would be taken for a label's score."""
NO_FILES: Mapping[str, Callable[[Path], None]] = {}


def make_network(
    *,
    stage: str,
    task: str,
    config: Mapping[str, Any],
    sizes: Mapping[str, Any],
    seed: int = 0,
    where: str = "the configuration",
) -> nn.Module:
    """Make a network of the stage with fresh weights; same seed, same weights.

    Args:
        stage: its stage.
        task: what it is for.
        config: the stage's configuration.
        sizes: what else it is made with.
        seed: of its weights.
        where: the configuration was read from, for messages.

    Raises:
        ConfigError: an option of the configuration that cannot be.
    """
    row = stage_named(stage)
    settings = row.config_class().of(config, where=where)
    return cast(
        "nn.Module", build_network(lambda: row.network_class(task)(settings, **sizes), seed=seed)
    )


def parameter_count(network: nn.Module) -> int:
    """Weights that are trained, tied ones once."""
    return sum(weight.numel() for weight in network.parameters())


def save_model(
    folder: Path | str,
    *,
    info: Info,
    tokenizer: AnyTokenizer,
    weights: Callable[[Path], None],
    manifest: Mapping[str, Any],
    labels: Sequence[str] = (),
    several: bool = False,
    files: Mapping[str, Callable[[Path], None]] = NO_FILES,
    force: bool,
    beside: Mapping[str, Path] = NOTHING_BESIDE,
) -> None:
    """Write the folder of a model with one tokenizer, aside and renamed.

    Args:
        folder: where it is to be.
        info: the model's.
        tokenizer: the same.
        weights: writes ``model.safetensors``.
        manifest: what is kept besides ``info`` and ``tokenizer``.
        labels: names of the classes, in the order of the scores.
        several: a text may have several of them.
        files: what writes each further file, by its name.
        force: replace what is there.
        beside: further files to keep in it, by the names they are to have.

    Raises:
        InputError: ``folder`` exists and ``force`` is false.
        DiskError: it cannot be written; what was there is whole.
    """
    write_folder(
        Path(folder),
        files={
            "tokenizer.json": tokenizer.save,
            "model.safetensors": weights,
            "config.json": lambda path: save_config(
                path, info, labels=labels, several=several, mark=MARK
            ),
            **_tokenizer_files(tokenizer),
            **files,
            **copies_of(beside),
        },
        manifest={**info.to_json(), "tokenizer": tokenizer.describe(), **manifest},
        force=force,
    )


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


def save_network(
    network: Any, path: str | Path, *, stage: str, metadata: Mapping[str, str] | None = None
) -> None:
    """Weights under our names, or for BERT under Hugging Face's; tied ones once."""
    weights = _untied(network)
    if stage == "bert":
        weights = to_huggingface(weights, family=network.config.family)
    write_tensors(Path(path), weights, metadata=metadata)


def _untied(network: Any) -> dict[str, Tensor]:
    seen: set[int] = set()
    out: dict[str, Tensor] = {}
    module: nn.Module = network
    for name, weight in module.state_dict().items():
        if weight.data_ptr() in seen and weight.numel() > 0:
            continue
        seen.add(weight.data_ptr())
        out[name] = weight.detach().cpu()
    return out


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name.

    Raises:
        ArtefactError: the file is not safetensors, or cannot be read.
    """
    try:
        weights: dict[str, Tensor] = _torch.load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        message = f"{path}: not a readable safetensors file ({error}); copy the model again"
        raise ArtefactError(message) from error
    return weights


def network_with(
    weights: Mapping[str, Tensor],
    *,
    stage: str,
    task: str,
    config: Mapping[str, Any],
    sizes: Mapping[str, Any],
    where: Path,
) -> nn.Module:
    """Make the network that ``weights`` are of, fill it, and put it in evaluation mode.

    Args:
        weights: tensors by name, as ``save_network`` wrote them.
        stage: the network's.
        task: the network's.
        config: the stage's configuration.
        sizes: what else the network is made with.
        where: the weights were read from, for messages.

    Raises:
        ArtefactError: what is described is far larger than the weights, is made with other sizes,
            or a tensor is missing, extra, misshapen or not finite.
        ConfigError: an option of the configuration that cannot be.
    """
    _check_sizes(stage_named(stage).network_class(task), sizes, where)
    try:
        with Bounded(weights):
            network = make_network(
                stage=stage,
                task=task,
                config=config,
                sizes=sizes,
                where=str(where.with_name(MANIFEST)),
            )
    except TooLargeError:
        held = sum(each.numel() for each in weights.values())
        message = (
            f"{where}: {held:,} numbers, far fewer than the network has that config and sizes in "
            f"{MANIFEST} describe; these files are not of one model"
        )
        raise ArtefactError(message) from None
    _fill(network, weights, stage=stage, where=where)
    return network


def _check_sizes(made: Callable[..., Any], sizes: Mapping[str, Any], where: Path) -> None:
    """Make sure that a network is made with these sizes."""
    known = list(signature(made).parameters.values())[1:]
    wrong = next((name for name in sizes if name not in {each.name for each in known}), None)
    if wrong is not None:
        message = f"{where.with_name(MANIFEST)}: sizes.{wrong} is not known to this stage"
        raise ArtefactError(message)
    for each in known:
        if each.default is each.empty and each.name not in sizes:
            message = f"{where.with_name(MANIFEST)}: sizes.{each.name} is missing"
            raise ArtefactError(message)


def _fill(network: nn.Module, given: Mapping[str, Tensor], *, stage: str, where: Path) -> None:
    weights = dict(given)
    if stage == "bert":
        config = cast("BertConfig", cast("Any", network).config)
        tied = config.tie_word_embeddings
        try:
            weights = from_huggingface(weights, family=config.family, tied=tied)
        except ArtefactError as error:
            message = f"{where}: {error}"
            raise ArtefactError(message) from error
    check_tensors(weights, _untied(network), where=str(where), owner="this network")
    with torch.no_grad():
        network.load_state_dict(weights, strict=False)
    network.eval()
