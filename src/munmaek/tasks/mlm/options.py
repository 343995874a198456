"""Options of a masked language model."""

from typing import ClassVar

from pydantic import Field

from munmaek.errors import ConfigError
from munmaek.tasks.asked import AskedPairs, AskedSentences
from munmaek.tasks.recipe import Bounded, Texts

__all__ = ["AskedMasked", "MlmRecipe"]


class MlmRecipe(Texts, Bounded):
    """Options of masked language models."""

    training: ClassVar[tuple[str, ...]] = (
        "mask_rates",
        "causal_warmup_epochs",
        "whole_words",
        "next_sentence",
    )

    mask_rates: tuple[float, ...] = (0.15,)
    """Share of the words masked in each epoch, 0 to 1; the last holds for all later ones (Devlin et
    al. 2019, §3.1; falling as in Ankner et al. 2024)."""
    causal_warmup_epochs: float = Field(default=0.0, ge=0)
    """Causal warm-up in epochs, which predict left to right before masks begin."""
    whole_words: bool = True
    """Mask whole words rather than subwords."""
    next_sentence: bool = False
    """Learn too whether one text follows another, of documents with empty lines between (Devlin et
    al. 2019, §3.1)."""

    @property
    def holds_out_documents(self) -> bool:
        """Return true where texts are learned in their order."""
        return self.next_sentence

    def check_options(self, where: str) -> None:
        """Check that what stands beside a causal warm-up makes sense there.

        Raises:
            ConfigError: next sentences or patience stand there.
        """
        beside = {
            "next_sentence": (
                self.next_sentence,
                "a text that is read left to right says nothing of a later one",
            ),
            "patience": (
                self.train.get("patience") is not None,
                "validation hides words and gets no better until masks begin",
            ),
        }
        for name, (given, reason) in beside.items():
            if self.causal_warmup_epochs and given:
                message = (
                    f"{where}: causal_warmup_epochs and {name} do not go together, for {reason}; "
                    "leave one of them out"
                )
                raise ConfigError(message)


class AskedMasked(AskedSentences, AskedPairs):
    """Options of an evaluation of masked language models."""
