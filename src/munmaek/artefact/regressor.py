"""A trained regressor: numbers for texts, or for pairs of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from munmaek.artefact.classifier import check_pairs, framing_of
from munmaek.artefact.folder import write_folder
from munmaek.artefact.info import Info
from munmaek.artefact.weights import save_config, save_network, tokenizer_files
from munmaek.metrics import Score, sign
from munmaek.metrics.regression import regression_scores
from munmaek.tasks.regress import NeuralRegressor
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import LabelledCorpus, values_of

__all__ = ["LABEL", "Rating", "Regressor"]

LABEL = "value"
"""What Hugging Face's configuration calls the one output."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A text, or a pair, and its number."""

    text: str
    value: float
    second: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Regressor:
    """A network of one output, with the tokenizer that gives it text.

    The network's 0 is ``low`` and its 1 is ``high``: the least and the greatest value of the
    training data.
    """

    tokenizer: AnyTokenizer
    model: NeuralRegressor
    info: Info
    limit: int = 256
    """Tokens of a text that are read, <s> and </s> included; the rest is cut."""
    pairs: bool | None = False
    """Whether it reads pairs of texts; None does not know (a published checkpoint)."""
    low: float = 0.0
    high: float = 1.0

    def rate(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> list[Rating]:
        """The value of each text, in their order.

        Args:
            texts: the texts, or the first of each pair.
            seconds: the second of each pair, for a model that reads pairs.

        Raises:
            InputError: pairs where single texts are wanted, or the other way round.
        """
        second = [None] * len(texts) if seconds is None else seconds
        found = self._values(texts, seconds)
        return [Rating(*each) for each in zip(texts, found, second, strict=True)]

    def _values(self, texts: Sequence[str], seconds: Sequence[str] | None) -> list[float]:
        check_pairs(self.pairs, given=seconds is not None, label=self.info.label)
        framing = framing_of(self.info, self.tokenizer, self.limit)
        pair = None if seconds is None else self.tokenizer.encode_many(seconds)
        rows = framing.rows(self.tokenizer.encode_many(texts), pair)
        return (self.low + (self.high - self.low) * self.model.values(rows)).tolist()

    def evaluate(self, corpus: LabelledCorpus) -> dict[str, Score]:
        """Pearson, Spearman and the mean squared error, with intervals.

        Raises:
            InputError: a value that is no number, or pairs where single texts are wanted.
        """
        gold = values_of(corpus)
        return regression_scores(
            self._values(corpus.texts, corpus.seconds),
            gold,
            signature=sign(
                task="regress",
                stage=self.info.stage,
                tokenizer=self.tokenizer.signature,
                oov=self.tokenizer.oov,
            ),
        )

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, aside and renamed.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        write_folder(
            Path(folder),
            files={
                "tokenizer.json": self.tokenizer.save,
                "model.safetensors": lambda path: save_network(
                    self.model.network, path, stage=self.info.stage
                ),
                "config.json": lambda path: save_config(path, self.info, labels=(LABEL,)),
                **tokenizer_files(self.tokenizer),
            },
            manifest={
                **self.info.to_json(),
                "tokenizer": self.tokenizer.describe(),
                "limit": self.limit,
                "pairs": self.pairs,
                "range": [self.low, self.high],
            },
            force=force,
        )
