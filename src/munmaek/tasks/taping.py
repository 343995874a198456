"""One pass of a network over one question, with every tensor that it computes.

Letters: T predictions, V vocabulary size or labels.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from munmaek.arrays import Float32s
from munmaek.nn.lines import Line
from munmaek.nn.products import fast_products
from munmaek.nn.tape import Tape
from munmaek.tasks.inside import Graph, Question

__all__ = [
    "AT_ONCE",
    "chosen_logprobs",
    "graph_of",
    "likeliest",
    "nats",
    "one_row",
    "steps_of",
    "taped",
]

AT_ONCE = 64
"""Rows with words left out that go through a network together."""


@contextmanager
def taped(question: Question) -> Generator[Tape]:
    """Give a tape for one pass, which keeps gradients where measures of the whole are asked for.

    With heads off they are not: they would speak of another network than the one that is looked at.
    """
    wanted = question.measures and not question.off
    with torch.enable_grad() if wanted else torch.inference_mode(), fast_products():
        yield Tape(off=question.off, lines={} if question.steps else None)


def graph_of(values: Tensor, tape: Tape) -> Graph | None:
    """Return the predictions [T] with what they were computed from; None without gradients."""
    return Graph(values, tape.records) if values.requires_grad else None


def one_row(records: Mapping[str, Tensor]) -> dict[str, Float32s]:
    """Return the first row of every record as an array."""
    return {name: tensor[0].detach().float().cpu().numpy() for name, tensor in records.items()}


def steps_of(tape: Tape) -> dict[str, Sequence[Line]]:
    """Return the derivations that a pass wrote, by the scope of what they are of."""
    return dict(tape.lines or {})


def likeliest(
    logits: Float[Tensor, "T V"], name: Callable[[int], str], count: int = 8
) -> list[list[list[Any]]]:
    """Return the likeliest tokens of each row with their probabilities, the likeliest first.

    Args:
        logits: scores of every token, for each row.
        name: gives a token's name by its id.
        count: of tokens.
    """
    found = logits.detach().float().softmax(-1).topk(min(count, logits.shape[-1]))
    ids: list[list[int]] = found.indices.cpu().numpy().tolist()
    shares: list[list[float]] = found.values.cpu().numpy().tolist()
    rows = zip(ids, shares, strict=True)
    return [[[name(id), share] for id, share in zip(*row, strict=True)] for row in rows]


def chosen_logprobs(logits: Float[Tensor, "*N V"], chosen: Sequence[int]) -> Float[Tensor, "*N"]:
    """Return the natural-log probability of each chosen one of V, for each row [… T V]: [… T]."""
    gold = torch.as_tensor(chosen, device=logits.device).expand(logits.shape[:-1])
    return logits.gather(-1, gold[..., None])[..., 0] - logits.logsumexp(-1)


def nats(logprobs: Tensor) -> tuple[float, ...]:
    """Return log-probabilities [T] as plain numbers."""
    found: list[float] = logprobs.detach().double().cpu().numpy().tolist()
    return tuple(found)
