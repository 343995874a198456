r"""Task classify: a label for a text, or for a pair of texts.

    loss = −Σ_c w_c · q_c · log softmax(network(<s> a_1 … a_T </s> b_1 … b_S </s>))_c

or, where a text may have several labels, the mean over c of the binary cross-entropy

    loss = −1/C Σ_c (y_c · log σ(z_c) + (1 − y_c) · log σ(−z_c)),   z = network(…)

The second text is there for pairs only. q is 1 for a text's label and 0 for all others, or a
probability of each (soft labels). w are the labels' weights, 1 where none are given.
Letters: B texts, T tokens, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from munmaek.arrays import Floats
from munmaek.data.batches import LabelledBatch, pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.fit.objective import Batches, Loss
from munmaek.models.networks import ClassifierNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.progress import followed
from munmaek.tasks.framing import Rows
from munmaek.tasks.inside import Graph, Question, Steps, Tensors
from munmaek.tasks.taping import graph_of, nats, one_row, steps_of, taped

__all__ = [
    "Classification",
    "NeuralClassifier",
    "length_groups",
    "network_scores",
    "outputs",
    "row_scores",
    "segments",
    "taped_logprobs",
]

Ids = Sequence[int]


@final
@dataclass(frozen=True, slots=True)
class Classification:
    """Texts as framed token ids, with the index of each one's label."""

    train: Rows
    train_labels: NDArray[np.int64] | NDArray[np.float32]
    """The label of each text [N], or the probability of each of its labels [N, C]."""
    valid: Rows
    valid_labels: NDArray[np.int64] | NDArray[np.float32]
    """The same; [N, C] only where a text may have several."""
    pad: int = 0
    max_tokens: int = 4096
    """Tokens a batch, rows times the longest."""
    seed: int = 0
    weights: tuple[float, ...] | None = None
    """Weight of each label in the loss; None weighs all alike."""
    several: bool = False
    """A text may have several labels, 1 in its row of the labels, or none."""
    word_dropout: float = 0.0
    """Probability that ``mask`` replaces a token in training, drawn anew in each pass."""
    mask: int = 0
    special: frozenset[int] = frozenset()
    """Ids that are never replaced."""

    def epoch(self, number: int) -> Sequence[LabelledBatch[Any]]:
        """Return the epoch's batches in random order, texts of like length together."""
        groups = length_groups(self.train.ids, self.max_tokens, seed=(self.seed, number))

        def batch(index: int, chosen: NDArray[np.int64]) -> LabelledBatch[Any]:
            made = self._batch(chosen)
            if self.word_dropout == 0:
                return made
            rng = np.random.default_rng([self.seed, number, index])
            dropped = rng.random(made.ids.shape) < self.word_dropout
            dropped &= ~np.isin(made.ids, list(self.special))
            return replace(made, ids=np.where(dropped, self.mask, made.ids))

        return Batches(groups, batch)

    def _batch(self, chosen: NDArray[np.int64]) -> LabelledBatch[Any]:
        ids, splits = self.train
        return LabelledBatch[Any].gather(ids, self.train_labels, chosen, self.pad, splits=splits)

    def loss(self, network: ClassifierNetwork, batch: LabelledBatch[Any]) -> Loss:
        """Return the labels' weighted negative log-likelihood, summed over the texts, in nats.

        Where a text may have several labels it is their mean binary cross-entropy, unweighted.
        """
        logits = network_scores(network, batch.ids, batch.lengths, batch.splits).float()
        labels = tensor(batch.labels, network)
        if self.several:
            apart = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
            return Loss(apart.mean(1).sum(), len(batch.labels))
        weights = None if self.weights is None else logits.new_tensor(self.weights)
        total = F.cross_entropy(logits, labels, weight=weights, reduction="sum")
        return Loss(total, len(batch.labels))

    def validate(self, network: ClassifierNetwork) -> float:
        """Return nats per text, weighted as the loss is; nats per label where there are several."""
        if self.several:
            scores = torch.as_tensor(outputs(network, self.valid))
            gold = torch.as_tensor(self.valid_labels, dtype=scores.dtype)
            return float(F.binary_cross_entropy_with_logits(scores, gold))
        logprobs = NeuralClassifier(network).logprobs(self.valid.ids, splits=self.valid.splits)
        labels = self.valid_labels.astype(np.int64)
        gold = logprobs[np.arange(len(logprobs)), labels]
        weights = None if self.weights is None else np.array(self.weights)[labels]
        return -float(np.average(gold, weights=weights))


