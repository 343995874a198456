"""The fields of ``munmaek.json`` that models of masked words and of sentence vectors have."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from munmaek.folder.schema import Closed, Limited, Positive
from munmaek.metrics.retrieval import SIMILARITIES

__all__ = ["ACTIVATIONS", "POOLING", "Encoding"]

POOLING = "(first|last|max|mean|mean_sqrt_len|weighted_mean)"
"""One of ``models.bert.sentence.POOLINGS``, which this module cannot ask without torch."""
ACTIVATIONS = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity",
    "LeakyReLU", "LogSigmoid", "Mish", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink",
)  # fmt: skip
"""``models.bert.sentence.ACTIVATIONS``, by name for the same reason."""


class DenseRecord(Closed):
    """A linear layer after pooling."""

    kind: Literal["dense"]
    inputs: Positive
    outputs: Positive
    bias: bool
    activation: Annotated[str, Field(pattern=f"^({'|'.join(ACTIVATIONS)})$")]
    residual: bool


class NormRecord(Closed):
    """A LayerNorm after pooling."""

    kind: Literal["layer_norm"]
    size: Positive


class UnitRecord(Closed):
    """Vectors of length one between other modules."""

    kind: Literal["unit"]


class SentenceRecord(Closed):
    """The way from text to vector besides the network and its pooling."""

    modules: list[Annotated[DenseRecord | NormRecord | UnitRecord, Field(discriminator="kind")]]
    include_prompt: bool
    prompts: dict[str, str]
    default_prompt: str | None
    width: Positive | None
    similarity: Annotated[str, Field(pattern=f"^({'|'.join(SIMILARITIES)})$")]

    @model_validator(mode="after")
    def _check_default(self) -> "SentenceRecord":
        if self.default_prompt is not None and self.default_prompt not in self.prompts:
            message = f"default_prompt '{self.default_prompt}' is no prompt"
            raise ValueError(message)
        return self


class Encoding(Limited):
    """A model of masked words or sentence vectors."""

    pooling: Annotated[str, Field(pattern=f"^{POOLING}(\\+{POOLING})*$")] = "mean"
    normalised: bool = False
    sentence: SentenceRecord | None = None
