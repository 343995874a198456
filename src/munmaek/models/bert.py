r"""BERT: a deep bidirectional stack, pre-trained by filling masked words.

    x⁰_t = LayerNorm(E[w_t] + P[t] + A[type_t])                 Devlin et al. 2019, §3, figure 2
    x ← LayerNorm(x + MultiHead(x, x))
    x ← LayerNorm(x + W₂ GELU(W₁ x + b₁) + b₂)
    masked word:  E · LayerNorm(GELU(W h_t + b)) + c            §3.1, task 1
    next text:    W tanh(W_p h_1 + b_p) + b                     §3.1, task 2
    label:        W tanh(W_p h_1 + b_p)                         §4, h_1 is the first token's vector

With ``norm_first`` the order of later work (Xiong et al. 2020, figure 1): x ← x + f(LayerNorm(x)),
and the one LayerNorm of the embeddings stands behind the stack instead. It learns sooner at small
budgets. ``positions = "rotary"``, ``gated`` and ``bias = False`` give the rest of the modern form
(Su et al. 2021; Shazeer 2020; Warner et al. 2024). RoBERTa, ELECTRA and DistilBERT are the classic
stack with other embeddings and heads (``family``).

Options carry the names of Hugging Face's ``BertConfig`` where they exist there. The encoder is the
submodule ``encoder`` of both networks, with the same names inside, so that pre-trained weights move
from one to the other (``load_encoder``). Weights are drawn from N(0, ``initializer_range``²) and
biases are zero; learned positions begin as the sinusoids of Vaswani et al. 2017, §3.5, at the same
deviation, since a small model is slow to find out by itself which positions are neighbours. As in
every post-norm stack the learning rate has to rise from zero.

Letters: B sentences in the batch, T tokens, S tokens that may be seen, D hidden size, V vocabulary
size, C classes.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from munmaek.errors import ArtefactError, InputError, UnsupportedError
from munmaek.models.configuration import Config
from munmaek.nn.attention import MultiHeadSelfAttention, Spans, rotary_tables
from munmaek.nn.dropout import Dropout
from munmaek.nn.embeddings import LearnedPositions, OutputLayer, sinusoids
from munmaek.nn.masks import key_mask, padding_mask
from munmaek.nn.tape import Tape, scoped
from munmaek.nn.unpadded import Unpadded, unpad

__all__ = [
    "ACTIVATIONS",
    "POOLED",
    "BertBaseNetwork",
    "BertClassifierNetwork",
    "BertConfig",
    "BertEncoder",
    "BertLayer",
    "BertMaskedNetwork",
    "BertTaggerNetwork",
    "load_encoder",
    "same_heads",
]


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": partial(F.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}
POOLED: dict[str, Callable[[Tensor], Tensor]] = {
    "bert": torch.tanh,
    "roberta": torch.tanh,
    "electra": F.gelu,
    "distilbert": F.relu,
}
"""What each family puts on the pooled vector before the label scores."""


class BertConfig(Config):
    """Sizes of a BERT; the defaults are a small one, trained in minutes."""

    hidden_size: int = Field(default=256, ge=1)
    """D."""
    num_hidden_layers: int = Field(default=4, ge=1)
    """Layers of the stack."""
    num_attention_heads: int = Field(default=4, ge=1)
    """Heads; divides ``hidden_size``."""
    intermediate_size: int = Field(default=1024, ge=1)
    """Inner width of the feed-forward sublayer."""
    hidden_act: Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"] = "gelu"
    """Of the feed-forward sublayer; gelu is the exact one (Hendrycks & Gimpel 2016)."""
    max_position_embeddings: int = Field(default=512, ge=1)
    """Rows of the table of positions: longest text in tokens, and ``position_offset``."""
    type_vocab_size: int = Field(default=2, ge=0)
    """Segments that tokens may belong to; a single text is segment 0. 0 has none (DistilBERT)."""
    layer_norm_eps: float = Field(default=1e-12, gt=0.0)
    """Added to the variance in LayerNorm."""
    hidden_dropout_prob: float = Field(default=0.1, ge=0.0, lt=1.0)
    """On embeddings and on what each sublayer adds."""
    attention_probs_dropout_prob: float = Field(default=0.0, ge=0.0, lt=1.0)
    """On attention weights, 0.1 in the paper; above 0 a CPU cannot use the fused kernel."""
    classifier_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Before the label scores; None is ``hidden_dropout_prob``."""
    initializer_range: float = Field(default=0.035, gt=0.0)
    """Standard deviation of fresh weights: 0.02 at the paper's width of 768 is 0.035 at 256."""
    norm_first: bool = False
    """LayerNorm before each sublayer; False is after it, as in the paper."""
    embedding_norm: bool = False
    """With ``norm_first``, LayerNorm on the embeddings as well: without it words enter the stack
    at the deviation of fresh weights, and little is learned at first."""
    positions: Literal["learned", "rotary"] = "learned"
    """A learned vector for each position, or queries and keys turned by it."""
    gated: bool = False
    """Feed-forward sublayer W₂ (act(W₁ x) ⊙ W₃ x) (Shazeer 2020) rather than W₂ act(W₁ x)."""
    bias: bool = True
    """Biases in the stack's matrix products."""
    embedding_size: int | None = Field(default=None, ge=1)
    """Width of the embeddings, projected to D where it differs (ELECTRA); None is D."""
    position_offset: int = Field(default=0, ge=0)
    """Number of the first position (RoBERTa: the padding id and one)."""
    tie_word_embeddings: bool = True
    """Whether masked words are scored with the word embeddings themselves."""
    family: Literal["bert", "roberta", "electra", "distilbert"] = "bert"
    """Whose names and heads a saved model has."""

    @property
    def longest(self) -> int | None:
        """Tokens of the longest text; None is any."""
        if self.positions == "rotary":
            return None
        return self.max_position_embeddings - self.position_offset

    @property
    def classic(self) -> bool:
        """Whether it is of the form that published checkpoints have."""
        modern = self.norm_first or self.gated or self.positions == "rotary" or not self.bias
        return not modern

    @field_validator("num_attention_heads")
    @classmethod
    def _heads_divide(cls, heads: int, info: Any) -> int:
        size = info.data.get("hidden_size", heads)
        if size % heads:
            message = f"must divide hidden_size = {size}"
            raise ValueError(message)
        return heads

    @field_validator("positions")
    @classmethod
    def _halves(cls, positions: str, info: Any) -> str:
        size, heads = info.data.get("hidden_size", 2), info.data.get("num_attention_heads", 1)
        if positions == "rotary" and size // heads % 2:
            message = f"rotary wants heads of even width, got {size // heads}"
            raise ValueError(message)
        return positions


