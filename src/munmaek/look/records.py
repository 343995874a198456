"""One sentence through a model, kept as a record that any page can draw.

A record is one JSON object with its tensors as base64 (``munmaek.look.packing``), so that it
outlives the model, travels, and is read without this package. ``docs/records.md`` describes every
field. ``VERSION`` grows when the form changes.

Letters: H heads, R rows, C columns.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from munmaek.arrays import Float32s
from munmaek.errors import ArtefactError
from munmaek.folder.schema import one_line
from munmaek.look.packing import Packed, pack_float16, pack_uint8, unpack
from munmaek.tasks.inside import Axis, Side
from munmaek.text.json_files import parse_json

__all__ = [
    "IMPOSSIBLE",
    "ROOM",
    "VERSION",
    "Attention",
    "Gates",
    "Part",
    "Record",
    "StepLine",
    "Stepper",
    "Steps",
    "Summary",
    "fitted",
]

VERSION = 2

IMPOSSIBLE = 1e4
"""Nats that stand for what is impossible, which JSON has no number for."""
ROOM = 3_400_000
"""Characters that the tensors of one record may take in a page of its own."""

SHORT = 60
"""Characters of a text in a record's name."""

Part = Literal["self", "cross", "pool", "align"]


@dataclass(frozen=True, slots=True)
class Stepper:
    """Names of the tensors that one word's new vector is computed from, [H R K] and [H C K]."""

    queries: str
    keys: str
    values: str
    scores: str
    """[H R C]: q·k / √K before mask and softmax."""
    context: str
    """[H R K]: weights times values."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One value for each head."""

    entropy: tuple[float, ...] = ()
    """Mean over rows, in nats; rows of special tokens are left out."""
    roles: tuple[str, ...] = ()
    importance: tuple[float | None, ...] = ()
    special: tuple[float, ...] = ()
    """Share of the weight that goes to special tokens."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One attention of the network, all its heads."""

    name: str
    """The name of the network's part: ``encoder.layer.0.self``."""
    part: Part
    layer: int
    heads: int
    tensor: str
    """[H R C], rows summing to 1."""
    rows: Axis
    columns: Axis
    causal: bool = False
    """No row sees a column after it."""
    reading: Literal["output-step", "input-step"] | None = None
    """Between a translation and its source: row i is the step that predicts output i."""
    stepper: Stepper | None = None
    summary: Summary = field(default_factory=Summary)


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of a recurrent layer: tensors [R U] by the gate's name, U hidden units."""

    layer: str
    names: Mapping[str, str]
    rows: Axis


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of a derivation; see ``munmaek.nn.tape.Line``."""

    what: str
    symbol: str
    formula: str
    tensor: str
    each: Literal["row", "column", "pair", "score", "all"]
    heads: bool = False
    """The tensor has heads before its other axes."""
    width: int = 0
    """Numbers of each value; a tensor with fewer holds the first of them."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The derivation of one part of the network, every number of it."""

    name: str
    """The part: ``attention``, ``layer.0.self``, ``encoder.layer.0.forward``."""
    rows: Axis
    columns: Axis
    lines: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One sentence through one model."""

    model: str
    """The model's folder or name."""
    label: str
    """The model's name for people, such as ``LSTM``."""
    task: str
    stage: str
    text: str
    source: Side
    target: str | None = None
    """The translation that was looked at, given or the model's own."""
    output: Side | None = None
    """The side that is predicted: the translation; of a language model the text up to </s>."""
    written: Side | None = None
    """The side that the decoder read: ``<s>`` and the output but its last piece."""
    logprobs: tuple[float, ...] = ()
    """Nats of each output piece."""
    unit: str = "nats"
    """Unit of what measures the prediction: nats, or that of the number that is predicted."""
    tensors: Mapping[str, Float32s] = field(default_factory=dict[str, Float32s])
    attentions: tuple[Attention, ...] = ()
    rollout: str | None = None
    gold: Mapping[str, Any] | None = None
    measures: Mapping[str, Any] = field(default_factory=dict[str, Any])
    gates: tuple[Gates, ...] = ()
    steps: tuple[Steps, ...] = ()
    """Derivations line by line, in the order of computing."""
    next: Sequence[Sequence[Sequence[Any]]] = ()
    """The likeliest tokens in the place of each output piece, with their probabilities."""
    ngram: Mapping[str, Any] | None = None
    beam: Mapping[str, Any] | None = None
    filled: Sequence[Mapping[str, Any]] = ()
    probabilities: Sequence[Sequence[Any]] = ()
    tags: Sequence[Mapping[str, Any]] = ()
    """The label of each word."""
    segments: tuple[int, ...] | None = None
    notices: tuple[str, ...] = ()
    """Lines that the reader should see: what was cut, what a figure cannot say."""
    off: tuple[tuple[str, int], ...] = ()
    """Heads that were switched off: name of the attention, head from 0."""
    outcome: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The model's answer, in the shapes of the command line's ``--json``."""
    id: str = ""

    def to_dict(self, *, room: int | None = ROOM) -> dict[str, Any]:
        """Return plain values; tensors as base64, in at most ``room`` characters.

        Float16 where it fits; else attention weights as uint8; else without the numbers of the
        stepper and the gates, which ``notices`` then says. Weights are never left out.
        """
        packed, lost = fitted(self, room)
        data = self.describe(lost=lost)
        return data | {"tensors": {name: each.to_json() for name, each in packed.items()}}

    def describe(self, *, lost: Sequence[str] = ()) -> dict[str, Any]:
        """Return plain values of all but the tensors; those ``lost`` are named nowhere."""
        missing = set(lost)
        attentions = [asdict(each) for each in self.attentions]
        for each in attentions:
            if each["stepper"] is not None and missing.intersection(each["stepper"].values()):
                each["stepper"] = None
        gates = [asdict(each) for each in self.gates if not missing & set(each.names.values())]
        steps = [
            asdict(each) for each in self.steps if not missing & {x.tensor for x in each.lines}
        ]
        notices = [*self.notices, *([_LOST] if missing else [])]
        described = {
            "munmaek_record": VERSION,
            "id": self.id,
            "model": self.model,
            "label": self.label,
            "task": self.task,
            "stage": self.stage,
            "text": self.text,
            "target": self.target,
            "source": self.source.to_json(),
            "output": None if self.output is None else self.output.to_json(),
            "written": None if self.written is None else self.written.to_json(),
            "logprobs": list(self.logprobs),
            "unit": self.unit,
            "attentions": attentions,
            "rollout": self.rollout,
            "gold": self.gold,
            "measures": dict(self.measures),
            "gates": gates,
            "steps": steps,
            "next": [[list(pair) for pair in row] for row in self.next],
            "ngram": self.ngram,
            "beam": self.beam,
            "filled": list(self.filled),
            "probabilities": list(self.probabilities),
            "tags": list(self.tags),
            "segments": None if self.segments is None else list(self.segments),
            "notices": notices,
            "off": [list(each) for each in self.off],
            "outcome": dict(self.outcome),
        }
        return {name: _writable(value) for name, value in described.items()}

    def to_json(self, *, room: int | None = ROOM) -> str:
        """Return ``to_dict`` as one line of JSON; numbers that JSON cannot hold are refused."""
        return json.dumps(self.to_dict(room=room), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "the record") -> "Record":
        """Read what ``to_json`` wrote; tensors come back as float32, rounded as packed.

        Args:
            text: one JSON object.
            where: the file it came from, for the message.

        Raises:
            ArtefactError: not a record, of another version, or damaged.
        """
        try:
            raw = parse_json(text)
            version = raw["munmaek_record"]
            newer = version > VERSION
        except (ValueError, KeyError, TypeError) as error:  # also of other things than objects
            message = f"{where}: not a record of munmaek look; write it again with 'munmaek look'"
            raise ArtefactError(message) from error
        if version != VERSION:
            advice = "upgrade munmaek" if newer else "write it again with 'munmaek look --json'"
            order = "newer" if newer else "older"
            message = (
                f"{where}: version {version} is {order} than {VERSION}, the one read; {advice}"
            )
            raise ArtefactError(message)
        try:
            return _record(raw)
        except ValueError as error:
            why = one_line(error) if isinstance(error, ValidationError) else str(error)
            message = f"{where}: damaged ({why}); write it again with 'munmaek look --json'"
            raise ArtefactError(message) from None

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= SHORT else f"{self.text[:SHORT]}…"
        parts = {"attentions": self.attentions, "gates": self.gates, "steps": self.steps}
        held = ", ".join(f"{len(each)} {name}" for name, each in parts.items() if each)
        return f"<Record of {self.label} ({self.task}): {text!r}{held and f'; {held}'}>"

    def _repr_html_(self) -> str:
        from munmaek.look.notebook import show  # the page draws records, so it stands above them

        return show(self).html


_LOST = (
    "Queries, keys, values, gates and derivations are left out of this file for its size; "
    "'munmaek look MODEL' without -o shows them."
)


def fitted(record: Record, room: int | None) -> tuple[dict[str, Packed], list[str]]:
    """Return the tensors packed for ``room`` characters, and the names of those left out."""
    packed = {name: pack_float16(each) for name, each in record.tensors.items()}
    if room is None or _size(packed) <= room:
        return packed, []
    weights = {each.tensor for each in record.attentions}
    for each in record.attentions:
        packed[each.tensor] = pack_uint8(record.tensors[each.tensor])
    if _size(packed) <= room:
        return packed, []
    lost = [*_steppers(record), *(name for each in record.gates for name in each.names.values())]
    lost += [name for name in _stepped(record) if name not in weights]
    for name in lost:
        packed.pop(name, None)
    return packed, lost


def _steppers(record: Record) -> list[str]:
    made: list[str] = []
    for each in record.attentions:
        if each.stepper is not None:
            made += asdict(each.stepper).values()
    return made


def _stepped(record: Record) -> list[str]:
    return [line.tensor for each in record.steps for line in each.lines]


def _size(packed: Mapping[str, Packed]) -> int:
    return sum(4 * -(-len(each.data) // 3) for each in packed.values())


class _Form(BaseModel):
    """A record besides its tensors, as ``Record`` has it."""

    model_config = ConfigDict(protected_namespaces=(), allow_inf_nan=False)

    id: str
    model: str
    label: str
    task: str
    stage: str
    text: str
    target: str | None
    source: Side
    output: Side | None
    written: Side | None
    logprobs: tuple[FiniteFloat, ...]
    unit: str = "nats"
    attentions: tuple[Attention, ...]
    rollout: str | None
    gold: dict[str, Any] | None
    measures: dict[str, Any]
    gates: tuple[Gates, ...]
    steps: tuple[Steps, ...] = ()
    next: list[list[list[Any]]] = []
    ngram: dict[str, Any] | None
    beam: dict[str, Any] | None
    filled: list[dict[str, Any]]
    probabilities: list[list[Any]]
    tags: list[dict[str, Any]] = []
    segments: tuple[int, ...] | None
    notices: tuple[str, ...]
    off: tuple[tuple[str, int], ...]
    outcome: dict[str, Any]
    tensors: dict[str, dict[str, Any]]


def _writable(value: Any) -> Any:
    """Return plain values in which what is impossible has the log-probability −``IMPOSSIBLE``."""
    if isinstance(value, float):
        return -IMPOSSIBLE if value == -math.inf else value
    if isinstance(value, dict):
        return {name: _writable(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_writable(each) for each in cast("Sequence[Any]", value)]
    return value


def _record(raw: Any) -> Record:
    form = _Form.model_validate(raw)
    json.dumps(raw, allow_nan=False)  # refuses numbers that a page could not be given
    read = {name: getattr(form, name) for name in _Form.model_fields}
    read["tensors"] = {
        name: unpack(Packed.from_json(each, name=name)) for name, each in form.tensors.items()
    }
    record = Record(**read)
    for name in _drawn(record):
        if name not in record.tensors:
            message = f"there is no tensor '{name}'"
            raise ValueError(message)
    return record


def _drawn(record: Record) -> Iterator[str]:
    """Yield the names of the tensors that a page draws."""
    yield from (each.tensor for each in record.attentions)
    yield from _steppers(record)
    yield from _stepped(record)
    yield from (name for each in record.gates for name in each.names.values())
    if record.rollout is not None:
        yield record.rollout
