"""Parts of an evaluation besides the scores of a judged model, the same for every task."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from munmaek.errors import UnsupportedError
from munmaek.folder.naming import told_apart, unlike_ends
from munmaek.metrics.comparing import compared
from munmaek.tasks.asked import Asked
from munmaek.tasks.judged import Judged, worst

__all__ = ["besides"]


def besides(
    model: Any, judged: Judged, asked: Asked, judge: Callable[[Any], Judged]
) -> dict[str, Any]:
    """Return what was asked for besides the scores, as JSON has it.

    Args:
        model: that was judged.
        judged: what was found.
        asked: the options of the evaluation.
        judge: judges another model on the same rows.

    Raises:
        UnsupportedError: another model, of a task without measures.
    """
    entries = dict(judged.entries)
    if asked.worst is not None:
        entries["worst"] = worst(judged, asked.worst)
    if asked.against is not None:
        entries["against"] = _against(model, judged, asked, judge, asked.against)
    return entries


def _against(
    model: Any, judged: Judged, asked: Asked, judge: Callable[[Any], Judged], folder: Path
) -> dict[str, Any]:
    from munmaek.tasks.loading import load_for

    if not judged.measures:
        message = (
            f"--against: models for '{model.info.task}' are measured on all rows together here, so "
            "that no test can pair them"
        )
        raise UnsupportedError(message)
    theirs = judge(load_for(folder, model.info.task, what="--against"))
    names = ["this model", str(folder)]
    if asked.place is not None:
        names = told_apart(unlike_ends([asked.place, folder]), [None, None])
    return {
        "model": str(folder),
        "names": names,
        "scores": {name: score.to_json() for name, score in theirs.scores.items()},
        "comparisons": compared(judged.measures, theirs.measures, names),
    }
