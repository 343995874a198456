"""Options of a language model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from munmaek.errors import ConfigError
from munmaek.models import stage_named
from munmaek.tasks.asked import AskedSentences
from munmaek.tasks.recipe import Texts

__all__ = ["AskedLines", "LmRecipe"]


class LmRecipe(Texts):
    """Options of language models."""

    counted_only: ClassVar[tuple[str, ...]] = ("keep_text",)
    training: ClassVar[tuple[str, ...]] = (
        "batch_size",
        "sequence_length",
        "activation_regularisation",
        "temporal_activation_regularisation",
    )

    context: Literal["sentence", "document"] = "sentence"
    """Places where a recurrent state begins anew: at each sentence, or nowhere in a document."""
    batch_size: int = Field(default=20, ge=1)
    """Batch size of documents: parts that are read side by side, each a row."""
    sequence_length: int = Field(default=70, ge=6)
    """Sequence length of documents in tokens, over which gradients go back (truncated BPTT)."""
    activation_regularisation: float = Field(default=0.0, ge=0)
    """Weight of the hidden states' mean square in the loss (Merity et al. 2018, §4.3, α)."""
    temporal_activation_regularisation: float = Field(default=0.0, ge=0)
    """Weight of the hidden states' mean squared change in the loss (Merity et al. 2018, §4.3,
    β)."""
    keep_text: bool | None = None
    """Keep the training text with the model, for lookup and add; without it, where it is smaller
    than the tables."""

    @property
    def goes_on(self) -> bool:
        """Return true where a state runs on from line to line."""
        return self.context == "document"

    def check_options(self, where: str) -> None:
        """Check that a document has a state that runs on, and that no labels are wanted.

        Raises:
            ConfigError: the stage reads sentence by sentence, or n-grams are discriminative.
        """
        if self.model.get("discriminative"):
            message = f"{where}: discriminative n-grams tell labels apart; for task 'classify'"
            raise ConfigError(message)
        if self.context == "document" and not stage_named(self.stage).recurrent:
            message = (
                f"{where}: context = 'document' is for rnn language models; "
                f"'{self.stage}' reads sentence by sentence"
            )
            raise ConfigError(message)


class AskedLines(AskedSentences):
    """Options of an evaluation of language models."""

    context: Literal["sentence", "document"] | None = None
    """Places where a network begins anew: at each sentence, or nowhere in a document; without it as
    it was trained."""
    cache: bool = False
    """Measure it with a neural cache too; needs --tune."""
    cache_size: int = Field(default=2000, ge=1)
    """Tokens that the cache remembers."""
    dynamic: bool = False
    """Measure it with dynamic evaluation too; needs --tune."""
    mix: Path | None = None
    """Folder of a model of the same tokenizer to measure it mixed with too; needs --tune."""
    tune: Sequence[str | Path] | Any = None
    """Text on which cache, rates and weights are chosen, as files or in memory; never the data."""
