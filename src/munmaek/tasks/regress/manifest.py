"""The fields of ``munmaek.json`` that only regressors have."""

from typing import Annotated

from pydantic import Field, FiniteFloat, field_validator

from munmaek.folder.schema import Limited

__all__ = ["Rating"]


class Rating(Limited):
    """A model that gives numbers."""

    pairs: bool | None
    range: Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]

    @field_validator("range")
    @classmethod
    def _check_range(cls, limits: list[float]) -> list[float]:
        if limits[0] > limits[1]:
            raise ValueError("ends before it begins")
        return limits
