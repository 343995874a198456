r"""The Transformer: many heads, concatenated, fed forward, stacked.

    x⁰_t = √D · E[w_t] + PE(t)                                  Vaswani et al. 2017, §3.4, §3.5
    FFN(x) = W₂ max(0, W₁ x + b₁) + b₂                          §3.3
    pre-norm:   x ← x + f(LayerNorm(x))                         Xiong et al. 2020, figure 1b
    post-norm:  x ← LayerNorm(x + f(x))                         Vaswani et al. 2017, §3.1
    layer: f runs through MultiHead(x, x), in a decoder MultiHead(x, memory), and FFN

Three forms: the causal stack (language model), the encoder (classifier) and encoder and decoder
(translator). Pre-norm is the default since it trains without a long warm-up; a LayerNorm follows
the last layer then.
"""

from munmaek.models.transformer.config import TransformerConfig
from munmaek.models.transformer.stack import (
    TransformerClassifierNetwork,
    TransformerLanguageNetwork,
)
from munmaek.models.transformer.translator import Memory, TransformerTranslatorNetwork

__all__ = [
    "Memory",
    "TransformerClassifierNetwork",
    "TransformerConfig",
    "TransformerLanguageNetwork",
    "TransformerTranslatorNetwork",
]
