"""Whether a model's folder is whole: everything read, nothing taken on trust."""

from pathlib import Path

from munmaek.artefact.language_model import TrainedLanguageModel
from munmaek.artefact.loading import load
from munmaek.artefact.manifest import verify_files
from munmaek.models.ngram import NgramClassifier, NgramModel

__all__ = ["verify"]


def verify(folder: Path | str) -> None:
    """Check the sha256 of every file and, of n-grams, that all tables fit together.

    Opening a model checks less of large n-gram tables, so that it takes no time.

    Raises:
        ArtefactError: what is missing, truncated, altered or does not fit.
    """
    path = Path(folder)
    verify_files(path)
    opened = load(path)
    if isinstance(opened, TrainedLanguageModel) and opened.text is not None:
        opened.text.verify(vocab_size=opened.tokenizer.vocab_size)
    model = getattr(opened, "model", None)
    if isinstance(model, NgramModel):
        model.tables.verify()
    elif isinstance(model, NgramClassifier):
        for each in model.models:
            each.tables.verify()
