"""A reported number and the line that says how it was made (after sacreBLEU, Post 2018)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Protocol, cast

from munmaek.errors import InputError
from munmaek.text.catalogue import Catalogue

__all__ = [
    "CHOSE_TEMPERATURE",
    "CHOSE_WEIGHTS",
    "FEW",
    "VALIDATION",
    "Basis",
    "Score",
    "Signature",
    "SigningTokenizer",
    "in_role",
    "lower_is_better",
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


VALIDATION = "validation"
TRAINED_ON = "trained_on"
CHOSE_WEIGHTS, CHOSE_TEMPERATURE = "weights", "temperature"
"""The roles that data had in making the model that is measured on it."""
_CHOSEN = (CHOSE_WEIGHTS, CHOSE_TEMPERATURE)
_HELD = "held out of "
"""Before the name of the file that rows were held out of."""
_NAMED = 3
"""Files that are named."""
_ENGLISH = Catalogue()


def _shortened(names: str, catalogue: Catalogue) -> str:
    """Return the first of many files' names, and how many more there are."""
    first, *others = names.split(", ")
    more = len(others) + 1 - _NAMED
    if more < 2:
        return names
    shown = ", ".join([first, *others[: _NAMED - 1]])
    return catalogue.text("basis.more", names=shown, count=more)


@dataclass(frozen=True, slots=True)
class Basis:
    """The data that a score rests on."""

    rows: int
    of: str
    """The kind of row, in the plural: ``sentences``, ``texts``, ``pairs``."""
    data: str
    """Name of the file or files, or ``held out of FILE``."""
    roles: tuple[str, ...] = ()
    """``VALIDATION`` and so on, where the same rows also chose something of the model."""

    def __str__(self) -> str:
        return self.words(_ENGLISH)

    def words(self, catalogue: Catalogue) -> str:
        """Return rows, data and role in words."""
        of = self.of[:-1] if self.rows == 1 else self.of
        key = "basis.rows" if not self.data else "basis"
        said = catalogue.text(
            "basis.held" if self.data.startswith(_HELD) else key,
            rows=f"{self.rows:,}",
            of=catalogue.known(f"of.{of}", of),
            data=_shortened(self.data.removeprefix(_HELD), catalogue),
        )
        role = self.role(catalogue)
        return catalogue.text("basis.role", basis=said, role=role) if role else said

    def role(self, catalogue: Catalogue) -> str:
        """Return what the data had been used for, in words."""
        chosen = [each for each in _CHOSEN if each in self.roles]
        others = [each for each in self.roles if each not in _CHOSEN]
        kinds = [*others, *([".".join(chosen)] if chosen else [])]
        return ", ".join(catalogue.known(f"role.{each}", each) for each in kinds)

    @property
    def remark(self) -> str:
        """Return why the figures are uncertain, or nothing where there are enough rows."""
        return self.doubts(_ENGLISH)

    def doubts(self, catalogue: Catalogue) -> str:
        """Return ``remark`` in the catalogue's language."""
        said = [catalogue.text("remark.seen")] if TRAINED_ON in self.roles else []
        if self.rows < FEW:
            said.append(catalogue.text("remark.few", few=FEW))
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, which stand among those of a score."""
        found: dict[str, Any] = {"rows": self.rows, "of": self.of, "data": self.data}
        roles = list(self.roles)
        more = {"roles": roles, "role": self.role(_ENGLISH), "remark": self.remark}
        return found | {name: value for name, value in more.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Basis | None":
        """Return the basis among a score's values; None where they name no rows."""
        rows, roles = data.get("rows"), data.get("roles")
        if not isinstance(rows, int):
            return None
        kinds = tuple(map(str, cast("list[Any]", roles))) if isinstance(roles, list) else ()
        return cls(rows, str(data.get("of", "")), str(data.get("data", "")), kinds)


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
    scores: Mapping[str, Score], data: str, rows: int, of: str, *, roles: Sequence[str] = ()
) -> dict[str, Score]:
    """Return the scores with what they were measured on: ``rows`` rows of ``data``."""
    basis = Basis(rows, of, data, tuple(roles))
    return {name: replace(score, basis=basis) for name, score in scores.items()}


def in_role(scores: Mapping[str, Score], *roles: str) -> dict[str, Score]:
    """Return the scores, saying what their data had been used for: ``VALIDATION``."""
    return {
        name: replace(score, basis=score.basis and replace(score.basis, roles=roles))
        for name, score in scores.items()
    }


_ERRORS = ("aer", "ter", "mse", "mae", "rmse", "ece", "hamming_loss")


def lower_is_better(metric: str) -> bool:
    """Return whether a smaller value of ``metric`` is a better one."""
    return "perplexity" in metric or metric.startswith("bits_per") or metric in _ERRORS
