r"""Task lm: predict the next word.

    loss = −Σ_t log softmax(logits(h_t))[w_{t+1}],   h = network(<s> w_1 … w_T),   w_{T+1} = </s>

Letters: B sentences, T tokens, V vocabulary size, N rows held at once, D model width.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from munmaek.data.batches import SentenceBatch, pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.data.flat import FlatRows, Windows
from munmaek.data.laid import Laid
from munmaek.errors import ConfigError
from munmaek.fit.objective import Batches, Loss
from munmaek.models.networks import LanguageNetwork, TranslatorNetwork
from munmaek.nn.building import real_positions, tensor
from munmaek.nn.products import inference
from munmaek.nn.state import map_tensors, select_rows
from munmaek.progress import followed

__all__ = [
    "Activations",
    "DocumentBatch",
    "DocumentModelling",
    "LanguageModelling",
    "NeuralLanguageModel",
    "NeuralRows",
    "RowState",
    "gold_logprobs",
    "score_rows",
    "stream_of",
]

Ids = Sequence[int]
Stream = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Activations:
    r"""Small and slow hidden states (Merity et al. 2018, §4.6).

        penalty = α mean(h²) + β mean((h_{t+1} − h_t)²), for each prediction

    h is what the scores are made from, after its dropout.
    """

    small: float = 0.0
    """α."""
    slow: float = 0.0
    """β."""

    def penalty(
        self, hidden: Float[Tensor, "B T D"], real: Bool[Tensor, "B T"] | None, count: int
    ) -> Tensor | None:
        """Return the penalty of ``count`` predictions, summed, or None where nothing is penalised.

        ``real`` marks what is no padding; None is all.
        """
        if self.small == 0.0 and self.slow == 0.0:
            return None
        kept = hidden if real is None else hidden[real]
        steps = hidden[:, 1:] - hidden[:, :-1]
        moves = steps if real is None else steps[real[:, 1:]]
        slow = moves.pow(2).mean() if moves.numel() else moves.sum()
        return count * (self.small * kept.pow(2).mean() + self.slow * slow)


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
    activations: "Activations" = Activations()

    def epoch(self, number: int) -> Sequence[SentenceBatch]:
        """Return the epoch's batches in random order, sentences of like length together."""
        rows = Windows(self.train, bos=self.bos, eos=self.eos, size=self.window)
        rng = np.random.default_rng([self.seed, number])
        groups = bucket(rows.lengths, max_tokens=self.max_tokens, rng=rng)
        return Batches(groups, lambda _, chosen: SentenceBatch.gather(rows, chosen, self.pad))

    def loss(self, network: LanguageNetwork, batch: SentenceBatch) -> Loss:
        """Return the negative log-likelihood of every token after the first, summed, in nats."""
        ids, lengths = tensor(batch.ids, network), tensor(batch.lengths, network)
        hidden, _ = network.forward(ids[:, :-1])
        real = real_positions(lengths - 1, ids.shape[1] - 1)
        total = -network.log_likelihood(hidden[real], ids[:, 1:][real])
        count = int((batch.lengths - 1).sum())
        return Loss(total, count, self.activations.penalty(hidden, real, count))

    def validate(self, network: LanguageNetwork) -> float:
        """Return nats per predicted token, </s> included."""
        model = NeuralLanguageModel(network, bos=self.bos, eos=self.eos, vocab_size=0)
        scores = model.score_many([[*ids, self.eos] for ids in self.valid])
        return -float(sum(part.sum() for part in scores)) / sum(len(part) for part in scores)


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """The next stretch of every row of a stream."""

    ids: NDArray[np.int64]
    """Token ids [B, T + 1]: T are read, and the T after the first are predicted."""
    first: bool
    """No state is carried into it."""

    @property
    def tokens(self) -> int:
        """Tokens predicted."""
        return int(self.ids[:, 1:].size)


def stream_of(sequences: Sequence[Ids], eos: int) -> Stream:
    """Join sentences one after the other, each with its end: [T]."""
    if isinstance(sequences, FlatRows):
        return sequences.ids
    ended = chain.from_iterable((*ids, eos) for ids in sequences)
    return np.fromiter(ended, dtype=np.int64)


