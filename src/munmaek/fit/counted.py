"""Parts that every way to an n-gram model shares."""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from munmaek.errors import MunmaekWarning, OrderError
from munmaek.fit.recipe import Recipe
from munmaek.folder.info import Info
from munmaek.models.ngram import NgramConfig
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.sequences import TokenIds
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Resources", "counted_info", "fitted", "ngram_sizes", "token_ids"]


M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Resources:
    """Threads, memory and disk that a computation may use; the result does not depend on them."""

    threads: int | None = None
    """Kernels side by side; by default one more than processors."""
    memory: int | None = None
    """Bytes that may be resident; more than that is worked off on disk. None has no limit."""
    temp_dir: Path | None = None
    """The folder of temporary files; by default beside the model."""
    pool: MemoryPool | None = None
    """The source of large arrays, where not all is worked off on disk."""


def fitted(recipe: Recipe, fit: Callable[[NgramConfig], M]) -> tuple[NgramConfig, M]:
    """Return what ``fit`` makes, and its configuration, with an order that the text allows.

    Args:
        recipe: what is counted; an order that it names is kept.
        fit: counts and smooths.

    Raises:
        OrderError: the recipe names an order that no sentence is long enough for.

    Warns:
        MunmaekWarning: the order that is taken instead of the usual one.
    """
    config: NgramConfig = recipe.stage_config()
    try:
        return config, fit(config)
    except OrderError as error:
        if "order" in recipe.model:
            raise
        lower = NgramConfig.of({**recipe.model, "order": error.longest})
        message = (
            f"{error.why}, so the order is {error.longest} instead of {config.order}, as none is "
            "given"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
        return lower, fit(lower)


def token_ids(vocab_size: int) -> TokenIds:
    """Return what an n-gram model takes from a tokenizer: no model predicts padding and mask."""
    return TokenIds(
        vocab_size,
        bos=Tokenizer.bos,
        eos=Tokenizer.eos,
        unk=Tokenizer.unk,
        excluded=(Tokenizer.pad, Tokenizer.mask),
    )


def ngram_sizes(vocab_size: int) -> dict[str, int]:
    """Return the sizes and ids that are kept with an n-gram model."""
    return {
        "vocab_size": vocab_size,
        "bos": Tokenizer.bos,
        "eos": Tokenizer.eos,
        "unk": Tokenizer.unk,
    }


def counted_info(
    recipe: Recipe,
    config: NgramConfig,
    sizes: Mapping[str, Any],
    parameters: int,
    began: float,
    data: Mapping[str, Any],
) -> Info:
    """Return the record of a model that was counted since ``began`` (``time.perf_counter``)."""
    return Info(
        task=recipe.task,
        stage=recipe.stage,
        label=config.label,
        config=config.model_dump(),
        sizes=sizes,
        parameters=parameters,
        seconds=time.perf_counter() - began,
        data=data,
    )
