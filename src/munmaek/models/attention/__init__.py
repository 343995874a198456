r"""Stage attention: a new context vector for every output step, weighted over all encoder states.

    h_j = [h→_j; h←_j]                            bidirectional GRU       eq. 7, A.2.1
    s_0 = tanh(W_s h←_1)                                                  A.2.2
    c_i = Σ_j α_ij h_j                            scores    eq. 5, 6

Additive (numbers of Bahdanau et al. 2015): the previous state asks, so that c_i goes into s_i.

    e_ij = vᵀ tanh(W_a s_{i−1} + U_a h_j)                                 A.1.2
    s_i  = GRU(s_{i−1}, [y_{i−1}; c_i])                                   A.2.2
    t_i  = maxout(s_i, y_{i−1}, c_i),   p(y_i) = softmax(E t_i + b)       eq. 4, A.2.2

Where A.2.2 reads t_i from s_{i−1}, eq. 4 does from s_i, and so do we; their α, s, h, c, e, v_a, W_a
and U_a are ours, their W, C, U (with z and r) the GRU's weights for y, c and s, their Ũ_o, Ṽ_o, C_o
the maxout's, W_o our E. Their reset gate acts before the matrix U, ours after (``nn.recurrent``).

Dot, general and concat (numbers of Luong et al. 2015): the current state asks, and the attentional
state h̃_i predicts.

    s_i  = f(s_{i−1}, [y_{i−1}; h̃_{i−1}])         ``input_feeding``       §3.3
    e_ij = s_iᵀ h_j,   s_iᵀ W_a h_j   or   v_aᵀ tanh(W_a [s_i; h_j])       eq. 8
    h̃_i  = tanh(W_c [c_i; s_i]),   p(y_i) = softmax(E h̃_i + b)            eq. 5, 6

Luong writes h_t for our s_i, h̄_s for our h_j, W_s for our E. f is a stack of ``layers``, of the
``cell`` LSTM in the paper; its encoder reads in one direction and hands its last states on
(``bidirectional`` false, ``bridge`` copy), perhaps with ``reverse_source``, where each state still
stands at its token's place. ``span`` local-m or local-p with ``window`` D is §3.2, eq. 9 and 10.

``paper`` fills in the structure that a paper has, and leaves widths and whatever is given:
``bahdanau2015`` is RNNsearch, ``luong2015`` their best single model (general, local-p, feeding).
``weighting`` switches attention off, to see what it is worth: uniform makes c_i the mean of all
h_j, last makes it the h_j at which the reading ends; what would have scored is left out.

Sources: Bahdanau et al. 2015; Luong et al. 2015; E is the target embedding's weight unless
``tie_embeddings`` is false (Press & Wolf 2017), and where h̃_i is not as wide as an embedding, a
linear layer stands before it (in Luong's numbers both are 1,000 wide).

As a classifier the weights pool a text's states (Yang et al. 2016): ``scores.AttentionPooling``.

``config`` has the options, ``scores`` what scores and weighs states, ``decoders`` the recurrences
that ask, ``additive_decoder`` Bahdanau's with its own derivative, ``networks`` what is trained.

Letters: B rows, S source tokens, T target tokens, E width of the embeddings, D of an encoder state
(both directions), A of the keys, H of the decoder's state, W of what predicts, V target vocabulary
size, C classes, K layers of the encoder, N width of its state in one direction.
"""

from munmaek.models.attention.config import AttentionConfig
from munmaek.models.attention.networks import (
    AttentionClassifierNetwork,
    AttentionTranslatorNetwork,
)
from munmaek.models.attention.scores import AttentionMemory

__all__ = [
    "AttentionClassifierNetwork",
    "AttentionConfig",
    "AttentionMemory",
    "AttentionTranslatorNetwork",
]
