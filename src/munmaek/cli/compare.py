"""``munmaek compare``."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.board import board, put_remarks
from munmaek.cli.choices import known_task, merged, place
from munmaek.cli.console import put, put_json
from munmaek.cli.options import (
    Budget,
    ConfigFile,
    DataFiles,
    Device,
    Epochs,
    Force,
    HoldOut,
    Json,
    LabelColumn,
    PairRows,
    SecondColumn,
    Seed,
    TextColumn,
    TokenizerKind,
    Valid,
    VocabSize,
    column,
)
from munmaek.durations import parse_duration
from munmaek.errors import ConfigError
from munmaek.fit.devices import usable_device

__all__ = ["compare"]


def compare(
    data: DataFiles,
    *,
    models: Annotated[
        str,
        typer.Option(
            metavar="A,B,C",
            show_default=False,
            help="Stages to train, STAGE@DIR to begin from a trained one, or trained folders.",
        ),
    ],
    task: Annotated[
        str,
        typer.Option(metavar="TASK", help="lm, classify, regress, tag, translate, mlm or embed."),
    ] = "lm",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            show_default=False,
            help="Folder of report.html, results.json and the models; without it only the table.",
        ),
    ] = None,
    valid: Valid = None,
    hold_out: HoldOut = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Test data, twice for two parallel files; else the validation data.",
        ),
    ] = None,
    tokenizer: TokenizerKind = None,
    vocab_size: VocabSize = None,
    budget: Budget = None,
    epochs: Epochs = None,
    beam: Annotated[int, typer.Option(min=1, metavar="N", help="Beam of translators.")] = 5,
    ter: Annotated[
        bool,
        typer.Option(
            "--ter/--no-ter", help="Count the edits of translators; slow on long sentences."
        ),
    ] = True,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with an interrupted comparison of this command."),
    ] = False,
    force: Force = False,
    device: Device = "auto",
    seed: Seed = None,
    config: ConfigFile = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    pairs: PairRows = False,
    second_column: SecondColumn = None,
    json: Json = False,
) -> None:
    """Train several stages on the same data, side by side.

    Each gets the same budget. A table grows as they are trained; with -o a report is written, and
    --resume goes on after an interruption.
    """
    seconds = None if budget is None else parse_duration(budget)
    options = {
        "task": known_task(task),
        "tokenizer": tokenizer,
        "vocab_size": vocab_size,
        "seed": seed,
        "hold_out": hold_out,
        "text_column": column(text_column),
        "label_column": column(label_column),
        "pairs": pairs or second_column is not None or None,
        "second_column": column(second_column),
    }
    training = {"budget": seconds, "epochs": epochs}
    over = {name: value for name, value in options.items() if value is not None}
    limits = {name: value for name, value in training.items() if value is not None}
    chosen = merged(config, {**over, "train": limits})
    stage_options: Any = chosen.pop("models", {})
    names = [each.strip() for each in models.split(",") if each.strip()]

    from munmaek.comparison import CompareSettings, parse_candidate
    from munmaek.comparison import compare as run
    from munmaek.tasks.work import Measuring

    candidates = tuple(parse_candidate(each) for each in names)
    settings = CompareSettings(
        recipe=_recipe(chosen, candidates, place(config), stage_options),
        candidates=candidates,
        train=data,
        valid=valid or (),
        test=test or (),
        folder=output,
        force=force,
        resume=resume,
        device=usable_device(device),
        measuring=Measuring(beam=beam, with_ter=ter),
        title=f"{task}: {', '.join(data)}",
        command=shlex.join(["munmaek", *sys.argv[1:]]),
        models=stage_options,
    )
    with board(sys.stderr if json else None) as report:
        results = run(settings, report)
    if json:
        put_json(results)
        return
    put_remarks(results)
    if output is not None:
        put(f"\nreport    {output / 'report.html'}")
        put(f"results   {output / 'results.json'}")
        put(f"models    {output / 'models'}")


def _recipe(options: dict[str, Any], candidates: Any, where: str, by_stage: Any) -> Any:
    """The recipe common to all, with each stage's own options checked before anything is read."""
    from munmaek.models import stage_named
    from munmaek.tasks.recipe import Recipe

    for stage, values in by_stage.items():
        if not isinstance(values, dict):
            message = f"{where}: models.{stage} must be a table, written [models.{stage}]"
            raise ConfigError(message)
        stage_named(stage).config_class().of(values, where=f"{where}: [models.{stage}]")
    stages = [each.stage for each in candidates if each.stage is not None]
    recipe = Recipe.of({**options, "stage": stages[0] if stages else "rnn"}, where=where)
    for stage in stages:
        recipe.model_copy(update={"stage": stage}).train_config(where=f"{where}: [train]")
    return recipe
