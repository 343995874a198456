"""From token ids to a trained model, each task once for every stage."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from munmaek.artefact import (
    Encoder,
    Info,
    TrainedLanguageModel,
    TrainedModel,
    TrainingText,
    Translator,
)
from munmaek.artefact.neural import language_model_of
from munmaek.artefact.weights import make_network, parameter_count
from munmaek.data.bucketing import Lengths, bucket, padding_fraction
from munmaek.errors import UnsupportedError
from munmaek.models.ngram import NgramModel
from munmaek.recipe.counted import excluded_ids, ngram_label, ngram_sizes
from munmaek.recipe.prepare import Parallel, Text
from munmaek.recipe.settings import Recipe
from munmaek.tasks.classify import framed
from munmaek.tasks.guided import PieceGuide, piece_guide
from munmaek.tasks.lm import Activations, DocumentModelling, LanguageModelling, stream_of
from munmaek.tasks.mlm import MaskedModelling
from munmaek.tasks.next_sentence import NextSentenceModelling, documents_of
from munmaek.tasks.translate import Pairs, TranslationTask
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.tokenizers import Tokenizer
from munmaek.train import Progress, fit

__all__ = [
    "Run",
    "counted_info",
    "embedded_tokens",
    "fit_encoder",
    "fit_language_model",
    "fit_translator",
    "masked_sizes",
    "masked_task",
    "resolved_stage",
    "row_lengths",
    "some",
    "train_network",
    "within_positions",
]

Counts = NDArray[np.int64]

VALIDATION_ROWS = 2000
"""Rows of the validation data that are looked at while training; the last word has all."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where and under whose eyes a model is trained."""

    device: str = "cpu"
    folder: Path | None = None
    """For checkpoints and the log; None keeps none."""
    resume: bool = False
    init: TrainedModel | None = None
    """A trained model whose weights are the beginning."""
    report: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None


def fit_language_model(text: Text, recipe: Recipe, run: Run) -> TrainedLanguageModel:
    """Train the recipe's stage to predict the next token of ``text``."""
    tokenizer = text.tokenizer
    if recipe.stage == "ngram":
        return _count_language_model(text, recipe)
    sizes = {"vocab_size": tokenizer.vocab_size}
    activations = Activations(recipe.small_states, recipe.slow_states)
    if recipe.context == "document":
        return _fit_documents(text, recipe, run, activations)
    task = LanguageModelling(
        train=text.train,
        valid=some(text.valid),
        bos=tokenizer.bos,
        eos=tokenizer.eos,
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
        activations=activations,
    )
    lengths = row_lengths(text.train, more=2)
    counts = _counts((*text.train, [tokenizer.eos] * len(text.train)), tokenizer.vocab_size)
    network, info = train_network(
        task, recipe, run, sizes=sizes, data=text.describe(), lengths=lengths, counts=counts
    )
    model = language_model_of(network, tokenizer, document=False)
    return TrainedLanguageModel(tokenizer, model, info)


def _fit_documents(
    text: Text, recipe: Recipe, run: Run, activations: Activations
) -> TrainedLanguageModel:
    tokenizer = text.tokenizer
    task = DocumentModelling(
        train=stream_of(text.train, tokenizer.eos),
        valid=stream_of(some(text.valid), tokenizer.eos),
        eos=tokenizer.eos,
        rows=recipe.rows,
        length=recipe.stretch,
        seed=recipe.seed,
        activations=activations,
    )
    sizes = {"vocab_size": tokenizer.vocab_size}
    lengths = np.ones(1, dtype=np.int64)  # nothing is padded
    counts = np.bincount(task.train, minlength=tokenizer.vocab_size)
    network, info = train_network(
        task, recipe, run, sizes=sizes, data=text.describe(), lengths=lengths, counts=counts
    )
    model = language_model_of(network, tokenizer, document=True)
    return TrainedLanguageModel(tokenizer, model, info)


