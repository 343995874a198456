"""From token ids to an encoder that fills masked words."""

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.data.flat import lengths_of, token_counts
from munmaek.errors import MunmaekWarning
from munmaek.fit.network import (
    embedded_tokens,
    resolved_stage,
    some,
    train_network,
)
from munmaek.fit.running import Run
from munmaek.fit.trained import Trained
from munmaek.tasks.lm.data import Text
from munmaek.tasks.mlm.framed_rows import FramedRows, WordGroups
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.mlm.next_sentence import NextSentenceModelling, documents_of
from munmaek.tasks.mlm.objective import SAMPLED, MaskedModelling
from munmaek.tasks.mlm.options import MlmRecipe
from munmaek.tasks.recipe import Bounded
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

__all__ = [
    "fit_encoder",
    "masked_sizes",
    "masked_task",
    "within_positions",
]

B = TypeVar("B", bound=Bounded)


def fit_encoder(text: Text, recipe: MlmRecipe, run: Run) -> Encoder:
    """Train the recipe's stage to fill masked words of ``text``."""
    recipe = within_positions(recipe, run.init)
    tokenizer, task = text.tokenizer, masked_task(text, recipe)
    sizes = masked_sizes(tokenizer, recipe, run)
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        counts=token_counts(text.train, sizes["vocab_size"]),
        data=text.describe(),
        lengths=_read_lengths(text, recipe),
        tokenizers=(tokenizer,),
    )
    passes = info.training["epochs"]
    if 0 < passes <= recipe.causal_warmup_epochs:
        message = (
            f"the run ended after {passes:.2f} epochs, within the {recipe.causal_warmup_epochs:g} "
            "of the causal warm-up: no word was masked; give it more time, or fewer "
            "causal_warmup_epochs"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
    return Encoder(tokenizer, network, info, recipe.max_length)


def within_positions(recipe: B, init: Trained | None) -> B:
    """Return the recipe, reading no more tokens of a text than its network has positions for."""
    longest = getattr(resolved_stage(recipe, init), "longest", None)
    if longest is None or longest >= recipe.max_length:
        return recipe
    return recipe.model_copy(update={"max_length": longest})


def masked_sizes(tokenizer: AnyTokenizer, recipe: MlmRecipe, run: Run) -> dict[str, Any]:
    """Return what the network of ``masked_task`` is made with besides its configuration."""
    sizes: dict[str, Any] = {"vocab_size": embedded_tokens(tokenizer, run)}
    return {**sizes, "next_sentence": True} if recipe.next_sentence else sizes


def masked_task(text: Text, recipe: MlmRecipe) -> MaskedModelling | NextSentenceModelling:
    """Make the task of filling masked words of ``text``, maybe with that of following texts."""
    tokenizer = text.tokenizer
    if recipe.next_sentence:
        return NextSentenceModelling(
            train=documents_of(text.train),
            valid=documents_of(some(text.valid)),
            masking=_masking((), (), tokenizer, recipe),
            frame=tokenizer.frame,
            limit=recipe.max_length,
            begins=_beginnings(tokenizer) if recipe.whole_words else None,
        )

    train, valid = (
        FramedRows(rows, tokenizer.frame, recipe.max_length)
        for rows in (text.train, some(text.valid))
    )
    return _masking(train, valid, tokenizer, recipe)


def _read_lengths(text: Text, recipe: MlmRecipe) -> Int64s:
    """Return the tokens of each text that is not empty, as they are read: [N]."""
    lengths = lengths_of(text.train)
    return np.minimum(lengths[lengths > 0], recipe.max_length - 2) + 2


def _masking(
    train: Sequence[Sequence[int]],
    valid: Sequence[Sequence[int]],
    tokenizer: AnyTokenizer,
    recipe: MlmRecipe,
) -> MaskedModelling:
    order = None
    if recipe.causal_warmup_epochs and tokenizer.vocab_size > 2 * SAMPLED:
        order = np.argsort(-token_counts(train, tokenizer.vocab_size), kind="stable")
    return MaskedModelling(
        train=train,
        valid=valid,
        mask=tokenizer.mask,
        first_word=0,
        special=tokenizer.special_ids,
        vocab_size=tokenizer.vocab_size,
        words=WordGroups(train, _beginnings(tokenizer)) if recipe.whole_words else None,
        rates=recipe.mask_rates,
        causal_warmup_epochs=recipe.causal_warmup_epochs,
        order=order,
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
    )


def _beginnings(tokenizer: AnyTokenizer) -> NDArray[np.int64]:
    """Tell of each token whether a word begins with it, 0 or 1: [V]."""
    tokens = range(tokenizer.vocab_size)
    return np.array([tokenizer.begins_word(token) for token in tokens], dtype=np.int64)
