"""How long, how fast and how carefully to train."""

from typing import Any, Literal, cast

from pydantic import Field, model_validator

from munmaek.models.configuration import Config

__all__ = ["TrainConfig"]


class TrainConfig(Config):
    """Options of the training loop; the same for every network and task.

    ``budget``, ``epochs`` and ``steps`` are limits of which the first reached ends the run; without
    any of them the run is ten epochs.
    """

    budget: float | None = Field(default=None, gt=0)
    """Seconds of training and validation, kept over interruptions; the schedule ends within it."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the training data."""
    steps: int | None = Field(default=None, gt=0)
    """Updates of the weights."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """The highest rate, reached at the end of the warm-up."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled (AdamW); matrices only, not embeddings, biases and normalisation."""
    betas: tuple[float, float] = (0.9, 0.98)
    """AdamW's decay of the first and second moment."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the run in which the rate rises."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the rate falls to nothing after the warm-up; constant stays."""
    clip: float | None = Field(default=1.0, gt=0)
    """Largest norm of the gradient of the mean loss; None clips nothing."""
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients make one step."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """What matrix products are computed in; auto is bfloat16 where that is measured to be faster.

    Weights and sums stay float32 in any case.
    """
    seed: int = Field(default=0, ge=0)
    """Of dropout and whatever else the network draws while it trains."""

    validations: int = Field(default=10, ge=1)
    """Validations over the run, at equal progress, the last at its end."""
    patience: int | None = Field(default=None, ge=1)
    """Validations without a better one after which the run ends."""

    checkpoint_every: float = Field(default=60.0, gt=0)
    """Seconds between checkpoints; one more is made at the end."""
    log_every: float = Field(default=5.0, ge=0)
    """Seconds between lines of ``log.jsonl``; one more at each validation."""

    @model_validator(mode="before")
    @classmethod
    def _ten_epochs_without_a_limit(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        if any(given.get(name) is not None for name in ("budget", "epochs", "steps")):
            return given
        return {**given, "epochs": 10.0}
