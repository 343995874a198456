"""Subwords with the merges that made them, learned by the trainer of the ``tokenizers`` library.

For many words ``munmaek.text.merging`` learns the same in a fraction of the time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, final

from tokenizers import Tokenizer as Pipeline
from tokenizers import models, trainers

__all__ = ["Learned", "learn_subword_merges", "merges_of_library"]

MANY = 200_000
"""Words, each as often as it occurs, from which on the library takes longer than compiled code."""


@final
@dataclass(frozen=True, slots=True)
class Learned:
    """A vocabulary and how it came about."""

    tokens: list[str]
    """Subwords by id."""
    merges: list[tuple[str, str]]
    """The two parts of each merge, in the order in which they are learned."""


def learn_subword_merges(
    counts: Mapping[str, int],
    *,
    first: Sequence[str],
    alphabet: Sequence[str],
    vocab_size: int,
    min_count: int,
    prefix: str = "",
) -> Learned:
    """Learn subwords and merges, the same ones in either way.

    Args:
        counts: how often each word occurs.
        first: tokens that come first, with the ids from 0 on.
        alphabet: characters, which follow in code point order; others are left out of words.
        vocab_size: most subwords; the first ones and the alphabet stay in any case.
        min_count: least count of a pair that is merged.
        prefix: stands before a subword that continues a word.
    """
    learn = merges_of_library
    if sum(counts.values()) >= MANY:
        from munmaek.text.merging import learn_merges

        learn = learn_merges
    return learn(
        counts, first=first, alphabet=alphabet, vocab_size=vocab_size, min_count=min_count,
        prefix=prefix,
    )  # fmt: skip


def merges_of_library(
    counts: Mapping[str, int],
    *,
    first: Sequence[str],
    alphabet: Sequence[str],
    vocab_size: int,
    min_count: int,
    prefix: str = "",
) -> Learned:
    """Learn them by the library, which takes each word as often as it occurs."""
    pipeline = Pipeline(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_count,
        special_tokens=list(first),
        initial_alphabet=list(alphabet),
        limit_alphabet=len(alphabet),
        show_progress=False,
        continuing_subword_prefix=prefix,
    )
    repeated = (repeat(word, count) for word, count in counts.items())
    pipeline.train_from_iterator(chain.from_iterable(repeated), trainer)
    model: dict[str, Any] = json.loads(pipeline.to_str())["model"]
    vocab: dict[str, int] = model["vocab"]
    merges = [(str(left), str(right)) for left, right in model["merges"]]
    return Learned(sorted(vocab, key=vocab.__getitem__), merges)
