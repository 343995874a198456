r"""Stage rnn: the context is one hidden state, updated token by token.

    h_t = f(h_{t−1}, E[w_t])                      f: Elman, GRU or LSTM (``munmaek.nn.recurrent``)
    p(w_{t+1} | w_1 … w_t) = softmax(E h_t + b)

Sources: Elman 1990; Mikolov et al. 2010 (the language model); Hochreiter & Schmidhuber 1997 (LSTM);
Cho et al. 2014 (GRU). The output weights are the embedding's (Press & Wolf 2017); dropout masks
are held over time (Gal & Ghahramani 2016) and may fall on words and on single recurrent weights
(Merity et al. 2018). Large vocabularies may be predicted in two steps (Grave et al. 2017).

As a classifier the states of each direction are pooled (``munmaek.models.rnn.pooling``):

    p(label) = softmax(W pool(h_1 … h_T) + b)

Letters: B rows, T tokens, D width of the embedding, H of the state, L layers, V vocabulary size,
C classes, N predictions.
"""

from munmaek.models.rnn.networks import RnnClassifierNetwork, RnnConfig, RnnLanguageNetwork

__all__ = ["RnnClassifierNetwork", "RnnConfig", "RnnLanguageNetwork"]