@final
@dataclass(frozen=True, slots=True)
class NeuralClassifier:
    """A network, in evaluation mode, that gives each label its log-probability."""

    network: ClassifierNetwork
    several: bool = False
    """A text may have several labels: a sigmoid for each score, not their softmax."""

    def logprobs(
        self,
        sequences: Sequence[Ids],
        *,
        splits: NDArray[np.int64] | None = None,
        max_tokens: int = 8192,
    ) -> NDArray[np.float64]:
        """Return the natural-log probability of each label for each framed text: [N, C]."""
        scores = outputs(self.network, Rows(sequences, splits), max_tokens=max_tokens)
        return self.of_scores(torch.as_tensor(scores)).numpy()

    def of_scores(self, scores: Tensor) -> Tensor:
        """Return the log-probability of each label from the network's scores: [N, C]."""
        return F.logsigmoid(scores) if self.several else scores.log_softmax(-1)


def length_groups(
    sequences: Sequence[Ids], max_tokens: int, *, seed: Sequence[int] | None
) -> list[NDArray[np.int64]]:
    """Group rows of like length, in random order, or by length where ``seed`` is None.

    Each group holds the indices of rows with at most ``max_tokens`` together, padding included.
    """
    lengths = np.array([len(row) for row in sequences], dtype=np.int64)
    rng = None if seed is None else np.random.default_rng(list(seed))
    return list(bucket(lengths, max_tokens=max_tokens, rng=rng))


@inference()
def outputs(network: Any, rows: Rows, *, max_tokens: int = 8192) -> NDArray[np.float64]:
    """Compute the network's outputs for each row: [N, C], in their order."""
    groups = length_groups(rows.ids, max_tokens, seed=None)
    out: NDArray[np.float64] | None = None
    for group in followed(groups, "texts"):
        ids, lengths = pad_rows(pick(rows.ids, group), 0)
        splits = None if rows.splits is None else rows.splits[group]
        part = network_scores(network, ids, lengths, splits).double().cpu().numpy()
        if out is None:
            out = np.empty((len(rows.ids), part.shape[1]))
        out[group] = part
    return np.empty((len(rows.ids), 0)) if out is None else out


def taped_logprobs(
    model: NeuralClassifier, rows: Rows, temperature: float, question: Question
) -> tuple[Floats, Tensors, Steps, Graph | None]:
    """Return each label's log-probability [C] for one row, what is behind them, and their graph.

    The graph is of the likeliest label.
    """
    with taped(question) as tape:
        scores = row_scores(model.network, rows, tape).double()
        logprobs = model.of_scores(scores / temperature)[0]
    graph = graph_of(logprobs.max(0, keepdim=True).values, tape)
    return np.array(nats(logprobs)), one_row(tape.records), steps_of(tape), graph


def network_scores(
    network: Any,
    ids: NDArray[np.int64],
    lengths: NDArray[np.int64],
    splits: NDArray[np.int64] | None,
    *,
    tape: Tape | None = None,
) -> Tensor:
    """Return the network's scores [B, C].

    ``splits`` tell a network that knows segments where each pair parts.
    """
    tokens, sizes = tensor(ids, network), tensor(lengths, network)
    if splits is None:
        return network.forward(tokens, sizes, tape=tape)
    types = segments(tensor(splits, network), ids.shape[1])
    return network.forward(tokens, sizes, types=types, tape=tape)


def row_scores(network: Any, rows: Rows, tape: Tape) -> Tensor:
    """Return the network's scores of rows, [N, C], with every tensor on the way on ``tape``."""
    ids, lengths = pad_rows(rows.ids, 0)
    return network_scores(network, ids, lengths, rows.splits, tape=tape)


def segments(splits: Int[Tensor, " B"], size: int) -> Int[Tensor, "B T"]:
    """Return 0 at the tokens of each first text and 1 after it: [B, T]."""
    return (torch.arange(size, device=splits.device) >= splits[:, None]).long()
