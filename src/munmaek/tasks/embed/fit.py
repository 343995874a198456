"""From text, or pairs of texts, to an encoder whose embeddings tell what means the same."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from munmaek.data.batches import pick
from munmaek.errors import InputError, MunmaekWarning, UnsupportedError
from munmaek.fit.holding import held_out_name, hold_out
from munmaek.fit.network import embedded_tokens, row_lengths, train_network
from munmaek.fit.recipe import Recipe, validation_role
from munmaek.fit.running import Run
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.metrics.regression import FEWEST
from munmaek.tasks.embed.objective import Contrastive, PairRows
from munmaek.tasks.mlm.fit import within_positions
from munmaek.tasks.mlm.model import Encoder
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import Corpus, read_text
from munmaek.text.pairs import PairCorpus, read_pairs

__all__ = ["train_embedder"]

Paths = Sequence[str | Path]
HELD_OUT_MOST = 1000
"""Texts held out where no validation pairs are given."""


@dataclass(frozen=True, slots=True)
class _Texts:
    """Training texts, alone or in pairs, and what validates them."""

    train: Corpus | PairCorpus
    valid: Corpus | PairCorpus

    def describe(self) -> dict[str, Any]:
        return {
            name: {
                "name": corpus.name,
                "rows": len(_sides(corpus)[0]),
                "sha256": corpus.fingerprint,
            }
            for name, corpus in (("train", self.train), ("valid", self.valid))
        }


def train_embedder(
    recipe: Recipe, paths: Paths, valid: Paths, run: Run, *, tokenizer: AnyTokenizer | None
) -> Encoder:
    """Train on texts (each its own second), or with ``recipe.pairs`` on pairs of one meaning.

    Args:
        recipe: what is trained.
        paths: plain text, or tables of pairs.
        valid: tables of pairs, with numbers for Spearman's ρ; none holds training rows out.
        run: where, and from which encoder.
        tokenizer: of the encoder that training begins from; None trains one.
    """
    texts = _read(recipe, paths, valid)
    if tokenizer is None:
        tokenizer = make_tokenizer([line for side in _sides(texts.train) for line in side], recipe)
    limit = within_positions(recipe, run.init).limit
    pooling = _pooling(recipe, run)
    train = _rows(texts.train, tokenizer, limit)
    task = Contrastive(
        train=train,
        valid=_rows(texts.valid, tokenizer, limit),
        pad=tokenizer.pad,
        batch=recipe.batch_texts,
        temperature=recipe.temperature,
        pooling=pooling,
        seed=recipe.seed,
    )
    sizes = {"vocab_size": embedded_tokens(tokenizer, run), "pooled": False}
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=texts.describe(),
        lengths=row_lengths(train.firsts),
        tokenizers=(tokenizer,),
    )
    model = Encoder(tokenizer, network, info, limit, pooling, normalised=True)
    if isinstance(texts.valid, Corpus):
        return model
    scores = model.evaluate_pairs(texts.valid)
    return replace(model, info=info.with_scores(scores, role=validation_role(recipe)))


def _pooling(recipe: Recipe, run: Run) -> Literal["mean", "first"]:
    """Return what is trained: as asked, else as the encoder that training begins from pools.

    Raises:
        UnsupportedError: that one pools in a way that is not trained, or has modules after it.
    """
    begun = run.init if isinstance(run.init, Encoder) else None
    if begun is not None and begun.sentence.modules:
        kinds = ", ".join(each["kind"] for each in begun.sentence.modules)
        message = f"--init: an encoder with {kinds} after pooling; train embed has pooling alone"
        raise UnsupportedError(message)
    if begun is not None and any(begun.sentence.prompts.values()):
        message = "--init: the prompts of this encoder are not used in training, nor kept"
        warnings.warn(message, MunmaekWarning, stacklevel=2)
    if recipe.pooling is not None:
        return recipe.pooling
    pooling = "mean" if begun is None else begun.pooling
    if pooling not in ("mean", "first"):
        message = (
            f"--init: an encoder that pools by {pooling}; train embed pools by mean or first: "
            'say which in the file of --config, as pooling = "mean"'
        )
        raise UnsupportedError(message)
    return pooling


def _read(recipe: Recipe, paths: Paths, valid: Paths) -> _Texts:
    recipe.holds_out(valid=bool(valid))
    train = _read_pairs(recipe, paths) if recipe.pairs else _read_lines(paths, recipe)
    if valid:
        return _Texts(train, _read_validation(valid))
    count = len(_sides(train)[0])
    kept, held = hold_out(count, seed=recipe.choice_seed, asked=recipe.hold_out, most=HELD_OUT_MOST)
    name = held_out_name(train.name)
    if isinstance(train, PairCorpus):
        rows = cast("tuple[list[int], list[int]]", (kept.tolist(), held.tolist()))
        return _Texts(train.rows(rows[0], name=train.name), train.rows(rows[1], name=name))
    lines = train.lines
    return _Texts(Corpus(train.name, pick(lines, kept)), Corpus(name, pick(lines, held)))


def _read_validation(paths: Paths) -> PairCorpus:
    pairs = read_pairs(paths)
    if pairs.values is not None and len(pairs.values) < FEWEST:
        message = (
            f"{pairs.name}: Spearman's ρ needs {FEWEST} pairs or more, got {len(pairs.values)}; "
            "give more"
        )
        raise InputError(message)
    return pairs


def _read_lines(paths: Paths, recipe: Recipe) -> Corpus:
    corpus = read_text(paths, column=recipe.text_column)
    lines = tuple(line for line in corpus.lines if line)
    if len(lines) < 4:
        message = f"{corpus.name}: embeddings need 4 texts or more, got {len(lines)}"
        raise InputError(message)
    return Corpus(corpus.name, lines)


def _read_pairs(recipe: Recipe, paths: Paths) -> PairCorpus:
    corpus = read_pairs(
        paths,
        first_column=recipe.text_column,
        second_column=recipe.second_column,
        value_column=recipe.label_column,
    )
    if recipe.min_score is not None:
        return corpus.at_least(recipe.min_score)
    if corpus.values is not None:
        message = (
            f"{corpus.name}: the pairs have scores; say with --min-score from which on two texts "
            "mean the same"
        )
        raise InputError(message)
    return corpus


def _sides(corpus: Corpus | PairCorpus) -> tuple[Sequence[str], ...]:
    return (corpus.lines,) if isinstance(corpus, Corpus) else (corpus.firsts, corpus.seconds)


def _rows(corpus: Corpus | PairCorpus, tokenizer: AnyTokenizer, limit: int) -> PairRows:
    framed_sides = [
        tokenizer.frame.rows(tokenizer.encode_many(side), limit) for side in _sides(corpus)
    ]
    values = None
    if isinstance(corpus, PairCorpus) and corpus.values is not None:
        values = np.array(corpus.values)
    return PairRows(framed_sides[0], framed_sides[1] if len(framed_sides) > 1 else None, values)
