"""The sentence under each figure: what to see in it, computed from the data and true of it."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from munmaek.comparison.formats import number_text, power_text, score_text
from munmaek.comparison.reading import Bucket, Row
from munmaek.folder.info import MIXTURE
from munmaek.metrics import Score
from munmaek.metrics.score import lower_is_better
from munmaek.tasks import tasks
from munmaek.text.catalogue import TEXTS, Catalogue

K = TypeVar("K")
Curves = Mapping[str, Mapping[float, float]]
"""By label the y at each x."""

__all__ = [
    "FAILURES",
    "FILLS_SHOWN",
    "aligners",
    "alignment",
    "best_and_worst",
    "by_length",
    "diagnosis",
    "fills",
    "influence",
    "leads",
    "lower_is_better",
    "overlap",
    "ranked",
    "tiny_share",
    "told_best",
    "work",
]

FAILURES = ("ignores_source", "copies", "repeats")
"""Failures that translators are examined for (``munmaek.metrics.diagnosis``)."""

FILLS_SHOWN = 5
"""Candidates shown for each masked word."""

_ENOUGH = 20
"""Sentences that a length bucket needs before a sentence rests on it, where any has as many."""


NOTHING: Mapping[str, Any] = {}


def ranked(rows: Sequence[Row], metric: str) -> list[Row]:
    """Return rows that have ``metric``, best first."""
    having = [row for row in rows if metric in row.scores]
    sign = 1 if lower_is_better(metric) else -1
    return sorted(having, key=lambda row: sign * row.scores[metric].value)


def told_best(rows: Sequence[Row], metric: str, results: Mapping[str, Any]) -> Row | None:
    """Return the row whose score is told from all others as the best; None where none is.

    The tests tell, where the results have them; else intervals do, which must not overlap.
    """
    order = ranked([row for row in rows if not row.baseline], metric)
    if len(order) < 2:
        return None
    best, *others = order
    tested = {
        frozenset((str(pair["first"]), str(pair["second"]))): pair.get("better")
        for each in results.get("tests") or ()
        if each.get("metric") == metric and each.get("task") == best.task
        for pair in each.get("pairs") or ()
    }
    for other in others:
        key = frozenset((best.name, other.name))
        if key in tested:
            real = tested[key] == best.name
        else:
            pair = best.scores[metric], other.scores[metric]
            real = all(None not in (x.low, x.high) for x in pair) and not overlap(*pair)
        if not real:
            return None
    return best


def overlap(first: Score, second: Score) -> bool:
    """Return whether two intervals have a value in common; unknown ones have none."""
    ends = (first.low, first.high, second.low, second.high)
    if None in ends:
        return False
    low, high = ends[0] or 0.0, ends[1] or 0.0
    return (ends[2] or 0.0) <= high and low <= (ends[3] or 0.0)


def _settled(
    order: Sequence[Row], metric: str, catalogue: Catalogue, results: Mapping[str, Any]
) -> list[str]:
    """Tell whether the best two are told apart, by the tests or else by their intervals."""
    tested = [
        pair
        for each in results.get("tests") or ()
        if len(order) > 1 and each.get("metric") == metric and each.get("task") == order[0].task
        for pair in each.get("pairs") or ()
        if {pair.get("first"), pair.get("second")} == {order[0].name, order[1].name}
    ]
    if tested and isinstance(tested[0].get("p_holm"), float):
        key = "finding.told" if tested[0].get("better") else "finding.not_told"
        shown = {"first": order[0].label, "second": order[1].label}
        return [catalogue.text(key, **shown, p=f"{tested[0]['p_holm']:.3f}")]
    if len(order) < 2 or not overlap(order[0].scores[metric], order[1].scores[metric]):
        return []
    return [catalogue.text("finding.overlap", first=order[0].label, second=order[1].label)]


def _percent(share: float) -> str:
    value = 100 * share
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}"


def leads(task: str, rows: Sequence[Row]) -> list[str]:
    """Return the first score of a task that any of its rows has, then those that stand beside."""
    row = tasks().get(task)
    headline, beside = (row.headline, row.beside) if row else ((), ())
    having = dict.fromkeys(name for row in rows for name in row.scores)
    wanted = (*(name for name in headline if name in having), *having)[:1]
    return [*wanted, *(name for name in beside if name in having and name not in wanted)]


def best_and_worst(
    task: str,
    rows: Sequence[Row],
    baselines: Sequence[Row],
    catalogue: Catalogue,
    *,
    results: Mapping[str, Any] = NOTHING,
) -> list[str]:
    """Tell whose first score is best, what mixing adds, and where the baselines are."""
    metric = next(iter(leads(task, rows)), "")
    order = ranked([row for row in rows if row.stage != MIXTURE], metric)
    if not order:
        return []
    found = [_ranks(task, order, metric, catalogue), *_settled(order, metric, catalogue, results)]
    mixed = ranked([row for row in rows if row.stage == MIXTURE], metric)
    if mixed and lower_is_better(metric):
        found += _mixing(order[0], mixed[0], metric, catalogue)
    for row in ranked(baselines, metric):
        value = score_text(row.scores[metric])
        found.append(catalogue.text("finding.baseline", label=row.label, value=value))
    return found


def _ranks(task: str, order: Sequence[Row], metric: str, catalogue: Catalogue) -> str:
    best, worst = order[0], order[-1]
    first, last = best.scores[metric], worst.scores[metric]
    name, value = catalogue.known(f"metric.{metric}", metric), score_text(first)
    if len(order) > 1 and score_text(last) == value:
        return catalogue.text("finding.same", metric=name, value=value)
    one = len(order) == 1 or not math.isfinite(last.value)
    own = f"finding.{task}.{metric}"
    key = own if own in TEXTS else "finding.best"
    share = 1 - first.value / last.value if last.value else 0.0
    return catalogue.text(
        f"{key}.one" if one else key,
        best=best.label,
        value=value,
        worst=worst.label,
        low=score_text(last),
        percent=_percent(share),
        metric=name,
    )


def _mixing(single: Row, mixed: Row, metric: str, catalogue: Catalogue) -> list[str]:
    alone = single.scores[metric]
    if alone.value <= 0:
        return []
    gain = 1 - mixed.scores[metric].value / alone.value
    key = "finding.mixture.better" if gain >= 0.0005 else "finding.mixture.no_better"
    shown = {"percent": _percent(abs(gain)), "single": single.label, "value": score_text(alone)}
    return [catalogue.text(key, **shown)]


def diagnosis(rows: Sequence[Row], catalogue: Catalogue) -> list[str]:
    """Tell what is wrong with which translator, or that nothing was found."""
    failing = {
        name: [row.label for row in rows if any(x.found and x.name == name for x in row.findings)]
        for name in FAILURES
    }
    found = [
        catalogue.text(f"finding.diagnosis.{name}", labels=", ".join(labels))
        for name, labels in failing.items()
        if labels
    ]
    return found or [catalogue.text("finding.diagnosis.none")]


def by_length(rows: Sequence[Row], metric: str, catalogue: Catalogue) -> list[str]:
    """Compare the best and the worst on long sentences with where they stood on short ones."""
    tables = {row.label: _by_words(row, metric) for row in rows}
    tables = {label: table for label, table in tables.items() if table}
    if len(tables) < 2:
        return []
    common = _common(tables.values())
    any_table = next(iter(tables.values()))
    enough = [key for key in common if any_table[key].count >= _ENOUGH] or common
    if len(enough) < 2:
        return []
    short, long = enough[0], enough[-1]

    def value(label: str, key: tuple[int, int]) -> float:
        return tables[label][key].scores[metric].value

    order = sorted(tables, key=lambda label: value(label, long), reverse=lower_is_better(metric))
    worst, best = order[0], order[-1]
    if abs(value(best, long) - value(worst, long)) < 0.1:
        return []
    return [
        catalogue.text(
            "finding.length",
            metric=catalogue.text(f"metric.{metric}"),
            short=any_table[short].words,
            long=any_table[long].words,
            best=best,
            worst=worst,
            best_short=f"{value(best, short):.1f}",
            worst_short=f"{value(worst, short):.1f}",
            best_long=f"{value(best, long):.1f}",
            worst_long=f"{value(worst, long):.1f}",
        )
    ]


def _by_words(row: Row, metric: str) -> Mapping[tuple[int, int], Bucket]:
    return {(each.low, each.high): each for each in row.buckets if metric in each.scores}


def alignment(
    weights: Sequence[Sequence[float]],
    gold: Collection[tuple[int, int]],
    rate: Score | None,
    catalogue: Catalogue,
) -> list[str]:
    """Count linked target words that give most weight to a source word of theirs; give the AER."""
    linked: dict[int, set[int]] = {}
    for source, target in gold:
        linked.setdefault(target, set()).add(source)
    rows = {target: weights[target] for target in linked if target < len(weights)}
    hits = sum(_heaviest(row) in linked[target] for target, row in rows.items())
    said = [catalogue.text("finding.alignment", hits=hits, total=len(rows))] if rows else []
    if rate is not None:
        said.append(catalogue.text("finding.aer", value=score_text(rate)))
    return said


def aligners(rows: Sequence[Row], baselines: Sequence[Row], catalogue: Catalogue) -> list[str]:
    """Tell whose links are nearest to the gold ones."""
    order = ranked([*rows, *baselines], "aer")
    if len(order) < 2:
        return []
    best, worst = order[0], order[-1]
    shown = [score_text(row.scores["aer"]) for row in (best, worst)]
    said = catalogue.text(
        "finding.aligners", best=best.label, value=shown[0], worst=worst.label, low=shown[1]
    )
    return [said, *_settled(order, "aer", catalogue, NOTHING)]


def _heaviest(row: Sequence[float]) -> int:
    """Return where a row is greatest, −1 where nothing in it is a number."""
    known = [(weight, -place) for place, weight in enumerate(row) if math.isfinite(weight)]
    return -max(known)[1] if known else -1


def fills(entries: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> list[str]:
    """Count how often the hidden word is the first candidate, and how often among those shown."""
    asked = [entry for entry in entries if entry.get("answer") and entry.get("candidates")]
    if not asked:
        return []
    places = [_place(entry) for entry in asked]
    first = sum(place == 0 for place in places)
    shown = sum(place is not None for place in places)
    return [catalogue.text("finding.fills", first=first, shown=shown, total=len(asked))]


def _place(entry: Mapping[str, Any]) -> int | None:
    answer = str(entry["answer"]).strip()
    tokens = [str(each.get("token", "")).strip() for each in entry["candidates"][:FILLS_SHOWN]]
    return tokens.index(answer) if answer in tokens else None


def _shared(curves: Curves) -> list[float]:
    """Return the x that all curves have, rising."""
    return sorted(_common(curves.values()))


def _common(tables: Iterable[Mapping[K, object]]) -> list[K]:
    """Return the keys that every table has, in the first one's order."""
    keys = [list(table) for table in tables]
    return [key for key in keys[0] if all(key in each for each in keys)] if keys else []


