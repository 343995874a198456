r"""Dynamic evaluation: the weights go on learning from the text so far (Krause et al. 2018, §4).

    θ ← θ − η ∇L(s_i) / (√M + ε) + λ (θ_0 − θ) √M / mean(√M)

After each segment s_i the weights take a step against the gradient of its loss and a step back to
where they began; M is the mean square of each weight's gradient on other text. It adapts to the
text that it predicts, so its figures stand apart from those of a fixed model.

Letters: T tokens, V vocabulary size.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from munmaek.nn.building import tensor
from munmaek.nn.state import map_tensors
from munmaek.progress import followed
from munmaek.tasks.lm.adapting import Trace, units
from munmaek.tasks.lm.objective import NeuralLanguageModel, gold_logprobs

__all__ = ["DynamicModel", "DynamicState", "Dynamics", "mean_squares", "tune_dynamics"]

Floats = NDArray[np.float64]
Ids = Sequence[int]
Weights = Mapping[str, Tensor]

_SMALL = 1.0
"""ε, as a share of the mean √M of all weights.

So large because the text that M is from lacks some words, whose weights would take any step.
"""
_RATES = (0.0, 3e-4, 1e-3, 3e-3, 1e-2)
_BACK = 0.003


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Options of dynamic evaluation."""

    rate: float = 1e-3
    """η."""
    back: float = 0.003
    """λ."""
    length: int = 20
    """Tokens of a segment."""


class DynamicState(NamedTuple):
    """Weights, the network's state before the segment, and the segment's tokens so far."""

    weights: Weights
    before: Any
    inputs: tuple[int, ...]


def mean_squares(
    model: NeuralLanguageModel, sequences: Sequence[Ids], *, document: bool, length: int
) -> dict[str, Tensor]:
    """Return the mean square M of each weight's gradient over segments of a text, by name."""
    network = _module(model)
    sums = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    segments = 0
    parts = list(units(model, sequences, document=document))
    for unit in followed(parts, "gradients", total=sum(map(len, parts)), size=len):
        state: Any = None
        for at in followed(range(0, len(unit) - 1, length), "segments"):
            _, state = _forward(model, unit[at : at + length + 1], state, gradients=True)
            for name, parameter in network.named_parameters():
                if parameter.grad is not None:
                    sums[name].addcmul_(parameter.grad, parameter.grad)
            segments += 1
    network.zero_grad(set_to_none=True)
    return {name: total / max(1, segments) for name, total in sums.items()}


def _module(model: NeuralLanguageModel) -> nn.Module:
    return cast("nn.Module", model.network)


def _forward(
    model: NeuralLanguageModel, segment: Ids, state: Any, *, gradients: bool
) -> tuple[tuple[NDArray[np.float32], Floats], Any]:
    """Return the states and log-probabilities of a segment, and the state after it.

    With ``gradients`` those of the mean loss are left in the network.
    """
    network = model.network
    ids = tensor(np.array([segment], dtype=np.int64), network)
    _module(model).zero_grad(set_to_none=True)
    with torch.enable_grad() if gradients else torch.no_grad():
        hidden, after = network.forward(ids[:, :-1], state)
        if gradients:
            mean = -network.log_likelihood(hidden[0], ids[0, 1:]) / (len(segment) - 1)
            torch.autograd.backward(mean)
    with torch.no_grad():
        fixed = hidden[0].detach()
        gold = gold_logprobs(network, fixed, ids[0, 1:])
    return (fixed.float().cpu().numpy(), gold), map_tensors(after, Tensor.detach)


