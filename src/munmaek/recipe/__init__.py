"""From a person's text to a trained model: the recipe, and the function that follows it.

Names are loaded when used: n-grams do without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from munmaek.recipe.adding import add_text
    from munmaek.recipe.extra import Extra
    from munmaek.recipe.finetuning import fit_classifier, fit_regressor, fit_tagger
    from munmaek.recipe.fitting import fit_language_model, fit_translator
    from munmaek.recipe.masking import fit_encoder
    from munmaek.recipe.network import Run
    from munmaek.recipe.prepare import (
        prepare_labelled,
        prepare_parallel,
        prepare_tagged,
        prepare_text,
        prepare_valued,
    )
    from munmaek.recipe.settings import Recipe, read_toml
    from munmaek.recipe.several import Several, train_several
    from munmaek.recipe.training import train, work_folder

__all__ = [
    "Extra",
    "Recipe",
    "Run",
    "Several",
    "add_text",
    "fit_classifier",
    "fit_encoder",
    "fit_language_model",
    "fit_regressor",
    "fit_tagger",
    "fit_translator",
    "prepare_labelled",
    "prepare_parallel",
    "prepare_tagged",
    "prepare_text",
    "prepare_valued",
    "read_toml",
    "train",
    "train_several",
    "work_folder",
]

_HOMES = {
    "Extra": "munmaek.recipe.extra",
    "Recipe": "munmaek.recipe.settings",
    "Run": "munmaek.recipe.network",
    "Several": "munmaek.recipe.several",
    "add_text": "munmaek.recipe.adding",
    "fit_classifier": "munmaek.recipe.finetuning",
    "fit_encoder": "munmaek.recipe.masking",
    "fit_language_model": "munmaek.recipe.fitting",
    "fit_regressor": "munmaek.recipe.finetuning",
    "fit_tagger": "munmaek.recipe.finetuning",
    "fit_translator": "munmaek.recipe.fitting",
    "prepare_labelled": "munmaek.recipe.prepare",
    "prepare_parallel": "munmaek.recipe.prepare",
    "prepare_tagged": "munmaek.recipe.prepare",
    "prepare_valued": "munmaek.recipe.prepare",
    "prepare_text": "munmaek.recipe.prepare",
    "read_toml": "munmaek.recipe.settings",
    "train": "munmaek.recipe.training",
    "train_several": "munmaek.recipe.several",
    "work_folder": "munmaek.recipe.training",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module '{__name__}' has no attribute '{name}'"
    raise AttributeError(message)
