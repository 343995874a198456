r"""The Markov chain: the context is the last n−1 tokens, prediction is counting and smoothing.

    p(w_1 … w_T) = Π_t p(w_t | w_{t−n+1} … w_{t−1})

    p(w | h) = (a(h w) − D(a(h w))) / a(h ·) + γ(h) p(w | h')

a(h w) is the adjusted count of the n-gram: how often it occurred, and for n-grams shorter than n
after how many different words. D discounts counts of 1, 2 and 3 or more; γ(h) is the weight so
freed, given to the context h' that is one word shorter. Under the shortest lies the uniform
distribution, so no id is impossible.

As a classifier it is Bayes' rule over one chain for each label:

    log p(label | w_1 … w_T) = log p(label) + Σ_t log p_label(w_t | w_{t−n+1} … w_{t−1}) + const

Letters: V vocabulary size, T tokens, N sequences, C labels, n order; w a word, h a context.

Source: Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling",
section 4 (interpolated modified Kneser–Ney); Heafield et al. 2013, "Scalable Modified Kneser–Ney
Language Model Estimation", section 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from munmaek.errors import ConfigError, InputError
from munmaek.models.configuration import Config
from munmaek.models.ngram_smoothing import ModifiedKneserNey, Smoothing, StupidBackoff, smoothed
from munmaek.ngram import (
    MAX_ORDER,
    Tables,
    distribution,
    estimate,
    flatten,
    score,
    tables_from,
    trace,
)
from munmaek.ngram.counting import unbound
from munmaek.ngram.estimation import estimate_text
from munmaek.ngram.lookup import Entry, find
from munmaek.ngram.pruning import above, histories_of_counts, prune_by_entropy, subset
from munmaek.ngram.queries import top
from munmaek.ngram.sequences import check_range
from munmaek.ngram.smoothing import Smoothed
from munmaek.ngram.tables import tensor_named
from munmaek.ngram.tree import count_tree

__all__ = ["Explanation", "NgramClassifier", "NgramConfig", "NgramModel"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ids = Sequence[int] | NDArray[np.integer[Any]]
Sequences = Sequence[Ids]


class NgramConfig(Config):
    """What shapes the chain."""

    order: int = Field(default=5, ge=1, le=MAX_ORDER)
    """n: a token is predicted from the n−1 before it."""
    kenlm_compatible: bool = False
    """Estimate discounts as KenLM's lmplz does, with the last n-gram of each lower order raw."""
    smoothing: Smoothing = ModifiedKneserNey()
    """What words have that were not seen after a context; ``witten-bell``, ``add-k:0.1``, …"""
    prune: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Raw counts up to which n-grams are left out, one for each order; the last goes on."""
    prune_entropy: float = Field(default=0.0, ge=0, lt=1)
    """Leave out n-grams that lower the perplexity by less than this share (Stolcke 1998)."""

    @field_validator("prune")
    @classmethod
    def _check_prune(cls, thresholds: tuple[int, ...]) -> tuple[int, ...]:
        if thresholds and thresholds[0]:
            raise ValueError(
                "begins with the unigrams, which stay: write 0 first, or limit the vocabulary"
            )
        if list(thresholds) != sorted(thresholds):
            raise ValueError("falls; a longer n-gram needs at least the threshold of a shorter")
        return thresholds

    @model_validator(mode="after")
    def _check_together(self) -> "NgramConfig":
        if len(self.prune) > self.order:
            message = f"prune has {len(self.prune)} thresholds for order {self.order}"
            raise ValueError(message)
        if self.prune_entropy and not self.is_distribution:
            raise ValueError("prune_entropy needs probabilities; stupid-backoff has scores")
        return self

    @property
    def is_distribution(self) -> bool:
        """Whether what the model gives after a context sums to 1; all but plain Stupid Backoff."""
        return not isinstance(self.smoothing, StupidBackoff) or self.smoothing.normalised

    @property
    def is_plain(self) -> bool:
        """Whether it is the default smoothing of all n-grams, which has a fast way of its own."""
        return isinstance(self.smoothing, ModifiedKneserNey) and not self.is_pruned

    @property
    def is_pruned(self) -> bool:
        """Whether n-grams of the text are left out."""
        return any(self.prune) or self.prune_entropy > 0


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """How one token got its probability."""

    token: int
    order: int
    """The length of the longest n-gram of the model that ends in the token here."""
    logprob: float
    """Natural log, the backoff weights included."""
    backoffs: tuple[float, ...]
    """Natural log of each weight paid, the longest context's first; empty when that one matched."""


