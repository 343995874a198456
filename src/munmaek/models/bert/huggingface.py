"""The weights of BERT and its family under Hugging Face's names, there and back.

The one place that knows the names of tensors; ``huggingface_config`` knows those of sizes. Tensors
are the same ones throughout but for the query, key and value projections, which stand in one matrix
here and in three there. Tied weights are written once: ``transformers`` ties the masked-word scores
to the word embeddings itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from munmaek.errors import ArtefactError

__all__ = [
    "ALIASES",
    "FAMILIES",
    "Family",
    "ReadTensors",
    "family_of",
    "from_huggingface",
    "head_name",
    "read_huggingface",
    "to_huggingface",
]

_BERT_LAYER = {
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_BERT_QKV = ("attention.self.query", "attention.self.key", "attention.self.value")


def _embeddings(prefix: str) -> dict[str, str]:
    return {
        "encoder.word_embeddings": f"{prefix}.embeddings.word_embeddings",
        "encoder.position_embeddings.table": f"{prefix}.embeddings.position_embeddings",
        "encoder.type_embeddings": f"{prefix}.embeddings.token_type_embeddings",
        "encoder.norm": f"{prefix}.embeddings.LayerNorm",
        "encoder.embedding_norm": f"{prefix}.embeddings.first_norm",
    }


@dataclass(frozen=True, slots=True)
class Family:
    """The names of one architecture's tensors and classes."""

    kind: str
    """``model_type``."""
    prefix: str
    """Before the names of the encoder's tensors."""
    classes: str
    """Before ``Model``, ``ForMaskedLM`` and so on."""
    names: Mapping[str, str]
    """Ours to theirs."""
    heads: Mapping[str, Mapping[str, str]]
    """The same of each head: ``mlm``, ``classify``, ``tag``, ``base``."""
    tied: tuple[tuple[str, str], ...]
    """Their second names of a tensor, with the first."""
    ignored: re.Pattern[str]
    """Buffers, and heads that no task here uses."""
    layers: str = "encoder.layer"
    layer: Mapping[str, str] = field(default_factory=lambda: _BERT_LAYER)
    qkv: tuple[str, str, str] = _BERT_QKV

    def head_names(self, head: str) -> dict[str, str]:
        """Map our names to theirs for a network with that head."""
        return {**self.names, **self.heads[head]}


_TAG = {"classifier": "classifier"}
_DENSE = {"pooler": "classifier.dense", "classifier": "classifier.out_proj"}

FAMILIES = {
    "bert": Family(
        kind="bert",
        prefix="bert",
        classes="Bert",
        names=_embeddings("bert"),
        heads={
            "mlm": {
                "head.dense": "cls.predictions.transform.dense",
                "head.norm": "cls.predictions.transform.LayerNorm",
                "output": "cls.predictions",
                "pooler": "bert.pooler.dense",
                "relation": "cls.seq_relationship",
            },
            "classify": {"pooler": "bert.pooler.dense", "classifier": "classifier"},
            "tag": _TAG,
            "base": {"pooler": "bert.pooler.dense"},
        },
        tied=(
            ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
            ("cls.predictions.decoder.bias", "cls.predictions.bias"),
        ),
        ignored=re.compile(
            r"bert\.embeddings\.position_ids|(cls\.seq_relationship|bert\.pooler\.dense)\..*"
        ),
    ),
    "roberta": Family(
        kind="roberta",
        prefix="roberta",
        classes="Roberta",
        names=_embeddings("roberta"),
        heads={
            "mlm": {
                "head.dense": "lm_head.dense",
                "head.norm": "lm_head.layer_norm",
                "output": "lm_head",
            },
            "classify": _DENSE,
            "tag": _TAG,
            "base": {"pooler": "roberta.pooler.dense"},
        },
        tied=(
            ("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"),
            ("lm_head.decoder.bias", "lm_head.bias"),
        ),
        ignored=re.compile(r"roberta\.embeddings\.position_ids|roberta\.pooler\.dense\..*"),
    ),
    "electra": Family(
        kind="electra",
        prefix="electra",
        classes="Electra",
        names={
            **_embeddings("electra"),
            "encoder.projection": "electra.embeddings_project",
        },
        heads={
            "mlm": {
                "head.dense": "generator_predictions.dense",
                "head.norm": "generator_predictions.LayerNorm",
                "output": "generator_lm_head",
            },
            "classify": _DENSE,
            "tag": _TAG,
            "base": {},
        },
        tied=(("generator_lm_head.weight", "electra.embeddings.word_embeddings.weight"),),
        ignored=re.compile(r"electra\.embeddings\.position_ids|discriminator_predictions\..*"),
    ),
    "distilbert": Family(
        kind="distilbert",
        prefix="distilbert",
        classes="DistilBert",
        names=_embeddings("distilbert"),
        heads={
            "mlm": {
                "head.dense": "vocab_transform",
                "head.norm": "vocab_layer_norm",
                "output": "vocab_projector",
            },
            "classify": {"pooler": "pre_classifier", "classifier": "classifier"},
            "tag": _TAG,
            "base": {},
        },
        tied=(("vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"),),
        ignored=re.compile(r"distilbert\.embeddings\.position_ids"),
        layers="transformer.layer",
        layer={
            "attention.output": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "intermediate": "ffn.lin1",
            "output": "ffn.lin2",
            "output_norm": "output_layer_norm",
        },
        qkv=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    ),
}
ALIASES = {"xlm-roberta": "roberta", "camembert": "roberta"}
"""Architectures that are another one under a second name."""


