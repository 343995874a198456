"""Beginning a recurrent classifier from a language model (Howard & Ruder 2018, §3)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from munmaek.models.beginning import Beginning

__all__ = ["RnnBeginning"]

_CARRIED = ("cell", "embedding", "hidden", "layers", "scaled_embeddings")
_PAIR = ("lm", "classify")


class RnnBeginning(Beginning):
    """Begins a classifier with the embeddings and the recurrence of a language model."""

    hint: ClassVar[str] = "an rnn language model to begin an rnn classifier"

    def carried(self, config: Mapping[str, Any], *, before: str, task: str) -> dict[str, Any]:
        """Return the sizes of the language model that begins a classifier, or all options."""
        if (before, task) == _PAIR:
            return {name: config[name] for name in _CARRIED if name in config}
        return super().carried(config, before=before, task=task)

    def weights(
        self, network: Any, other: Any, *, before: str, task: str
    ) -> Callable[[], object] | None:
        """Return what copies all weights, or those that a language model and a classifier share."""
        if (before, task) == _PAIR:
            return lambda: network.begin_from(other)
        return super().weights(network, other, before=before, task=task)
