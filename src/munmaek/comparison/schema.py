"""The schema of ``results.json``, checked whole before a page is drawn of it.

Any part may be absent or null, and further names are let through; what is there has the type that
the report reads.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from munmaek.comparison.lessons import Lesson
from munmaek.errors import InputError
from munmaek.folder.schema import one_line
from munmaek.text.catalogue import Catalogue

__all__ = ["FORMAT", "check_results"]

FORMAT = 1
"""The newest form of ``results.json`` that this version reads."""
_MOST = 1e300
"""Beyond it a number cannot be drawn beside others."""

T = TypeVar("T")


def _drawable(value: Any) -> Any:
    """Count as absent what is no number, as NaN does in JSON that others write."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value if -_MOST < value < _MOST else None


Number: TypeAlias = Annotated[float | None, BeforeValidator(_drawable)]
Whole: TypeAlias = Annotated[int, Field(ge=0, lt=1 << 31)]
Some: TypeAlias = Sequence[T] | None


class _Part(BaseModel):
    """Base of all parts: exact types, further names let through."""

    model_config = ConfigDict(strict=True, extra="allow", protected_namespaces=())


class _Score(_Part):
    value: float | None
    low: Number = None
    high: Number = None
    rows: Whole | None = None
    roles: list[str] = []


Scores: TypeAlias = dict[str, _Score | None] | None


class _Length(_Part):
    low: Whole = 0
    high: Whole = 0
    count: Whole = 0
    scores: dict[str, _Score] = {}

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        found = cast("dict[str, Any]", values)
        scores: dict[str, Any] = {name: x for name, x in found.items() if isinstance(x, dict)}
        return {**found, "scores": scores}


class _Finding(_Part):
    name: str = ""
    found: bool = False
    evidence: dict[str, Any] | None = None
    names: str = ""
    message: str = ""


class _Model(_Part):
    scores: Scores = None
    by_length: Some[_Length] = None
    diagnosis: Some[_Finding] = None
    curve: Some[Sequence[Any]] = None
    parts: Some[str] = None


class _Baseline(_Part):
    scores: Scores = None


class _Alignment(_Part):
    source: Some[Any] = None
    target: Some[Any] = None
    weights: Some[Sequence[Any]] = None
    gold: Some[Annotated[Sequence[Whole], Field(min_length=2, max_length=2)]] = None
    scores: Scores = None


class _Fill(_Part):
    candidates: Some[_Part] = None


class _Translation(_Part):
    outputs: dict[str, Any] | None = None


Lengths: TypeAlias = Some[Annotated[float, BeforeValidator(_drawable), Field(gt=0)]]


class _Curve(_Part):
    """A curve of each model: the reach of its first word, or its work for a word."""

    distance: Some[Number] = None
    norm: Some[Number] = None
    length: Lengths = None
    multiplications: Some[Number] = None


class _Fault(_Finding):
    label: str


class _Lesson(_Part):
    name: str
    held: bool
    values: dict[str, str]
    why: str
    cause: dict[str, str]
    faults: list[_Fault] = []

    @model_validator(mode="after")
    def _check_sentence(self) -> "_Lesson":
        try:
            Lesson.from_json(self.model_dump()).sentence(Catalogue())
        except KeyError as error:
            message = f"its sentence needs {error}, which is not there"
            raise ValueError(message) from None
        return self


class _Results(_Part):
    format: Annotated[int, Field(ge=1, le=FORMAT)] | None = None
    data: Some[_Part] = None
    machine: dict[str, Any] | None = None
    models: Some[_Model] = None
    baselines: Some[_Baseline] = None
    alignments: Some[_Alignment] = None
    fills: Some[_Fill] = None
    samples: Some[_Part] = None
    translations: Some[_Translation] = None
    influence: Some[_Curve] = None
    work: Some[_Curve] = None
    lessons: Some[_Lesson] = None
    notes: Some[Any] = None


def check_results(results: Mapping[str, Any]) -> None:
    """Check the content of ``results.json``.

    Raises:
        InputError: its form is newer than this version reads, or a part of it has another type than
            it must have; names the part.
    """
    found = results.get("format", FORMAT)
    if isinstance(found, int) and found > FORMAT:
        message = (
            f"results of format {found!r} cannot be read: this munmaek reads up to {FORMAT}; "
            "upgrade munmaek or run the comparison again"
        )
        raise InputError(message)
    try:
        _Results.model_validate(dict(results))
    except ValidationError as error:
        message = f"results: damaged ({one_line(error)}); run the comparison again"
        raise InputError(message) from None
