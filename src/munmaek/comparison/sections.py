"""The parts of a report, each from the results to markup; a part without data is None."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munmaek.comparison import findings
from munmaek.comparison.charts import Series, bar, line_chart
from munmaek.comparison.findings import PRIMARY, ranked
from munmaek.comparison.formats import hint_text, interval_text, score_text, short_text
from munmaek.comparison.markup import Markup, Node, element
from munmaek.comparison.matrices import matrix, ramp
from munmaek.comparison.pictures import picture
from munmaek.comparison.reading import Row, numbers, read_baselines, read_rows
from munmaek.metrics import Score
from munmaek.models import LINEAGE
from munmaek.text.catalogue import Catalogue

__all__ = [
    "FULL",
    "MARK",
    "Contents",
    "alignments",
    "bars",
    "bars_of",
    "caption",
    "figure",
    "fills",
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
        """The models of one task."""
        return [row for row in self.rows if row.task == task]

    def baselines_of(self, task: str) -> list[Row]:
        """What the models of one task are judged by."""
        return [row for row in self.baselines if row.task == task]

    def label(self, name: str) -> str:
        """What the model called ``name`` is called for people."""
        return next((row.label for row in self.rows if row.name == name), name)

    def section(self, key: str, *children: Node) -> Markup:
        """A part with its heading."""
        name = key.partition(".")[2]
        heading = element("h2", None, self.catalogue.text(key))
        return element("section", {"id": name}, heading, *children)


def read(results: Mapping[str, Any], catalogue: Catalogue) -> Contents:
    """The results' models and baselines, with what else they hold."""
    return Contents(read_rows(results), read_baselines(results), results, catalogue)


def caption(sentences: Sequence[str]) -> Markup | None:
    """What to see in a figure, below it."""
    return element("figcaption", None, " ".join(sentences)) if sentences else None


def figure(drawing: Node, sentences: Sequence[str]) -> Markup:
    """A drawing that scrolls where the page is narrower, and its caption."""
    return element("figure", None, element("div", {"class": "scroll"}, drawing), caption(sentences))


MARK = "\u26a0"
"""Beside the name of a model whose training is at fault."""


def named(row: Row) -> Node:
    """The label of a model, marked where its training is at fault."""
    if not row.faults:
        return row.label
    mark = element("span", {"class": "mark", "title": "; ".join(row.faults)}, MARK)
    return [row.label, " ", mark]


# The lineage.


def lineage(contents: Contents) -> Markup | None:
    """The stages in order, what each one's context is, and how its models did."""
    if not contents.rows:
        return None
    known = [stage.name for stage in LINEAGE]
    others = dict.fromkeys(row.stage for row in contents.rows if row.stage not in known)
    names = [*known, *(name for name in others if name not in ("", findings.MIXTURE))]
    cells = [_stage(name, contents) for name in names]
    return contents.section("report.lineage", element("ul", {"class": "lineage"}, cells))


def _stage(name: str, contents: Contents) -> Markup:
    rows = [row for row in contents.rows if row.stage == name]
    said = next((row.context for row in rows if row.context), "")
    items = [_stage_item(row) for row in rows]
    return element(
        "li",
        None if rows else {"class": "absent"},
        picture(name),
        element("h3", None, contents.catalogue.known(f"stage.{name}", name)),
        element("p", None, contents.catalogue.known(f"stage.{name}.context", said)),
        element("ul", None, items) if items else None,
    )


def _stage_item(row: Row) -> Markup:
    score = _headline(row)
    value = element("span", {"title": hint_text(score)}, short_text(score)) if score else None
    return element("li", None, element("span", None, named(row)), value)


def _headline(row: Row) -> Score | None:
    return row.scores.get(PRIMARY.get(row.task, "")) or next(iter(row.scores.values()), None)


# Bars of one number a model.

FULL = {"accuracy": 1.0, "aer": 1.0, "bleu": 10.0, "chrf": 10.0, "ter": 10.0}
"""What a full bar or panel stands for at least, lest nothing look like much."""


def bars(contents: Contents, task: str) -> Markup | None:
    """The models of a task and its baselines by its first metric; see ``bars_of``."""
    rows = [*contents.of_task(task), *contents.baselines_of(task)]
    return bars_of(rows, PRIMARY[task], contents.catalogue)


def bars_of(rows: Sequence[Row], metric: str, catalogue: Catalogue) -> Markup | None:
    """Those of ``rows`` that have ``metric``, best first, with their intervals."""
    order = ranked(rows, metric)
    if not order:
        return None
    ends = [score.high or score.value for score in (row.scores[metric] for row in order)]
    least = FULL.get(metric, 1e-9)
    most = max([least, *(end for end in ends if end < math.inf)])
    best = next((row for row in order if not row.baseline), None)
    lines = [_bar_row(row, metric, most, row is best) for row in order]
    heading = catalogue.known(f"metric.{metric}", metric)
    return element(
        "div",
        None,
        element("h3", None, heading),
        element("table", {"class": "bars"}, element("tbody", None, lines)),
    )


def _bar_row(row: Row, metric: str, most: float, best: bool) -> Markup:
    score = row.scores[metric]
    kind = "bar hollow" if row.baseline else "bar hot" if best else "bar"
    shown = min(score.value, most)
    drawn = bar(shown, most=most, low=score.low, high=score.high, kind=kind, hint=hint_text(score))
    return element(
        "tr",
        None,
        element("td", None, named(row)),
        element("td", None, drawn),
        element(
            "td",
            {"class": "num best" if best else "num", "title": hint_text(score)},
            score_text(score),
        ),
        element("td", {"class": "ci"}, interval_text(score)),
    )


