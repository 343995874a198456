"""``munmaek.compare``: models side by side, on data that a program holds or on files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from munmaek.comparison.run import compare as run
from munmaek.comparison.settings import Candidate, CompareSettings, parse_candidate
from munmaek.errors import ConfigError
from munmaek.fit.devices import usable_device
from munmaek.models import stage_named, stages_for
from munmaek.pipeline import keys_of, options_of, sources_for
from munmaek.tasks import Task, task_named

__all__ = ["compare"]


def compare(
    task: str,
    *data: Any,
    models: Sequence[str | Path],
    valid: Any = None,
    test: Any = None,
    save: Path | str | None = None,
    force: bool = False,
    device: str = "auto",
    model_options: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Train several stages on the same data under the same budget and measure them alike.

    Args:
        task: as ``munmaek.train`` takes it.
        data: what to train on, as ``munmaek.train`` takes it.
        models: stages to train, ``STAGE@DIR`` to begin from a trained model, or trained folders.
        valid: validation data; without it some of the data is held out where a model needs it.
        test: test data; without it the validation data.
        save: folder for ``report.html``, ``results.json`` and the models.
        force: replace what is at ``save``.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the fastest there is.
        model_options: options of each stage, by its name.
        options: of the task and of the training loop, by their names, for all of them;
            ``log_to``, as ``munmaek.train`` takes it, which follows each training; and ``seeds``,
            with each of which each stage is trained once on the same split, for mean and spread.

    Returns:
        What ``results.json`` says: a row for each model under ``models``, with its scores.

    Raises:
        InputError: data that cannot be used, with its row or line; or ``save`` exists.
        ConfigError: no model, or an option that there is not.
        UnsupportedError: a stage that cannot do the task.
    """
    log_to, seeds = options.pop("log_to", None), tuple(options.pop("seeds", ()))
    row, candidates = task_named(task), tuple(parse_candidate(str(each)) for each in models)
    by_stage = {name: _stage_options(name, given) for name, given in (model_options or {}).items()}
    held, tested = (() if each is None else sources_for(row, each) for each in (valid, test))
    settings = CompareSettings(
        recipe=_recipe(row, candidates, options),
        candidates=candidates,
        train=sources_for(row, data),
        valid=held,
        test=tested,
        folder=None if save is None else Path(save),
        force=force,
        device=usable_device(device),
        log_to=log_to,
        title=task,
        seeds=seeds,
        models=by_stage,
    )
    return run(settings)


def _stage_options(stage: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stage's options by their keys, checked."""
    kind = stage_named(stage).config_class()
    names = keys_of(kind)
    values = {names.get(name, name): value for name, value in given.items()}
    kind.of(values, where=f"model_options of {stage}")
    return values


def _recipe(task: Task, candidates: Sequence[Candidate], options: Mapping[str, Any]) -> Any:
    """Return the recipe common to all, checked for each stage before anything is read."""
    stages = [each.stage for each in candidates if each.stage is not None]
    stages = stages or [stages_for(task.name)[-1].name]
    values, extra = options_of(task, stages[0], options)
    if values["model"] or extra.given:
        keys = keys_of(stage_named(stages[0]).config_class())
        own = [name for name in options if keys.get(name) in values["model"]]
        names = ", ".join([*own, *extra.given])
        message = f"{names}: not of all models; give model_options={{'{stages[0]}': {{...}}}}"
        raise ConfigError(message)
    made = [task.recipe_class().of({**values, "stage": stage}) for stage in stages]
    return made[0]
