r"""Masked words, and whether one text follows another (Devlin et al. 2019, §3.1, task 2).

    loss = mean of mlm's + mean of −log softmax(W tanh(W_p h_1 + b_p) + b)[relation]
    h = network(<s> A </s> B </s>),  segment 0 up to the first </s>, then 1

A and B are spans of whole lines of one document; half of the time B is of another one. What a
random B displaces is read later, so that no line is lost (§A.2). A line that is left alone at the
end of its document is read alone, for its masked words only: labels stay balanced.

Letters: B rows, T tokens, M masked positions, P rows that are pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from munmaek.data.batches import pad_rows, pick
from munmaek.data.bucketing import bucket
from munmaek.errors import InputError
from munmaek.fit.objective import Batches, Loss
from munmaek.models.bert import BertMaskedNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.tasks.mlm.objective import VALIDATED, MaskedBatch, MaskedModelling, masked_hits
from munmaek.text.frames import Frame

__all__ = ["FOLLOWS", "RANDOM", "NextSentenceModelling", "PairBatch", "TextPair", "documents_of"]

Ids = Sequence[int]
Document = Sequence[Ids]

FOLLOWS, RANDOM, ALONE = 0, 1, -1
"""Relations; the two that are told apart have the numbers of Hugging Face's checkpoints."""
_DRAWS = 10
"""Random texts that are tried for one that fits; a second text cut short would tell itself."""


def documents_of(lines: Sequence[Ids]) -> list[list[Ids]]:
    """Return the lines of each document; empty lines part them."""
    ends = [-1, *(place for place, line in enumerate(lines) if not len(line)), len(lines)]
    return [list(lines[start + 1 : end]) for start, end in pairwise(ends) if end > start + 1]


@dataclass(frozen=True, slots=True)
class TextPair:
    """A pair of texts, as the network reads it at once."""

    ids: list[int]
    """``<s> A </s> B </s>``, or ``<s> A </s>``."""
    first: int
    """Tokens up to and with the first </s>."""
    relation: int
    """``FOLLOWS``, ``RANDOM`` or ``ALONE``."""


@final
@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs with some words hidden."""

    masked: MaskedBatch
    types: NDArray[np.int64]
    """Segment of each token: [B, T]."""
    relations: NDArray[np.int64]
    """Relation of each row's two texts: [B]."""

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return self.masked.tokens


