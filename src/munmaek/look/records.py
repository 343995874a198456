"""What a model did with one sentence, kept as a record that any page can draw.

A record is JSON with its tensors as base64 of little-endian float16, so that it outlives the model,
travels, and is read without this package. ``VERSION`` grows when the form changes.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.artefact.inside import Inside
from munmaek.errors import ArtefactError

__all__ = ["VERSION", "Record"]

VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One sentence through one model."""

    model: str
    """The model's folder or name."""
    label: str
    """What the model is called for people, such as ``LSTM``."""
    text: str
    inside: Inside
    target: str | None = None
    """The translation that was asked about, or None where the model made its own."""
    outcome: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the model said, in the shapes of the command line's ``--json``."""

    def to_json(self) -> str:
        """The record as one JSON object."""
        return json.dumps(
            {
                "munmaek_record": VERSION,
                "model": self.model,
                "label": self.label,
                "text": self.text,
                "target": self.target,
                "outcome": dict(self.outcome),
                "task": self.inside.task,
                "stage": self.inside.stage,
                "tokens": list(self.inside.tokens),
                "words": list(self.inside.words),
                "target_tokens": list(self.inside.target_tokens),
                "target_words": list(self.inside.target_words),
                "logprobs": list(self.inside.logprobs),
                "extra": dict(self.inside.extra),
                "tensors": {name: _pack(value) for name, value in self.inside.tensors.items()},
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str, *, where: str = "the record") -> "Record":
        """The record that ``to_json`` wrote; tensors come back as float32, rounded to float16.

        Args:
            text: one JSON object.
            where: the file it came from, for the message.

        Raises:
            ArtefactError: not a record, or of a newer version.
        """
        try:
            raw = json.loads(text)
            version = raw["munmaek_record"]
        except (ValueError, KeyError, TypeError) as error:
            message = f"{where}: not a record of munmaek look; write it again with 'munmaek look'"
            raise ArtefactError(message) from error
        if version > VERSION:
            message = (
                f"{where}: version {version} is newer than {VERSION}, which this munmaek reads; "
                "upgrade munmaek"
            )
            raise ArtefactError(message)
        return cls(
            model=raw["model"],
            label=raw["label"],
            text=raw["text"],
            target=raw["target"],
            outcome=raw["outcome"],
            inside=Inside(
                task=raw["task"],
                stage=raw["stage"],
                tokens=tuple(raw["tokens"]),
                words=tuple(raw["words"]),
                target_tokens=tuple(raw["target_tokens"]),
                target_words=tuple(raw["target_words"]),
                logprobs=tuple(raw["logprobs"]),
                extra=raw["extra"],
                tensors={name: _unpack(value) for name, value in raw["tensors"].items()},
            ),
        )


def _pack(tensor: NDArray[Any]) -> dict[str, Any]:
    limit = float(np.finfo(np.float16).max)
    half = np.clip(np.nan_to_num(tensor), -limit, limit).astype("<f2")
    return {"shape": list(half.shape), "float16": base64.b64encode(half.tobytes()).decode("ascii")}


def _unpack(packed: Mapping[str, Any]) -> NDArray[np.float32]:
    flat = np.frombuffer(base64.b64decode(packed["float16"]), dtype="<f2")
    return flat.reshape(packed["shape"]).astype(np.float32)
