"""Options of the stage attention, and the structures that papers have."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, cast, final

from pydantic import Field, field_validator, model_validator

from munmaek.models.configuration import Config
from munmaek.models.searched import WIDTHS, Searched

__all__ = ["AttentionConfig", "Span"]

Span = Literal["global", "local-m", "local-p"]
"""The places that a decoder looks at: everywhere, or near a place that moves on or is predicted."""


@final
class AttentionConfig(Config):
    """Options of the stage; those of the decoder are for translation."""

    label: ClassVar[str] = "attention"
    options: ClassVar[dict[str, str]] = {
        "cell": "cell",
        "layers": "layers",
        "hidden-size": "hidden",
        "embedding-size": "embedding",
        "dropout": "dropout",
    }

    paper: Literal["bahdanau2015", "luong2015"] | None = None
    """Paper whose structure is taken where an option is not given."""
    score: Literal["additive", "dot", "general", "concat"] = "additive"
    """Score of a source state; additive is Bahdanau's decoder, the others are Luong's."""
    embedding: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width of the token embeddings."""
    hidden: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width of the decoder's state and of the alignment layer."""
    bidirectional: bool = True
    """Let the encoder read both ways; false reads from the first token on."""
    encoder_hidden: Annotated[int, Searched(choices=(32, 64, 128, 256))] = Field(
        default=128, ge=1, validate_default=True
    )
    """Width of the encoder's state in each of its directions."""
    encoder_layers: int = Field(default=1, ge=1)
    """Layers of the encoder."""
    dropout: Annotated[float, Searched(0, 0.5)] = Field(default=0.2, ge=0.0, lt=1.0)
    """Dropout on embedded tokens, between layers and on what predicts."""
    cell: Literal["gru", "lstm"] = "gru"
    """Recurrent cell of encoder and decoder; additive has a GRU."""
    layers: int = Field(default=1, ge=1)
    """Layers of the decoder; additive has one."""
    bridge: Literal["tanh", "copy"] = "tanh"
    """Beginning s_0 of the decoder: tanh of a linear layer, or the encoder's last state, layer by
    layer."""
    reverse_source: bool = False
    """Read the source from its last token to its first."""
    input_feeding: bool = True
    """Let each step see the attentional state before it, with Luong's scores (§3.3)."""
    span: Span = "global"
    """Part of the source that is seen, with Luong's scores: all, or near p_i (local-m, local-p)."""
    window: int = Field(default=10, ge=1)
    """Window D of local attention: positions on either side of p_i that are seen."""
    weighting: Literal["learned", "uniform", "last"] = "learned"
    """Weights that are learned, or for an ablation equal ones, or all weight where reading ends."""
    tie_embeddings: bool = True
    """Score tokens with the target embedding (Press & Wolf 2017)."""
    share_embeddings: bool = False
    """Share one embedding between source and target in translation; needs one vocabulary."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_paper(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        return {**_structure(given), **given}

    @field_validator("encoder_hidden")
    @classmethod
    def _dot_needs_one_width(cls, size: int, info: Any) -> int:
        given = info.data
        hidden, both = given.get("hidden"), given.get("bidirectional", True)
        wanted = 2 * size if both else size
        if given.get("score") == "dot" and hidden != wanted:
            twice = "twice this" if both else "the same"
            message = f"score = 'dot' needs hidden = {wanted}, {twice}; it is {hidden}"
            raise ValueError(message)
        return size

    @field_validator("cell", "layers", "span")
    @classmethod
    def _additive_is_one_gru(cls, value: Any, info: Any) -> Any:
        if info.data.get("score") == "additive" and value not in ("gru", 1, "global"):
            message = (
                "score = 'additive' is Bahdanau's decoder, one GRU that looks everywhere; "
                "take another score for this"
            )
            raise ValueError(message)
        return value

    @field_validator("bridge")
    @classmethod
    def _copies_fit(cls, bridge: str, info: Any) -> str:
        given = info.data
        sizes = given.get("encoder_hidden"), given.get("hidden")
        depths = given.get("encoder_layers"), given.get("layers")
        if bridge == "copy" and (
            given.get("bidirectional") or sizes[0] != sizes[1] or depths[0] != depths[1]
        ):
            message = (
                "needs bidirectional = false, encoder_hidden = hidden and encoder_layers = layers; "
                f"the widths are {sizes[0]} and {sizes[1]}, the layers {depths[0]} and {depths[1]}"
            )
            raise ValueError(message)
        return bridge

    @field_validator("weighting")
    @classmethod
    def _nothing_to_centre(cls, weighting: str, info: Any) -> str:
        if weighting != "learned" and info.data.get("span") != "global":
            message = f"needs span = 'global'; it is '{info.data.get('span')}'"
            raise ValueError(message)
        return weighting


def _structure(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the paper that ``given`` names has besides."""
    if given.get("paper") == "bahdanau2015":
        return {"score": "additive", "tie_embeddings": False}
    if given.get("paper") == "luong2015":
        layers = given.get("layers", 4)
        return {
            "score": "general",
            "span": "local-p",
            "cell": "lstm",
            "layers": layers,
            "bidirectional": False,
            "encoder_hidden": given.get("hidden", 256),
            "encoder_layers": layers,
            "bridge": "copy",
            "reverse_source": True,
            "tie_embeddings": False,
        }
    return {}
