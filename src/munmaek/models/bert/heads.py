"""Heads on the encoder for each task, and the way of weights from one to another.

Letters: B sentences in the batch, T tokens, N chosen tokens, D hidden size, E width of the
embeddings, V vocabulary size, C classes.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.errors import UnsupportedError
from munmaek.models.bert.config import BertConfig
from munmaek.models.bert.encoder import ACTIVATIONS, BertEncoder
from munmaek.nn.dropout import Dropout
from munmaek.nn.embeddings import LearnedPositions, OutputLayer, sinusoids
from munmaek.nn.masks import masked_mean
from munmaek.nn.tape import Tape
from munmaek.nn.tensors import check_tensors

__all__ = [
    "BertBaseNetwork",
    "BertClassifierNetwork",
    "BertMaskedNetwork",
    "BertTaggerNetwork",
    "load_encoder",
    "same_heads",
]

POOLED: dict[str, Callable[[Tensor], Tensor]] = {
    "bert": torch.tanh,
    "roberta": torch.tanh,
    "electra": F.gelu,
    "distilbert": F.relu,
}
"""The function that each family puts on the pooled vector before the label scores."""


class MaskedHead(nn.Module):
    """LayerNorm(GELU(W h + b)), what a masked word is read from."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        size = config.embedding_size or config.hidden_size
        self.dense = nn.Linear(config.hidden_size, size)
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        follows = config.family in ("bert", "distilbert")
        self.activation = ACTIVATIONS[config.hidden_act] if follows else F.gelu

    def forward(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N E"]:
        """Apply it position by position."""
        return self.norm(self.activation(self.dense(hidden)))


class _OnEncoder(nn.Module):
    """A network with the encoder, and what a task adds to it."""

    def __init__(self, config: BertConfig, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)


class _Hidden(_OnEncoder):
    """One whose result are the encoder's vectors."""

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        causal: bool = False,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return every token's hidden state, as ``BertEncoder.forward``; padding changes nothing.

        ``types`` are the segments of a pair of texts; ``causal`` lets no token see one after it.
        """
        return self.encoder(ids, lengths, types=types, causal=causal, tape=tape)


class BertMaskedNetwork(_Hidden):
    """The encoder and the masked-word head, whose scores use the word embeddings.

    With ``next_sentence`` there is the paper's second head as well, which tells whether the second
    of two texts follows the first.
    """

    def __init__(self, config: BertConfig, *, vocab_size: int, next_sentence: bool = False) -> None:
        if next_sentence and config.family != "bert":
            message = f"a {config.family} has no next-sentence head; only bert has one"
            raise UnsupportedError(message)
        super().__init__(config, vocab_size)
        self.head = MaskedHead(config)
        size = config.embedding_size or config.hidden_size
        self.output = OutputLayer(size, vocab_size, tied=config.tie_word_embeddings)
        width = config.hidden_size
        self.pooler = nn.Linear(width, width) if next_sentence else None
        self.relation = nn.Linear(width, 2) if next_sentence else None
        _initialise(self, config.initializer_range)

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Return the scores of the token at each chosen position, before softmax."""
        return self.output(self.head(hidden), self.encoder.word_embeddings.weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"]
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold) in nats, without holding every token's score."""
        weight = self.encoder.word_embeddings.weight
        return self.output.log_likelihood(self.head(hidden), gold, weight)

    def sampled_log_likelihood(
        self,
        hidden: Float[Tensor, "N D"],
        gold: Int[Tensor, " N"],
        *,
        tokens: int,
        order: Int[Tensor, " V"],
    ) -> Float[Tensor, ""]:
        """Return an estimate of ``log_likelihood``, as ``OutputLayer.sampled_log_likelihood``."""
        weight = self.encoder.word_embeddings.weight
        return self.output.sampled_log_likelihood(
            self.head(hidden), gold, weight, tokens=tokens, order=order
        )

    def relations(self, first: Float[Tensor, "B D"]) -> Float[Tensor, "B 2"]:
        """Return the scores of "the second text follows the first" and "it is from elsewhere".

        ``first`` is the first token's vector.

        Raises:
            UnsupportedError: the network was made without that head.
        """
        if self.pooler is None or self.relation is None:
            message = "trained without next_sentence: there is no head for it"
            raise UnsupportedError(message)
        return self.relation(self.pooler(first).tanh())


class BertBaseNetwork(_Hidden):
    """The encoder alone, and its pooled first vector where the checkpoint has one."""

    def __init__(self, config: BertConfig, *, vocab_size: int, pooled: bool = True) -> None:
        super().__init__(config, vocab_size)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if pooled else None
        _initialise(self, config.initializer_range)

    def pool(self, hidden: Float[Tensor, "B T D"]) -> Float[Tensor, "B D"]:
        """Return tanh(W h_1 + b), or h_1 itself without a pooler."""
        return hidden[:, 0] if self.pooler is None else self.pooler(hidden[:, 0]).tanh()


class BertClassifierNetwork(_OnEncoder):
    """The encoder, and a label from the pooled vector of the first token or of the mean."""

    def __init__(self, config: BertConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__(config, vocab_size)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = _label_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, label_count)
        _initialise(self, config.initializer_range)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B C"]:
        """Return the scores of each label, before softmax; padding changes nothing."""
        if self.config.classifier_pooling == "mean":
            hidden = self.encoder(ids, lengths, types=types, tape=tape)
            return self.scores(masked_mean(hidden, lengths))
        return self.scores(self.encoder.first(ids, lengths, types=types, tape=tape))

    def scores(self, vector: Float[Tensor, "B D"]) -> Float[Tensor, "B C"]:
        """Return the scores of each label from the first token's vector, or the mean of all."""
        pooled = POOLED[self.config.family](self.pooler(vector))
        return self.classifier(self.dropout(pooled))


class BertTaggerNetwork(_OnEncoder):
    """The encoder, and a label for every token."""

    def __init__(self, config: BertConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__(config, vocab_size)
        self.dropout = _label_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, label_count)
        _initialise(self, config.initializer_range)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T C"]:
        """Return the scores of each label at each token, before softmax."""
        return self.classifier(self.dropout(self.encoder(ids, lengths, types=types, tape=tape)))


_WithEncoder = BertClassifierNetwork | BertTaggerNetwork | BertBaseNetwork


def load_encoder(network: _WithEncoder, masked: Mapping[str, Tensor]) -> None:
    """Give ``network`` the encoder that a ``BertMaskedNetwork`` was pre-trained with.

    Args:
        network: changed in place; its pooler and label scores stay as they are.
        masked: the pre-trained network's state dict; what is not of its encoder is passed over.

    Raises:
        ArtefactError: a tensor of the encoder is missing, extra or misshapen; nothing is changed.
    """
    given = {name[8:]: value for name, value in masked.items() if name.startswith("encoder.")}
    check_tensors(
        given,
        network.encoder.state_dict(),
        where="pre-trained encoder",
        owner="this configuration",
        advice="; use the same configuration and tokenizer",
    )
    network.encoder.load_state_dict(given)


def same_heads(network: BertMaskedNetwork, masked: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of ``masked``, for a network with other heads.

    A head that ``masked`` lacks is ``network``'s own; a next-sentence head too many is left out.
    """
    heads = ("pooler.", "relation.")
    if not any(name.startswith("head.") for name in masked):
        heads = (*heads, "head.", "output.")
    kept = {name: value for name, value in masked.items() if not name.startswith(heads)}
    own = {name: value for name, value in network.state_dict().items() if name.startswith(heads)}
    return {**kept, **{name: masked.get(name, value) for name, value in own.items()}}


def _label_dropout(config: BertConfig) -> Dropout:
    rate = config.classifier_dropout
    return Dropout(config.hidden_dropout_prob if rate is None else rate)


def _initialise(network: nn.Module, deviation: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=deviation)
        if isinstance(module, nn.Linear) and cast("Any", module).bias is not None:
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, LearnedPositions):
            weight = module.table.weight.data
            weight.copy_(sinusoids(0, *weight.shape) * (math.sqrt(2) * deviation))
