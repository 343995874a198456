"""BERT and its family in Hugging Face's form."""

from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.models.bert import BertConfig
from munmaek.models.bert.huggingface import FAMILIES, from_huggingface, to_huggingface
from munmaek.models.bert.huggingface_config import huggingface_config
from munmaek.models.forms import Form

__all__ = ["BertForm"]

PROBLEMS = {"regress": "regression"}
"""``problem_type`` by task; without it one output would be taken for a label's score."""
HEADS = {
    "classify": "ForSequenceClassification",
    "regress": "ForSequenceClassification",
    "tag": "ForTokenClassification",
}
"""Hugging Face's names of classes after the family's name, by task."""


class BertForm(Form):
    """Weights and settings as ``transformers`` reads them."""

    def settings(
        self,
        *,
        task: str,
        stage: str,
        config: Mapping[str, Any],
        sizes: Mapping[str, Any],
        labels: Sequence[str],
        several: bool,
    ) -> dict[str, Any]:
        """Return the content of ``config.json`` in Hugging Face's schema."""
        del stage  # its schema has no place for it
        known = BertConfig.of(config)
        content = huggingface_config(
            known,
            vocab_size=sizes["vocab_size"],
            architecture=FAMILIES[known.family].classes + _head(task, sizes),
            labels=labels,
        )
        problem = "multi_label_classification" if several else PROBLEMS.get(task)
        return content if problem is None else {**content, "problem_type": problem}

    def outgoing(self, network: Any, weights: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the tensors under Hugging Face's names."""
        return to_huggingface(weights, family=network.config.family)

    def incoming(self, network: Any, weights: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return tensors that have Hugging Face's names under ours."""
        config = network.config
        tied = config.tie_word_embeddings
        return from_huggingface(weights, family=config.family, tied=tied)


def _head(task: str, sizes: Mapping[str, Any]) -> str:
    if "pooled" in sizes:
        return "Model"
    return "ForPreTraining" if sizes.get("next_sentence") else HEADS.get(task, "ForMaskedLM")
