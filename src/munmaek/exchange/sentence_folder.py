"""The files of a sentence-transformers folder, in the spellings of versions 0.2 to 6.2.

    modules.json                       which modules, in which order, in which folders
    config_sentence_transformers.json  prompts, similarity, dimensions kept
    sentence_bert_config.json          beside the encoder: longest text, lower-casing
    1_Pooling/config.json              poolings, as booleans or (from 5.4 on) by name
    2_Dense/, 2_LayerNorm/             sizes and weights

A field that is not known, or a value that no module here computes, is refused by its name.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from munmaek.errors import ArtefactError, MunmaekWarning
from munmaek.exchange.sentence import SentenceSettings, filled_module
from munmaek.exchange.sentence_fields import (
    FieldReader,
    dense_options,
    encoder_fields,
    norm_options,
    pooling_fields,
    unit_options,
)
from munmaek.exchange.weights import inner_path, read_weights
from munmaek.metrics.retrieval import SIMILARITIES
from munmaek.models.bert.sentence import pooled_size
from munmaek.text.json_files import read_json, read_json_object

__all__ = ["SentenceFolder", "longest_text", "read_sentence_folder"]

PLACES = r"sentence_transformers(\.models|\.base\.modules|\.sentence_transformer\.modules)(\.\w+)?"
"""The modules of the classes in one version or another."""
MODULES = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")


@dataclass(frozen=True, slots=True)
class SentenceFolder:
    """Modules after the encoder, and how texts are given to it."""

    transformer: Path
    """The encoder's folder."""
    pooling: str
    """Names of ``models.bert.sentence.POOLINGS``, with ``+`` between them."""
    normalised: bool
    """Vectors are scaled to length one at the end."""
    settings: SentenceSettings
    lower_case: bool
    max_length: int | None
    """Tokens of a text that are read; None leaves it to the tokenizer and the positions."""

    def check_sizes(self, size: int, *, where: Path) -> None:
        """Make sure that each module takes what the one before gives.

        Args:
            size: width of the encoder's vectors.
            where: the folder, for the message.

        Raises:
            ArtefactError: one does not.
        """
        given = pooled_size(self.pooling, size)
        for each in self.settings.modules:
            wanted = each.get("inputs", each.get("size", given))
            if wanted != given:
                message = f"{where}: {each['kind']} takes {wanted} numbers, and is given {given}"
                raise ArtefactError(message)
            given = each.get("outputs", given)


@dataclass(frozen=True, slots=True)
class _Module:
    kind: str
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.json"


def read_sentence_folder(folder: Path) -> SentenceFolder | None:
    """Read the files of sentence-transformers; None where there are none.

    A cross-encoder is none either: it labels or rates texts as its ``config.json`` says.

    Raises:
        ArtefactError: a file is damaged; a module, a field or a value that is not known.
    """
    place = folder / "modules.json"
    if not place.is_file():
        return None
    overall = _overall(folder / "config_sentence_transformers.json")
    modules = _modules(folder, place)
    if overall.get("model_type", "SentenceTransformer") == "CrossEncoder":
        return _no_sentences(modules, place, overall)
    if [each.kind for each in modules[:2]] != ["Transformer", "Pooling"]:
        message = f"{place}: a Transformer and then a Pooling wanted, got {_kinds(modules)}"
        raise ArtefactError(message)
    twice = [each.kind for each in modules[2:] if each.kind in ("Transformer", "Pooling")]
    if twice:
        message = f"{place}: a second {twice[0]}; munmaek reads one"
        raise ArtefactError(message)
    encoder = encoder_fields(modules[0].folder)
    pooling, include_prompt = pooling_fields(FieldReader.of(modules[1].config))
    described, weights = _after_pooling(modules[2:])
    normalised = bool(described) and described[-1]["kind"] == "unit"
    if normalised:
        described = described[:-1]
    settings = replace(
        _settings(overall, folder),
        modules=tuple(described),
        weights=_filled(described, weights),
        include_prompt=include_prompt,
    )
    return SentenceFolder(
        modules[0].folder, pooling, normalised, settings, encoder.lower_case, encoder.max_length
    )


def _kinds(modules: Sequence[_Module]) -> str:
    return ", ".join(each.kind for each in modules) or "nothing"


