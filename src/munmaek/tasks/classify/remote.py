"""A classifier on a server."""

from collections.abc import Sequence
from typing import final

from munmaek.tasks.labelling import Prediction
from munmaek.tasks.remote import Remote

__all__ = ["RemoteClassifier"]


@final
class RemoteClassifier(Remote):
    """Labels texts there."""

    def predict(
        self, texts: Sequence[str], seconds: Sequence[str] | None = None
    ) -> list[Prediction]:
        """Predict the label of each text; see ``munmaek.tasks.labelling.Labeller.predict``."""
        texts = [texts] if isinstance(texts, str) else texts
        others = [None] * len(texts) if seconds is None else seconds
        found = self.said(texts, seconds)
        return [
            Prediction(
                text,
                each["label"] or "",
                each["probabilities"],
                second,
                tuple(each.get("labels", [each["label"]] if each["label"] else ())),
            )
            for text, second, each in zip(texts, others, found, strict=True)
        ]
