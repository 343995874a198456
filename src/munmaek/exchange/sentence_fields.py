"""The fields of sentence-transformers' files, each read strictly."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from munmaek.errors import ArtefactError
from munmaek.models.bert.sentence import ACTIVATIONS
from munmaek.text.json_files import read_json_object

__all__ = [
    "EncoderFields",
    "FieldReader",
    "dense_options",
    "encoder_fields",
    "norm_options",
    "pooling_fields",
    "unit_options",
]

POOLINGS = {
    "cls": "first",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}
"""Their names, and ours."""
BOOLEANS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Their names before 5.4, in the order in which the poolings stand side by side."""
FILES = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""One of which stands beside the encoder; which one says nothing."""
LONGEST = 10**9
"""A length from here on says that there is none."""
NO_NUMBERS = {
    "attn_implementation", "cache_dir", "device_map", "dtype", "local_files_only",
    "low_cpu_mem_usage", "output_attentions", "output_hidden_states", "padding_side", "revision",
    "subfolder", "token", "torch_dtype", "trust_remote_code", "use_cache", "use_fast",
    "use_safetensors",
}  # fmt: skip
"""Arguments of the loaders that change no number."""


@dataclass(frozen=True, slots=True)
class FieldReader:
    """The content of a JSON file, read field by field."""

    path: Path
    values: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path, *, optional: bool = False) -> "FieldReader":
        """Read a file; one that may be missing is then empty.

        Raises:
            ArtefactError: it is missing, or not a JSON object.
        """
        if optional and not path.is_file():
            return cls(path, {})
        if not path.is_file():
            message = f"{path}: missing from the folder; copy it again"
            raise ArtefactError(message)
        return cls(path, read_json_object(path))

    def refuse(self, name: str, wanted: str) -> NoReturn:
        """Raise for a field's value.

        Raises:
            ArtefactError: always.
        """
        shown = json.dumps(self.values.get(name), ensure_ascii=False)
        message = f"{self.path}: {name} = {shown:.80}; wanted: {wanted}"
        raise ArtefactError(message)

    def only(self, known: Collection[str]) -> None:
        """Refuse fields of other names.

        Raises:
            ArtefactError: there is one.
        """
        for name in self.values:
            if name not in known:
                self.refuse(name, f"no such field; munmaek reads {', '.join(known)}")

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            self.refuse(name, "true or false")
        return value

    def whole(self, name: str) -> int | None:
        """Return a whole number from 1 on, or None where there is none."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse(name, "a whole number from 1 on")
        return value

    def size(self, name: str) -> int:
        """Return a whole number from 1 on that has to be there."""
        return self.whole(name) or self.refuse(name, "a whole number from 1 on")

    def length(self, name: str) -> int | None:
        """Return a number of tokens, or None where there is no such limit."""
        value = self.values.get(name)
        if isinstance(value, float) and value >= LONGEST:
            return None
        found = self.whole(name)
        if found is None or found >= LONGEST:
            return None
        if found < 3:
            self.refuse(name, "3 tokens or more, two of them the frame")
        return found

    def text(self, name: str) -> str | None:
        """Return a text, or None where there is none."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            self.refuse(name, "a text")
        return value

    def texts(self, name: str) -> dict[str, str]:
        """Return texts by name; null is the empty text."""
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse(name, "an object from names to texts")
        found = {
            str(key): "" if each is None else each
            for key, each in cast("dict[Any, Any]", value).items()
        }
        if any(not isinstance(each, str) for each in found.values()):
            self.refuse(name, "an object from names to texts")
        return found

    def fixed(self, name: str, *allowed: Any) -> None:
        """Refuse a value that is none of these; null is as good as absent.

        Raises:
            ArtefactError: it is another.
        """
        if self.values.get(name) is not None and self.values[name] not in allowed:
            self.refuse(name, " or ".join(json.dumps(each) for each in allowed) or "none")

    def inner(self, name: str) -> "FieldReader":
        """Return the object under a name, empty where there is none."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            self.refuse(name, "an object")
        return FieldReader(self.path, cast("dict[str, Any]", value or {}))


@dataclass(frozen=True, slots=True)
class EncoderFields:
    """The lower-casing and the maximum length of texts given to the encoder."""

    lower_case: bool
    max_length: int | None
    """Tokens of a text that are read; None leaves it to the tokenizer and the positions."""


