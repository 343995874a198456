"""A plan as one paragraph, in English or Korean, and as options to type."""

import json
import os
import shlex
from collections.abc import Mapping
from typing import Any, Final

from munmaek.models import stages
from munmaek.terminal import seconds_text
from munmaek.text.catalogue import Catalogue
from munmaek.toml import toml_value

__all__ = ["again", "language_here", "paragraph"]

_REASONS: Final = ("enough", "data", "memory", "contradiction")
_TOLD: Final = 12
"""Options that are named in the paragraph; \"again\" has all."""


def language_here() -> str:
    """Return ``ko`` where the terminal's language is Korean, else ``en``."""
    names = (os.environ.get(each) for each in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ko" if next(filter(None, names), "").startswith("ko") else "en"


def paragraph(plan: Mapping[str, Any], stage: str, language: str) -> str:
    """Return a plan in sentences.

    Args:
        plan: ``Plan.to_json()``, or ``training.plan`` of ``munmaek.json``.
        stage: whose plan it is.
        language: ``en`` or ``ko``.
    """
    texts = Catalogue(language)
    budget, near = plan["budget"], plan["near"]
    options = [f"{name.rpartition('.')[2]} {_short(each)}" for name, each in _told(plan)]
    about = {
        "label": _label(stage, plan),
        "weights": f"{plan['weights']:,}",
        "options": ", ".join(options),
    }
    passes = f"{plan['passes']:.2g}" if plan["passes"] < 10 else f"{plan['passes']:.0f}"
    read = {"tokens": f"{plan['tokens']:,}", "passes": passes, "speed": f"{plan['speed']:,.0f}"}
    parts = [
        texts.text("plan.free", **about)
        if budget is None
        else texts.text("plan.budget", time=seconds_text(budget), **about),
        texts.text("plan.epochs" if budget is None else "plan.reads", **read),
        texts.text("plan.near", **near),
        *(texts.text(f"plan.{each}") for each in _REASONS if each in plan["reasons"]),
    ]
    if plan["extra"].get("alignment_supervision"):
        parts.append(texts.text("plan.guided"))
    if plan["simpler"]:
        parts.append(texts.text("plan.simpler", stage=plan["simpler"]))
    if plan["given"]:
        parts.append(texts.text("plan.given", names=", ".join(plan["given"])))
    return " ".join(parts)


def again(plan: Mapping[str, Any], command: str) -> str:
    """Return a command with every planned option, so that it trains alike anywhere."""
    options = [f"{name}={toml_value(each)}" for name, each in plan["options"].items()]
    extra = [
        part
        for name, each in plan["extra"].items()
        for part in (f"--{name.replace('_', '-')}", str(each))
    ]
    words = [each for option in options for each in ("--set", option)]
    return f"{command} {shlex.join([*extra, *words])}"


def _told(plan: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the options that say most: sizes and rates first."""
    leading = ("model.", "train.", "")
    items = list(plan["options"].items())
    order = {
        name: (leading.index(f"{name.partition('.')[0]}." if "." in name else ""), at)
        for at, (name, _) in enumerate(items)
    }
    return sorted(items, key=lambda each: order[each[0]])[:_TOLD]


def _label(stage: str, plan: Mapping[str, Any]) -> str:
    row = stages()[stage]
    model = {
        name.removeprefix("model."): each
        for name, each in plan["options"].items()
        if name.startswith("model.")
    }
    return row.label_of(row.config_class().of(model)) if model else row.name


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(json.loads(json.dumps(value)))
