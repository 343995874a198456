r"""Task translate: text to text.

    loss = −Σ_t [(1 − ε) log p_t(y_t) + ε/V Σ_v log p_t(v)],   p_t = softmax(logits(s_t))
    s = network.decode(network.encode(x_1 … x_S </s>), <s> y_1 … y_T),   y_{T+1} = </s>

ε is label smoothing (Szegedy et al. 2016, §7). With a guide, its weight times the loss of
``munmaek.tasks.translate.guided`` is added. Letters: B pairs, S source tokens, T target tokens,
V target vocabulary size, N rows held at once, D model width.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from munmaek.data.batches import PairBatch, pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.fit.objective import Batches, Loss
from munmaek.models.networks import AligningNetwork, LikelihoodNetwork, TranslatorNetwork
from munmaek.nn.building import real_positions, tensor
from munmaek.nn.products import inference
from munmaek.nn.state import select_rows
from munmaek.nn.tape import Tape
from munmaek.tasks.translate.guided import PieceGuide, guide_loss
from munmaek.tasks.translate.ranking import likeliest

__all__ = ["DecoderRows", "DecoderState", "Pairs", "TranslationTask", "smoothed_loss"]

Ids = Sequence[int]


class Pairs(NamedTuple):
    """Sources, each ending with </s>, and targets, each between <s> and </s>."""

    sources: Sequence[Ids]
    targets: Sequence[Ids]

    def lengths(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the tokens of each source and of each target: [N], [N]."""
        return (
            np.array([len(ids) for ids in self.sources], dtype=np.int64),
            np.array([len(ids) for ids in self.targets], dtype=np.int64),
        )


@final
@dataclass(frozen=True, slots=True)
class TranslationTask:
    """Predict every target token from the source and the target so far."""

    train: Pairs
    valid: Pairs
    pad: int = 0
    max_tokens: int = 4096
    """Source and target tokens a batch, rows times the longest of each."""
    smoothing: float = 0.1
    seed: int = 0
    guides: Sequence[PieceGuide | None] | None = None
    """Known links of each training pair; None trains without guidance."""
    alignment_weight: float = 1.0
    """Nats of the likelihood that a nat of the guide's loss is worth."""
    resample: Callable[[int], Pairs] | None = None
    """The training pairs of a pass, from its number alone, where they are cut anew in each."""

    def epoch(self, number: int) -> Sequence[PairBatch]:
        """Return the epoch's batches in random order, pairs of like length together."""
        rng = np.random.default_rng([self.seed, number])
        pairs = self.train if self.resample is None else self.resample(number)
        groups = bucket(pairs.lengths(), max_tokens=self.max_tokens, rng=rng)
        return Batches(groups, lambda _, chosen: self._batch(pairs, chosen))

    def _batch(self, pairs: Pairs, chosen: NDArray[np.int64]) -> PairBatch:
        return PairBatch.gather(pairs.sources, pairs.targets, chosen, self.pad)

    def loss(self, network: TranslatorNetwork, batch: PairBatch) -> Loss:
        """Return the smoothed negative log-likelihood of the targets, and the guidance's, in nats.

        Every target token after <s> counts; it is summed over the batch.
        """
        if self.guides is None or self.alignment_weight == 0:
            return self._loss(network, batch, self.smoothing)
        guides = pick(self.guides, batch.rows)
        return self._loss(network, batch, self.smoothing, guides)

    def _loss(
        self,
        network: TranslatorNetwork,
        batch: PairBatch,
        smoothing: float,
        guides: Sequence[PieceGuide | None] = (),
    ) -> Loss:
        target = tensor(batch.target, network)
        memory = network.encode(
            tensor(batch.source, network), tensor(batch.source_lengths, network)
        )
        weights = None
        if any(guide is not None for guide in guides):
            hidden, weights = network.decode_with_alignment(memory, target[:, :-1])
        else:
            hidden = network.decode(memory, target[:, :-1])
        real = real_positions(tensor(batch.target_lengths, network) - 1, target.shape[1] - 1)
        total = smoothed_loss(network, hidden[real], target[:, 1:][real], smoothing)
        if weights is not None:
            total = total + self.alignment_weight * guide_loss(weights, guides)
        return Loss(total, int((batch.target_lengths - 1).sum()))

    def validate(self, network: TranslatorNetwork) -> float:
        """Return nats per target token, </s> included, without smoothing."""
        total, count = 0.0, 0
        for chosen in bucket(self.valid.lengths(), max_tokens=self.max_tokens, rng=None):
            loss = self._loss(network, self._batch(self.valid, chosen), 0.0)
            total, count = total + float(loss.total), count + loss.count
        return total / count


