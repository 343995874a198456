"""A trained language model as a graph: the log-probability of each next token, and its state.

One call reads any number of tokens: a whole sentence, or one token after another, going on from
the state that the call before gave. A recurrent network's state has one size; that of attention,
keys and values of all tokens so far, grows by the tokens that are read.

Letters: B sentences, T tokens, V vocabulary size.
"""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from munmaek.errors import UnsupportedError
from munmaek.exchange.graphs import Graph, Port
from munmaek.nn.state import map_tensors
from munmaek.tasks.graphs import TOKENS, cutting
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel

__all__ = ["language_graph"]

_LINES = """\
tokenizer.no_padding()
tokenizer.encode_special_tokens = True  # <s> in a text is text
sizes = {sizes}
begin = {{name: np.zeros(size, np.float32) for name, size in sizes.items()}}
for line in sys.stdin.read().splitlines():
    ids = [{bos}, *tokenizer.encode(line, add_special_tokens=False).ids, {eos}]
    found = session.run(["logprobs"], {{"input_ids": np.array([ids[:-1]]), **begin}})[0]
    print(sum(float(found[0, at, token]) for at, token in enumerate(ids[1:])))
"""


class _Reading(nn.Module):
    """Ids and a state in; log-probabilities and the new state out."""

    def __init__(self, network: Any, state: Any) -> None:
        super().__init__()
        self.network = network
        self.state = state

    def forward(self, ids: Int[Tensor, "B T"], *parts: Tensor) -> tuple[Tensor, ...]:
        given = iter(parts)
        hidden, after = self.network(ids, map_tensors(self.state, lambda _: next(given)))
        return (self.network.logits(hidden).log_softmax(-1), *_parts(after))


def language_graph(model: TrainedLanguageModel) -> Graph:
    """Return the graph of a network; the state's free axes are those that grow as it reads."""
    inner: Any = model.model
    assert isinstance(inner, NeuralLanguageModel)
    network: Any = inner.network
    ids = torch.ones(2, 3, dtype=torch.int64)
    begin = network.begin(2)
    with torch.no_grad():
        after = _parts(network(ids, begin)[1])
    before = _parts(begin)
    if any(bool(part.any()) for part in before):
        message = f"{model.info.label}: its state does not begin with zeros, which no graph says"
        raise UnsupportedError(message)
    free = [_free(*both) for both in zip(before, after, strict=True)]
    content, said = cutting(model.tokenizer, limit=None)
    sizes = {f"state_{n}": [1, *part.shape[1:]] for n, part in enumerate(before)}
    return Graph(
        _Reading(network, begin),
        [
            (Port("input_ids", TOKENS, "the tokens to read, of rows of one length"), ids),
            *(
                (Port(name, {0: "batch", **axes}, "the state before them; zeros at first"), part)
                for name, axes, part in zip(sizes, free, after, strict=True)
            ),
        ],
        [
            Port("logprobs", TOKENS, "natural-log probability of every token after each"),
            *(
                Port(f"new_{name}", {0: "batch", **_after(axes)}, "the state after them")
                for name, axes in zip(sizes, free, strict=True)
            ),
        ],
        _LINES.format(sizes=sizes, bos=inner.bos, eos=inner.eos),
        content,
        {
            **said,
            "state_at_first": sizes,
            "bos_token_id": inner.bos,
            "eos_token_id": inner.eos,
            "state_over_sentences": inner.document,
        },
    )


def _parts(state: Any) -> list[Tensor]:
    """Return the tensors of a state in their order."""
    found: list[Tensor] = []

    def take(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(state, take)
    return found


def _free(before: Tensor, after: Tensor) -> dict[int, str]:
    """Return the axes that grew."""
    sizes = enumerate(zip(before.shape, after.shape, strict=True))
    return {axis: "read_before" for axis, (old, new) in sizes if old != new}


def _after(axes: dict[int, str]) -> dict[int, str]:
    return dict.fromkeys(axes, "read")
