"""The vectors of texts that wait together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from munmaek.arrays import Float32s
from munmaek.models.configuration import Config
from munmaek.tasks.mlm.encode import Precision
from munmaek.tasks.service import Question, Service

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder

__all__ = ["EmbedOptions", "Embedding", "embedding_service"]


class EmbedOptions(Config):
    """Options of an embedding."""

    prompt: str | None = None
    """Put before every text: the name of one of the model's, or a text; "" is none."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text as a vector."""

    vector: Float32s
    """[D]."""
    tokens: int
    """Tokens that were read, those of the frame and of the prompt among them."""


def embedding_service(model: "Encoder", precision: Precision = "float32") -> Service:
    """Return what gives a vector for each text; its weights are laid out once."""
    ready = model.ready(precision)

    def answer(questions: Sequence[Question], options: EmbedOptions) -> list[Embedding]:
        texts = [text for (text,) in questions]
        vectors, sizes = model.vectors(texts, ready, prompt=options.prompt)
        return [Embedding(row, size) for row, size in zip(vectors, sizes, strict=True)]

    def to_json(found: Embedding) -> dict[str, list[float]]:
        return {"embedding": found.vector.tolist()}

    return Service("embed", answer, options=EmbedOptions, to_json=to_json)
