"""A trained classifier: labels for texts, or for pairs of texts.

What only networks need is loaded when a network is used: n-grams do without torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, Union, final

import numpy as np

from munmaek.arrays import Floats
from munmaek.fit.trained import Files
from munmaek.folder.info import Info
from munmaek.folder.saving import model_files
from munmaek.folder.tables import save_tables
from munmaek.metrics import Signature, sign_model
from munmaek.metrics.calibration import tempered
from munmaek.metrics.thresholds import NONE, Thresholds
from munmaek.models.ngram import CountedClassifier
from munmaek.tasks.framed import FramedText, frame_text, read_labels
from munmaek.tasks.framing import framing_of
from munmaek.tasks.inside import (
    NOTHING,
    Accepts,
    Graph,
    Predictions,
    Question,
    Steps,
    Tensors,
    Words,
)
from munmaek.tasks.labelling import Labeller, check_pairs, sides
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

if TYPE_CHECKING:
    from munmaek.tasks.classify.objective import NeuralClassifier

__all__ = ["Classifier"]


@final
@dataclass(frozen=True, slots=True, repr=False)
class Classifier(Labeller):
    """Label probabilities over ids, with the tokenizer that gives it text."""

    tokenizer: AnyTokenizer
    model: Union[CountedClassifier, "NeuralClassifier"]
    labels: tuple[str, ...]
    info: Info
    limit: int = 256
    """Tokens of a text that are read, <s> and </s> included; the rest is cut."""
    pairs: bool | None = False
    """It reads pairs of texts; None does not know (a published checkpoint)."""
    temperature: float = 1.0
    """Divisor of scores before they become probabilities (Guo et al. 2017, §4.2)."""
    thresholds: Thresholds = NONE
    """Probabilities from which on labels are given."""

    @property
    def signature(self) -> Signature:
        """Return what its scores share."""
        return sign_model(self.tokenizer, task="classify", stage=self.info.stage)

    @property
    def several(self) -> bool:
        """Tell whether a text may have several labels, each with a probability of its own."""
        return self.model.several

    def logprobs(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> Floats:
        """Return the natural-log probability of each label for each text or pair: [N, C].

        The scores are divided by ``temperature`` first.

        Raises:
            InputError: pairs where single texts are wanted, or the other way round.
        """
        texts, seconds = sides(texts, seconds)
        check_pairs(self.pairs, given=seconds is not None, label=self.info.label)
        encoded = self.tokenizer.encode_many(texts)
        if isinstance(self.model, CountedClassifier):
            return tempered(self.model.logprobs(encoded), self.temperature)
        pair = None if seconds is None else self.tokenizer.encode_many(seconds)
        ids, splits = framing_of(self.info, self.tokenizer, self.limit).rows(encoded, pair)
        return tempered(self.model.logprobs(ids, splits=splits), self.temperature)

    def at(self, temperature: float) -> Self:
        """Return this classifier with another temperature."""
        return replace(self, temperature=temperature, thresholds=NONE)

    def deciding(self, thresholds: Thresholds) -> Self:
        """Return the same model with other thresholds."""
        return replace(self, thresholds=thresholds)

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into: a text, or a pair."""
        frame = self.tokenizer.frame
        return Accepts(
            self.tokenizer,
            limit=self.limit,
            special=(frame.special, frame.special_of_pair),
            pairs=self.pairs,
        )

    def predictions(self, question: Question) -> Predictions:
        """Read a text or a pair and return what was computed, and its likeliest label.

        Raises:
            InputError: a pair where a single text is wanted, or the other way round.
        """
        check_pairs(self.pairs, given=question.second is not None, label=self.info.label)
        framed = self.framed(question.text, question.second)
        tensors: Tensors = {}
        graph: Graph | None = None
        steps: Steps = {}
        if isinstance(self.model, CountedClassifier):
            found = self.framed_logprobs(framed, [NOTHING])[0]
        else:
            from munmaek.tasks.classify.objective import taped_logprobs

            rows = framed.rows()
            found, tensors, steps, graph = taped_logprobs(
                self.model, rows, self.temperature, question
            )
        read = read_labels(
            framed,
            question,
            dict(zip(self.labels, np.exp(found).tolist(), strict=True)),
            without=lambda erased: self.framed_logprobs(framed, erased),
            tensors=tensors,
            graph=graph,
        )
        return replace(read, steps=steps)

    def framed(self, text: str, second: str | None = None) -> FramedText:
        """Return ``text``, or a pair, as the model reads it."""
        framing = framing_of(self.info, self.tokenizer, self.limit)
        return frame_text(self.tokenizer, framing, text, second)

    def framed_logprobs(self, framed: FramedText, erased: Sequence[Words]) -> Floats:
        """Return ``logprobs`` of a text without each set of words: [N, C]."""
        rows = framed.rows(erased)
        if isinstance(self.model, CountedClassifier):
            # It counts what is in a frame.
            found = self.model.logprobs([row[1:-1] for row in rows.ids])
        else:
            found = self.model.logprobs(rows.ids, splits=rows.splits)
        return tempered(found, self.temperature)

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        model = self.model

        def weights(path: Path) -> None:
            if isinstance(model, CountedClassifier):
                save_tables(model.tensors(), path)
            else:
                from munmaek.folder.weights import save_network

                save_network(model.network, path, stage=self.info.stage)

        return model_files(
            self.info, self.tokenizer, weights, labels=self.labels, several=self.several
        )

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {
            "tokenizer": self.tokenizer.describe(),
            "labels": list(self.labels),
            "limit": self.limit,
            "pairs": self.pairs,
            "temperature": self.temperature,
            **({"thresholds": self.thresholds.to_json()} if self.thresholds else {}),
            "several": self.several,
        }
