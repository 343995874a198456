"""Trained models as folders: save and load, and what each can do with text.

Names are loaded when used: n-grams do without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from munmaek.artefact.classifier import Classifier
    from munmaek.artefact.encoder import Encoder, Filled
    from munmaek.artefact.info import Info
    from munmaek.artefact.inside import Inside
    from munmaek.artefact.labelling import Labeller, Prediction
    from munmaek.artefact.language_model import TrainedLanguageModel
    from munmaek.artefact.loading import load, load_as
    from munmaek.artefact.look_up import ExplainedText, ExplainedToken, Found, NextToken
    from munmaek.artefact.mixed_classifier import MixedClassifier, mix_classifiers
    from munmaek.artefact.mixing import mix
    from munmaek.artefact.regressor import Rating, Regressor
    from munmaek.artefact.restoring import TrainedModel
    from munmaek.artefact.scoring import ScoredText, ScoredToken, TextTotal
    from munmaek.artefact.tagger import Entity, Tagger, WordLabel
    from munmaek.artefact.training_text import TrainingText
    from munmaek.artefact.translator import Translation, Translator

__all__ = [
    "Classifier",
    "Encoder",
    "Entity",
    "ExplainedText",
    "ExplainedToken",
    "Filled",
    "Found",
    "Info",
    "Inside",
    "Labeller",
    "MixedClassifier",
    "NextToken",
    "Prediction",
    "Rating",
    "Regressor",
    "ScoredText",
    "ScoredToken",
    "Tagger",
    "TextTotal",
    "TrainedLanguageModel",
    "TrainedModel",
    "TrainingText",
    "Translation",
    "Translator",
    "WordLabel",
    "load",
    "load_as",
    "mix",
    "mix_classifiers",
]

_HOMES = {
    "Classifier": "munmaek.artefact.classifier",
    "Encoder": "munmaek.artefact.encoder",
    "Entity": "munmaek.artefact.tagger",
    "ExplainedText": "munmaek.artefact.look_up",
    "ExplainedToken": "munmaek.artefact.look_up",
    "Filled": "munmaek.artefact.encoder",
    "Found": "munmaek.artefact.look_up",
    "Info": "munmaek.artefact.info",
    "Inside": "munmaek.artefact.inside",
    "Labeller": "munmaek.artefact.labelling",
    "MixedClassifier": "munmaek.artefact.mixed_classifier",
    "NextToken": "munmaek.artefact.look_up",
    "Prediction": "munmaek.artefact.labelling",
    "Rating": "munmaek.artefact.regressor",
    "Regressor": "munmaek.artefact.regressor",
    "ScoredText": "munmaek.artefact.scoring",
    "ScoredToken": "munmaek.artefact.scoring",
    "Tagger": "munmaek.artefact.tagger",
    "TextTotal": "munmaek.artefact.scoring",
    "TrainedLanguageModel": "munmaek.artefact.language_model",
    "TrainedModel": "munmaek.artefact.restoring",
    "TrainingText": "munmaek.artefact.training_text",
    "Translation": "munmaek.artefact.translator",
    "Translator": "munmaek.artefact.translator",
    "WordLabel": "munmaek.artefact.tagger",
    "load": "munmaek.artefact.loading",
    "load_as": "munmaek.artefact.loading",
    "mix": "munmaek.artefact.mixing",
    "mix_classifiers": "munmaek.artefact.mixed_classifier",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module '{__name__}' has no attribute '{name}'"
    raise AttributeError(message)
