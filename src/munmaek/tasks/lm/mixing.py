"""A mixture of trained models, made and kept like a model of its own.

Its folder holds a copy of every part, so that it stands alone.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.folder.info import MIXTURE, Info
from munmaek.folder.naming import told_apart
from munmaek.mixing import LogLinearMixture, Mixture, tune_log_linear, tune_mixture
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.text.corpora import Corpus

__all__ = [
    "LINEAR",
    "LOG_LINEAR",
    "LOG_LINEAR_TOKENS",
    "mix",
    "mixture_label",
    "mixture_of",
    "part_names",
]

LINEAR, LOG_LINEAR = "linear", "log-linear"

LOG_LINEAR_TOKENS = 2000
"""Held-out tokens that log-linear weights are tuned on: each costs a sum over the vocabulary."""


def mixture_of(
    parts: Sequence[TrainedLanguageModel], config: Mapping[str, Any]
) -> Mixture | LogLinearMixture:
    """Make the mixture that ``config`` describes: its ``interpolation`` and its ``weights``."""
    models = tuple(part.model for part in parts)
    weights = tuple(float(weight) for weight in config["weights"])
    if config["interpolation"] == LOG_LINEAR:
        return LogLinearMixture(models, weights)
    return Mixture(models, weights)


def mix(
    parts: Sequence[TrainedLanguageModel],
    *,
    weights: Sequence[float] | None = None,
    tune: Corpus | None = None,
    log_linear: bool = False,
    names: Sequence[str] = (),
) -> TrainedLanguageModel:
    """Mix language models that share a tokenizer, of any stages, into one.

    Args:
        parts: two or more.
        weights: one for each; shares that sum to 1, or exponents when ``log_linear``.
        tune: held-out text whose likelihood chooses the weights, where they are not given. Linear
            ones are found by expectation–maximisation over all of it, log-linear ones by Newton's
            method over the first ``LOG_LINEAR_TOKENS`` tokens.
        log_linear: multiply the probabilities' powers instead of adding their shares.
        names: what the parts are called; none takes what they call themselves.

    Raises:
        ConfigError: neither weights nor text to tune them on, or weights out of range.
        UnsupportedError: models of different tokenizers, or one that gives no probabilities.
    """
    _check(parts)
    began = time.perf_counter()
    if weights is None:
        weights = _tuned(parts, tune, log_linear=log_linear)
    called = part_names(parts, names)
    config = {
        "interpolation": LOG_LINEAR if log_linear else LINEAR,
        "weights": [float(weight) for weight in weights],
        "parts": called,
    }
    try:
        model = mixture_of(parts, config)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    info = Info(
        task="lm",
        stage=MIXTURE,
        label=mixture_label(weights, called),
        config=config,
        sizes={"vocab_size": parts[0].tokenizer.vocab_size},
        parameters=sum(part.info.parameters for part in parts) + len(parts),
        seconds=time.perf_counter() - began,
        data={} if tune is None else {"tune": {"name": tune.name, "sha256": tune.fingerprint}},
    )
    return TrainedLanguageModel(parts[0].tokenizer, model, info, parts=tuple(parts))


class _Informed(Protocol):
    @property
    def info(self) -> Info: ...


def part_names(parts: Sequence[_Informed], names: Sequence[str]) -> list[str]:
    """Return the names, or what the parts call themselves, told apart by numbers."""
    return list(names) or told_apart([part.info.label for part in parts], [None] * len(parts))


def mixture_label(weights: Sequence[float], names: Sequence[str]) -> str:
    """Return the name of a mixture in tables: ``0.600 LSTM + 0.400 5-gram``."""
    pairs = zip(weights, names, strict=True)
    return " + ".join(f"{weight:.3f} {name}" for weight, name in pairs)


def _check(parts: Sequence[TrainedLanguageModel]) -> None:
    if len(parts) < 2:
        message = f"a mixture needs at least 2 models, got {len(parts)}"
        raise ConfigError(message)
    for place, part in enumerate(parts, start=1):
        if part.tokenizer.fingerprint != parts[0].tokenizer.fingerprint:
            message = (
                f"model {place} has another tokenizer ({part.tokenizer.signature}) than model 1 "
                f"({parts[0].tokenizer.signature}); train it with --tokenizer MODEL1 to share one, "
                "or put n-grams of words together with --fuse"
            )
            raise UnsupportedError(message)
        if not part.is_distribution:
            message = f"model {place} gives scores, not probabilities; choose another smoothing"
            raise UnsupportedError(message)


def _tuned(
    parts: Sequence[TrainedLanguageModel], tune: Corpus | None, *, log_linear: bool
) -> tuple[float, ...]:
    if tune is None:
        raise ConfigError("a mixture needs weights, or held-out text to tune them on")
    eos = parts[0].tokenizer.eos
    encoded = [[*ids, eos] for ids in parts[0].tokenizer.encode_many(tune.lines)]
    try:
        if log_linear:
            models = tuple(part.model for part in parts)
            return tune_log_linear(models, _first(encoded, LOG_LINEAR_TOKENS))
        return tune_mixture([np.concatenate(part.model.score_many(encoded)) for part in parts])
    except ValueError as error:
        message = f"{tune.name}: {error}"
        raise InputError(message) from error


def _first(sequences: Sequence[Sequence[int]], tokens: int) -> list[Sequence[int]]:
    """Return the first sequences that have so many tokens together, one at least."""
    ends = np.cumsum([len(ids) for ids in sequences])
    return list(sequences[: int(np.searchsorted(ends, tokens)) + 1])
