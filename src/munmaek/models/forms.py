"""The form of a stage's models in their folder: names of weights, and ``config.json``.

Most stages have our own form. One that others have a form for, as Hugging Face has for BERT, names
its own class in its row.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Form"]


class Form:
    """Our own form: weights under the names of the network's modules, and plain settings."""

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
        """Return the content of ``config.json``.

        Args:
            task: of the model.
            stage: its own.
            config: the stage's configuration, as plain values.
            sizes: what else the network is made with.
            labels: names of the classes, in the order of the scores.
            several: a text may have several of them.
        """
        del labels, several
        return {"stage": stage, "task": task, **config, **sizes}

    def outgoing(self, network: Any, weights: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the network's tensors under the names that they have in the folder."""
        del network
        return weights

    def incoming(self, network: Any, weights: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the folder's tensors under the names that they have in the network.

        Raises:
            ArtefactError: a tensor is missing, or there is one that the network has not.
        """
        del network
        return weights