def smoothed_loss(
    network: TranslatorNetwork,
    hidden: Float[Tensor, "N D"],
    gold: Int[Tensor, " N"],
    smoothing: float,
) -> Float[Tensor, ""]:
    """Return the label-smoothed cross-entropy summed over the rows, in nats."""
    if isinstance(network, LikelihoodNetwork):
        return -network.log_likelihood(hidden, gold, smoothing=smoothing)
    logits = network.logits(hidden).float()
    return F.cross_entropy(logits, gold, reduction="sum", label_smoothing=smoothing)


class DecoderState(NamedTuple):
    """Tensors that the decoder reads and carries, and those that it has just computed."""

    memory: Any
    inner: Any
    hidden: Float[Tensor, "N D"]
    weights: Float[Tensor, "N S"] | None
    sources: NDArray[np.int64]
    """The source that each row translates, and so each row of ``memory``: [N]."""


@final
@dataclass(frozen=True, slots=True)
class DecoderRows:
    """A translator given its sources: a ``munmaek.lm.BatchedLanguageModel``.

    The network is in evaluation mode; ``sources`` end with </s>. With ``look`` false no attention
    is recorded and the fused kernels run.
    """

    network: TranslatorNetwork
    sources: Sequence[Ids]
    bos: int
    eos: int
    vocab_size: int
    look: bool = True
    off: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Heads to switch off, by scope (``munmaek.nn.tape``); only with ``look``."""
    memory: Any = None
    """The encoder's result for the sources; None encodes them."""

    @inference()
    def start(self) -> DecoderState:
        """Return the state after <s>, every source encoded."""
        memory = self._encoded() if self.memory is None else self.memory
        rows: NDArray[np.int64] = np.arange(len(self.sources))
        tokens = np.full(len(rows), self.bos, dtype=np.int64)
        return self._read(memory, self.network.begin(memory), tokens, rows)

    def _encoded(self) -> Any:
        ids, lengths = (tensor(each, self.network) for each in pad_rows(self.sources, 0))
        return self.network.encode(ids, lengths, tape=Tape(off=self.off) if self.off else None)

    def advance(self, state: DecoderState, tokens: NDArray[np.int64]) -> DecoderState:
        """Return the state of all rows after one more token each."""
        return self._read(state.memory, state.inner, tokens, state.sources)

    @inference()
    def _read(
        self, memory: Any, inner: Any, tokens: NDArray[np.int64], sources: NDArray[np.int64]
    ) -> DecoderState:
        network, given = self.network, tensor(tokens, self.network)
        if self.look and not self.off and isinstance(network, AligningNetwork):
            hidden, after, weights = network.step_with_alignment(memory, inner, given)
            return DecoderState(memory, after, hidden, weights, sources)
        tape = Tape(off=self.off) if self.look else None
        hidden, after = network.step(memory, inner, given, tape=tape)
        weights = None if tape is None else network.alignment(tape)
        weights = None if weights is None else weights[:, 0]
        return DecoderState(memory, after, hidden, weights, sources)

    @inference()
    def logprobs(self, state: DecoderState) -> NDArray[np.float32]:
        """Return the natural-log probability of every next token for every row: [N, V]."""
        return self.network.logits(state.hidden).float().log_softmax(-1).cpu().numpy()

    @inference()
    def likeliest(
        self, state: DecoderState, count: int, *, closed: Sequence[int] = ()
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return log-probability and id of the likeliest next tokens: [N, K].

        Ids in ``closed`` are not among them.
        """
        logits = self.network.logits(state.hidden)
        values, tokens = likeliest(logits, count, closed=closed)
        return values.cpu().numpy(), tokens.cpu().numpy()

    def row_count(self, state: DecoderState) -> int:
        """Return N, the rows of the state."""
        return len(state.sources)

    @inference()
    def select(self, state: DecoderState, rows: NDArray[np.int64]) -> DecoderState:
        """Return the state of those rows; what does not change by it is not copied."""
        if np.array_equal(rows, np.arange(len(state.sources))):
            return state
        chosen, sources = tensor(rows, self.network), state.sources[rows]
        # Beginnings of one source change places among themselves at every step of a beam search;
        # what they read of the source stays.
        kept = np.array_equal(sources, state.sources)
        return DecoderState(
            memory=state.memory if kept else select_rows(state.memory, chosen),
            inner=select_rows(state.inner, chosen),
            hidden=state.hidden[chosen],
            weights=None if state.weights is None else state.weights[chosen],
            sources=sources,
        )

    def attention(self, state: DecoderState) -> NDArray[np.float32] | None:
        """Return the weights over source tokens behind the next token [N, S], or None."""
        return None if state.weights is None else state.weights.float().cpu().numpy()