@final
class DocumentModelling:
    """Running text in which the hidden state goes on from sentence to sentence.

    The text is laid in ``rows`` of equal length, read side by side; the state is carried from one
    stretch to the next and gradients are not (truncated back-propagation through time). A stretch
    has ``length`` tokens, or half of it once in twenty, give or take five (Merity et al. 2018, §5),
    so that no token always stands where the gradient ends. A row begins as after </s>.
    """

    def __init__(
        self,
        *,
        train: Stream,
        valid: Stream,
        eos: int,
        rows: int = 20,
        length: int = 70,
        seed: int = 0,
        activations: Activations = Activations(),
    ) -> None:
        self.train, self.valid, self.eos = train, valid, eos
        self.rows, self.length, self.seed = rows, length, seed
        self.activations = activations
        self.share = slice(None)
        self._state: Any = None

    def part(self, rank: int, size: int) -> "DocumentModelling":
        """Return the task of every ``size``-th row, beginning with ``rank``.

        Raises:
            ConfigError: the rows cannot be divided evenly.
        """
        if self.rows % size:
            message = f"rows: {self.rows} cannot be divided evenly among {size} shards"
            raise ConfigError(message)
        other = copy(self)
        other.share = slice(rank, None, size)
        return other

    def epoch(self, number: int) -> Sequence[DocumentBatch]:
        """Return segments of all rows, in order; only their lengths are random."""
        laid = Laid(self.train, self.rows, self.eos)
        edges = self._edges(laid.length, np.random.default_rng([self.seed, number]))
        spans = [np.arange(a, b + 1) for a, b in pairwise(edges)]
        return Batches(
            spans,
            lambda at, span: DocumentBatch(
                laid.columns(int(span[0]), int(span[-1]) + 1, self.share), at == 0
            ),
        )

    def _edges(self, end: int, rng: np.random.Generator) -> list[int]:
        edges = [0]
        while edges[-1] < end:
            usual = self.length if rng.random() < 0.95 else self.length / 2
            drawn = max(5, round(rng.normal(usual, 5)))
            edges.append(min(end, edges[-1] + drawn))
        return edges

    def loss(self, network: LanguageNetwork, batch: DocumentBatch) -> Loss:
        """Return the negative log-likelihood of every token of the segment, summed, in nats."""
        ids = tensor(batch.ids, network)
        state = None if batch.first else self._state
        hidden, after = network.forward(ids[:, :-1], state)
        self._state = map_tensors(after, Tensor.detach)
        total = -network.log_likelihood(hidden.flatten(0, 1), ids[:, 1:].flatten())
        return Loss(total, batch.tokens, self.activations.penalty(hidden, None, batch.tokens))

    def carried(self) -> dict[str, Tensor]:
        """Return the tensors of the hidden state after the last segment, for a checkpoint."""
        found: list[Tensor] = []
        map_tensors(self._state, lambda tensor: found.append(tensor) or tensor)
        return {str(number): tensor for number, tensor in enumerate(found)}

    def take_up(self, carried: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on from what ``carried`` gave; the state must be a flat tuple of tensors."""
        parts = [carried[str(number)].to(device) for number in range(len(carried))]
        self._state = tuple(parts) if parts else None

    def validate(self, network: LanguageNetwork) -> float:
        """Return nats per token, over at most 32 rows side by side."""
        laid = Laid(self.valid, min(32, max(1, len(self.valid) // 200)), self.eos)
        scores = score_rows(network, laid.columns(0, laid.length + 1))
        return -float(scores.mean())


@inference()
def score_rows(
    network: LanguageNetwork, rows: NDArray[np.int64], *, length: int = 256
) -> NDArray[np.float64]:
    """Return the natural-log probability of every token of each row after its first: [B, T]."""
    ids, parts = tensor(rows, network), list[NDArray[np.float64]]()
    state: Any = None
    for at in range(0, ids.shape[1] - 1, length):
        part = ids[:, at : at + length + 1]
        hidden, state = network.forward(part[:, :-1], state)
        gold = gold_logprobs(network, hidden.flatten(0, 1), part[:, 1:].flatten())
        parts.append(gold.reshape(len(rows), -1))
    return np.concatenate(parts, 1)


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
    """The token before the first: </s> itself for a model of documents."""
    eos: int
    vocab_size: int
    document: bool = False
    """The state was trained to go on from sentence to sentence."""

    def start(self) -> RowState:
        """Return the state after ``bos``."""
        return self.rows(1).start()

    def logprobs(self, state: RowState) -> NDArray[np.float64]:
        """Return the natural-log probability of every next token: [V]."""
        return self.rows(1).logprobs(state)[0]

    def advance(self, state: RowState, token: int) -> RowState:
        """Return the state after one more token."""
        return self.rows(1).advance(state, np.array([token], dtype=np.int64))

    def score(self, ids: Ids) -> NDArray[np.float64]:
        """Return the natural-log probability of each of ``ids``: [T]."""
        return self.score_many([ids])[0]

    def score_many(
        self, sequences: Sequence[Ids], *, max_tokens: int = 4096
    ) -> list[NDArray[np.float64]]:
        """Score many sequences, batched by length, and return them in their order."""
        out: list[NDArray[np.float64]] = [np.empty(0)] * len(sequences)
        lengths = np.array([len(ids) for ids in sequences], dtype=np.int64)
        groups = list(bucket(lengths, max_tokens=max_tokens, rng=None))
        for chosen in followed(groups, "sentences"):
            rows = [[self.bos, *ids] for ids in pick(sequences, chosen)]
            for index, scores in zip(chosen.tolist(), self._score_rows(rows), strict=True):
                out[index] = scores
        return out

    @inference()
    def _score_rows(self, rows: Sequence[Ids]) -> list[NDArray[np.float64]]:
        padded, lengths = pad_rows(rows, 0)
        ids = tensor(padded, self.network)
        if ids.shape[1] < 2:
            return [np.empty(0)] * len(rows)
        hidden, _ = self.network.forward(ids[:, :-1])
        real = real_positions(tensor(lengths, self.network) - 1, ids.shape[1] - 1)
        gold = gold_logprobs(self.network, hidden[real], ids[:, 1:][real])
        return np.split(gold, np.cumsum(lengths - 1)[:-1])

    def score_document(self, sequences: Sequence[Ids]) -> list[NDArray[np.float64]]:
        """Return the natural-log probability of each token; no sequence resets the state.

        Equal to folding ``advance`` over all of ``sequences`` together.
        """
        flat = np.fromiter(chain.from_iterable(sequences), dtype=np.int64)
        if not len(flat):
            return [np.empty(0) for _ in sequences]
        scores = score_rows(self.network, np.concatenate([[self.bos], flat])[None])[0]
        return np.split(scores, np.cumsum([len(ids) for ids in sequences])[:-1])

    def rows(self, count: int) -> "NeuralRows":
        """Return the batched form with ``count`` rows."""
        return NeuralRows(self.network, self.bos, self.eos, self.vocab_size, count)


def gold_logprobs(
    network: LanguageNetwork | TranslatorNetwork,
    hidden: Float[Tensor, "N D"],
    gold: Tensor,
    *,
    chunk: int = 2048,
) -> NDArray[np.float64]:
    """Return the natural-log probability of each gold token: [N]."""
    parts: list[Tensor] = []
    for at in range(0, len(hidden), chunk):
        logits = network.logits(hidden[at : at + chunk]).float()
        chosen = logits.gather(1, gold[at : at + chunk, None])[:, 0]
        # In float32, whose exponentials are many times as fast; the sum loses no digit that counts.
        parts.append((chosen - logits.logsumexp(1)).double())
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
        """Return the state of all rows after <s>."""
        with inference():
            begin = self.network.begin(self.count)
        tokens = np.full(self.count, self.bos, dtype=np.int64)
        return self._read(begin, tokens)

    def advance(self, state: RowState, tokens: NDArray[np.int64]) -> RowState:
        """Return the state of all rows after one more token each."""
        return self._read(state.inner, tokens)

    @inference()
    def _read(self, inner: Any, tokens: NDArray[np.int64]) -> RowState:
        hidden, after = self.network.forward(tensor(tokens, self.network)[:, None], inner)
        return RowState(after, hidden[:, -1])

    @inference()
    def logprobs(self, state: RowState) -> NDArray[np.float64]:
        """Return the natural-log probability of every next token for every row: [N, V]."""
        logits = self.network.logits(state.hidden).double()
        return logits.log_softmax(-1).cpu().numpy()

    def select(self, state: RowState, rows: NDArray[np.int64]) -> RowState:
        """Return the state of those rows."""
        return select_rows(state, tensor(rows, self.network))

    def row_count(self, state: RowState) -> int:
        """Return N, the rows of the state."""
        return len(state.hidden)

    def attention(self, state: RowState) -> None:
        """Return None: there is no source to attend to."""
