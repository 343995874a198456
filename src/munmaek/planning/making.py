"""A run's plan made: speed measured, kept for a run that goes on, and told to whoever watches."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.fit import ranks
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import Running
from munmaek.planning.facts import Facts
from munmaek.text.json_files import read_json_object
from munmaek.writing import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from munmaek.planning.plan import Plan

__all__ = ["planner_of"]

_KEPT = "plan.json"
"""The file with what a plan rests on besides recipe and data: the machine's speed, the budget."""


def planner_of(
    folder: Path | None, running: Running, *, resume: bool, shared: bool = False
) -> "Callable[[Recipe, Any], Plan | None] | None":
    """Return what plans a run; None where it is not planned, as under torchrun.

    Args:
        folder: of the run's checkpoints, where what the plan rests on is kept; None keeps nothing.
        running: how the call is carried out.
        resume: take what was kept, so that the plan is the same.
        shared: the data is cut into tokens already, for several models.
    """
    if not running.plans or ranks.several():
        return None

    def planned(recipe: Recipe, facts: Facts) -> "Plan | None":
        from munmaek.planning.plan import plan_for  # which loads torch

        place = None if folder is None else folder / _KEPT
        if resume and place is not None and place.exists():
            speed, budget = _kept(place)
            before = recipe.model_copy(update={"train": {**recipe.train, **budget}})
            plan = plan_for(before, facts, speed, shared=shared)
        elif resume and place is not None and any(place.parent.glob("checkpoints/*")):
            return None  # it began before there were plans
        else:
            plan = _fresh(recipe, facts, running.device, place, shared=shared)
        if plan is not None and running.planned is not None:
            running.planned(plan)
        return plan

    return planned


def _fresh(
    recipe: Recipe, facts: Facts, device: str, place: Path | None, *, shared: bool
) -> "Plan | None":
    from munmaek.planning.plan import plan_for
    from munmaek.planning.speed import cached_speed

    budget = recipe.train_config().budget
    speed = None if budget is None else cached_speed(device)
    plan = plan_for(recipe, facts, speed, shared=shared)
    if place is not None and plan is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        kept = {"speed": None if speed is None else speed.to_json(), "budget": budget}
        write_text(place, json.dumps(kept) + "\n")
    return plan


def _kept(place: Path) -> tuple[Any, dict[str, Any]]:
    from munmaek.planning.speed import Speed

    kept = read_json_object(place)
    speed, budget = kept.get("speed"), kept.get("budget")
    return (
        None if speed is None else Speed(**speed),
        {} if budget is None else {"budget": budget},
    )
