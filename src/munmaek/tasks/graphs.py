"""Parts that graphs of all tasks share: ids in, the frame of texts, and the tokenizer.

Letters: B texts, T tokens.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Int
from tokenizers import Tokenizer as Pipeline
from torch import Tensor, nn

from munmaek.errors import UnsupportedError
from munmaek.exchange.graphs import Graph, Port
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.frames import FIRST, SPECIAL, Slot
from munmaek.text.published_form import published_form

__all__ = ["BATCH", "TOKENS", "Lines", "cutting", "scores_graph"]

BATCH = {0: "batch"}
TOKENS = {0: "batch", 1: "tokens"}
"""The free axes of what has one row a text, and of what has one a token."""

ROWS = """\
texts = sys.stdin.read().splitlines()
{prepared}rows = tokenizer.encode_batch({texts})
ids, mask = (np.array([getattr(row, name) for row in rows]) for name in ("ids", "attention_mask"))
inputs = {{"input_ids": ids, "attention_mask": mask{types}}}
"""
_LITERAL = "tokenizer.encode_special_tokens = True  # <s> in a text is text\n"
_TYPES = ', "token_type_ids": np.array([row.type_ids for row in rows])'

Finish = Callable[[Tensor, Int[Tensor, " B"]], tuple[Tensor, ...]]
"""From what the network gives and the length of each row to the outputs."""


@final
@dataclass(frozen=True, slots=True)
class Lines:
    """Python around the lines that cut texts into rows."""

    after: str
    """Code that answers ``texts`` from ``rows`` and ``inputs``."""
    before: str = ""
    """Code that changes ``texts``."""
    masks: bool = field(default=False, kw_only=True)
    """``<mask>`` in a text is a mask."""


class _Scores(nn.Module):
    """Ids and mask in, as others call it; what is made of the network's result out."""

    def __init__(self, network: nn.Module, finish: Finish) -> None:
        super().__init__()
        self.network, self.finish = network, finish

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Int[Tensor, "B T"], types: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        lengths = mask.sum(1)
        told = {} if types is None else {"types": types}
        return self.finish(self.network(ids, lengths, **told), lengths)


def scores_graph(
    network: nn.Module,
    finish: Finish,
    tokenizer: AnyTokenizer,
    *,
    outputs: Sequence[Port],
    lines: Lines,
    facts: Mapping[str, Any],
    pairs: bool = False,
) -> Graph:
    """Return the graph of a network that reads whole texts.

    Args:
        network: takes ids and lengths, and segments where it is told of them.
        finish: makes the outputs of its result.
        tokenizer: of the model.
        outputs: in the order of ``finish``.
        lines: of a program that answers texts.
        facts: as ``Graph`` has them; with ``max_tokens``.
        pairs: it reads pairs of texts.
    """
    ids = torch.ones(2, 5, dtype=torch.int64)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    inputs = [
        (Port("input_ids", TOKENS, "tokens of each text in its frame, padding last"), ids),
        (Port("attention_mask", TOKENS, "1 at each token, 0 at padding"), mask),
    ]
    segmented = pairs and _segments(network) and tokenizer.frame.segmented
    if segmented:
        told = Port("token_type_ids", TOKENS, "0 at the first text of a pair, 1 at the second")
        inputs.append((told, 1 - mask))
    content, said = cutting(tokenizer, limit=facts["max_tokens"], pairs=pairs, masks=lines.masks)
    texts = '[tuple(text.split("\\t")) for text in texts]' if pairs else "texts"
    reading = ROWS.format(prepared=lines.before, texts=texts, types=_TYPES if segmented else "")
    return Graph(
        _Scores(network, finish),
        inputs,
        outputs,
        f"{'' if lines.masks else _LITERAL}{reading}{lines.after}",
        content,
        {**facts, **said},
    )


def _segments(network: nn.Module) -> bool:
    return int(getattr(getattr(network, "config", None), "type_vocab_size", 0)) > 1


def cutting(
    tokenizer: AnyTokenizer, *, limit: int | None, pairs: bool = False, masks: bool = False
) -> tuple[str | None, dict[str, Any]]:
    """Return ``tokenizer.json``, which frames, cuts and pads, and what is said of it.

    Args:
        tokenizer: of the model.
        limit: tokens of a row at most, frame included; None cuts nothing.
        pairs: texts come in pairs.
        masks: ``<mask>`` in a text is a mask.
    """
    frame, pad = tokenizer.frame, int(getattr(tokenizer, "pad", 0) or 0)
    slots = frame.pair if pairs else frame.single
    said: dict[str, Any] = {
        "frame": " ".join(_slot(slot, tokenizer) for slot in slots),
        "pad_token_id": pad,
        "tokenizer": "tokenizer.json",
    }
    try:
        content, _ = published_form(tokenizer, segmented=True, masks=masks)
    except UnsupportedError:
        described = json.dumps(tokenizer.describe(), ensure_ascii=False)
        return None, {**said, "tokenizer": f"munmaek's own tokenizer {described}"}
    pipeline: Any = Pipeline.from_str(content)
    if limit is not None:
        pipeline.enable_truncation(limit, direction="left" if frame.cut_left else "right")
    pipeline.enable_padding(pad_id=pad, pad_token=tokenizer.token(pad))
    return pipeline.to_str(pretty=True) + "\n", said


def _slot(slot: Slot, tokenizer: AnyTokenizer) -> str:
    if slot.content == SPECIAL:
        return tokenizer.token(slot.token)
    return "TEXT" if slot.content == FIRST else "SECOND"
