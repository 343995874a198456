"""A reported number and the line that says how it was made (after sacreBLEU, Post 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Protocol

from munmaek.errors import InputError

__all__ = [
    "FEW",
    "Basis",
    "Score",
    "Signature",
    "SigningTokenizer",
    "in_role",
    "resting_on",
    "sign",
    "sign_model",
]

FEW = 100
"""Rows below which a score is shown with a remark: half a 95 % interval of a share is then ten
percentage points or more."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The conditions of a score, in reading order: ``task:lm|stage:rnn|tok:bpe-8000|…``.

    Keys hold neither ``:`` nor ``|``; values hold no ``|``.
    """

    parts: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for key, value in self.parts:
            if "|" in key + value or ":" in key:
                message = f"signature part {key!r}={value!r} holds a separator: | or, in a key, :"
                raise ValueError(message)

    def __str__(self) -> str:
        return "|".join(f"{key}:{value}" for key, value in self.parts)

    @classmethod
    def parse(cls, text: str) -> "Signature":
        """Return the signature that ``str`` wrote."""
        pairs = (part.split(":", 1) for part in text.split("|") if part)
        return cls(tuple((pair[0], pair[1] if len(pair) > 1 else "") for pair in pairs))

    def get(self, key: str) -> str | None:
        """Return the value of the part ``key``, or None."""
        return next((value for name, value in self.parts if name == key), None)

    def extended(self, *parts: tuple[str, str]) -> "Signature":
        """Return this signature with ``parts`` before the version, in place of parts so named."""
        names = {key for key, _ in parts}
        kept = tuple(part for part in self.parts if part[0] not in names)
        version_part = tuple(part for part in kept if part[0] == "munmaek")
        others = tuple(part for part in kept if part[0] != "munmaek")
        return Signature(others + parts + version_part)


def sign(
    *,
    task: str,
    stage: str,
    tokenizer: str = "none",
    oov: str = "none",
    more: tuple[tuple[str, str], ...] = (),
) -> Signature:
    """Return the parts that every score of a model shares; each metric adds its own unit.

    Args:
        task: ``lm``, ``classify``, ``translate`` or ``mlm``.
        stage: the stage's name, or that of a baseline.
        tokenizer: what the model reads, such as ``bpe-8000``.
        oov: what an unseen token becomes: ``none`` (there are none), ``unk``, ``bytes``.
        more: further parts in reading order, such as the decoder's beam.
    """
    parts = (("task", task), ("stage", stage), ("tok", tokenizer), ("oov", oov))
    return Signature((*parts, *more, ("munmaek", version("munmaek"))))


class SigningTokenizer(Protocol):
    """The part of a tokenizer that a signature tells."""

    @property
    def signature(self) -> str:
        """Kind and size."""
        ...

    @property
    def oov(self) -> str:
        """The fate of an unseen token."""
        ...


def sign_model(
    tokenizer: SigningTokenizer,
    *,
    task: str,
    stage: str,
    more: tuple[tuple[str, str], ...] = (),
) -> Signature:
    """Return ``sign`` for a model that reads, or writes, with ``tokenizer``."""
    return sign(task=task, stage=stage, tokenizer=tokenizer.signature, oov=tokenizer.oov, more=more)


TRAINED_ON = "which is the training data"
"""A role's words where nothing new was read."""
_NAMED = 3
"""Files that are named."""


def _shortened(names: str) -> str:
    """Return the first of many files' names, and how many more there are."""
    first, *others = names.split(", ")
    more = len(others) + 1 - _NAMED
    return names if more < 2 else f"{', '.join([first, *others[: _NAMED - 1]])} and {more} more"


@dataclass(frozen=True, slots=True)
class Basis:
    """The data that a score rests on."""

    rows: int
    of: str
    """The kind of row, in the plural: ``sentences``, ``texts``, ``pairs``."""
    data: str
    """Name of the file or files, or ``held out of FILE``."""
    role: str = ""
    """``validation`` where the same rows also chose something of the model."""

    def __str__(self) -> str:
        rows = f"{self.rows:,} {self.of[:-1] if self.rows == 1 else self.of}"
        apart = " " if self.data.startswith("held out of ") else " of "
        role = f" ({self.role})" if self.role else ""
        return f"{rows}{apart}{_shortened(self.data)}{role}" if self.data else f"{rows}{role}"

    @property
    def remark(self) -> str:
        """Return why the figures are uncertain, or nothing where there are enough rows."""
        said = ["they say nothing of new text"] if TRAINED_ON in self.role else []
        if self.rows < FEW:
            said.append(f"fewer than {FEW}, so the figures may differ much on others")
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, which stand among those of a score."""
        found: dict[str, Any] = {"rows": self.rows, "of": self.of, "data": self.data}
        more = {"role": self.role, "remark": self.remark}
        return found | {name: value for name, value in more.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Basis | None":
        """Return the basis among a score's values; None where they name no rows."""
        rows = data.get("rows")
        if not isinstance(rows, int):
            return None
        return cls(rows, *(str(data.get(name, "")) for name in ("of", "data", "role")))


@dataclass(frozen=True, slots=True)
class Score:
    """One number with its unit, its signature and, where it was sampled, its 95 % interval."""

    name: str
    value: float
    unit: str
    signature: Signature
    low: float | None = None
    high: float | None = None
    basis: Basis | None = None
    """The data that it was measured on; None where that was not recorded."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the name: scores are kept in a mapping by name."""
        return {
            "value": self.value,
            "unit": self.unit,
            "signature": str(self.signature),
            "low": self.low,
            "high": self.high,
            **({} if self.basis is None else self.basis.to_json()),
        }

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> "Score":
        """Return the score that ``to_json`` wrote under ``name``.

        Raises:
            InputError: ``value`` is absent or not a number.
        """
        try:
            value = float(data["value"])
        except (KeyError, TypeError, ValueError, OverflowError):
            got = repr(data.get("value"))[:60]
            message = f"score '{name}' needs a number under 'value', got {got}"
            raise InputError(message) from None
        low, high = data.get("low"), data.get("high")
        return cls(
            name,
            value,
            str(data.get("unit", "")),
            Signature.parse(str(data.get("signature", ""))),
            None if low is None else float(low),
            None if high is None else float(high),
            Basis.from_json(data),
        )

    def within(self, low: float, high: float) -> "Score":
        """Return this score with the interval ``low`` to ``high``."""
        return replace(self, low=low, high=high)


def resting_on(
    scores: Mapping[str, Score], data: str, rows: int, of: str, *, role: str = ""
) -> dict[str, Score]:
    """Return the scores with what they were measured on: ``rows`` rows of ``data``."""
    basis = Basis(rows, of, data, role)
    return {name: replace(score, basis=basis) for name, score in scores.items()}


def in_role(scores: Mapping[str, Score], role: str) -> dict[str, Score]:
    """Return the scores, saying what their data had been used for: ``validation``."""
    return {
        name: replace(score, basis=score.basis and replace(score.basis, role=role))
        for name, score in scores.items()
    }
