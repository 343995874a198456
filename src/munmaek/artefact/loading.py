"""From a folder back to the model that was saved there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from munmaek.artefact.checkpoint import is_checkpoint, open_checkpoint
from munmaek.artefact.classifier import Classifier
from munmaek.artefact.encoder import Encoder
from munmaek.artefact.folder import MANIFEST, read_manifest
from munmaek.artefact.info import Info
from munmaek.artefact.language_model import TrainedLanguageModel, language_model_of
from munmaek.artefact.mixing import MIXTURE, mixture_of
from munmaek.artefact.tables import load_tables
from munmaek.artefact.tagger import Tagger
from munmaek.artefact.training_text import TrainingText
from munmaek.artefact.translator import Translator
from munmaek.artefact.weights import load_network, make_network
from munmaek.errors import ArtefactError, UnsupportedError
from munmaek.models.ngram import NgramClassifier, NgramConfig, NgramModel
from munmaek.tasks.classify import NeuralClassifier
from munmaek.tasks.lm import NeuralLanguageModel
from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer
from munmaek.text.tokenizers import Tokenizer

__all__ = ["TrainedModel", "load", "load_as"]

TrainedModel: TypeAlias = TrainedLanguageModel | Classifier | Translator | Encoder | Tagger

_TASKS: Mapping[type, str] = {
    TrainedLanguageModel: "lm",
    Classifier: "classify",
    Translator: "translate",
    Encoder: "mlm",
    Tagger: "tag",
}


def load(folder: Path | str) -> TrainedModel:
    """The trained model in ``folder``, ready to use on the processor.

    A folder in Hugging Face's form (BERT, RoBERTa, ELECTRA, DistilBERT) is opened as it is.

    Raises:
        ArtefactError: no model there, a newer format, or files missing, truncated or altered.
        UnsupportedError: it needs an extra or a stage that is not installed.
    """
    path = Path(folder)
    if is_checkpoint(path):
        return _published(path)
    manifest = read_manifest(path)
    try:
        return _restore(path, manifest, Info.from_json(manifest))
    except KeyError as error:
        message = f"{path / MANIFEST}: damaged (no {error} in it); train or copy the model again"
        raise ArtefactError(message) from error


def _published(path: Path) -> TrainedModel:
    opened = open_checkpoint(path)
    if opened.head == "classify":
        model = NeuralClassifier(opened.network)
        return Classifier(opened.tokenizer, model, opened.labels, opened.info, opened.limit)
    if opened.head == "tag":
        return Tagger(opened.tokenizer, opened.network, opened.labels, opened.info, opened.limit)
    return Encoder(
        opened.tokenizer,
        opened.network,
        opened.info,
        opened.limit,
        opened.pooling,
        opened.normalised,
    )


def load_as(folder: Path | str, kind: type[Any], *, what: str) -> Any:
    """``load``, for a use that only one task serves.

    Raises:
        UnsupportedError: the model does another task; ``what`` names the use.
    """
    model = load(folder)
    if not isinstance(model, kind):
        message = f"{folder}: a model for '{model.info.task}'; {what} needs '{_TASKS[kind]}'"
        raise UnsupportedError(message)
    return model


def _restore(path: Path, manifest: Mapping[str, Any], info: Info) -> TrainedModel:
    tokenizer = _tokenizer(path, manifest, "tokenizer")
    if info.task == "lm" and info.stage == MIXTURE:
        return _mixture(path, info, tokenizer)
    if info.task == "lm":
        model, text = _language_model(path, info, tokenizer), _text(path)
        return TrainedLanguageModel(tokenizer, model, info, text)
    if info.task == "classify":
        labels = tuple(cast("list[str]", manifest["labels"]))
        return Classifier(tokenizer, _classifier(path, info), labels, info, manifest["limit"])
    network: Any = _network(path, info)
    if info.task == "translate":
        source = _tokenizer(path, manifest, "source_tokenizer")
        return Translator(source, tokenizer, network, info, manifest["limit"])
    if info.task == "mlm":
        pooling, normalised = manifest.get("pooling", "mean"), manifest.get("normalised", False)
        return Encoder(tokenizer, network, info, manifest["limit"], pooling, normalised)
    if info.task == "tag":
        return Tagger(tokenizer, network, tuple(manifest["labels"]), info, manifest["limit"])
    message = f"{path}: task '{info.task}' is unknown to munmaek {info.version}; upgrade munmaek"
    raise ArtefactError(message)


def _text(path: Path) -> TrainingText | None:
    file = path / "text.safetensors"
    return TrainingText.from_tensors(load_tables(file)) if file.is_file() else None


def _mixture(path: Path, info: Info, tokenizer: Tokenizer) -> TrainedLanguageModel:
    places = [path / f"part-{place}" for place in range(len(info.config["weights"]))]
    parts = tuple(load_as(place, TrainedLanguageModel, what="a mixture") for place in places)
    return TrainedLanguageModel(tokenizer, mixture_of(parts, info.config), info, parts=parts)


def _tokenizer(path: Path, manifest: Mapping[str, Any], name: str) -> Any:
    record = manifest[name]
    if str(record["kind"]).startswith("checkpoint/"):
        return CheckpointTokenizer.load(
            path / f"{name}.json", specials=record["specials"], doubled=record["doubled"]
        )
    return Tokenizer.load(path / f"{name}.json", kind=record["kind"])


def _network(path: Path, info: Info) -> Any:
    task = "embed" if "pooled" in info.sizes else info.task
    network = make_network(stage=info.stage, task=task, config=info.config, sizes=info.sizes)
    load_network(network, path / "model.safetensors", stage=info.stage)
    return network


def _language_model(
    path: Path, info: Info, tokenizer: Tokenizer
) -> NgramModel | NeuralLanguageModel:
    if info.stage == "ngram":
        tables = load_tables(path / "model.safetensors")
        return NgramModel.from_tensors(tables, config=NgramConfig.of(info.config), **info.sizes)
    return language_model_of(
        _network(path, info), tokenizer, document=info.training.get("context") == "document"
    )


def _classifier(path: Path, info: Info) -> NgramClassifier | NeuralClassifier:
    if info.stage == "ngram":
        tables = load_tables(path / "model.safetensors")
        return NgramClassifier.from_tensors(
            tables, config=NgramConfig.of(info.config), **info.sizes
        )
    return NeuralClassifier(_network(path, info))
