"""The options of writing on with a language model."""

from typing import Annotated

from pydantic import Field

from munmaek.models.configuration import Config

__all__ = ["AskedContinuations", "AskedTexts"]


class AskedContinuations(Config):
    """Options of ``munmaek generate``."""

    max_length: int = Field(default=60, ge=1)
    """Tokens at most."""
    temperature: float = Field(default=1.0, gt=0)
    """Below 1 keeps closer to the likely, above 1 strays."""
    top_k: Annotated[int | None, Field(ge=1)] = None
    """Draw among the k likeliest only."""
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    """Draw among the likeliest that hold this share, 0 to 1."""
    seed: Annotated[int | None, Field(ge=0)] = None
    """The same seed gives the same texts."""


class AskedTexts(AskedContinuations):
    """Options of continuations that a server is asked for."""

    max_length: int = Field(default=60, ge=1, le=4096)
    """Tokens at most."""
    count: int = Field(default=1, ge=1, le=64)
    """Texts to make."""
