"""Scores of a language model, alone and adapting to the text that it predicts."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from munmaek.errors import ConfigError, UnsupportedError
from munmaek.metrics import Score, sign_model
from munmaek.tasks.judged import Judged
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.minimal_pairs import MinimalPairs, judged_pairs
from munmaek.text.corpora import Corpus, read_text
from munmaek.text.memory import given_columns, sources_of
from munmaek.text.sources import encoded

if TYPE_CHECKING:
    from munmaek.tasks.lm.options import AskedLines

__all__ = ["judged_test"]


def judged_test(
    model: TrainedLanguageModel, text: Corpus | MinimalPairs, asked: "AskedLines"
) -> Judged:
    """Judge a language model on running text, or on minimal pairs.

    Raises:
        ConfigError: no such ``context``, or a model without a choice, or nothing to choose on.
        UnsupportedError: running text, and a model that gives scores and no probabilities.
    """
    if asked.context is not None:
        model = _within(model, asked.context)
    if isinstance(text, MinimalPairs):
        return _on_pairs(model, text)
    judged = model.judge(text)
    if asked.cache or asked.dynamic or asked.mix is not None:
        judged = replace(judged, scores={**judged.scores, **_adapted(model, text, asked)})
    return judged


def _on_pairs(model: TrainedLanguageModel, pairs: MinimalPairs) -> Judged:
    if model.has_network and getattr(model.model, "document", False):
        message = "--minimal-pairs: a sentence is judged alone; give --context sentence too"
        raise UnsupportedError(message)
    signature = sign_model(model.tokenizer, task="lm", stage=model.info.stage)
    return judged_pairs(
        pairs, lambda texts: [each.logprob for each in model.score(texts)], signature
    )


def _within(model: TrainedLanguageModel, context: str) -> TrainedLanguageModel:
    """Return the model, told where to begin anew."""
    if not model.has_network:
        message = f"--context is for neural language models, this is a {model.info.label}"
        raise ConfigError(message)
    network: Any = model.model
    return replace(model, model=replace(network, document=context == "document"))


def _adapted(model: TrainedLanguageModel, text: Corpus, asked: "AskedLines") -> dict[str, Score]:
    from munmaek.tasks.lm.adapted import Adaptation, adapted_scores
    from munmaek.tasks.loading import load_for

    if asked.tune is None:
        message = "--cache, --dynamic and --mix need --tune FILE, a text to choose on"
        raise ConfigError(message)
    tune = sources_of(given_columns(asked.tune), (("text",),), what="tune")
    chosen_on = read_text(encoded(tune, asked.encoding), column=asked.text_column)
    other = None if asked.mix is None else load_for(asked.mix, "lm", what="--mix")
    cache = asked.cache_size if asked.cache else None
    return adapted_scores(model, text, Adaptation(chosen_on, cache, asked.dynamic, other))
