"""The parts of a report, each from the results to markup; a part without data is None."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munmaek.comparison import findings
from munmaek.comparison.figures import curves, drawn, figure, track
from munmaek.comparison.findings import leads, ranked
from munmaek.comparison.formats import hint_text, short_text
from munmaek.comparison.markup import Markup, Node, cell, element, scores, scrolled, table
from munmaek.comparison.reading import Row, numbers, read_baselines, read_rows
from munmaek.folder.info import MIXTURE
from munmaek.metrics import Score
from munmaek.models import LINEAGE, stages
from munmaek.tasks import tasks
from munmaek.text.catalogue import Catalogue

__all__ = [
    "MARK",
    "Contents",
    "alignments",
    "bars",
    "fills",
    "full_bar",
    "limits",
    "lineage",
    "named",
    "read",
]


@dataclass(frozen=True, slots=True)
class Contents:
    """Results as the parts read them."""

    rows: Sequence[Row]
    baselines: Sequence[Row]
    results: Mapping[str, Any]
    catalogue: Catalogue

    def of_task(self, task: str) -> list[Row]:
        """Return the models of one task."""
        return [row for row in self.rows if row.task == task]

    def baselines_of(self, task: str) -> list[Row]:
        """Return what the models of one task are judged by."""
        return [row for row in self.baselines if row.task == task]

    def label(self, name: str) -> str:
        """Return what the model called ``name`` is called for people."""
        return next((row.label for row in self.rows if row.name == name), name)

    @property
    def tasks(self) -> list[str]:
        """The tasks that models were compared at, in the table's order, unknown ones last."""
        found = dict.fromkeys(row.task for row in self.rows)
        known = [name for name in tasks() if name in found]
        return [*known, *(name for name in found if name not in known)]

    def task_of(self, name: str) -> str:
        """Return the task of the model called ``name``."""
        return next((row.task for row in self.rows if row.name == name), "")

    def task_name(self, task: str) -> str:
        """Return what models of a task are called for people."""
        return self.catalogue.known(f"task.{task}", task)

    def section(self, key: str, *children: Node) -> Markup:
        """Return a part with its heading; a task of others has its name for one."""
        name = key.partition(".")[2]
        heading = element("h2", self.catalogue.known(key, name))
        return element("section", heading, *children, id=name)


def read(results: Mapping[str, Any], catalogue: Catalogue) -> Contents:
    """Return the results' models and baselines, with what else they hold."""
    return Contents(read_rows(results), read_baselines(results), results, catalogue)


MARK = "\u26a0"
"""Beside the name of a model whose training is at fault."""


def named(row: Row, catalogue: Catalogue) -> Node:
    """Return the label of a model, marked where its training is at fault."""
    faults = row.faults(catalogue)
    if not faults:
        return row.label
    return [row.label, " ", element("span", MARK, kind="mark", title="; ".join(faults))]


# The lineage.


def lineage(contents: Contents) -> Markup:
    """Return the stages in order, what each one's context is, and how its models did."""
    known = [stage.name for stage in LINEAGE]
    others = dict.fromkeys(row.stage for row in contents.rows if row.stage not in known)
    names = [*known, *(name for name in others if name not in ("", MIXTURE))]
    pictures = {name: Markup(stage.drawing()) for name, stage in stages().items()}
    cells = [_stage(name, pictures.get(name), contents) for name in names]
    return contents.section("report.lineage", element("ul", cells, kind="lineage"))


def _stage(name: str, picture: Markup | None, contents: Contents) -> Markup:
    rows = [row for row in contents.rows if row.stage == name]
    said = next((row.context for row in rows if row.context), "")
    items = [_stage_item(row, contents.catalogue) for row in rows]
    return element(
        "li",
        picture,
        element("h3", contents.catalogue.known(f"stage.{name}", name)),
        element("p", contents.catalogue.known(f"stage.{name}.context", said)),
        element("ul", items) if items else None,
        kind=None if rows else "absent",
    )


def _stage_item(row: Row, catalogue: Catalogue) -> Markup:
    score, value = next((row.scores[name] for name in leads(row.task, [row])), None), None
    if score:
        value = element("span", short_text(score), title=hint_text(score, catalogue))
    return element("li", element("span", named(row, catalogue)), value)


# Bars of one number a model.

_FULL = {"share": 1.0, "correlation": 1.0, "of 100": 10.0, "per 100 words": 10.0}
"""By unit, what a full bar or panel stands for at least, lest nothing look like much."""


def full_bar(score: Score) -> float:
    """Return what a full bar of such scores stands for at least."""
    return _FULL.get(score.unit, 1e-9)


def bars(rows: Sequence[Row], metric: str, catalogue: Catalogue) -> Markup | None:
    """Return those of ``rows`` that have ``metric``, best first, with their intervals."""
    order = ranked(rows, metric)
    if not order:
        return None
    found = [row.scores[metric] for row in order]
    ends = [end for score in found for end in (score.value, score.low, score.high)]
    known = [end for end in ends if end is not None and math.isfinite(end)]
    room = min(0.0, *known), max(full_bar(found[0]), *known)
    best = next((row for row in order if not row.baseline), None)
    lines = [_bar_row(row, row.scores[metric], room, row is best, catalogue) for row in order]
    heading = element("h3", catalogue.known(f"metric.{metric}", metric))
    return scrolled(heading, table(lines, kind="bars"))


