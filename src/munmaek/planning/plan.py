"""From data, budget and the machine's speed to the options of a run.

    W = budget · products a second · share          operations that there is time for
    size ← W, between the measured runs             no more than the data and memory bear
    passes = W / (6 · products of the network · tokens)
    dropout, batches, optimiser, rate, schedule ← passes and tokens, as in the nearest runs

What is given stays as it is, and sizes that are given count for the passes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib.util import find_spec
from typing import Any, TypeVar

from munmaek.errors import ConfigError
from munmaek.fit.extra import Extra
from munmaek.fit.recipe import Recipe
from munmaek.models import stage_named
from munmaek.planning.between import between, nearest, scaled, size_for
from munmaek.planning.cost import Cost, cost_of, sizes_for
from munmaek.planning.experience import Experience, Known, experiences, known
from munmaek.planning.facts import Facts
from munmaek.planning.speed import Speed

__all__ = ["PREPARED", "Plan", "plan_for"]

R = TypeVar("R", bound=Recipe)

PREPARED = ("tokenizer", "source_tokenizer", "vocab_size", "min_count", "joint_vocabulary")
"""Options of how data are cut into tokens, which models that are compared share."""
_MEMORY = 0.5
"""Share of the free memory that training may take."""
_SHRINK = 0.95
"""Each size that is tried against data and memory is so much of the one before it."""
_FINEST = 64
"""Sizes that are tried, at most; the last is 1/27 of the largest."""
_LIMITS = ("budget", "epochs", "steps")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options that were chosen, and why."""

    task: str
    stage: str
    budget: float | None
    """Seconds; None trains until it converges."""
    tokens: int
    passes: float
    speed: float
    """Tokens a second; 0 where no speed was asked for."""
    weights: int
    near: Experience
    facts: Facts
    recipe: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: Mapping[str, Any] = field(default_factory=dict[str, Any])
    train: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    given: tuple[str, ...] = ()
    """Options that were given and stand."""
    reasons: tuple[str, ...] = ()
    """``memory``, ``data``: what made the network smaller; ``enough``: ends before its budget."""
    simpler: str = ""
    """A stage that is likely to do better in the time."""

    def filled(self, recipe: R) -> R:
        """Return the recipe with the planned options where none are given."""
        own = dict(self.recipe.items())
        return recipe.model_copy(
            update={
                **own,
                "model": {**self.model, **recipe.model},
                "train": {**self.train, **recipe.train},
            }
        )

    def beside(self, extra: Extra) -> Extra:
        """Return what is trained on besides, with what was planned where nothing is given."""
        more = {name: each for name, each in self.extra.items() if not getattr(extra, name)}
        return replace(extra, **more)

    def options(self) -> dict[str, Any]:
        """Return every planned option as ``--set`` writes it."""
        tables = {"": self.recipe, "model.": self.model, "train.": self.train}
        return {f"{at}{name}": each for at, table in tables.items() for name, each in table.items()}

    def to_json(self) -> dict[str, Any]:
        """Return plain data for ``munmaek.json``."""
        near = {"data": self.near.data, "passes": self.near.passes, "result": self.near.result}
        plain = ("budget", "tokens", "passes", "speed", "weights", "simpler")
        return {
            **{name: getattr(self, name) for name in plain},
            "options": self.options(),
            "extra": dict(self.extra),
            "given": list(self.given),
            "reasons": list(self.reasons),
            "near": {**near, "run": self.near.run},
            "facts": self.facts.to_json(),
        }


def plan_for(
    recipe: Recipe, facts: Facts, speed: Speed | None, *, shared: bool = False
) -> Plan | None:
    """Return the plan of a run; None where it goes by epochs or steps, or nothing was measured.

    Args:
        recipe: what was given; what it says stands.
        facts: of the training data.
        speed: of the machine; None where there is no budget.
        shared: the data is cut into tokens already, for several models.
    """
    what = known(recipe.task, recipe.stage)
    limits = [name for name in _LIMITS if recipe.train.get(name) is not None]
    if what is None or recipe.is_counted or (limits and "budget" not in limits):
        return None
    config = stage_named(recipe.stage).config_class()
    standing = {name: recipe.model.get(name, _usual(config, name)) for name in what.requires}
    if any(each not in what.requires[name] for name, each in standing.items()):
        return None
    return _Planning(recipe, facts, speed, what, shared).made()


