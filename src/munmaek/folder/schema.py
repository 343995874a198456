"""The schema of ``munmaek.json``: checked whole before anything is built.

All tasks share ``Manifest``; each adds its own fields in the class that its row names. Types are
strict: a number in quotes is no number. Names that are not known here are let through, so that what
a later version notes besides does not keep this one from opening the model.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

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

__all__ = [
    "Closed",
    "Labelling",
    "Limited",
    "Manifest",
    "Mixed",
    "Positive",
    "Strict",
    "Tokenized",
    "TokenizerRecord",
    "check_manifest",
    "one_line",
    "safe_name",
]

MOST = (1 << 31) - 1
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


class Limited(Tokenized):
    """A model that reads so many tokens of a text."""

    limit: Positive


def check_manifest(values: Mapping[str, Any], schema: type[BaseModel], *, where: str) -> None:
    """Check what a manifest, or a part of it, says.

    Args:
        values: its content.
        schema: the class of what it is.
        where: it stands, for the message.

    Raises:
        ArtefactError: a field is missing, of another type or out of range; names the first.
    """
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
