"""Folders of sentence-transformers, made of tiny random encoders and any modules."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from munmaek import load

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
theirs: Any = pytest.importorskip(
    "sentence_transformers", reason="sentence-transformers is not installed"
)

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "on", "the", "mat", "##s",
    "나는", "학교", "##에", "간다", ".", "dog", "The", "Dog", "query", ":", "##y",
]  # fmt: skip
TEXTS = ["The cats sat on the mat .", "", "나는 학교에 간다", "Dog", "the Dog sat on a mat . " * 4]
SIZE = 16
SIZES = {"vocab_size": len(WORDS), "max_position_embeddings": 24, "initializer_range": 0.3}
COMMON = {
    "hidden_size": SIZE, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
}  # fmt: skip
FAMILIES: dict[str, Callable[[], Any]] = {
    "Bert": lambda: transformers.BertConfig(**SIZES, **COMMON),
    "Roberta": lambda: transformers.RobertaConfig(
        **SIZES, **COMMON, pad_token_id=0, type_vocab_size=1
    ),
    "Electra": lambda: transformers.ElectraConfig(**SIZES, **COMMON, embedding_size=8),
    "DistilBert": lambda: transformers.DistilBertConfig(
        **SIZES, dim=SIZE, n_layers=2, n_heads=2, hidden_dim=24
    ),
}
MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
OLD = {
    "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens", "lasttoken": "pooling_mode_lasttoken",
}  # fmt: skip
KINDS = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")
PLACES = {"Pooling": "sentence_transformer", "LayerNorm": "sentence_transformer",
          "Dropout": "sentence_transformer"}  # fmt: skip
FILES = {kind: "layer_norm" if kind == "LayerNorm" else kind.lower() for kind in KINDS}
SPELLINGS: tuple[dict[str, str], ...] = tuple(
    {kind: "sentence_transformers." + form(kind) for kind in KINDS}
    for form in (
        lambda kind: f"models.{kind}",
        lambda kind: f"{PLACES.get(kind, 'base')}.modules.{FILES[kind]}.{kind}",
        lambda kind: f"sentence_transformer.modules.{kind}",
    )
)
"""Of the versions up to 5.3, of 6.2 with the file, and of 6.2 without it."""


TOKENIZER = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 20}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def make_encoders(place: Path) -> Path:
    """Make a tiny random encoder of each family with its tokenizer."""
    for family, config in FAMILIES.items():
        torch.manual_seed(5)
        model = getattr(transformers, f"{family}Model")(config()).eval()
        model.save_pretrained(place / family)
        (place / family / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
        write(place / family / "tokenizer_config.json", TOKENIZER)
    return place


def make(
    folder: Path,
    encoder: Path,
    *,
    after: list[tuple[str, dict[str, Any]]] | None = None,
    pooling: dict[str, Any] | None = None,
    inner: str = "",
    spelling: int = 0,
    longest: dict[str, Any] | None = None,
    overall: dict[str, Any] | None = None,
) -> Path:
    """A folder with these modules; weights of Dense and LayerNorm are random."""
    shutil.copytree(encoder, folder / inner)
    steps = [("Transformer", {}), ("Pooling", pooling or {"pooling_mode": "mean"}), *(after or [])]
    modules = []
    for number, (kind, options) in enumerate(steps):
        path = inner if number == 0 else f"{number}_{kind}"
        named = SPELLINGS[spelling][kind]
        modules.append({"idx": number, "name": str(number), "path": path, "type": named})
        if number == 1:
            write(folder / path / "config.json", {"word_embedding_dimension": SIZE, **options})
        elif number > 1:
            write_module(folder / path, kind, options)
    write(folder / "modules.json", modules)
    if longest is not None:
        write(folder / inner / "sentence_bert_config.json", longest)
    if overall is not None:
        write(folder / "config_sentence_transformers.json", overall)
    return folder


def write_module(folder: Path, kind: str, options: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(len(folder.name) + len(str(options)))
    if kind != "Normalize" or options:
        write(folder / "config.json", options)
    tensors: dict[str, torch.Tensor] = {}
    if kind == "LayerNorm":
        tensors = {f"norm.{n}": torch.randn(options["dimension"], generator=generator)
                   for n in ("weight", "bias")}  # fmt: skip
    if kind == "Dense":
        shape = options["out_features"], options["in_features"]
        tensors["linear.weight"] = torch.randn(shape, generator=generator)
        if options.get("bias", True):
            tensors["linear.bias"] = torch.randn(shape[:1], generator=generator)
        if options.get("use_residual") and shape[0] != shape[1]:
            tensors["residual.weight"] = torch.randn(shape, generator=generator)
    if tensors:
        save_file(tensors, folder / "model.safetensors")


def their_model(folder: Path) -> Any:
    return theirs.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def assert_same(folder: Path, texts: list[str] | None = None, **prompt: Any) -> Any:
    """The vectors are theirs, and so is which texts are cut."""
    texts = TEXTS if texts is None else texts
    model, ours = their_model(folder), load(folder)
    told: list[Any] = []
    asked = {"prompt": next(iter(prompt.values()))} if prompt else {}
    found = np.concatenate(list(ours.embed_blocks(texts, report=told.append, **asked)))
    np.testing.assert_allclose(found, model.encode(texts, **prompt), atol=1e-5, rtol=1e-5)
    before = model._resolve_prompt(prompt.get("prompt"), prompt.get("prompt_name")) or ""
    sizes = [len(model.tokenizer(before + text)["input_ids"]) for text in texts]
    assert told[-1].longer == sum(size > ours.limit for size in sizes)
    return ours
