"""The table of everything, and the list of how each number was made."""

from collections.abc import Sequence

from munmaek.comparison.figures import spark
from munmaek.comparison.findings import PRIMARY, ranked
from munmaek.comparison.formats import (
    count_text,
    duration_text,
    hint_text,
    interval_text,
    rate_text,
    score_text,
    size_text,
)
from munmaek.comparison.markup import Markup, Node, element
from munmaek.comparison.reading import Row
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.sections import MARK, Contents, named
from munmaek.metrics import Score

__all__ = ["everything", "signatures"]

_SECOND = {
    "lm": ("word_perplexity", "perplexity"),
    "classify": ("macro_f1",),
    "translate": ("chrf",),
    "mlm": ("masked_perplexity",),
}
"""What stands beside each task's first metric."""


def everything(contents: Contents) -> Markup | None:
    """Every model with its scores, size, time and speed, grouped by task."""
    tasks = list(dict.fromkeys(row.task for row in contents.rows))
    if not tasks:
        return None
    body = [_group(task, contents) for task in tasks]
    table = element("table", {"class": "everything"}, element("tbody", None, body))
    said = [element("p", {"class": "hint"}, each) for each in remarks_on(contents.results)]
    scrolled = element("div", {"class": "scroll"}, table)
    return contents.section("report.table", scrolled, said, _faults(contents))


def _faults(contents: Contents) -> Markup | None:
    """What is wrong with the training of which model."""
    known, say = contents.catalogue.known, contents.catalogue.text
    lines = [
        element("li", None, f"{row.label} ({known(f'task.{row.task}', row.task)}): {fault}")
        for row in contents.rows
        for fault in row.faults
    ]
    if not lines:
        return None
    heading = element("h3", None, say("report.training_faults", mark=MARK))
    return element("div", {"class": "faults"}, heading, element("ul", None, lines))


def _metrics(task: str, rows: Sequence[Row]) -> list[str]:
    """At most two metrics that rows of this task have, the first one leading."""
    having = list(dict.fromkeys(name for row in rows for name in row.scores))
    wanted = [PRIMARY.get(task, ""), *_SECOND.get(task, ())]
    known = [name for name in wanted if name in having]
    return [*known, *(name for name in having if name not in known)][:2]


def _group(task: str, contents: Contents) -> list[Node]:
    rows = contents.of_task(task)
    metrics = _metrics(task, rows)
    baselines = contents.baselines_of(task)
    units = {row.use_unit for row in rows if row.use_speed is not None}
    orders = {metric: ranked(rows, metric) for metric in metrics}
    best = {metric: order[0].name for metric, order in orders.items() if len(order) > 1}
    return [
        _heading(task, metrics, units, contents),
        [_line(row, metrics, best, len(units) > 1, contents) for row in [*rows, *baselines]],
    ]


def _heading(task: str, metrics: Sequence[str], units: set[str], contents: Contents) -> Markup:
    known, say = contents.catalogue.known, contents.catalogue.text
    unit = next(iter(units)) if len(units) == 1 else ""
    names = [known(f"metric.{metric}", metric) for metric in metrics]
    scores = [[_th(name, number=True), _th("")] for name in [*names, "", ""][:2]]
    kinds = ("parameters", "size", "train_time", "train_speed")
    use = known(f"unit.{unit}", f"{unit}/s") if unit else say("column.use_speed")
    return element(
        "tr",
        {"class": "group"},
        _th(known(f"task.{task}", task), name=True),
        scores,
        [_th(say(f"column.{kind}"), number=True) for kind in kinds],
        _th(use, number=True),
        _th(say("column.loss")),
    )


def _th(text: str, *, number: bool = False, name: bool = False) -> Markup:
    return element("th", {"class": "num" if number else "group" if name else None}, text)


def _line(
    row: Row, metrics: Sequence[str], best: dict[str, str], mixed_units: bool, contents: Contents
) -> Markup:
    cells: list[Node] = []
    for metric in [*metrics, "", ""][:2]:
        score = row.scores.get(metric)
        cells += _score(score, winner=best.get(metric) == row.name and not row.baseline)
    say, known = contents.catalogue.text, contents.catalogue.known
    label = f"{row.label} ({say('report.baseline')})" if row.baseline else named(row)
    suffix = known(f"unit.{row.use_unit}", f"{row.use_unit}/s") if mixed_units else ""
    use = rate_text(row.use_speed) + (f" {suffix}" if suffix and row.use_speed else "")
    texts = (
        count_text(row.parameters),
        size_text(row.size),
        duration_text(row.train_seconds),
        rate_text(row.train_speed),
        use,
    )
    numbers = [element("td", {"class": "num"}, text) for text in texts]
    return element(
        "tr",
        None,
        element("td", {"title": row.name}, label),
        cells,
        numbers,
        element("td", None, spark(row.curve)),
    )


def _score(score: Score | None, *, winner: bool) -> list[Node]:
    if score is None:
        return [element("td", {"class": "num"}, ""), element("td", None)]
    kind = "num best" if winner else "num"
    return [
        element("td", {"class": kind, "title": hint_text(score)}, score_text(score)),
        element("td", {"class": "ci"}, interval_text(score)),
    ]


def signatures(contents: Contents) -> Markup | None:
    """Every score with its signature, for those who cannot hover and for copying."""
    known = contents.catalogue.known
    lines = [
        element(
            "tr",
            None,
            element("td", None, row.label),
            element("td", None, known(f"metric.{name}", name)),
            element("td", {"class": "num"}, score_text(score)),
            element("td", {"class": "ci"}, interval_text(score)),
            element("td", None, "" if score.basis is None else str(score.basis)),
            element("td", {"class": "wrap"}, element("code", None, str(score.signature))),
        )
        for row in [*contents.rows, *contents.baselines]
        for name, score in row.scores.items()
    ]
    if not lines:
        return None
    summary = element("summary", None, contents.catalogue.text("report.signatures"))
    table = element("table", None, element("tbody", None, lines))
    return element("details", None, summary, element("div", {"class": "scroll"}, table))