@final
class NgramModel:
    """A ``munmaek.lm.LanguageModel`` whose state is the last n−1 tokens, fewer near the start."""

    def __init__(
        self,
        tables: Tables,
        *,
        config: NgramConfig,
        bos: int,
        eos: int,
        unk: int | None = None,
        discounts: Floats | None = None,
    ) -> None:
        """Wrap tables that were estimated, loaded or read from an ARPA file.

        Args:
            tables: the n-grams, in the fast or the compact form.
            config: as they were estimated; its order is that of the tables.
            bos: the id that begins a sentence.
            eos: the id that ends one.
            unk: the id for words outside the vocabulary, if there is one.
            discounts: D_1, D_2 and D_3+ of each order [n, 3], where known.
        """
        if config.order != tables.order:
            message = f"configuration of order {config.order} for tables of order {tables.order}"
            raise ValueError(message)
        self.tables = tables
        self.config = config
        self.bos = bos
        self.unk = unk
        self.discounts = discounts
        self._eos = eos

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
        excluded: Sequence[int] = (),
    ) -> "NgramModel":
        """Estimate from sequences of ids, each without bos and eos; empty ones count too.

        Args:
            sequences: the text.
            config: order and conventions.
            vocab_size: V; ids that never occur share what smoothing sets aside evenly.
            bos: the id that begins a sentence; never predicted.
            eos: the id that ends one; predicted after every sequence.
            unk: the id for words outside the vocabulary; an ordinary id where the text has it.
            excluded: further ids that are never predicted, such as padding.

        Raises:
            InputError: no text, ids that may not stand in it, or too short a text for the order.

        Warns:
            MunmaekWarning: discounts that could not be estimated, and what stands for them.
        """
        ids, offsets = flatten(sequences)
        return cls.fit_flat(
            ids,
            offsets,
            config=config,
            vocab_size=vocab_size,
            bos=bos,
            eos=eos,
            unk=unk,
            excluded=excluded,
        )

    @classmethod
    def fit_flat(
        cls,
        ids: NDArray[np.integer[Any]],
        offsets: NDArray[np.int64],
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
        excluded: Sequence[int] = (),
    ) -> "NgramModel":
        """``fit`` on sequences that lie end to end, s at ``ids[offsets[s] : offsets[s + 1]]``."""
        made = _estimated(
            ids,
            offsets,
            config=config,
            vocab_size=vocab_size,
            bos=bos,
            eos=eos,
            excluded=excluded,
        )
        return cls(made.tables, config=config, bos=bos, eos=eos, unk=unk, discounts=made.discounts)

    @classmethod
    def fit_bounded(
        cls,
        text: NDArray[np.int32],
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
        excluded: Sequence[int] = (),
        threads: int | None = None,
    ) -> "NgramModel":
        """``fit`` on a text that ``munmaek.ngram.counting.bound`` made; the fast way.

        Args:
            text: sequences with their boundaries; every id is taken to be in the vocabulary.
            config: as for ``fit``, like all but the last.
            vocab_size: V.
            bos: the id that begins a sentence.
            eos: the id that ends one.
            unk: the id for words outside the vocabulary.
            excluded: further ids that are never predicted.
            threads: how many kernels run side by side; the result is the same to the bit.
        """
        if not config.is_plain:
            ids, offsets = unbound(text, bos=bos, eos=eos)
            sizes = {"vocab_size": vocab_size, "bos": bos, "eos": eos}
            return cls.fit_flat(ids, offsets, config=config, unk=unk, excluded=excluded, **sizes)
        predictable = np.ones(vocab_size, dtype=np.bool_)
        predictable[[bos, *excluded]] = False
        made = estimate_text(
            text,
            order=config.order,
            predictable=predictable,
            bos=bos,
            eos=eos,
            kenlm_compatible=config.kenlm_compatible,
            threads=threads,
        )
        return cls(made.tables, config=config, bos=bos, eos=eos, unk=unk, discounts=made.discounts)

    @property
    def vocab_size(self) -> int:
        """V, the number of token ids."""
        return self.tables.vocab_size

    @property
    def eos(self) -> int:
        """The id that ends a sentence."""
        return self._eos

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of n-grams of each order, 1 first; ids that are never predicted left out."""
        unigrams = np.count_nonzero(np.isfinite(self.tables.unigram_logprobs))
        return (int(unigrams) + 1, *self.tables.counts[1:])

    @property
    def parameters(self) -> int:
        """The number of n-grams of all orders."""
        return sum(self.counts)

    @property
    def size(self) -> int:
        """Bytes of the tables."""
        return self.tables.size

    def start(self) -> tuple[int, ...]:
        """The state before the first token of a sentence."""
        return () if self.config.order == 1 else (self.bos,)

    def logprobs(self, state: tuple[int, ...]) -> Floats:
        """Natural-log probability of every next token: [V]; −inf for ids that never follow."""
        return distribution(self.tables, state)

    def next_words(self, state: tuple[int, ...], *, count: int) -> tuple[Ints, Floats]:
        """The ids likeliest to come next and their natural-log probabilities, best first.

        Fewer than ``count`` where no more are possible. Exact, and fast enough to type against:
        the vocabulary is not gone through.
        """
        found = top(self.tables, state, count)
        return found.ids, found.logprobs

    def find(self, gram: Ids) -> Entry | None:
        """The n-gram in the tables with its probability and backoff weight, or None.

        Raises:
            InputError: an id outside the vocabulary.
        """
        flat, offsets = flatten([gram])
        check_range(flat, offsets, self.vocab_size)
        return find(self.tables, flat.tolist())

    def advance(self, state: tuple[int, ...], token: int) -> tuple[int, ...]:
        """The state after ``token``."""
        if self.config.order == 1:
            return ()
        return (*state, token)[1 - self.config.order :]

    def score(self, ids: Ids) -> Floats:
        """Natural-log probability of each token: [T].

        Raises:
            InputError: an id outside the vocabulary.
        """
        return self.score_many([ids])[0]

    def score_many(self, sequences: Sequences) -> list[Floats]:
        """``score`` of many sequences, in their order, in one pass of compiled code."""
        ids, offsets = flatten(sequences)
        flat = self.score_flat(ids, offsets)
        return np.split(flat, offsets[1:-1]) if len(sequences) else []

    def score_flat(self, ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> Floats:
        """``score`` of sequences that lie end to end, s at ``ids[offsets[s] : offsets[s + 1]]``."""
        check_range(ids, offsets, self.vocab_size)
        return score(self.tables, ids, offsets, bos=self.bos)

    def explain(self, ids: Ids) -> list[Explanation]:
        """How each token got its probability: the n-gram that matched and the backoffs paid.

        Raises:
            InputError: an id outside the vocabulary.
        """
        flat, offsets = flatten([ids])
        check_range(flat, offsets, self.vocab_size)
        found = trace(self.tables, flat, bos=self.bos)
        return [
            Explanation(
                token=int(token),
                order=int(order),
                logprob=float(logprob),
                backoffs=tuple(float(weight) for weight in paid[::-1] if not np.isnan(weight)),
            )
            for token, order, logprob, paid in zip(
                flat, found.orders, found.logprobs, found.backoffs, strict=True
            )
        ]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Everything learned, by name."""
        known = {} if self.discounts is None else {"discounts": self.discounts}
        return {**self.tables.tensors(), **known}

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
    ) -> "NgramModel":
        """The model that gave ``tensors``; arrays may be memory-mapped and are not copied.

        Raises:
            ArtefactError: tensors that are missing or do not fit one another or the vocabulary.
        """
        tables = tables_from(tensors, order=config.order, vocab_size=vocab_size)
        discounts = tensors.get("discounts")
        return cls(tables, config=config, bos=bos, eos=eos, unk=unk, discounts=discounts)


