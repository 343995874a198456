"""Options of a chain."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from munmaek.models.configuration import Config
from munmaek.models.ngram.smoothing import ModifiedKneserNey, Smoothing, StupidBackoff
from munmaek.ngram import MAX_ORDER

__all__ = ["NgramConfig"]


class NgramConfig(Config):
    """Options of the chain."""

    order: int = Field(default=5, ge=1, le=MAX_ORDER)
    """n: a token is predicted from the n−1 before it."""
    kenlm_compatible: bool = False
    """Estimate discounts as KenLM's lmplz does, with the last n-gram of each lower order raw."""
    smoothing: Smoothing = ModifiedKneserNey()
    """The share of words that were not seen after a context; ``witten-bell``, ``add-k:0.1``, …"""
    prune: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Raw counts up to which n-grams are left out, one for each order; the last goes on."""
    prune_entropy: float = Field(default=0.0, ge=0, lt=1)
    """Leave out n-grams that lower the perplexity by less than this share (Stolcke 1998)."""

    @field_validator("prune")
    @classmethod
    def _check_prune(cls, thresholds: tuple[int, ...]) -> tuple[int, ...]:
        if thresholds and thresholds[0]:
            raise ValueError(
                "begins with the unigrams, which stay: write 0 first, or limit the vocabulary"
            )
        if list(thresholds) != sorted(thresholds):
            raise ValueError("falls; a longer n-gram needs at least the threshold of a shorter")
        return thresholds

    @model_validator(mode="after")
    def _check_together(self) -> "NgramConfig":
        if len(self.prune) > self.order:
            message = f"prune has {len(self.prune)} thresholds for order {self.order}"
            raise ValueError(message)
        if self.prune_entropy and not self.is_distribution:
            raise ValueError("prune_entropy needs probabilities; stupid-backoff has scores")
        return self

    @property
    def is_distribution(self) -> bool:
        """Return true where probabilities sum to 1; all but plain Stupid Backoff."""
        return not isinstance(self.smoothing, StupidBackoff) or self.smoothing.normalised

    @property
    def is_plain(self) -> bool:
        """Return true for the default smoothing of all n-grams, which has a fast way of its own."""
        return isinstance(self.smoothing, ModifiedKneserNey) and not self.is_pruned

    @property
    def is_pruned(self) -> bool:
        """Return true where n-grams of the text are left out."""
        return any(self.prune) or self.prune_entropy > 0

    @property
    def label(self) -> str:
        """Return what people call the model: ``5-gram``, ``3-gram (witten-bell, pruned)``."""
        default = type(self).model_fields["smoothing"].get_default(call_default_factory=True)
        name = self.smoothing.name
        how = [*[name] * (name != default.name), *["pruned"] * self.is_pruned]
        return f"{self.order}-gram" + (f" ({', '.join(how)})" if how else "")
