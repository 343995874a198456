"""The schema of ``munmaek.json``: one for all tasks, checked whole before anything is built.

The seven tasks share ``Manifest``; each adds its own fields. Types are strict: a number in quotes
is no number. Names that are not known here are let through, so that what a later version notes
besides does not keep this one from opening the model.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from munmaek.errors import ArtefactError
from munmaek.metrics.retrieval import SIMILARITIES

__all__ = ["Manifest", "check_manifest", "one_line", "safe_name"]

MOST = (1 << 31) - 1
POOLING = "(first|last|max|mean|mean_sqrt_len|weighted_mean)"
"""One of ``models.bert.sentence.POOLINGS``, which this module cannot ask without torch."""
ACTIVATIONS = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity",
    "LeakyReLU", "LogSigmoid", "Mish", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink",
)  # fmt: skip
"""``models.bert.sentence.ACTIVATIONS``, by name for the same reason."""
NUMBERS = frozenset(
    {"vocab_size", "source_vocab", "target_vocab", "label_count", "bos", "eos", "unk"}
)
"""Sizes that are no switches."""
_SHOWN = 60


def safe_name(name: str) -> str:
    """Return the name of a file within a folder, as it is.

    Raises:
        ValueError: it leads out of the folder, or means another file on another system.
    """
    parts = name.split("/")
    if not all(parts) or {".", ".."} & set(parts) or re.search(r'[\\:\x00-\x1f<>"|?*]', name):
        message = "not the name of a file inside the folder"
        raise ValueError(message)
    return name


Count: TypeAlias = Annotated[int, Field(ge=0, le=MOST)]
Positive: TypeAlias = Annotated[int, Field(ge=1, le=MOST)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
FileName: TypeAlias = Annotated[str, AfterValidator(safe_name)]
Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """Base of what is read from files: exact types, further names let through."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="allow", protected_namespaces=(), defer_build=True
    )


class Closed(BaseModel):
    """Base of what a network is made of: no further names."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class FileRecord(Strict):
    """A file, in a manifest."""

    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]


Slot: TypeAlias = Annotated[list[int], Field(min_length=3, max_length=3)]


class FrameRecord(Strict):
    """The special tokens around texts, in a manifest."""

    single: Annotated[list[Slot], Field(min_length=1)]
    pair: Annotated[list[Slot], Field(min_length=2)]
    segmented: bool
    cut_left: bool


class TokenizerRecord(Strict):
    """A tokenizer, in a manifest."""

    kind: Name
    vocab_size: Positive
    signature: str
    fingerprint: str
    specials: dict[str, str] = {}
    special_ids: list[Count] = []
    doubled: bool = False
    """A field of version 0.1.0, which knew two frames."""
    frame: FrameRecord | None = None
    split: bool = True
    longest: Positive | None = None


class ScoreRecord(Strict):
    """A score as JSON; one that a model cannot be given is infinite."""

    value: float
    unit: str
    signature: str
    low: float | None = None
    high: float | None = None
    rows: Count | None = None
    """Rows of the data; of version 0.1.0, which did not record them, none."""
    of: str = ""
    data: str = ""
    role: str = ""
    roles: list[str] = []
    remark: str = ""


class TrainingRecord(Strict):
    """The end of training; the rest of it is for reading only."""

    context: str = "sentence"
    stopped: str | None = None
    best_validation: float | None = None
    diagnosis: list[dict[str, Any]] = []


class Corpus(Strict):
    """The data that a model was made of."""

    rows: int | None = None


class DataRecord(Strict):
    """The origin of a model's data."""

    train: Corpus | None = None
    valid: Corpus | None = None
    added: list[dict[str, Any]] = []


class Manifest(Strict):
    """The fields of every model."""

    task: Name
    stage: Name
    label: str
    config: dict[str, Any]
    sizes: dict[str, bool | Count | None]
    parameters: Annotated[int, Field(ge=0)]
    seconds: FiniteFloat
    training: TrainingRecord
    data: DataRecord
    scores: dict[str, ScoreRecord]
    version: str
    command: str = ""
    files: dict[FileName, FileRecord] = {}

    @model_validator(mode="after")
    def _check_ids(self) -> "Manifest":
        for name, value in self.sizes.items():
            if (value is None and name != "unk") or (isinstance(value, bool) and name in NUMBERS):
                message = f"sizes.{name} = {value}; a number is wanted"
                raise ValueError(message)
        vocabulary = self.sizes.get("vocab_size")
        for role in ("bos", "eos", "unk"):
            number = self.sizes.get(role)
            if vocabulary is not None and number is not None and number >= vocabulary:
                message = f"sizes.{role} = {number} is no id of a vocabulary of {vocabulary}"
                raise ValueError(message)
        return self


