r"""Task classify: a label for a text.

    loss = −log softmax(network(<s> w_1 … w_T </s>))[label]

Letters: B texts, T tokens, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from munmaek.data.batches import LabelledBatch, pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.models.networks import ClassifierNetwork
from munmaek.tasks.base import Batches, Loss, tensor

__all__ = ["Classification", "NeuralClassifier", "framed"]

Ids = Sequence[int]


def framed(ids: Ids, *, bos: int, eos: int, limit: int) -> list[int]:
    """``<s> ids </s>``, cut so that at most ``limit`` tokens remain in all."""
    return [bos, *ids[: limit - 2], eos]


@final
@dataclass(frozen=True, slots=True)
class Classification:
    """Texts as framed token ids, with the index of each one's label."""

    train: Sequence[Ids]
    train_labels: Sequence[int]
    valid: Sequence[Ids]
    valid_labels: Sequence[int]
    pad: int = 0
    max_tokens: int = 4096
    """Tokens a batch, rows times the longest."""
    seed: int = 0

    def epoch(self, number: int) -> Sequence[LabelledBatch]:
        """Texts of like length together, batches in random order."""
        lengths = np.array([len(row) for row in self.train], dtype=np.int64)
        rng = np.random.default_rng([self.seed, number])
        groups = bucket(lengths, max_tokens=self.max_tokens, rng=rng)
        return Batches(groups, lambda _, chosen: self._batch(chosen))

    def _batch(self, chosen: NDArray[np.int64]) -> LabelledBatch:
        labels = np.asarray(self.train_labels, dtype=np.int64)
        return LabelledBatch.gather(self.train, labels, chosen, self.pad)

    def loss(self, network: ClassifierNetwork, batch: LabelledBatch) -> Loss:
        """Negative log-likelihood of the labels."""
        logits = network.forward(tensor(batch.ids, network), tensor(batch.lengths, network))
        labels = tensor(batch.labels, network)
        return Loss(F.cross_entropy(logits.float(), labels, reduction="sum"), len(batch.labels))

    def validate(self, network: ClassifierNetwork) -> float:
        """Nats per text."""
        logprobs = NeuralClassifier(network).logprobs(self.valid)
        gold = logprobs[np.arange(len(logprobs)), np.asarray(self.valid_labels)]
        return -float(gold.mean())


@final
@dataclass(frozen=True, slots=True)
class NeuralClassifier:
    """A network, in evaluation mode, that gives each label its log-probability."""

    network: ClassifierNetwork

    @torch.inference_mode()
    def logprobs(self, sequences: Sequence[Ids], *, max_tokens: int = 8192) -> NDArray[np.float64]:
        """Natural-log probability of each label for each framed text: [N, C], in their order."""
        lengths = np.array([len(ids) for ids in sequences], dtype=np.int64)
        groups = bucket(lengths, max_tokens=max_tokens, rng=None)
        parts = [self._forward(pick(sequences, group)) for group in groups]
        out = np.empty((len(sequences), parts[0].shape[1] if parts else 0))
        for group, part in zip(groups, parts, strict=True):
            out[group] = part
        return out

    def _forward(self, rows: Sequence[Ids]) -> NDArray[np.float64]:
        ids, lengths = pad_rows(rows, 0)
        logits = self.network.forward(tensor(ids, self.network), tensor(lengths, self.network))
        return logits.double().log_softmax(-1).cpu().numpy()
