"""What every way to an n-gram model has in common."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munmaek.artefact.info import Info
from munmaek.models.ngram import NgramConfig
from munmaek.ngram.spare import Spare
from munmaek.recipe.settings import Recipe
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Means", "counted_info", "excluded_ids", "ngram_sizes"]


@dataclass(frozen=True, slots=True)
class Means:
    """What a computation may use; the result does not depend on it."""

    threads: int | None = None
    """Kernels side by side; by default one more than processors."""
    memory: int | None = None
    """Bytes that may be resident; more than that is worked off on disk. None has no limit."""
    temp_dir: Path | None = None
    """Where files are put meanwhile; by default beside the model."""
    spare: Spare | None = None
    """Where large arrays come from, where not all is worked off on disk."""


def ngram_sizes(tokenizer: Tokenizer) -> dict[str, int]:
    """What an n-gram model is told of its tokenizer."""
    return {
        "vocab_size": tokenizer.vocab_size,
        "bos": tokenizer.bos,
        "eos": tokenizer.eos,
        "unk": tokenizer.unk,
    }


def excluded_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Ids that no text has and no model predicts."""
    return (tokenizer.pad, tokenizer.mask)


def counted_info(
    recipe: Recipe,
    config: NgramConfig,
    sizes: Mapping[str, Any],
    parameters: int,
    began: float,
    data: Mapping[str, Any],
) -> Info:
    """What is known of a model that was counted, since ``began`` (``time.perf_counter``)."""
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
