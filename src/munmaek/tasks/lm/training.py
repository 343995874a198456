"""From token ids to a language model that is a network."""

from dataclasses import replace

import numpy as np

from munmaek.arrays import Int64s
from munmaek.data.flat import token_counts
from munmaek.fit.network import row_lengths, some, train_network
from munmaek.fit.running import Run
from munmaek.tasks.lm.data import Text
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.neural import language_model_of
from munmaek.tasks.lm.objective import Activations, DocumentModelling, LanguageModelling, stream_of
from munmaek.tasks.lm.options import LmRecipe

__all__ = ["train_language_model"]


def train_language_model(text: Text, recipe: LmRecipe, run: Run) -> TrainedLanguageModel:
    """Train the recipe's network to predict the next token of ``text``."""
    tokenizer = text.tokenizer
    sizes = {"vocab_size": tokenizer.vocab_size}
    activations = Activations(
        recipe.activation_regularisation, recipe.temporal_activation_regularisation
    )
    if recipe.context == "document":
        return _fit_documents(text, recipe, run, activations)
    task = LanguageModelling(
        train=text.train,
        valid=some(text.valid),
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
        activations=activations,
    )
    lengths = row_lengths(text.train, more=2)
    counts = _counts(text)
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=text.describe(),
        lengths=lengths,
        tokenizers=(tokenizer,),
        counts=counts,
    )
    info = replace(info, training={**info.training, "context": recipe.context})
    model = language_model_of(network, tokenizer, document=False)
    return TrainedLanguageModel(tokenizer, model, info)


def _fit_documents(
    text: Text, recipe: LmRecipe, run: Run, activations: Activations
) -> TrainedLanguageModel:
    tokenizer = text.tokenizer
    task = DocumentModelling(
        train=stream_of(text.train, tokenizer.eos),
        valid=stream_of(some(text.valid), tokenizer.eos),
        eos=tokenizer.eos,
        rows=recipe.batch_size,
        length=recipe.sequence_length,
        seed=recipe.seed,
        activations=activations,
    )
    sizes = {"vocab_size": tokenizer.vocab_size}
    lengths = np.ones(1, dtype=np.int64)  # nothing is padded
    counts = _counts(text)
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=text.describe(),
        lengths=lengths,
        tokenizers=(tokenizer,),
        counts=counts,
    )
    info = replace(info, training={**info.training, "context": recipe.context})
    model = language_model_of(network, tokenizer, document=True)
    return TrainedLanguageModel(tokenizer, model, info)


def _counts(text: Text) -> Int64s:
    """Count how often each token is predicted, the end of each sentence too: [V]."""
    counts = token_counts(text.train, text.tokenizer.vocab_size)
    counts[text.tokenizer.eos] += len(text.train)
    return counts
