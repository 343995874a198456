"""A tagger on a server."""

from collections.abc import Sequence
from typing import final

from munmaek.tasks.remote import Remote
from munmaek.tasks.tag.words import Entity

__all__ = ["RemoteTagger"]


@final
class RemoteTagger(Remote):
    """Labels words there."""

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Return the entities of each text; see ``munmaek.tasks.tag.model.Tagger.tag``."""
        return [[Entity(**entity) for entity in each["entities"]] for each in self.said(texts)]
