"""An encoder for a page, with a head for masked words or without."""

from typing import TYPE_CHECKING

from munmaek.errors import UnsupportedError
from munmaek.tasks.living import LivingParts, framed_settings

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder

__all__ = ["living", "living_embedder"]


def living(model: "Encoder", name: str) -> LivingParts:
    """Return the parts of a network that fills masks.

    Raises:
        UnsupportedError: it has no head for that.
    """
    if not model.fills:
        message = f"{name}: has no head for masked words, and a living page of this task fills them"
        raise UnsupportedError(message)
    return LivingParts(model.network, model.tokenizer, settings=framed_settings(model))


def living_embedder(model: "Encoder", name: str) -> LivingParts:
    """Return the parts of a network that embeds.

    Raises:
        UnsupportedError: it has prompts or modules after pooling, or a head for masked words.
    """
    if not model.sentence.plain or model.fills:
        message = f"{name}: a living page pools vectors and knows no prompts or modules after that"
        raise UnsupportedError(message)
    settings = {"pooling": model.pooling, "normalised": model.normalised}
    return LivingParts(
        model.network, model.tokenizer, settings={**framed_settings(model), **settings}
    )
