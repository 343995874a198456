r"""Task lm: predict the next word.

    loss = −Σ_t log softmax(logits(h_t))[w_{t+1}],   h = network(<s> w_1 … w_T),   w_{T+1} = </s>

Letters: B sentences, T tokens, V vocabulary size, N rows held at once, D model width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from munmaek.data.batches import SentenceBatch, pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.models.networks import LanguageNetwork
from munmaek.nn.state import select_rows
from munmaek.tasks.base import Batches, Loss, real_positions, tensor

__all__ = ["LanguageModelling", "NeuralLanguageModel", "NeuralRows", "RowState"]

Ids = Sequence[int]


@final
@dataclass(frozen=True, slots=True)
class LanguageModelling:
    """Sentences of token ids, without <s> and </s>, each predicted to its end."""

    train: Sequence[Ids]
    valid: Sequence[Ids]
    bos: int
    eos: int
    pad: int = 0
    max_tokens: int = 4096
    """Tokens a batch, rows times the longest."""
    window: int = 512
    """A longer sentence is cut into windows of this many predictions for training."""
    seed: int = 0

    def epoch(self, number: int) -> Sequence[SentenceBatch]:
        """Sentences of like length together, batches in random order."""
        rows = self._windows()
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        rng = np.random.default_rng([self.seed, number])
        groups = bucket(lengths, max_tokens=self.max_tokens, rng=rng)
        return Batches(groups, lambda _, chosen: SentenceBatch.gather(rows, chosen, self.pad))

    def _windows(self) -> list[list[int]]:
        rows: list[list[int]] = []
        for ids in self.train:
            row = [self.bos, *ids, self.eos]
            rows += [row[at : at + self.window + 1] for at in range(0, len(row) - 1, self.window)]
        return rows

    def loss(self, network: LanguageNetwork, batch: SentenceBatch) -> Loss:
        """Negative log-likelihood of every token after the first."""
        ids, lengths = tensor(batch.ids, network), tensor(batch.lengths, network)
        hidden, _ = network.forward(ids[:, :-1])
        real = real_positions(lengths - 1, ids.shape[1] - 1)
        logits = network.logits(hidden[real])
        total = F.cross_entropy(logits.float(), ids[:, 1:][real], reduction="sum")
        return Loss(total, int((batch.lengths - 1).sum()))

    def validate(self, network: LanguageNetwork) -> float:
        """Nats per predicted token, </s> included."""
        model = NeuralLanguageModel(network, bos=self.bos, eos=self.eos, vocab_size=0)
        scores = model.score_many([[*ids, self.eos] for ids in self.valid])
        return -float(sum(part.sum() for part in scores)) / sum(len(part) for part in scores)


class RowState(NamedTuple):
    """The network's own state, and the hidden state that predicts the next token: [N, D]."""

    inner: Any
    hidden: Tensor


@final
@dataclass(frozen=True, slots=True)
class NeuralLanguageModel:
    """A network as a ``munmaek.lm.LanguageModel``; its state is a ``RowState`` of one row.

    The network is put in evaluation mode by whoever makes it.
    """

    network: LanguageNetwork
    bos: int
    eos: int
    vocab_size: int

    def start(self) -> RowState:
        """The state after <s>."""
        return self.rows(1).start()

    def logprobs(self, state: RowState) -> NDArray[np.float64]:
        """Natural-log probability of every next token: [V]."""
        return self.rows(1).logprobs(state)[0]

    def advance(self, state: RowState, token: int) -> RowState:
        """The state after one more token."""
        return self.rows(1).advance(state, np.array([token], dtype=np.int64))

    def score(self, ids: Ids) -> NDArray[np.float64]:
        """Natural-log probability of each of ``ids``: [T]."""
        return self.score_many([ids])[0]

    def score_many(
        self, sequences: Sequence[Ids], *, max_tokens: int = 4096
    ) -> list[NDArray[np.float64]]:
        """``score`` of many sequences, in their order: batched by length."""
        out: list[NDArray[np.float64]] = [np.empty(0)] * len(sequences)
        lengths = np.array([len(ids) for ids in sequences], dtype=np.int64)
        for chosen in bucket(lengths, max_tokens=max_tokens, rng=None):
            rows = [[self.bos, *ids] for ids in pick(sequences, chosen)]
            for index, scores in zip(chosen.tolist(), self._score_rows(rows), strict=True):
                out[index] = scores
        return out

    @torch.inference_mode()
    def _score_rows(self, rows: Sequence[Ids]) -> list[NDArray[np.float64]]:
        padded, lengths = pad_rows(rows, 0)
        ids = tensor(padded, self.network)
        if ids.shape[1] < 2:
            return [np.empty(0)] * len(rows)
        hidden, _ = self.network.forward(ids[:, :-1])
        real = real_positions(tensor(lengths, self.network) - 1, ids.shape[1] - 1)
        gold = _gold_logprobs(self.network, hidden[real], ids[:, 1:][real])
        return np.split(gold, np.cumsum(lengths - 1)[:-1])

    def rows(self, count: int) -> "NeuralRows":
        """The batched form with ``count`` rows."""
        return NeuralRows(self.network, self.bos, self.eos, self.vocab_size, count)


def _gold_logprobs(
    network: LanguageNetwork, hidden: Float[Tensor, "N D"], gold: Tensor, *, chunk: int = 2048
) -> NDArray[np.float64]:
    parts: list[Tensor] = []
    for at in range(0, len(hidden), chunk):
        logits = network.logits(hidden[at : at + chunk]).float()
        chosen = logits.gather(1, gold[at : at + chunk, None])[:, 0]
        parts.append(chosen.double() - logits.double().logsumexp(1))
    return torch.cat(parts).cpu().numpy()


@final
@dataclass(frozen=True, slots=True)
class NeuralRows:
    """A network as a ``munmaek.lm.BatchedLanguageModel`` of ``count`` rows."""

    network: LanguageNetwork
    bos: int
    eos: int
    vocab_size: int
    count: int

    def start(self) -> RowState:
        """All rows after <s>."""
        with torch.inference_mode():
            begin = self.network.begin(self.count)
        tokens = np.full(self.count, self.bos, dtype=np.int64)
        return self._read(begin, tokens)

    def advance(self, state: RowState, tokens: NDArray[np.int64]) -> RowState:
        """All rows after one more token each."""
        return self._read(state.inner, tokens)

    @torch.inference_mode()
    def _read(self, inner: Any, tokens: NDArray[np.int64]) -> RowState:
        hidden, after = self.network.forward(tensor(tokens, self.network)[:, None], inner)
        return RowState(after, hidden[:, -1])

    @torch.inference_mode()
    def logprobs(self, state: RowState) -> NDArray[np.float64]:
        """Natural-log probability of every next token for every row: [N, V]."""
        logits = self.network.logits(state.hidden).double()
        return logits.log_softmax(-1).cpu().numpy()

    def select(self, state: RowState, rows: NDArray[np.int64]) -> RowState:
        """The state of those rows."""
        return select_rows(state, tensor(rows, self.network))

    def attention(self, state: RowState) -> None:
        """None: there is no source."""
