"""``config.json`` of BERT and its family, there and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.errors import ArtefactError
from munmaek.models.bert import BertConfig
from munmaek.models.bert.huggingface import ALIASES, FAMILIES

__all__ = ["bert_config", "huggingface_config"]

THEIR_DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "classifier_dropout": None,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
}
"""transformers 5.23, ``BertConfig``; ``RobertaConfig`` has the same."""
ELECTRA_DEFAULTS = {
    "embedding_size": 128,
    "hidden_size": 256,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
}
"""The defaults of ``ElectraConfig`` that differ."""
DISTILBERT_NAMES = {
    "dim": "hidden_size",
    "n_heads": "num_attention_heads",
    "n_layers": "num_hidden_layers",
    "hidden_dim": "intermediate_size",
    "activation": "hidden_act",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "seq_classif_dropout": "classifier_dropout",
}
DISTILBERT_DEFAULTS = {"num_hidden_layers": 6, "classifier_dropout": 0.2}
DISTILBERT_FIELDS = {
    **DISTILBERT_NAMES,
    "hidden_size": "hidden_size",
    "num_attention_heads": "num_attention_heads",
    "num_hidden_layers": "num_hidden_layers",
    "max_position_embeddings": "max_position_embeddings",
    "initializer_range": "initializer_range",
    "tie_word_embeddings": "tie_word_embeddings",
}
"""The fields that its class reads, with the other names that it has for some."""
ONLY: dict[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "add_cross_attention": (False,),
    "is_encoder_decoder": (False,),
    "pruned_heads": ({},),
    "per_layer_config": ({},),
    "quantization_config": (),
    "compression_config": (),
}
"""Fields that change what is computed, with the values that are read; null is as good as absent."""
OURS_ALONE = (
    "norm_first", "embedding_norm", "positions", "gated", "bias", "position_offset", "family",
    "embedding_size", "classifier_pooling",
)  # fmt: skip


def huggingface_config(
    config: BertConfig,
    *,
    vocab_size: int,
    architecture: str,
    labels: Sequence[str] = (),
    pad: int = 0,
) -> dict[str, Any]:
    """Return the content of a ``config.json`` that ``transformers.AutoModel`` opens.

    Args:
        config: the network's sizes.
        vocab_size: V.
        architecture: the class that opens it, such as ``BertForMaskedLM`` or
            ``BertForSequenceClassification``.
        labels: names of the classes, in the order of the scores.
        pad: the id that fills rows up.
    """
    classes: dict[str, Any] = {}
    if labels:
        classes["id2label"] = {str(number): name for number, name in enumerate(labels)}
        classes["label2id"] = {name: number for number, name in enumerate(labels)}
    # A modern stack under the name "bert" would open and compute something else.
    kind = config.family if config.published else "munmaek-bert-modern"
    kept = OURS_ALONE if config.published else ()
    sizes = config.model_dump(exclude=set(kept))
    if config.family == "electra":
        sizes["embedding_size"] = config.embedding_size or config.hidden_size
    if config.family == "distilbert":
        back = {value: name for name, value in DISTILBERT_NAMES.items()}
        sizes = {back.get(name, name): value for name, value in sizes.items()}
        if sizes["seq_classif_dropout"] is None:
            sizes["seq_classif_dropout"] = config.hidden_dropout_prob
    return {
        "architectures": [architecture],
        "model_type": kind,
        **sizes,
        "vocab_size": vocab_size,
        "pad_token_id": pad if config.family != "roberta" else config.position_offset - 1,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        **classes,
    }


def bert_config(values: Mapping[str, Any], *, where: str = "config.json") -> BertConfig:
    """Return the sizes that a Hugging Face ``config.json`` gives.

    Fields that the family's own class does not have, such as DistilBERT's ``layer_norm_eps``, are
    passed over as ``transformers`` does.

    Raises:
        ArtefactError: it is not of a BERT, or a field asks for what no network here computes.
        ConfigError: a size out of range.
    """
    kind = str(values.get("model_type"))
    family = ALIASES.get(kind, kind)
    if family not in FAMILIES:
        message = (
            f"{where}: model_type '{kind}' is not one that munmaek reads; "
            f"it reads {', '.join((*FAMILIES, *ALIASES))}"
        )
        raise ArtefactError(message)
    _check_unread(values, where)
    # Hugging Face's own defaults, for files that leave a field out.
    known: dict[str, Any] = {**THEIR_DEFAULTS, "family": family}
    names = {name: name for name in THEIR_DEFAULTS}
    if family == "distilbert":
        known |= {**DISTILBERT_DEFAULTS, "type_vocab_size": 0}
        names = DISTILBERT_FIELDS
    elif values.get("type_vocab_size") == 0:
        message = f"{where}: type_vocab_size = 0; a {kind} has one segment or more"
        raise ArtefactError(message)
    if family == "electra":
        known |= ELECTRA_DEFAULTS
        names["embedding_size"] = "embedding_size"
    if family == "roberta":
        known["position_offset"] = _padding(values, where) + 1
    known |= {names[name]: value for name, value in values.items() if name in names}
    return BertConfig.of(known, where=where)


def _check_unread(values: Mapping[str, Any], where: str) -> None:
    """Refuse fields that change numbers in a way that no network here knows.

    Raises:
        ArtefactError: there is one; names it.
    """
    for name, allowed in ONLY.items():
        value = values.get(name)
        if value is not None and value not in allowed:
            wanted = " or ".join(json.dumps(each) for each in allowed) or "none"
            message = f"{where}: {name} = {json.dumps(value)}; munmaek reads {wanted} only"
            raise ArtefactError(message)


def _padding(values: Mapping[str, Any], where: str) -> int:
    """Return the id whose place is before the first position."""
    pad = values.get("pad_token_id", 1)
    if not isinstance(pad, int) or isinstance(pad, bool) or pad < 0:
        message = f"{where}: pad_token_id = {json.dumps(pad)}; a whole number from 0 on is wanted"
        raise ArtefactError(message)
    return pad
