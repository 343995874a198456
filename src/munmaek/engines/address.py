"""Addresses of engines, as ``--engine`` takes them."""

import re
from pathlib import Path
from typing import Protocol

from munmaek.errors import ConfigError
from munmaek.tasks.lm.merged import CountingEngine

__all__ = ["Engine", "is_master", "open_engine"]

_MASTER = re.compile(r"local(\[(\d+|\*)(,\d+)?\])?|spark://\S+|yarn|k8s://\S+|sc://\S+")
_KNOWN = "duckdb, duckdb:FILE, local[N], spark://HOST:PORT, yarn, k8s://ADDRESS, sc://HOST:PORT"


class Engine(CountingEngine, Protocol):
    """An engine that counts texts."""

    def close(self) -> None:
        """End what was begun for it."""
        ...


def is_master(address: str) -> bool:
    """Return whether an address is that of a master of Spark."""
    return _MASTER.fullmatch(address) is not None


def open_engine(address: str, *, memory: int | None = None, place: Path | None = None) -> Engine:
    """Return the engine at an address; nothing is read yet.

    Args:
        address: ``duckdb``, ``duckdb:FILE``, or a master of Spark.
        memory: bytes that DuckDB may take; of Spark its own configuration says that.
        place: the folder of temporary files.

    Raises:
        ConfigError: there is no such engine.
        UnsupportedError: it needs a package, or Java, that is not there.
        InputError: the engine does not answer.
    """
    name, colon, file = address.partition(":")
    if name == "duckdb":
        from munmaek.engines.duck import Duck

        if colon and not file:
            message = f"--engine {address}: the name of a file is wanted after the colon"
            raise ConfigError(message)
        return Duck(Path(file) if colon else None, memory=memory, place=place)
    if not is_master(address):
        message = f"--engine {address}: unknown; there are {_KNOWN}"
        raise ConfigError(message)
    _refuse(address, memory, place)
    from munmaek.engines.cluster import Cluster

    return Cluster(address)


def _refuse(address: str, memory: int | None, place: Path | None) -> None:
    for option, value in (("--memory", memory), ("--temp-dir", place)):
        if value is not None:
            message = f"{option}: is for DuckDB; --engine {address} has Spark's own configuration"
            raise ConfigError(message)
