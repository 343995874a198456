r"""The Markov chain: the context is the last n−1 tokens, prediction is counting and smoothing.

    p(w_1 … w_T) = Π_t p(w_t | w_{t−n+1} … w_{t−1})

    p(w | h) = (a(h w) − D(a(h w))) / a(h ·) + γ(h) p(w | h')

a(h w) is the adjusted count of the n-gram: how often it occurred, and for n-grams shorter than n
after how many different words. D discounts counts of 1, 2 and 3 or more; γ(h) is the weight so
freed, given to the context h' that is one word shorter. Under the shortest lies the uniform
distribution, so no id is impossible.

As a classifier it is Bayes' rule over one chain for each label:

    log p(label | w_1 … w_T) = log p(label) + Σ_t log p_label(w_t | w_{t−n+1} … w_{t−1}) + const

or, discriminative, a log-linear model whose features are the n-grams (``log_linear``).

Letters: n order, T tokens; w a word, h a context.

Source: Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling",
section 4 (interpolated modified Kneser–Ney); Heafield et al. 2013, "Scalable Modified Kneser–Ney
Language Model Estimation", section 3.
"""

from typing import TypeAlias

from munmaek.models.ngram.classifier import NgramClassifier
from munmaek.models.ngram.config import NgramConfig
from munmaek.models.ngram.log_linear import LogLinearNgrams
from munmaek.models.ngram.model import Explanation, NgramModel

__all__ = [
    "CountedClassifier",
    "Explanation",
    "LogLinearNgrams",
    "NgramClassifier",
    "NgramConfig",
    "NgramModel",
]

CountedClassifier: TypeAlias = NgramClassifier | LogLinearNgrams
"""A classifier of n-grams, which reads ids without a frame."""
