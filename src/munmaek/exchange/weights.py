"""The tensors of a published folder: one safetensors file, or shards under an index.

An old ``pytorch_model.bin`` is read only by a loader that runs no code, and where there is nothing
else. All floating-point tensors become float32.
"""

import pickle
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor

from munmaek.errors import ArtefactError
from munmaek.folder import tensor_files
from munmaek.text.json_files import read_json_object

__all__ = ["inner_path", "read_tensors", "read_weights"]

Tensors = dict[str, Tensor]
SAFE, OLD = "model.safetensors", "pytorch_model.bin"
FOREIGN = ("tf_model.h5", "flax_model.msgpack", "model.ckpt.index", "adapter_model.safetensors",
           "openvino_model.xml", "model.onnx")  # fmt: skip
"""Weights that others read; named where there are none of ours."""


def read_weights(folder: Path) -> Tensors:
    """Read every floating-point tensor of a folder, as float32.

    A whole file comes before shards, and safetensors before ``.bin``, as in ``transformers``.

    Raises:
        ArtefactError: no weights; a file damaged or one that would run code; an index that is not
            one, leaves the folder, or names a shard or a tensor that is not there.
    """
    for name, read in ((SAFE, read_tensors), (OLD, _read_old)):
        if (folder / name).is_file():
            found = read(folder / name)
        elif (folder / f"{name}.index.json").is_file():
            found = _sharded(folder, folder / f"{name}.index.json", read)
        else:
            continue
        return {each: t.float() for each, t in found.items() if t.is_floating_point()}
    there = [name for name in FOREIGN if (folder / name).is_file()]
    instead = f", not {there[0]}; save it as safetensors" if there else ""
    message = f"{folder}: no weights: {SAFE} wanted{instead}"
    raise ArtefactError(message)


def inner_path(folder: Path, name: str, *, where: str) -> Path:
    """Return the path of what a file of the folder names within it.

    Raises:
        ArtefactError: the name is absolute or leads out of the folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name:
        message = f"{where}: '{name}' leads out of the folder; a path within it is wanted"
        raise ArtefactError(message)
    return folder / path


def _sharded(folder: Path, index: Path, read: Callable[[Path], Tensors]) -> Tensors:
    places = _weight_map(index)
    out: Tensors = {}
    for file in sorted(set(places.values())):
        path = inner_path(folder, file, where=str(index))
        if not path.is_file():
            message = f"{path}: this shard, which {index.name} names, is missing; copy it again"
            raise ArtefactError(message)
        out |= {name: t for name, t in read(path).items() if places.get(name, file) == file}
    missing = sorted(places.keys() - out.keys())
    if missing:
        message = f"{index}: tensor '{missing[0]}' is not in {places[missing[0]]}"
        raise ArtefactError(message)
    return out


def _weight_map(index: Path) -> Mapping[str, str]:
    found = read_json_object(index).get("weight_map")
    if not isinstance(found, dict) or not found:
        message = f"{index}: weight_map wanted, an object from tensors to files"
        raise ArtefactError(message)
    places = cast("dict[str, Any]", found)
    for name, file in places.items():
        if not isinstance(file, str):
            message = f"{index}: weight_map['{name}'] = {file!r}: the name of a file wanted"
            raise ArtefactError(message)
    return places


def read_tensors(path: Path) -> Tensors:
    """Read a safetensors file.

    Raises:
        ArtefactError: it is none, or damaged.
    """
    with _damage(path):
        return tensor_files.read_tensors(path)


def _read_old(path: Path) -> Tensors:
    with _damage(path), warnings.catch_warnings():  # of the file's age
        warnings.simplefilter("ignore")
        found = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict):
        message = f"{path}: tensors by name wanted, got a {type(found).__name__}"
        raise ArtefactError(message)
    named = cast("dict[Any, Any]", found)
    return {str(name): each for name, each in named.items() if isinstance(each, Tensor)}


@contextmanager
def _damage(path: Path) -> Generator[None]:
    """Say in one line what is wrong with a file of weights."""
    try:
        yield
    except pickle.UnpicklingError as error:
        message = (
            f"{path}: refused: it holds more than tensors and could run code when opened; "
            "convert it to safetensors where you trust it"
        )
        raise ArtefactError(message) from error
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{path}: damaged ({reason}); copy the folder again"
        raise ArtefactError(message) from error
