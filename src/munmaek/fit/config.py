"""Options of the training loop."""

from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from munmaek.durations import parse_duration
from munmaek.models.configuration import Config
from munmaek.models.searched import Searched

__all__ = ["LIMITS", "MAY_CHANGE", "TrainConfig"]

LIMITS = ("budget", "epochs", "steps")
"""Options that end a run, the first reached."""

MAY_CHANGE = {
    "budget", "epochs", "steps", "validations", "patience", "checkpoint_every", "log_every",
    "tensorboard", "shards",
}  # fmt: skip
"""Options that a resumed run may have otherwise than the one it goes on from."""


def _seconds(written: Any) -> Any:
    return parse_duration(written, where="budget =") if isinstance(written, str) else written


class TrainConfig(Config):
    """Options of the training loop; the same for every network and task.

    ``budget``, ``epochs`` and ``steps`` are limits of which the first reached ends the run; without
    any of them the run is ten epochs.
    """

    section: ClassVar[str] = "train"
    options: ClassVar[dict[str, str]] = {
        "budget": "budget",
        "epochs": "epochs",
        "steps": "steps",
        "optimizer": "optimizer",
        "learning-rate": "learning_rate",
        "weight-decay": "weight_decay",
        "schedule": "schedule",
        "warmup": "warmup",
        "patience": "patience",
        "precision": "precision",
        "shards": "shards",
        "fsdp": "sharded",
        "tensorboard": "tensorboard",
    }
    """Keys that the command line has options for; all others by ``--set train.KEY=VALUE``."""

    budget: Annotated[float | None, BeforeValidator(_seconds)] = Field(default=None, gt=0)
    """Time of training and validation, kept over interruptions, in seconds or as 90s, 5m or 1h30m;
    the schedule ends within it."""
    epochs: float | None = Field(default=None, gt=0)
    """Epochs, passes over the training data, at most; 10 where neither these nor steps nor a budget
    are given."""
    steps: int | None = Field(default=None, gt=0)
    """Updates of the weights, at most."""

    optimizer: Literal["adamw", "sgd", "muon"] = "adamw"
    """Optimizer of the weights; muon (Jordan et al. 2024) is for the stack's matrices, with AdamW
    for all else."""
    learning_rate: Annotated[float, Searched(3e-5, 1e-2, log=True)] = Field(default=2e-3, gt=0)
    """Highest learning rate, reached at the end of the warm-up."""
    weight_decay: Annotated[float, Searched(1e-4, 0.3, log=True)] = Field(default=0.01, ge=0)
    """Weight decay of matrices, not of embeddings, biases and normalisation; decoupled with AdamW
    (Loshchilov & Hutter 2019)."""
    betas: tuple[float, float] = (0.9, 0.98)
    """AdamW's decay of the first and second moment (Kingma & Ba 2015)."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Momentum of SGD."""
    schedule: Literal["cosine", "linear", "constant", "one-cycle", "wsd", "inverse-sqrt"] = "cosine"
    """Schedule by which the learning rate falls to 0 after the warm-up; constant stays.

    ``one-cycle`` (Smith 2018) rises and falls along cosines while the momentum (AdamW's first beta)
    goes the other way; ``wsd`` is warm-up, stable, decay (Hu et al. 2024); ``inverse-sqrt`` falls
    with the root of the steps and never to nothing (Vaswani et al. 2017, eq. 3).
    """
    warmup: Annotated[float, Searched(0, 0.3)] = Field(default=0.05, ge=0, lt=1)
    """Warm-up, the share of the run in which the learning rate rises; 0.3 with one-cycle, where not
    given."""
    decay: float = Field(default=0.2, gt=0, le=1)
    """Share of the run, its last, in which ``wsd`` falls."""
    averaging: Literal["none", "exponential", "last", "triggered"] = "none"
    """Average of the weights, which the model gets if it validates better than the best weights.

    ``exponential`` runs over all steps; ``last`` takes those of the last ``average_over``
    validations; ``triggered`` all since validation has stopped improving, and validates the mean
    from there on (Merity et al. 2018, §4).
    """
    average_decay: float = Field(default=0.999, gt=0, lt=1)
    """Share of the exponential mean that each step keeps."""
    average_over: int = Field(default=5, ge=2)
    """Validations whose weights ``last`` averages."""
    trigger: int = Field(default=5, ge=1)
    """Validations by which none may be better for ``triggered`` to begin."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of each layer as a share of that of the layer above (Howard & Ruder 2018, §3.2:
    1 / 2.6)."""
    unfreeze: float = Field(default=0.0, ge=0, lt=1)
    """Share of the run over which layers join in, from the top down (Howard & Ruder 2018, §3.3)."""
    clip: float | None = Field(default=1.0, gt=0)
    """Largest norm of the gradient of the mean loss; without it nothing is clipped."""
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients make one step."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """Precision of matrix products, Muon's too; auto is bfloat16 where it is measured to be faster.

    Weights and sums stay float32 in any case.
    """
    shards: int | None = Field(default=None, ge=1)
    """Virtual processes that define the run: each step takes batches for each, and any number of
    processes up to it gives the same weights; one for each process where not given."""
    sharded: bool = False
    """Under torchrun, divide the weights too (FSDP2) rather than the data alone (DDP)."""
    seed: int = Field(default=0, ge=0)
    """Seed of dropout and whatever else the network draws while it trains; the recipe's, where not
    given."""

    validations: int = Field(default=10, ge=1)
    """Validations over the run, at equal progress, the last at its end."""
    patience: int | None = Field(default=None, ge=1)
    """Early stopping, after so many validations without a better one; without it never."""

    checkpoint_every: float = Field(default=60.0, gt=0)
    """Seconds between checkpoints; one more is written at the end."""
    log_every: float = Field(default=5.0, ge=0)
    """Seconds between lines of ``log.jsonl``; one more is written at each validation."""
    tensorboard: bool = False
    """Write what ``log.jsonl`` says for TensorBoard too."""

    @model_validator(mode="before")
    @classmethod
    def _a_cycle_rises_longer(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        if given.get("schedule") == "one-cycle" and given.get("warmup") is None:
            return {**given, "warmup": 0.3}
        return given

    @model_validator(mode="before")
    @classmethod
    def _ten_epochs_without_a_limit(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        if any(given.get(name) is not None for name in LIMITS):
            return given
        return {**given, "epochs": 10.0}
