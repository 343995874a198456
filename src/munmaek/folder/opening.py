"""The n-gram model of a folder, opened without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from munmaek.errors import ArtefactError
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST
from munmaek.folder.tables import load_tables
from munmaek.models.ngram import NgramConfig

__all__ = ["open_tables", "part_folders"]

T = TypeVar("T", covariant=True)
_SIZES = {"vocab_size", "bos", "eos", "unk"}


class FromTables(Protocol[T]):
    """A class of n-gram models."""

    def from_tensors(
        self,
        tensors: Mapping[str, Any],
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
    ) -> T:
        """Make the model that gave ``tensors``."""
        ...


def open_tables(kind: FromTables[T], path: Path, info: Info) -> T:
    """Open the n-gram model in a folder; its tables are mapped, not read.

    Raises:
        ArtefactError: tables that are damaged, or that do not fit what the manifest says.
        ConfigError: an option of the configuration that cannot be.
    """
    if set(info.sizes) != _SIZES or None in (info.sizes["vocab_size"], info.sizes["bos"]):
        wanted, found = ", ".join(sorted(_SIZES)), ", ".join(sorted(info.sizes))
        message = f"{path / MANIFEST}: sizes has {found}; {wanted} wanted"
        raise ArtefactError(message)
    tables = load_tables(path / "model.safetensors")
    config = NgramConfig.of(info.config, where=str(path / MANIFEST))
    return kind.from_tensors(tables, config=config, **info.sizes)


def part_folders(path: Path, info: Info) -> list[Path]:
    """Return the folders of a mixture's parts.

    Raises:
        ArtefactError: one of them is a link.
    """
    places = [path / f"part-{place}" for place in range(len(info.config["weights"]))]
    for place in places:
        if place.is_symlink():
            message = f"{place}: a link, a folder is wanted; copy the folder again"
            raise ArtefactError(message)
    return places
