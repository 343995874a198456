r"""Texts of one meaning near each other, all others apart: sentence embeddings.

    loss = −Σ_i log( exp(cos(z_i, z⁺_i) / τ) / Σ_j exp(cos(z_i, z⁺_j) / τ) )

z is the mean (or first) hidden state of a text. z⁺ is the second text of a pair, the others of the
batch being its negatives (Henderson et al. 2017, §4.4; Reimers & Gurevych 2019), or without pairs
the text itself, read again under other dropout (Gao et al. 2021, eq. 4, τ = 0.05).

Letters: N pairs of a batch, B = 2N texts, T tokens, D model width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from munmaek.data.batches import pad_rows, pick
from munmaek.fit.objective import Batches, Loss
from munmaek.metrics.regression import correlation, ranks
from munmaek.metrics.retrieval import unit
from munmaek.models.bert import BertBaseNetwork
from munmaek.nn.building import build_network, tensor
from munmaek.tasks.mlm.encode import encode_rows, prepare

__all__ = ["Contrastive", "ContrastiveBatch", "PairRows", "cosines"]

Ids = Sequence[int]
_VALIDATED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class PairRows:
    """Framed texts and what should be near each."""

    firsts: Sequence[Ids]
    seconds: Sequence[Ids] | None = None
    """None is the texts themselves."""
    values: NDArray[np.float64] | None = None
    """Similarity of the two, where it is known."""


@final
@dataclass(frozen=True, slots=True)
class ContrastiveBatch:
    """N texts, and below them the N that should be near them."""

    ids: NDArray[np.int64]
    """[B, T], padding after the tokens."""
    lengths: NDArray[np.int64]
    """[B]."""
    kinds: NDArray[np.int64]
    """A number for each second text, the same for equal ones, which are no negatives: [N]."""

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return int(self.lengths.sum())


@final
@dataclass(frozen=True, slots=True)
class Contrastive:
    """Pairs of framed texts, in random batches of one size."""

    train: PairRows
    valid: PairRows
    pad: int = 0
    batch: int = 64
    """Pairs of a batch: each has all but one as negatives."""
    temperature: float = 0.05
    """τ."""
    pooling: Literal["mean", "first"] = "mean"
    seed: int = 0

    def epoch(self, number: int) -> Sequence[ContrastiveBatch]:
        """Return all pairs in batches, in random order.

        A last batch of one, which has no negative, is left out.
        """
        order = np.random.default_rng([self.seed, number]).permutation(len(self.train.firsts))
        groups = [order[at : at + self.batch] for at in range(0, len(order), self.batch)]
        groups = [rows for rows in groups if len(rows) > 1]
        return Batches(groups, lambda _, rows: self._batch(self.train, rows))

    def _batch(self, data: PairRows, rows: NDArray[np.int64]) -> ContrastiveBatch:
        firsts = pick(data.firsts, rows)
        seconds = firsts if data.seconds is None else pick(data.seconds, rows)
        numbers: dict[tuple[int, ...], int] = {}
        kinds = [numbers.setdefault(tuple(row), len(numbers)) for row in seconds]
        ids, lengths = pad_rows([*firsts, *seconds], self.pad)
        return ContrastiveBatch(ids, lengths, np.array(kinds, dtype=np.int64))

    def loss(self, network: BertBaseNetwork, batch: ContrastiveBatch) -> Loss:
        """Return the negative log-likelihood of each text's own second of those in the batch.

        It is summed over the pairs, in nats.
        """
        lengths = tensor(batch.lengths, network)
        hidden = network.forward(tensor(batch.ids, network), lengths)
        first, second = self._pooled(hidden.float(), lengths).chunk(2)
        scores = first @ second.T / self.temperature
        kinds, own = tensor(batch.kinds, network), torch.arange(len(first), device=scores.device)
        same = (kinds[:, None] == kinds) & (own[:, None] != own)
        total = F.cross_entropy(scores.masked_fill(same, -torch.inf), own, reduction="sum")
        return Loss(total, len(first))

    def _pooled(self, hidden: Float[Tensor, "B T D"], lengths: Tensor) -> Float[Tensor, "B D"]:
        """Pool to vectors of length one: [B, D]; ``hidden`` is zero at padding."""
        vectors = hidden[:, 0] if self.pooling == "first" else hidden.sum(1) / lengths[:, None]
        return F.normalize(vectors, dim=-1)

    def validate(self, network: BertBaseNetwork) -> float:
        """Return 1 − Spearman's ρ where the validation pairs have values, else nats per text.

        Without pairs the nats are under dropout, the same at every call.
        """
        valid = self.valid
        if valid.values is None:
            return build_network(lambda: self._nats(network), seed=self.seed)
        return 1.0 - correlation(ranks(cosines(network, valid, self.pooling)), ranks(valid.values))

    def _nats(self, network: BertBaseNetwork) -> float:
        rows = np.random.default_rng(self.seed).permutation(len(self.valid.firsts))
        network.train(self.valid.seconds is None)
        total, count = 0.0, 0
        for at in range(0, len(rows), _VALIDATED_AT_ONCE):
            found = self.loss(network, self._batch(self.valid, rows[at : at + _VALIDATED_AT_ONCE]))
            total, count = total + float(found.total.detach()), count + found.count
        network.eval()
        return total / count


def cosines(network: Any, data: PairRows, pooling: Literal["mean", "first"]) -> NDArray[np.float64]:
    """Return the cosine of the two texts of each pair: [N]."""
    rows = [*data.firsts, *(data.firsts if data.seconds is None else data.seconds)]
    vectors = encode_rows(prepare(network.encoder), rows, pooling=pooling)
    vectors = unit(vectors.astype(np.float64))
    half = len(data.firsts)
    return (vectors[:half] * vectors[half:]).sum(1)