class MixtureConfig(Strict):
    """The interpolation and the weights of a mixture's parts."""

    interpolation: Annotated[str, Field(pattern="^(linear|log-linear)$")]
    weights: Annotated[
        list[Annotated[FiniteFloat, Field(ge=0)]], Field(min_length=1, max_length=99)
    ]

    @model_validator(mode="after")
    def _check_weights(self) -> "MixtureConfig":
        if self.interpolation == "linear" and abs(sum(self.weights) - 1) > 1e-6:
            message = f"linear weights {self.weights} do not sum to 1"
            raise ValueError(message)
        return self


class Tokenized(Manifest):
    """A model that reads text itself."""

    tokenizer: TokenizerRecord

    @model_validator(mode="after")
    def _check_rows(self) -> "Tokenized":
        for size in ("vocab_size", "target_vocab"):
            self.check_rows(self.tokenizer, size)
        return self

    def check_rows(self, tokenizer: TokenizerRecord, size: str) -> None:
        """Make sure that each token has a row in a table of so many.

        A checkpoint may have more tokens; texts with one of those are refused.

        Raises:
            ValueError: that is not so.
        """
        rows = self.sizes.get(size)
        if tokenizer.kind.startswith("checkpoint/") or rows is None:
            return
        if rows < tokenizer.vocab_size:
            message = f"sizes.{size} = {rows}, but its tokenizer has {tokenizer.vocab_size} tokens"
            raise ValueError(message)


class Mixed(Manifest):
    """A mixture of models."""

    @field_validator("config")
    @classmethod
    def _check_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        MixtureConfig.model_validate(config)
        return config


class Labelling(Manifest):
    """A model that gives labels."""

    labels: Annotated[list[str], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_labels(self) -> "Labelling":
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("labels has a label twice")
        count = self.sizes.get("label_count", len(self.labels))
        if count != len(self.labels):
            message = f"labels has {len(self.labels)} labels, sizes.label_count is {count}"
            raise ValueError(message)
        return self


class ThresholdsRecord(Strict):
    """Probabilities from which on labels are given."""

    by_label: dict[str, Annotated[FiniteFloat, Field(ge=0)]]
    wanted: Literal["precision", "recall"]


class Classifying(Labelling):
    """A classifier, of whatever is within it."""

    pairs: bool | None = False
    temperature: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    thresholds: ThresholdsRecord | None = None


class Limited(Tokenized):
    """A model that reads so many tokens of a text."""

    limit: Positive


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


class Translating(Limited):
    """A model that reads one language and writes another."""

    source_tokenizer: TokenizerRecord

    @model_validator(mode="after")
    def _check_source(self) -> "Translating":
        self.check_rows(self.source_tokenizer, "source_vocab")
        return self


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


class Tagging(Labelling, Limited):
    """A model that labels words."""

    whole_words: bool = False
    apart: bool = False


class ClassifyingAlone(Classifying, Limited):
    """A classifier with a tokenizer of its own."""

    several: bool = False


class MixedLanguageModel(Mixed, Tokenized):
    """Language models that share a tokenizer."""


class MixedClassifying(Mixed, Classifying):
    """Classifiers of the same labels."""


_TASKS: Mapping[str, type[Manifest]] = {
    "lm": Tokenized,
    "classify": ClassifyingAlone,
    "regress": Rating,
    "translate": Translating,
    "mlm": Encoding,
    "embed": Encoding,
    "tag": Tagging,
}
_MIXTURES: Mapping[str, type[Manifest]] = {"lm": MixedLanguageModel, "classify": MixedClassifying}


def check_manifest(values: Mapping[str, Any], *, where: str) -> None:
    """Check what a manifest says.

    Args:
        values: its content.
        where: it stands, for the message.

    Raises:
        ArtefactError: a field is missing, of another type or out of range; names the first. A task
            that is not known is let through: whoever opens it says so.
    """
    table = _MIXTURES if values.get("stage") == "mixture" else _TASKS
    schema = table.get(str(values.get("task")), Manifest)
    try:
        schema.model_validate(dict(values))
    except ValidationError as error:
        message = f"{where}: damaged ({one_line(error)}); train or copy the model again"
        raise ArtefactError(message) from None


def one_line(error: ValidationError) -> str:
    """Return the first error with the name of the field and what was given."""
    first = error.errors(include_url=False)[0]
    name, reason = _path(first["loc"]), first["msg"].removeprefix("Value error, ")
    if not name:
        return reason
    if first["type"] == "missing":
        return f"no '{name}' in it"
    return f"{name} = {_short(first['input'])}: {reason[0].lower()}{reason[1:]}"


def _path(places: Sequence[str | int]) -> str:
    return ".".join(str(place) for place in places)[:_SHOWN]


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
