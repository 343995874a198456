"""Write docs/en/reference.md and docs/ko/reference.md: every verb, option and configuration key.

    python tools/reference.py            # writes both
    python tools/reference.py --check    # leaves with 1 where one is not current

What stands there is read from the command line and from the classes of options themselves. Meanings
in Korean are in src/munmaek/cli/meanings.json, by the English ones: a new or changed meaning has
none until it is written there, and one that is no longer used is told.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from munmaek.cli.app import app
from munmaek.cli.compare import PARAMETERS
from munmaek.cli.config import BESIDE
from munmaek.cli.evaluate import parameters as evaluate_parameters
from munmaek.cli.parameters import OWN, TRAINING, Parameters, shown
from munmaek.cli.train import BESIDES, RUNNING
from munmaek.cli.tune import TUNING
from munmaek.declared import REQUIRED, Field, class_value, fields_of
from munmaek.models import LINEAGE, Stage
from munmaek.models.renamed import RENAMED
from munmaek.tasks import TASKS

DOCS = Path(__file__).resolve().parent.parent / "docs"
MEANINGS = DOCS.parent / "src" / "munmaek" / "cli" / "meanings.json"
SHARED = "munmaek.fit.recipe:Recipe"
APART = {
    "train": {**RUNNING, **BESIDES},
    "config": BESIDE,
    "compare": PARAMETERS,
    "evaluate": evaluate_parameters(),
    "tune": TUNING,
}
"""What the verbs of all tasks take besides the configuration, whose options stand by its keys."""

WORDS = {
    "en": {
        "title": "Reference",
        "intro": "Every command, option and configuration key. This page is made by "
        "`tools/reference.py` from the program itself. `munmaek config TASK --model STAGE` prints "
        "the keys of one model as a file for `--config`; `--set KEY=VALUE` sets any of them.",
        "verbs": "Commands",
        "of": "`munmaek {}` has these, and the options that stand by the keys of its task below:",
        "keys": "Configuration keys",
        "recipe": "Every task",
        "task": "Task {}",
        "stage": "Stage {}: `[model]`",
        "train": "Training loop: `[train]`",
        "usual": "Defaults of `[train]` by task and stage",
        "renamed": "Names of earlier versions",
        "still": "These are still read, with a note:",
        "verb": ("option", "value", "default", "meaning"),
        "key": ("key", "option", "type", "default", "meaning"),
        "defaults": ("task", "stage", "keys"),
        "names": ("place", "old", "now"),
    },
    "ko": {
        "title": "참조",
        "intro": "모든 명령, 옵션, 설정 키입니다. 이 문서는 `tools/reference.py`가 프로그램에서 "
        "만듭니다. `munmaek config 과제 --model 단계`는 한 모델의 키를 `--config`가 읽는 파일로 "
        "출력하고, `--set 키=값`은 그 가운데 아무것이나 정합니다.",
        "verbs": "명령",
        "of": "`munmaek {}`의 옵션은 이것들과, 아래 과제의 키에 적힌 옵션들입니다:",
        "keys": "설정 키",
        "recipe": "모든 과제",
        "task": "과제 {}",
        "stage": "단계 {}: `[model]`",
        "train": "학습: `[train]`",
        "usual": "과제와 단계에 따른 `[train]`의 기본값",
        "renamed": "이전 판의 이름",
        "still": "아직 읽으며, 새 이름을 알려 줍니다:",
        "verb": ("옵션", "값", "기본값", "뜻"),
        "key": ("키", "옵션", "형", "기본값", "뜻"),
        "defaults": ("과제", "단계", "키"),
        "names": ("자리", "이전", "지금"),
    },
}


@dataclass
class Page:
    """The page in one language."""

    language: str
    meanings: dict[str, str]
    used: set[str] = field(default_factory=set[str])
    lines: list[str] = field(default_factory=list[str])

    def say(self, name: str, *values: str) -> str:
        """Return a text of the page itself."""
        return str(WORDS[self.language][name]).format(*values)

    def meaning(self, english: str) -> str:
        """Return a meaning in the page's language."""
        text = " ".join(english.split())
        if not text or self.language == "en":
            return text
        self.used.add(text)
        return self.meanings.get(text, "")

    def heading(self, level: int, text: str) -> None:
        """Add a heading."""
        self.lines += [*[""] * bool(self.lines[-1]), f"{'#' * level} {text}", ""]

    def table(self, names: str, rows: Iterable[Sequence[str]]) -> None:
        """Add a table, whose head is ``names`` of ``WORDS``."""
        head = WORDS[self.language][names]
        self.lines += [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def commands(group: Any, ctx: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and command of every verb and sub-command, but not of each task."""
    for name in group.list_commands(ctx):
        each = group.get_command(ctx, name)
        path = f"{before}{name}"
        yield path, each
        if path == "data":
            inside = type(ctx)(each, info_name=name, parent=ctx)
            yield from commands(each, inside, f"{path} ")


def write_commands(page: Page) -> None:
    """Add a section for each verb."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("munmaek", ["data"], resilient_parsing=True)
    page.heading(2, page.say("verbs"))
    for path, each in commands(root, context):
        page.heading(3, f"munmaek {path}")
        page.lines.append(page.meaning(each.help.split("\n\n")[0] if each.help else ""))
        if path in APART:
            page.lines += ["", page.say("of", path)] if path != "evaluate" else []
            write_apart(page, APART[path])
        rows = [_option(page, one) for one in each.params if one.name != "help"]
        if rows and path not in APART:
            page.lines.append("")
            page.table("verb", rows)


def _option(page: Page, one: Any) -> list[str]:
    argument = one.param_type_name == "argument"
    names = (
        (one.metavar or one.name.upper())
        if argument
        else ", ".join((*one.opts, *one.secondary_opts))
    )
    value = "" if argument or getattr(one, "is_flag", False) else one.metavar or "N"
    wanted = one.show_default
    default = wanted if isinstance(wanted, str) else ""
    if not default and wanted and one.default not in (None, False, ..., ()):
        default = str(one.default)
    return [_code(names), _code(str(value)), default, page.meaning(getattr(one, "help", "") or "")]


def write_apart(page: Page, parameters: Parameters) -> None:
    """Add what a verb of all tasks takes besides the configuration."""
    rows: list[list[str]] = []
    for name, (annotated, _) in parameters.items():
        option = annotated.__metadata__[0]
        argument = isinstance(option, typer.models.ArgumentInfo)
        flag = option.metavar or "" if argument else f"--{name.replace('_', '-')}"
        flag = next(iter(option.param_decls or ()), flag)
        panel = getattr(option, "rich_help_panel", None) or ""
        besides = ", ".join(task.name for task in TASKS if name in task.besides)
        able = panel if panel.split(", ")[0] in [task.name for task in TASKS] else besides
        meaning = page.meaning(option.help) + (f" ({able})" if able else "")
        value = "" if argument else option.metavar or ""
        default = option.show_default if isinstance(option.show_default, str) else ""
        rows.append([_code(flag), _code(value), default, meaning])
    page.lines.append("")
    page.table("verb", rows)


def _type(one: Field) -> str:
    if one.choices:
        return " \\| ".join(map(_code, one.choices)).replace("\\|", "·")
    names = "/".join(sorted(one.types - {"None"}))
    return f"{names} {one.range}".strip()


def write_keys(page: Page, path: str, names: Iterable[str], options: dict[str, str]) -> None:
    """Add a table of the keys of a class."""
    found, flags = fields_of(path), {key: f"--{option}" for option, key in options.items()}
    page.table(
        "key",
        (
            [
                _code(name),
                _code(flags.get(name, "")),
                _type(found[name]),
                "" if found[name].default is REQUIRED else shown(found[name].default),
                page.meaning(found[name].doc),
            ]
            for name in names
        ),
    )


def write_configuration(page: Page) -> None:
    """Add a section for recipe, task, stage and loop."""
    shared = [name for name in fields_of(SHARED) if name not in OWN]
    page.heading(2, page.say("keys"))
    page.heading(3, page.say("recipe"))
    write_keys(page, SHARED, shared, {name.replace("_", "-"): name for name in shared})
    for task in TASKS:
        own = [name for name in fields_of(task.recipe) if name not in (*shared, *OWN)]
        page.heading(3, page.say("task", f"`{task.name}`"))
        write_keys(page, task.recipe, own, {name.replace("_", "-"): name for name in own})
    for stage in LINEAGE:
        page.heading(3, page.say("stage", f"`{stage.name}`"))
        write_keys(
            page, stage.config, fields_of(stage.config), class_value(stage.config, "options")
        )
    page.heading(3, page.say("train"))
    write_keys(page, TRAINING, fields_of(TRAINING), class_value(TRAINING, "options"))
    page.heading(3, page.say("usual"))
    page.table("defaults", (_usual(stage, task) for stage in LINEAGE for task in stage.training))
    page.heading(2, page.say("renamed"))
    page.lines += [page.say("still"), ""]
    names = {"recipe": "", "train": "[train]", "command line": "--"}
    page.table(
        "names",
        (
            [names[section], _code(old), _code(new)]
            for section, table in RENAMED.items()
            for old, new in table.items()
        ),
    )


def _usual(stage: Stage, task: str) -> list[str]:
    values = (f"`{key} = {shown(value)}`" for key, value in stage.training[task].items())
    return [_code(task), _code(stage.name), ", ".join(values)]


def page_in(language: str) -> Page:
    """Return the page in a language."""
    meanings = json.loads(MEANINGS.read_text(encoding="utf-8")) if MEANINGS.exists() else {}
    page = Page(language, meanings)
    page.lines += [f"# {page.say('title')}", "", page.say("intro")]
    write_commands(page)
    write_configuration(page)
    return page


def main() -> int:
    """Write or check both pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if not current")
    check, faults = parser.parse_args().check, 0
    for language in WORDS:
        page, path = page_in(language), DOCS / language / "reference.md"
        text = "\n".join(page.lines) + "\n"
        missing = sorted(page.used - {key for key, value in page.meanings.items() if value})
        unused = sorted(page.meanings.keys() - page.used) if language != "en" else []
        for fault, texts in (("no Korean for", missing), ("no longer used", unused)):
            for each in texts:
                sys.stdout.write(f"{MEANINGS.name}: {fault}: {each}\n")
                faults += 1
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stdout.write(f"{path}: not current; run tools/reference.py\n")
            faults += 1
    if not check:
        _build_site()
    return min(faults, 1)


def _build_site() -> None:
    """Build the site of the documents anew, of which these pages are two."""
    sys.path.insert(0, str(DOCS))
    from guide_site import build_site

    build_site()


if __name__ == "__main__":
    sys.exit(main())
