"""The log-probability of what a model predicts when words of its input are erased.

Letters: T predictions, W words, N sets of erased words, V vocabulary size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from munmaek.data.batches import pad_rows
from munmaek.metrics.calibration import tempered
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.progress import followed
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.framed import FramedText
from munmaek.tasks.inside import piece_words
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.translate.model import Translator

__all__ = ["Eraser", "eraser_of"]

Floats = NDArray[np.float64]
Words = frozenset[int]
Ids = list[int]

ROWS = 64
"""Rows that go through a network together."""


class Eraser(Protocol):
    """One text through one model, again and again with less of it."""

    @property
    def length(self) -> int:
        """Tokens of the input."""
        ...

    def scores(self, erased: Sequence[Words]) -> Floats:
        """Log-probability of each prediction without the words of each set: [N, T].

        NaN where a prediction is itself of an erased word; of a regressor the value, T = 1.
        """
        ...


def eraser_of(
    model: TrainedLanguageModel | Classifier | Regressor | Translator | Encoder,
    text: str,
    target: str | None = None,
    pair: str | None = None,
) -> Eraser:
    """The eraser for ``text``, and the translation ``target`` or the second text ``pair``."""
    if isinstance(model, Translator):
        return _Translation.of(model, text, target or "")
    if isinstance(model, TrainedLanguageModel):
        return _Sentence.of(model, text)
    if isinstance(model, Classifier | Regressor):
        return _Judged(model, model.framed(text, pair))
    return _Masked.of(model, text, pair)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A language model reads on without the words; a prediction is lost with its own word."""

    model: TrainedLanguageModel
    ids: Ids
    words: tuple[int, ...]

    @classmethod
    def of(cls, model: TrainedLanguageModel, text: str) -> "_Sentence":
        tokenizer = model.tokenizer
        return cls(model, tokenizer.encode(text), piece_words(tokenizer, text)[1])

    @property
    def length(self) -> int:
        return len(self.ids) + 1

    def scores(self, erased: Sequence[Words]) -> Floats:
        words = np.array([*self.words, -1])
        ids = np.array([*self.ids, self.model.tokenizer.eos])
        out = np.full((len(erased), len(ids)), np.nan)
        kept = [~np.isin(words, list(each)) for each in erased]
        rows = [ids[keep].tolist() for keep in kept]
        for row, keep, score in zip(out, kept, self.model.model.score_many(rows), strict=True):
            row[keep] = score
        return out


@dataclass(frozen=True, slots=True)
class _Translation:
    """The translation stays; words of the source go."""

    model: Translator
    ids: Ids
    words: tuple[int, ...]
    target: Ids

    @classmethod
    def of(cls, model: Translator, text: str, target: str) -> "_Translation":
        reading, writing = model.source_tokenizer, model.target_tokenizer
        ids = [*reading.encode(text)[: model.limit - 1], reading.eos]
        words = (*piece_words(reading, text)[1][: model.limit - 1], -1)
        return cls(model, ids, words, [writing.bos, *writing.encode(target), writing.eos])

    @property
    def length(self) -> int:
        return len(self.ids) + len(self.target)

    @inference()
    def scores(self, erased: Sequence[Words]) -> Floats:
        network = self.model.network
        parts: list[Floats] = []
        for at in followed(range(0, len(erased), ROWS), "erasing"):
            rows = [_without(self.ids, self.words, each) for each in erased[at : at + ROWS]]
            ids, lengths = pad_rows(rows, 0)
            memory = network.encode(tensor(ids, network), tensor(lengths, network))
            target = tensor(np.array([self.target] * len(rows), dtype=np.int64), network)
            hidden = network.decode(memory, target[:, :-1])
            parts.append(_gold(network.logits(hidden), target[:, 1:]))
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The label, or the number, that a whole text or pair gets, from less of it."""

    model: Classifier | Regressor
    text: FramedText

    @property
    def length(self) -> int:
        return len(self.text.ids)

    def scores(self, erased: Sequence[Words]) -> Floats:
        rows = self.text.rows([frozenset[int](), *erased])
        if isinstance(self.model, Regressor):
            return self.model.values(rows)[1:, None]
        inner = self.model.model
        if isinstance(inner, NeuralClassifier):
            found = inner.logprobs(rows.ids, splits=rows.splits)
        else:
            found = inner.logprobs([row[1:-1] for row in rows.ids])  # it counts what is in a frame
        logprobs = tempered(found, self.model.temperature)
        return logprobs[1:, int(logprobs[0].argmax())][:, None]


@dataclass(frozen=True, slots=True)
class _Masked:
    """Erased words show <mask>; what stands at every place is predicted.

    At a mask of the text that is the likeliest token, elsewhere the token itself.
    """

    model: Encoder
    ids: Ids
    words: tuple[int, ...]
    segments: Ids | None
    gold: Ids

    @classmethod
    def of(cls, model: Encoder, text: str, pair: str | None) -> "_Masked":
        framed = model.framed(text, pair)
        ids, segments = list(framed.ids), framed.types
        made = cls(model, ids, framed.words, segments, ids)
        best = made._logits([ids])[0].argmax(-1).cpu().numpy()
        mask = model.tokenizer.mask
        gold = [int(best[at]) if token == mask else token for at, token in enumerate(ids)]
        return cls(model, ids, framed.words, segments, gold)

    @property
    def length(self) -> int:
        return len(self.ids)

    @inference()
    def _logits(self, rows: Sequence[Ids]) -> Tensor:
        return self.model.network.logits(self.model.hidden(rows, self.segments))

    @inference()
    def scores(self, erased: Sequence[Words]) -> Floats:
        words, mask = np.array(self.words), self.model.tokenizer.mask
        hidden = [np.isin(words, list(each)) for each in erased]
        rows = [np.where(hide, mask, self.ids).tolist() for hide in hidden]
        parts: list[Floats] = []
        for at in followed(range(0, len(rows), ROWS), "erasing"):
            logits = self._logits(rows[at : at + ROWS])
            gold = torch.as_tensor(self.gold).expand(len(logits), -1)
            parts.append(_gold(logits, gold))
        out = np.concatenate(parts)
        out[np.array(hidden) & (words >= 0)[None, :]] = np.nan
        return out


def _without(ids: Ids, words: Sequence[int], erased: Words) -> Ids:
    return [token for token, word in zip(ids, words, strict=True) if word not in erased]


def _gold(logits: Tensor, gold: Tensor) -> Floats:
    chosen = logits.gather(2, gold[:, :, None])[:, :, 0].double()
    return (chosen - logits.double().logsumexp(2)).cpu().numpy()