def _no_sentences(modules: Sequence[_Module], place: Path, overall: Mapping[str, Any]) -> None:
    """Check that a cross-encoder is nothing but a network of labels or numbers."""
    if _kinds(modules) != "Transformer" or modules[0].folder != place.parent:
        message = f"{place}: a cross-encoder of {_kinds(modules)}; a Transformer alone is read"
        raise ArtefactError(message)
    fields = FieldReader(place.parent / "config_sentence_transformers.json", overall)
    fields.fixed("default_prompt_name")
    after = str(overall.get("activation_fn", "Identity")).rpartition(".")[2]
    if after != "Identity":
        message = (
            f"{place}: a cross-encoder, whose numbers sentence-transformers passes through "
            f"{after}; rate gives those before it"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=4)


def _modules(folder: Path, place: Path) -> list[_Module]:
    listed = read_json(place)
    if not isinstance(listed, list):
        message = f"{place}: a list of modules wanted, got a {type(listed).__name__}"
        raise ArtefactError(message)
    rows = [_row(each, place) for each in cast("list[Any]", listed)]
    names = [row["name"] for row in rows]
    if len(set(names)) < len(names):
        message = f"{place}: two modules of one name; each wants its own"
        raise ArtefactError(message)
    return [
        _Module(_kind(row["type"], place), inner_path(folder, row["path"], where=str(place)))
        for row in rows
        if _kind(row["type"], place) != "Dropout"  # which does nothing after training
    ]


def _row(row: Any, place: Path) -> dict[str, str]:
    named = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
    if any(not isinstance(named.get(key), str) for key in ("name", "path", "type")):
        message = f"{place}: name, path and type of each module wanted, as texts, got {row!r:.80}"
        raise ArtefactError(message)
    return named


def _kind(name: str, place: Path) -> str:
    found = re.fullmatch(rf"{PLACES}\.({'|'.join(MODULES)})", name)
    if found is None:
        message = (
            f"{place}: module '{name}' is not one that munmaek reads; it reads "
            f"{', '.join(MODULES)} of sentence_transformers"
        )
        raise ArtefactError(message)
    return found[3]


def _overall(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    values = read_json_object(path)
    kind = values.get("model_type", "SentenceTransformer")
    if kind not in ("SentenceTransformer", "CrossEncoder"):
        message = (
            f"{path}: model_type '{kind}' is not one that munmaek reads; SentenceTransformer is"
        )
        raise ArtefactError(message)
    return values


def _settings(values: Mapping[str, Any], folder: Path) -> SentenceSettings:
    fields = FieldReader(folder / "config_sentence_transformers.json", values)
    prompts = fields.texts("prompts")
    default = fields.text("default_prompt_name")
    # Those two are there in every model, and empty where the file does not say otherwise.
    if default is not None and default not in {*prompts, "query", "document"}:
        fields.refuse("default_prompt_name", f"one of {', '.join(prompts) or 'no prompts'}")
    width = fields.whole("truncate_dim")
    similarity = values.get("similarity_fn_name") or "cosine"
    if similarity not in SIMILARITIES:
        fields.refuse("similarity_fn_name", ", ".join(SIMILARITIES))
    named = default if default in prompts else None
    return SentenceSettings(
        prompts=prompts, default_prompt=named, width=width, similarity=similarity
    )


def _after_pooling(
    modules: Sequence[_Module],
) -> tuple[list[dict[str, Any]], dict[int, Path]]:
    """Return what each module is made with, and the folders of those that have weights."""
    readers = {"Dense": dense_options, "LayerNorm": norm_options, "Normalize": unit_options}
    described = [
        readers[each.kind](FieldReader.of(each.config, optional=each.kind == "Normalize"))
        for each in modules
    ]
    folders = {
        number: each.folder for number, each in enumerate(modules) if each.kind != "Normalize"
    }
    return described, folders


def _filled(
    described: Sequence[Mapping[str, Any]], folders: Mapping[int, Path]
) -> nn.Sequential | None:
    """Return the modules with their weights; None where there are no modules."""
    if not described:
        return None
    made = nn.Sequential()
    for number, each in enumerate(described):
        given = read_weights(folders[number]) if number in folders else {}
        if each["kind"] == "layer_norm":
            given = {name.removeprefix("norm."): tensor for name, tensor in given.items()}
        made.append(filled_module(each, given, where=folders.get(number, Path())))
    return made


def longest_text(
    sentence: SentenceFolder | None, tokenizer: int | None, positions: int | None
) -> int:
    """Return how many tokens of a text are read, those of the frame included.

    What sentence-transformers' files say comes before the tokenizer's ``model_max_length``, and
    there are never more than positions.

    Args:
        sentence: what sentence-transformers' files say.
        tokenizer: what the tokenizer's files say; None is any number.
        positions: that the network has; None is any number.
    """
    given = None if sentence is None else sentence.max_length
    given = tokenizer if given is None else given
    longest = 512 if positions is None else positions
    return longest if given is None else min(given, longest)
