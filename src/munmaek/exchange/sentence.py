"""The way from text to vector besides the network: prompts, modules after pooling, similarity."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from munmaek.errors import ArtefactError, ConfigError
from munmaek.exchange.weights import read_tensors
from munmaek.folder.allocation import Bounded, TooLargeError
from munmaek.folder.tensor_files import write_tensors
from munmaek.models.bert.sentence import make_module
from munmaek.nn.products import inference
from munmaek.nn.tensors import check_tensors

__all__ = ["SentenceSettings", "filled_module", "load_settings"]

WEIGHTS = "sentence.safetensors"
"""The file of a model's folder with the weights of the modules after pooling."""
ANSWERS = ("document", "passage", "corpus")
"""Names of the prompt for texts that are searched in."""
Floats = NDArray[np.float32]


@final
@dataclass(frozen=True, slots=True)
class SentenceSettings:
    """Settings of sentence-transformers besides pooling and length one."""

    modules: tuple[Mapping[str, Any], ...] = ()
    """Modules between pooling and the end, as ``make_module`` takes each."""
    weights: nn.Sequential | None = None
    """The same with its weights; None where there are none."""
    include_prompt: bool = True
    """The prompt's own tokens are pooled, too."""
    prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Texts that are put before a text, by name."""
    default_prompt: str | None = None
    """The name of the one that is put there if none is asked for."""
    width: int | None = None
    """Dimensions of a vector that are kept, from the first; None keeps all."""
    similarity: str = "cosine"
    """One of ``metrics.retrieval.SIMILARITIES``."""

    @property
    def plain(self) -> bool:
        """Tell whether there is nothing but pooling and length one."""
        return self == SentenceSettings()

    def prompt(self, wanted: str | None) -> str:
        """Return the text that is put before every text.

        Args:
            wanted: the name of a prompt, or the text of one; None is the default one.

        Raises:
            ConfigError: a single word that is not the name of a prompt.
        """
        if wanted is None:
            return "" if self.default_prompt is None else self.prompts[self.default_prompt]
        if wanted in self.prompts:
            return self.prompts[wanted]
        if re.fullmatch(r"[\w-]+", wanted):
            known = ", ".join(self.prompts) or "none"
            message = (
                f"prompt '{wanted}': no prompt of this name; there are: {known}. The text of one "
                "ends in a space or a mark, such as 'query: '"
            )
            raise ConfigError(message)
        return wanted

    @property
    def asked(self) -> str | None:
        """The name of the prompt of what is searched for; None is the default one."""
        return "query" if "query" in self.prompts else None

    @property
    def answered(self) -> str | None:
        """The name of the prompt of what is searched in.

        Where queries have one of their own and texts have none, texts are read as they are.
        """
        named = next((name for name in ANSWERS if name in self.prompts), None)
        return "" if named is None and self.asked is not None else named

    @inference()
    def apply(self, vectors: Floats) -> Floats:
        """Return pooled vectors [N, P] as the modules after pooling make them."""
        if self.weights is None or not len(vectors):
            return vectors
        return self.weights(torch.as_tensor(vectors)).numpy()

    def to_json(self) -> dict[str, Any]:
        """Return what a model's record keeps; ``files`` has the weights."""
        return {
            "modules": [dict(each) for each in self.modules],
            "include_prompt": self.include_prompt,
            "prompts": dict(self.prompts),
            "default_prompt": self.default_prompt,
            "width": self.width,
            "similarity": self.similarity,
        }

    def files(self) -> dict[str, Callable[[Path], None]]:
        """Return what writes each file that a model's folder needs for the modules."""
        if self.weights is None:
            return {}
        return {WEIGHTS: partial(write_tensors, tensors=self.weights.state_dict())}


def filled_module(
    described: Mapping[str, Any], tensors: Mapping[str, Tensor], *, where: Path
) -> nn.Module:
    """Return the module that ``tensors`` are the weights of.

    Args:
        described: as ``make_module`` takes it.
        tensors: by name.
        where: they were read, for messages.

    Raises:
        ArtefactError: one is missing, extra or misshapen.
    """
    try:
        with Bounded(tensors):
            made = make_module(described)
    except TooLargeError:
        message = f"{where}: far smaller than the {described['kind']} that its configuration says"
        raise ArtefactError(message) from None
    check_tensors(tensors, made.state_dict(), where=str(where), owner="this module")
    made.load_state_dict(tensors)
    return made


def load_settings(values: Mapping[str, Any], folder: Path) -> SentenceSettings:
    """Return what ``to_json`` and ``files`` wrote.

    Raises:
        ArtefactError: the weights are missing, damaged or misshapen.
    """
    kept: dict[str, Any] = {**values, "modules": tuple(values["modules"])}
    if not kept["modules"]:
        return SentenceSettings(**kept)
    given = read_tensors(folder / WEIGHTS)
    made = nn.Sequential()
    for number, described in enumerate(kept["modules"]):
        own = {
            name.removeprefix(f"{number}."): tensor
            for name, tensor in given.items()
            if name.startswith(f"{number}.")
        }
        made.append(filled_module(described, own, where=folder / WEIGHTS))
    return SentenceSettings(**kept, weights=made)