def family_of(name: str, *, where: str = "config.json") -> Family:
    """Return the family of a ``model_type``.

    Raises:
        ArtefactError: there is none here; lists those there are.
    """
    family = FAMILIES.get(ALIASES.get(name, name))
    if family is None:
        known = ", ".join((*FAMILIES, *ALIASES))
        message = f"{where}: model_type '{name}' is not one that munmaek reads; it reads {known}"
        raise ArtefactError(message)
    return family


def to_huggingface(state_dict: Mapping[str, Tensor], *, family: str = "bert") -> dict[str, Tensor]:
    """Return the weights of a BERT network under Hugging Face's names."""
    kin = FAMILIES[family]
    names = kin.head_names(head_name(state_dict))
    out: dict[str, Tensor] = {}
    if "output.weight" in state_dict and len(kin.tied) > 1:
        # Its own class reads the bias beside an untied matrix from the matrix's place alone.
        out[kin.tied[1][0]] = state_dict["output.bias"].clone()
    for name, tensor in state_dict.items():
        stem, _, kind = name.rpartition(".")
        layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)", stem)
        if layer is None:
            theirs = f"{names[stem]}.{kind}"
            out[_decoder(theirs, family)] = tensor
            continue
        prefix, inner = f"{kin.prefix}.{kin.layers}.{layer[1]}", layer[2]
        if inner == "attention.qkv":
            parts = zip(kin.qkv, tensor.chunk(3), strict=True)
            out |= {f"{prefix}.{each}.{kind}": part.contiguous() for each, part in parts}
        else:
            out[f"{prefix}.{kin.layer[inner]}.{kind}"] = tensor
    return out


def _decoder(name: str, family: str) -> str:
    """Return where an untied output matrix stands, of its own in BERT and RoBERTa."""
    moved = {
        "bert": {"cls.predictions.weight": "cls.predictions.decoder.weight"},
        "roberta": {"lm_head.weight": "lm_head.decoder.weight"},
    }
    return moved.get(family, {}).get(name, name)


def head_name(ours: Mapping[str, Any]) -> str:
    """Return the name of the head that weights under our names are of."""
    if any(name.startswith("head.") for name in ours):
        return "mlm"
    if not any(name.startswith("classifier.") for name in ours):
        return "base"
    return "classify" if any(name.startswith("pooler.") for name in ours) else "tag"


@dataclass(frozen=True, slots=True)
class ReadTensors:
    """The weights of a network under our names, and what was not one of them."""

    ours: dict[str, Tensor]
    tied: bool
    """True where masked words are scored with the word embeddings themselves."""
    passed_over: tuple[str, ...]
    """Their names of tensors that the network does not have."""


def from_huggingface(
    state_dict: Mapping[str, Tensor],
    *,
    family: str = "bert",
    head: str | None = None,
    tied: bool = True,
) -> dict[str, Tensor]:
    """Return the weights of a BERT network that ``to_huggingface`` named.

    Args:
        state_dict: tensors under Hugging Face's names.
        family: whose names they are.
        head: ``mlm``, ``classify``, ``tag`` or ``base``; None is what the names say.
        tied: masked words are scored with the word embeddings.

    Raises:
        ArtefactError: as ``read_huggingface``; also a tensor that no BERT here has, or masked-word
            scores that are not tied though the configuration says so.
    """
    kin = FAMILIES[family]
    read = read_huggingface(state_dict, family=family, head=head, tied=tied)
    if read.passed_over:
        name = read.passed_over[0]
        message = f"tensor '{name}' belongs to no {kin.classes} that munmaek knows"
        raise ArtefactError(message)
    if tied and not read.tied:
        name, twin = kin.tied[0]
        message = (
            f"tensor '{name}' differs from '{twin}', though config.json does not say "
            "tie_word_embeddings = false"
        )
        raise ArtefactError(message)
    return read.ours


