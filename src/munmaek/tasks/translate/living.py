"""A translator for a page."""

from typing import TYPE_CHECKING

from munmaek.tasks.living import LivingParts
from munmaek.tasks.translate.translation import never_written

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Translator

__all__ = ["living"]


def living(model: "Translator", name: str) -> LivingParts:
    """Return the parts of the network, with both tokenizers."""
    del name  # every translator can
    writer = model.target_tokenizer
    settings = {"limit": model.limit, "closed": list(never_written(writer))}
    return LivingParts(model.network, model.source_tokenizer, writer, settings=settings)
