"""The tokenizer that a recipe asks for: learned from the text, or taken from another model."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ConfigError
from munmaek.fit.recipe import Recipe
from munmaek.folder.borrowing import borrowed_tokenizer, tokenizers_of
from munmaek.text.tokenizers import KINDS, Tokenizer, train_tokenizer

__all__ = ["begun_with", "make_tokenizer", "own_tokenizer", "tokenizer_of"]


def make_tokenizer(
    texts: Iterable[str], recipe: Recipe, *, source: bool = False, kind: str | None = None
) -> Tokenizer:
    """Learn the recipe's tokenizer from ``texts``, or read that of the model it names.

    Args:
        texts: training text only.
        recipe: says which.
        source: it is for the source of a translator.
        kind: another kind, or another model's folder, than the recipe's ``tokenizer``.

    Raises:
        ConfigError: a size that is too small, or given with a tokenizer that is not learned here.
        InputError: no text.
        UnsupportedError: morphemes without Kiwi, or a model without a tokenizer for this task.
    """
    chosen = kind or recipe.tokenizer
    if chosen in KINDS:
        return train_tokenizer(
            texts, kind=chosen, vocab_size=recipe.vocab_size, min_count=recipe.min_count
        )
    for name in ("vocab_size", "min_count"):
        if name in recipe.model_fields_set:
            message = f"{name} is of a tokenizer that is learned here; {chosen} brings its own"
            raise ConfigError(message)
    return borrowed_tokenizer(Path(chosen), task=recipe.task, source=source)


def own_tokenizer(init: Any) -> Tokenizer | None:
    """Return the one tokenizer of ``init``; None of no model, and of one that has two or none."""
    found = () if init is None else tokenizers_of(init)
    # A checkpoint's tokenizer answers to the same names.
    return cast("Tokenizer", found[0]) if len(found) == 1 else None


def begun_with(recipe: Recipe, init: Any) -> tuple[Tokenizer, ...]:
    """Return the tokenizers that a run of ``recipe`` takes over from ``init``; none makes its own.

    Raises:
        ConfigError: the recipe asks for another kind than that of ``init``.
    """
    found = () if init is None else tokenizers_of(init)
    asked = recipe.tokenizers
    if not set(KINDS).issuperset(asked):
        return ()
    for own, kind in zip(found, asked[2 - len(found) :], strict=True):
        if "tokenizer" in recipe.model_fields_set and own.kind != kind:
            message = (
                f"--tokenizer {kind}: what this begins from reads with {own.signature}, and goes "
                "on with it; leave --tokenizer out"
            )
            raise ConfigError(message)
    return cast("tuple[Tokenizer, ...]", found)


def tokenizer_of(recipe: Recipe, init: Any) -> Tokenizer | None:
    """Return the one tokenizer that a run takes over from ``init``; None makes the recipe's own.

    Raises:
        ConfigError: the recipe asks for another kind than that of ``init``.
    """
    found = begun_with(recipe, init)
    return found[0] if len(found) == 1 else None
