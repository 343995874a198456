"""From a folder back to the network that was saved there."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ArtefactError
from munmaek.exchange.checkpoint import open_checkpoint
from munmaek.exchange.sentence import load_settings
from munmaek.fit.trained import Trained
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.opening import open_tables
from munmaek.folder.weights import network_with, read_weights
from munmaek.models.ngram import NgramClassifier
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.neural import language_model_of
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.regress.objective import NeuralRegressor
from munmaek.tasks.tag.model import Tagger
from munmaek.tasks.translate.model import Translator

__all__ = ["published", "restored"]


def published(path: Path) -> Trained:
    """A folder in Hugging Face's form.

    Raises:
        ArtefactError: as ``open_checkpoint``.
    """
    opened = open_checkpoint(path)
    labels = opened.labels
    if opened.head == "classify" and labels.rates:
        info = replace(opened.info, task="regress")
        rater = NeuralRegressor(opened.network)
        return Regressor(opened.tokenizer, rater, info, opened.limit, pairs=None)
    if opened.head == "classify":
        model = NeuralClassifier(opened.network, several=labels.several)
        return Classifier(
            opened.tokenizer, model, labels.names, opened.info, opened.limit, pairs=None
        )
    if opened.head == "tag":
        return Tagger(opened.tokenizer, opened.network, labels.names, opened.info, opened.limit)
    encoder = Encoder(opened.tokenizer, opened.network, opened.info, opened.limit)
    if opened.sentence is None:
        return encoder
    return replace(
        encoder,
        pooling=opened.sentence.pooling,
        normalised=opened.sentence.normalised,
        sentence=opened.sentence.settings,
    )


def restored(path: Path, manifest: Mapping[str, Any], info: Info) -> Trained:
    """A folder of ours.

    Raises:
        ArtefactError: a task that this version does not know, or files that do not fit.
    """
    tokenizer: Any = named_tokenizer(path, manifest, "tokenizer")
    if info.task == "lm":
        document = info.training.get("context") == "document"
        model = language_model_of(_network(path, info), tokenizer, document=document)
        return TrainedLanguageModel(tokenizer, model, info)
    if info.task == "classify":
        labels = tuple(cast("list[str]", manifest["labels"]))
        return Classifier(
            tokenizer,
            _classifier(path, info, several=manifest.get("several", False)),
            labels,
            info,
            manifest["limit"],
            pairs=manifest.get("pairs", False),
            temperature=manifest.get("temperature", 1.0),
        )
    network: Any = _network(path, info)
    if info.task == "regress":
        low, high = manifest["range"]
        rater = NeuralRegressor(network)
        return Regressor(
            tokenizer, rater, info, manifest["limit"], manifest["pairs"], low=low, high=high
        )
    if info.task == "translate":
        source: Any = named_tokenizer(path, manifest, "source_tokenizer")
        return Translator(source, tokenizer, network, info, manifest["limit"])
    if info.task in ("mlm", "embed"):
        return _encoder(path, manifest, Encoder(tokenizer, network, info, manifest["limit"]))
    if info.task == "tag":
        return Tagger(
            tokenizer,
            network,
            tuple(manifest["labels"]),
            info,
            manifest["limit"],
            manifest.get("whole_words", False),
            manifest.get("apart", False),
        )
    message = f"{path}: task '{info.task}' is unknown to munmaek {info.version}; upgrade munmaek"
    raise ArtefactError(message)


def _encoder(path: Path, manifest: Mapping[str, Any], encoder: Encoder) -> Encoder:
    """Return the encoder with what the record says of vectors of texts."""
    made = replace(
        encoder,
        pooling=manifest.get("pooling", "mean"),
        normalised=manifest.get("normalised", False),
    )
    if "sentence" not in manifest:
        return made
    return replace(made, sentence=load_settings(manifest["sentence"], path))


def _network(path: Path, info: Info) -> Any:
    task = "embed" if "pooled" in info.sizes else info.task
    place = path / "model.safetensors"
    return network_with(
        read_weights(place),
        stage=info.stage,
        task=task,
        config=info.config,
        sizes=info.sizes,
        where=place,
    )


def _classifier(path: Path, info: Info, *, several: bool) -> NgramClassifier | NeuralClassifier:
    if info.stage == "ngram":
        return open_tables(NgramClassifier, path, info)
    return NeuralClassifier(_network(path, info), several=several)
