"""The files of sentence-transformers beside an exported encoder.

They are in the spelling that its versions from 2 on read, wherever that can say it.
"""

import json
from pathlib import Path
from typing import Any

from munmaek.exchange.sentence_fields import BOOLEANS, POOLINGS
from munmaek.folder.tensor_files import write_tensors
from munmaek.tasks.mlm.model import Encoder

__all__ = ["embeds", "write_sentence_files"]

KINDS = {"dense": "Dense", "layer_norm": "LayerNorm", "unit": "Normalize"}
PLACE = "sentence_transformers.models"


def embeds(model: Encoder) -> bool:
    """Return whether a text's vector is anything else than the mean of its tokens' vectors."""
    plain = model.pooling == "mean" and not model.normalised and model.sentence.plain
    return model.info.task == "embed" or not plain


def write_sentence_files(model: Encoder, folder: Path) -> None:
    """Write modules, pooling, prompts and the longest text beside the encoder."""
    after = [*model.sentence.modules, *([{"kind": "unit"}] if model.normalised else [])]
    steps = ["Transformer", "Pooling", *(KINDS[each["kind"]] for each in after)]
    paths = [f"{number}_{step}" if number else "" for number, step in enumerate(steps)]
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"{PLACE}.{step}"}
        for number, (path, step) in enumerate(zip(paths, steps, strict=True))
    ]
    settings = model.sentence
    overall: dict[str, Any] = {
        "prompts": dict(settings.prompts),
        "default_prompt_name": settings.default_prompt,
        "similarity_fn_name": settings.similarity,
    }
    if settings.width is not None:
        overall["truncate_dim"] = settings.width
    longest = {"max_seq_length": model.limit, "do_lower_case": False}
    _write(folder / "modules.json", modules)
    _write(folder / "config_sentence_transformers.json", overall)
    _write(folder / "sentence_bert_config.json", longest)
    _write(folder / paths[1] / "config.json", _pooling(model))
    for number, (path, each) in enumerate(zip(paths[2:], after, strict=True)):
        _write(folder / path / "config.json", _options(each))
        if settings.weights is not None and each["kind"] != "unit":
            prefix = "norm." if each["kind"] == "layer_norm" else ""
            tensors = settings.weights[number].state_dict()
            named = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
            write_tensors(folder / path / "model.safetensors", named)


def _pooling(model: Encoder) -> dict[str, Any]:
    """Return booleans, or names where an order or a repetition is not theirs."""
    back = {ours: theirs for theirs, ours in POOLINGS.items()}
    modes = [back[name] for name in model.pooling.split("+")]
    flags = {name: mode in modes for name, mode in BOOLEANS.items()}
    said = [mode for name, mode in BOOLEANS.items() if flags[name]]
    return {
        "word_embedding_dimension": model.network.config.hidden_size,
        **(flags if said == modes else {"pooling_mode": modes}),
        "include_prompt": model.sentence.include_prompt,
    }


def _options(described: Any) -> dict[str, Any]:
    if described["kind"] == "unit":
        return {}
    if described["kind"] == "layer_norm":
        return {"dimension": described["size"]}
    module = "linear" if described["activation"] == "Identity" else "activation"
    return {
        "in_features": described["inputs"],
        "out_features": described["outputs"],
        "bias": described["bias"],
        "activation_function": f"torch.nn.modules.{module}.{described['activation']}",
        **({"use_residual": True} if described["residual"] else {}),
    }


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
