"""Beginning a BERT from another: its encoder goes on under any head (Devlin et al. 2019, §3)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from munmaek.models.beginning import Beginning
from munmaek.models.bert.heads import load_encoder, same_heads

__all__ = ["BertBeginning"]

_OWN = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
"""Options that every run chooses anew."""


class BertBeginning(Beginning):
    """Begins a BERT with the sizes, the vocabulary and the encoder of another."""

    hint: ClassVar[str] = "a bert to begin a bert classifier, regressor or tagger"
    keeps_vocabulary: ClassVar[bool] = True

    def carried(self, config: Mapping[str, Any], *, before: str, task: str) -> dict[str, Any]:  # noqa: ARG002
        """Return all sizes."""
        return {name: value for name, value in config.items() if name not in _OWN}

    def weights(
        self, network: Any, other: Any, *, before: str, task: str
    ) -> Callable[[], object] | None:
        """Return what copies the encoder, and the heads where they are the same."""
        if _has_another_head(network, other, task):
            return lambda: load_encoder(network, other.state_dict())
        if before != task:
            return None
        if hasattr(network, "classifier"):
            return super().weights(network, other, before=before, task=task)
        return lambda: network.load_state_dict(same_heads(network, other.state_dict()))


def _has_another_head(network: Any, other: Any, task: str) -> bool:
    """Return whether a pre-trained encoder gets a head of its own, or goes on without any."""
    if task in ("mlm", "embed"):
        return task == "embed"
    same = type(network) is type(other)
    return not (same and network.classifier.weight.shape == other.classifier.weight.shape)
