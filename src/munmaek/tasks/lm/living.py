"""A language model for a page."""

from typing import TYPE_CHECKING, Any, cast

from munmaek.errors import UnsupportedError
from munmaek.models.ngram import NgramModel
from munmaek.tasks.living import LivingParts

if TYPE_CHECKING:
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = ["living"]


def living(model: "TrainedLanguageModel", name: str) -> LivingParts:
    """Return the parts of a network or of a chain.

    Raises:
        UnsupportedError: a mixture, which has neither.
    """
    tokenizer, inner = model.tokenizer, cast("Any", model.model)
    ends = {"bos": tokenizer.bos, "eos": tokenizer.eos}
    if isinstance(inner, NgramModel):
        interpolated = inner.config.smoothing.interpolated
        return LivingParts(inner, tokenizer, settings={**ends, "interpolated": interpolated})
    if not model.has_network:
        message = f"{name}: a mixture; a living page takes each of its models by itself"
        raise UnsupportedError(message)
    return LivingParts(inner.network, tokenizer, settings={**ends, "first": inner.bos})
