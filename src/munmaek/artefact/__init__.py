"""Trained models as folders: save and load, and what each can do with text."""

from munmaek.artefact.classifier import Classifier, Prediction
from munmaek.artefact.encoder import Encoder, Filled
from munmaek.artefact.info import Info
from munmaek.artefact.inside import Inside
from munmaek.artefact.language_model import ScoredText, ScoredToken, TrainedLanguageModel
from munmaek.artefact.loading import TrainedModel, load, load_as
from munmaek.artefact.translator import Translation, Translator

__all__ = [
    "Classifier",
    "Encoder",
    "Filled",
    "Info",
    "Inside",
    "Prediction",
    "ScoredText",
    "ScoredToken",
    "TrainedLanguageModel",
    "TrainedModel",
    "Translation",
    "Translator",
    "load",
    "load_as",
]
