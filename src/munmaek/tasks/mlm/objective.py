r"""Task mlm: fill the masked words, from both sides (Devlin et al. 2019, §3.1).

    loss = −Σ_{m ∈ M} log softmax(logits(h_m))[w_m],   h = network(<s> w̃_1 … w̃_T </s>)

M is 15 % of the positions; of those 80 % show <mask>, 10 % a random token, 10 % the word itself.
With ``words`` given, whole words are chosen rather than single pieces.

The first ``causal_warmup_epochs`` predict from the left instead, every token from those before it:

    loss = −Σ_t log softmax(logits(h_t))[w_{t+1}],   h_t sees w_1 … w_t

Every position then teaches, not 15 % of them, and a network that begins so is further with masks
after the same time (Gisserot-Boukhlef et al. 2025, "Should we still pretrain encoders with masked
language modeling?"). So many softmaxes cost more than a small network does, so with ``order`` given
those from the left are estimated (``munmaek.nn.softmax``), from 2,000 tokens each.

Letters: B sentences, T tokens, D model width, V vocabulary size, M masked positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from munmaek.data.batches import pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.data.flat import lengths_of
from munmaek.fit.objective import Batches, Loss
from munmaek.models.networks import MaskedNetwork
from munmaek.nn.building import real_positions, tensor
from munmaek.nn.products import inference
from munmaek.progress import followed

__all__ = [
    "SAMPLED",
    "VALIDATED",
    "MaskedBatch",
    "MaskedModelling",
    "embed_rows",
    "masked_hits",
    "pseudo_logprobs",
]

Ids = Sequence[int]

VALIDATED = 0.15
"""Share hidden in validation and evaluation, whatever training hides."""
SAMPLED = 2000
"""Tokens that stand for the vocabulary where a softmax is estimated."""


@final
@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Sentences with some words hidden."""

    ids: NDArray[np.int64]
    """Token ids as the network sees them: [B, T], padding after the tokens."""
    lengths: NDArray[np.int64]
    """Tokens of each row: [B]."""
    chosen: NDArray[np.int64]
    """Positions to predict, as indices into the flattened [B·T]: [M]."""
    targets: NDArray[np.int64]
    """The tokens that stood there: [M]."""
    causal: bool = False
    """Nothing is hidden; each chosen position predicts the token after it."""

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return int(self.lengths.sum())