def _count_language_model(text: Text, recipe: Recipe) -> TrainedLanguageModel:
    tokenizer, began = text.tokenizer, time.perf_counter()
    config = recipe.stage_config()
    sizes = ngram_sizes(tokenizer)
    model = NgramModel.fit(text.train, config=config, excluded=excluded_ids(tokenizer), **sizes)
    info = counted_info(recipe, config, sizes, model.parameters, began, text.describe())
    return TrainedLanguageModel(tokenizer, model, info, _kept_text(text, recipe, model.size))


def _kept_text(text: Text, recipe: Recipe, size: int) -> TrainingText | None:
    """The training text, where it is asked for or takes no more room than tables of ``size``."""
    if recipe.keep_text is False:
        return None
    kept = TrainingText.of(text.train, lines=text.train_lines, vocab_size=text.tokenizer.vocab_size)
    return kept if recipe.keep_text or kept.size <= size else None


def fit_translator(pairs: Parallel, recipe: Recipe, run: Run) -> Translator:
    """Train the recipe's stage to turn sources into targets."""
    source, target = pairs.source_tokenizer, pairs.target_tokenizer

    def frame(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Pairs:
        return Pairs(
            [[*ids[: recipe.limit - 1], source.eos] for ids in sources],
            [[target.bos, *ids[: recipe.limit - 1], target.eos] for ids in targets],
        )

    train = frame(pairs.train_sources, pairs.train_targets)
    guides = _piece_guides(pairs, recipe)
    if guides is not None:
        recipe = _guided_head(recipe)
        train, guides = _repeated(train, guides, recipe.guide_repeat)
    if recipe.joint_vocabulary:
        recipe = recipe.model_copy(update={"model": {"share_embeddings": True, **recipe.model}})
    task = TranslationTask(
        train=train,
        valid=frame(some(pairs.valid_sources), some(pairs.valid_targets)),
        pad=target.pad,
        max_tokens=recipe.max_tokens,
        smoothing=recipe.smoothing,
        seed=recipe.seed,
        guides=guides,
        guide_weight=recipe.guide_weight,
        resample=_resampling(pairs, recipe, frame),
    )
    sizes = {"source_vocab": source.vocab_size, "target_vocab": target.vocab_size}
    data = {**pairs.describe(), **_described(guides, recipe)}
    counts = _counts((ids[1:] for ids in train.targets), target.vocab_size)
    network, info = train_network(
        task, recipe, run, sizes=sizes, data=data, lengths=train.lengths(), counts=counts
    )
    return Translator(source, target, network, info, recipe.limit)


def _piece_guides(pairs: Parallel, recipe: Recipe) -> list[PieceGuide | None] | None:
    """Each training pair's links between pieces, up to the recipe's limit.

    Raises:
        UnsupportedError: the stage has no attention.
    """
    if pairs.guides is None:
        return None
    if recipe.stage == "seq2seq":
        message = "stage 'seq2seq' has no attention to guide; train 'attention' or 'transformer'"
        raise UnsupportedError(message)

    def words(tokenizer: Tokenizer, text: str) -> list[int]:
        return [piece.word for piece in tokenizer.pieces(text)][: recipe.limit - 1]

    corpus = pairs.train_corpus
    return [
        guide
        and piece_guide(
            guide,
            source_words=words(pairs.source_tokenizer, source),
            target_words=words(pairs.target_tokenizer, target),
        )
        for guide, source, target in zip(pairs.guides, corpus.sources, corpus.targets, strict=True)
    ]


def _resampling(
    pairs: Parallel,
    recipe: Recipe,
    frame: Callable[[Sequence[Sequence[int]], Sequence[Sequence[int]]], Pairs],
) -> Callable[[int], Pairs] | None:
    """The training pairs of each pass under BPE-dropout; None without."""
    if recipe.bpe_dropout == 0:
        return None
    from munmaek.text.bpe_dropout import MergeDropout  # its compiler takes a third of a second

    sources, targets = (
        MergeDropout(tokenizer, texts, rate=recipe.bpe_dropout, seed=2 * recipe.seed + side)
        for side, (tokenizer, texts) in enumerate(
            (
                (pairs.source_tokenizer, pairs.train_corpus.sources),
                (pairs.target_tokenizer, pairs.train_corpus.targets),
            )
        )
    )
    return lambda number: frame(sources.encode(number), targets.encode(number))


def _guided_head(recipe: Recipe) -> Recipe:
    """Guide one head of a Transformer, unless the recipe says otherwise."""
    if recipe.stage != "transformer":
        return recipe
    return recipe.model_copy(update={"model": {"alignment_head": 0, **recipe.model}})


def _repeated(
    train: Pairs, guides: list[PieceGuide | None], times: int
) -> tuple[Pairs, list[PieceGuide | None]]:
    """Guided pairs ``times`` times, the others once."""
    again = [row for row, guide in enumerate(guides) if guide is not None] * (times - 1)
    rows = [*range(len(guides)), *again]
    sources, targets = ([side[row] for row in rows] for side in train)
    return Pairs(sources, targets), [guides[row] for row in rows]


def _described(guides: Sequence[PieceGuide | None] | None, recipe: Recipe) -> dict[str, Any]:
    if guides is None:
        return {}
    seen = sum(guide is not None for guide in guides)
    weight, repeat = recipe.guide_weight, recipe.guide_repeat
    return {"guide": {"pairs": seen // repeat, "weight": weight, "repeat": repeat}}


def _counts(sequences: Iterable[Sequence[int]], size: int) -> Counts:
    """How often each of ``size`` tokens occurs: [size]."""
    ids = np.fromiter(chain.from_iterable(sequences), dtype=np.int64)
    return np.bincount(ids, minlength=size)


def fit_encoder(text: Text, recipe: Recipe, run: Run) -> Encoder:
    """Train the recipe's stage to fill masked words of ``text``."""
    recipe = within_positions(recipe, run.init)
    tokenizer, task = text.tokenizer, masked_task(text, recipe)
    sizes = masked_sizes(tokenizer, recipe, run)
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        counts=_counts(text.train, sizes["vocab_size"]),
        data=text.describe(),
        lengths=row_lengths([row[: recipe.limit - 2] for row in text.train if row], more=2),
    )
    return Encoder(tokenizer, network, info, recipe.limit)


def within_positions(recipe: Recipe, init: TrainedModel | None) -> Recipe:
    """The recipe, reading no more tokens of a text than its BERT has positions for."""
    longest = resolved_stage(recipe, init).longest
    if longest is None or longest >= recipe.limit:
        return recipe
    return recipe.model_copy(update={"limit": longest})


def masked_sizes(tokenizer: AnyTokenizer, recipe: Recipe, run: Run) -> dict[str, Any]:
    """What the network of ``masked_task`` is made with besides its configuration."""
    sizes: dict[str, Any] = {"vocab_size": embedded_tokens(tokenizer, run)}
    return {**sizes, "next_sentence": True} if recipe.next_sentence else sizes


def masked_task(text: Text, recipe: Recipe) -> MaskedModelling | NextSentenceModelling:
    """The task of filling masked words of ``text``, maybe with that of following texts."""
    tokenizer = text.tokenizer
    if recipe.next_sentence:
        return NextSentenceModelling(
            train=documents_of(text.train),
            valid=documents_of(some(text.valid)),
            masking=_masking((), (), tokenizer, recipe),
            bos=tokenizer.bos,
            eos=tokenizer.eos,
            limit=recipe.limit,
            begins=_beginnings(tokenizer) if recipe.whole_words else None,
        )

    def frame(rows: Sequence[Sequence[int]]) -> list[list[int]]:
        return [
            framed(ids, bos=tokenizer.bos, eos=tokenizer.eos, limit=recipe.limit)
            for ids in rows
            if ids
        ]

    return _masking(frame(text.train), frame(some(text.valid)), tokenizer, recipe)


def _masking(
    train: Sequence[list[int]],
    valid: Sequence[list[int]],
    tokenizer: AnyTokenizer,
    recipe: Recipe,
) -> MaskedModelling:
    return MaskedModelling(
        train=train,
        valid=valid,
        mask=tokenizer.mask,
        first_word=0,
        special=tokenizer.special_ids,
        vocab_size=tokenizer.vocab_size,
        words=_word_groups(train, tokenizer) if recipe.whole_words else None,
        rates=recipe.mask_rates,
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
    )


def embedded_tokens(tokenizer: AnyTokenizer, run: Run) -> int:
    """Rows of the embeddings: a checkpoint may have more than its tokenizer has tokens."""
    if run.init is not None and run.init.info.stage == "bert":
        return int(run.init.info.sizes["vocab_size"])
    return tokenizer.vocab_size


def _word_groups(rows: Sequence[Sequence[int]], tokenizer: AnyTokenizer) -> list[list[int]]:
    """For each row the running number of the word that each piece belongs to."""
    begins = _beginnings(tokenizer)
    firsts = [begins[np.asarray(row)] for row in rows]
    return [(np.cumsum(first) - first[0]).tolist() for first in firsts]


def _beginnings(tokenizer: AnyTokenizer) -> NDArray[np.int64]:
    """For each token whether a word begins with it: 0 or 1."""
    tokens = range(tokenizer.vocab_size)
    return np.array([tokenizer.begins_word(token) for token in tokens], dtype=np.int64)


def train_network(
    task: Any,
    recipe: Recipe,
    run: Run,
    *,
    sizes: Mapping[str, Any],
    data: Mapping[str, Any],
    lengths: Lengths,
    counts: Counts | None = None,
) -> tuple[Any, Info]:
    """Fit a fresh network, or one begun from another, to the task; with what is known of it.

    Args:
        task: what ``munmaek.train.fit`` asks of a task.
        recipe: what is trained.
        run: where, and from what.
        sizes: what the network is made with besides its configuration.
        data: what the data is called.
        lengths: of the training rows, for the share of padding.
        counts: of the tokens that a fresh network learns to predict.
    """
    config, training = resolved_stage(recipe, run.init), recipe.train_config()
    network: Any = make_network(
        stage=recipe.stage,
        task=recipe.task,
        config=config.model_dump(),
        sizes=sizes,
        seed=recipe.seed,
    )
    if run.init is not None:
        _begin_from(network, run.init, recipe)
    elif counts is not None:
        network.output.begin_with(torch.as_tensor(counts))
    network.to(run.device)
    result = fit(
        network,
        task,
        config=training,
        device=run.device,
        folder=run.folder,
        resume=run.resume,
        report=run.report,
        should_stop=run.should_stop,
    )
    network.to("cpu").eval()
    groups = bucket(lengths, max_tokens=recipe.max_tokens, rng=np.random.default_rng(0))
    info = Info(
        task=recipe.task,
        stage=recipe.stage,
        label=stage_label(recipe.stage, config),
        config=config.model_dump(),
        sizes=sizes,
        parameters=parameter_count(network),
        seconds=result.seconds,
        training={
            "config": training.model_dump(),
            "context": recipe.context,
            "steps": result.steps,
            "epochs": result.epochs,
            "tokens": result.tokens,
            "stopped": result.stopped,
            "best_validation": result.best_validation,
            "averaged": result.averaged,
            "curve": [list(point) for point in result.curve],
            "padding": padding_fraction(lengths, groups),
            "device": run.device,
        },
        data=data,
    )
    return network, info


_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")


def resolved_stage(recipe: Recipe, init: TrainedModel | None) -> Any:
    """The stage's configuration; what begins from a trained model has its sizes.

    What the recipe says comes first.
    """
    config = recipe.stage_config()
    if init is not None and recipe.stage == init.info.stage == "bert":
        sizes = {name: value for name, value in init.info.config.items() if name not in _DROPOUTS}
        return recipe.model_copy(update={"model": {**sizes, **recipe.model}}).stage_config()
    if init is None or not _carries(init, recipe):
        return config
    sizes = {name: init.info.config[name] for name in ("cell", "embedding", "hidden", "layers")}
    return recipe.model_copy(update={"model": {**sizes, **recipe.model}}).stage_config()


def _carries(init: TrainedModel, recipe: Recipe) -> bool:
    """Whether a recurrent language model begins a recurrent classifier."""
    before, after = (init.info.stage, init.info.task), (recipe.stage, recipe.task)
    return before == ("rnn", "lm") and after == ("rnn", "classify")


def _begin_from(network: Any, init: TrainedModel, recipe: Recipe) -> None:
    """Copy the weights of ``init``: the same network, or the encoder that was pre-trained.

    Raises:
        UnsupportedError: the two do not fit.
    """
    other: Any = getattr(init, "network", None) or getattr(
        getattr(init, "model", None), "network", None
    )
    fits = init.info.stage == recipe.stage and hasattr(other, "state_dict")
    if fits and recipe.stage == "bert" and _another_head(network, other, recipe):
        from munmaek.models.bert import load_encoder

        load_encoder(network, other.state_dict())
        return
    if fits and recipe.task == init.info.task == "mlm":
        from munmaek.models.bert import same_heads

        _load(network, same_heads(network, other.state_dict()))
        return
    if _carries(init, recipe):
        try:
            network.begin_from(other)
        except RuntimeError as error:
            message = f"--init: shapes differ: {str(error).splitlines()[-1].strip()}"
            raise UnsupportedError(message) from error
        return
    if not fits or init.info.task != recipe.task:
        message = (
            f"--init: a '{init.info.stage}' model for '{init.info.task}' cannot begin a "
            f"'{recipe.stage}' for '{recipe.task}'; give one of the same stage and task, "
            "a bert to begin a bert classifier, regressor or tagger, or an rnn language model "
            "to begin an rnn classifier"
        )
        raise UnsupportedError(message)
    _load(network, other.state_dict())


def _another_head(network: Any, other: Any, recipe: Recipe) -> bool:
    """Whether a pre-trained encoder gets a head of its own."""
    if recipe.task in ("mlm", "embed"):
        return recipe.task == "embed"
    same = type(network) is type(other)
    return not (same and network.classifier.weight.shape == other.classifier.weight.shape)


def _load(network: Any, weights: Mapping[str, Any]) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        message = f"--init: shapes differ: {str(error).splitlines()[-1].strip()}"
        raise UnsupportedError(message) from error


def stage_label(stage: str, config: Any) -> str:
    """What people call the model: ``5-gram``, ``LSTM``, ``attention (additive)``."""
    names = {
        "ngram": lambda: ngram_label(config),
        "rnn": lambda: {"elman": "Elman RNN", "gru": "GRU", "lstm": "LSTM"}[config.cell],
        "seq2seq": lambda: "encoder–decoder",
        "attention": lambda: "attention",
        "self_attention": lambda: "self-attention",
        "transformer": lambda: "Transformer",
        "bert": lambda: "BERT",
    }
    return names.get(stage, lambda: stage)()


def counted_info(
    recipe: Recipe,
    config: Any,
    sizes: Mapping[str, Any],
    parameters: int,
    began: float,
    data: Mapping[str, Any],
) -> Info:
    """What is known of a model that was counted, since ``began``."""
    return Info(
        task=recipe.task,
        stage=recipe.stage,
        label=stage_label(recipe.stage, config),
        config=config.model_dump(),
        sizes=sizes,
        parameters=parameters,
        seconds=time.perf_counter() - began,
        data=data,
    )


def some(rows: Sequence[Any]) -> Sequence[Any]:
    """As many rows as are looked at while training."""
    return rows[:VALIDATION_ROWS]


def row_lengths(rows: Sequence[Sequence[int]], *, more: int = 0) -> Any:
    """Tokens of each row, and ``more``."""
    return np.array([len(row) + more for row in rows], dtype=np.int64)
