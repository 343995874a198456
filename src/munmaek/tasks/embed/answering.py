"""The vectors of the rows of a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from munmaek.errors import InputError
from munmaek.tasks.answering import Answer, Answering, Asked, Texts, text_columns
from munmaek.tasks.mlm.model import Encoded, Encoder

__all__ = ["AskedVectors", "Embedding", "shared_tokens"]

BLOCK = 4096
"""Texts that are sorted by length and held together."""


class AskedVectors(Asked):
    """Options of ``munmaek embed``."""

    metavars: ClassVar[Mapping[str, str]] = {"prompt": "NAME|TEXT", "precision": "NAME"}

    served: ClassVar[tuple[str, ...]] = ("prompt", "window")

    precision: Literal["float32", "bfloat16", "int8"] = "float32"
    """float32, bfloat16, or int8: nearly the same and faster."""
    window: bool = False
    """Read a text that is too long in windows, a quarter shared, and take their mean; else its
    end is cut."""
    prompt: str | None = None
    """Put before every text: the name of one of the model's prompts, or a text such as 'query: '.
    Without it the model's default prompt is put there, where it has one; '' is none."""


def shared_tokens(model: Encoder, prompt: str | None = None) -> int:
    """Return the tokens that windows share: a quarter of those beside the prompt."""
    return model.room(prompt) // 4


class _Fed:
    """An iterator of a block of texts after another, which ends with each."""

    def __init__(self) -> None:
        self.texts: Iterator[str] = iter(())

    def __iter__(self) -> "Iterator[str]":
        return self

    def __next__(self) -> str:
        return next(self.texts)


class Embedding(Answering):
    """Embeds texts."""

    tasks = ("embed",)
    options: ClassVar[type[Asked]] = AskedVectors
    block = BLOCK
    new = ("embedding",)
    told = ("limit", "sentence.similarity", "sentence.asked", "sentence.answered")
    empty = None  # an empty text has a vector, that of what stands around it

    def __init__(self, model: Encoder, asked: AskedVectors) -> None:
        """Take an encoder, whose weights are made ready once."""
        self._model, self._asked, self._fed, self._longer = model, asked, _Fed(), 0
        self._vectors = self._encoding()
        self.columns = text_columns(asked, model.info.columns)

    def _encoding(self) -> Iterator[Any]:
        """Return the vectors of all that is fed, a block at a time."""
        asked, model = self._asked, self._model
        return model.embed_blocks(
            self._fed,
            precision=asked.precision,
            block=BLOCK,
            overlap=shared_tokens(model, asked.prompt) if asked.window else None,
            prompt=asked.prompt,
            report=self._count,
        )

    def _count(self, encoded: Encoded) -> None:
        self._longer = encoded.longer

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the vector of each row."""
        self._fed.texts = iter([text for (text,) in texts])
        out: list[Any] = []
        try:
            while len(out) < len(texts):
                out.extend(next(self._vectors))
        except InputError:
            self._vectors = self._encoding()
            raise
        return [{"embedding": vector} for vector in out]

    def received(self, answer: Answer, /) -> Answer:
        """Return the vector that a server gave, and count a text that it cut."""
        self._longer += "cut" in answer
        return {"embedding": answer["embedding"]}

    def named(self, texts: Texts) -> Answer:
        """Return the text."""
        return {"text": texts[0]}

    def line(self, _: Texts, answer: Answer, /) -> str:
        """Return the numbers, with tabs between."""
        return "\t".join(f"{value:.6g}" for value in answer["embedding"].tolist())

    def remarks(self, _: int, /) -> Sequence[str]:
        """Return how many texts lost their end."""
        if self._asked.window or not self._longer:
            return ()
        return (
            f"{self._longer:,} lines were cut at {self._model.limit} tokens; --window reads them "
            "whole",
        )
