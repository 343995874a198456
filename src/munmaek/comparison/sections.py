"""The parts of a report, each from the results to markup; a part without data is None."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munmaek.comparison import findings
from munmaek.comparison.figures import curves, drawn, track
from munmaek.comparison.findings import PRIMARY, ranked
from munmaek.comparison.formats import hint_text, interval_text, score_text, short_text
from munmaek.comparison.markup import Markup, Node, element
from munmaek.comparison.reading import Row, numbers, read_baselines, read_rows
from munmaek.metrics import Score
from munmaek.models import LINEAGE, stages
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
    pictures = {name: Markup(stage.drawing()) for name, stage in stages().items()}
    cells = [_stage(name, pictures.get(name), contents) for name in names]
    return contents.section("report.lineage", element("ul", {"class": "lineage"}, cells))


def _stage(name: str, picture: Markup | None, contents: Contents) -> Markup:
    rows = [row for row in contents.rows if row.stage == name]
    said = next((row.context for row in rows if row.context), "")
    items = [_stage_item(row) for row in rows]
    return element(
        "li",
        None if rows else {"class": "absent"},
        picture,
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
    kind = "hollow" if row.baseline else "hot" if best else ""
    bar = track(
        score.value, most=most, low=score.low, high=score.high, kind=kind, hint=hint_text(score)
    )
    return element(
        "tr",
        None,
        element("td", None, named(row)),
        element("td", None, bar),
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
    rates = bars_of([*rows, *baselines], "aer", contents.catalogue)
    said = findings.aligners(rows, baselines, contents.catalogue)
    entries = [each for each in contents.results.get("alignments") or () if each.get("weights")]
    if not entries and rates is None:
        return None
    # A row of figures is one sentence, so that the models stand beside one another.
    pages: dict[str, list[Markup]] = {}
    for entry in entries:
        sentence = " ".join(str(word) for word in entry.get("source") or ())
        pages.setdefault(sentence, []).append(_alignment(entry, contents))
    figures = [element("div", {"class": "multiples"}, page) for page in pages.values()]
    if entries:
        figures.append(element("p", {"class": "hint"}, contents.catalogue.text("axis.gold")))
    return contents.section("part.alignment", figure(rates, said) if rates else None, figures)


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
    bar = track(probability, most=1, kind="hot" if right else "")
    return element(
        "tr",
        None,
        element("td", {"class": "best"} if right else None, token),
        element("td", None, bar if known else None),
        element("td", {"class": "num"}, text),
    )


# Limits.


def limits(contents: Contents) -> Markup | None:
    """How far the first word reaches, and how the work for a word grows with length."""
    found = [
        _curves(contents, "influence", "distance", "norm", findings.influence),
        _curves(contents, "work", "length", "multiplications", findings.work, doubling=True),
    ]
    if not any(found):
        return None
    return contents.section("report.limits", element("div", {"class": "multiples"}, found))


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