def _bar_row(
    row: Row, score: Score, room: tuple[float, float], best: bool, catalogue: Catalogue
) -> Markup:
    kind = "hollow" if row.baseline else "hot" if best else ""
    hint = hint_text(score, catalogue)
    bar = track(score.value, room, low=score.low, high=score.high, kind=kind, hint=hint)
    shown = scores(score, catalogue, best=best, spread=row.spread.get(score.name))
    return element("tr", cell(named(row, catalogue)), cell(bar), shown)


# Links of translations.


def alignments(contents: Contents) -> Markup | None:
    """Return error rates, then weights of test sentences as cells with gold links outlined."""
    linking = [row for row in contents.rows if "aer" in row.scores]
    baselines = contents.baselines_of("align")
    rates = bars([*linking, *baselines], "aer", contents.catalogue)
    entries = [each for each in contents.results.get("alignments") or () if each.get("weights")]
    if not entries and rates is None:
        return None
    said = findings.aligners(linking, baselines, contents.catalogue)
    # A row of figures is one sentence, so that the models stand beside one another.
    pages: dict[str, list[Markup]] = {}
    for entry in entries:
        sentence = " ".join(str(word) for word in entry.get("source") or ())
        pages.setdefault(sentence, []).append(_alignment(entry, contents))
    figures = [element("div", page, kind="multiples") for page in pages.values()]
    if entries:
        figures.append(element("p", contents.catalogue.text("axis.gold"), kind="hint"))
    return contents.section("part.alignment", figure(rates, said=said) if rates else None, figures)


def _alignment(entry: Mapping[str, Any], contents: Contents) -> Markup:
    source = [str(word) for word in entry.get("source") or ()]
    target = [str(word) for word in entry.get("target") or ()]
    weights = [numbers(row) for row in entry["weights"]]
    gold = {(int(link[0]), int(link[1])) for link in entry.get("gold") or ()}
    scores: Mapping[str, Any] = entry.get("scores") or {}
    rate = scores.get("aer")
    found = None if rate is None else Score.from_json("aer", rate)
    rows = [[word, *row[: len(source)]] for word, row in zip(target, weights, strict=False)]
    shown = [(s, t) for s, t in sorted(gold) if 0 <= s < len(source) and 0 <= t < len(rows)]
    return drawn(
        "matrix",
        contents.label(str(entry.get("model", ""))),
        ["", *source],
        rows,
        said=findings.alignment(weights, gold, found, contents.catalogue),
        gold=shown,
    )


# Masked words.


def fills(contents: Contents) -> Markup | None:
    """Return sentences with a word hidden, and what the model would put there."""
    entries = contents.results.get("fills") or ()
    if not entries:
        return None
    said = findings.fills(entries, contents.catalogue)
    grid = element("div", [_fill(entry) for entry in entries], kind="fills")
    return contents.section("report.fills", figure(grid, said=said))


def _fill(entry: Mapping[str, Any]) -> Markup:
    before, _, after = str(entry.get("text", "")).partition("<mask>")
    answer = str(entry.get("answer", ""))
    lines = [
        _candidate(str(each.get("token", "")), numbers([each.get("probability")])[0], answer)
        for each in (entry.get("candidates") or ())[: findings.FILLS_SHOWN]
    ]
    return element(
        "div", element("p", before, element("span", " ", kind="gap"), after), table(lines)
    )


def _candidate(token: str, probability: float, answer: str) -> Markup:
    right = token.strip() == answer.strip()
    known = not math.isnan(probability)
    bar = track(probability, (0.0, 1.0), kind="hot" if right else "") if known else None
    text = f"{100 * probability:.1f}\u2009%" if known else "–"
    return element(
        "tr", cell(token, kind="best" if right else None), cell(bar), cell(text, kind="num")
    )


# Limits.


def limits(contents: Contents) -> Markup | None:
    """Return how far the first word reaches, and how the work for a word grows with length."""
    found = [
        _curves(contents, "influence", "distance", "norm", findings.influence),
        _curves(contents, "work", "length", "multiplications", findings.work, doubling=True),
    ]
    if not any(found):
        return None
    return contents.section("report.limits", element("div", found, kind="multiples"))


def _curves(
    contents: Contents,
    key: str,
    x: str,
    y: str,
    finding: Callable[[findings.Curves, Catalogue], tuple[str, list[str]]],
    *,
    doubling: bool = False,
) -> Markup | None:
    tables: dict[str, dict[float, float]] = {}
    for entry in contents.results.get(key) or ():
        pairs = zip(numbers(entry.get(x) or ()), numbers(entry.get(y) or ()), strict=False)
        label = str(entry.get("label") or contents.label(str(entry.get("model", ""))))
        points = {at: value for at, value in pairs if math.isfinite(at) and math.isfinite(value)}
        if points:
            tables[label] = points
    if not tables:
        return None
    say = contents.catalogue.text
    hot, said = finding(tables, contents.catalogue)
    xs, rows = curves(tables)
    labels = {"labelX": say(f"axis.{x}"), "labelY": say(f"axis.{key}")}
    head = [say(f"axis.{x}"), *xs]
    return drawn(
        "lines", say(f"limits.{key}"), head, rows, said=said, hot=hot, doubling=doubling, **labels
    )
