"""The labels of the words of the rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from munmaek.tasks.answering import Answer, Answering, Asked, Texts, text_columns
from munmaek.tasks.tag.model import Tagger

__all__ = ["Tagging", "word_lines"]

NO_WORDS: Answer = {"words": [], "entities": []}


class Tagging(Answering):
    """Labels the words of texts."""

    tasks = ("tag",)
    new = ("entities", "words")
    empty: Answer | None = NO_WORDS

    def __init__(self, model: Tagger, asked: Asked) -> None:
        """Take a tagger."""
        self._model = model
        self.columns = text_columns(asked, model.info.columns)

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the words of each row with their labels, and the entities that these make."""
        model, lines = self._model, [text for (text,) in texts]
        found = model.label_words([model.split(line) for line in lines])
        # Those of a checkpoint that labels every piece come from pieces, not from words.
        if model.whole_words:
            entities = [model.entities(*each) for each in zip(lines, found, strict=True)]
        else:
            entities = model.tag(lines)
        return [
            {"words": [asdict(each) for each in words], "entities": [asdict(each) for each in own]}
            for words, own in zip(found, entities, strict=True)
        ]

    def line(self, _: Texts, answer: Answer, /) -> str:
        """Return a word and its label a line, and an empty line."""
        return word_lines(answer["words"])


def word_lines(words: Sequence[Mapping[str, Any]]) -> str:
    """Return a word and its label a line, and an empty line."""
    return "".join(f"{each['word']}\t{each['label']}\n" for each in words)