# Links of translations.


def alignments(contents: Contents) -> Markup | None:
    """Error rates, then weights of test sentences as cells with gold links outlined."""
    rows, baselines = contents.of_task("translate"), contents.baselines_of("align")
    drawn = bars_of([*rows, *baselines], "aer", contents.catalogue)
    said = findings.aligners(rows, baselines, contents.catalogue)
    entries = [each for each in contents.results.get("alignments") or () if each.get("weights")]
    if not entries and drawn is None:
        return None
    say = contents.catalogue.text
    # A row of figures is one sentence, so that the models stand beside one another.
    pages: dict[str, list[Markup]] = {}
    for entry in entries:
        sentence = " ".join(str(word) for word in entry.get("source") or ())
        pages.setdefault(sentence, []).append(_alignment(entry, contents))
    figures = [element("div", {"class": "multiples"}, page) for page in pages.values()]
    key = ramp(say("unit.weight"), say("axis.gold")) if entries else None
    return contents.section("part.alignment", figure(drawn, said) if drawn else None, figures, key)


def _alignment(entry: Mapping[str, Any], contents: Contents) -> Markup:
    source = [str(word) for word in entry.get("source") or ()]
    target = [str(word) for word in entry.get("target") or ()]
    weights = [numbers(row) for row in entry["weights"]]
    gold = {(int(link[0]), int(link[1])) for link in entry.get("gold") or ()}
    label = contents.label(str(entry.get("model", "")))
    scores: Mapping[str, Any] = entry.get("scores") or {}
    rate = scores.get("aer")
    found = None if rate is None else Score.from_json("aer", rate)
    said = findings.alignment(weights, gold, found, contents.catalogue)
    return element(
        "figure",
        None,
        element("h3", None, label),
        element("div", {"class": "scroll"}, matrix(source, target, weights, gold, label=label)),
        caption(said),
    )


# Masked words.


def fills(contents: Contents) -> Markup | None:
    """Sentences with a word hidden, and what the model would put there."""
    entries = contents.results.get("fills") or ()
    if not entries:
        return None
    cards = [_fill(entry) for entry in entries]
    said = findings.fills(entries, contents.catalogue)
    grid = element("div", {"class": "fills"}, cards)
    return contents.section("report.fills", element("figure", None, grid, caption(said)))


def _fill(entry: Mapping[str, Any]) -> Markup:
    before, _, after = str(entry.get("text", "")).partition("<mask>")
    gap = element("span", {"class": "gap"}, " ")
    answer = str(entry.get("answer", ""))
    lines = [
        _candidate(str(each.get("token", "")), numbers([each.get("probability")])[0], answer)
        for each in (entry.get("candidates") or ())[: findings.FILLS_SHOWN]
    ]
    table = element("table", None, element("tbody", None, lines))
    return element("div", None, element("p", None, before, gap, after), table)


def _candidate(token: str, probability: float, answer: str) -> Markup:
    right = token.strip() == answer.strip()
    known = not math.isnan(probability)
    text = f"{100 * probability:.1f}\u2009%" if known else "–"
    drawn = bar(probability, most=1, kind="bar hot" if right else "bar", width=130)
    return element(
        "tr",
        None,
        element("td", {"class": "best"} if right else None, token),
        element("td", None, drawn if known else None),
        element("td", {"class": "num"}, text),
    )


# Limits.


def limits(contents: Contents) -> Markup | None:
    """How far the first word reaches, and how the work for a word grows with length."""
    say = contents.catalogue.text
    figures: list[Node] = []
    reach = _series_of(contents, "influence", "distance", "norm")
    if reach:
        hot, said = findings.influence(reach, contents.catalogue)
        drawn = line_chart(
            reach, hot=hot, label_x=say("axis.distance"), label_y=say("axis.influence")
        )
        figures.append(_titled(say("limits.influence"), drawn, said))
    work = _series_of(contents, "work", "length", "multiplications")
    if work:
        hot, said = findings.work(work, contents.catalogue)
        drawn = line_chart(
            work, hot=hot, label_x=say("axis.length"), label_y=say("axis.work"), across=math.log2
        )
        figures.append(_titled(say("limits.work"), drawn, said))
    if not figures:
        return None
    return contents.section("report.limits", element("div", {"class": "multiples"}, figures))


def _titled(title: str, drawing: Markup, said: Sequence[str]) -> Markup:
    return element("figure", {"class": "half"}, element("h3", None, title), drawing, caption(said))


def _series_of(contents: Contents, key: str, x: str, y: str) -> list[Series]:
    series: list[Series] = []
    for entry in contents.results.get(key) or ():
        pairs = zip(numbers(entry.get(x) or ()), numbers(entry.get(y) or ()), strict=False)
        points = sorted(pair for pair in pairs if math.isfinite(pair[0]) and math.isfinite(pair[1]))
        label = str(entry.get("label") or contents.label(str(entry.get("model", ""))))
        hints = tuple(f"{label}\n{at:g}: {value:.4g}" for at, value in points)
        if points:
            series.append(Series(label, tuple(points), hints=hints))
    return series