def _estimated(
    ids: NDArray[np.integer[Any]],
    offsets: NDArray[np.int64],
    *,
    config: NgramConfig,
    vocab_size: int,
    bos: int,
    eos: int,
    excluded: Sequence[int],
) -> Smoothed:
    """Count, smooth and prune as ``config`` says; the default goes the fast way."""
    if config.is_plain:
        made = estimate(
            ids,
            offsets,
            order=config.order,
            vocab_size=vocab_size,
            bos=bos,
            eos=eos,
            excluded=excluded,
            kenlm_compatible=config.kenlm_compatible,
        )
        return Smoothed(made.tables, made.discounts)
    tree = count_tree(
        ids,
        offsets,
        order=config.order,
        vocab_size=vocab_size,
        bos=bos,
        eos=eos,
        excluded=excluded,
        kenlm_compatible=config.kenlm_compatible,
    )
    kept = above(tree, config.prune)
    made = smoothed(tree, config.smoothing, kept=kept, kenlm_compatible=config.kenlm_compatible)
    if config.prune_entropy:
        histories = histories_of_counts(tree)[kept[: len(made.tables.backoffs)]]
        pruned = subset(made.tables, kept)
        smaller = prune_by_entropy(pruned, histories, threshold=config.prune_entropy)
        return Smoothed(smaller, made.discounts)
    return Smoothed(made.tables if kept.all() else subset(made.tables, kept), made.discounts)


@final
class NgramClassifier:
    """One chain for each label, and the share of each label."""

    def __init__(self, models: Sequence[NgramModel], prior: Floats) -> None:
        """Put class models together.

        Args:
            models: one for each label, over one vocabulary.
            prior: natural log of p(label): [C].
        """
        self.models = tuple(models)
        self.prior = prior

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
            own = [sequences[int(index)] for index in np.flatnonzero(np.asarray(labels) == label)]
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
        """Natural log of p(label | sequence): [N, C]; the end of a sequence counts as a token.

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
        """Everything learned, by name; those of label 2 begin with ``2.``."""
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
        """The classifier that gave ``tensors``.

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
    """The share of each label: [C]."""
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
