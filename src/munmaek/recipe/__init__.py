"""From a person's text to a trained model: the recipe, and the function that follows it."""

from munmaek.recipe.adding import add_text
from munmaek.recipe.fitting import (
    Run,
    fit_classifier,
    fit_encoder,
    fit_language_model,
    fit_translator,
)
from munmaek.recipe.prepare import prepare_labelled, prepare_parallel, prepare_text
from munmaek.recipe.settings import Recipe, read_toml
from munmaek.recipe.training import train, work_folder

__all__ = [
    "Recipe",
    "Run",
    "add_text",
    "fit_classifier",
    "fit_encoder",
    "fit_language_model",
    "fit_translator",
    "prepare_labelled",
    "prepare_parallel",
    "prepare_text",
    "read_toml",
    "train",
    "work_folder",
]
