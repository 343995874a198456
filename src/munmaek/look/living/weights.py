"""A trained model as JSON from which JavaScript computes what it computes."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from munmaek.errors import ConfigError
from munmaek.fit.trained import Trained
from munmaek.look.capture import inspectable
from munmaek.look.living.packing import (
    PRECISIONS,
    Arrays,
    Precision,
    pack_tensors,
    packed_size,
)
from munmaek.models import stage_named
from munmaek.tasks import task_named
from munmaek.text.living import living_tokenizer

__all__ = ["MOST", "LivingModel", "living_model"]

VERSION: Final = 1
"""Version of the JSON that the page's script reads."""
MOST: Final = 50_000_000
"""Bytes of a model in a page, at most."""
EXACT: Final = 4_000_000
"""Bytes up to which a more exact precision is taken by itself."""


@final
@dataclass(frozen=True, slots=True)
class LivingModel:
    """One model, ready to be written into a page."""

    json: str
    """The JSON that ``load`` of the page's script takes."""
    name: str
    label: str
    precision: Precision
    size: int
    """Bytes of the weights."""
    contains: tuple[str, ...]
    """Parts of the training text that can be read from it, a line each."""


def living_model(
    model: Trained, *, name: str, label: str = "", precision: Precision | None = None
) -> LivingModel:
    """Return ``model`` as a page takes it along.

    Args:
        model: any trained model whose task and stage have a twin in a page.
        name: its folder or another name.
        label: what tells it from others beside it; empty is what it calls itself.
        precision: of its matrices; None takes the most exact that is small, else int8.

    Raises:
        UnsupportedError: its stage, task or tokenizer has no twin in a page.
        ConfigError: it is too large for a page.
    """
    info, accepts = model.info, inspectable(model, name).accepts
    parts = task_named(info.task).living_parts(model, name)
    tensors = stage_named(info.stage).living_tensors(parts.network, name)
    chosen = precision or _fitting(tensors)
    size = packed_size(tensors, chosen)
    _check_size(tensors, size, name, chosen)
    packed = pack_tensors(tensors, chosen)
    tokenizers = {"reader": parts.reader, "writer": parts.writer}
    described: dict[str, Any] = {
        "munmaek_live": VERSION,
        "name": name,
        "label": label or info.label,
        "task": info.task,
        "stage": info.stage,
        "config": dict(info.config),
        "accepts": {
            "limit": accepts.limit,
            "special": accepts.special[0],
            "pairs": accepts.pairs,
            "apart": accepts.apart,
            "masks": accepts.masks,
            "continues": accepts.continues,
            "target": accepts.writer is not None,
        },
        **{key: living_tokenizer(each, name) for key, each in tokenizers.items() if each},
        "settings": dict(parts.settings),
        "tensors": packed.described,
        "data": base64.b64encode(packed.data).decode("ascii"),
    }
    text = json.dumps(described, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return LivingModel(text, name, label or info.label, chosen, size, _contains(parts, tensors))


def _fitting(tensors: Arrays) -> Precision:
    """Return the most exact precision in which the tensors are small; the last where none is."""
    small: list[Precision] = [each for each in PRECISIONS if packed_size(tensors, each) <= EXACT]
    return small[0] if small else list(PRECISIONS)[-1]


def _check_size(tensors: Arrays, size: int, name: str, precision: Precision) -> None:
    if size <= MOST:
        return
    smaller: list[Precision] = [each for each in PRECISIONS if packed_size(tensors, each) <= MOST]
    advice = (
        f"--weights {smaller[0]} makes it {packed_size(tensors, smaller[0]) / 1e6:.0f} MB"
        if smaller
        else "train a smaller one: fewer layers, a smaller --hidden-size or --vocab-size, or of an "
        "n-gram model a lower --order or --prune '0 1'"
    )
    message = (
        f"{name}: {size / 1e6:.0f} MB in {precision}, and a living page holds at most "
        f"{MOST / 1e6:.0f} MB; {advice}"
    )
    raise ConfigError(message)


def _contains(parts: Any, tensors: Arrays) -> tuple[str, ...]:
    """Return what of the training text stands in a page that holds these parts."""
    said: list[str] = []
    for which, each in (("read", parts.reader), ("written", parts.writer)):
        if each is not None:
            said.append(f"the vocabulary of {each.vocab_size:,} tokens that is {which}")
    grams = _grams(tensors)
    if grams:
        said.append(f"{grams:,} n-grams of the training text with their probabilities")
    return tuple(said)


def _grams(tensors: Mapping[str, Any]) -> int:
    """Return how many n-grams longer than a word the tables hold."""
    return sum(
        len(each) - int(tensors[name.removesuffix("words") + "starts"][1])
        for name, each in tensors.items()
        if name.split(".")[-1] == "words"
    )
