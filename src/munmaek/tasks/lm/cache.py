r"""Neural cache: what came after states like this one in the text so far (Grave et al. 2017, §3).

    p_cache(w | h_1 … h_t, x_2 … x_t) ∝ Σ_{i<t} 1[x_{i+1} = w] exp(θ h_t · h_i)
    p(w) = (1 − λ) p_model(w) + λ p_cache(w)

It adapts to the text that it predicts, so its figures stand apart from those of a fixed model.

Letters: T tokens, D width, V vocabulary size, I earlier tokens that are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray

from munmaek.progress import followed
from munmaek.tasks.lm.adapting import Trace, trace_of
from munmaek.tasks.lm.objective import NeuralLanguageModel, RowState

__all__ = ["Cache", "CacheState", "NeuralCache", "cached_logprobs", "tune_cache"]

Floats = NDArray[np.float64]
Ids = Sequence[int]

_SHARPNESS = (0.1, 0.3, 1.0, 3.0, 6.0, 10.0, 15.0, 25.0)
_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
_BLOCK = 512
"""Tokens whose weights over the cache are computed at once."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Options of the cache."""

    size: int = 500
    """I, tokens that it remembers."""
    sharpness: float = 10.0
    """θ, on products of states that are divided by √D."""
    share: float = 0.1
    """λ."""


class CacheState(NamedTuple):
    """The model's state, and what the cache holds: keys [I D] and the tokens that followed [I]."""

    inner: RowState
    keys: Floats
    tokens: NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class NeuralCache:
    """A ``LanguageModel`` whose text is a document: what was read stays in the cache.

    With ``document`` false the network itself begins anew at every sentence.
    """

    model: NeuralLanguageModel
    cache: Cache
    document: bool = True

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.model.vocab_size

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        return self.model.eos

    def start(self) -> CacheState:
        """Return the state of an empty cache."""
        inner = self.model.start()
        return CacheState(inner, np.empty((0, inner.hidden.shape[1])), np.empty(0, dtype=np.int64))

    def logprobs(self, state: CacheState) -> Floats:
        """Return the natural-log probability of every next token: [V]."""
        plain = self.model.logprobs(state.inner)
        if not len(state.tokens):
            return plain
        scores = state.keys @ _scaled(_array(state.inner))[0] * self.cache.sharpness
        weights = np.exp(scores - scores.max())
        cached: Floats = np.zeros_like(plain)
        np.add.at(cached, state.tokens, weights / weights.sum())
        return _mixed(plain, cached, self.cache.share)

    def advance(self, state: CacheState, token: int) -> CacheState:
        """Return the state after one more token, which the cache remembers too."""
        size = self.cache.size
        keys = np.concatenate([state.keys, _scaled(_array(state.inner))])[-size:]
        tokens = np.append(state.tokens, token)[-size:]
        ended = token == self.eos and not self.document
        inner = self.model.start() if ended else self.model.advance(state.inner, token)
        return CacheState(inner, keys, tokens)

    def score(self, ids: Ids) -> Floats:
        """Return the natural-log probability of each of ``ids``: [T]."""
        return self.score_many([ids])[0]

    def score_many(self, sequences: Sequence[Ids]) -> list[Floats]:
        """Score many documents, in their order; each begins with an empty cache."""
        traces = (trace_of(self.model, [ids], document=self.document) for ids in sequences)
        return [cached_logprobs(trace, self.cache) for trace in traces]


def _array(state: RowState) -> Floats:
    return state.hidden.double().cpu().numpy()


def _scaled(hidden: Floats) -> Floats:
    """Divide by D^(1/4), so that a product of two is divided by √D."""
    return hidden / hidden.shape[1] ** 0.25


def _mixed(plain: Floats, cached: Floats, share: float) -> Floats:
    with np.errstate(divide="ignore"):
        return np.logaddexp(plain + np.log1p(-share), np.log(cached) + np.log(share))


def cached_logprobs(trace: Trace, cache: Cache) -> Floats:
    """Return the natural-log probability of each token of the trace: [T].

    It is equal to folding ``NeuralCache``.
    """
    found = _cached(trace, cache.size, (cache.sharpness,))[0]
    out = _mixed(trace.logprobs, found, cache.share)
    out[:1] = trace.logprobs[:1]
    return out


def _cached(trace: Trace, size: int, sharpness: Sequence[float]) -> Floats:
    """Return the cache's own probability of each token of the trace, by sharpness: [S, T].

    It is 0 at the first token, where the cache is empty.
    """
    keys = torch.as_tensor(_scaled(trace.hidden.astype(np.float64))).float()
    tokens = torch.as_tensor(trace.tokens)
    out = torch.zeros(len(sharpness), len(tokens), dtype=torch.float64)
    for at in followed(range(0, len(tokens), _BLOCK), "cache"):
        end, first = min(at + _BLOCK, len(tokens)), max(0, at - size)
        rows = torch.arange(at, end)[:, None]
        columns = torch.arange(first, end)[None, :]
        hidden = (columns >= rows) | (columns < rows - size)
        scores = (keys[at:end] @ keys[first:end].T).masked_fill_(hidden, -torch.inf)
        same = tokens[at:end, None] == tokens[None, first:end]
        for row, each in zip(out, sharpness, strict=True):
            weights = (scores * each).softmax(1).nan_to_num_(0.0)
            row[at:end] = (weights * same).double().sum(1)
    return out.numpy()


def tune_cache(trace: Trace, *, size: int) -> Cache:
    """Choose the sharpness and share that make the trace likeliest, of a few fixed values."""
    best, highest = Cache(size=size, share=0.0), -np.inf
    for sharpness, found in zip(_SHARPNESS, _cached(trace, size, _SHARPNESS), strict=True):
        trial = Cache(size=size, sharpness=sharpness)
        for share in _SHARES:
            total = _mixed(trace.logprobs, found, share)[1:].sum()
            if total > highest:
                best, highest = replace(trial, share=share), total
    return best
