"""A translator on a server."""

from collections.abc import Mapping, Sequence
from typing import Any, final

from munmaek.tasks.remote import Remote
from munmaek.tasks.translate.translation import Translation
from munmaek.text.given import given_texts
from munmaek.text.spaces import ascii_words

__all__ = ["RemoteTranslator"]


@final
class RemoteTranslator(Remote):
    """Translates texts there."""

    def translate(
        self, texts: Sequence[str], *, beam: int = 5, max_length: int | None = None
    ) -> list[Translation]:
        """Translate each text; see ``munmaek.tasks.translate.model.Translator.translate``.

        Links come without the weights that they were made of.
        """
        texts = given_texts(texts)
        found = self.said(texts, beam=beam, max_length=max_length)
        return [_translation(text, each) for text, each in zip(texts, found, strict=True)]


def _translation(text: str, said: Mapping[str, Any]) -> Translation:
    links = said["alignment"]
    return Translation(
        source=text,
        translation=said["translation"],
        logprob=said["logprob"],
        alignment=None if links is None else tuple((source, target) for source, target in links),
        weights=None,
        source_words=tuple(ascii_words(text)),
        target_words=tuple(ascii_words(said["translation"])),
        finished=not said.get("unfinished", False),
        cut=said.get("cut", 0),
    )
