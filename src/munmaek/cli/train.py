"""``munmaek train``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json, say, seconds_text, size_text
from munmaek.cli.durations import parse_duration
from munmaek.cli.stopping import INTERRUPTED, listening
from munmaek.cli.evaluate import put_scores, scores_json
from munmaek.cli.options import DataFiles, Force, Json, LabelColumn, TextColumn, column
from munmaek.cli.progress import told
from munmaek.errors import ConfigError

__all__ = ["train"]

NEXT = {
    "lm": ("generate {}", "look {} 'a sentence'"),
    "classify": ("classify {} FILE", "look {} 'a sentence'"),
    "translate": ("translate {} FILE", "look {} 'a sentence'"),
    "mlm": (
        "fill {} 'a text with <mask> in it'",
        "train classify DATA --model bert --init {} -o DIR",
    ),
}
"""What one may want to type after training, by task; {} is the model's folder."""


def train(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            show_default=False,
            help="lm (next word), classify (label), translate (text to text) or mlm (masked word).",
        ),
    ],
    data: DataFiles,
    *,
    stage: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="STAGE",
            show_default=False,
            help="ngram, rnn, seq2seq, attention, self_attention, transformer or bert.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder of the new model."
        ),
    ],
    valid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Validation data, twice for two parallel files; else 5 % are held out.",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            show_default="bpe",
            help="words, characters, jamo, bpe, unigram, wordpiece, morphemes or morphemes+bpe.",
        ),
    ] = None,
    vocab_size: Annotated[
        int | None, typer.Option(min=8, show_default="8000", help="Tokens at most.")
    ] = None,
    order: Annotated[
        int | None,
        typer.Option(min=1, show_default=False, help="Longest n-gram counted (ngram only)."),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Begin from this model: the same stage and task, or a bert trained with mlm.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", show_default=False, help="Train this long: 90s, 5m, 1h30m."),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(show_default="10 without a budget", help="Passes over the data."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run of this command.")
    ] = False,
    force: Force = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="cpu, cuda, mps, or auto: the fastest there is.")
    ] = "auto",
    seed: Annotated[
        int | None, typer.Option(min=0, show_default="0", help="Of all chance.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            show_default=False,
            help="Options of the recipe, [model] and [train]; those given here come first.",
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    json: Json = False,
) -> None:
    """Train a model on your own text.

    It is evaluated and saved as a folder.
    Ctrl-C stops, evaluates and saves; --resume goes on later.
    """
    given = {
        "task": task,
        "stage": stage,
        "tokenizer": tokenizer,
        "vocab_size": vocab_size,
        "seed": seed,
        "text_column": column(text_column),
        "label_column": column(label_column),
    }
    deeper = {"model": {"order": order}, "train": {"budget": _budget(budget), "epochs": epochs}}
    recipe = _recipe(given, deeper, config)

    from munmaek import recipe as recipes

    with listening() as stopper, told(f"{recipe.stage} ({recipe.task})") as tell:

        def report(progress: Any) -> None:
            stopper.running = True
            tell(progress)

        trained = recipes.train(
            recipe,
            data,
            folder=output,
            valid=valid or (),
            init=init,
            force=force,
            resume=resume,
            device=_device(device, recipe.stage),
            report=report,
            should_stop=lambda: stopper.asked,
        )
    _sum_up(trained.info, output, json=json)
    if stopper.asked:
        say(f"stopped early; the same command with --resume goes on from {output}.partial")
        raise typer.Exit(INTERRUPTED)


def _budget(written: str | None) -> float | None:
    return None if written is None else parse_duration(written)


def _recipe(
    given: Mapping[str, Any], deeper: Mapping[str, Mapping[str, Any]], config: Path | None
) -> Any:
    """The recipe of the file, what the command line says in front of it, checked to the last."""
    from munmaek.models import TASKS, stages_for
    from munmaek.recipe import Recipe, read_toml

    options = dict(read_toml(config)) if config is not None else {}
    for name, values in deeper.items():
        table = options.get(name, {})
        if not isinstance(table, dict):
            message = f"{config}: {name} must be a table, written [{name}]"
            raise ConfigError(message)
        options[name] = {**table, **_present(values)}
    if isinstance(budget := options["train"].get("budget"), str):
        options["train"]["budget"] = parse_duration(budget, where=f"{config}: [train] budget =")
    options |= _present(given)
    if options["task"] not in TASKS:
        message = f"unknown task '{options['task']}'; the tasks are {', '.join(TASKS)}"
        raise ConfigError(message)
    if "stage" not in options:
        able = ", ".join(stage.name for stage in stages_for(options["task"]))
        message = f"which stage? give --model; for '{options['task']}' there are {able}"
        raise ConfigError(message)
    if "order" in _present(deeper["model"]) and options["stage"] != "ngram":
        message = f"--order is for ngram; '{options['stage']}' has no order"
        raise ConfigError(message)
    place = "the command line" if config is None else str(config)
    recipe = Recipe.of(options, where=place)
    recipe.stage_config(where=f"{place}: [model]")
    recipe.train_config(where=f"{place}: [train]")
    return recipe


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _device(name: str, stage: str) -> str:
    if name == "cpu" or (name == "auto" and stage == "ngram"):
        return "cpu"

    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        message = f"--device {name}: cannot be used here; give cpu or auto"
        raise ConfigError(message) from error
    return name


def _sum_up(info: Any, folder: Path, *, json: bool) -> None:
    if json:
        put_json(scores_json(folder, info.task, info.scores))
        return
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    kind = "n-grams" if info.stage == "ngram" else "weights"
    put_scores(info.scores)
    put("")
    put(
        f"{folder}: {info.label}, {info.parameters:,} {kind}, {size_text(size)}, "
        f"trained in {seconds_text(info.seconds)}"
    )
    say("next:")
    for command in NEXT[info.task]:
        say(f"  munmaek {command.format(folder)}")
