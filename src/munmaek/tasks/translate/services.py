"""The service of a translator."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from munmaek.models.configuration import Config
from munmaek.tasks.service import Question, Service
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.translating import Decoding
from munmaek.tasks.translate.translation import Translation

__all__ = ["TranslateOptions", "translating_service"]


class TranslateOptions(Config):
    """Options of the search for translations; the fields are those of ``Decoding``."""

    beam: Annotated[int, Field(ge=1, le=64)] = 5
    """Hypotheses kept at every step; 1 is greedy."""
    n_best: Annotated[int, Field(ge=1, le=64)] = 1
    """Translations of each text, at most the beam."""
    length_penalty: Annotated[float, Field(ge=0)] = 1.0
    """0 ranks by probability, 1 by probability per token."""
    coverage: Annotated[float, Field(ge=0)] = 0.0
    """Take off so many times the logarithms of source words' attention below 1."""
    min_length: Annotated[int, Field(ge=0)] = 0
    """Tokens at least."""
    max_length: Annotated[int, Field(ge=1)] | None = None
    """Tokens at most, the end included; by default from the source."""
    no_repeat: Annotated[int, Field(ge=0)] = 0
    """No run of this many tokens comes twice; 0 lets all repeat."""
    split: bool = False
    """Translate a text beyond the limit in parts rather than cut it."""
    alignment: bool = False
    """Tell the links between words too, of a model with attention."""


def translating_service(model: Translator) -> Service:
    """Return what gives the best translations of each text, best first."""

    def answer(questions: Sequence[Question], options: TranslateOptions) -> list[list[Translation]]:
        decoding = Decoding(**options.model_dump(exclude={"alignment"}))
        texts = [text for (text,) in questions]
        return model.translate_with(decoding, texts, links=options.alignment)

    def to_json(found: Sequence[Translation]) -> list[dict[str, Any]]:
        return [_told(each) for each in found]

    return Service("translate", answer, options=TranslateOptions, to_json=to_json)


def _told(each: Translation) -> dict[str, Any]:
    out: dict[str, Any] = {
        "translation": each.translation,
        "score": each.score,
        "logprob": each.logprob,
        "finished": each.finished,
    }
    if each.alignment is not None:
        out["source_words"] = list(each.source_words)
        out["target_words"] = list(each.target_words)
        out["alignment"] = [list(link) for link in each.alignment]
    return out
