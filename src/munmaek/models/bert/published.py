"""The networks that others publish: each head by the names of their classes, and its sizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from munmaek.models.bert.heads import (
    BertBaseNetwork,
    BertClassifierNetwork,
    BertMaskedNetwork,
    BertTaggerNetwork,
)

__all__ = ["BARE", "CLASSES", "HEADS", "STAGE", "Head", "head_of"]

STAGE = "bert"
"""The name of the row."""
CLASSES = ("Bert", "Roberta", "XLMRoberta", "Camembert", "Electra", "DistilBert")
"""First parts of the names of architectures; other names have networks of their own."""

Sizes = Callable[[Mapping[str, Tensor], int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Head:
    """A head that published weights have."""

    name: str
    """The name by which ``huggingface.FAMILIES`` knows it."""
    task: str
    """The task that such a network is trained for."""
    endings: tuple[str, ...]
    """Last parts of the names of architectures with it."""
    network: Any
    """The class of networks with it."""
    sizes: Sizes
    """Returns what the network is made with besides the vocabulary, of our weights and labels."""
    labelled: bool = False
    """Labels belong to it."""
    sign: str = ""
    """A weight that is there where the head is, though its name be given; empty for any."""
    embeds: bool = False
    """The vectors of a text come with it, and it need not be taken off to give them."""


def _masked(ours: Mapping[str, Tensor], _: int) -> dict[str, Any]:
    return {"next_sentence": True} if "relation.weight" in ours else {}


def _labelled(_: Mapping[str, Tensor], labels: int) -> dict[str, Any]:
    return {"label_count": labels}


def _bare(ours: Mapping[str, Tensor], _: int) -> dict[str, Any]:
    return {"pooled": "pooler.weight" in ours}


BARE = Head("base", "mlm", ("Model",), BertBaseNetwork, _bare, embeds=True)
"""The encoder alone."""

HEADS = (
    Head(
        "mlm",
        "mlm",
        ("ForMaskedLM", "ForPreTraining"),
        BertMaskedNetwork,
        _masked,
        sign="head.dense.weight",
        embeds=True,
    ),
    Head(
        "classify",
        "classify",
        ("ForSequenceClassification",),
        BertClassifierNetwork,
        _labelled,
        labelled=True,
    ),
    Head("tag", "tag", ("ForTokenClassification",), BertTaggerNetwork, _labelled, labelled=True),
    BARE,
)


def head_of(declared: Head | None, name: str, ours: Mapping[str, Tensor]) -> Head:
    """Return the head there is: an ELECTRA discriminator is called ForPreTraining and has none.

    Args:
        declared: the head that the architecture names; None where it names none.
        name: of the head that the weights' names speak of.
        ours: the weights under our names.
    """
    if declared is None:
        return next(head for head in HEADS if head.name == name)
    return declared if not declared.sign or declared.sign in ours else BARE
