"""A person's choices for one model of any task: frozen, validated on entry, saved with it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar, cast

from pydantic import AfterValidator, Field, PrivateAttr

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.config import LIMITS, TrainConfig
from munmaek.fit.holding import NOTHING, HoldOut
from munmaek.folder.writing import MANIFEST
from munmaek.metrics import CHOSE_WEIGHTS, VALIDATION
from munmaek.models import stage_named, stages, stages_for, without_alias
from munmaek.models.configuration import Config
from munmaek.models.searched import Searched
from munmaek.text.sources import UTF8, check_encoding
from munmaek.text.tokenizers import KINDS

__all__ = ["Encoding", "Recipe", "TokenizerName", "read_toml", "validation_roles"]


def _known_tokenizer(name: str) -> str:
    if name not in KINDS and not (Path(name) / MANIFEST).is_file():
        message = f"neither a kind of tokenizer nor a model's folder; kinds are {', '.join(KINDS)}"
        raise ValueError(message)
    return name


SMALL: Final = {"tokenizer": "words", "vocab_size": 500}
"""Options of models that are small enough to see, of every stage."""
SMALL_STEPS: Final = 1000
"""Updates that such models take where no limit is given: seconds on any machine."""
R = TypeVar("R", bound="Recipe")
Encoding = Annotated[str, AfterValidator(check_encoding)]
TokenizerName = Annotated[str, AfterValidator(_known_tokenizer)]


class Recipe(Config):
    """Everything besides the data that decides a model; each task adds its own options.

    The configurations of the stage and of the training loop are validated once and carried.
    """

    section: ClassVar[str] = "recipe"
    networks_only: ClassVar[tuple[str, ...]] = ()
    """Options of which a counted model has no use."""
    training: ClassVar[tuple[str, ...]] = ("max_tokens", "seed")
    """Options that say how a model is trained, not what of the data."""
    counted_only: ClassVar[tuple[str, ...]] = ()
    """Options of which a network has none."""

    task: str
    """The task's name."""
    stage: str
    """The stage's name, or one of its aliases: ``lstm`` is an ``rnn`` with that cell."""
    tokenizer: TokenizerName = "bpe"
    """Tokenizer to learn, or the folder of a model whose tokenizer is taken as it is: words,
    characters, jamo, bpe, unigram, wordpiece, morphemes or morphemes+bpe."""
    vocab_size: int = Field(default=8000, ge=8)
    """Largest vocabulary, in tokens; a small text gives fewer."""
    min_count: int = Field(default=1, ge=1)
    """Occurrences below which a word is unknown (words, morphemes) or spelled in subwords."""
    model: dict[str, Any] = Field(default_factory=dict)
    """Options of the stage, a table."""
    train: dict[str, Any] = Field(default_factory=dict)
    """Options of the training loop, a table."""
    encoding: Encoding = UTF8
    """Encoding of files of text: utf-8, cp949, euc-kr, utf-16, latin-1 or another of Python's."""
    max_tokens: Annotated[int, Searched(choices=(512, 1024, 2048, 4096))] = Field(
        default=2048, ge=1
    )
    """Tokens of a batch, padding counted."""
    hold_out: HoldOut = None
    """Rows held out for validation where no such data is given: ``500``, ``20%`` or ``0``; without
    it 5 %, 2,000 rows at most, and nothing where the model is counted."""
    hold_out_seed: int | None = Field(default=None, ge=0)
    """Seed of the choice of rows held out or drawn; without it ``seed``."""
    train_rows: int | None = Field(default=None, ge=2)
    """Rows to train on, drawn at random, fewer always among more; without it all."""
    seed: int = Field(default=0, ge=0)
    """Seed of everything random: weights, order of the data, dropout, rows held out."""
    small_enough_to_see: bool = False
    """Take, for whatever is not given, sizes at which every number can be shown: width 4 to 8, one
    layer, one or two heads, 500 words, 1,000 steps."""

    _resolved: dict[str, Any] = PrivateAttr(default_factory=dict[str, Any])

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options under the names of today, a stage's alias as what it stands for.

        Raises:
            ValueError: the stage's options say otherwise.
        """
        given = super().given(values)
        stage, meant = without_alias(str(given.get("stage")))
        if given.get("small_enough_to_see") is True:
            given = _small(given, stage)
        if not meant:
            return given
        model = cast("dict[str, Any]", given.get("model", {}))
        for name, value in meant.items():
            if model.get(name, value) != value:
                message = f"stage '{given['stage']}' has {name} = '{value}', not '{model[name]}'"
                raise ValueError(message)
        return {**given, "stage": stage, "model": {**meant, **model}}

    @classmethod
    def of(cls: type[R], values: Mapping[str, Any], *, where: str = "the configuration") -> R:
        """Validate ``values``, the tables ``model`` and ``train`` among them.

        Raises:
            ConfigError: an unknown option or a value out of range.
            UnsupportedError: an unknown stage, or one that cannot do the task.
        """
        recipe = super().of(values, where=where)
        recipe.stage_config(where=f"{where}: [model]")
        recipe.train_config(where=f"{where}: [train]")
        return recipe

    def model_copy(self: R, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> R:  # noqa: ARG002 - all values are plain
        """Return the recipe with other options, validated anew."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).of({**given, **(update or {})})

    @property
    def tokenizers(self) -> tuple[str, str]:
        """Return the kinds, or folders, of the source's tokenizer and of the target's."""
        return self.tokenizer, self.tokenizer

    @property
    def choice_seed(self) -> int:
        """Return the seed of the choice of rows."""
        return self.seed if self.hold_out_seed is None else self.hold_out_seed

    @property
    def is_counted(self) -> bool:
        """Return true for a model that is counted, for which no validation chooses anything."""
        return stage_named(self.stage).counted

    @property
    def is_trained(self) -> bool:
        """Return true where validation chooses something of the model."""
        return bool(self.chosen_by_validation)

    @property
    def chosen_by_validation(self) -> tuple[str, ...]:
        """Return the roles that validation has besides: what it chooses of the model."""
        return () if self.is_counted else (CHOSE_WEIGHTS,)

    def holds_out(self, *, valid: bool) -> bool:
        """Return whether rows of the training data are to be held out.

        Args:
            valid: validation data is given.

        Raises:
            ConfigError: nothing is held out where validation is needed, or rows are held out
                beside the validation data that is given.
        """
        if valid and self.hold_out not in (None, NOTHING):
            message = (
                f"--hold-out {self.hold_out}: validation data is given too; leave one of them out"
            )
            raise ConfigError(message)
        if valid:
            return False
        needed = self.is_trained
        if needed and self.hold_out == NOTHING:
            stage = f"stage '{self.stage}' chooses its weights"
            what = "--calibrate chooses its temperature" if self.is_counted else stage
            message = (
                f"--hold-out 0: {what} by validation; hold some rows out, or give --valid FILE"
            )
            raise ConfigError(message)
        return needed if self.hold_out is None else self.hold_out != NOTHING

    def stage_config(self, *, where: str = "[model]") -> Any:
        """Return the stage's configuration, resolved and validated the first time.

        Raises:
            ConfigError: an unknown option, a value out of range, or options that contradict.
            UnsupportedError: an unknown stage, or one that cannot do the task.
        """
        if "model" not in self._resolved:
            stage = stage_named(self.stage)
            stage.network_class(self.task)
            self._check_stage(where)
            self.check_options(where)
            self._resolved["model"] = stage.config_class().of(self.model, where=where)
        return self._resolved["model"]

    def check_options(self, where: str) -> None:
        """Check options of the task that depend on one another or on the stage.

        Raises:
            ConfigError: they contradict each other.
        """

    def _check_stage(self, where: str) -> None:
        """Refuse options that the stage has no use for."""
        counted, able = self.is_counted, stages_for(self.task)
        for name in self.networks_only if counted else self.counted_only:
            if getattr(self, name) == type(self).model_fields[name].get_default():
                continue
            those = ", ".join(each.name for each in able if each.counted is not counted)
            message = f"{where}: stage '{self.stage}' has no {name}; stages that have: {those}"
            raise UnsupportedError(message)

    def train_config(self, *, where: str = "[train]") -> TrainConfig:
        """Return the loop's configuration, with what suits this task and stage filled in.

        Raises:
            ConfigError: an unknown option or a value out of range.
        """
        if "train" not in self._resolved:
            usual = stage_named(self.stage).training.get(self.task, {})
            values = {"seed": self.seed, **usual, **self.train}
            self._resolved["train"] = TrainConfig.of(values, where=where)
        return self._resolved["train"]


