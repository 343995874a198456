"""A classifier for a page."""

from typing import TYPE_CHECKING, Any

from munmaek.errors import UnsupportedError
from munmaek.models.ngram import CountedClassifier
from munmaek.tasks.living import LivingParts, framed_settings

if TYPE_CHECKING:
    from munmaek.tasks.classify.model import Classifier

__all__ = ["living"]


def living(model: "Classifier", name: str) -> LivingParts:
    """Return the parts of a network, or of the chains of all labels."""
    del name  # every classifier can
    inner: Any = model.model
    if isinstance(inner, CountedClassifier) and inner.several:
        message = (
            "--live: a page has no n-grams of several labels a text; look without --live shows "
            "them, and a page has those of one label, or another stage"
        )
        raise UnsupportedError(message)
    settings = {
        **framed_settings(model),
        "labels": list(model.labels),
        "temperature": model.temperature,
        "several": model.several,
        "bos": model.tokenizer.bos,
        "eos": model.tokenizer.eos,
    }
    network: Any = inner if isinstance(inner, CountedClassifier) else inner.network
    return LivingParts(network, model.tokenizer, settings=settings)
