"""Faults of a translator that a score alone would not tell.

Three failures are looked for, each beside what the references themselves do, so that a text which
rightly repeats or copies is no fault:

- it ignores its source: the references are hardly less likely after the sources of others, or
  many different sources get one and the same output ("hallucination", Lee et al. 2018);
- it copies: outputs are their sources, or are made of their sources' words;
- it repeats: pairs of words come again and again within an output (Welleck et al. 2020, §4).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from munmaek.metrics.translation import Likelihoods
from munmaek.text.catalogue import Catalogue

__all__ = ["FEWEST", "Finding", "copies", "diagnose", "ignores_source", "repeats"]

_ENGLISH = Catalogue()

FEWEST = 20
"""Pairs below which nothing is said: every share would be of a handful."""
SHUFFLED_RATIO = 1.2
"""Perplexity after others' sources as a multiple of that after the true ones, at least. A source
halves the choices and more where it is read at all; its length alone is worth some 10 %."""
SAME_OUTPUTS = 0.3
"""Share of different sources that share an output with another, beyond the references' own share.
Short questions do share answers; a third of all sources does not."""
COPIED = 0.1
"""Share of outputs equal to their source, beyond that of the references: more than the names and
commands in which the references and the model may differ."""
OVERLAP = 0.25
"""Share of output words that stand in the source, beyond that of the references: every fourth word
left as it was."""
REPEATED = 0.1
"""Share of an output's word pairs that it had before, beyond that of the references. Fluent text
has 1 to 3 %, a loop nearly all."""

CHARACTERS_A_WORD = 12
"""Mean length from which words are no words: text without spaces, where characters are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure that was looked for."""

    name: str
    """``ignores_source``, ``copies``, ``repeats``, or one of ``metrics.training``."""
    found: bool
    evidence: Mapping[str, float]
    """The measured shares and perplexities, by name."""
    names: str = ""
    """Things that the sentence names besides: a label, tensors."""
    said: str = ""
    """The sentence that was saved, for evidence of another version."""

    @property
    def message(self) -> str:
        """One English line with the figures."""
        return self.words(_ENGLISH)

    def words(self, catalogue: Catalogue) -> str:
        """Return one line with the figures, in the catalogue's language."""
        key = f"fault.{self.name}" + ("" if self.found else ".not")
        try:
            return catalogue.text(key, names=self.names, **self.evidence)
        except KeyError:
            return self.said

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "found": self.found,
            "evidence": dict(self.evidence),
            **({"names": self.names} if self.names else {}),
            "message": self.message,
        }


def diagnose(
    sources: Sequence[str],
    outputs: Sequence[str],
    references: Sequence[str],
    *,
    true: Likelihoods,
    shuffled: Likelihoods,
) -> tuple[Finding, ...]:
    """Return every failure that is looked for, found or not; none with fewer than ``FEWEST`` pairs.

    Args:
        sources: what was translated.
        outputs: the translation of each.
        references: what each should have been.
        true: likelihoods of the references after their own sources.
        shuffled: the same after the sources of others.
    """
    if len(sources) < FEWEST:
        return ()
    return (
        ignores_source(sources, outputs, references, true=true, shuffled=shuffled),
        copies(sources, outputs, references),
        repeats(outputs, references),
    )


def ignores_source(
    sources: Sequence[str],
    outputs: Sequence[str],
    references: Sequence[str],
    *,
    true: Likelihoods,
    shuffled: Likelihoods,
) -> Finding:
    """Return whether the source makes little difference; see ``diagnose``."""
    own, other = _perplexity(true), _perplexity(shuffled)
    same, rightly = _shared(sources, outputs), _shared(sources, references)
    found = other < SHUFFLED_RATIO * own or same - rightly > SAME_OUTPUTS
    evidence = {
        "perplexity": own,
        "perplexity_shuffled": other,
        "same_outputs": same,
        "same_references": rightly,
    }
    return Finding("ignores_source", found, evidence)


def copies(sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]) -> Finding:
    """Return whether outputs are their sources, whole or in words, more than the references are."""
    copied, rightly = _copied(sources, outputs), _copied(sources, references)
    overlap, due = _overlap(sources, outputs), _overlap(sources, references)
    found = copied - rightly > COPIED or overlap - due > OVERLAP
    evidence = {
        "copied": copied,
        "copied_references": rightly,
        "overlap": overlap,
        "overlap_references": due,
    }
    return Finding("copies", found, evidence)


def repeats(outputs: Sequence[str], references: Sequence[str]) -> Finding:
    """Return whether word pairs come again within an output more than within the references."""
    spaceless = _spaceless(references)
    again, rightly = (_repeated(texts, spaceless=spaceless) for texts in (outputs, references))
    found = again - rightly > REPEATED
    evidence = {"repeated": again, "repeated_references": rightly}
    return Finding("repeats", found, evidence)


def _perplexity(found: Likelihoods) -> float:
    return math.exp(min(700.0, -float(found.logprobs.sum()) / max(1, int(found.tokens.sum()))))


def _shared(sources: Sequence[str], texts: Sequence[str]) -> float:
    """Return the share of the different sources whose text is that of another source too."""
    first = dict(zip(sources, texts, strict=True))
    having: defaultdict[str, int] = defaultdict(int)
    for text in first.values():
        having[text.strip()] += 1
    return sum(having[text.strip()] > 1 for text in first.values()) / max(1, len(first))


def _copied(sources: Sequence[str], texts: Sequence[str]) -> float:
    pairs = [
        (source.split(), text.split())
        for source, text in zip(sources, texts, strict=True)
        if source.strip()
    ]
    return sum(source == text for source, text in pairs) / max(1, len(pairs))


def _overlap(sources: Sequence[str], texts: Sequence[str]) -> float:
    """Return the share of the texts' words with a letter in them that stand in the source too."""
    total = shared = 0
    for source, text in zip(sources, texts, strict=True):
        there = set(source.casefold().split())
        words = [word for word in text.casefold().split() if any(map(str.isalpha, word))]
        total += len(words)
        shared += sum(word in there for word in words)
    return shared / max(1, total)


def _spaceless(texts: Sequence[str]) -> bool:
    words = [word for text in texts for word in text.split()]
    return sum(map(len, words)) > CHARACTERS_A_WORD * max(1, len(words))


def _repeated(texts: Sequence[str], *, spaceless: bool) -> float:
    """Return the share of pairs of neighbouring words, of all texts, that their text had before."""
    total = again = 0
    for text in texts:
        units = list("".join(text.split())) if spaceless else text.split()
        counts = Counter(pairwise(units))
        total += counts.total()
        again += counts.total() - len(counts)
    return again / max(1, total)
