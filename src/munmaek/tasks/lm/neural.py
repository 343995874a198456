"""What a trained language model does when it is a network."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from munmaek.models.networks import LanguageNetwork
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.tasks.inside import HeadsOff, Inside, one_row
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.text.tokenizers import Tokenizer

__all__ = ["language_model_of", "taped"]


def language_model_of(
    network: LanguageNetwork, tokenizer: Tokenizer, *, document: bool
) -> NeuralLanguageModel:
    """The network over the tokenizer's ids; ``document`` where it was trained over sentences."""
    first = tokenizer.eos if document else tokenizer.bos
    return NeuralLanguageModel(network, first, tokenizer.eos, tokenizer.vocab_size, document)


@inference()
def taped(
    model: NeuralLanguageModel,
    tokenizer: Tokenizer,
    plain: Inside,
    ids: Sequence[int],
    *,
    off: HeadsOff,
) -> Inside:
    """``plain`` with every tensor that the network computed on ``ids``, and their probabilities."""
    tape, network = Tape(off=off), model.network
    row = np.array([[model.bos, *ids]], dtype=np.int64)
    hidden, _ = network.forward(tensor(row, network), tape=tape)
    chances = network.logits(hidden[0]).double().log_softmax(-1).cpu().numpy()
    predicted = chances[np.arange(len(ids) + 1), [*ids, tokenizer.eos]]
    return replace(plain, logprobs=tuple(float(each) for each in predicted), tensors=one_row(tape))
