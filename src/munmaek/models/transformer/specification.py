"""A translator's weights as CTranslate2 names them, for its own engine to decode with.

Every tensor stays as it is: one projection for queries, keys and values, one for keys and values of
the source. Positions are written as a table, since CTranslate2's own sinusoids stand in another
order.
"""

from typing import Any, cast

from torch import Tensor, nn

from munmaek.models.transformer.stack import Embedding, Residual
from munmaek.models.transformer.translator import TransformerTranslatorNetwork

__all__ = ["translator_spec"]


def translator_spec(network: TransformerTranslatorNetwork, *, positions: int) -> Any:
    """Return ``ctranslate2.specs.TransformerSpec`` of a translator.

    Args:
        network: whose weights are written.
        positions: tokens of the longest text that will be read or written; a learned table keeps
            its own size.
    """
    from ctranslate2.specs import TransformerSpec

    config, depths = network.config, (len(network.encoder.layers), len(network.decoder.layers))
    spec: Any = TransformerSpec.from_config(depths, config.heads, pre_norm=config.norm_first)
    spec.config.layer_norm_epsilon = _epsilon(network)
    (reading,) = spec.encoder.embeddings
    _embedding(spec.encoder, reading, network.encoder.embedding, positions)
    _embedding(spec.decoder, spec.decoder.embeddings, network.decoder.embedding, positions)
    for own, layer in zip(spec.encoder.layer, network.encoder.layers, strict=True):
        _self_attention(own.self_attention, layer)
        _feed_forward(own.ffn, layer)
    for own, layer in zip(spec.decoder.layer, network.decoder.layers, strict=True):
        _self_attention(own.self_attention, layer)
        _cross_attention(own.attention, layer)
        _feed_forward(own.ffn, layer)
    if config.norm_first:
        _norm(spec.encoder.layer_norm, network.encoder.norm)
        _norm(spec.decoder.layer_norm, network.decoder.norm)
    weight = network.output.weight
    spec.decoder.projection.weight = _array(network.tied_weight if weight is None else weight)
    spec.decoder.projection.bias = _array(network.output.bias)
    return spec


def _epsilon(network: nn.Module) -> float:
    """Return what every norm adds to its variance."""
    (found,) = {each.eps for each in network.modules() if isinstance(each, nn.LayerNorm)}
    return found


def _embedding(side: Any, table: Any, embedding: Embedding, positions: int) -> None:
    table.weight = _array(embedding.tokens.weight)
    learned = getattr(embedding.positions, "table", None)
    if isinstance(learned, nn.Embedding):
        positions = learned.num_embeddings
    side.position_encodings.encodings = _array(embedding.positions(0, positions))


def _self_attention(own: Any, layer: Any) -> None:
    _norm(own.layer_norm, cast("Residual", layer.attention_residual).norm)
    _linear(own.linear[0], layer.attention.qkv)
    _linear(own.linear[1], layer.attention.output)


def _cross_attention(own: Any, layer: Any) -> None:
    _norm(own.layer_norm, cast("Residual", layer.cross_residual).norm)
    _linear(own.linear[0], layer.cross.query)
    _linear(own.linear[1], layer.cross.key_value)
    _linear(own.linear[2], layer.cross.output)


def _feed_forward(own: Any, layer: Any) -> None:
    _norm(own.layer_norm, cast("Residual", layer.feed_forward_residual).norm)
    _linear(own.linear_0, layer.feed_forward.inner)
    _linear(own.linear_1, layer.feed_forward.outer)


def _norm(own: Any, norm: Any) -> None:
    own.gamma, own.beta = _array(norm.weight), _array(norm.bias)


def _linear(own: Any, linear: nn.Linear) -> None:
    own.weight, own.bias = _array(linear.weight), _array(linear.bias)


def _array(tensor: Tensor) -> Any:
    return tensor.detach().float().cpu().numpy()
