"""The vectors of texts that wait together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from munmaek.arrays import Float32s
from munmaek.models.configuration import Config
from munmaek.tasks.mlm.encode import Precision
from munmaek.tasks.service import Question, Service

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder

__all__ = ["EmbedOptions", "Embedding", "embedding_service", "encoder_services"]


def encoder_services(model: "Encoder", options: Mapping[str, Any]) -> list[Service]:
    """Return what gives vectors, and what searches the index that whoever runs a server gave."""
    from munmaek.tasks.embed.index import open_index, searching_service

    precision: Precision = options.get("precision", "float32")
    services = [embedding_service(model, precision)]
    if options.get("index"):
        index = open_index(options["index"], model, precision)
        services.append(searching_service(model, index, precision))
    return services


class EmbedOptions(Config):
    """Options of an embedding."""

    prompt: str | None = None
    """Put before every text: the name of one of the model's, or a text; "" is none."""
    window: bool = False
    """Read a text that is too long in windows and take their mean; else its end is cut."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text as a vector."""

    vector: Float32s
    """[D]."""
    tokens: int
    """Tokens that were read, those of the frame and of the prompt among them."""
    cut: bool = False
    """It has more, which were not read."""


def embedding_service(model: "Encoder", precision: Precision = "float32") -> Service:
    """Return what gives a vector for each text; its weights are laid out once."""
    ready = model.ready(precision)

    def answer(questions: Sequence[Question], options: EmbedOptions) -> list[Embedding]:
        texts = [text for (text,) in questions]
        if options.window:
            return windowed(texts, options.prompt)
        found = model.vectors(texts, ready, prompt=options.prompt)
        return [Embedding(*each) for each in zip(*found, strict=True)]

    def windowed(texts: Sequence[str], prompt: str | None) -> list[Embedding]:
        vectors = model.embed(
            texts, precision=precision, overlap=model.room(prompt) // 4, prompt=prompt
        )
        sizes = map(len, model.tokenizer.encode_many(texts))
        return [Embedding(*each) for each in zip(vectors, sizes, strict=True)]

    def to_json(found: Embedding) -> dict[str, Any]:
        return {"embedding": found.vector, **({"cut": True} if found.cut else {})}

    return Service("embed", answer, options=EmbedOptions, to_json=to_json)
