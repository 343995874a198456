"""BERTs written for others: a Hugging Face folder without anything of ours, and ONNX.

The ONNX graph takes ``input_ids`` and ``attention_mask`` [batch, tokens] (padding last) and gives
``last_hidden_state`` or ``logits``; both axes are free.
"""

import copy
import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.errors import UnsupportedError
from munmaek.exchange.sums import write_sums
from munmaek.folder.ownership import PUBLISHED
from munmaek.folder.saving import save_config
from munmaek.folder.weights import save_network
from munmaek.models import stages
from munmaek.progress import in_turn
from munmaek.tasks import task_named
from munmaek.tasks.work import Published
from munmaek.text.published_form import published_form
from munmaek.writing import writing

__all__ = ["export_huggingface", "export_onnx"]

_OPSET = 17
_WRITER = {"format": "pt", "writer": PUBLISHED}
"""In the head of the weights: whose they are (``transformers`` wants the format)."""


def export_huggingface(model: Any, folder: Path) -> None:
    """Write ``config.json``, ``model.safetensors`` and the tokenizer into an empty folder.

    Raises:
        UnsupportedError: not a BERT of the classic form, which is all that ``transformers`` knows.
        DiskError: the folder cannot be written.
    """
    found = _published(model)
    network = found.network
    if not network.config.published:
        form, instead = "of the modern form", "the classic form"
        if network.config.classic:
            form, instead = "labels by the mean of its vectors", "classifier_pooling cls"
        message = (
            f"{model.info.label}: {form}, which transformers does not know; "
            f"export to onnx, or train with {instead}"
        )
        raise UnsupportedError(message)
    pipeline, settings = published_form(
        model.tokenizer, segmented=network.config.type_vocab_size > 1, masks=found.masks
    )
    settings["model_max_length"] = min(model.limit, network.config.longest or model.limit)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(pipeline, encoding="utf-8")
        config = folder / "config.json"
        save_config(config, model.info, labels=found.labels, several=found.several)
        text = json.dumps(settings, ensure_ascii=False, indent=2)
        (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
        if found.beside is not None:
            found.beside(folder)
        weights, scaled = folder / "model.safetensors", _scaled(found)
        in_turn(
            "exporting",
            (lambda: save_network(scaled, weights, stage="bert", metadata=_WRITER), 2),
            (lambda: write_sums(folder), 1),
        )


def _scaled(found: Published) -> Any:
    """Return the network with what is done to its scores in its last layer, which others read."""
    if (found.scale, found.shift) == (1.0, 0.0):
        return found.network
    made = copy.deepcopy(found.network)
    with torch.no_grad():
        made.classifier.weight.mul_(found.scale)
        made.classifier.bias.mul_(found.scale).add_(found.shift)
    return made


class _Graph(nn.Module):
    """Ids and mask in, as others call it."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Int[Tensor, "B T"], mask: Int[Tensor, "B T"]) -> Float[Tensor, "..."]:
        network, encoder = self.network, self.network.encoder
        positions = torch.arange(ids.shape[1], device=ids.device)
        seen = mask.bool()[:, None, None, :]
        hidden = encoder.stack(encoder.embed(ids, positions), seen)
        return network.of_hidden(hidden, mask)


def export_onnx(model: Any, path: Path) -> None:
    """Write the network as an ONNX graph, weights included.

    Raises:
        UnsupportedError: not a BERT, one that reads pairs, or the ``onnx`` extra is not installed.
    """
    network = _published(model).network
    if getattr(model, "pairs", False) and network.config.type_vocab_size > 1:
        message = (
            f"{model.info.label} of pairs: the graph has no input for segments; "
            "export to huggingface"
        )
        raise UnsupportedError(message)
    if find_spec("onnx") is None:  # what torch needs to write
        message = "ONNX needs the extra 'onnx': pip install 'munmaek[onnx]'"
        raise UnsupportedError(message)
    # RoBERTa's padding, whose positions are numbered otherwise: the graph is to know that way.
    example = torch.full((2, 5), max(network.config.position_offset - 1, 1))
    name = network.output_name
    free = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():  # of the exporter's age, and of shapes that are fixed anyway
        for kind in (DeprecationWarning, cast("Any", torch.jit).TracerWarning):
            warnings.simplefilter("ignore", kind)
        cast("Any", torch.onnx).export(
            _Graph(network).eval(),
            (example, example),
            path,
            input_names=["input_ids", "attention_mask"],
            output_names=[name],
            dynamic_axes={
                "input_ids": free,
                "attention_mask": free,
                name: {0: "batch"} if network.per_text else free,
            },
            opset_version=_OPSET,
            dynamo=False,
        )


def _published(model: Any) -> Published:
    row = stages().get(model.info.stage)
    if row is None or not row.published:
        message = f"{model.info.label}: huggingface and onnx are for BERTs"
        raise UnsupportedError(message)
    return task_named(model.info.task).loaded().published(model)
