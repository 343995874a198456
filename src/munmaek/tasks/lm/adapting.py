"""The trace of a network along a text, for models that adapt to the text they predict.

Letters: T tokens, D width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.progress import followed
from munmaek.tasks.lm.objective import NeuralLanguageModel, gold_logprobs

__all__ = ["Trace", "trace_of", "units"]

Ids = Sequence[int]
_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Trace:
    """Every token of a text with the state that predicted it."""

    tokens: NDArray[np.int64]
    """[T]."""
    hidden: NDArray[np.float32]
    """The state before each token [T D]."""
    logprobs: NDArray[np.float64]
    """Natural-log probability of each token [T]."""


def units(model: NeuralLanguageModel, sequences: Sequence[Ids], *, document: bool) -> Iterator[Ids]:
    """Yield the sequences over which the state goes on, each behind the token that begins it.

    The whole text is one, or with ``document`` false each sentence.
    """
    flat = list(chain.from_iterable(sequences))
    if document:
        yield [model.bos, *flat]
        return
    begin = 0
    for at, token in enumerate(flat, 1):
        if token == model.eos or at == len(flat):
            yield [model.bos, *flat[begin:at]]
            begin = at


@inference()
def trace_of(model: NeuralLanguageModel, sequences: Sequence[Ids], *, document: bool) -> Trace:
    """Run the network along the sequences, one after the other, and return the trace."""
    network, tokens = model.network, list[int]()
    hiddens, golds = list[NDArray[np.float32]](), list[NDArray[np.float64]]()
    parts = list(units(model, sequences, document=document))
    for unit in followed(parts, "sentences", total=sum(map(len, parts)), size=len):
        ids = tensor(np.array([unit], dtype=np.int64), network)
        state: Any = None
        tokens.extend(unit[1:])
        for at in followed(range(0, len(unit) - 1, _LENGTH), "segments"):
            part = ids[:, at : at + _LENGTH + 1]
            hidden, state = network.forward(part[:, :-1], state)
            hiddens.append(hidden[0].float().cpu().numpy())
            golds.append(gold_logprobs(network, hidden[0], part[0, 1:]))
    return Trace(np.array(tokens, dtype=np.int64), np.concatenate(hiddens), np.concatenate(golds))
