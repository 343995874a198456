r"""A translator's products in 8-bit integers, for a processor.

    W x ≈ r · diag(s) · W₈ (x₈ − 128)                       as in ``munmaek.nn.int8``

Weights are rounded once, activations as they come, each row x with its own scale r, so that a
sentence is translated alike alone and among others. Every linear layer, the recurrent layers' two
products and the product with the target vocabulary run in integers; softmax, gates, attention and
LayerNorm stay in float32.

Letters: N rows, B sentences, T tokens, I inputs, H hidden size, G gates times H, V vocabulary size.
"""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.nn.cells import CELLS, Parts
from munmaek.nn.embeddings import OutputLayer
from munmaek.nn.int8 import Int8Linear, quantise

__all__ = ["int8_translator"]

LEAST = 64
"""Outputs of a layer that is worth the rounding."""


def int8_translator(network: nn.Module) -> nn.Module:
    """Copy a ``TranslatorNetwork``, in evaluation mode, with its products in integers."""
    made = copy.deepcopy(network).eval()
    for parent in list(made.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child.out_features >= LEAST:
                setattr(parent, name, _Linear(child))
            elif isinstance(child, nn.GRU | nn.LSTM | nn.RNN):
                setattr(parent, name, _Recurrent(child))
            elif isinstance(child, OutputLayer):
                setattr(parent, name, _Output(child))
    return made


class _Product:
    """W x + b with W in integers."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        # On "meta" nothing is drawn for weights that are replaced at once.
        layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        layer.weight = nn.Parameter(weight.detach().float())
        layer.bias = nn.Parameter(
            torch.zeros(weight.shape[0]) if bias is None else bias.detach().float()
        )
        self.layer = Int8Linear(layer)
        self.bias = layer.bias.detach()

    def __call__(self, x: Tensor) -> Tensor:
        rows = x.detach().reshape(-1, x.shape[-1]).float().contiguous()
        coded, scales = quantise(rows.numpy())
        product = cast("Any", torch).from_numpy(self.layer(coded))
        scaled = torch.addcmul(self.bias, product, cast("Any", torch).from_numpy(scales)[:, None])
        return scaled.view(*x.shape[:-1], -1)


class _Linear(nn.Module):
    """In the place of ``nn.Linear``; the weight in float32 stays for those who read it."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.product = _Product(layer.weight, layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x)


class _Output(nn.Module):
    """In the place of ``OutputLayer``; a tied weight becomes integers at its first use."""

    def __init__(self, layer: OutputLayer) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.product: _Product | None = None

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        if self.product is None:
            weight = embedding if self.weight is None else self.weight
            self.product = _Product(weight, self.bias)
        return self.product(hidden)


class _Recurrent(nn.Module):
    """In the place of a layer of ``torch.nn``, batch first: inputs at once, then step by step."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        inputs, hidden, input_bias, hidden_bias = cast("list[Tensor]", layer.all_weights[0])
        self.inputs, self.hidden = _Product(inputs, input_bias), _Product(hidden, hidden_bias)
        self.step = next(cell.step for cell in CELLS.values() if isinstance(layer, cell.fused))

    @property
    def all_weights(self) -> Any:
        return self.layer.all_weights

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        several = isinstance(state, tuple)
        before = tuple(part[0] for part in (cast("Parts", state) if several else (state,)))
        outputs: list[Tensor] = []
        for column in self.inputs(inputs).unbind(1):
            before, _ = self.step(column, self.hidden(before[0]), before)
            outputs.append(before[0])
        after = tuple(part[None] for part in before)
        return torch.stack(outputs, 1), after if several else after[0]
