"""Networks to and from safetensors files."""

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from munmaek.errors import ArtefactError
from munmaek.folder.allocation import Bounded, TooLargeError
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST
from munmaek.folder.tensor_files import read_tensors, write_tensors
from munmaek.models import stage_named
from munmaek.models.configuration import Config
from munmaek.nn.building import build_network
from munmaek.nn.tensors import check_tensors

__all__ = [
    "make_network",
    "network_with",
    "open_network",
    "parameter_count",
    "read_weights",
    "save_network",
]

# The library's functions come without complete types.


def make_network(
    *,
    stage: str,
    task: str,
    config: Mapping[str, Any] | Config,
    sizes: Mapping[str, Any],
    seed: int = 0,
    where: str = "the configuration",
) -> nn.Module:
    """Make a network of the stage with fresh weights; same seed, same weights.

    Args:
        stage: its stage.
        task: what it is for.
        config: the stage's configuration, validated or as it was read.
        sizes: what else it is made with.
        seed: of its weights.
        where: the configuration was read from, for messages.

    Raises:
        ConfigError: an option of the configuration that cannot be.
    """
    row = stage_named(stage)
    known = isinstance(config, Config)
    settings = config if known else row.config_class().of(config, where=where)
    return cast(
        "nn.Module", build_network(lambda: row.network_class(task)(settings, **sizes), seed=seed)
    )


def parameter_count(network: nn.Module) -> int:
    """Count the weights that are trained, tied ones once."""
    return sum(weight.numel() for weight in network.parameters())


def save_network(
    network: Any, path: str | Path, *, stage: str, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights under the names of the stage's form; tied ones once."""
    weights = stage_named(stage).form().outgoing(network, _untied(network))
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
        MemoryError: there is no room for it.
    """
    try:
        return read_tensors(path)
    except OSError as error:  # the file may well be whole
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise ArtefactError(message) from error
    except (SafetensorError, ValueError) as error:
        message = f"{path}: not a readable safetensors file ({error}); copy the model again"
        raise ArtefactError(message) from error


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
    try:
        weights = stage_named(stage).form().incoming(network, given)
    except ArtefactError as error:
        message = f"{where}: {error}"
        raise ArtefactError(message) from error
    check_tensors(weights, _untied(network), where=str(where), owner="this network")
    with torch.no_grad():
        network.load_state_dict(weights, strict=False)
    network.eval()


def open_network(folder: Path, info: Info, *, task: str | None = None) -> Any:
    """Return the network that was saved in ``folder``.

    Args:
        folder: of a model of ours.
        info: what the model is.
        task: what the network is for, where that is not the model's own task.

    Raises:
        ArtefactError: the weights are missing, damaged, or of another network.
    """
    place = folder / "model.safetensors"
    return network_with(
        read_weights(place),
        stage=info.stage,
        task=task or info.task,
        config=info.config,
        sizes=info.sizes,
        where=place,
    )
