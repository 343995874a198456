"""A language model on a server."""

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from munmaek.tasks.lm.answering import AskedScores, Scoring
from munmaek.tasks.lm.scoring import ScoredText, ScoredToken, TextTotal
from munmaek.tasks.remote import Remote
from munmaek.text.given import given_texts

__all__ = ["RemoteLanguageModel"]

SEEDS = 2**63 - 1
"""Seeds that there are."""


@final
class RemoteLanguageModel(Remote):
    """Scores and continues texts there."""

    def score(self, texts: Sequence[str]) -> list[ScoredText]:
        """Score each text; see ``munmaek.tasks.lm.model.TrainedLanguageModel.score``."""
        texts = given_texts(texts)
        found = self.answering(Scoring, AskedScores()).answers([(text,) for text in texts])
        return [
            ScoredText(
                text, each["logprob"], tuple(ScoredToken(**token) for token in each["tokens"])
            )
            for text, each in zip(texts, found, strict=True)
        ]

    def total(self, texts: Sequence[str]) -> TextTotal:
        """Sum up all texts; see ``munmaek.tasks.lm.model.TrainedLanguageModel.total``."""
        texts = given_texts(texts)
        found = self.score(texts)
        every = [token for each in found for token in each.tokens]
        return TextTotal(
            sentences=len(texts),
            tokens=len(every),
            unknown=sum(token.unknown for token in every),
            logprob=math.fsum(each.logprob for each in found),
            logprob_known=math.fsum(token.logprob for token in every if not token.unknown),
            characters=sum(map(len, texts)) + len(texts),
            utf8_bytes=sum(len(text.encode()) for text in texts) + len(texts),
        )

    def generate(
        self, prompt: str = "", *, rng: np.random.Generator | int | None, **options: Any
    ) -> list[str]:
        """Continue a text; see ``munmaek.tasks.lm.model.TrainedLanguageModel.generate``.

        Args:
            prompt: how the text begins.
            rng: the seed, or what draws it; None lets the server draw it.
            options: ``max_length``, ``temperature``, ``top_k``, ``top_p`` and ``count``.

        Raises:
            ConfigError: a value out of range.
        """
        seed = int(rng.integers(SEEDS)) if isinstance(rng, np.random.Generator) else rng
        asked = {**options, "seed": seed}
        given = {name: value for name, value in asked.items() if value is not None}
        return list(self.ask("generate", [(prompt,)], given)[0]["texts"])