def encoder_fields(folder: Path) -> EncoderFields:
    """Read the file beside the encoder; there may be none.

    ``max_length`` of ``processing_kwargs`` comes first, then ``model_max_length`` of the
    tokenizer's arguments, then ``max_seq_length``.

    Raises:
        ArtefactError: a field or a value that is not known.
    """
    found = [FieldReader.of(folder / name) for name in FILES if (folder / name).is_file()]
    fields = next((each for each in found if each.values), FieldReader(folder / FILES[0], {}))
    fields.only(ENCODER)
    fields.fixed("transformer_task", "feature-extraction")
    fields.fixed("module_output_name", "token_embeddings")
    fields.fixed("modality_config", *MODALITIES)
    for name in ("query_length", "document_length", "query_expansion", "tokenizer_name_or_path"):
        fields.fixed(name)
    for name in ("model_args", "model_kwargs", "config_args", "config_kwargs"):
        fields.inner(name).only(NO_NUMBERS)
    tokens = fields.inner(
        "tokenizer_args" if "tokenizer_args" in fields.values else "processor_kwargs"
    )
    tokens.only({"model_max_length", *NO_NUMBERS})
    lengths = (
        _processing(fields.inner("processing_kwargs")),
        tokens.length("model_max_length"),
        fields.length("max_seq_length"),
    )
    longest = next((each for each in lengths if each is not None), None)
    return EncoderFields(fields.flag("do_lower_case", default=False), longest)


ENCODER = (
    "max_seq_length", "do_lower_case", "transformer_task", "modality_config", "module_output_name",
    "processing_kwargs", "unpad_inputs", "query_length", "document_length", "query_expansion",
    "model_args", "model_kwargs", "config_args", "config_kwargs", "tokenizer_args",
    "processor_kwargs", "tokenizer_name_or_path",
)  # fmt: skip
MODALITIES = tuple(
    {"text": {"method": "forward", "method_output_name": name}}
    for name in ("last_hidden_state", ["last_hidden_state"])
)
"""The encoder's vectors of a text's tokens."""


def _processing(fields: FieldReader) -> int | None:
    """Return the longest text that the arguments of the tokenizer's call say."""
    fields.only(("text", "common", "chat_template", "audio", "image", "video"))
    fields.inner("common").only(("return_tensors", "padding"))
    call = fields.inner("text")
    call.only(("max_length", "padding", "pad_to_multiple_of", "truncation"))
    call.fixed("truncation", True, "longest_first", "only_first")
    return call.length("max_length")


def pooling_fields(fields: FieldReader) -> tuple[str, bool]:
    """Return our name of a Pooling, and whether the prompt's tokens are pooled too.

    Raises:
        ArtefactError: a field or a value that is not known.
    """
    fields.only(("word_embedding_dimension", "embedding_dimension", "pooling_mode",
                 "include_prompt", *BOOLEANS))  # fmt: skip
    flags = [mode for name, mode in BOOLEANS.items() if fields.flag(name, default=False)]
    modes: Any = fields.values.get("pooling_mode", flags or "mean")
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list) or not modes:
        fields.refuse("pooling_mode", f"one of {', '.join(POOLINGS)}, or a list of them")
    for mode in cast("list[Any]", modes):
        if not isinstance(mode, str) or mode not in POOLINGS:
            fields.refuse("pooling_mode", f"one of {', '.join(POOLINGS)}, or a list of them")
    named = "+".join(POOLINGS[mode] for mode in cast("list[str]", modes))
    return named, fields.flag("include_prompt", default=True)


def dense_options(fields: FieldReader) -> dict[str, Any]:
    """Return what a Dense is made with; fields of other names are passed over, as theirs does.

    Raises:
        ArtefactError: a value that is not known.
    """
    _on_sentences(fields)
    activation = fields.values.get("activation_function", "torch.nn.Tanh")
    named = re.fullmatch(r"torch\.nn(?:\.modules\.\w+)?\.(\w+)", str(activation))
    if named is None or named[1] not in ACTIVATIONS:
        fields.refuse("activation_function", f"torch.nn's {', '.join(ACTIVATIONS)}")
    return {
        "kind": "dense",
        "inputs": fields.size("in_features"),
        "outputs": fields.size("out_features"),
        "bias": fields.flag("bias", default=True),
        "activation": named[1],
        "residual": fields.flag("use_residual", default=False),
    }


def norm_options(fields: FieldReader) -> dict[str, Any]:
    """Return what a LayerNorm is made with.

    Raises:
        ArtefactError: a field or a value that is not known.
    """
    fields.only(("dimension",))
    return {"kind": "layer_norm", "size": fields.size("dimension")}


def unit_options(fields: FieldReader) -> dict[str, Any]:
    """Return what a Normalize is made with, which is nothing.

    Raises:
        ArtefactError: it reads or writes something else than the text's vector.
    """
    _on_sentences(fields)
    return {"kind": "unit"}


def _on_sentences(fields: FieldReader) -> None:
    for name in ("module_input_name", "module_output_name"):
        fields.fixed(name, "sentence_embedding")
