"""Sizes of a Transformer."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from munmaek.models.configuration import Config
from munmaek.models.searched import HEADS, INNER_WIDTHS, WIDTHS, Searched

__all__ = ["TransformerConfig"]


class TransformerConfig(Config):
    """Sizes of a Transformer."""

    label: ClassVar[str] = "Transformer"
    options: ClassVar[dict[str, str]] = {
        "layers": "layers",
        "hidden-size": "dimension",
        "heads": "heads",
        "feed-forward-size": "feed_forward",
        "dropout": "dropout",
    }

    dimension: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width D of embeddings and hidden states."""
    heads: Annotated[int, HEADS] = Field(default=4, ge=1)
    """Attention heads H; divides ``dimension``."""
    layers: Annotated[int, Searched(1, 6)] = Field(default=3, ge=1)
    """Layers of the stack; in translation of the encoder and of the decoder each."""
    encoder_layers: int | None = Field(default=None, ge=1)
    """Layers of a translator's encoder, where it is not ``layers``."""
    decoder_layers: int | None = Field(default=None, ge=1)
    """Layers of a translator's decoder, where it is not ``layers``."""
    feed_forward: Annotated[int, INNER_WIDTHS] = Field(default=1024, ge=1)
    """Inner width of the feed-forward sublayer."""
    dropout: Annotated[float, Searched(0, 0.5)] = Field(default=0.1, ge=0.0, lt=1.0)
    """Dropout on embedded tokens and on what each sublayer adds (Vaswani et al. 2017, §5.4)."""
    attention_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Dropout on attention weights; above 0 a CPU cannot use the fused kernel while training."""
    norm_first: bool = True
    """Pre-norm (Xiong et al. 2020); false is the original post-norm, which needs a warm-up."""
    learned_positions: int | None = Field(default=None, ge=1)
    """Positions in a learned table, which no text may exceed (Vaswani et al. 2017, §3.5); without
    it sinusoids, without end."""
    tie_embeddings: bool = True
    """Score tokens with the (target) token embedding (Press & Wolf 2017)."""
    share_embeddings: bool = False
    """Share one embedding between source and target in translation; needs one vocabulary."""
    alignment_layer: int | None = None
    """Decoder layer whose cross-attention is the alignment, negative from the last.

    None is the last but one, which aligns best (Garg et al. 2019, §4.2), or the only one.
    """
    alignment_head: int | None = Field(default=None, ge=0)
    """Head of that layer that is the alignment; None is the mean of all.

    Guided training has one (Garg et al. 2019, §4.2) and leaves the others free.
    """

    @field_validator("heads")
    @classmethod
    def _heads_divide(cls, heads: int, info: Any) -> int:
        dimension = info.data.get("dimension", heads)
        if dimension % heads:
            message = f"must divide dimension = {dimension}"
            raise ValueError(message)
        return heads

    @field_validator("alignment_head")
    @classmethod
    def _head_exists(cls, head: int | None, info: Any) -> int | None:
        heads = info.data.get("heads", 1)
        if head is not None and head >= heads:
            message = f"must be below heads = {heads}"
            raise ValueError(message)
        return head

    @field_validator("alignment_layer")
    @classmethod
    def _layer_exists(cls, layer: int | None, info: Any) -> int | None:
        depth = info.data.get("decoder_layers") or info.data.get("layers", 1)
        if layer is not None and not -depth <= layer < depth:
            message = f"must be within {-depth} and {depth - 1}, the decoder's layers"
            raise ValueError(message)
        return layer