@final
@dataclass(frozen=True, slots=True)
class DynamicModel:
    """A ``LanguageModel`` whose text is a document; the network is as it was after every call."""

    model: NeuralLanguageModel
    squares: Weights
    """M, by the names of the network's parameters; see ``mean_squares``."""
    dynamics: Dynamics
    document: bool = True

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.model.vocab_size

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        return self.model.eos

    def start(self) -> DynamicState:
        """Return the state that begins a document: the weights as they were trained."""
        return DynamicState(self._weights(), None, (self.model.bos,))

    def logprobs(self, state: DynamicState) -> Floats:
        """Return the natural-log probability of every next token: [V]."""
        with self._holding(state.weights), torch.no_grad():
            ids = tensor(np.array([state.inputs], dtype=np.int64), self.model.network)
            hidden, _ = self.model.network.forward(ids, state.before)
            logits = self.model.network.logits(hidden[0, -1]).double()
            return logits.log_softmax(-1).cpu().numpy()

    def advance(self, state: DynamicState, token: int) -> DynamicState:
        """Return the state after one more token; the end of a segment updates its weights."""
        inputs = (*state.inputs, token)
        ended = token == self.eos and not self.document
        if len(inputs) <= self.dynamics.length and not ended:
            return state._replace(inputs=inputs)
        first = self._weights()
        with self._holding(state.weights):
            _, after = _forward(self.model, inputs, state.before, gradients=True)
            self._update(first)
            weights = self._weights()
        if ended:
            return DynamicState(weights, None, (self.model.bos,))
        return DynamicState(weights, after, (token,))

    def score(self, ids: Ids) -> Floats:
        """Return the natural-log probability of each of ``ids``: [T]."""
        return self.score_many([ids])[0]

    def score_many(self, sequences: Sequence[Ids]) -> list[Floats]:
        """Score many documents, in their order; each begins with the trained weights."""
        return [self.trace([ids]).logprobs for ids in sequences]

    def trace(self, sequences: Sequence[Ids]) -> Trace:
        """Adapt along one document, from the trained weights, and return its trace."""
        first, length = self._weights(), self.dynamics.length
        hiddens, golds = list[NDArray[np.float32]](), list[Floats]()
        tokens = list[int]()
        with self._holding(first):
            parts = list(units(self.model, sequences, document=self.document))
            for unit in followed(parts, "dynamic", total=sum(map(len, parts)), size=len):
                state: Any = None
                tokens.extend(unit[1:])
                for at in followed(range(0, len(unit) - 1, length), "segments"):
                    segment = unit[at : at + length + 1]
                    (hidden, gold), state = _forward(self.model, segment, state, gradients=True)
                    hiddens.append(hidden)
                    golds.append(gold)
                    if len(segment) == length + 1 or segment[-1] == self.eos:
                        self._update(first)
        return Trace(
            np.array(tokens, dtype=np.int64), np.concatenate(hiddens), np.concatenate(golds)
        )

    def _weights(self) -> dict[str, Tensor]:
        return {n: p.detach().clone() for n, p in _module(self.model).named_parameters()}

    @contextmanager
    def _holding(self, weights: Weights) -> Generator[None]:
        """Put ``weights`` into the network inside, and what it held before back after."""
        before = self._weights()
        self._put(weights)
        try:
            yield
        finally:
            self._put(before)
            _module(self.model).zero_grad(set_to_none=True)

    @torch.no_grad()
    def _put(self, weights: Weights) -> None:
        for name, parameter in _module(self.model).named_parameters():
            parameter.copy_(weights[name])

    @torch.no_grad()
    def _update(self, first: Weights) -> None:
        roots = {name: square.sqrt() for name, square in self.squares.items()}
        count = sum(root.numel() for root in roots.values())
        mean = float(sum(root.sum() for root in roots.values())) / count
        for name, parameter in _module(self.model).named_parameters():
            if parameter.grad is None:
                continue
            root = roots[name]
            # No weight goes further back than to where it began.
            back = (self.dynamics.back * root / mean).clamp_(max=1.0)
            step = parameter.grad / (root + _SMALL * mean)
            parameter.add_((first[name] - parameter) * back - self.dynamics.rate * step)


def tune_dynamics(model: DynamicModel, sequences: Sequence[Ids]) -> Dynamics:
    """Choose the rates that make a text likeliest: η of a few, then whether to go back."""
    best, highest = model.dynamics, -np.inf
    trials = [replace(model.dynamics, rate=rate, back=0.0) for rate in _RATES]

    def each() -> Iterator[Dynamics]:
        while trials:
            yield trials.pop(0)

    for trial in followed(each(), "rates", total=len(trials) + 1):
        total = replace(model, dynamics=trial).trace(sequences).logprobs.sum()
        if total > highest:
            best, highest = trial, total
        if not trials and best.back == 0.0 and trial.back == 0.0 and best.rate > 0:
            trials = [replace(best, back=_BACK)]
    return best
