"""The rows of a corpus that are held out for validation.

What one writes is a share or a number, ``20%`` or ``500``; 5 % and 2,000 rows at most where nothing
is written. Where rows have labels, each label has its share among the rows held out, and keeps at
least one row to train on.
"""

import re
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Annotated, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from munmaek.errors import InputError, MunmaekWarning

__all__ = [
    "NOTHING",
    "HoldOut",
    "folds_of",
    "held_out_name",
    "hold_out",
    "hold_out_documents",
    "hold_out_labelled",
    "is_held_out",
    "parse_hold_out",
]

SHARE = 0.05
MOST = 2000
NOTHING = "0"
"""Written where no row is to be held out."""
_MARK, _OLD_MARK = "held out of ", " (held out)"
_WRITTEN = re.compile(r"(\d{1,15}(?:\.\d{1,15}(?=%))?)%?", re.ASCII)
_NAMED = 5
"""Labels that a warning names."""

Ints = NDArray[np.int64]


def held_out_name(name: str) -> str:
    """Return what rows held out of the corpus ``name`` are called."""
    return _MARK + name


def is_held_out(name: str) -> bool:
    """Return whether ``held_out_name`` made it, of this version or an earlier one."""
    return name.startswith(_MARK) or name.endswith(_OLD_MARK)


def parse_hold_out(written: Any) -> str | None:
    """Return ``20%`` or ``500`` as one writes it; None of None.

    Raises:
        ValueError: neither a share below all nor a whole number.
    """
    if written is None:
        return None
    text = str(written).replace(" ", "")
    found = _WRITTEN.fullmatch(text)
    value = -1.0 if found is None else float(found[1])
    share = text.endswith("%")
    if value < 0 or (share and value >= 100):
        message = f"a share such as 20% or a number of rows such as 500 is wanted, got '{written}'"
        raise ValueError(message)
    return NOTHING if value == 0 else f"{value:g}%" if share else str(int(value))


HoldOut = Annotated[str | None, BeforeValidator(parse_hold_out)]
"""An option of how much to hold out."""


def _how_many(rows: int, asked: str | None, *, most: int) -> int:
    """Return how many of ``rows`` rows are held out.

    Raises:
        InputError: fewer than 2 rows, or none would be left.
    """
    if rows < 2:
        message = f"a corpus of {rows} line is too small to hold any out; give more, or --valid"
        raise InputError(message)
    if asked is None:
        return min(max(1, round(rows * SHARE)), most)
    share = asked.endswith("%")
    held = max(1, round(rows * float(asked[:-1]) / 100)) if share else int(asked)
    if held >= rows:
        message = (
            f"--hold-out {asked}: {held:,} of {rows:,} rows leaves nothing to train on; hold out "
            f"{rows - 1:,} at most"
        )
        raise InputError(message)
    return held


def hold_out(
    rows: int, *, seed: int, asked: str | None = None, most: int = MOST
) -> tuple[Ints, Ints]:
    """Return the indices of the rows to train on and of those to validate on, each ascending.

    Args:
        rows: how many there are.
        seed: of the choice.
        asked: how many to hold out, ``20%`` or ``500``; None holds out 5 %, and ``most`` at most.
        most: see ``asked``.

    Raises:
        InputError: fewer than 2 rows, or none would be left to train on.
    """
    held = _how_many(rows, asked, most=most)
    order = np.random.default_rng(seed).permutation(rows)
    return np.sort(order[held:]), np.sort(order[:held])


def hold_out_labelled(
    labels: Sequence[Hashable], *, name: str, seed: int, asked: str | None = None
) -> tuple[Ints, Ints]:
    """Return indices as ``hold_out`` does, with each label's share held out as far as rows allow.

    A row of several labels counts for its rarest one (as Sechidis et al. 2011 go about it). A label
    that has one row keeps it in training.

    Args:
        labels: of each row: one, or several.
        name: of the corpus.
        seed: of the choice.
        asked: how many to hold out; see ``hold_out``.

    Raises:
        InputError: fewer than 2 rows, or one label would have none left to train on.

    Warns:
        MunmaekWarning: labels with one row, of which validation says nothing.
    """
    keys = _rarest(labels)
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    codes = np.array([numbers[key] for key in keys], dtype=np.int64)
    sizes = np.bincount(codes, minlength=len(numbers))
    held = _how_many(len(labels), asked, most=MOST)
    available = int((sizes - 1).sum())
    if held > available and (asked is not None or available == 0):
        message = (
            f"{name}: {held:,} rows cannot be held out, for each label must keep a row to train "
            f"on, which leaves {available:,}; give --valid FILE, more rows, or "
            f"--hold-out {available}"
        )
        raise InputError(message)
    taken = _shares(sizes, min(held, available))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    begins = np.cumsum(sizes) - sizes
    place = np.arange(len(codes)) - begins[codes[order]]
    out = np.zeros(len(codes), dtype=np.bool_)
    out[order[place < taken[codes[order]]]] = True
    # A row without any label has the empty key, which is no label.
    single = [str(key) for key, size in zip(numbers, sizes, strict=True) if size == 1 and key]
    _warn_of_single(single, name)
    return np.flatnonzero(~out), np.flatnonzero(out)


