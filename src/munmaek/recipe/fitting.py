"""From token ids to a trained language model or translator, each once for every stage."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from munmaek.artefact import (
    TrainedLanguageModel,
    TrainingText,
    Translator,
)
from munmaek.artefact.neural import language_model_of
from munmaek.errors import UnsupportedError
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.recipe.counted import counted_info, excluded_ids, fitted, ngram_sizes
from munmaek.recipe.network import (
    Run,
    row_lengths,
    some,
    token_counts,
    train_network,
)
from munmaek.recipe.prepare import Parallel, Text
from munmaek.recipe.settings import Recipe
from munmaek.tasks.guided import PieceGuide, piece_guide
from munmaek.tasks.lm import Activations, DocumentModelling, LanguageModelling, stream_of
from munmaek.tasks.translate import Pairs, TranslationTask
from munmaek.text.tokenizers import Tokenizer

__all__ = [
    "fit_language_model",
    "fit_translator",
]


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
    counts = token_counts((*text.train, [tokenizer.eos] * len(text.train)), tokenizer.vocab_size)
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=text.describe(),
        lengths=lengths,
        tokenizers=(tokenizer,),
        counts=counts,
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
        task,
        recipe,
        run,
        sizes=sizes,
        data=text.describe(),
        lengths=lengths,
        tokenizers=(tokenizer,),
        counts=counts,
    )
    model = language_model_of(network, tokenizer, document=True)
    return TrainedLanguageModel(tokenizer, model, info)


def _count_language_model(text: Text, recipe: Recipe) -> TrainedLanguageModel:
    tokenizer, began = text.tokenizer, time.perf_counter()
    sizes = ngram_sizes(tokenizer)

    def fit(config: NgramConfig) -> NgramModel:
        excluded = excluded_ids(tokenizer)
        return NgramModel.fit(text.train, config=config, excluded=excluded, **sizes)

    config, model = fitted(recipe, fit)
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
    counts = token_counts((ids[1:] for ids in train.targets), target.vocab_size)
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=data,
        lengths=train.lengths(),
        tokenizers=(source, target),
        counts=counts,
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
