r"""Task tag: a label for every word of a sentence.

    loss = − Σ_words w[label] · log softmax(network(<s> p_1 … p_T </s>)_i)[label],
    i the word's first piece                                     Devlin et al. 2019, §5.3

Other pieces of a word count nowhere. Letters: B sentences, T tokens, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional as F

from munmaek.data.batches import TaggedBatch, pad_rows, pick
from munmaek.fit.objective import Batches, Loss
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.progress import followed
from munmaek.tasks.classify.objective import length_groups

__all__ = ["NONE", "NeuralTagger", "Tagging"]

NONE = -1
"""The label of a token that counts nowhere."""
Ids = Sequence[int]


@final
@dataclass(frozen=True, slots=True)
class Tagging:
    """Sentences as framed token ids, with the index of each token's label or ``NONE``."""

    train: Sequence[Ids]
    train_labels: Sequence[Ids]
    valid: Sequence[Ids]
    valid_labels: Sequence[Ids]
    pad: int = 0
    max_tokens: int = 4096
    """Tokens a batch, rows times the longest."""
    seed: int = 0
    weights: tuple[float, ...] | None = None
    """Weight of each label in the loss; None weighs all alike."""

    def epoch(self, number: int) -> Sequence[TaggedBatch]:
        """Return batches in random order, sentences of like length together."""
        groups = length_groups(self.train, self.max_tokens, seed=(self.seed, number))
        return Batches(groups, lambda _, chosen: self._batch(chosen))

    def _batch(self, chosen: NDArray[np.int64]) -> TaggedBatch:
        ids, lengths = pad_rows(pick(self.train, chosen), self.pad)
        labels, _ = pad_rows(pick(self.train_labels, chosen), NONE)
        return TaggedBatch(ids, lengths, chosen, labels)

    def loss(self, network: Any, batch: TaggedBatch) -> Loss:
        """Return the labels' weighted negative log-likelihood, summed over the words, in nats."""
        logits = network.forward(tensor(batch.ids, network), tensor(batch.lengths, network))
        labels = tensor(batch.labels, network).flatten()
        weights = None if self.weights is None else logits.new_tensor(self.weights).float()
        total = F.cross_entropy(
            logits.flatten(0, 1).float(),
            labels,
            weight=weights,
            ignore_index=NONE,
            reduction="sum",
        )
        return Loss(total, int((batch.labels != NONE).sum()))

    def validate(self, network: Any) -> float:
        """Return nats per word, the mean weighted as the loss is."""
        found = NeuralTagger(network).logprobs(self.valid)
        logprobs = np.concatenate(found)
        labels = np.concatenate([np.asarray(row, dtype=np.int64) for row in self.valid_labels])
        logprobs, labels = logprobs[labels != NONE], labels[labels != NONE]
        weights = None if self.weights is None else np.array(self.weights)[labels]
        return -float(np.average(logprobs[np.arange(len(labels)), labels], weights=weights))


@final
@dataclass(frozen=True, slots=True)
class NeuralTagger:
    """A network, in evaluation mode, that gives each label of each token its log-probability."""

    network: Any

    @inference()
    def logprobs(
        self, sequences: Sequence[Ids], *, max_tokens: int = 8192
    ) -> list[NDArray[np.float64]]:
        """Return the natural-log probability of each label at each token: [T, C] a sentence."""
        out: list[Any] = [None] * len(sequences)
        for group in followed(length_groups(sequences, max_tokens, seed=None), "sentences"):
            ids, lengths = pad_rows(pick(sequences, group), 0)
            logits = self.network.forward(tensor(ids, self.network), tensor(lengths, self.network))
            parts = logits.double().log_softmax(-1).cpu().numpy()
            for row, part, length in zip(group.tolist(), parts, lengths.tolist(), strict=True):
                out[row] = part[:length]
        return out
