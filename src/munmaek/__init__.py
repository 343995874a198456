"""munmaek (문맥, "context"): every kind of language model on your own text.

A language model is a way to turn context into a prediction. Names are loaded when used, so that
importing munmaek loads neither torch nor numba.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from munmaek.comparison.calling import compare
    from munmaek.errors import MunmaekError
    from munmaek.fit.loggers import Logger
    from munmaek.lm import LanguageModel
    from munmaek.look import capture, show
    from munmaek.mixing import LogLinearMixture, Mixture
    from munmaek.models import LINEAGE
    from munmaek.phrases import phrasebook
    from munmaek.pipeline import evaluate, load, train
    from munmaek.predicting import predict
    from munmaek.tasks import TASKS
    from munmaek.tasks.classify.mixed import MixedClassifier
    from munmaek.tasks.classify.model import Classifier
    from munmaek.tasks.evaluation import Evaluation
    from munmaek.tasks.lm.model import TrainedLanguageModel
    from munmaek.tasks.mlm.model import Encoder
    from munmaek.tasks.recipe import Recipe
    from munmaek.tasks.regress.model import Regressor
    from munmaek.tasks.tag.model import Tagger
    from munmaek.tasks.translate.model import Translator
    from munmaek.text.tokenizers import Tokenizer, train_tokenizer
    from munmaek.tuning.calling import Trials, tune

# Numba colours its messages, also those that it only tries out while it compiles, through colorama,
# which puts another sys.stdout in place for as long: what a thread beside it prints is then lost to
# whoever had redirected it. The variable is read when numba is first imported.
os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")

__all__ = [
    "LINEAGE",
    "TASKS",
    "Classifier",
    "Encoder",
    "Evaluation",
    "LanguageModel",
    "LogLinearMixture",
    "Logger",
    "MixedClassifier",
    "Mixture",
    "MunmaekError",
    "Recipe",
    "Regressor",
    "Tagger",
    "Tokenizer",
    "TrainedLanguageModel",
    "Translator",
    "Trials",
    "capture",
    "compare",
    "evaluate",
    "load",
    "phrasebook",
    "predict",
    "show",
    "train",
    "train_tokenizer",
    "tune",
]

_HOMES = {
    "LINEAGE": "munmaek.models",
    "TASKS": "munmaek.tasks",
    "Classifier": "munmaek.tasks.classify.model",
    "Encoder": "munmaek.tasks.mlm.model",
    "Evaluation": "munmaek.tasks.evaluation",
    "LanguageModel": "munmaek.lm",
    "LogLinearMixture": "munmaek.mixing",
    "Logger": "munmaek.fit.loggers",
    "MixedClassifier": "munmaek.tasks.classify.mixed",
    "Mixture": "munmaek.mixing",
    "MunmaekError": "munmaek.errors",
    "Recipe": "munmaek.tasks.recipe",
    "Regressor": "munmaek.tasks.regress.model",
    "Tagger": "munmaek.tasks.tag.model",
    "Tokenizer": "munmaek.text.tokenizers",
    "TrainedLanguageModel": "munmaek.tasks.lm.model",
    "Translator": "munmaek.tasks.translate.model",
    "Trials": "munmaek.tuning.calling",
    "capture": "munmaek.look",
    "compare": "munmaek.comparison.calling",
    "evaluate": "munmaek.pipeline",
    "load": "munmaek.tasks.loading",
    "phrasebook": "munmaek.phrases",
    "predict": "munmaek.predicting",
    "show": "munmaek.look",
    "train": "munmaek.pipeline",
    "train_tokenizer": "munmaek.text.tokenizers",
    "tune": "munmaek.tuning.calling",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from munmaek.errors import explaining_missing_torch

        with explaining_missing_torch():
            return getattr(import_module(_HOMES[name]), name)
    message = f"module 'munmaek' has no attribute '{name}'"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