def _usual(config: Any, name: str) -> Any:
    return config.model_fields[name].get_default()


class _Planning:
    """The steps from facts to a plan."""

    def __init__(
        self, recipe: Recipe, facts: Facts, speed: Speed | None, what: Known, shared: bool
    ) -> None:
        self.recipe, self.facts, self.speed, self.known = recipe, facts, speed, what
        self.shared = shared
        self.budget: float | None = recipe.train_config().budget
        self.runs = experiences(recipe.task, recipe.stage, follows=self._follows())
        self.kinds = self._kinds()
        self.tokens = max(1, facts.tokens(self.kinds))
        self.reasons: list[str] = []
        self.batch = recipe.max_tokens

    def _follows(self) -> bool:
        """Return whether rows are read as going on: as asked, else as they are."""
        given = "context" in self.recipe.model_fields_set
        return bool(getattr(self.recipe, "goes_on", False)) if given else self.facts.follows

    def _kinds(self) -> tuple[str, ...]:
        """Return the tokenizer of each side: as given, else of Hangul by morphemes."""
        kinds = self.recipe.tokenizers[-len(self.facts.sides) :]
        named = {"tokenizer", "source_tokenizer"} & self.recipe.model_fields_set
        kiwi = self.known.hangul and find_spec("kiwipiepy") is not None
        if self.shared or named or not kiwi:
            return kinds
        return tuple(
            self.known.hangul if side.is_hangul else kind
            for side, kind in zip(self.facts.sides, kinds, strict=True)
        )

    @property
    def operations(self) -> float:
        """Operations that there is time for."""
        if self.budget is None or self.speed is None:
            return math.inf
        return self.budget * self.speed.best * 1e9 * self.known.share

    def made(self) -> Plan | None:
        """Return the plan; None where a network of the stage wants sizes of its own."""
        size, cost = self._sized()
        if cost is None:
            return None
        passes = self.operations / (cost.operations * self.tokens)
        enough = max(self.known.enough, self.known.updates * self.batch / self.tokens)
        at = {"passes": min(passes, enough), "tokens": float(self.tokens)}
        tables = {
            name: between(self.runs, name, **at) for name in ("recipe", "model", "train", "extra")
        }
        tables["model"] = {**size, **tables["model"]}
        self._vocabulary(tables)
        if self.shared or self.facts.rows > self.known.extra_rows or self._against():
            tables["extra"] = {}
        if passes > enough:
            tables["train"]["epochs"] = float(math.ceil(enough))
            self.reasons.append("enough")
        rate = 0.0 if self.budget is None else passes * self.tokens / self.budget
        plan = Plan(
            self.recipe.task,
            self.recipe.stage,
            self.budget,
            self.tokens,
            min(passes, enough),
            rate,
            cost.weights,
            nearest(self.runs, **at),
            self.facts,
            **self._not_given(tables),
            given=self._given(),
            reasons=tuple(self.reasons),
            simpler=self.known.simpler if passes < self.known.worth else "",
        )
        return self._valid(plan)

    def _sized(self) -> tuple[Mapping[str, int], Cost | None]:
        """Return the sizes that there is time for, as far as data and memory go, and their cost."""
        wanted = size_for(self.runs, self.operations)
        largest = size_for(self.runs, math.inf)
        if (whole := self._cost(largest)) is None:
            return wanted, None
        low, high = 0, _FINEST if self._too_large(whole) else 0
        while low < high:  # the first of the shrinking sizes that fits
            middle = (low + high) // 2
            cost = self._cost(scaled(largest, _SHRINK**middle))
            low, high = (
                (middle + 1, high) if cost is not None and self._too_large(cost) else (low, middle)
            )
        most = scaled(largest, _SHRINK**low)
        size = {name: min(width, most[name]) for name, width in wanted.items()}
        if size != wanted:
            before = self._cost(scaled(largest, _SHRINK ** (low - 1)))
            self.reasons.append(self._too_large(before or whole))
        return size, self._cost(size)

    def _too_large(self, cost: Cost) -> str:
        if cost.inner > self.known.weights_a_token * self.tokens:
            return "data"
        asked = str(self.recipe.train_config().optimizer)
        room = math.inf if self.speed is None else _MEMORY * self.speed.memory
        return "memory" if cost.memory(optimizer=asked, batch=2 * self.batch) > room else ""

    def _cost(self, size: Mapping[str, int]) -> Cost | None:
        stage = stage_named(self.recipe.stage)
        first = nearest(self.runs, passes=1.0, tokens=float(self.tokens))
        values = {**first.model, **size, **self.recipe.model}
        sizes = sizes_for(
            stage.name,
            self.recipe.task,
            vocabulary=self._vocabulary_size(),
            labels=self.facts.labels,
        )
        if sizes is None:
            return None
        vocabulary = max((each for name, each in sizes.items() if "vocab" in name), default=0)
        if "sampled" not in self.recipe.model and (values.get("sampled") or 0) * 2 > vocabulary:
            values.pop("sampled", None)
        try:
            config = stage.config_class().of(values)
        except ConfigError:  # what is given does not go with what is planned
            config = stage.config_class().of(self.recipe.model)
        return cost_of(stage.name, self.recipe.task, config, sizes)

    def _vocabulary_size(self) -> int:
        """Estimate the tokens of the vocabulary."""
        near = nearest(self.runs, passes=1.0, tokens=self.tokens)
        given = "vocab_size" in self.recipe.model_fields_set or self.shared
        planned = near.recipe.get("vocab_size") if near.tokenizer in self.kinds else None
        most = self.recipe.vocab_size if given or planned is None else int(planned)
        distinct = max(side.distinct for side in self.facts.sides)
        return max(8, min(most, distinct + 4)) if self.kinds[-1] == "words" else most

    def _vocabulary(self, tables: dict[str, dict[str, Any]]) -> None:
        """Let the vocabulary be what tokenizers and data make of it."""
        recipe = tables["recipe"]
        names = ("source_tokenizer", "tokenizer")[-len(self.kinds) :]
        for name, kind, usual in zip(
            names, self.kinds, self.recipe.tokenizers[-len(self.kinds) :], strict=True
        ):
            if kind != usual:
                recipe[name] = kind
        alike = len(
            {
                (side.is_hangul, kind)
                for side, kind in zip(self.facts.sides, self.kinds, strict=True)
            }
        )
        if self.known.one_vocabulary and alike == 1:
            recipe["joint_vocabulary"] = True
        if len(set(self.kinds)) > 1 and (
            "source_tokenizer" not in recipe
            and "source_tokenizer" in type(self.recipe).model_fields
        ):
            recipe["source_tokenizer"] = self.kinds[0]
        words = "words" in self.kinds
        if words != (nearest(self.runs, passes=1.0, tokens=self.tokens).tokenizer == "words"):
            recipe.pop("vocab_size", None)
        if self.shared:
            for name in PREPARED:
                recipe.pop(name, None)
        if 2 * (tables["model"].get("sampled") or 0) > self._vocabulary_size():
            tables["model"].pop("sampled")

    def _against(self) -> bool:
        """Return whether something is given that does not go with what is trained on besides."""
        recipe = self.recipe
        return any(
            getattr(recipe, name) != type(recipe).model_fields[name].get_default()
            for name in self.known.extra_unless
        )

    def _not_given(self, tables: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the tables without what is given."""
        given = {
            "recipe": self.recipe.model_fields_set,
            "model": self.recipe.model.keys(),
            "train": self.recipe.train.keys(),
            "extra": (),
        }
        known_extra = {each.name for each in fields(Extra)}
        assert tables["extra"].keys() <= known_extra
        return {
            table: {name: each for name, each in values.items() if name not in given[table]}
            for table, values in tables.items()
        }

    def _given(self) -> tuple[str, ...]:
        own = self.recipe.model_fields_set - {"task", "stage", "model", "train", "seed"}
        rest = [*self.recipe.model, *(each for each in self.recipe.train if each not in _LIMITS)]
        return tuple(sorted(own) + rest)

    def _valid(self, plan: Plan) -> Plan:
        """Return the plan, without the network's options where they contradict what is given."""
        try:
            plan.filled(self.recipe)
        except ConfigError:
            plan = replace(plan, model={}, reasons=(*plan.reasons, "contradiction"))
            plan.filled(self.recipe)
        return plan
