"""From a folder back to the model that was saved there; n-grams come without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.artefact.info import Info
from munmaek.artefact.language_model import TrainedLanguageModel
from munmaek.artefact.manifest import MANIFEST, read_manifest
from munmaek.artefact.mixing import MIXTURE, mixture_of
from munmaek.artefact.tables import load_tables
from munmaek.artefact.training_text import TrainingText
from munmaek.errors import ArtefactError, UnsupportedError
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.artefact.mixed_classifier import MixedClassifier
    from munmaek.artefact.restoring import TrainedModel

__all__ = ["load", "load_as"]

_TASKS: Mapping[str, str] = {
    "TrainedLanguageModel": "lm",
    "Classifier": "classify",
    "Labeller": "classify",
    "Regressor": "regress",
    "Translator": "translate",
    "Encoder": "mlm",
    "Tagger": "tag",
}


def load(folder: Path | str) -> "TrainedModel":
    """The trained model in ``folder``, ready to use on the processor.

    A folder in Hugging Face's form (BERT, RoBERTa, ELECTRA, DistilBERT), or one of
    sentence-transformers, is opened as it is.

    Raises:
        ArtefactError: no model there, a newer format, or files missing, truncated or altered.
        UnsupportedError: it needs an extra or a stage that is not installed.
    """
    path = Path(folder)
    theirs = any((path / name).is_file() for name in ("config.json", "modules.json"))
    if theirs and not (path / MANIFEST).is_file():
        from munmaek.artefact.restoring import published

        return published(path)
    manifest = read_manifest(path)
    try:
        return _restored(path, manifest, Info.from_json(manifest))
    except KeyError as error:
        message = f"{path / MANIFEST}: damaged (no {error} in it); train or copy the model again"
        raise ArtefactError(message) from error


def load_as(folder: Path | str, kind: type[Any], *, what: str) -> Any:
    """``load``, for a use that only one task serves.

    Raises:
        UnsupportedError: the model does another task; ``what`` names the use.
    """
    model = load(folder)
    if not isinstance(model, kind):
        wanted = _TASKS[kind.__name__]
        message = f"{folder}: a model for '{model.info.task}'; {what} needs '{wanted}'"
        raise UnsupportedError(message)
    return model


def _restored(path: Path, manifest: Mapping[str, Any], info: Info) -> "TrainedModel":
    if info.task == "lm" and info.stage in (MIXTURE, "ngram"):
        tokenizer = Tokenizer.load(path / "tokenizer.json", kind=manifest["tokenizer"]["kind"])
        make = _mixture if info.stage == MIXTURE else _counted
        return make(path, info, tokenizer)
    if info.task == "classify" and info.stage == MIXTURE:
        return _mixed_classifier(path, manifest, info)
    from munmaek.artefact.restoring import restored

    return restored(path, manifest, info)


def _counted(path: Path, info: Info, tokenizer: Tokenizer) -> TrainedLanguageModel:
    tables = load_tables(path / "model.safetensors")
    model = NgramModel.from_tensors(tables, config=NgramConfig.of(info.config), **info.sizes)
    return TrainedLanguageModel(tokenizer, model, info, _text(path))


def _text(path: Path) -> TrainingText | None:
    file = path / "text.safetensors"
    return TrainingText.from_tensors(load_tables(file)) if file.is_file() else None


def _part_folders(path: Path, info: Info) -> list[Path]:
    return [path / f"part-{place}" for place in range(len(info.config["weights"]))]


def _mixture(path: Path, info: Info, tokenizer: Tokenizer) -> TrainedLanguageModel:
    places = _part_folders(path, info)
    parts = tuple(load_as(place, TrainedLanguageModel, what="a mixture") for place in places)
    return TrainedLanguageModel(tokenizer, mixture_of(parts, info.config), info, parts=parts)


def _mixed_classifier(path: Path, manifest: Mapping[str, Any], info: Info) -> "MixedClassifier":
    from munmaek.artefact.classifier import Classifier
    from munmaek.artefact.mixed_classifier import MixedClassifier

    places = _part_folders(path, info)
    return MixedClassifier(
        tuple(load_as(place, Classifier, what="a mixture") for place in places),
        tuple(info.config["weights"]),
        tuple(manifest["labels"]),
        info,
        pairs=manifest["pairs"],
        temperature=manifest["temperature"],
    )
