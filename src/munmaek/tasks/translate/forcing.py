r"""Given translations read through a translator all at once: their scores and their attention.

Letters: B pairs, T target tokens with the end, S source tokens with the end, H heads, D width.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from munmaek.data.batches import pad_rows
from munmaek.decode import Hypothesis
from munmaek.errors import ConfigError
from munmaek.models.networks import TranslatorNetwork
from munmaek.nn.building import real_positions, tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.tasks.lm.objective import gold_logprobs

__all__ = ["forced", "target_logprobs"]

Ids = Sequence[int]


@inference()
def forced(
    network: TranslatorNetwork,
    sources: Sequence[Ids],
    targets: Sequence[Ids],
    *,
    bos: int,
    eos: int,
    layer: int | None = None,
    head: int | None = None,
) -> list[Hypothesis]:
    """Return each target as the hypothesis of its source, with the attention behind every token.

    Args:
        network: in evaluation mode.
        sources: token ids that end with </s>.
        targets: token ids without <s> and </s>.
        bos: the target's <s>.
        eos: the target's </s>.
        layer: decoder layer whose attention is read, from 0 or negative from the last; None is the
            network's alignment.
        head: the head of that layer; None is the mean of all.

    Raises:
        ConfigError: a layer or head that the network has not.
    """
    source, lengths = (tensor(each, network) for each in pad_rows(sources, 0))
    read, counts = pad_rows([[bos, *ids] for ids in targets], 0)
    wanted, _ = pad_rows([[*ids, eos] for ids in targets], 0)
    memory = network.encode(source, lengths)
    tape = Tape()
    hidden = network.decode(memory, tensor(read, network), tape=tape)
    weights = _chosen(network, tape, layer, head)
    gathered = target_logprobs(network, hidden, tensor(wanted, network), counts)
    sides = zip(targets, map(len, sources), counts.tolist(), strict=True)
    return [
        Hypothesis(
            tokens=tuple(ids),
            logprob=float(gathered[row, :steps].sum()),
            score=float(gathered[row, :steps].mean()),
            finished=True,
            attention=None
            if weights is None
            else weights[row, :steps, :width].float().cpu().numpy(),
        )
        for row, (ids, width, steps) in enumerate(sides)
    ]


def target_logprobs(
    network: TranslatorNetwork, hidden: Tensor, wanted: Tensor, counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the natural-log probability of each target token [B, T], 0 where a row has ended.

    Args:
        network: in evaluation mode.
        hidden: the decoder's states after <s> and each token, [B, T, D].
        wanted: the tokens with </s>, padded, [B, T].
        counts: tokens of each row with </s>, [B].
    """
    out = np.zeros(tuple(wanted.shape))
    real = real_positions(tensor(counts, network), wanted.shape[1])
    # In parts: all scores of a batch of long texts over a large vocabulary would fill the memory.
    found = gold_logprobs(network, hidden[real], wanted[real], chunk=512)
    out[real.cpu().numpy()] = found
    return out


def _chosen(
    network: TranslatorNetwork, tape: Tape, layer: int | None, head: int | None
) -> Tensor | None:
    if layer is None and head is None:
        return network.alignment(tape)
    names = tape.names(".cross.weights")
    if not names:
        message = "this translator has no layers of heads; leave --layer and --head out"
        raise ConfigError(message)
    inner: Any = network
    number = inner.alignment_layer if layer is None else layer
    if not -len(names) <= number < len(names):
        message = f"no decoder layer {number}; there are 0 to {len(names) - 1}"
        raise ConfigError(message)
    weights = tape[names[number]]
    if head is None:
        return weights.mean(1)
    if not 0 <= head < weights.shape[1]:
        message = f"no head {head}; layer {number} has 0 to {weights.shape[1] - 1}"
        raise ConfigError(message)
    return weights[:, head]
