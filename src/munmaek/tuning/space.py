"""The options that are searched, with their ranges, and a recipe with values of theirs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from munmaek.errors import ConfigError
from munmaek.fit.config import TrainConfig
from munmaek.fit.recipe import Recipe
from munmaek.models.searched import Searched
from munmaek.toml import toml_value

__all__ = ["Dimension", "applied", "defaults", "recipe_toml", "space_of", "suggested"]

_APART: Final = ("task", "stage", "model", "train")


@dataclass(frozen=True, slots=True)
class Dimension:
    """An option that is searched."""

    name: str
    """The key as ``--set`` has it: ``max_tokens``, ``model.dropout``, ``train.learning_rate``."""
    names: frozenset[str]
    """All that it may be called by."""
    searched: Searched
    default: Any
    """Its value where it is not given."""


def space_of(recipe: Recipe, *, begun: bool, only: Sequence[str] = ()) -> list[Dimension]:
    """Return the options that a search varies: those with a range that are not given.

    Args:
        recipe: what is trained.
        begun: training begins from a model, whose sizes stay.
        only: names of options, where not all are to be varied.

    Raises:
        ConfigError: a name that is not among them, or nothing to vary.
    """
    found = [*_dimensions(recipe, begun=begun)]
    if not found:
        message = f"stage '{recipe.stage}' has no option left to search; give fewer of them"
        raise ConfigError(message)
    chosen: list[Dimension] = []
    for name in only:
        wanted = name.lstrip("-").replace("-", "_")
        one = next((each for each in found if wanted in each.names), None)
        if one is None:
            chosen_from = [each.name for each in found]
            close = get_close_matches(wanted, chosen_from, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(chosen_from)}"
            message = f"--only {name}: no option that is searched for; {hint}"
            raise ConfigError(message)
        chosen.append(one)
    return chosen or found


def _dimensions(recipe: Recipe, *, begun: bool) -> Iterator[Dimension]:
    counted = recipe.is_counted
    no_use = recipe.networks_only if counted else recipe.counted_only
    if counted:
        no_use = (*no_use, "max_tokens")
    sections: list[tuple[str, Any, Any, Any]] = [
        ("", recipe, type(recipe), {*recipe.model_fields_set, *_APART, *no_use})
    ]
    stage = recipe.stage_config()
    if not begun:
        sections.append(("model.", stage, stage.__class__, recipe.model))
    if not counted:
        sections.append(("train.", recipe.train_config(), TrainConfig, recipe.train))
    for prefix, values, kind, given in sections:
        spoken = {key: name.replace("-", "_") for name, key in kind.options.items()}
        for key, field in kind.model_fields.items():
            searched = next((each for each in field.metadata if isinstance(each, Searched)), None)
            if searched is not None and key not in given:
                names = frozenset({prefix + key, key, spoken.get(key, key)})
                yield Dimension(prefix + key, names, searched, getattr(values, key))


def suggested(trial: Any, space: Sequence[Dimension]) -> dict[str, Any]:
    """Return a value of each option, which Optuna chooses."""
    out: dict[str, Any] = {}
    for each in space:
        how = each.searched
        if how.choices:
            out[each.name] = trial.suggest_categorical(each.name, how.choices)
        elif isinstance(how.low, int) and isinstance(how.high, int):
            out[each.name] = trial.suggest_int(each.name, how.low, how.high, log=how.log)
        else:
            out[each.name] = trial.suggest_float(each.name, how.low, how.high, log=how.log)
    return out


def defaults(space: Sequence[Dimension]) -> dict[str, Any]:
    """Return the options' own values, of those that are within what is searched."""
    return {each.name: each.default for each in space if _within(each)}


def _within(option: Dimension) -> bool:
    how, value = option.searched, option.default
    if how.choices:
        return value in how.choices
    return isinstance(value, int | float) and how.low <= value <= how.high


def applied(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe with values of options.

    Raises:
        ConfigError: values that do not go together.
    """
    update: dict[str, Any] = {"model": dict(recipe.model), "train": dict(recipe.train)}
    for name, value in values.items():
        section, dot, key = name.rpartition(".")
        (update[section] if dot else update)[key] = value
    made = recipe.model_copy(update=update)
    made.stage_config()
    made.train_config()
    return made


def recipe_toml(recipe: Recipe) -> str:
    """Return what was chosen of a recipe as a file for ``munmaek train --config``."""
    chosen = {name: getattr(recipe, name) for name in sorted(recipe.model_fields_set)}
    lines = [f"# munmaek train {recipe.task} DATA --config THIS-FILE -o DIR", ""]
    for name, value in chosen.items():
        if name not in ("task", "model", "train") and value is not None:
            lines.append(f"{name} = {toml_value(value)}")
    for section in ("model", "train"):
        table: Mapping[str, Any] = getattr(recipe, section)
        given = {name: value for name, value in table.items() if value is not None}
        if given:
            lines += ["", f"[{section}]"]
            lines += [f"{name} = {toml_value(value)}" for name, value in given.items()]
    return "\n".join(lines) + "\n"
