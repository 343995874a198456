r"""Readout: from a decoder's state to the vector that scores the next token.

    t̃ = W [s; y; c] + b,   t_k = max(t̃_k, t̃_{k+D})                Bahdanau et al. 2015, A.2.2

s is the decoder's state, y the embedding of the token just read, c the context vector. The maxout
(Goodfellow et al. 2013) takes the maximum over pairs; which two columns make a pair is free.

Letters: D output width.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["MaxoutReadout"]


@final
class MaxoutReadout(nn.Module):
    """A single maxout layer over the state, the last token and the context."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, 2 * size)

    def forward(self, *parts: Float[Tensor, "*N _"]) -> Float[Tensor, "*N D"]:
        """Apply the layer; ``parts`` are s, y and c, whose widths add up to the input size."""
        first, second = self.linear(torch.cat(parts, -1)).chunk(2, -1)
        return torch.maximum(first, second)
