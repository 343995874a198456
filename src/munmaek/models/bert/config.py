"""Options of a BERT."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from munmaek.models.configuration import Config
from munmaek.models.searched import HEADS, INNER_WIDTHS, WIDTHS, Searched

__all__ = ["BertConfig"]

Activation = Literal[
    "gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python",
    "gelu_python_tanh", "gelu_pytorch_tanh", "hardswish", "laplace", "leaky_relu", "linear",
    "mish", "quick_gelu", "relu", "relu2", "relu6", "sigmoid", "silu", "swish", "tanh",
]  # fmt: skip
"""Hugging Face's names of the functions without weights of their own (``ACT2FN``)."""


class BertConfig(Config):
    """Sizes of a BERT; the defaults are a small one, trained in minutes."""

    label: ClassVar[str] = "BERT"
    options: ClassVar[dict[str, str]] = {
        "layers": "num_hidden_layers",
        "hidden-size": "hidden_size",
        "embedding-size": "embedding_size",
        "heads": "num_attention_heads",
        "feed-forward-size": "intermediate_size",
        "dropout": "hidden_dropout_prob",
    }

    hidden_size: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width D of the hidden states."""
    num_hidden_layers: Annotated[int, Searched(1, 6)] = Field(default=4, ge=1)
    """Layers of the stack."""
    num_attention_heads: Annotated[int, HEADS] = Field(default=4, ge=1)
    """Attention heads; divides ``hidden_size``."""
    intermediate_size: Annotated[int, INNER_WIDTHS] = Field(default=1024, ge=1)
    """Inner width of the feed-forward sublayer."""
    hidden_act: Activation = "gelu"
    """Activation of the feed-forward sublayer; gelu is the exact one (Hendrycks & Gimpel 2016)."""
    max_position_embeddings: int = Field(default=512, ge=1)
    """Positions in the learned table: longest text in tokens, and ``position_offset``."""
    type_vocab_size: int = Field(default=2, ge=0)
    """Segments that tokens may belong to; a single text is segment 0. 0 has none (DistilBERT)."""
    layer_norm_eps: float = Field(default=1e-12, gt=0.0)
    """Added to the variance in LayerNorm."""
    hidden_dropout_prob: Annotated[float, Searched(0, 0.5)] = Field(default=0.1, ge=0.0, lt=1.0)
    """Dropout on embeddings and on what each sublayer adds."""
    attention_probs_dropout_prob: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Dropout on attention weights, 0.1 in the paper; above 0 a CPU cannot use the fused kernel."""
    classifier_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Dropout before the label scores; without it ``hidden_dropout_prob``."""
    classifier_pooling: Literal["cls", "mean"] = "cls"
    """Vector that a text is labelled by: its first token's, or the mean of all. After a
    short pre-training the mean is better: no token has yet learned to stand for the text."""
    initializer_range: float = Field(default=0.035, gt=0.0)
    """Standard deviation of fresh weights: 0.02 at the paper's width of 768 is 0.035 at 256."""
    norm_first: bool = False
    """LayerNorm before each sublayer; false is after it, as in the paper."""
    embedding_norm: bool = False
    """LayerNorm on the embeddings as well, with ``norm_first``: without it words enter the stack
    at the deviation of fresh weights, and little is learned at first."""
    positions: Literal["learned", "rotary"] = "learned"
    """Positions as learned vectors, or by rotating queries and keys (Su et al. 2021)."""
    gated: bool = False
    """Gated feed-forward sublayer W₂ (act(W₁ x) ⊙ W₃ x) (Shazeer 2020) rather than W₂ act(W₁ x)."""
    bias: bool = True
    """Biases in the stack's matrix products."""
    embedding_size: int | None = Field(default=None, ge=1)
    """Width of the embeddings, projected to D where it differs (ELECTRA); without it D."""
    position_offset: int = Field(default=0, ge=0)
    """Number of the first position (RoBERTa: the padding id and one)."""
    tie_word_embeddings: bool = True
    """Score masked words with the word embeddings themselves."""
    family: Literal["bert", "roberta", "electra", "distilbert"] = "bert"
    """Family whose names and heads a saved model has."""

    @property
    def longest(self) -> int | None:
        """Tokens of the longest text; None is any."""
        if self.positions == "rotary":
            return None
        return self.max_position_embeddings - self.position_offset

    @property
    def classic(self) -> bool:
        """Return true for the form that published checkpoints have."""
        modern = self.norm_first or self.gated or self.positions == "rotary" or not self.bias
        return not modern

    @property
    def published(self) -> bool:
        """Return true where other libraries compute the same under the family's name."""
        return self.classic and self.classifier_pooling == "cls"

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
