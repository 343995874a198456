"""Files that a search leaves behind: a table of its trials, a figure, and the best options."""

import csv
import io
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from munmaek.metrics.score import lower_is_better
from munmaek.tuning.space import recipe_toml
from munmaek.tuning.study import trials_folder
from munmaek.tuning.trials import Found, Trial
from munmaek.writing import write_text

__all__ = ["parallel_coordinates", "to_json", "trials_csv", "write_results"]

WIDE, HIGH, TOP, BOTTOM = 130, 260, 60, 40
"""Pixels between two axes, of an axis, above it and below it."""
PAGE: Final = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, "Noto Sans KR", sans-serif; margin: 2rem; color: #222;
  background: #fbfaf7 }}
svg {{ max-width: 100%; height: auto }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #1b1b1b }}
  svg text {{ fill: #ddd }} }}
</style>
<h1>{title}</h1>
<p>{sentence}</p>
{figure}
"""


def write_results(found: Found) -> dict[str, Path]:
    """Write ``trials.csv``, ``trials.html``, ``trials.svg`` and ``best.toml``; return their paths.

    Raises:
        DiskError: one cannot be written.
    """
    place = trials_folder(found.search.folder)
    figure = parallel_coordinates(found)
    title = f"{found.search.recipe.task}: {len(found.trials)} trials of {found.search.recipe.stage}"
    done = sum(each.state == "done" for each in found.trials)
    sentence = (
        f"Each line is a trial, from option to option to its {found.metric}; the better, the "
        f"darker, and the best in red. {done} were trained to their end."
    )
    page = PAGE.format(title=escape(title), sentence=escape(sentence), figure=figure)
    written = {
        "trials.csv": trials_csv(found),
        "trials.html": page,
        "trials.svg": figure,
        "best.toml": recipe_toml(found.recipe),
    }
    for name, text in written.items():
        write_text(place / name, text)
    return {name: place / name for name in written}


def trials_csv(found: Found) -> str:
    """Return a row for each trial: number, state, scores, seconds and options."""
    scores = list(dict.fromkeys(name for each in found.trials for name in each.scores))
    options = list(dict.fromkeys(name for each in found.trials for name in each.options))
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["trial", "state", *scores, "seconds", *options, "reason"])
    for each in found.trials:
        values = [each.scores.get(name, "") for name in scores]
        given = [each.options.get(name, "") for name in options]
        rows.writerow(
            [each.number, each.state, *values, round(each.seconds, 3), *given, each.reason]
        )
    return out.getvalue()


def parallel_coordinates(found: Found) -> str:
    """Return an SVG: an axis for each option and the score, a line for each trial with one."""
    shown = [each for each in found.trials if found.metric in each.scores]
    names = list(dict.fromkeys(name for each in shown for name in each.options))
    columns = {name: [each.options.get(name) for each in shown] for name in names}
    columns[found.metric] = [each.scores[found.metric] for each in shown]
    places = {name: _places(values) for name, values in columns.items()}
    xs = {name: 80 + number * WIDE for number, name in enumerate(columns)}
    wide, high = 160 + WIDE * (len(columns) - 1), TOP + HIGH + BOTTOM
    order = sorted(range(len(shown)), key=lambda at: _rank(shown[at], found))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" font-family="system-ui, sans-serif" font-size="11">'
    ]
    for rank, at in enumerate(order):
        points = " ".join(
            f"{xs[name]},{TOP + HIGH * (1 - places[name][at]):.1f}" for name in columns
        )
        best = shown[at].number == found.best.number
        share = (rank + 1) / len(order)
        colour = "#c0392b" if best else "#33608c"
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" '
            f'stroke-width="{2.5 if best else 1.2}" stroke-opacity="{1 if best else share**2:.2f}">'
            f"<title>{escape(_said(shown[at], found.metric))}</title></polyline>"
        )
    for name, values in columns.items():
        parts.append(_axis(name, xs[name], values))
    return "".join([*parts, "</svg>"])


def _rank(trial: Trial, found: Found) -> tuple[bool, float]:
    sign = -1 if lower_is_better(found.metric) else 1
    return trial.number == found.best.number, sign * trial.scores[found.metric]


def _places(values: Sequence[Any]) -> list[float]:
    """Return the place of each value on its axis, from 0 to 1; names by their order."""
    if any(not isinstance(each, int | float) for each in values):
        known = sorted({str(each) for each in values})
        return [known.index(str(each)) / max(1, len(known) - 1) for each in values]
    least, most = min(values), max(values)
    return [(each - least) / (most - least) if most > least else 0.5 for each in values]


def _axis(name: str, x: int, values: Sequence[Any]) -> str:
    numbers = all(isinstance(each, int | float) for each in values)
    ends = [_number(min(values)), _number(max(values))] if numbers else []
    if not numbers:
        known = sorted({str(each) for each in values})
        ends = [known[0], known[-1]]
    return (
        f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{TOP + HIGH}" stroke="#888"/>'
        f'<text x="{x}" y="{TOP - 28}" text-anchor="middle" font-weight="600">{escape(name)}</text>'
        f'<text x="{x}" y="{TOP - 8}" text-anchor="middle">{escape(ends[-1])}</text>'
        f'<text x="{x}" y="{TOP + HIGH + 18}" text-anchor="middle">{escape(ends[0])}</text>'
    )


def _number(value: float) -> str:
    return f"{value:.4g}"


def _said(trial: Trial, metric: str) -> str:
    options = ", ".join(f"{name} = {value}" for name, value in trial.options.items())
    return f"trial {trial.number}: {metric} {trial.scores[metric]:.4f} ({options})"


def to_json(found: Found) -> dict[str, Any]:
    """Return what was found, for machines."""
    return {
        "model": str(found.search.folder),
        "score": {found.metric: found.best.scores[found.metric]},
        "best": {"trial": found.best.number, "options": dict(found.best.options)},
        "trials": [
            json.loads(json.dumps({name: getattr(each, name) for name in each.__slots__}))
            for each in found.trials
        ],
    }
