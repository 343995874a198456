"""Answers of a trained language model that is a network."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from munmaek.models.networks import LanguageNetwork
from munmaek.nn.building import tensor
from munmaek.tasks.inside import Predictions, Question
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.tasks.taping import (
    chosen_logprobs,
    graph_of,
    likeliest,
    nats,
    one_row,
    steps_of,
    taped,
)
from munmaek.text.tokenizers import Tokenizer

__all__ = ["language_model_of", "taped_predictions"]


def language_model_of(
    network: LanguageNetwork, tokenizer: Tokenizer, *, document: bool
) -> NeuralLanguageModel:
    """Return the network over the tokenizer's ids; ``document``: it was trained over sentences."""
    first = tokenizer.eos if document else tokenizer.bos
    return NeuralLanguageModel(network, first, tokenizer.eos, tokenizer.vocab_size, document)


def taped_predictions(
    model: NeuralLanguageModel,
    plain: Predictions,
    ids: Sequence[int],
    question: Question,
    named: Callable[[int], str],
) -> Predictions:
    """Return ``plain`` with the log-probability of each of ``ids`` and all that led to it.

    ``named`` gives a token's name by its id.
    """
    network = model.network
    row = np.array([[model.bos, *ids[:-1]]], dtype=np.int64)
    with taped(question) as tape:
        hidden, _ = network.forward(tensor(row, network), tape=tape)
        logits = network.logits(hidden[0]).float()
        values = chosen_logprobs(logits, ids)
    return replace(
        plain,
        logprobs=nats(values),
        tensors=one_row(tape.records),
        steps=steps_of(tape),
        graph=graph_of(values, tape),
        answer={"next": likeliest(logits, named)},
    )
