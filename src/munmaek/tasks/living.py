"""A trained model as a page takes it along: the parts that a task's row tells apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from munmaek.tasks.framing import framing_of
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

__all__ = ["LivingParts", "framed_settings"]


@final
@dataclass(frozen=True, slots=True)
class LivingParts:
    """A network or tables, what gives it text, and what the task's twin in a page knows besides."""

    network: Any
    """The stage's row makes tensors of it."""
    reader: AnyTokenizer
    writer: AnyTokenizer | None = None
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


def framed_settings(model: Any) -> dict[str, Any]:
    """Return how a model that reads framed texts frames them."""
    framing = framing_of(model.info, model.tokenizer, model.limit)
    return {
        "frame": framing.frame.to_json(),
        "limit": framing.limit,
        "segments": framing.segments,
    }
