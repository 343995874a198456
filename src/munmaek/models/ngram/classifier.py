"""Bayes' rule over one chain for each label.

Where a text may have several labels, each is a question of its own (binary relevance), with one
chain for the texts that have it and one for those that do not:

    p(c | x) = σ(log p(c) / p(¬c) + log p(x | c) − log p(x | ¬c))

Letters: V vocabulary size, N sequences, C labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats
from munmaek.data.batches import pick
from munmaek.errors import ConfigError, InputError
from munmaek.models.ngram.config import NgramConfig
from munmaek.models.ngram.model import NgramModel, Sequences
from munmaek.ngram import flatten
from munmaek.ngram.sequences import TokenIds
from munmaek.ngram.tables import tensor_named

__all__ = ["NgramClassifier"]

_WITHOUT = "without."
"""Begins the names of tensors of the texts that lack a label."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class NgramClassifier:
    """One chain for each label, and the share of each label."""

    models: Sequence[NgramModel]
    """One for each label, over one vocabulary."""
    prior: Floats
    """Natural log of p(label), or where a text may have several of p(label) / p(not label): [C]."""
    without: Sequence[NgramModel] = ()
    """One for the texts that lack each label, where a text may have several."""

    @property
    def several(self) -> bool:
        """Tell whether a text may have several labels, each with a probability of its own."""
        return bool(self.without)

    @property
    def chains(self) -> Sequence[NgramModel]:
        """Return all models: those of the labels, then those of texts without each."""
        return (*self.models, *self.without)

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        labels: Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.float32],
        *,
        config: NgramConfig,
        vocabulary: TokenIds,
        label_count: int,
    ) -> "NgramClassifier":
        """Estimate a model from the sequences of each label.

        Args:
            sequences: as for ``NgramModel.fit``, like all but the labels.
            labels: one for each sequence, 0 … C − 1; or, where each may have several or none, 1
                for those that it has: [N, C].
            config: order and conventions.
            vocabulary: its size and special ids.
            label_count: C.

        Raises:
            InputError: as ``NgramModel.fit``, or a label that no sequence has, or of several
                labels one that all have.
            ConfigError: a smoothing that gives scores, which Bayes' rule cannot weigh.
        """
        if not config.is_distribution:
            message = (
                f"smoothing '{config.smoothing.name}' gives scores, not probabilities, and Bayes' "
                "rule needs probabilities; choose another smoothing"
            )
            raise ConfigError(message)

        def chain(chosen: NDArray[np.bool_]) -> NgramModel:
            own = pick(sequences, np.flatnonzero(chosen))
            return NgramModel.fit(own, config=config, vocabulary=vocabulary)

        given = np.asarray(labels)
        if given.ndim == 2:
            having = given.T > 0
            shares = _shares_of_several(having, len(sequences))
            prior = np.log(shares) - np.log1p(-shares)
            return cls([chain(each) for each in having], prior, [chain(~each) for each in having])
        shares = _shares(given, len(sequences), label_count)
        return cls([chain(given == label) for label in range(label_count)], np.log(shares))

    @property
    def label_count(self) -> int:
        """C."""
        return len(self.models)

    @property
    def parameters(self) -> int:
        """The number of n-grams of all class models."""
        return sum(model.parameters for model in self.chains)

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        return sum(model.size for model in self.chains)

    def logprobs(self, sequences: Sequences) -> Floats:
        """Return natural logs of p(label | sequence): [N, C]; the end counts as a token.

        A sequence that no label makes possible, as unsmoothed models have them, says nothing: its
        labels are as likely as without it. Where a text may have several, each label has a
        probability of its own, and they do not sum to 1.

        Raises:
            InputError: an id outside the vocabulary.
        """
        ended = [[*sequence, self.models[0].eos] for sequence in sequences]
        ids, offsets = flatten(ended)
        joint = _totals(self.models, ids, offsets)
        if self.several:
            with np.errstate(invalid="ignore"):
                odds = self.prior + joint - _totals(self.without, ids, offsets)
            odds = np.where(np.isnan(odds), self.prior, odds)
            return -np.logaddexp(0, -odds)
        joint += self.prior
        joint[~np.isfinite(joint).any(axis=1)] = self.prior
        return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)

    def verify(self) -> None:
        """Check that the tables of each label fit together.

        Raises:
            ArtefactError: they do not.
        """
        for model in self.chains:
            model.tables.verify()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return everything learned, by name; those of label 2 begin with ``2.``.

        Those of the texts without it begin with ``without.2.``.
        """
        named = {
            f"{prefix}{label}.{name}": array
            for prefix, models in (("", self.models), (_WITHOUT, self.without))
            for label, model in enumerate(models)
            for name, array in model.tensors().items()
        }
        return {"prior": self.prior, **named}

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[Any]],
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
    ) -> "NgramClassifier":
        """Return the classifier that gave ``tensors``.

        Raises:
            ArtefactError: tensors that are missing or do not fit one another or the vocabulary.
        """
        prior = tensor_named(tensors, "prior")
        sizes: dict[str, Any] = {"vocab_size": vocab_size, "bos": bos, "eos": eos, "unk": unk}

        def chains(prefix: str) -> list[NgramModel]:
            found = [_below(tensors, f"{prefix}{label}.") for label in range(len(prior))]
            return [NgramModel.from_tensors(each, config=config, **sizes) for each in found]

        several = any(name.startswith(_WITHOUT) for name in tensors)
        return cls(chains(""), prior, chains(_WITHOUT) if several else ())


def _totals(
    models: Sequence[NgramModel], ids: NDArray[np.int64], offsets: NDArray[np.int64]
) -> Floats:
    """Return the natural-log probability of each sequence by each model: [N, C]."""
    totals = np.zeros((len(offsets) - 1, len(models)), dtype=np.float64)
    for label, model in enumerate(models):
        if len(totals):
            totals[:, label] = np.add.reduceat(model.score_flat(ids, offsets), offsets[:-1])
    return totals


def _below(tensors: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }


def _shares(
    labels: Sequence[int] | NDArray[np.integer[Any]], sequences: int, label_count: int
) -> Floats:
    """Return the share of each label: [C]."""
    given = np.asarray(labels, dtype=np.int64)
    if len(given) != sequences:
        message = f"{len(given)} labels for {sequences} sequences; give one for each"
        raise InputError(message)
    if len(given) and (given.min() < 0 or given.max() >= label_count):
        message = f"labels from {given.min()} to {given.max()}; wanted 0 to {label_count - 1}"
        raise InputError(message)
    counts = np.bincount(given, minlength=label_count)
    if not counts.all():
        message = f"label {int(np.argmin(counts))} has no sequences; each label needs some text"
        raise InputError(message)
    return counts / sequences


def _shares_of_several(having: NDArray[np.bool_], sequences: int) -> Floats:
    """Return the share of the sequences that have each label: [C]."""
    if having.shape[1] != sequences:
        message = f"{having.shape[1]} rows of labels for {sequences} sequences; give one for each"
        raise InputError(message)
    counts = having.sum(axis=1)
    for label, count in enumerate(counts.tolist()):
        if not 0 < count < sequences:
            which = "no sequence has it" if count == 0 else "every sequence has it"
            message = (
                f"label {label}: {which}; of several labels each needs texts with it and without"
            )
            raise InputError(message)
    return counts / sequences