def _small(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the options with the sizes of a stage's small models where none are given.

    Raises:
        ValueError: the stage has no such sizes.
    """
    stage = stages().get(name)
    if stage is None:
        return dict(given)
    if not stage.small:
        message = f"stage '{name}' has no small sizes of its own; leave it out and give sizes"
        raise ValueError(message)
    kind = str(given.get("tokenizer", SMALL["tokenizer"]))
    usual = SMALL if kind in KINDS else {}  # a model's folder brings its own
    tables = {key: {**small, **given.get(key, {})} for key, small in stage.small.items()}
    if "train" in tables and not any(tables["train"].get(each) for each in LIMITS):
        tables["train"]["steps"] = SMALL_STEPS
    return {**usual, **given, **tables}


def validation_roles(recipe: Recipe) -> tuple[str, ...]:
    """Return what validation data is called beside scores, and what it chose of the model."""
    return (VALIDATION, *recipe.chosen_by_validation)


_LARGEST = 1 << 20
"""Bytes of a file of options, at most."""


def read_toml(path: Path | str) -> Mapping[str, Any]:
    """Read the options in a TOML file, unchecked.

    Raises:
        InputError: the file is missing.
        ConfigError: it is not TOML; names the line.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            message = f"over {_LARGEST:,} bytes"
            raise ValueError(message)
        return tomllib.loads(content.decode())
    except OSError as error:
        message = f"{path}: cannot read: {error.strerror}"
        raise InputError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{path}: not TOML: {error}"
        raise ConfigError(message) from error