def influence(curves: Curves, catalogue: Catalogue) -> tuple[str, list[str]]:
    """Return whose first word keeps most of its influence, to be accented, and a sentence on it.

    Norms of different models are not on one scale, so each is compared with its own start.
    """
    shared = _shared(curves)
    kept = {
        label: table[shared[-1]] / table[shared[0]]
        for label, table in curves.items()
        if len(shared) > 1 and table[shared[0]] > 0
    }
    order = sorted(kept, key=kept.__getitem__)
    if len(order) < 2:
        return next(iter(curves), ""), []
    worst, best = order[0], order[-1]
    said = catalogue.text(
        "finding.influence",
        near=f"{shared[0]:g}",
        far=f"{shared[-1]:g}",
        worst=worst,
        best=best,
        worst_share=tiny_share(kept[worst]),
        best_share=tiny_share(kept[best]),
    )
    return best, [said]


def work(curves: Curves, catalogue: Catalogue) -> tuple[str, list[str]]:
    """Return whose work for a word grows most, to be accented, and a sentence on how much."""
    shared = _shared(curves)
    if len(shared) < 2:
        return next(iter(curves), ""), []
    near, far = shared[0], shared[-1]
    growth = {label: table[far] / table[near] for label, table in curves.items() if table[near] > 0}
    order = sorted(growth, key=growth.__getitem__)
    if len(order) < 2:
        return next(iter(curves), ""), []
    least, most = order[0], order[-1]
    said = catalogue.text(
        "finding.work",
        most=most,
        least=least,
        near=f"{near:g}",
        far=f"{far:g}",
        most_times=number_text(growth[most]),
        least_times=number_text(growth[least]),
    )
    return most, [said, catalogue.text("finding.work.order")]


def tiny_share(share: float) -> str:
    """Write a share as percent with two digits, however small."""
    percent = 100 * share
    if 0 < percent < 1e-4:
        return f"{power_text(math.floor(math.log10(percent)))}\u2009%"
    digits = max(0, 1 - math.floor(math.log10(percent))) if percent > 0 else 0
    return f"{percent:.{min(digits, 5)}f}\u2009%"
