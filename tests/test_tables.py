"""Outside their rows no code asks which task, stage or model class it has: read in the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import munmaek
from munmaek.models import LINEAGE
from munmaek.tasks import TASKS

SOURCE = Path(munmaek.__file__).parent
OVER = ("look", "comparison", "web", "cli", "pipeline.py", "several.py", "serve", "sklearn.py")
BESIDE = ("kenlm.py", "filtering", "tuning", "predicting.py", "thresholds.py", "folds.py")
UNDER = ("exchange", "folder", "fit", "decode", "align", "metrics", "nn", "data")
READ = (*OVER, *BESIDE, *UNDER)
"""What runs over the tables, and what lies under them."""
NAMES = {row.name for row in (*TASKS, *LINEAGE)} | {"mixture"}
SHARED = {"Config", "Searched"}
"""Classes beside the stages that are of none: a base and a mark of their options."""

REMAINING = {
    "cli/train.py": 1,  # memory for counting, touched before anything is imported
    "fit/optimiser.py": 1,  # torch's Embedding, which has the name of a task's class
    "sklearn.py": 1,  # what a pickle holds, of whatever model
}
"""Questions that a file may still ask, and why; the numbers only fall."""


def files() -> Iterator[Path]:
    for name in READ:
        place = SOURCE / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else (place,)


def classes() -> set[str]:
    """Return the classes of the tasks and of the lineage; a protocol may be asked for."""
    found: set[str] = set()
    for path in [*(SOURCE / "tasks").rglob("*.py"), *(SOURCE / "models").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {name for base in node.bases for name in names(base)}
                found |= set() if "Protocol" in bases else {node.name}
    return found - SHARED


def names(node: ast.AST) -> set[str]:
    inner = list(ast.walk(node))
    return {each.id for each in inner if isinstance(each, ast.Name)} | {
        each.attr for each in inner if isinstance(each, ast.Attribute)
    }


def strings(node: ast.expr) -> set[str]:
    """Return a text, or those of a display such as ``("lm", "mlm")``."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    parts: list[ast.expr | None] = []
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = list(node.elts)
    elif isinstance(node, ast.Dict):
        parts = list(node.keys)
    return set().union(*(strings(part) for part in parts if part is not None))


def asks(node: ast.AST, known: set[str]) -> bool:
    """Return whether a node asks for a class, or for the name of a task or a stage."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        kinds = node.args[1:2] if node.func.id in ("isinstance", "issubclass") else []
        return any(known & names(kind) for kind in kinds)
    if isinstance(node, ast.Compare):
        return any(NAMES & strings(side) for side in (node.left, *node.comparators))
    if isinstance(node, ast.match_case):
        inner = ast.walk(node.pattern)
        values = [each.value for each in inner if isinstance(each, ast.MatchValue)]
        return any(NAMES & strings(value) for value in values)
    return False


def questions(text: str, known: set[str]) -> list[int]:
    """Return the line of every question."""
    tree = ast.parse(text)
    return [getattr(node, "lineno", 0) for node in ast.walk(tree) if asks(node, known)]


def test_what_runs_over_the_tables_asks_no_task_stage_or_class() -> None:
    known = classes()
    assert {row.model.split(":")[1] for row in TASKS} <= known
    found = {
        str(path.relative_to(SOURCE)): questions(path.read_text(encoding="utf-8"), known)
        for path in files()
    }
    more = {name: lines for name, lines in found.items() if len(lines) > REMAINING.get(name, 0)}
    assert not more, f"ask the row, or the model by a protocol, rather than: {more}"


def test_places_that_are_still_named_are_there() -> None:
    assert {name for name in REMAINING if not (SOURCE / name).is_file()} == set()


@pytest.mark.parametrize(
    "asked",
    [
        "isinstance(model, Classifier)",
        "isinstance(model, Classifier | Regressor)",
        "isinstance(model, (int, models.Tagger))",
        'info.task == "lm"',
        'info.task not in ("lm", "mlm")',
        '"ngram" != info.stage',
        'info.stage in {"rnn": 1}',
    ],
)
def test_such_a_question_is_found(asked: str) -> None:
    assert questions(f"if {asked}: pass", classes()) == [1]


def test_a_name_that_is_matched_is_found_and_other_questions_are_not() -> None:
    known = classes()
    matched = "match task:\n    case 'lm' | 'mlm':\n        pass\n    case _:\n        pass\n"
    assert len(questions(matched, known)) == 1
    others = "isinstance(x, Inspectable)\nx == 'score'\ntask_named('lm')\n{'lm': 1}\n"
    assert questions(others, known) == []
