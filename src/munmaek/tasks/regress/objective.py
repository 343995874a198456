r"""Task regress: a number for a text, or for a pair of texts (similarity, rating).

    loss = (network(<s> a_1 … a_T </s> b_1 … b_S </s>) − y)²

y is the value scaled so that those of the training data fill 0 to 1. The network has one output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from munmaek.data.batches import LabelledBatch
from munmaek.fit.objective import Batches, Loss
from munmaek.models.networks import ClassifierNetwork
from munmaek.nn.building import device_of
from munmaek.tasks.classify.objective import length_groups, network_scores, outputs
from munmaek.tasks.framing import Rows

__all__ = ["NeuralRegressor", "Regression"]

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Regression:
    """Texts as framed token ids, with the scaled value of each."""

    train: Rows
    train_values: Floats
    valid: Rows
    valid_values: Floats
    pad: int = 0
    max_tokens: int = 4096
    """Tokens a batch, rows times the longest."""
    seed: int = 0

    def epoch(self, number: int) -> Sequence[LabelledBatch[np.float64]]:
        """Return batches in random order, texts of like length together."""
        groups = length_groups(self.train.ids, self.max_tokens, seed=(self.seed, number))
        return Batches(groups, lambda _, chosen: self._batch(chosen))

    def _batch(self, chosen: NDArray[np.int64]) -> LabelledBatch[np.float64]:
        ids, splits = self.train
        return LabelledBatch[np.float64].gather(
            ids, self.train_values, chosen, self.pad, splits=splits
        )

    def loss(self, network: ClassifierNetwork, batch: LabelledBatch[np.float64]) -> Loss:
        """Return the squared error of the scaled values, summed over the rows."""
        scores = network_scores(network, batch.ids, batch.lengths, batch.splits)[:, 0].float()
        wanted = scores.new_tensor(batch.labels, device=device_of(network))
        return Loss((scores - wanted).square().sum(), len(batch.labels))

    def validate(self, network: ClassifierNetwork) -> float:
        """Return the mean squared error of the scaled values."""
        given = NeuralRegressor(network).values(self.valid)
        return float(np.square(given - self.valid_values).mean())


@final
@dataclass(frozen=True, slots=True)
class NeuralRegressor:
    """A network of one output, in evaluation mode."""

    network: ClassifierNetwork

    def values(self, rows: Rows, *, max_tokens: int = 8192) -> Floats:
        """Return the scaled value of each row, in their order: [N]."""
        found = outputs(self.network, rows, max_tokens=max_tokens)
        return found[:, 0] if len(found) else np.empty(0)
