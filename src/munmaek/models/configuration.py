"""The base of every stage's configuration: frozen, validated when made, plain values only."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from munmaek.errors import ConfigError

__all__ = ["Config"]

C = TypeVar("C", bound="Config")


def _said(message: str) -> str:
    """Return what pydantic says, without the kind of error that our own checks raise."""
    return message.lower().removeprefix("value error, ")


class Config(BaseModel):
    """Base of the frozen configurations; ``of`` turns what a user wrote into one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls: type[C], values: Mapping[str, Any], *, where: str = "the configuration") -> C:
        """Validate ``values``.

        Args:
            values: option names and values, as read from TOML or JSON.
            where: the file or place they were written in, for the message.

        Raises:
            ConfigError: an unknown option or a value out of range; names it and lists the known.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields)
                message = f"{where}: unknown option '{name}'; known here: {known}"
            else:
                message = f"{where}: {name} = {first['input']!r}: {_said(first['msg'])}"
            raise ConfigError(message) from error