class BertLayer(nn.Module):
    """Self-attention over the whole sentence, then the feed-forward sublayer."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        size, inner = config.hidden_size, config.intermediate_size
        self.attention = MultiHeadSelfAttention(
            size,
            config.num_attention_heads,
            dropout=config.attention_probs_dropout_prob,
            bias=config.bias,
        )
        self.attention_norm = nn.LayerNorm(size, eps=config.layer_norm_eps, bias=config.bias)
        self.intermediate = nn.Linear(size, (1 + config.gated) * inner, bias=config.bias)
        self.output = nn.Linear(inner, size, bias=config.bias)
        self.output_norm = nn.LayerNorm(size, eps=config.layer_norm_eps, bias=config.bias)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.norm_first = config.norm_first
        self.gated = config.gated
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        rotary: Float[Tensor, "2 T K"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The layer's vectors."""
        scope = scoped(tape, "self")

        def attend(y: Tensor) -> Tensor:
            return self.attention(y, mask=mask, rotary=rotary, tape=scope)[0]

        return self.around(x, attend)

    def flat(
        self,
        x: Float[Tensor, "N D"],
        spans: Spans,
        *,
        rotary: Float[Tensor, "2 N K"] | None = None,
    ) -> Float[Tensor, "N D"]:
        """The same for sentences that stand end to end."""
        return self.around(x, lambda y: self.attention.flat(y, spans, rotary=rotary))

    def first(
        self,
        x: Float[Tensor, "N D"],
        starts: Int[Tensor, " B"],
        spans: Spans,
        *,
        rotary: Float[Tensor, "2 N K"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """``flat`` of each sentence's first token alone: keys and values of all, the rest of it."""
        return self.around(
            x, lambda y: self.attention.first(y, starts, spans, rotary=rotary), kept=starts
        )

    def around(
        self, x: Tensor, attend: Callable[[Tensor], Tensor], *, kept: Tensor | None = None
    ) -> Tensor:
        """Both sublayers with their normalisation, before or after.

        ``kept`` are the tokens that ``attend`` gives vectors of; None is all.
        """
        residual = x if kept is None else x[kept]
        if self.norm_first:
            x = residual + self.dropout(attend(self.attention_norm(x)))
            return x + self.dropout(self._forward(self.output_norm(x)))
        x = self.attention_norm(residual + self.dropout(attend(x)))
        return self.output_norm(x + self.dropout(self._forward(x)))

    def _forward(self, x: Tensor) -> Tensor:
        inner = self.intermediate(x)
        if self.gated:
            gate, inner = inner.chunk(2, dim=-1)
            return self.output(self.activation(gate) * inner)
        return self.output(self.activation(inner))


class BertEncoder(nn.Module):
    """From token ids to a vector for each token that knows both of its sides."""

    def __init__(self, config: BertConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        size = config.embedding_size or config.hidden_size
        self.word_embeddings = nn.Embedding(vocab_size, size)
        self.position_embeddings = (
            LearnedPositions(config.max_position_embeddings, size)
            if config.positions == "learned"
            else None
        )
        self.type_embeddings = (
            nn.Embedding(config.type_vocab_size, size) if config.type_vocab_size else None
        )
        # Behind the stack instead where the sublayers normalise first.
        normed = config.hidden_size if config.norm_first else size
        self.norm = nn.LayerNorm(normed, eps=config.layer_norm_eps, bias=config.bias)
        self.embedding_norm = (
            nn.LayerNorm(size, eps=config.layer_norm_eps, bias=config.bias)
            if config.norm_first and config.embedding_norm
            else None
        )
        self.projection = (
            nn.Linear(size, config.hidden_size) if size != config.hidden_size else None
        )
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))
        self.norm_first = config.norm_first

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The last layer's vectors, zero at padding, which is taken out once and put back once.

        Args:
            ids: tokens, padding last.
            lengths: real tokens of each row.
            types: the segment of each token; None is segment 0 throughout.
            tape: where to record the inside of each layer.

        Raises:
            InputError: a text longer than the model's positions.
        """
        if tape is not None:
            hidden = self.padded(ids, lengths, types=types, tape=tape)
            return hidden * padding_mask(lengths, ids.shape[1])[..., None]
        rows = unpad(lengths, ids.shape[1])
        pick = rows.cells
        out = self.flat(
            ids.flatten()[pick], rows, types=None if types is None else types.flatten()[pick]
        )
        if len(pick) == ids.numel() and len(rows.spans) == 1:
            return out.reshape(*ids.shape, -1)
        blank = out.new_zeros(ids.numel(), out.shape[1])
        return blank.index_copy(0, pick, out).reshape(*ids.shape, -1)

    def first(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B D"]:
        """``forward`` of each first token alone, which saves most of the last layer.

        On CUDA and with a tape all tokens are computed as ever.

        Raises:
            InputError: a text longer than the model's positions.
        """
        if tape is not None or ids.is_cuda or not len(ids):
            return self.forward(ids, lengths, types=types, tape=tape)[:, 0]
        rows = unpad(lengths, ids.shape[1])
        pick = rows.cells
        types = None if types is None else types.flatten()[pick]
        x, rotary = self._lower(ids.flatten()[pick], rows, types)
        starts = torch.tensor(
            [at + row * length for at, count, length in rows.spans for row in range(count)],
            device=ids.device,
        )
        last = cast("BertLayer", self.layers[-1])
        out = last.first(x, starts, rows.spans, rotary=rotary)
        out = self.norm(out) if self.norm_first else out
        blank = out.new_zeros(len(ids), out.shape[1])
        return blank.index_copy(0, pick[starts] // ids.shape[1], out)

    def flat(
        self, ids: Int[Tensor, " N"], rows: Unpadded, *, types: Int[Tensor, " N"] | None = None
    ) -> Float[Tensor, "N D"]:
        """The last layer's vectors of sentences that stand end to end."""
        x, rotary = self._lower(ids, rows, types)
        x = cast("BertLayer", self.layers[-1]).flat(x, rows.spans, rotary=rotary)
        return self.norm(x) if self.norm_first else x

    def _lower(
        self, ids: Tensor, rows: Unpadded, types: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """What the last layer reads, and the angles of its positions."""
        self._check(rows.spans[-1][2] if rows.spans else 0)
        x = self.embed(ids, rows.positions, types)
        rotary = self._rotary(rows.positions)
        for layer in list(self.layers)[:-1]:
            x = cast("BertLayer", layer).flat(x, rows.spans, rotary=rotary)
        return x, rotary

    def padded(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """``forward`` with the padding carried along under a mask: the same numbers, slower."""
        self._check(ids.shape[1])
        positions = torch.arange(ids.shape[1], device=ids.device)
        return self.stack(
            self.embed(ids, positions, types, tape=tape),
            key_mask(lengths, ids.shape[1]),
            tape=tape,
        )

    def stack(
        self,
        x: Float[Tensor, "B T D"],
        mask: Bool[Tensor, "B 1 1 S"] | None,
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """All layers over embedded tokens, under a mask."""
        rotary = self._rotary(torch.arange(x.shape[1], device=x.device))
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}")
            x = layer(x, mask=mask, rotary=rotary, tape=scope)
            if scope is not None:
                scope.record("hidden", x)
        return self.norm(x) if self.norm_first else x

    def _check(self, wanted: int) -> None:
        longest = self.config.longest
        if longest is not None and wanted > longest:
            message = (
                f"a text of {wanted} tokens is longer than the model's {longest} positions: "
                "cut the text, or train with more positions"
            )
            raise InputError(message)

    def _rotary(self, positions: Tensor) -> Tensor | None:
        if self.config.positions != "rotary":
            return None
        width = self.config.hidden_size // self.config.num_attention_heads
        return rotary_tables(positions, width)

    def embed(
        self,
        ids: Int[Tensor, "*B T"],
        positions: Int[Tensor, " T"],
        types: Int[Tensor, "*B T"] | None = None,
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "*B T D"]:
        """What the first layer reads."""
        words = self.word_embeddings(ids)
        if tape is not None:
            tape.record("embedding", words)
        added: Tensor | None = None
        if self.position_embeddings is not None:
            offset = self.config.position_offset
            added = self.position_embeddings.table(positions + offset)
        if self.type_embeddings is not None:
            first = self.type_embeddings.weight[0]
            segment = first if types is None else self.type_embeddings(types)
            added = segment if added is None else added + segment
        x = words if added is None else words + added
        if not self.norm_first:
            x = self.norm(x)
        elif self.embedding_norm is not None:
            x = self.embedding_norm(x)
        x = self.dropout(x)
        return x if self.projection is None else self.projection(x)


class MaskedHead(nn.Module):
    """LayerNorm(GELU(W h + b)), what a masked word is read from."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        size = config.embedding_size or config.hidden_size
        self.dense = nn.Linear(config.hidden_size, size)
        # ELECTRA keeps the default of LayerNorm here, whatever the rest has.
        own = config.family in ("bert", "roberta")
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps if own else 1e-12)
        follows = config.family in ("bert", "distilbert")
        self.activation = ACTIVATIONS[config.hidden_act] if follows else F.gelu

    def forward(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N E"]:
        """Position by position."""
        return self.norm(self.activation(self.dense(hidden)))


class BertMaskedNetwork(nn.Module):
    """The encoder and the masked-word head, whose scores use the word embeddings.

    With ``next_sentence`` there is the paper's second head as well, which tells whether the second
    of two texts follows the first.
    """

    def __init__(self, config: BertConfig, *, vocab_size: int, next_sentence: bool = False) -> None:
        super().__init__()
        if next_sentence and config.family != "bert":
            message = f"a {config.family} has no next-sentence head; only bert has one"
            raise UnsupportedError(message)
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)
        self.head = MaskedHead(config)
        size = config.embedding_size or config.hidden_size
        self.output = OutputLayer(size, vocab_size, tied=config.tie_word_embeddings)
        width = config.hidden_size
        self.pooler = nn.Linear(width, width) if next_sentence else None
        self.relation = nn.Linear(width, 2) if next_sentence else None
        _initialise(self, config.initializer_range)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The hidden state of every token, from both sides; padding changes nothing.

        ``types`` are the segments of a pair of texts, as in ``BertEncoder.forward``.
        """
        return self.encoder(ids, lengths, types=types, tape=tape)

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Scores of the token at each chosen position, before softmax."""
        return self.output(self.head(hidden), self.encoder.word_embeddings.weight)

    def relations(self, first: Float[Tensor, "B D"]) -> Float[Tensor, "B 2"]:
        """Scores of "the second text follows the first" and "it is from elsewhere".

        ``first`` is the first token's vector.

        Raises:
            UnsupportedError: the network was made without that head.
        """
        if self.pooler is None or self.relation is None:
            message = "trained without next_sentence: there is no head for it"
            raise UnsupportedError(message)
        return self.relation(self.pooler(first).tanh())


class BertBaseNetwork(nn.Module):
    """The encoder alone, and its pooled first vector where the checkpoint has one."""

    def __init__(self, config: BertConfig, *, vocab_size: int, pooled: bool = True) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if pooled else None
        _initialise(self, config.initializer_range)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The hidden state of every token, as ``BertEncoder.forward``."""
        return self.encoder(ids, lengths, types=types, tape=tape)

    def pool(self, hidden: Float[Tensor, "B T D"]) -> Float[Tensor, "B D"]:
        """tanh(W h_1 + b), or h_1 itself without a pooler."""
        return hidden[:, 0] if self.pooler is None else self.pooler(hidden[:, 0]).tanh()


class BertClassifierNetwork(nn.Module):
    """The encoder, and a label from the pooled vector of the first token."""

    def __init__(self, config: BertConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        dropout = config.classifier_dropout
        self.dropout = Dropout(config.hidden_dropout_prob if dropout is None else dropout)
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
        """Scores of each label, before softmax; padding changes nothing."""
        return self.scores(self.encoder.first(ids, lengths, types=types, tape=tape))

    def scores(self, first: Float[Tensor, "B D"]) -> Float[Tensor, "B C"]:
        """Scores of each label from the first token's vector."""
        pooled = POOLED[self.config.family](self.pooler(first))
        return self.classifier(self.dropout(pooled))


class BertTaggerNetwork(nn.Module):
    """The encoder, and a label for every token."""

    def __init__(self, config: BertConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)
        dropout = config.classifier_dropout
        self.dropout = Dropout(config.hidden_dropout_prob if dropout is None else dropout)
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
        """Scores of each label at each token, before softmax."""
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
    wanted = network.encoder.state_dict()
    for name in sorted(wanted.keys() | given.keys()):
        if name not in given or name not in wanted:
            what = "missing" if name not in given else "not part of this configuration"
            message = f"pre-trained encoder: tensor '{name}' is {what}; use the same configuration"
            raise ArtefactError(message)
        if given[name].shape != wanted[name].shape:
            message = (
                f"pre-trained encoder: tensor '{name}' has shape {tuple(given[name].shape)}, "
                f"{tuple(wanted[name].shape)} wanted; use the same configuration and tokenizer"
            )
            raise ArtefactError(message)
    network.encoder.load_state_dict(given)


def same_heads(network: BertMaskedNetwork, masked: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of ``masked``, for a network with other heads.

    A head that ``masked`` lacks is ``network``'s own; a next-sentence head too many is left out.
    """
    heads = ("pooler.", "relation.")
    if not any(name.startswith("head.") for name in masked):
        heads = (*heads, "head.", "output.")
    kept = {name: value for name, value in masked.items() if not name.startswith(heads)}
    own = {name: value for name, value in network.state_dict().items() if name.startswith(heads)}
    return {**kept, **{name: masked.get(name, value) for name, value in own.items()}}


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
