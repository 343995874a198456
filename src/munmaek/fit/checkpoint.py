"""Checkpoints that a crash, a full disk or a flipped bit cannot turn into a wrong model.

    folder/checkpoints/step-N/
        model.safetensors       weights after step N
        best.safetensors        weights of the best validation, once there is one
        optimizer.safetensors   the optimiser's moments and the random generators
        state.json              everything else, and the SHA-256 of each file and of itself

A checkpoint is written beside its place and renamed into it; the last two are kept.
"""

import errno
import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from munmaek.errors import ArtefactError, DiskError, MunmaekWarning
from munmaek.fit.sharding import divided_like, whole
from munmaek.folder.tensor_files import read_tensors, write_tensors
from munmaek.writing import sync_all, writing

__all__ = ["THEN", "Checkpoint", "Store", "load_weights", "weights"]

THEN = "free space or choose another place, then resume"
"""Advice where a run's own files cannot be written."""

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that a run needs to go on as if it had never stopped."""

    step: int
    state: Mapping[str, Any]
    """Plain values, as JSON keeps them."""
    model: Mapping[str, Tensor]
    best: Mapping[str, Tensor] | None
    optimizer: Mapping[str, Tensor]


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Return parameters and persistent buffers by name, whole, each shared one once."""
    return {name: whole(tensor) for name, tensor in _own(network).items()}


def _own(network: nn.Module) -> dict[str, Tensor]:
    """Return what this process holds of them."""
    seen: set[int] = set()
    out: dict[str, Tensor] = {}
    for name, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            out[name] = tensor.detach()
    return out


def load_weights(network: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Put ``values``, as ``weights`` gave them, into the network.

    Raises:
        ArtefactError: they belong to another network; names the first difference.
    """
    own = _own(network)
    for name in sorted(own.keys() ^ values.keys()):
        where = "the checkpoint lacks" if name in own else "the checkpoint also holds"
        message = (
            f"checkpoint of another network: {where} '{name}'; give the same options or begin anew"
        )
        raise ArtefactError(message)
    for name, tensor in own.items():
        if tensor.shape != values[name].shape:
            message = (
                f"checkpoint of another network: '{name}' wanted {tuple(tensor.shape)}, "
                f"got {tuple(values[name].shape)}; give the same options or begin anew"
            )
            raise ArtefactError(message)
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(divided_like(values[name], tensor))


class Store:
    """The checkpoints of one run, under ``folder/checkpoints``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoints"

    def steps(self) -> list[int]:
        """List the steps that there are checkpoints of, whole or not, newest first."""
        names = (path.name.removeprefix("step-") for path in self.path.glob("step-*"))
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def save(self, checkpoint: Checkpoint) -> None:
        """Write one and drop all but the last two.

        Raises:
            DiskError: the write failed; earlier checkpoints are whole.
        """
        final = self.path / f"step-{checkpoint.step}"
        part = self.path / f".{final.name}.part"
        with writing(final, THEN):
            try:
                self._discard(part)
                part.mkdir(parents=True)
                _write(part, checkpoint)
                if final.exists():
                    self._discard(aside := self.path / f".{final.name}.old")
                    final.rename(aside)
                part.rename(final)
                for stale in self._stale():
                    self._discard(stale)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise

    def newest(self) -> Checkpoint | None:
        """Return the newest that is whole; None without any.

        Raises:
            ArtefactError: there are some, and none of them is whole.
        DiskError: one cannot be read, whole or not.

        Warns:
            MunmaekWarning: a newer one is damaged.
        """
        steps = self.steps()
        for place, step in enumerate(steps):
            found = _read(self.path / f"step-{step}", step)
            if found is None:
                continue
            if place:
                message = (
                    f"{self.path}/step-{steps[0]}: damaged; training goes on from step {step}, the "
                    "last whole checkpoint"
                )
                warnings.warn(message, MunmaekWarning, stacklevel=2)
            return found
        if steps:
            message = (
                f"{self.path}: none of its {len(steps)} checkpoints is whole; --force starts over"
            )
            raise ArtefactError(message)
        return None

    def _stale(self) -> list[Path]:
        old = [self.path / f"step-{step}" for step in self.steps()[_KEPT:]]
        return [*old, *self.path.glob(".step-*")]

    @staticmethod
    def _discard(path: Path) -> None:
        if path.exists():
            shutil.rmtree(path)


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    files = {"model": checkpoint.model, "optimizer": checkpoint.optimizer}
    if checkpoint.best is not None:
        files["best"] = checkpoint.best
    sums: dict[str, str] = {}
    for name, tensors in files.items():
        path = folder / f"{name}.safetensors"
        write_tensors(path, tensors)
        sums[path.name] = _digest(path)
    body = {"step": checkpoint.step, "state": dict(checkpoint.state), "files": sums}
    path = folder / "state.json"
    path.write_text(json.dumps({**body, "sha256": _seal(body)}, indent=1), encoding="utf-8")
    sync_all(folder)


def _read(folder: Path, step: int) -> Checkpoint | None:
    """Return the checkpoint in ``folder``; None if anything of it is not as it was written."""
    try:
        body = cast("dict[str, Any]", json.loads((folder / "state.json").read_bytes()))
        if body.pop("sha256") != _seal(body) or body["step"] != step:
            return None
        sums = cast("dict[str, str]", body["files"])
        if any(_digest(folder / name) != wanted for name, wanted in sums.items()):
            return None
        tensors = {name: read_tensors(folder / name) for name in sums}
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        reason = error.strerror or error
        message = f"{folder}: cannot be read: {reason}; it may be whole, so run it again"
        raise DiskError(message) from error
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        SafetensorError,
    ):
        return None
    return Checkpoint(
        step=step,
        state=body["state"],
        model=tensors["model.safetensors"],
        best=tensors.get("best.safetensors"),
        optimizer=tensors["optimizer.safetensors"],
    )


def _seal(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