@final
@dataclass(frozen=True, slots=True)
class MaskedModelling:
    """Framed sentences, ``<s> … </s>``, masked anew at every pass."""

    train: Sequence[Ids]
    valid: Sequence[Ids]
    mask: int
    first_word: int
    """Ids below this are special tokens: never masked, never put in at random."""
    vocab_size: int
    special: frozenset[int] = frozenset()
    """Ids from ``first_word`` on that are special too."""
    words: Sequence[Ids] | None = None
    """For each train row the word each position belongs to, to mask whole words."""
    rates: Sequence[float] = (0.15,)
    """Share of the words that is hidden in each pass; the last holds for all later ones."""
    causal_warmup_epochs: float = 0.0
    """Passes, or a part of one, that predict each next token before masks begin."""
    order: NDArray[np.int64] | None = None
    """Ids from the most frequent to the rarest, more than ``SAMPLED``; None estimates nothing."""
    pad: int = 0
    max_tokens: int = 4096
    seed: int = 0

    def epoch(self, number: int) -> Sequence[MaskedBatch]:
        """Return batches in random order, sentences of like length together, under fresh masks."""
        rng = np.random.default_rng([self.seed, number])
        groups = bucket(lengths_of(self.train), max_tokens=self.max_tokens, rng=rng)
        causal = (self.causal_warmup_epochs - number) * len(groups)

        def batch(index: int, rows: NDArray[np.int64]) -> MaskedBatch:
            if index < causal:
                return _following(*pad_rows(pick(self.train, rows), self.pad))
            return self._train_batch(number, index, rows)

        return Batches(groups, batch)

    def _train_batch(self, number: int, index: int, rows: NDArray[np.int64]) -> MaskedBatch:
        rng = np.random.default_rng([self.seed, number, index])
        ids, lengths = pad_rows(pick(self.train, rows), self.pad)
        groups = self.words
        words = None if groups is None else pad_rows(pick(groups, rows), -1)[0]
        rate = self.rates[min(number - int(self.causal_warmup_epochs), len(self.rates) - 1)]
        return self.hide(ids, lengths, words, rng, rate)

    def hide(
        self,
        ids: NDArray[np.int64],
        lengths: NDArray[np.int64],
        words: NDArray[np.int64] | None,
        rng: np.random.Generator,
        rate: float = VALIDATED,
    ) -> MaskedBatch:
        """Make a batch of the padded rows [B, T], a share ``rate`` of their words hidden.

        ``words`` [B, T] are the numbers, below T, of the word that each position belongs to.
        """
        draw = rng.random(ids.shape)
        if words is not None:  # every piece of a word shares its word's draw
            draw = np.take_along_axis(draw, np.maximum(words, 0), axis=1)
        maskable = self._maskable(ids)
        hidden = (draw < rate) & maskable
        if not hidden.any() and maskable.any():
            hidden.flat[int(rng.choice(np.flatnonzero(maskable)))] = True
        chosen = np.flatnonzero(hidden)
        targets = ids.flat[chosen]
        seen, fate = ids.copy(), rng.random(len(chosen))
        seen.flat[chosen[fate < 0.8]] = self.mask
        random = chosen[fate >= 0.9]
        drawn = rng.integers(self.first_word, self.vocab_size, len(random))
        seen.flat[random] = np.where(self._maskable(drawn), drawn, self.mask)
        return MaskedBatch(seen, lengths, chosen, targets)

    def _maskable(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        words = ids >= self.first_word
        return words & ~np.isin(ids, list(self.special)) if self.special else words

    def loss(self, network: MaskedNetwork, batch: MaskedBatch) -> Loss:
        """Return the negative log-likelihood of the chosen words, summed, in nats.

        The other words cost no softmax.
        """
        hidden = self._hidden(network, batch)
        gold = tensor(batch.targets, network)
        if batch.causal and self.order is not None:
            order = tensor(self.order, network)
            total = -network.sampled_log_likelihood(hidden, gold, tokens=SAMPLED, order=order)
        else:
            total = -network.log_likelihood(hidden, gold)
        return Loss(total, len(batch.targets))

    def _hidden(self, network: MaskedNetwork, batch: MaskedBatch) -> Tensor:
        """Return the hidden states of the positions to predict: [M, D]."""
        ids, lengths = tensor(batch.ids, network), tensor(batch.lengths, network)
        hidden = network.forward(ids, lengths, causal=batch.causal)
        return hidden.flatten(0, 1)[tensor(batch.chosen, network)]

    def validate(self, network: MaskedNetwork) -> float:
        """Return nats per masked word, under masks that are the same at every call."""
        return -float(self.predictions(network)[0].mean())

    @inference()
    def predictions(self, network: MaskedNetwork) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return each masked validation word's log-probability, and whether it came first.

        Masks are the same at every call: [M], [M].
        """
        return self.masked_words(network)[:2]

    @inference()
    def masked_words(
        self, network: MaskedNetwork
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
        """Return what ``predictions`` returns, and the text that each masked word is in: [M]."""
        lengths = np.array([len(row) for row in self.valid], dtype=np.int64)
        parts: list[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]] = []
        groups = list(bucket(lengths, max_tokens=self.max_tokens, rng=None))
        for index, rows in enumerate(followed(groups, "texts")):
            ids, sizes = pad_rows(pick(self.valid, rows), self.pad)
            rng = np.random.default_rng([self.seed, 2**31, index])
            batch = self.hide(ids, sizes, None, rng, VALIDATED)
            owners = rows[batch.chosen // ids.shape[1]].astype(np.int64)
            parts.append((*self._predict(network, batch), owners))
        logprobs, hits, owners = zip(*parts, strict=True)
        return np.concatenate(logprobs), np.concatenate(hits), np.concatenate(owners)

    def _predict(
        self, network: MaskedNetwork, batch: MaskedBatch
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        logits = network.logits(self._hidden(network, batch))
        return masked_hits(logits, tensor(batch.targets, network))


def _following(ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> MaskedBatch:
    """Make a batch in which every token but each row's first is predicted from those before it."""
    places: NDArray[np.int64] = np.arange(ids.shape[1], dtype=np.int64)
    chosen: NDArray[np.bool_] = places < lengths[:, None] - 1
    at = np.flatnonzero(chosen)
    return MaskedBatch(ids, lengths, at, ids.flat[at + 1], causal=True)


def masked_hits(logits: Tensor, targets: Tensor) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return each target's natural-log probability [M] and whether it scores highest in [M, V]."""
    logits = logits.float()
    gold = logits.gather(1, targets[:, None])[:, 0]
    scores = gold.double() - logits.double().logsumexp(1)
    return scores.cpu().numpy(), (logits.argmax(1) == targets).cpu().numpy()


@inference()
def pseudo_logprobs(
    network: MaskedNetwork, ids: Ids, *, mask: int, around: tuple[int, int], max_tokens: int = 4096
) -> NDArray[np.float64]:
    """Return each inner token's log-probability when it alone is masked: [T − 2].

    Their sum is the pseudo-log-likelihood (Salazar et al. 2020, eq. 1), which is not a probability
    of the sentence and is never ranked beside one.

    Args:
        network: in evaluation mode.
        ids: one row.
        mask: what hides a token.
        around: special tokens before and after the inner ones.
        max_tokens: that go through together.
    """
    begin, size = around[0], len(ids)
    inner = size - sum(around)
    rows = np.tile(np.asarray(ids, dtype=np.int64), (inner, 1))
    at = np.arange(inner)
    rows[at, at + begin] = mask
    out = np.empty(inner)
    step = max(1, max_tokens // size)
    for first in range(0, inner, step):
        part = rows[first : first + step]
        lengths = np.full(len(part), size, dtype=np.int64)
        hidden = network.forward(tensor(part, network), tensor(lengths, network))
        columns = at[first : first + step]
        logits = network.logits(hidden[torch.arange(len(part)), columns + begin])
        gold = torch.as_tensor(np.asarray(ids)[columns + begin])
        scores = logits.double().log_softmax(-1).cpu()
        out[first : first + step] = scores[torch.arange(len(part)), gold].numpy()
    return out


@inference()
def embed_rows(
    network: Any, rows: Sequence[Ids], *, pooling: str = "mean", max_tokens: int = 8192
) -> NDArray[np.float32]:
    """Return a vector for each row, in the rows' order: [N, D].

    Args:
        network: gives each token of a row its hidden state.
        rows: framed token ids.
        pooling: ``mean`` of the hidden states over real tokens, or the ``first`` one.
        max_tokens: of a batch, padding counted.
    """
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    out: NDArray[np.float32] | None = None
    for chosen in followed(list(bucket(lengths, max_tokens=max_tokens, rng=None)), "texts"):
        ids, sizes = pad_rows(pick(rows, chosen), 0)
        size = tensor(sizes, network)
        hidden: Tensor = network(tensor(ids, network), size)
        if pooling == "first":
            vectors = hidden[:, 0]
        else:
            real = real_positions(size, ids.shape[1])[..., None]
            vectors = (hidden * real).sum(1) / size[:, None]
        if out is None:
            out = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
        out[chosen] = vectors.float().cpu().numpy()
    return np.empty((0, 0), dtype=np.float32) if out is None else out
