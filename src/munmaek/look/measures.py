r"""The lineage's answers, measured: how far back a model reaches, and what reading costs it.

Influence of the first word on the last prediction over a distance of d tokens:

    ‖ ∂ log p(w_{d+1} | w_1 … w_d) / ∂ e_1 ‖₂

e_1 is the embedding of the first word. A recurrence multiplies d Jacobians, so the norm decays (or
explodes) geometrically (Bengio et al. 1994, eq. 12); attention reaches any word in one step.

Letters: B sentences, T tokens, V vocabulary size.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from munmaek.models.networks import LanguageNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape

__all__ = ["first_word_influence", "reading_work"]


def first_word_influence(
    network: LanguageNetwork,
    sentences: Sequence[Sequence[int]],
    *,
    bos: int,
    distances: Sequence[int],
) -> list[float]:
    """Return the geometric mean of the gradient norm at each distance, over sentences long enough.

    Args:
        network: in evaluation mode.
        sentences: ids without <s>; those shorter than the longest distance + 1 are passed over.
        bos: the id of <s>.
        distances: tokens between the first word and what is predicted.

    Raises:
        ValueError: no sentence is long enough.
    """
    long = [ids[: max(distances) + 1] for ids in sentences if len(ids) > max(distances)]
    if not long:
        message = f"no sentence has more than {max(distances)} tokens; ask for shorter distances"
        raise ValueError(message)
    rows = np.array([[bos, *ids] for ids in long], dtype=np.int64)
    return [_influence(network, rows[:, : distance + 2]) for distance in distances]


def _influence(network: LanguageNetwork, rows: Any) -> float:
    ids, tape = tensor(rows, network), Tape()
    with torch.enable_grad():
        hidden, _ = network.forward(ids[:, :-1], tape=tape)
        logits = network.logits(hidden[:, -1]).float()
        total = -F.cross_entropy(logits, ids[:, -1], reduction="sum")
        (gradient,) = torch.autograd.grad(total, [tape["embedding"]])
    norms = np.linalg.norm(gradient[:, 1].double().cpu().numpy(), axis=-1)
    return float(np.exp(np.log(np.maximum(norms, 1e-30)).mean()))


@inference()
def reading_work(
    network: LanguageNetwork, *, vocab_size: int, lengths: Sequence[int]
) -> list[float]:
    """Count multiplications of matrix products for each token read, at each sentence length.

    Counted, not timed, so that they are the same on every machine; forward only and without the
    output layer, so that recurrence and attention themselves are compared.
    """
    rng = np.random.default_rng(0)
    return [
        _products(network, tensor(rng.integers(0, vocab_size, (1, length)), network)) / length
        for length in lengths
    ]


def _products(network: LanguageNetwork, ids: torch.Tensor) -> float:
    # With a tape every product is made by itself; fused kernels would hide some from the counter.
    counter = cast("Any", FlopCounterMode)(display=False)
    with counter:
        network.forward(ids, tape=Tape())
    return counter.get_total_flops() / 2
