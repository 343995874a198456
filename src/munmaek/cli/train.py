"""``munmaek train``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.choices import known_task, merged, place
from munmaek.cli.counting import Memory, ReservedWords, TempDir, Threads, count_ngrams, room_for
from munmaek.cli.durations import parse_duration
from munmaek.cli.labelled import (
    Calibrate,
    ClassWeights,
    Curve,
    Patience,
    Seeds,
    SoftLabels,
    labelled_options,
    sizes_and_seeds,
)
from munmaek.cli.ngram_options import (
    KeepText,
    KenlmCompatible,
    MinCount,
    Order,
    Prune,
    PruneEntropy,
    SmoothingName,
    refuse_for,
    thresholds,
)
from munmaek.cli.options import (
    BackTranslated,
    BackTranslatedTag,
    BpeDropout,
    Budget,
    ConfigFile,
    DataFiles,
    Device,
    Epochs,
    Force,
    HoldOut,
    JointVocabulary,
    Json,
    LabelColumn,
    PairRows,
    SecondColumn,
    Seed,
    SourceTag,
    SourceTokenizerKind,
    TagColumn,
    TextColumn,
    TokenizerKind,
    Valid,
    VocabSize,
    column,
)
from munmaek.cli.training import Job, forecast, sum_up, train_once, train_several
from munmaek.errors import ConfigError

__all__ = ["train"]


def train(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            show_default=False,
            help="lm (next word), classify (label), regress (number), tag (label of every word), "
            "translate (text to text), mlm (masked word) or embed (sentence vectors).",
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
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder of the new model."
        ),
    ] = None,
    valid: Valid = None,
    hold_out: HoldOut = None,
    tokenizer: TokenizerKind = None,
    vocab_size: VocabSize = None,
    min_count: MinCount = None,
    order: Order = None,
    smoothing: SmoothingName = None,
    prune: Prune = None,
    prune_entropy: PruneEntropy = None,
    kenlm_compatible: KenlmCompatible = None,
    keep_text: KeepText = None,
    init: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Begin from this model: the same stage and task, or what was pre-trained: a bert "
            "for classify, regress and tag, an rnn with lm for classify.",
        ),
    ] = None,
    guide: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|statistical",
            show_default=False,
            help="Word links that attention is trained toward (translate): marks, a line of "
            "Pharaoh links for each pair, or those of the built-in aligner.",
        ),
    ] = None,
    guide_weight: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="X", show_default="1.0", help="Weight of the guide in the loss."
        ),
    ] = None,
    source_tokenizer: SourceTokenizerKind = None,
    joint_vocabulary: JointVocabulary = False,
    bpe_dropout: BpeDropout = None,
    source_tag: SourceTag = None,
    tag_column: TagColumn = None,
    back_translated: BackTranslated = None,
    back_translated_tag: BackTranslatedTag = None,
    budget: Budget = None,
    epochs: Epochs = None,
    fsdp: Annotated[
        bool,
        typer.Option("--fsdp", help="Under torchrun: divide the weights too (FSDP2)."),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write what log.jsonl says for TensorBoard too.")
    ] = False,
    next_sentence: Annotated[
        bool,
        typer.Option(
            "--next-sentence",
            help="Learn too whether one text follows another, of documents with empty lines "
            "between (mlm).",
        ),
    ] = False,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            metavar="X",
            show_default=False,
            help="Train on the pairs with at least this number (embed).",
        ),
    ] = None,
    pairs: PairRows = False,
    second_column: SecondColumn = None,
    class_weights: ClassWeights = None,
    soft_labels: SoftLabels = None,
    calibrate: Calibrate = False,
    patience: Patience = None,
    seeds: Seeds = None,
    curve: Curve = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Take a few steps and say what the run will cost: parameters, memory, speed and "
            "time (mlm).",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run of this command.")
    ] = False,
    force: Force = False,
    device: Device = "auto",
    seed: Seed = None,
    config: ConfigFile = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    memory: Memory = None,
    temp_dir: TempDir = None,
    threads: Threads = None,
    reserved: ReservedWords = None,
    json: Json = False,
) -> None:
    """Train a model on your own text.

    It is evaluated and saved as a folder. Ctrl-C stops, evaluates and saves; --resume goes on.
    """
    seconds = None if budget is None else parse_duration(budget)
    options = {
        "task": known_task(task),
        "stage": stage,
        "tokenizer": tokenizer,
        "vocab_size": vocab_size,
        "min_count": min_count,
        "keep_text": keep_text,
        "hold_out": hold_out,
        "seed": seed,
        "guide_weight": guide_weight,
        "source_tokenizer": source_tokenizer,
        "joint_vocabulary": joint_vocabulary or None,
        "bpe_dropout": bpe_dropout,
        "source_tag": source_tag,
        "tag_column": column(tag_column),
        "back_translated_tag": back_translated_tag,
        "next_sentence": next_sentence or None,
        "min_score": min_score,
        "text_column": column(text_column),
        "label_column": column(label_column),
        **labelled_options(
            pairs=pairs,
            second_column=second_column,
            class_weights=class_weights,
            calibrate=calibrate,
        ),
    }
    counting = {
        "order": order,
        "smoothing": smoothing,
        "prune": thresholds(prune),
        "prune_entropy": prune_entropy,
        "kenlm_compatible": kenlm_compatible,
    }
    training = {
        "budget": seconds,
        "epochs": epochs,
        "patience": patience,
        "sharded": fsdp or None,
        "tensorboard": tensorboard or None,
    }
    tables = {"model": counting, "train": training}
    ngram_only = {f"--{name.replace('_', '-')}": value for name, value in counting.items()}
    _refuse_elsewhere(task, weighted=guide_weight is not None, next_sentence=next_sentence)
    extra = _extra(task, guide, back_translated, soft_labels)
    fast = (task, stage, tokenizer, memory, dry_run) == ("lm", "ngram", "words", None, False)
    room = room_for(data, order) if fast else None
    recipe = _recipe(
        merged(config, options, tables),
        place(config),
        ngram_only={
            **ngram_only,
            "--keep-text": keep_text,
            "--memory": memory,
            "--temp-dir": temp_dir,
            "--threads": threads,
            "--reserved": reserved,
        },
    )
    single = {
        "--guide": guide,
        "--back-translated": back_translated,
        "--soft-labels": soft_labels,
    }
    several = sizes_and_seeds(seeds, curve, recipe=recipe, single=single)
    if dry_run:
        forecast(recipe, data, init, device, json=json)
        return
    job = Job(
        recipe,
        data,
        _given(output),
        valid=valid or (),
        init=init,
        force=force,
        resume=resume,
        device=device,
        extra=extra,
    )
    if (recipe.task, recipe.stage) == ("lm", "ngram") and init is None:
        counted = count_ngrams(
            recipe,
            data,
            folder=job.folder,
            valid=valid,
            force=force,
            resume=resume,
            memory=memory,
            temp_dir=temp_dir,
            threads=threads,
            reserved=reserved,
            room=room,
        )
        sum_up(counted.info, job.folder, json=json)
    elif several is not None:
        sizes, chosen = several
        train_several(job, sizes=sizes, seeds=chosen, json=json)
    else:
        train_once(job, json=json)


def _refuse_elsewhere(task: str, *, weighted: bool, next_sentence: bool) -> None:
    """Options that are for one task alone.

    Raises:
        ConfigError: one of them with another task.
    """
    if task != "translate" and weighted:
        message = f"--guide-weight is for 'translate', which has links to weigh; not '{task}'"
        raise ConfigError(message)
    if task != "mlm" and next_sentence:
        message = f"--next-sentence is for 'mlm', which reads pairs of texts; not '{task}'"
        raise ConfigError(message)


def _extra(
    task: str,
    guide: str | None,
    back_translated: list[str] | None,
    soft_labels: list[str] | None,
) -> Any:
    """What is trained on besides the data.

    Raises:
        UnsupportedError: the task cannot use it.
    """
    from munmaek.fit.extra import Extra

    extra = Extra(guide, back_translated or (), soft_labels or ())
    extra.refuse_for(task)
    return extra


def _given(output: Path | None) -> Path:
    """The new model's folder, which only a dry run does without."""
    if output is None:
        message = "Missing option '--output' / '-o'; see 'munmaek train --help'"
        raise ConfigError(message)
    return output


def _recipe(options: dict[str, Any], where: str, *, ngram_only: dict[str, Any]) -> Any:
    """The recipe, checked to the last option before anything is read."""
    from munmaek.fit.recipe import Recipe
    from munmaek.models import stages_for

    if "stage" not in options:
        able = ", ".join(stage.name for stage in stages_for(options["task"]))
        message = f"which stage? give --model; for '{options['task']}' there are {able}"
        raise ConfigError(message)
    refuse_for(options["stage"], ngram_only)
    recipe = Recipe.of(options, where=where)
    recipe.stage_config(where=f"{where}: [model]")
    recipe.train_config(where=f"{where}: [train]")
    return recipe
