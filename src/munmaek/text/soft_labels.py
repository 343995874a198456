"""Texts with a probability for every label, such as a model's own answers to unlabelled text.

Training toward them is distillation (Hinton et al. 2015) where the model that answered is a larger
one or a mixture, and self-training where it is of the same kind.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.text.columns import FIRST_NAMES, SECOND_NAMES, TEXT_NAMES, Column
from munmaek.text.corpora import content_hash, corpus_name, listed
from munmaek.text.files import at_line, display_name
from munmaek.text.forms import Form, open_text
from munmaek.text.memory import Sources
from munmaek.text.tables import json_records, json_text

__all__ = ["SoftLabels", "read_soft_labels"]

TOLERANCE = 0.02
"""By which the probabilities of a text may miss 1, for those that were written rounded."""


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """Texts, or pairs of texts, with the probability of each label."""

    name: str
    texts: tuple[str, ...]
    seconds: tuple[str, ...] | None
    """The second text of each pair; None of single texts."""
    probabilities: NDArray[np.float32]
    """Rows sum to 1: [N, C]."""

    @property
    def fingerprint(self) -> str:
        """sha256 of texts and probabilities, whatever the files were called or compressed with."""
        pair = () if self.seconds is None else (self.seconds,)
        return content_hash(self.texts, *pair, [row.tobytes().hex() for row in self.probabilities])


def read_soft_labels(paths: Sources, labels: Sequence[str], *, pairs: bool = False) -> SoftLabels:
    """Read JSONL files as ``munmaek classify --json`` writes them.

    Each row has a text and "probabilities", an object of a number for each label; labels that are
    left out have none. Rows without text are passed over.

    Args:
        paths: the files, one after the other.
        labels: all labels, in the order of the result.
        pairs: rows hold two texts each.

    Raises:
        InputError: a file that is no JSONL or cannot be read, no row, a label that is not among
            ``labels``, or what is no probability; names file and line.
    """
    columns = [Column("text", FIRST_NAMES if pairs else TEXT_NAMES)]
    if pairs:
        columns = [Column("text", ("text", *FIRST_NAMES)), Column("second text", SECOND_NAMES)]
    index = {label: place for place, label in enumerate(labels)}
    texts: list[list[str]] = []
    rows: list[NDArray[np.float32]] = []
    for path in listed(paths):
        opened = open_text(path)
        if opened.form is not Form.JSONL:
            message = (
                f"{display_name(path)}: soft labels are JSONL with the keys 'text' and "
                "'probabilities', as munmaek classify --json writes them"
            )
            raise InputError(message)
        for line, record in json_records(opened):
            if record is None:
                continue
            found = [json_text(path, line, record, column) for column in columns]
            if not any(found):
                continue
            texts.append(found)
            try:
                rows.append(_row(record, index))
            except ValueError as error:
                message = f"{at_line(display_name(path), line)}: {error}"
                raise InputError(message) from None
    if not rows:
        message = f"{corpus_name(paths)}: no text with soft labels"
        raise InputError(message)
    firsts, *others = zip(*texts, strict=True)
    return SoftLabels(corpus_name(paths), firsts, others[0] if others else None, np.stack(rows))


def _row(record: dict[str, Any], index: dict[str, int]) -> NDArray[np.float32]:
    """Return the probabilities of one text, scaled so that they sum to 1.

    Raises:
        ValueError: says what is wrong with them.
    """
    given: object = record.get("probabilities")
    if not isinstance(given, dict):
        message = "no 'probabilities' there, an object such as {\"positive\": 0.9}"
        raise ValueError(message)
    row = np.zeros(len(index), dtype=np.float64)
    for label, chance in cast("dict[str, Any]", given).items():
        if label not in index:
            known = ", ".join(list(index)[:10])
            message = f"label '{label}' is not among those of the training data: {known}"
            raise ValueError(message)
        number = isinstance(chance, int | float) and not isinstance(chance, bool)
        if not (number and math.isfinite(chance) and 0 <= chance <= 1):
            message = f"'{label}' has {chance!r}, a probability from 0 to 1 is wanted"
            raise ValueError(message)
        row[index[label]] = chance
    if abs(row.sum() - 1) > TOLERANCE:
        message = f"probabilities sum to {row.sum():.4g}, 1 is wanted"
        raise ValueError(message)
    return (row / row.sum()).astype(np.float32)