def read_huggingface(
    state_dict: Mapping[str, Tensor],
    *,
    family: str = "bert",
    head: str | None = None,
    tied: bool = True,
) -> ReadTensors:
    """Read the weights of a BERT network from a published file.

    A bare ``BertModel`` (names without ``bert.``) and the old names ``gamma`` and ``beta`` are
    understood, and tied tensors under either name. As in ``transformers``, tensors that are tied by
    the configuration and yet differ are not tied, and tensors of no use here are passed over.

    Args:
        state_dict: tensors under Hugging Face's names.
        family: whose names they are.
        head: ``mlm``, ``classify``, ``tag`` or ``base``; None is what the names say.
        tied: the configuration says that masked words are scored with the word embeddings.

    Raises:
        ArtefactError: a tensor that is there twice, or a projection that lacks one of its three
            parts.
    """
    kin = FAMILIES[family]
    theirs = _named(state_dict, kin)
    names = _read_names(theirs, kin, head or _their_head(theirs, kin))
    tied = _tie(theirs, kin, tied=tied)
    back = {value: name for name, value in names.items()}
    if not tied and "output" in names:
        back[kin.tied[0][0].removesuffix(".weight")] = "output"
    out: dict[str, Tensor] = {}
    over: list[str] = []
    for name, tensor in theirs.items():
        ours = _our_name(name, kin, back)
        if ours is None and not kin.ignored.fullmatch(name):
            over.append(name)
        elif ours is not None and ".attention.qkv." in ours:
            out[ours] = out[ours] if ours in out else _fused(theirs, name, kin.qkv)
        elif ours is not None:
            out[ours] = tensor
    return ReadTensors(out, tied, tuple(over))


def _named(state_dict: Mapping[str, Tensor], kin: Family) -> dict[str, Tensor]:
    """Return the tensors under the family's present names.

    Raises:
        ArtefactError: two are one under these names and differ.
    """
    theirs: dict[str, Tensor] = {}
    for name, tensor in state_dict.items():
        modern = _modern(name, kin)
        if modern in theirs and not torch.equal(theirs[modern], tensor):
            message = f"tensor '{modern}' is there under two names with different values"
            raise ArtefactError(message)
        theirs[modern] = tensor
    return theirs


def _our_name(name: str, kin: Family, back: Mapping[str, str]) -> str | None:
    """Return our name of one of their tensors, or None where it is of no use."""
    stem, _, kind = name.rpartition(".")
    found = re.fullmatch(rf"{re.escape(f'{kin.prefix}.{kin.layers}')}\.(\d+)\.(.+)", stem)
    if found is None:
        ours = back.get(stem)
        return None if ours is None else f"{ours}.{kind}"
    layer_back = {value: name for name, value in kin.layer.items()}
    ours = "attention.qkv" if found[2] in kin.qkv else layer_back.get(found[2])
    return None if ours is None else f"encoder.layers.{found[1]}.{ours}.{kind}"


def _their_head(theirs: Mapping[str, Any], kin: Family) -> str:
    stems = {name.rpartition(".")[0] for name in theirs}
    if kin.heads["mlm"]["head.dense"] in stems:
        return "mlm"
    labelled = kin.heads["classify"]
    if labelled["classifier"] in stems and labelled["pooler"] in stems:
        return "classify"
    return "tag" if "classifier" in stems else "base"


def _read_names(theirs: Mapping[str, Any], kin: Family, head: str) -> dict[str, str]:
    """Return ``head_names``, with a next-sentence head only where its pooler is there too."""
    names = kin.head_names(head)
    if "relation" in names:
        stems = {name.rpartition(".")[0] for name in theirs}
        if not {names["pooler"], names["relation"]} <= stems:
            del names["pooler"], names["relation"]
    return names


def _modern(name: str, kin: Family) -> str:
    name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))
    bare = ("embeddings.", "embeddings_project.", "encoder.", "pooler.", "transformer.")
    return f"{kin.prefix}.{name}" if name.startswith(bare) else name


def _fused(theirs: Mapping[str, Tensor], name: str, qkv: tuple[str, str, str]) -> Tensor:
    stem, _, kind = name.rpartition(".")
    prefix = stem.rsplit(".", 1)[0]
    names = [f"{prefix}.{part.rsplit('.', 1)[1]}.{kind}" for part in qkv]
    for each in names:
        if each not in theirs:
            message = f"tensor '{each}' is missing"
            raise ArtefactError(message)
    return torch.cat([theirs[each] for each in names])


def _tie(theirs: dict[str, Tensor], kin: Family, *, tied: bool) -> bool:
    """Leave one name of each tied tensor, and return whether the matrices are tied.

    The second name of a bias is the one that its own class computes with, so it comes first where
    both are there.
    """
    weight, *bias = kin.tied
    for second, first in bias:
        if second in theirs:
            theirs[first] = theirs.pop(second)
    second, first = weight
    if not tied or second not in theirs:
        return tied
    if first in theirs and not torch.equal(theirs[first], theirs[second]):
        return False
    theirs[first] = theirs.pop(second)
    return True
