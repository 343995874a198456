"""From texts with values to a trained regressor."""

from dataclasses import replace

import numpy as np

from munmaek.fit.examining import (
    EXAMINED,
    with_finding,
)
from munmaek.fit.network import (
    embedded_tokens,
    row_lengths,
    train_network,
)
from munmaek.fit.running import Run
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import one_value
from munmaek.tasks.classify.training import framed_rows, framing_for
from munmaek.tasks.mlm.fit import within_positions
from munmaek.tasks.regress.data import Valued
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.regress.objective import NeuralRegressor, Regression
from munmaek.tasks.regress.options import RegressRecipe
from munmaek.text.corpora import LabelledCorpus, values_of

__all__ = ["fit_regressor"]


def fit_regressor(texts: Valued, recipe: RegressRecipe, run: Run) -> Regressor:
    """Train the recipe's stage to give the values of ``texts``."""
    tokenizer, recipe = texts.tokenizer, within_positions(recipe, run.init)
    train, valid = framed_rows(framing_for(recipe, run, tokenizer), texts)
    task = Regression(
        train=train,
        train_values=texts.train_values,
        valid=valid,
        valid_values=texts.valid_values[: len(valid.ids)],
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
    )
    sizes = {"vocab_size": embedded_tokens(tokenizer, run), "label_count": 1}
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=texts.describe(),
        lengths=row_lengths(train.ids),
        tokenizers=(tokenizer,),
    )
    pairs = texts.train_seconds is not None
    model = Regressor(
        tokenizer,
        NeuralRegressor(network),
        info,
        recipe.max_length,
        pairs=pairs,
        low=texts.low,
        high=texts.high,
    )
    found = _values_finding(model, texts.valid_corpus)
    return replace(model, info=with_finding(info, found))


def _values_finding(model: Regressor, corpus: LabelledCorpus) -> Finding | None:
    """Return whether a regressor gives every text of ``corpus`` nearly the same value."""
    seconds = None if corpus.seconds is None else corpus.seconds[:EXAMINED]
    rated = model.rate(corpus.texts[:EXAMINED], seconds)
    gold = np.asarray(values_of(corpus)[:EXAMINED], dtype=np.float64)
    return one_value(np.array([each.value for each in rated]), gold)
