"""The chain itself: a language model over the tables of n-grams.

Letters: V vocabulary size, T tokens, n order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s
from munmaek.models.ngram.config import NgramConfig
from munmaek.models.ngram.smoothing import smoothed
from munmaek.ngram import Tables, distribution, estimate, flatten, score, tables_from, trace
from munmaek.ngram.counting import Trie, unbound
from munmaek.ngram.estimation import Estimate, estimate_text, estimate_trie
from munmaek.ngram.filling import OnCounted
from munmaek.ngram.lookup import Entry, find
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.parallel import available
from munmaek.ngram.pruning import above, histories_of_counts, prune_by_entropy, subset
from munmaek.ngram.queries import top
from munmaek.ngram.sequences import TokenIds, check_range
from munmaek.ngram.smoothing import Smoothed
from munmaek.ngram.tree import CountTree, count_tree, tree_of

__all__ = ["Explanation", "NgramModel", "Sequences"]

Ids = Sequence[int] | NDArray[np.integer[Any]]
Sequences = Sequence[Ids]

_TOKENS_A_THREAD = 1 << 15
"""Tokens, at least, that another thread is begun for."""


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one token's probability."""

    token: int
    order: int
    """The length of the longest n-gram of the model that ends in the token here."""
    logprob: float
    """Natural log, the backoff weights included."""
    backoffs: tuple[float, ...]
    """Natural log of each weight paid, the longest context's first; empty when that one matched."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class NgramModel:
    """A ``munmaek.lm.LanguageModel`` whose state is the last n−1 tokens, fewer near the start."""

    tables: Tables
    """The n-grams, in the fast or the compact form: estimated, loaded or read from an ARPA file."""
    config: NgramConfig = field(kw_only=True)
    """The configuration that they were estimated by; its order is that of the tables."""
    bos: int = field(kw_only=True)
    """The id that begins a sentence."""
    eos: int = field(kw_only=True)
    """The id that ends one."""
    unk: int | None = field(kw_only=True, default=None)
    """The id for words outside the vocabulary, if there is one."""
    discounts: Floats | None = field(kw_only=True, default=None)
    """D_1, D_2 and D_3+ of each order [n, 3], where known."""

    def __post_init__(self) -> None:
        if self.config.order != self.tables.order:
            wanted, order = self.config.order, self.tables.order
            message = f"configuration of order {wanted} for tables of order {order}"
            raise ValueError(message)

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        *,
        config: NgramConfig,
        vocabulary: TokenIds,
    ) -> "NgramModel":
        """Estimate from sequences of ids, each without bos and eos; empty ones count too.

        Args:
            sequences: the text.
            config: order and conventions.
            vocabulary: its size and special ids.

        Raises:
            InputError: no text, ids that may not stand in it, or too short a text for the order.

        Warns:
            MunmaekWarning: discounts that could not be estimated, and what stands for them.
        """
        ids, offsets = flatten(sequences)
        return cls.fit_flat(ids, offsets, config=config, vocabulary=vocabulary)

    @classmethod
    def fit_flat(
        cls,
        ids: NDArray[np.integer[Any]],
        offsets: Int64s,
        *,
        config: NgramConfig,
        vocabulary: TokenIds,
    ) -> "NgramModel":
        """Fit on sequences that lie end to end, s at ``ids[offsets[s] : offsets[s + 1]]``."""
        order, compatible = config.order, config.kenlm_compatible
        if config.is_plain:
            made = estimate(
                ids, offsets, order=order, vocabulary=vocabulary, kenlm_compatible=compatible
            )
        else:
            tree = count_tree(
                ids, offsets, order=order, vocabulary=vocabulary, kenlm_compatible=compatible
            )
            made = _smoothed(tree, config)
        return cls._of(made, config, vocabulary)

    @classmethod
    def _of(
        cls, made: Estimate | Smoothed, config: NgramConfig, vocabulary: TokenIds
    ) -> "NgramModel":
        return cls(
            made.tables,
            config=config,
            bos=vocabulary.bos,
            eos=vocabulary.eos,
            unk=vocabulary.unk,
            discounts=made.discounts,
        )

    @classmethod
    def fit_bounded(
        cls,
        text: NDArray[np.int32],
        *,
        config: NgramConfig,
        vocabulary: TokenIds,
        threads: int | None = None,
        pool: MemoryPool | None = None,
        on_counted: OnCounted | None = None,
    ) -> "NgramModel":
        """Fit on a text that ``munmaek.ngram.counting.bound`` made; the fast way.

        Args:
            text: sequences with their boundaries; every id is taken to be in the vocabulary.
            config: as for ``fit``.
            vocabulary: its size and special ids.
            threads: how many kernels run side by side; the result is the same to the bit.
            pool: where large arrays come from.
            on_counted: called with ``tensors`` while some of them are still being filled; not for
                every configuration.
        """
        if not config.is_plain:
            ids, offsets = unbound(text, bos=vocabulary.bos, eos=vocabulary.eos)
            return cls.fit_flat(ids, offsets, config=config, vocabulary=vocabulary)
        made = estimate_text(
            text,
            order=config.order,
            vocabulary=vocabulary,
            kenlm_compatible=config.kenlm_compatible,
            threads=threads,
            pool=pool,
            on_counted=on_counted,
        )
        return cls._of(made, config, vocabulary)

    @classmethod
    def fit_counted(
        cls,
        trie: Trie,
        *,
        config: NgramConfig,
        vocabulary: TokenIds,
        threads: int | None = None,
    ) -> "NgramModel":
        """Fit on raw counts, which are lost; as ``fit_bounded`` on the text that they are of.

        Args:
            trie: n-grams of the order of ``config``, whose unigrams are the whole vocabulary.
            config: all but ``kenlm_compatible``, which depends on the text's own order.
            vocabulary: its size and special ids.
            threads: how many kernels run side by side; the result is the same to the bit.
        """
        predictable, bos = vocabulary.predictable, vocabulary.bos
        if config.is_plain:
            made = estimate_trie(trie, predictable=predictable, bos=bos, threads=threads)
        else:
            made = _smoothed(tree_of(trie, predictable=predictable, bos=bos), config)
        return cls._of(made, config, vocabulary)

    @property
    def vocab_size(self) -> int:
        """V, the number of token ids."""
        return self.tables.vocab_size

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
        """Return the state before the first token of a sentence."""
        return () if self.config.order == 1 else (self.bos,)

    def logprobs(self, state: tuple[int, ...]) -> Floats:
        """Return natural-log probabilities of every next token: [V]; −inf of what never follows."""
        return distribution(self.tables, state)

    def next_words(self, state: tuple[int, ...], *, count: int) -> tuple[Int64s, Floats]:
        """Return the ids likeliest to come next and their natural-log probabilities, best first.

        Fewer than ``count`` where no more are possible. Exact, and fast enough to type against:
        the vocabulary is not gone through.
        """
        found = top(self.tables, state, count)
        return found.ids, found.logprobs

    def find(self, gram: Ids) -> Entry | None:
        """Return the n-gram in the tables with its probability and backoff weight, or None.

        Raises:
            InputError: an id outside the vocabulary.
        """
        flat, offsets = flatten([gram])
        check_range(flat, offsets, self.vocab_size)
        return find(self.tables, flat.tolist())

    def advance(self, state: tuple[int, ...], token: int) -> tuple[int, ...]:
        """Return the state after ``token``."""
        if self.config.order == 1:
            return ()
        return (*state, token)[1 - self.config.order :]

    def score(self, ids: Ids) -> Floats:
        """Return the natural-log probability of each token: [T].

        Raises:
            InputError: an id outside the vocabulary.
        """
        return self.score_many([ids])[0]

    def score_many(self, sequences: Sequences) -> list[Floats]:
        """Score many sequences, in their order, in one pass of compiled code."""
        ids, offsets = flatten(sequences)
        flat = self.score_flat(ids, offsets)
        return np.split(flat, offsets[1:-1]) if len(sequences) else []

    def score_flat(self, ids: Int64s, offsets: Int64s, *, threads: int | None = None) -> Floats:
        """Score sequences that lie end to end, s at ``ids[offsets[s] : offsets[s + 1]]``.

        Many go through as many threads as there are processors, or as are asked for; the scores are
        the same to the bit.
        """
        check_range(ids, offsets, self.vocab_size)
        most = available() if threads is None else threads
        threads = min(most, len(ids) // _TOKENS_A_THREAD + 1)
        return score(self.tables, ids, offsets, bos=self.bos, threads=threads)

    def explain(self, ids: Ids) -> list[Explanation]:
        """Explain each token's probability: the n-gram that matched and the backoffs paid.

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
        """Return everything learned, by name."""
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
        """Return the model that gave ``tensors``; arrays may be memory-mapped and are not copied.

        Raises:
            ArtefactError: tensors that are missing or do not fit one another or the vocabulary.
        """
        tables = tables_from(tensors, order=config.order, vocab_size=vocab_size)
        discounts = tensors.get("discounts")
        return cls(tables, config=config, bos=bos, eos=eos, unk=unk, discounts=discounts)


def _smoothed(tree: CountTree, config: NgramConfig) -> Smoothed:
    """Smooth and prune counts as ``config`` says."""
    kept = above(tree, config.prune)
    made = smoothed(tree, config.smoothing, kept=kept, kenlm_compatible=config.kenlm_compatible)
    if config.prune_entropy:
        histories = histories_of_counts(tree)[kept[: len(made.tables.backoffs)]]
        pruned = subset(made.tables, kept)
        smaller = prune_by_entropy(pruned, histories, threshold=config.prune_entropy)
        return Smoothed(smaller, made.discounts)
    return Smoothed(made.tables if kept.all() else subset(made.tables, kept), made.discounts)
