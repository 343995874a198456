"""The words of an ARPA file in the form that text is brought to.

Text is brought to NFC, so a word that stands otherwise in the file would never be met. ``<UNK>``,
which some tools write, is ``<unk>``, as KenLM has it.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SettledWords", "settled"]

_CAPITAL_UNKNOWN, UNKNOWN = "<UNK>", "<unk>"


@dataclass(frozen=True, slots=True)
class SettledWords:
    """Distinct words in the order of the file."""

    words: tuple[str, ...]
    collided: tuple[str, ...] = ()
    """Words of the file whose form another one has; they stand in ``words`` as they were."""


def settled(words: Sequence[str]) -> SettledWords:
    """Return the words in NFC; of several with one form, the one that has it or came first."""
    joined = "\n".join(words)  # quick for the many files that need nothing
    if unicodedata.is_normalized("NFC", joined) and _CAPITAL_UNKNOWN not in joined:
        return SettledWords(tuple(words))
    forms = [_form(word) for word in words]
    taken = {form for word, form in zip(words, forms, strict=True) if word == form}
    names: list[str] = []
    collided: list[str] = []
    for word, form in zip(words, forms, strict=True):
        if word != form and form in taken:
            collided.append(word)
            names.append(word)
        else:
            taken.add(form)
            names.append(form)
    return SettledWords(tuple(names), tuple(collided))


def _form(word: str) -> str:
    return UNKNOWN if word == _CAPITAL_UNKNOWN else unicodedata.normalize("NFC", word)
