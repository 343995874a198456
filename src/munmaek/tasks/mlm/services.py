"""The services of an encoder: vectors, and what stands behind masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from munmaek.arrays import Float32s
from munmaek.errors import UnsupportedError
from munmaek.models.configuration import Config
from munmaek.tasks.mlm.filling import Filled
from munmaek.tasks.service import Question, Service

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder

__all__ = ["EmbedOptions", "Embedding", "encoder_services"]


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


def embedding_service(model: "Encoder") -> Service:
    """Return what gives a vector for each text; its weights are laid out once."""
    ready = model.ready()

    def answer(questions: Sequence[Question], options: EmbedOptions) -> list[Embedding]:
        texts = [text for (text,) in questions]
        vectors, sizes = model.vectors(texts, ready, prompt=options.prompt)
        return [Embedding(row, size) for row, size in zip(vectors, sizes, strict=True)]

    def to_json(found: Embedding) -> list[float]:
        return found.vector.tolist()

    return Service("embed", answer, options=EmbedOptions, to_json=to_json)


class FillOptions(Config):
    """Options of filling masks."""

    top: Annotated[int, Field(ge=1, le=1000)] = 5
    """Candidates for each mask."""


def filling_service(model: "Encoder") -> Service:
    """Return what says which tokens may stand behind the masks of a text, or of a pair."""

    def answer(questions: Sequence[Question], options: FillOptions) -> list[list[Filled]]:
        return [
            model.fill(text, top=options.top, pair=pair[0] if pair else None)
            for text, *pair in questions
        ]

    def to_json(found: Sequence[Filled]) -> Any:
        return [
            {
                "position": each.position,
                "candidates": [
                    {"token": token, "probability": chance} for token, chance in each.candidates
                ],
                "text": each.text,
            }
            for each in found
        ]

    return Service(
        "fill", answer, texts=("text", "pair"), optional=1, options=FillOptions, to_json=to_json
    )


def encoder_services(model: "Encoder") -> list[Service]:
    """Return all that an encoder can be asked; one without a head fills no masks."""
    services = [embedding_service(model)]
    try:
        model.check_head()
    except UnsupportedError:
        return services
    return [*services, filling_service(model)]
