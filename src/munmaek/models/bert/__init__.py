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
"""

from munmaek.models.bert.config import BertConfig
from munmaek.models.bert.encoder import BertEncoder, BertLayer
from munmaek.models.bert.heads import (
    BertBaseNetwork,
    BertClassifierNetwork,
    BertMaskedNetwork,
    BertTaggerNetwork,
    load_encoder,
    same_heads,
)

__all__ = [
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
