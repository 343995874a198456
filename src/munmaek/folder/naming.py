"""Names that tell models apart: two runs of one stage, two folders of one name."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

__all__ = ["told_apart", "unlike_ends"]


def unlike_ends(paths: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths that differ: ``a/model`` and ``b/model``."""
    whole = [path.absolute().parts[1:] for path in paths]
    most = max((len(parts) for parts in whole), default=1)
    for length in range(1, most + 1):
        ends = ["/".join(parts[-length:]) for parts in whole]
        if len(set(ends)) == len(set(whole)):
            return ends
    return ["/".join(parts) for parts in whole]


def told_apart(labels: Sequence[str], places: Sequence[Path | None]) -> list[str]:
    """Return the labels, those that several models have with what differs of their folders.

    Args:
        labels: what each model is called.
        places: where it is, or what it began from; None of one that has no folder.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for number, label in enumerate(labels):
        alike[label].append(number)
    out = list(labels)
    for numbers in alike.values():
        placed = [number for number in numbers if places[number] is not None]
        if len(numbers) == 1 or not placed:
            continue
        ends = unlike_ends([path for number in placed if (path := places[number]) is not None])
        for number, end in zip(placed, ends, strict=True):
            out[number] = f"{labels[number]} ({end})"
    return _numbered(out)


def _numbered(labels: Sequence[str]) -> list[str]:
    """Return the labels, those that still are the same with a number behind all but the first."""
    seen: Counter[str] = Counter()
    out: list[str] = []
    for label in labels:
        seen[label] += 1
        out.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return out