@final
@dataclass(frozen=True, slots=True)
class NextSentenceModelling:
    """Documents as lines of ids, paired and masked anew at every pass."""

    train: Sequence[Document]
    valid: Sequence[Document]
    masking: MaskedModelling
    """Hides words; its own rows are not read."""
    frame: Frame
    """The tokenizer's."""
    limit: int
    """Tokens of a pair, special ones included."""
    begins: NDArray[np.int64] | None = None
    """For each token of the vocabulary whether it begins a word, to mask whole words: [V]."""

    def __post_init__(self) -> None:
        if min(len(self.train), len(self.valid)) < 2:
            message = (
                f"next-sentence pairs need 2 documents to train on and 2 to validate on, got "
                f"{len(self.train)} and {len(self.valid)}; put an empty line between documents"
            )
            raise InputError(message)

    def epoch(self, number: int) -> Sequence[PairBatch]:
        """Return batches in random order, pairs of like length together, fresh pairs and masks."""
        masking = self.masking
        rng = np.random.default_rng([masking.seed, number])
        pairs = self.pairs(self.train, rng)
        lengths = np.array([len(pair.ids) for pair in pairs], dtype=np.int64)
        groups = bucket(lengths, max_tokens=masking.max_tokens, rng=rng)
        rate = masking.rates[min(number, len(masking.rates) - 1)]

        def make(index: int, rows: NDArray[np.int64]) -> PairBatch:
            own = np.random.default_rng([masking.seed, number, index])
            return self._batch(pick(pairs, rows), own, rate)

        return Batches(groups, make)

    def pairs(self, documents: Sequence[Document], rng: np.random.Generator) -> list[TextPair]:
        """Return every line once, as an A or as what follows it, in the documents' order."""
        out: list[TextPair] = []
        for number, document in enumerate(documents):
            at = 0
            while at < len(document):
                end = self._filled(document, at)
                middle = at + 1 if end - at < 2 else at + int(rng.integers(1, end - at))
                first, second = _joined(document[at:middle]), _joined(document[middle:end])
                relation = ALONE if middle == end else int(rng.random() < 0.5)
                if relation == RANDOM:
                    second, end = self._elsewhere(documents, number, len(first), rng), middle
                    # What comes from elsewhere is cut, so that nothing is that stands here.
                    second = second[: max(self._room - len(first), 0) or None]
                out.append(self._pair(first, second, relation))
                at = end
        return out

    def _filled(self, document: Document, at: int) -> int:
        """Find where the lines from ``at`` on that fit into a pair end; two are always taken."""
        least = min(at + 2, len(document))
        return max(least, _fitting(document, at, self._room))

    @property
    def _room(self) -> int:
        """Tokens of both texts of a pair."""
        return self.limit - self.frame.special_of_pair

    def _elsewhere(
        self, documents: Sequence[Document], number: int, used: int, rng: np.random.Generator
    ) -> list[int]:
        """Draw lines of another document, from a random one on, to go beside ``used`` tokens."""
        found: list[int] = []
        for _ in range(_DRAWS):
            other = int(rng.integers(len(documents) - 1))
            document = documents[other + (other >= number)]
            start = int(rng.integers(len(document)))
            end = _fitting(document, start, self._room - used)
            found = _joined(document[start : max(end, start + 1)])
            if end > start:
                break
        return found

    def _pair(self, first: list[int], second: list[int], relation: int) -> TextPair:
        room = self._room
        if relation == ALONE:
            row = self.frame.row(first, self.limit)
            return TextPair(row, len(row), relation)
        # Lines too long for a pair: the longer is cut first, where it does not touch the other.
        most = max(room // 2, room - len(second))
        first = first[-most:] if len(first) > most else first
        second = second[: room - len(first)]
        ids, split = self.frame.together(first, second, self.limit)
        return TextPair(ids, split if self.frame.segmented else len(ids), relation)

    def _batch(self, pairs: Sequence[TextPair], rng: np.random.Generator, rate: float) -> PairBatch:
        ids, lengths = pad_rows([pair.ids for pair in pairs], self.masking.pad)
        firsts = np.array([pair.first for pair in pairs], dtype=np.int64)
        places: NDArray[np.int64] = np.arange(ids.shape[1], dtype=np.int64)
        second: NDArray[np.bool_] = (places >= firsts[:, None]) & (places < lengths[:, None])
        types = second.astype(np.int64)
        words = None
        if self.begins is not None:
            words = self.begins[ids].cumsum(1) - self.begins[ids[:, :1]]
        masked = self.masking.hide(ids, lengths, words, rng, rate)
        relations = np.array([pair.relation for pair in pairs], dtype=np.int64)
        return PairBatch(masked, types, relations)

    def loss(self, network: BertMaskedNetwork, batch: PairBatch) -> Loss:
        """Compute the loss of masked words, with that of relations as its penalty."""
        words, relations = self._hidden(network, batch)
        targets = tensor(batch.masked.targets, network)
        total = -network.log_likelihood(words, targets)
        gold = tensor(batch.relations, network)
        if not (batch.relations != ALONE).any():
            return Loss(total, len(targets))
        mean = F.cross_entropy(relations.float(), gold, ignore_index=ALONE)
        return Loss(total, len(targets), penalty=mean * len(targets))

    def _hidden(self, network: BertMaskedNetwork, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """Return states of the masked words [M, D] and scores of the relations [B, 2]."""
        masked = batch.masked
        hidden = network.forward(
            tensor(masked.ids, network),
            tensor(masked.lengths, network),
            types=tensor(batch.types, network),
        )
        words = hidden.flatten(0, 1)[tensor(masked.chosen, network)]
        return words, network.relations(hidden[:, 0])

    def validate(self, network: BertMaskedNetwork) -> float:
        """Return nats per masked word and per pair, added; pairs and masks never change."""
        words, _, relations, _ = self.predictions(network)
        pairs = -float(relations.mean()) if len(relations) else 0.0
        return pairs - float(words.mean())

    @inference()
    def predictions(
        self, network: BertMaskedNetwork
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]:
        """Return log-probabilities and hits of masked words [M], [M], and of pairs [P], [P].

        Pairs and masks are the same at every call.
        """
        pairs = self.pairs(self.valid, np.random.default_rng([self.masking.seed, 2**31]))
        lengths = np.array([len(pair.ids) for pair in pairs], dtype=np.int64)
        parts: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
        relations: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
        for index, rows in enumerate(bucket(lengths, max_tokens=self.masking.max_tokens, rng=None)):
            rng = np.random.default_rng([self.masking.seed, 2**31, index])
            batch = self._batch(pick(pairs, rows), rng, VALIDATED)
            words, scores = self._hidden(network, batch)
            parts.append(masked_hits(network.logits(words), tensor(batch.masked.targets, network)))
            real = batch.relations != ALONE
            gold = tensor(batch.relations[real], network)
            relations.append(masked_hits(scores[tensor(np.flatnonzero(real), network)], gold))
        return (
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[0] for part in relations]),
            np.concatenate([part[1] for part in relations]),
        )


def _fitting(document: Document, at: int, room: int) -> int:
    """Find where the lines from ``at`` on that have at most ``room`` tokens end."""
    end = at
    while end < len(document) and (room := room - len(document[end])) >= 0:
        end += 1
    return end


def _joined(lines: Sequence[Ids]) -> list[int]:
    return [token for line in lines for token in line]
