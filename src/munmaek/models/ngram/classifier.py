"""Bayes' rule over one chain for each label.

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
from munmaek.ngram.tables import tensor_named

__all__ = ["NgramClassifier"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class NgramClassifier:
    """One chain for each label, and the share of each label."""

    models: Sequence[NgramModel]
    """One for each label, over one vocabulary."""
    prior: Floats
    """Natural log of p(label): [C]."""

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        labels: Sequence[int] | NDArray[np.integer[Any]],
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
        label_count: int,
        excluded: Sequence[int] = (),
    ) -> "NgramClassifier":
        """Estimate a model from the sequences of each label.

        Args:
            sequences: as for ``NgramModel.fit``, like all but the labels.
            labels: one for each sequence, 0 … C − 1.
            config: order and conventions.
            vocab_size: V.
            bos: the id that begins a sentence.
            eos: the id that ends one.
            unk: the id for words outside the vocabulary.
            label_count: C.
            excluded: further ids that are never predicted.

        Raises:
            InputError: as ``NgramModel.fit``, or a label without sequences.
            ConfigError: a smoothing that gives scores, which Bayes' rule cannot weigh.
        """
        if not config.is_distribution:
            message = (
                f"smoothing '{config.smoothing.name}' gives scores, not probabilities, and Bayes' "
                "rule needs probabilities; choose another smoothing"
            )
            raise ConfigError(message)
        shares = _shares(labels, len(sequences), label_count)
        models: list[NgramModel] = []
        for label in range(label_count):
            own = pick(sequences, np.flatnonzero(np.asarray(labels) == label))
            models.append(
                NgramModel.fit(
                    own,
                    config=config,
                    vocab_size=vocab_size,
                    bos=bos,
                    eos=eos,
                    unk=unk,
                    excluded=excluded,
                )
            )
        return cls(models, np.log(shares))

    @property
    def label_count(self) -> int:
        """C."""
        return len(self.models)

    @property
    def parameters(self) -> int:
        """The number of n-grams of all class models."""
        return sum(model.parameters for model in self.models)

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        return sum(model.size for model in self.models)

    def logprobs(self, sequences: Sequences) -> Floats:
        """Return natural logs of p(label | sequence): [N, C]; the end counts as a token.

        A sequence that no label makes possible, as unsmoothed models have them, says nothing: its
        labels are as likely as without it.

        Raises:
            InputError: an id outside the vocabulary.
        """
        ended = [[*sequence, self.models[0].eos] for sequence in sequences]
        ids, offsets = flatten(ended)
        joint = np.empty((len(sequences), self.label_count), dtype=np.float64)
        for label, model in enumerate(self.models):
            scores = model.score_flat(ids, offsets)
            joint[:, label] = self.prior[label]
            if len(sequences):
                joint[:, label] += np.add.reduceat(scores, offsets[:-1])
        joint[~np.isfinite(joint).any(axis=1)] = self.prior
        return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return everything learned, by name; those of label 2 begin with ``2.``."""
        named = {
            f"{label}.{name}": array
            for label, model in enumerate(self.models)
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
        models = [
            NgramModel.from_tensors(
                _below(tensors, f"{label}."),
                config=config,
                vocab_size=vocab_size,
                bos=bos,
                eos=eos,
                unk=unk,
            )
            for label in range(len(prior))
        ]
        return cls(models, prior)


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
