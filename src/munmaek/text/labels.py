"""Labels as files write them: one spelling of each, and those that a model was trained on.

JSON has numbers and truth values where TSV and CSV have text, and what a spreadsheet or a data
frame has been through may have ``1.0`` for ``1`` and ``True`` for ``true``. Within a corpus such
spellings are one label, and a model's labels are looked up by any of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = [
    "FASTTEXT",
    "UNSEEN",
    "LabelIndex",
    "marked_labels",
    "one_spelling",
    "unseen_note",
]

UNSEEN = -1
"""The index of a label that a model does not know."""
_WHOLE = re.compile(r"(-?\d+)\.0*")
_TRUTH = {"true", "false"}
_UNNAMED = re.compile(r"LABEL_(\d+)")
"""The name that transformers gives to a label without one."""


def _key(label: str) -> str:
    """Return what all spellings of a label share."""
    whole = _WHOLE.fullmatch(label) if label.isascii() else None
    if whole is not None:
        return whole[1]
    return label.lower() if label.lower() in _TRUTH else label


def one_spelling(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels, each in one spelling where the corpus has several of it.

    A corpus of ``1`` and ``1.0`` has ``1`` alone; one of ``1.0`` keeps it.
    """
    spellings: dict[str, set[str]] = {}
    for label in dict.fromkeys(labels):
        spellings.setdefault(_key(label), set()).add(label)
    several = {key: found for key, found in spellings.items() if len(found) > 1}
    if not several:
        return tuple(labels)
    one = {each: key for key, found in several.items() for each in found}
    return tuple(one.get(label, label) for label in labels)


FASTTEXT = "__label__"
"""The beginning of a label in a file of fastText (Joulin et al. 2017)."""
_MARKED = re.compile(rf"(?:^|(?<=[ \t\v\f])){FASTTEXT}([^ \t\v\f]*)[ \t\v\f]*")


def marked_labels(line: str) -> tuple[str, tuple[str, ...]]:
    """Return the text of a line of a fastText file, and its labels in their order.

    As fastText reads it, a label may stand anywhere, between ASCII white space.
    """
    labels = dict.fromkeys(_MARKED.findall(line))
    return _MARKED.sub("", line).strip(" \t\v\f"), tuple(labels)


class LabelIndex:
    """Finds the index of a label among those of a model, however it is spelled."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the model's labels, in the order of its scores."""
        self.labels = tuple(labels)
        self._exact = {label: place for place, label in enumerate(self.labels)}
        self._keys = _places([_key(label) for label in self.labels])
        numbers = [_UNNAMED.fullmatch(label) for label in self.labels]
        if all(numbers):
            self._keys |= _places([match[1] for match in numbers if match])

    def of(self, label: str) -> int:
        """Return the label's index, or ``UNSEEN``."""
        found = self._exact.get(label)
        return self._keys.get(_key(label), UNSEEN) if found is None else found

    def named(self, label: str) -> str:
        """Return the model's own spelling; that of a label it does not know is kept."""
        place = self.of(label)
        return label if place == UNSEEN else self.labels[place]

    def unseen(self, labels: Iterable[str]) -> dict[str, int]:
        """Return how often each label occurs that the model does not know."""
        counts = Counter(labels)
        return {label: count for label, count in counts.items() if self.of(label) == UNSEEN}


def _places(keys: Sequence[str]) -> dict[str, int]:
    """Return where each key stands, of those that stand in one place."""
    counts = Counter(keys)
    return {key: place for place, key in enumerate(keys) if counts[key] == 1}


def unseen_note(
    known: Sequence[str], given: Sequence[str], *, name: str, unit: str = "rows"
) -> str:
    """Return a sentence on labels that training has never seen; empty where there are none.

    Args:
        known: the model's labels.
        given: the labels of the data, one after another.
        name: of the data.
        unit: of what has a label.
    """
    unseen = LabelIndex(known).unseen(given)
    if not unseen:
        return ""
    count, total = sum(unseen.values()), len(given)
    shown = ", ".join(f"'{label}'" for label in list(unseen)[:5]) + (
        ", …" if len(unseen) > 5 else ""
    )
    whole = f"; known are {', '.join(known[:10])}: is it the right column?"
    return (
        f"{name}: {count:,} of {total:,} {unit} have a label that was never seen in training "
        f"({shown}), and count as wrong{whole if count == total else ''}"
    )
