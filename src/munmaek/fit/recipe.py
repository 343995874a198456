"""What a person chooses for one model: frozen, validated on entry, saved with the result."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.config import TrainConfig
from munmaek.fit.holding import NOTHING, HoldOut
from munmaek.folder.writing import MANIFEST
from munmaek.metrics import CHOSE_TEMPERATURE, CHOSE_WEIGHTS, VALIDATION
from munmaek.models import stage_named, stages_for
from munmaek.models.configuration import Config
from munmaek.text.tokenizers import KINDS

__all__ = ["Recipe", "read_toml", "validation_roles"]


def _known_tokenizer(name: str) -> str:
    if name not in KINDS and not (Path(name) / MANIFEST).is_file():
        message = f"neither a kind of tokenizer nor a model's folder; kinds are {', '.join(KINDS)}"
        raise ValueError(message)
    return name


TokenizerName = Annotated[str, AfterValidator(_known_tokenizer)]


class Recipe(Config):
    """Everything that decides a model besides its data."""

    task: str
    stage: str
    tokenizer: TokenizerName = "bpe"
    """A kind to learn, or the folder of a model whose tokenizer is taken as it is."""
    source_tokenizer: TokenizerName | None = None
    """The same for the source (translate); None is ``tokenizer``."""
    joint_vocabulary: bool = False
    """One tokenizer, learned from both sides, and one embedding for both (translate)."""
    bpe_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability that a merge is left out, anew in each pass (translate; bpe, morphemes+bpe)."""
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of a text's tokens that <mask> replaces, anew in each pass (classify)."""
    source_tag: str = ""
    """Written before every source, training and validation (translate; Johnson et al. 2017)."""
    tag_column: str | int | None = None
    """Column of a table with what is written before each source instead (translate)."""
    back_translated_tag: str = "<BT>"
    """Written before sources that a model made (translate; Caswell et al. 2019)."""
    vocab_size: int = Field(default=8000, ge=8)
    """Tokens at most; a small text gives fewer."""
    min_count: int = Field(default=1, ge=1)
    """Occurrences below which a word is unknown (words and morphemes)."""
    model: dict[str, Any] = Field(default_factory=dict)
    """The stage's own configuration."""
    train: dict[str, Any] = Field(default_factory=dict)
    """The training loop's configuration."""
    max_tokens: int = Field(default=2048, ge=1)
    """Tokens a batch, padding counted."""
    context: Literal["sentence", "document"] = "sentence"
    """Where a recurrent language model begins anew (lm): at each sentence, or nowhere."""
    rows: int = Field(default=20, ge=1)
    """Rows in which a document is read side by side (lm)."""
    stretch: int = Field(default=70, ge=6)
    """Tokens over which gradients go back in a document (lm)."""
    small_states: float = Field(default=0.0, ge=0)
    """Weight of the hidden states' mean square (lm; Merity et al. 2018, α)."""
    slow_states: float = Field(default=0.0, ge=0)
    """Weight of their mean squared change (lm; the same, β)."""
    limit: int = Field(default=256, ge=8)
    """Tokens of one text that are read (classify, translate, mlm)."""
    smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Label smoothing (translate)."""
    guide_weight: float = Field(default=1.0, ge=0)
    """Weight of the loss on attention where links guide it (translate)."""
    guide_repeat: int = Field(default=1, ge=1)
    """Times that a guided pair is seen in each pass (translate)."""
    mask_rates: tuple[float, ...] = (0.15,)
    """Share of the words masked in each pass; the last holds for all later ones (mlm)."""
    causal_passes: float = Field(default=0.0, ge=0)
    """Passes, or a part of one, that predict from the left before masks begin (mlm)."""
    whole_words: bool = True
    """Mask whole words rather than pieces (mlm)."""
    next_sentence: bool = False
    """Learn too whether one text follows another, of documents with empty lines between (mlm)."""
    temperature: float = Field(default=0.05, gt=0)
    """By which cosines are divided before softmax (embed; Gao et al. 2021, τ)."""
    batch_texts: int = Field(default=64, ge=2)
    """Texts of a batch, of which each has all others as negatives (embed)."""
    pooling: Literal["mean", "first"] | None = None
    """What becomes of a text's vectors (embed); None is as the model that training begins from."""
    min_score: float | None = None
    """Pairs with a smaller number are not trained on (embed, with ``pairs``)."""
    keep_text: bool | None = None
    """Keep the training text beside an n-gram model; None does where the tables are larger."""
    text_column: str | int | None = None
    label_column: str | int | None = None
    """Of the label, or of the number (regress)."""
    pairs: bool = False
    """Rows hold two texts each (classify, regress, embed)."""
    second_column: str | int | None = None
    """Of the second text of each pair."""
    class_weights: Literal["balanced"] | dict[str, float] | None = None
    """Of each label in the loss (classify, tag): ``balanced`` is inverse to how often it occurs.

    They are scaled so that the mean over the training data is 1; a label left out weighs 1 before.
    """
    calibrate: bool = False
    """Fit a temperature to the probabilities on the validation data (classify)."""
    train_rows: int | None = Field(default=None, ge=2)
    """Train on that many rows, drawn at random (classify, regress, tag); None takes all. Fewer rows
    are always among more."""
    hold_out: HoldOut = None
    """Rows of the training data held out where no validation data is given: ``20%`` or ``500``.

    None holds 5 % out, 2,000 at most, and nothing where the model is counted."""
    hold_out_seed: int | None = Field(default=None, ge=0)
    """Of the choice of rows held out and of ``train_rows``; None is ``seed``."""
    seed: int = Field(default=0, ge=0)

    @property
    def choice_seed(self) -> int:
        """Of the choice of rows."""
        return self.seed if self.hold_out_seed is None else self.hold_out_seed

    @property
    def is_counted(self) -> bool:
        """Whether the model is counted, for which no validation chooses anything."""
        return stage_named(self.stage).counted

    @property
    def is_trained(self) -> bool:
        """Whether validation chooses something: the weights, or the temperature."""
        return self.calibrate or not self.is_counted

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
            what = "--calibrate" if self.is_counted else f"stage '{self.stage}'"
            chosen = "its temperature" if self.is_counted else "its weights"
            message = (
                f"--hold-out 0: {what} chooses {chosen} by validation; hold some rows out, or "
                "give --valid FILE"
            )
            raise ConfigError(message)
        return needed if self.hold_out is None else self.hold_out != NOTHING

    def stage_config(self, *, where: str = "[model]") -> Any:
        """The stage's configuration, resolved and validated.

        Raises:
            ConfigError: an unknown option or a value out of range.
            UnsupportedError: an unknown stage, or one that cannot do the task.
        """
        stage = stage_named(self.stage)
        stage.network_class(self.task)
        self._check_labelling(where)
        self._check_translation(where)
        self._check_masking(where)
        if self.context == "document" and (self.task, self.stage) != ("lm", "rnn"):
            message = (
                f"{where}: context = 'document' is for rnn language models; "
                f"'{self.stage}' for '{self.task}' reads sentence by sentence"
            )
            raise ConfigError(message)
        return stage.config_class().of(self.model, where=where)

    def _check_translation(self, where: str) -> None:
        """Options of translators, where there is none or they contradict each other."""
        asked = {
            "source_tokenizer": self.source_tokenizer is not None,
            "joint_vocabulary": self.joint_vocabulary,
            "bpe_dropout": self.bpe_dropout > 0,
            "source_tag": bool(self.source_tag),
            "tag_column": self.tag_column is not None,
        }
        for name, given in asked.items():
            if given and self.task != "translate":
                message = f"{where}: {name} is for 'translate', not for '{self.task}'"
                raise ConfigError(message)
        source = self.source_tokenizer or self.tokenizer
        if self.joint_vocabulary and source != self.tokenizer:
            message = (
                f"{where}: joint_vocabulary is one tokenizer for both sides, got '{source}' for "
                f"the source and '{self.tokenizer}' for the target; leave one of the options out"
            )
            raise ConfigError(message)

    def _check_masking(self, where: str) -> None:
        """Passes from the left, where there are none or another task stands beside."""
        if self.causal_passes and self.task != "mlm":
            message = f"{where}: causal_passes is for 'mlm', not for '{self.task}'"
            raise ConfigError(message)
        if self.causal_passes and self.next_sentence:
            message = (
                f"{where}: causal_passes and next_sentence do not go together, for a text that is "
                "read from the left says nothing of a later one; leave one of them out"
            )
            raise ConfigError(message)
        if self.causal_passes and self.train.get("patience") is not None:
            message = (
                f"{where}: causal_passes and patience do not go together, for validation hides "
                "words and gets no better until masks begin; leave one of them out"
            )
            raise ConfigError(message)

    def check_guide(self, *, given: bool, counts_words: bool) -> None:
        """Whether a guide goes with the other options.

        Args:
            given: there is a guide.
            counts_words: it names words by their number, of texts without tags.

        Raises:
            UnsupportedError: pieces that change from pass to pass, or words that tags shift.
        """
        if given and self.bpe_dropout > 0:
            message = "a guide links the pieces of each pair, which bpe_dropout cuts anew; drop one"
            raise UnsupportedError(message)
        if counts_words and (self.source_tag or self.tag_column is not None):
            message = (
                "a guide counts the words of the source, which a tag shifts by one; write the tags "
                "into the text itself, or let the built-in aligner guide: --guide statistical"
            )
            raise UnsupportedError(message)

    def _check_labelling(self, where: str) -> None:
        """Options of labelled data, where there is none or the stage has no use for them."""
        asked = {
            "pairs": (self.pairs, ("classify", "regress", "embed"), False),
            "class_weights": (self.class_weights is not None, ("classify", "tag"), False),
            "calibrate": (self.calibrate, ("classify",), True),
            "word_dropout": (self.word_dropout > 0, ("classify",), False),
            "train_rows": (self.train_rows is not None, ("classify", "regress", "tag"), True),
        }
        for name, (given, tasks, counted) in asked.items():
            if given and self.task not in tasks:
                able = " and ".join(f"'{task}'" for task in tasks)
                message = f"{where}: {name} is for {able}, not for '{self.task}'"
                raise ConfigError(message)
            if given and self.stage == "ngram" and not counted:
                able = ", ".join(s.name for s in stages_for(self.task) if s.name != "ngram")
                message = f"{where}: stage 'ngram' has no {name}; stages that have: {able}"
                raise UnsupportedError(message)

    def train_config(self, *, where: str = "[train]") -> TrainConfig:
        """The loop's configuration, with what suits this task and stage filled in.

        Raises:
            ConfigError: an unknown option or a value out of range.
        """
        usual = stage_named(self.stage).training.get(self.task, {})
        return TrainConfig.of({"seed": self.seed, **usual, **self.train}, where=where)


def validation_roles(recipe: Recipe) -> tuple[str, ...]:
    """Return what validation data is called beside scores, and what it chose of the model."""
    chosen = [CHOSE_WEIGHTS] * (not recipe.is_counted) + [CHOSE_TEMPERATURE] * recipe.calibrate
    return (VALIDATION, *chosen)


_LARGEST = 1 << 20
"""Bytes of a file of options, at most."""


def read_toml(path: Path | str) -> Mapping[str, Any]:
    """The options in a TOML file, unchecked.

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
