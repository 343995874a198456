"""Options of a chain."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from munmaek.models.configuration import Config
from munmaek.models.ngram.smoothing import ModifiedKneserNey, Smoothing, StupidBackoff
from munmaek.models.searched import Searched
from munmaek.ngram.tables import MAX_ORDER

__all__ = ["NgramConfig"]


def _numbers(written: Any) -> Any:
    """Return the numbers of ``0 0 1`` or ``0,0,1``; anything else as it is.

    Raises:
        ValueError: a part that is no whole number.
    """
    if not isinstance(written, str):
        return written
    parts = written.replace(",", " ").split()
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("wanted whole numbers with spaces between, such as '0 0 1'")
    return tuple(map(int, parts))


class NgramConfig(Config):
    """Options of the chain."""

    options: ClassVar[dict[str, str]] = {
        "order": "order",
        "smoothing": "smoothing",
        "prune": "prune",
        "prune-entropy": "prune_entropy",
        "kenlm-compatible": "kenlm_compatible",
        "discriminative": "discriminative",
    }

    order: Annotated[int, Searched(1, 6)] = Field(default=5, ge=1, le=MAX_ORDER)
    """Longest n-gram counted: a token is predicted from the n−1 before it."""
    kenlm_compatible: bool = False
    """Estimate discounts as KenLM's lmplz does, with the last n-gram of each lower order raw."""
    smoothing: Annotated[
        Smoothing,
        Searched(choices=("modified-kneser-ney", "kneser-ney", "witten-bell", "absolute")),
    ] = Field(default="modified-kneser-ney", validate_default=True)
    """Smoothing of what was not seen after a context: modified-kneser-ney, kneser-ney[:D],
    absolute[:D], witten-bell, add-k[:K], maximum-likelihood or stupid-backoff[:FACTOR]."""
    prune: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_numbers)] = ()
    """Leave out n-grams with at most so many occurrences, a number for each order (0 0 1), the last
    for longer ones too."""
    prune_entropy: float = Field(default=0.0, ge=0, lt=1)
    """Leave out n-grams that improve the perplexity by less than this share, such as 1e-8 (Stolcke
    1998)."""
    discriminative: bool = False
    """Learn what tells labels apart, a weight of each n-gram (log-linear, by TF-IDF), instead of
    Bayes' rule over a chain for each label (classify)."""
    penalty: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    """Penalty on the squared weights of discriminative n-grams."""

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
        if self.discriminative and (self.prune_entropy or self.kenlm_compatible or self._is_other):
            raise ValueError(
                "discriminative weights have no smoothing: leave smoothing, prune_entropy and "
                "kenlm_compatible out"
            )
        return self

    @property
    def _is_other(self) -> bool:
        """Return whether the smoothing is not the default one."""
        return self.smoothing.name != type(self).model_fields["smoothing"].default

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
        name = self.smoothing.name
        how = [
            *[name] * self._is_other,
            *["log-linear"] * self.discriminative,
            *["pruned"] * self.is_pruned,
        ]
        return f"{self.order}-gram" + (f" ({', '.join(how)})" if how else "")
