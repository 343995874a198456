"""The fields of ``munmaek.json`` that only classifiers have."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from munmaek.folder.schema import Labelling, Limited, Mixed, Strict

__all__ = ["Classifying", "ClassifyingAlone", "MixedClassifying"]


class ThresholdsRecord(Strict):
    """Probabilities from which on labels are given."""

    by_label: dict[str, Annotated[FiniteFloat, Field(ge=0)]]
    wanted: Literal["precision", "recall"]


class Classifying(Labelling):
    """A classifier, of whatever is within it."""

    pairs: bool | None = False
    temperature: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    thresholds: ThresholdsRecord | None = None


class ClassifyingAlone(Classifying, Limited):
    """A classifier with a tokenizer of its own."""

    several: bool = False


class MixedClassifying(Mixed, Classifying):
    """Classifiers of the same labels."""
