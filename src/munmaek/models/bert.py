r"""BERT: a deep bidirectional stack, pre-trained by filling masked words.

    x⁰_t = LayerNorm(E[w_t] + P[t] + A[type_t])                 Devlin et al. 2019, §3, figure 2
    x ← LayerNorm(x + MultiHead(x, x))
    x ← LayerNorm(x + W₂ GELU(W₁ x + b₁) + b₂)
    masked word:  E · LayerNorm(GELU(W h_t + b)) + c            §3.1, task 1
    label:        W tanh(W_p h_1 + b_p)                         §4, h_1 is the first token's vector

With ``norm_first`` the order of later work (Xiong et al. 2020, figure 1): x ← x + f(LayerNorm(x)),
and the one LayerNorm of the embeddings stands behind the stack instead. It learns sooner at small
budgets; no published checkpoint has it.

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
from collections.abc import Mapping
from typing import Any, Literal

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from munmaek.errors import ArtefactError
from munmaek.models.configuration import Config
from munmaek.nn.attention import MultiHeadSelfAttention
from munmaek.nn.embeddings import LearnedPositions, OutputLayer, sinusoids
from munmaek.nn.masks import key_mask
from munmaek.nn.tape import Tape, scoped

__all__ = [
    "BertClassifierNetwork",
    "BertConfig",
    "BertEncoder",
    "BertMaskedNetwork",
    "load_encoder",
]


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
    hidden_act: Literal["gelu"] = "gelu"
    """The exact GELU (Hendrycks & Gimpel 2016)."""
    max_position_embeddings: int = Field(default=512, ge=1)
    """Longest text in tokens."""
    type_vocab_size: int = Field(default=2, ge=1)
    """Segments that tokens may belong to; a single text is segment 0."""
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

    @field_validator("num_attention_heads")
    @classmethod
    def _heads_divide(cls, heads: int, info: Any) -> int:
        size = info.data.get("hidden_size", heads)
        if size % heads:
            message = f"must divide hidden_size = {size}"
            raise ValueError(message)
        return heads


class BertLayer(nn.Module):
    """Self-attention over the whole sentence, then the feed-forward sublayer."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.attention = MultiHeadSelfAttention(
            size, config.num_attention_heads, dropout=config.attention_probs_dropout_prob
        )
        self.attention_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.intermediate = nn.Linear(size, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.norm_first = config.norm_first

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The layer's vectors."""
        scope = scoped(tape, "self")
        if self.norm_first:
            change, _ = self.attention(self.attention_norm(x), mask=mask, tape=scope)
            x = x + self.dropout(change)
            return x + self.dropout(self._forward(self.output_norm(x)))
        change, _ = self.attention(x, mask=mask, tape=scope)
        x = self.attention_norm(x + self.dropout(change))
        return self.output_norm(x + self.dropout(self._forward(x)))

    def _forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        return self.output(F.gelu(self.intermediate(x)))


class BertEncoder(nn.Module):
    """From token ids to a vector for each token that knows both of its sides."""

    def __init__(self, config: BertConfig, *, vocab_size: int) -> None:
        super().__init__()
        size = config.hidden_size
        self.word_embeddings = nn.Embedding(vocab_size, size)
        self.position_embeddings = LearnedPositions(config.max_position_embeddings, size)
        self.type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
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
        """The last layer's vectors.

        Args:
            ids: tokens, padding last.
            lengths: real tokens of each row.
            types: the segment of each token; None is segment 0 throughout.
            tape: where to record the inside of each layer.

        Raises:
            InputError: a text longer than ``max_position_embeddings``.
        """
        x = self._embed(ids, types, tape)
        mask = key_mask(lengths, ids.shape[1])
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}")
            x = layer(x, mask=mask, tape=scope)
            if scope is not None:
                scope.record("hidden", x)
        return self.norm(x) if self.norm_first else x

    def _embed(self, ids: Tensor, types: Tensor | None, tape: Tape | None) -> Tensor:
        words = self.word_embeddings(ids)
        if tape is not None:
            tape.record("embedding", words)
        first = self.type_embeddings.weight[0]
        segment = first if types is None else self.type_embeddings(types)
        positions = self.position_embeddings(0, ids.shape[1])
        x = words + (positions + segment)
        return self.dropout(x if self.norm_first else self.norm(x))


class MaskedHead(nn.Module):
    """LayerNorm(GELU(W h + b)), what a masked word is read from."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        """Position by position."""
        return self.norm(F.gelu(self.dense(hidden)))


class BertMaskedNetwork(nn.Module):
    """The encoder and the masked-word head, whose scores use the word embeddings."""

    def __init__(self, config: BertConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)
        self.head = MaskedHead(config)
        self.output = OutputLayer(config.hidden_size, vocab_size, tied=True)
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


class BertClassifierNetwork(nn.Module):
    """The encoder, and a label from the pooled vector of the first token."""

    def __init__(self, config: BertConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = BertEncoder(config, vocab_size=vocab_size)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        dropout = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if dropout is None else dropout)
        self.classifier = nn.Linear(config.hidden_size, label_count)
        _initialise(self, config.initializer_range)

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Scores of each label, before softmax; padding changes nothing."""
        hidden = self.encoder(ids, lengths, tape=tape)
        pooled = self.pooler(hidden[:, 0]).tanh()
        return self.classifier(self.dropout(pooled))


def load_encoder(classifier: BertClassifierNetwork, masked: Mapping[str, Tensor]) -> None:
    """Give ``classifier`` the encoder that a ``BertMaskedNetwork`` was pre-trained with.

    Args:
        classifier: changed in place; its pooler and label scores stay as they are.
        masked: the pre-trained network's state dict; what is not of its encoder is passed over.

    Raises:
        ArtefactError: a tensor of the encoder is missing, extra or misshapen; nothing is changed.
    """
    given = {name[8:]: value for name, value in masked.items() if name.startswith("encoder.")}
    wanted = classifier.encoder.state_dict()
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
    classifier.encoder.load_state_dict(given)


def _initialise(network: nn.Module, deviation: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=deviation)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, LearnedPositions):
            weight = module.table.weight.data
            weight.copy_(sinusoids(0, *weight.shape) * (math.sqrt(2) * deviation))
