"""What a model computed on one sentence: named tensors beside their tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from munmaek.nn.tape import Tape

__all__ = ["Inside", "one_row", "word_indices"]


@dataclass(frozen=True, slots=True)
class Inside:
    """One sentence through one model.

    Tensors keep the order of their recording; attention weights end with query × key axes.
    """

    task: str
    stage: str
    tokens: tuple[str, ...]
    """Pieces the network read, special ones included."""
    words: tuple[int, ...]
    """For each piece the whitespace word it belongs to; −1 for special tokens."""
    tensors: Mapping[str, NDArray[Any]]
    target_tokens: tuple[str, ...] = ()
    target_words: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    """Nats of each predicted token, where the model predicts some."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


def one_row(tape: Tape) -> dict[str, NDArray[Any]]:
    """The first row of every record, as float32 arrays."""
    return {name: tensor[0].detach().float().cpu().numpy() for name, tensor in tape.records.items()}


def word_indices(surfaces: Sequence[str]) -> tuple[int, ...]:
    """The whitespace word each piece belongs to, from the text decoded up to and with it.

    Args:
        surfaces: the decoded text of the first 1, 2, … pieces.
    """
    return tuple(max(len(text.split()) - 1, 0) for text in surfaces)
