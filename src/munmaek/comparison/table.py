"""The table of everything, and the list of how each number was made."""

from collections.abc import Sequence

from munmaek.comparison.figures import spark
from munmaek.comparison.findings import leads, told_best
from munmaek.comparison.formats import count_text, duration_text, rate_text, size_text
from munmaek.comparison.markup import Markup, Node, cell, element, scores, scrolled, table
from munmaek.comparison.reading import Row
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.sections import MARK, Contents, named

__all__ = ["everything", "signatures"]


def everything(contents: Contents) -> Markup:
    """Return every model with its scores, size, time and speed, grouped by task."""
    body = [_group(task, contents) for task in contents.tasks]
    remarks = [each.words(contents.catalogue) for each in remarks_on(contents.results)]
    said = [element("p", each, kind="hint") for each in remarks]
    shown = scrolled(table(body, kind="everything"))
    return contents.section("report.table", shown, said, _faults(contents))


def _faults(contents: Contents) -> Markup | None:
    """Return what is wrong with the training of which model."""
    lines = [
        element("li", f"{row.label} ({contents.task_name(row.task)}): {fault}")
        for row in contents.rows
        for fault in row.faults(contents.catalogue)
    ]
    if not lines:
        return None
    heading = element("h3", contents.catalogue.text("report.training_faults", mark=MARK))
    return element("div", heading, element("ul", lines), kind="faults")


def _group(task: str, contents: Contents) -> list[Node]:
    rows = contents.of_task(task)
    metrics = leads(task, rows)[:2]
    baselines = contents.baselines_of(task)
    units = {row.use_unit for row in rows if row.use_speed is not None}
    told = {metric: told_best(rows, metric, contents.results) for metric in metrics}
    best = {metric: row.name for metric, row in told.items() if row is not None}
    return [
        _heading(task, metrics, units, contents),
        [_line(row, metrics, best, len(units) > 1, contents) for row in [*rows, *baselines]],
    ]


def _heading(task: str, metrics: Sequence[str], units: set[str], contents: Contents) -> Markup:
    known, say = contents.catalogue.known, contents.catalogue.text
    unit = next(iter(units)) if len(units) == 1 else ""
    names = [known(f"metric.{metric}", metric) for metric in metrics]
    kinds = ("parameters", "size", "train_time", "train_speed")
    use = known(f"unit.{unit}", f"{unit}/s") if unit else say("column.use_speed")
    return element(
        "tr",
        element("th", contents.task_name(task), kind="group"),
        [[element("th", name, kind="num"), element("th")] for name in [*names, "", ""][:2]],
        [element("th", text, kind="num") for text in (*(say(f"column.{k}") for k in kinds), use)],
        element("th", say("column.loss")),
        kind="group",
    )


def _line(
    row: Row, metrics: Sequence[str], best: dict[str, str], mixed_units: bool, contents: Contents
) -> Markup:
    catalogue = contents.catalogue
    say, known = catalogue.text, catalogue.known
    label = f"{row.label} ({say('report.baseline')})" if row.baseline else named(row, catalogue)
    suffix = known(f"unit.{row.use_unit}", f"{row.use_unit}/s") if mixed_units else ""
    use = rate_text(row.use_speed) + (f" {suffix}" if suffix and row.use_speed else "")
    texts = (
        count_text(row.parameters),
        size_text(row.size),
        duration_text(row.train_seconds),
        rate_text(row.train_speed),
        use,
    )
    won = {name for name, winner in best.items() if winner == row.name and not row.baseline}
    return element(
        "tr",
        cell(label, title=row.name),
        [
            scores(row.scores.get(x), catalogue, best=x in won, absent="", spread=row.spread.get(x))
            for x in [*metrics, "", ""][:2]
        ],
        [cell(text, kind="num") for text in texts],
        cell(spark(row.curve)),
    )


def signatures(contents: Contents) -> Markup | None:
    """Return every score with its signature, for those who cannot hover and for copying."""
    catalogue = contents.catalogue
    lines = [
        element(
            "tr",
            cell(row.label),
            cell(catalogue.known(f"metric.{name}", name)),
            scores(score, catalogue),
            cell("" if score.basis is None else score.basis.words(catalogue)),
            cell(element("code", str(score.signature)), kind="wrap"),
        )
        for row in [*contents.rows, *contents.baselines]
        for name, score in row.scores.items()
    ]
    if not lines:
        return None
    summary = element("summary", contents.catalogue.text("report.signatures"))
    return element("details", summary, scrolled(table(lines)))
