r"""What gradients say: which heads a prediction rests on, and how far back a word reaches.

    importance of head h    | ∂L / ∂ξ_h | at ξ_h = 1,  L = −Σ_i log p(i)    (Michel et al. 2019, §4)

ξ_h multiplies the head's context, so the derivative is Σ context_h · ∂L/∂context_h.

    influence at distance d    geometric mean over t of ‖ ∂ log p(w_t) / ∂ e_{t−d} ‖₂

e is the embedding of a token (``munmaek.look.measures`` has its average over a corpus).

Letters: T tokens, H heads, K width of a head, D width of an embedding.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from munmaek.data.batches import pad_rows
from munmaek.nn.building import tensor
from munmaek.nn.tape import Tape
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier, network_scores
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.regress.objective import NeuralRegressor
from munmaek.tasks.translate.model import Translator

__all__ = ["head_importance", "influence_by_distance"]

PREDICTIONS = 48
"""Predictions whose gradient is taken, evenly spread over a longer text."""


def head_importance(
    model: TrainedLanguageModel | Classifier | Regressor | Translator | Encoder,
    text: str,
    target: str | None = None,
    pair: str | None = None,
) -> dict[str, list[float]]:
    """For each attention that has heads, by its name: the importance of each head, in nats.

    Of a regressor, whose loss is not a likelihood's, the slope of its value takes the loss's place.
    """
    tape = Tape()
    with torch.enable_grad():
        logprobs = _logprobs(model, text, target, pair, tape)
        if logprobs is None:
            return {}
        names = [name for name in tape.names(".context") if tape[name].ndim == 4]
        if not names:
            return {}
        contexts = [tape[name] for name in names]
        loss = -logprobs.sum()
        # A context that nothing reads has no gradient, which torch's types do not say.
        grad: Any = torch.autograd.grad
        found: Sequence[Tensor | None] = grad(loss, contexts, allow_unused=True)
    made: dict[str, list[float]] = {}
    for name, context, gradient in zip(names, contexts, found, strict=True):
        change = torch.zeros_like(context) if gradient is None else context * gradient
        sums = change.detach().sum((0, 2, 3)).abs().double().cpu().numpy()
        made[name.removesuffix(".context")] = [float(each) for each in sums]
    return made


def influence_by_distance(model: TrainedLanguageModel, text: str) -> list[dict[str, float]]:
    """For each distance back from the predicted token: the mean norm of the gradient.

    Distance 1 is the token just read. Empty for a model without gradients.
    """
    if not isinstance(model.model, NeuralLanguageModel):
        return []
    tape = Tape()
    with torch.enable_grad():
        logprobs = _logprobs(model, text, None, None, tape)
        if logprobs is None or "embedding" not in tape:
            return []
        norms = _gradient_norms(logprobs, tape["embedding"])
    values: dict[int, list[float]] = {}
    for step, row in norms:
        for position in range(1, step + 1):  # <s> at 0 is no word
            values.setdefault(step + 1 - position, []).append(float(row[position]))
    return [
        {
            "distance": float(distance),
            "value": float(np.exp(np.log(np.maximum(each, 1e-30)).mean())),
        }
        for distance, each in sorted(values.items())
    ]


def _gradient_norms(logprobs: Tensor, embedding: Tensor) -> list[tuple[int, NDArray[Any]]]:
    count = len(logprobs)
    chosen = np.unique(np.linspace(0, count - 1, min(count, PREDICTIONS)).round().astype(int))
    made: list[tuple[int, NDArray[Any]]] = []
    for step in chosen.tolist():
        (gradient,) = torch.autograd.grad(logprobs[step], [embedding], retain_graph=True)
        rows = gradient[0].double().cpu().numpy()
        made.append((step, np.linalg.norm(rows, axis=-1)))
    return made


def _logprobs(
    model: TrainedLanguageModel | Classifier | Regressor | Translator | Encoder,
    text: str,
    target: str | None,
    pair: str | None,
    tape: Tape,
) -> Tensor | None:
    """Log-probability of each prediction, attached to the graph: [T]; None without a network.

    Of a regressor its value, [1], up to what does not depend on the network.
    """
    if isinstance(model, Translator):
        return _translated(model, text, target or "", tape)
    if isinstance(model, TrainedLanguageModel):
        return _sentence(model, text, tape)
    if isinstance(model, Classifier | Regressor):
        return _judged(model, text, pair, tape)
    return _masked(model, text, pair, tape)


def _row(ids: Sequence[int], network: Any) -> tuple[Tensor, Tensor]:
    batch = tensor(np.array([ids], dtype=np.int64), network)
    return batch, tensor(np.array([len(ids)], dtype=np.int64), network)


def _gold(logits: Tensor, gold: Sequence[int]) -> Tensor:
    return logits.float().log_softmax(-1)[torch.arange(len(gold)), torch.as_tensor(gold)]


def _sentence(model: TrainedLanguageModel, text: str, tape: Tape) -> Tensor | None:
    if not isinstance(model.model, NeuralLanguageModel):
        return None
    tokenizer, network = model.tokenizer, model.model.network
    ids = tokenizer.encode(text)
    hidden, _ = network.forward(_row([tokenizer.bos, *ids], network)[0], tape=tape)
    return _gold(network.logits(hidden[0]), [*ids, tokenizer.eos])


def _translated(model: Translator, text: str, target: str, tape: Tape) -> Tensor:
    reading, writing, network = model.source_tokenizer, model.target_tokenizer, model.network
    source = [*reading.encode(text)[: model.limit - 1], reading.eos]
    wanted = writing.encode(target)
    memory = network.encode(*_row(source, network), tape=tape)
    hidden = network.decode(memory, _row([writing.bos, *wanted], network)[0], tape=tape)
    return _gold(network.logits(hidden[0]), [*wanted, writing.eos])


def _judged(
    model: Classifier | Regressor, text: str, pair: str | None, tape: Tape
) -> Tensor | None:
    """The log-probability of the label that the text or pair gets, or the number: [1]."""
    if not isinstance(model.model, NeuralClassifier | NeuralRegressor):
        return None
    rows = model.framed(text, pair).rows()
    scores = network_scores(model.model.network, *pad_rows(rows.ids, 0), rows.splits, tape=tape)
    if isinstance(model, Regressor):
        return scores[:, 0] * (model.high - model.low)
    return _gold(scores / model.temperature, [int(scores[0].argmax())])


def _masked(model: Encoder, text: str, pair: str | None, tape: Tape) -> Tensor:
    """The likeliest token behind each mask, or without masks every token in its place."""
    network, framed = model.network, model.framed(text, pair)
    ids = framed.ids
    hidden = model.hidden([ids], framed.types, tape=tape)
    logits = network.logits(hidden[0])
    mask = model.tokenizer.mask
    inner = [place for place, word in enumerate(framed.words) if word >= 0]
    at = [place for place, token in enumerate(ids) if token == mask] or inner
    best = [int(token) for token in logits.argmax(-1).cpu().numpy()]
    gold = [best[place] if ids[place] == mask else ids[place] for place in at]
    return _gold(logits[at], gold)
