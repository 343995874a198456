"""Recipes by task: each task has a class of its own; what several tasks share stands here."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import BeforeValidator, Field, ValidationError

from munmaek.errors import ConfigError
from munmaek.fit.recipe import Recipe as Shared
from munmaek.tasks import task_named, tasks

__all__ = ["Bounded", "Column", "Recipe", "Rows", "Texts"]


def _numbered(column: Any) -> Any:
    digits = isinstance(column, str) and re.fullmatch(r"[0-9]+", column)
    return int(column) if digits else column


Column = Annotated[str | int | None, BeforeValidator(_numbered)]
"""The name of a table's column, or its number from 0."""


R = TypeVar("R", bound="Recipe")


class Recipe(Shared):
    """Everything that decides a model besides its data: ``Recipe(task="lm", stage="rnn")``.

    What is made is of the task's own class, which its row of ``TASKS`` names.
    """

    def __new__(cls: type[R], **options: Any) -> R:
        """Return an instance of the task's class."""
        made = _class_of(options) if cls is Recipe else cls
        return cast("R", super().__new__(cast("Any", made)))

    def __init__(self, **options: Any) -> None:
        """Validate the options.

        Raises:
            ConfigError: an unknown option or a value out of range.
        """
        try:
            super().__init__(**options)
        except ValidationError as error:
            raise ConfigError(self.refusal(error)) from error

    @classmethod
    def of(cls: type[R], values: Mapping[str, Any], *, where: str = "the configuration") -> R:
        """Validate ``values``, which name the task, as the task's class."""
        made = _class_of(values) if cls is Recipe else cls
        return cast("R", super(Recipe, made).of(values, where=where))

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of this task.

        Raises:
            ValueError: an option that other tasks have; names them.
        """
        given = super().given(values)
        for name in given.keys() - cls.model_fields.keys():
            able = [
                f"'{each.name}'"
                for each in tasks().values()
                if name in each.recipe_class().model_fields
            ]
            if able:
                message = f"{name} is for {' and '.join(able)}, not for '{given.get('task')}'"
                raise ValueError(message)
        return given


def _class_of(options: Mapping[str, Any]) -> type[Recipe]:
    return task_named(str(options.get("task"))).recipe_class()


class Texts(Recipe):
    """Options of data that is running text, or a column of a table."""

    text_column: Column = None
    """Column of a table's text: its name, or its number from 0; without it, found by its name."""

    @property
    def holds_out_documents(self) -> bool:
        """Return true where whole documents are held out rather than lines."""
        return False

    @property
    def goes_on(self) -> bool:
        """Return true where a line is read on from the one before it."""
        return self.holds_out_documents


class Rows(Texts):
    """Options of data that is a text or two in each row, with what is known of them."""

    networks_only: ClassVar[tuple[str, ...]] = ("pairs",)

    label_column: Column = None
    """Column of the label or number: its name, or its number from 0; without it, found by its
    name."""
    pairs: bool = False
    """Read two texts in each row."""
    second_column: Column = None
    """Column of the second text of each pair: its name, or its number from 0; implies ``pairs``."""

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options, where a column of second texts makes pairs."""
        given = super().given(values)
        return {**given, "pairs": True} if given.get("second_column") is not None else given


class Bounded(Recipe):
    """Options of tasks that read a text up to a length."""

    max_length: int = Field(default=256, ge=8)
    """Longest text in tokens, special ones counted; more is cut off."""
