"""From token ids to a trained language model: n-grams are counted, without torch."""

import time

from munmaek.fit.counted import counted_info, fitted, ngram_sizes, token_ids
from munmaek.fit.running import Run
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.tasks.lm.data import Text
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.options import LmRecipe
from munmaek.tasks.lm.training_text import TrainingText

__all__ = ["fit_language_model"]


def fit_language_model(text: Text, recipe: LmRecipe, run: Run) -> TrainedLanguageModel:
    """Train the recipe's stage to predict the next token of ``text``."""
    if recipe.is_counted:
        return _count_language_model(text, recipe)
    from munmaek.tasks.lm.training import train_language_model

    return train_language_model(text, recipe, run)


def _count_language_model(text: Text, recipe: LmRecipe) -> TrainedLanguageModel:
    tokenizer, began = text.tokenizer, time.perf_counter()
    sizes, vocabulary = ngram_sizes(tokenizer.vocab_size), token_ids(tokenizer.vocab_size)

    def fit(config: NgramConfig) -> NgramModel:
        return NgramModel.fit(text.train, config=config, vocabulary=vocabulary)

    config, model = fitted(recipe, fit)
    info = counted_info(recipe, config, sizes, model.parameters, began, text.describe())
    return TrainedLanguageModel(tokenizer, model, info, _kept_text(text, recipe, model.size))


def _kept_text(text: Text, recipe: LmRecipe, size: int) -> TrainingText | None:
    """Return the training text where it is asked for or no larger than tables of ``size`` bytes."""
    if recipe.keep_text is False:
        return None
    kept = TrainingText.of(text.train, lines=text.train_lines, vocab_size=text.tokenizer.vocab_size)
    return kept if recipe.keep_text or kept.size <= size else None
