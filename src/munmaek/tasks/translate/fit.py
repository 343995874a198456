"""From pairs of token ids to a trained translator."""

from collections.abc import Callable, Sequence
from typing import Any

from munmaek.data.flat import token_counts
from munmaek.errors import UnsupportedError
from munmaek.fit.network import some, train_network
from munmaek.fit.running import Run
from munmaek.models import stage_named, stages_for
from munmaek.tasks.translate.data import Parallel
from munmaek.tasks.translate.guided import PieceGuide, piece_guide
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.objective import Pairs, TranslationTask
from munmaek.tasks.translate.options import TranslateRecipe
from munmaek.text.tokenizers import Tokenizer

__all__ = ["fit_translator"]


def fit_translator(pairs: Parallel, recipe: TranslateRecipe, run: Run) -> Translator:
    """Train the recipe's stage to turn sources into targets."""
    source, target = pairs.source_tokenizer, pairs.target_tokenizer

    def frame(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Pairs:
        return Pairs(
            [[*ids[: recipe.max_length - 1], source.eos] for ids in sources],
            [[target.bos, *ids[: recipe.max_length - 1], target.eos] for ids in targets],
        )

    train = frame(pairs.train_sources, pairs.train_targets)
    guides = _piece_guides(pairs, recipe)
    if guides is not None:
        recipe = _guided_head(recipe)
        train, guides = _repeated(train, guides, recipe.alignment_repeat)
    if recipe.joint_vocabulary:
        recipe = recipe.model_copy(update={"model": {"share_embeddings": True, **recipe.model}})
    task = TranslationTask(
        train=train,
        valid=frame(some(pairs.valid_sources), some(pairs.valid_targets)),
        pad=target.pad,
        max_tokens=recipe.max_tokens,
        smoothing=recipe.label_smoothing,
        seed=recipe.seed,
        guides=guides,
        alignment_weight=recipe.alignment_weight,
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
    return Translator(source, target, network, info, recipe.max_length)


def _piece_guides(pairs: Parallel, recipe: TranslateRecipe) -> list[PieceGuide | None] | None:
    """Return each training pair's links between subwords, up to the recipe's maximum length.

    Raises:
        UnsupportedError: the stage has no attention.
    """
    if pairs.guides is None:
        return None
    stage = stage_named(recipe.stage)
    if not stage.aligns:
        able = " or ".join(f"'{each.name}'" for each in stages_for(recipe.task) if each.aligns)
        message = f"stage '{stage.name}' has no attention to guide; train {able}"
        raise UnsupportedError(message)

    def words(tokenizer: Tokenizer, text: str) -> list[int]:
        return [piece.word for piece in tokenizer.subwords(text)][: recipe.max_length - 1]

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
    recipe: TranslateRecipe,
    frame: Callable[[Sequence[Sequence[int]], Sequence[Sequence[int]]], Pairs],
) -> Callable[[int], Pairs] | None:
    """Return what gives the training pairs of each epoch under BPE-dropout; None without."""
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


def _guided_head(recipe: TranslateRecipe) -> TranslateRecipe:
    """Choose the first of several heads to be guided, unless the recipe says otherwise."""
    if "alignment_head" not in stage_named(recipe.stage).config_class().model_fields:
        return recipe
    return recipe.model_copy(update={"model": {"alignment_head": 0, **recipe.model}})


def _repeated(
    train: Pairs, guides: list[PieceGuide | None], times: int
) -> tuple[Pairs, list[PieceGuide | None]]:
    """Repeat guided pairs until they are there ``times`` times, the others once."""
    again = [row for row, guide in enumerate(guides) if guide is not None] * (times - 1)
    rows = [*range(len(guides)), *again]
    sources, targets = ([side[row] for row in rows] for side in train)
    return Pairs(sources, targets), [guides[row] for row in rows]


def _described(
    guides: Sequence[PieceGuide | None] | None, recipe: TranslateRecipe
) -> dict[str, Any]:
    if guides is None:
        return {}
    seen = sum(guide is not None for guide in guides)
    weight, repeat = recipe.alignment_weight, recipe.alignment_repeat
    return {"guide": {"pairs": seen // repeat, "weight": weight, "repeat": repeat}}