def folds_of(rows: int, folds: int, *, seed: int, labels: Sequence[Hashable] | None = None) -> Ints:
    """Return the fold of each row, 0 to ``folds`` − 1, of equal size but for one row.

    Where rows have labels, each label is dealt out over the folds in turn (stratified); a row of
    several labels counts for its rarest one.

    Args:
        rows: how many there are.
        folds: how many parts, 2 at least.
        seed: of the choice.
        labels: of each row: one, or several; None where there are none.

    Raises:
        InputError: fewer rows than folds.
    """
    if not 2 <= folds <= rows:
        message = f"--folds {folds}: 2 folds at least are wanted, and {rows:,} rows fill no more"
        raise InputError(message)
    order = np.random.default_rng([seed, 2]).permutation(rows)
    if labels is not None:
        keys = _rarest(labels)
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        codes = np.array([numbers[keys[row]] for row in order], dtype=np.int64)
        order = order[np.argsort(codes, kind="stable")]
    out = np.empty(rows, dtype=np.int64)
    out[order] = np.arange(rows) % folds
    return out


def _rarest(labels: Sequence[Hashable]) -> list[Hashable]:
    """Return one label of each row: of several the rarest, of none the empty string."""
    several = any(not isinstance(label, str) for label in labels)
    if not several:
        return list(labels)
    rows = [
        [label] if isinstance(label, str) else [*cast("Iterable[Hashable]", label)]
        for label in labels
    ]
    counts = Counter(label for row in rows for label in dict.fromkeys(row))
    return [min(row, key=lambda each: counts[each], default="") for row in rows]


def _shares(sizes: Ints, held: int) -> Ints:
    """Return how many rows of each label are held out, in proportion by largest remainders.

    At least one of each stays.
    """
    wanted = held * sizes / sizes.sum()
    taken = np.minimum(np.floor(wanted).astype(np.int64), sizes - 1)
    order = np.lexsort((-sizes, -(wanted - taken)))
    while (left := held - int(taken.sum())) > 0:
        open_ones = order[taken[order] < sizes[order] - 1]
        taken[open_ones[:left]] += 1
    return taken


def _warn_of_single(labels: Sequence[str], name: str) -> None:
    if not labels:
        return
    shown = ", ".join(f"'{label}'" for label in labels[:_NAMED])
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    have, stays = ("has", "it") if len(labels) == 1 else ("have", "they")
    message = (
        f"{name}: {shown}{more} {have} one row; {stays} stay{'s' if stays == 'it' else ''} in "
        "training, so that validation says nothing of it"
    )
    warnings.warn(message, MunmaekWarning, stacklevel=3)


def hold_out_documents(
    lines: Sequence[str], *, seed: int, asked: str | None = None
) -> tuple[Ints, Ints]:
    """Return the indices of the lines to train on and to validate on, documents held out whole.

    The empty lines behind a document go with it.

    Raises:
        InputError: fewer than 4 documents, as 2 must be left on either side.
    """
    empty = np.array([not line for line in lines])
    # A document begins at a line behind an empty one, or at the first.
    begins = ~empty & np.concatenate([[True], empty[:-1]])
    document = np.maximum(begins.cumsum() - 1, 0)
    count = int(begins.sum())
    if count < 4:
        message = (
            f"next-sentence pairs need 4 documents to hold some out, got {count}; put an empty "
            "line between documents, or give --valid"
        )
        raise InputError(message)
    held = hold_out(count, seed=seed, asked=asked)[1]
    if len(held) < 2:
        held = np.random.default_rng(seed).permutation(count)[:2]
    chosen = np.isin(document, held)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
