"""The continuations of texts, token by token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from munmaek.errors import InputError
from munmaek.models.configuration import Config
from munmaek.tasks.lm.completing import (
    CompletionOptions,
    Drawn,
    Piece,
    added_text,
    pieces_of,
    read_back,
)
from munmaek.tasks.lm.generating import AskedTexts
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.walking import Walker
from munmaek.tasks.service import Question, Service

if TYPE_CHECKING:
    from munmaek.tasks.lm.lockstep import Continuation

__all__ = ["Continuations", "generating_service"]


def generating_service(model: TrainedLanguageModel) -> Service:
    """Return what continues texts as ``munmaek generate`` does, the same for the same seed."""

    def answer(questions: Sequence[Question], options: AskedTexts) -> list[dict[str, list[str]]]:
        asked = options.model_dump(exclude={"seed"})
        return [
            {"texts": model.generate(prompt, rng=options.seed, **asked)} for (prompt,) in questions
        ]

    return Service("generate", answer, ("prompt",), options=AskedTexts)


@final
@dataclass(frozen=True, slots=True)
class Continuations:
    """Continues texts by a language model."""

    model: TrainedLanguageModel
    walker: Walker | None
    """The same, where its tables can be walked."""

    @property
    def options(self) -> type[Config]:
        """Return the class of what may be asked of a continuation."""
        return CompletionOptions

    @property
    def eos(self) -> int:
        """Return the id that ends a sentence."""
        return self.model.model.eos

    def ids(self, prompt: str | Sequence[int]) -> list[int]:
        """Return a prompt as token ids.

        Raises:
            InputError: an id outside the vocabulary.
        """
        if isinstance(prompt, str):
            return self.model.tokenizer.encode(prompt)
        size = self.model.tokenizer.vocab_size
        wrong = next((each for each in prompt if not 0 <= each < size), None)
        if wrong is not None:
            message = f"the token id {wrong} is outside the vocabulary of {size:,}"
            raise InputError(message)
        return list(prompt)

    def begun(self, asked: Sequence[tuple[Sequence[int], CompletionOptions]]) -> "Continuation":
        """Begin texts that are continued together."""
        from munmaek.tasks.lm.lockstep import begun  # drawing needs what scoring does not

        return begun(self.model, self.walker, asked)

    def pieces(self, before: Sequence[int], drawn: Drawn) -> list[Piece]:
        """Return tokens that follow those ``before`` with what each adds to the text."""
        return pieces_of(self.model, before, drawn)

    def text(self, before: Sequence[int], tokens: Sequence[int]) -> str:
        """Return the text that tokens add to those ``before``."""
        return added_text(self.model, before, tokens)

    def read(self, ids: Sequence[int], count: int) -> Sequence[Piece]:
        """Return the tokens of a prompt, with ``count`` of the likeliest in each place."""
        return read_back(self.model, ids, count)
