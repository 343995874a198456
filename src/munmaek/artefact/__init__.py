"""Trained models as folders: save and load, and what each can do with text."""

from munmaek.artefact.classifier import Classifier, Prediction
from munmaek.artefact.encoder import Encoder, Filled
from munmaek.artefact.info import Info
from munmaek.artefact.inside import Inside
from munmaek.artefact.language_model import TrainedLanguageModel
from munmaek.artefact.loading import TrainedModel, load, load_as
from munmaek.artefact.look_up import ExplainedText, ExplainedToken, Found, NextToken
from munmaek.artefact.mixing import mix
from munmaek.artefact.scoring import ScoredText, ScoredToken, TextTotal
from munmaek.artefact.training_text import TrainingText
from munmaek.artefact.translator import Translation, Translator

__all__ = [
    "Classifier",
    "Encoder",
    "ExplainedText",
    "ExplainedToken",
    "Filled",
    "Found",
    "Info",
    "Inside",
    "NextToken",
    "Prediction",
    "ScoredText",
    "ScoredToken",
    "TextTotal",
    "TrainedLanguageModel",
    "TrainedModel",
    "TrainingText",
    "Translation",
    "Translator",
    "load",
    "load_as",
    "mix",
]
