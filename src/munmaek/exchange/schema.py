"""The fields that are read of a published folder's ``config.json``: types and bounds.

Checked whole before anything is built; what the values mean is for those who use them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Field, FiniteFloat, ValidationError

from munmaek.errors import ArtefactError
from munmaek.folder.schema import Strict, one_line

__all__ = ["check_published"]

Size: TypeAlias = Annotated[int, Field(ge=1, le=(1 << 31) - 1)] | None
Id: TypeAlias = Annotated[int, Field(ge=0, le=(1 << 31) - 1)] | None
Share: TypeAlias = Annotated[FiniteFloat, Field(ge=0, le=1)] | None
MOST_LABELS = 1_000_000


class PublishedConfig(Strict):
    """The fields of BERT's family; null is as good as absent."""

    model_type: str | None = None
    tokenizer_class: str | None = None
    vocab_size: Size = None
    hidden_size: Size = None
    embedding_size: Size = None
    num_hidden_layers: Size = None
    num_attention_heads: Size = None
    intermediate_size: Size = None
    max_position_embeddings: Size = None
    type_vocab_size: Id = None
    pad_token_id: Id = None
    dim: Size = None
    n_heads: Size = None
    n_layers: Size = None
    hidden_dim: Size = None
    hidden_act: str | None = None
    activation: str | None = None
    layer_norm_eps: FiniteFloat | None = None
    initializer_range: FiniteFloat | None = None
    hidden_dropout_prob: Share = None
    attention_probs_dropout_prob: Share = None
    classifier_dropout: Share = None
    dropout: Share = None
    attention_dropout: Share = None
    seq_classif_dropout: Share = None
    tie_word_embeddings: bool | None = None
    sinusoidal_pos_embds: bool | None = None
    position_embedding_type: str | None = None
    architectures: list[str] | None = None
    problem_type: str | None = None
    num_labels: Annotated[int, Field(ge=1, le=MOST_LABELS)] | None = None
    id2label: Annotated[dict[str, Any], Field(max_length=MOST_LABELS)] | None = None


def check_published(values: Mapping[str, Any], *, where: str) -> None:
    """Check the content of a published ``config.json``.

    Args:
        values: the content.
        where: it stands, for the message.

    Raises:
        ArtefactError: a field is of another type or out of range; names the first.
    """
    try:
        PublishedConfig.model_validate(dict(values))
    except ValidationError as error:
        message = f"{where}: {one_line(error)}"
        raise ArtefactError(message) from None
