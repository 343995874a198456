"""From a folder back to the model that was saved there; n-grams come without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from munmaek.errors import ArtefactError, UnsupportedError, explaining_missing_torch
from munmaek.fit.trained import Trained
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST, check_not_lost, read_manifest
from munmaek.folder.opening import open_tables
from munmaek.folder.tables import load_tables
from munmaek.models.ngram import NgramModel
from munmaek.tasks.lm.mixing import MIXTURE, mixture_of
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.tasks.classify.mixed import MixedClassifier

__all__ = ["is_published", "load", "load_as"]

_TASKS: Mapping[str, str] = {
    "TrainedLanguageModel": "lm",
    "Classifier": "classify",
    "Labeller": "classify",
    "Regressor": "regress",
    "Translator": "translate",
    "Encoder": "mlm",
    "Tagger": "tag",
}


def is_published(path: Path) -> bool:
    """Return whether a folder has the form that others publish, and no manifest of ours."""
    theirs = any((path / name).is_file() for name in ("config.json", "modules.json"))
    return theirs and not (path / MANIFEST).is_file()


@explaining_missing_torch()
def load(folder: Path | str) -> Trained:
    """The trained model in ``folder``, ready to use on the processor.

    A folder in Hugging Face's form (BERT, RoBERTa, ELECTRA, DistilBERT), or one of
    sentence-transformers, is opened as it is.

    Raises:
        ArtefactError: no model there, a newer format, or files missing, truncated or altered.
        UnsupportedError: it needs an extra or a stage that is not installed.
    """
    path = Path(folder)
    if is_published(path):
        check_not_lost(path)
        from munmaek.tasks.restoring import published

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


def _restored(path: Path, manifest: Mapping[str, Any], info: Info) -> Trained:
    if info.task == "lm" and info.stage in (MIXTURE, "ngram"):
        tokenizer = cast("Tokenizer", named_tokenizer(path, manifest, "tokenizer"))
        if info.stage == MIXTURE:
            return _mixture(path, info, tokenizer)
        return _counted(path, info, tokenizer, kept="text.safetensors" in manifest["files"])
    if info.task == "classify" and info.stage == MIXTURE:
        return _mixed_classifier(path, manifest, info)
    from munmaek.tasks.restoring import restored

    return restored(path, manifest, info)


def _counted(path: Path, info: Info, tokenizer: Tokenizer, *, kept: bool) -> TrainedLanguageModel:
    model = open_tables(NgramModel, path, info)
    text = TrainingText.from_tensors(load_tables(path / "text.safetensors")) if kept else None
    return TrainedLanguageModel(tokenizer, model, info, text)


def _part_folders(path: Path, info: Info) -> list[Path]:
    places = [path / f"part-{place}" for place in range(len(info.config["weights"]))]
    for place in places:
        if place.is_symlink():
            message = f"{place}: a link, a folder is wanted; copy the folder again"
            raise ArtefactError(message)
    return places


def _mixture(path: Path, info: Info, tokenizer: Tokenizer) -> TrainedLanguageModel:
    places = _part_folders(path, info)
    parts = tuple(load_as(place, TrainedLanguageModel, what="a mixture") for place in places)
    for place, part in zip(places, parts, strict=True):
        if part.tokenizer.fingerprint != tokenizer.fingerprint:
            message = f"{place}: another tokenizer than the mixture's; copy the folder again"
            raise ArtefactError(message)
    try:
        model = mixture_of(parts, info.config)
    except ValueError as error:
        message = f"{path / MANIFEST}: damaged ({error}); make the mixture again"
        raise ArtefactError(message) from error
    return TrainedLanguageModel(tokenizer, model, info, parts=parts)


def _mixed_classifier(path: Path, manifest: Mapping[str, Any], info: Info) -> "MixedClassifier":
    from munmaek.tasks.classify.mixed import MixedClassifier
    from munmaek.tasks.classify.model import Classifier

    places = _part_folders(path, info)
    parts = tuple(load_as(place, Classifier, what="a mixture") for place in places)
    for place, part in zip(places, parts, strict=True):
        if set(part.labels) != set(manifest["labels"]):
            message = f"{place}: other labels than the mixture's; copy the folder again"
            raise ArtefactError(message)
    return MixedClassifier(
        parts,
        tuple(info.config["weights"]),
        tuple(manifest["labels"]),
        info,
        pairs=manifest.get("pairs", False),
        temperature=manifest.get("temperature", 1.0),
    )
