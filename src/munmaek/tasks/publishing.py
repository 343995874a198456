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
from munmaek.models.bert import (
    BertBaseNetwork,
    BertClassifierNetwork,
    BertMaskedNetwork,
    BertTaggerNetwork,
)
from munmaek.progress import in_turn
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.embed.exchange import embeds, write_sentence_files
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.model import LABEL, Regressor
from munmaek.tasks.tag.model import Tagger
from munmaek.text.published_form import published_form
from munmaek.writing import writing

__all__ = ["export_huggingface", "export_onnx"]

Exported = Encoder | Classifier | Regressor | Tagger
_OPSET = 17
_WRITER = {"format": "pt", "writer": PUBLISHED}
"""In the head of the weights: whose they are (``transformers`` wants the format)."""


def export_huggingface(model: Exported, folder: Path) -> None:
    """Write ``config.json``, ``model.safetensors`` and the tokenizer into an empty folder.

    Raises:
        UnsupportedError: not a BERT of the classic form, which is all that ``transformers`` knows.
        DiskError: the folder cannot be written.
    """
    network = _network(model)
    if not network.config.published:
        form, instead = "of the modern form", "the classic form"
        if network.config.classic:
            form, instead = "labels by the mean of its vectors", "classifier_pooling cls"
        message = (
            f"{model.info.label}: {form}, which transformers does not know; "
            f"export to onnx, or train with {instead}"
        )
        raise UnsupportedError(message)
    labels: tuple[str, ...] = () if isinstance(model, Encoder) else (LABEL,)
    if isinstance(model, Classifier | Tagger):
        labels = model.labels
    pipeline, settings = published_form(
        model.tokenizer,
        segmented=network.config.type_vocab_size > 1,
        masks=model.info.task == "mlm",
    )
    settings["model_max_length"] = min(model.limit, network.config.longest or model.limit)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(pipeline, encoding="utf-8")
        several = isinstance(model, Classifier) and model.several
        save_config(folder / "config.json", model.info, labels=labels, several=several)
        text = json.dumps(settings, ensure_ascii=False, indent=2)
        (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
        if isinstance(model, Encoder) and embeds(model):
            write_sentence_files(model, folder)
        weights, scaled = folder / "model.safetensors", _scaled(model, network)
        in_turn(
            "exporting",
            (lambda: save_network(scaled, weights, stage="bert", metadata=_WRITER), 2),
            (lambda: write_sums(folder), 1),
        )


def _scaled(model: Exported, network: Any) -> Any:
    """The network with what is done to its scores in its last layer, which others read alone."""
    scale, shift = 1.0, 0.0
    if isinstance(model, Regressor):
        scale, shift = model.high - model.low, model.low
    if isinstance(model, Classifier):
        scale = 1.0 / model.temperature
    if (scale, shift) == (1.0, 0.0):
        return network
    made = copy.deepcopy(network)
    with torch.no_grad():
        made.classifier.weight.mul_(scale)
        made.classifier.bias.mul_(scale).add_(shift)
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
        if isinstance(network, BertMaskedNetwork):
            return network.logits(hidden)
        if isinstance(network, BertClassifierNetwork):
            if network.config.classifier_pooling == "mean":
                real = mask[:, :, None].to(hidden.dtype)
                return network.scores((hidden * real).sum(1) / real.sum(1))
            return network.scores(hidden[:, 0])
        if isinstance(network, BertTaggerNetwork):
            return network.classifier(hidden)
        return hidden


def export_onnx(model: Exported, path: Path) -> None:
    """Write the network as an ONNX graph, weights included.

    Raises:
        UnsupportedError: not a BERT, one that reads pairs, or the ``onnx`` extra is not installed.
    """
    network = _network(model)
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
    name = "last_hidden_state" if isinstance(network, BertBaseNetwork) else "logits"
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
                name: {0: "batch"} if isinstance(network, BertClassifierNetwork) else free,
            },
            opset_version=_OPSET,
            dynamo=False,
        )


def _network(model: Exported) -> Any:
    # Of other models, which have no network or one of another stage, the last line tells.
    inner = model.model if isinstance(model, Classifier | Regressor) else model
    network: Any = getattr(inner, "network", None)
    known = (BertMaskedNetwork, BertClassifierNetwork, BertTaggerNetwork, BertBaseNetwork)
    if not isinstance(network, known):
        message = f"{model.info.label}: huggingface and onnx are for BERTs"
        raise UnsupportedError(message)
    return network
