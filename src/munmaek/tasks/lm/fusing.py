"""Trained n-gram models fused into one, with what that wins or loses against their mixture."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.folder.info import Info
from munmaek.mixing import interpolated, tune_mixture
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import fast
from munmaek.ngram.fusing import Fused, fuse, union_of_words
from munmaek.tasks.lm.mixing import mixture_label, part_names
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.scoring import flat_ids
from munmaek.tasks.work import Mixed, Mixing
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import SPECIALS, Tokenizer, word_tokenizer

__all__ = ["FusedModel", "fused", "mixed_by_fusing"]


@dataclass(frozen=True, slots=True)
class FusedModel:
    """One model of several."""

    model: TrainedLanguageModel
    weights: tuple[float, ...]
    mixture: float | None = None
    """Perplexity of the mixture of the same weights on the text, where there is one."""
    perplexity: float | None = None
    """Perplexity of the fused model."""

    @property
    def lost(self) -> float | None:
        """The share of the perplexity that fusing adds; less than 0 where it takes some away."""
        if self.mixture is None or self.perplexity is None:
            return None
        return self.perplexity / self.mixture - 1


def fused(
    parts: Sequence[TrainedLanguageModel],
    *,
    weights: Sequence[float] | None = None,
    text: Corpus | None = None,
    names: Sequence[str] = (),
) -> FusedModel:
    """Return one n-gram model of several, which may have different words.

    Args:
        parts: n-gram models, two or more; over words, or over one tokenizer.
        weights: one for each, which sum to 1; without them ``text`` chooses those.
        text: held-out text to choose the weights on, and to measure on.
        names: what the parts are called.

    Raises:
        ConfigError: neither weights nor text, or weights that do not sum to 1.
        InputError: a text that no model can be measured on.
        UnsupportedError: models that are not of n-grams, give no probabilities, or are of
            different tokenizers that are not of words.
    """
    began = time.perf_counter()
    models = [_checked(part, place) for place, part in enumerate(parts, start=1)]
    if len(parts) < 2:
        message = f"a mixture needs at least 2 models, got {len(parts)}"
        raise ConfigError(message)
    tokenizer, union = _union(parts, models)
    ids, limits = flat_ids(tokenizer, () if text is None else text.lines)
    rows = None if text is None else _held_out(models, union, ids, limits)
    chosen = _weights(weights, rows, len(parts))
    tables = fuse(union, chosen)
    config = NgramConfig(order=tables.order)
    bos, eos, unk = tokenizer.bos, tokenizer.eos, tokenizer.unk
    model = NgramModel(tables, config=config, bos=bos, eos=eos, unk=unk)
    called = part_names(parts, names)
    info = Info(
        task="lm",
        stage="ngram",
        label=f"{config.order}-gram of {mixture_label(chosen, called)}",
        config=config.model_dump(),
        sizes={"vocab_size": tokenizer.vocab_size, "bos": bos, "eos": eos, "unk": unk},
        parameters=model.parameters,
        seconds=time.perf_counter() - began,
        training={"fused": {"parts": called, "weights": list(chosen)}},
        data={} if text is None else {"tune": {"name": text.name, "sha256": text.fingerprint}},
    )
    made = TrainedLanguageModel(tokenizer, model, info)
    if rows is None or text is None:
        return FusedModel(made, chosen)
    mixture = _perplexity(interpolated(rows, chosen))
    return FusedModel(made, chosen, mixture, _perplexity(model.score_flat(ids, limits)))


def mixed_by_fusing(
    parts: Sequence[TrainedLanguageModel], how: Mixing, text: Corpus | None
) -> Mixed[TrainedLanguageModel]:
    """Return n-gram models fused, and what that wins or loses, in words.

    Raises:
        ConfigError: what ``fused`` raises, like the others, or powers instead of shares.
    """
    if how.log_linear:
        raise ConfigError("--fuse adds shares of the probabilities; leave out --log-linear")
    found = fused(parts, weights=how.weights, text=text, names=how.names)
    entries = {"mixture_perplexity": found.mixture, "fused_perplexity": found.perplexity}
    remark = ""
    if found.lost is not None:
        change = f"{100 * abs(found.lost):.2f} % {'more' if found.lost > 0 else 'less'}"
        remark = (
            f"perplexity {found.perplexity:.2f} a token, <unk> counted: {change} than the "
            f"{found.mixture:.2f} of the mixture that asks all models"
        )
        entries["perplexity_lost"] = found.lost
    return Mixed(found.model, found.weights, text, entries, remark)


def _checked(part: TrainedLanguageModel, place: int) -> NgramModel:
    if not isinstance(part.model, NgramModel):
        message = (
            f"model {place} is a {part.info.label}; --fuse is for n-gram models, and others are "
            "mixed without it"
        )
        raise UnsupportedError(message)
    if not part.is_distribution:
        message = f"model {place} gives scores, not probabilities; choose another smoothing"
        raise UnsupportedError(message)
    return part.model


def _union(
    parts: Sequence[TrainedLanguageModel], models: Sequence[NgramModel]
) -> tuple[Tokenizer, list[Fused]]:
    """Return a tokenizer of all words, which ends them as the first does, and the models."""
    first = parts[0].tokenizer
    alike = all(part.tokenizer.fingerprint == first.fingerprint for part in parts)
    for place, part in enumerate(parts, start=1):
        if not alike and part.tokenizer.kind != "words":
            message = (
                f"model {place} reads text by another tokenizer ({part.tokenizer.signature}) than "
                f"model 1 ({first.signature}); only words can be put together"
            )
            raise UnsupportedError(message)
    vocabularies = [
        [part.tokenizer.token(each) for each in range(part.tokenizer.vocab_size)] for part in parts
    ]
    tables = [fast(model.tables) for model in models]
    words, union = union_of_words(vocabularies, tables, unk=first.unk)
    return first if alike else word_tokenizer(words[len(SPECIALS) :], space=first.space), union


def _held_out(
    models: Sequence[NgramModel], union: Sequence[Fused], ids: Int64s, limits: Int64s
) -> Floats:
    """Return the natural-log probability of each token of a text under each model: [K, T].

    Args:
        models: the models.
        union: the same, in the ids of the union.
        ids: the text in these.
        limits: of its lines.
    """
    rows: list[Floats] = []
    for model, own in zip(models, union, strict=True):
        scores = model.score_flat(own.own[ids].astype(np.int64), limits)
        rows.append(scores + np.where(own.lacking[ids], own.share, 0.0))
    return np.stack(rows)


def _weights(given: Sequence[float] | None, rows: Floats | None, count: int) -> tuple[float, ...]:
    if given is None:
        if rows is None:
            raise ConfigError("a mixture needs weights, or held-out text to tune them on")
        try:
            return tune_mixture(list(rows))
        except ValueError as error:
            raise InputError(str(error)) from error
    weights = tuple(float(each) for each in given)
    if len(weights) != count or min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
        message = f"{count} weights of at least 0 that sum to 1 are wanted, got {list(weights)}"
        raise ConfigError(message)
    return weights


def _perplexity(logprobs: Floats) -> float:
    nats = -float(logprobs.mean()) if len(logprobs) else float("nan")
    return cast("float", np.exp(nats)) if nats < 700 else float("inf")
