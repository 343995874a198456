"""The base of every stage's configuration: frozen, validated when made, plain values only."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from munmaek.errors import ConfigError
from munmaek.models.renamed import renewed

__all__ = ["Config"]

C = TypeVar("C", bound="Config")


def _readable(message: str) -> str:
    """Return a message of pydantic without the kind of error that our own checks raise."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


class Config(BaseModel):
    """Base of the frozen configurations; ``of`` turns what a user wrote into one."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    section: ClassVar[str] = "model"
    """The place of a configuration that it stands in: a section of ``renamed.RENAMED``."""
    options: ClassVar[dict[str, str]] = {}
    """Keys that the command line has options for, by the option's name without hyphens before."""

    @model_validator(mode="before")
    @classmethod
    def _before(cls, values: Any) -> Any:
        return cls.given(cast("dict[str, Any]", values)) if isinstance(values, dict) else values

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was written as the fields want it: names of today, what follows from others.

        Raises:
            ValueError: options that do not go together.
        """
        return renewed(values, cls.section, known=cls.model_fields)

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
            message = f"{where}: {cls.refusal(error)}"
            raise ConfigError(message) from error

    @classmethod
    def refusal(cls, error: ValidationError) -> str:
        """Return the first of pydantic's errors on one line."""
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            return f"unknown option '{name}'; known here: {', '.join(cls.model_fields)}"
        if first["type"] == "missing":
            return f"{name} is missing"
        reason = _readable(first["msg"])
        return f"{name} = {first['input']!r}: {reason}" if name else reason
