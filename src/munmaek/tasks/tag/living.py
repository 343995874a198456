"""A tagger for a page."""

from typing import TYPE_CHECKING

from munmaek.errors import UnsupportedError
from munmaek.tasks.living import LivingParts, framed_settings

if TYPE_CHECKING:
    from munmaek.tasks.tag.model import Tagger

__all__ = ["living"]


def living(model: "Tagger", name: str) -> LivingParts:
    """Return the parts of the network.

    Raises:
        UnsupportedError: a checkpoint that labels every piece rather than every word.
    """
    if not model.whole_words:
        message = f"{name}: labels pieces of words, and a living page labels words"
        raise UnsupportedError(message)
    settings = {**framed_settings(model), "labels": list(model.labels), "apart": model.apart}
    return LivingParts(model.network, model.tokenizer, settings=settings)
