"""Living models as one HTML file, and as one module of JavaScript for other pages."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from munmaek import pages
from munmaek.errors import UnsupportedError
from munmaek.figures import Figure, check_figures, record_figures
from munmaek.fit.trained import Trained
from munmaek.look.capture import Looking, capture
from munmaek.look.living.packing import Precision
from munmaek.look.living.weights import LivingModel, living_model
from munmaek.text.catalogue import TEXTS, Catalogue

__all__ = ["living_html", "living_module", "living_page", "still_figures"]

STILL: Final = 12
"""Figures of each model for readers without a script, at most."""


def living_module(model: LivingModel) -> str:
    """Return a module of JavaScript that computes what ``model`` does, in any page.

    It exports ``load``, the model's ``weights`` and, loaded already, ``model``.
    """
    engine = (files("munmaek") / "web" / "static" / "engine.js").read_text(encoding="utf-8")
    return (
        f"// A living model of munmaek: {_one_line(model.name)}\n{engine}\n"
        "export const { load } = munmaekLive;\n"
        f"export const weights = {model.json};\nexport const model = load(weights);\n"
    )


def _one_line(name: str) -> str:
    """Return a name that cannot end a comment."""
    return json.dumps(name, ensure_ascii=True)


def living_page(
    models: Sequence[LivingModel],
    *,
    title: str,
    example: str,
    second: str | None = None,
    still: Sequence[Figure] = (),
    language: str = "en",
) -> str:
    """Return one page in which the models compute; it needs and asks nothing beside itself.

    Args:
        models: one or more, beside each other on one sentence.
        title: the page's name.
        example: the sentence to begin with.
        second: the second text of a pair, or the translation to look at, to begin with.
        still: figures that a reader without a script sees.
        language: of what stands there before the script runs, ``en`` or ``ko``.
    """
    data = {f"model-{place}": each.json for place, each in enumerate(models)}
    boot = {"title": title, "example": example, "second": second, "models": list(data)}
    return pages.page(
        "living",
        f'<div id="app">{_still(still, title, language)}</div>',
        title=f"{title} · munmaek",
        root=f'lang="{language}"',
        data={"boot": json.dumps(boot, ensure_ascii=False), **data},
        first="old",
    )


def living_html(
    models: Trained | Sequence[Trained],
    text: str,
    *,
    title: str,
    names: Sequence[str] = (),
    precision: Precision | None = None,
    language: str = "en",
) -> str:
    """Return the living page of trained models on a sentence: all that a guide's figure needs.

    Args:
        models: one, or several beside each other.
        text: the sentence to begin with.
        title: the page's name.
        names: of the models; by default what each calls itself.
        precision: of the weights; None takes the most exact that is small.
        language: of what a reader without a script sees.

    Raises:
        UnsupportedError: a model that does not compute in a page.
        ConfigError: one that is too large for a page.
    """
    given: list[Any] = [models] if isinstance(models, Trained) else list(models)
    called = list(names) or [each.info.label for each in given]
    made = [
        living_model(each, name=name, precision=precision)
        for each, name in zip(given, called, strict=True)
    ]
    still = still_figures(given, text, names=called, language=language)
    return living_page(made, title=title, example=text, still=still, language=language)


def still_figures(
    models: Sequence[Trained],
    text: str,
    *,
    names: Sequence[str | Path],
    second: str | None = None,
    target: str | None = None,
    language: str = "en",
) -> list[Figure]:
    """Return the first figures of each model on a sentence, none without the ``figures`` extra."""
    try:
        check_figures()
    except UnsupportedError:
        return []
    found: list[Figure] = []
    for model, name in zip(models, names, strict=True):
        record = capture(model, text, target, name=name, pair=second, how=Looking(measures=False))
        found += record_figures([record.to_json(room=None)], language=language)[:STILL]
    return found


def _still(figures: Sequence[Figure], title: str, language: str) -> str:
    """Return what stands in the page before its script runs, and stays where none does."""
    catalogue = Catalogue(language)
    old = escape(TEXTS["live.old"][0 if language == "en" else 1], quote=True)
    drawn = "".join(
        f"<figure><h2>{escape(each.title)}</h2>{each.svg}"
        f"<figcaption>{escape(each.caption)}</figcaption></figure>\n"
        for each in figures
    )
    return (
        f'<main class="still"><h1>{escape(title)}</h1>'
        f'<p class="notice" id="old" data-old="{old}">{escape(catalogue.text("live.noScript"))}</p>'
        f"\n{drawn}</main>"
    )
