"""A regressor on a server."""

from collections.abc import Sequence
from typing import final

from munmaek.tasks.regress.model import Rating
from munmaek.tasks.remote import Remote

__all__ = ["RemoteRegressor"]


@final
class RemoteRegressor(Remote):
    """Rates texts there."""

    def rate(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> list[Rating]:
        """Rate each text; see ``munmaek.tasks.regress.model.Regressor.rate``."""
        texts = [texts] if isinstance(texts, str) else texts
        others = [None] * len(texts) if seconds is None else seconds
        found = self.said(texts, seconds)
        return [
            Rating(text, each["value"], second)
            for text, second, each in zip(texts, others, found, strict=True)
        ]
