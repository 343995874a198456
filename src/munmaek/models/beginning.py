"""Beginning a network from a trained one of its stage; a stage's row names what differs."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

__all__ = ["Beginning"]


class Beginning:
    """Begins a network from one of the same stage and task, with all its weights."""

    hint: ClassVar[str] = ""
    """Other models that can be begun from one another, for messages."""
    keeps_vocabulary: ClassVar[bool] = False
    """A network has as many embeddings as the one that it begins from."""

    def carried(self, config: Mapping[str, Any], *, before: str, task: str) -> dict[str, Any]:
        """Return options that a model for ``task`` takes over from one for ``before``.

        For the same task all are, but those of dropout, which every run chooses anew.
        """
        if before != task:
            return {}
        return {name: value for name, value in config.items() if "dropout" not in name}

    def weights(
        self, network: Any, other: Any, *, before: str, task: str
    ) -> Callable[[], object] | None:
        """Return what copies the weights of ``other`` into ``network``; None where it cannot.

        Args:
            network: the new one, for ``task``.
            other: the trained one, for ``before``.
            before: the task of the trained one.
            task: the task of the new one.
        """
        if before != task:
            return None
        return lambda: network.load_state_dict(other.state_dict())
