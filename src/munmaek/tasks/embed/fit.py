"""From text, or pairs of texts, to an encoder whose embeddings tell what means the same."""

import warnings
from typing import Literal

import numpy as np

from munmaek.errors import MunmaekWarning, UnsupportedError
from munmaek.fit.network import embedded_tokens, row_lengths, train_network
from munmaek.fit.running import Run
from munmaek.tasks.embed.data import Texts, sides
from munmaek.tasks.embed.objective import Contrastive, PairRows
from munmaek.tasks.embed.options import EmbedRecipe
from munmaek.tasks.mlm.fit import within_positions
from munmaek.tasks.mlm.model import Encoder
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import Corpus
from munmaek.text.pairs import PairCorpus

__all__ = ["fit_embedder"]


def fit_embedder(texts: Texts, recipe: EmbedRecipe, run: Run) -> Encoder:
    """Train on texts (each its own second), or on pairs of one meaning.

    Args:
        texts: with the tokenizer that reads them.
        recipe: what is trained.
        run: where, and from which encoder.
    """
    tokenizer = texts.tokenizer
    limit = within_positions(recipe, run.init).max_length
    pooling = _pooling(recipe, run)
    train = _rows(texts.train_corpus, tokenizer, limit)
    task = Contrastive(
        train=train,
        valid=_rows(texts.valid_corpus, tokenizer, limit),
        pad=tokenizer.pad,
        batch=recipe.batch_size,
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
    return Encoder(tokenizer, network, info, limit, pooling, normalised=True)


def _pooling(recipe: EmbedRecipe, run: Run) -> Literal["mean", "first"]:
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


def _rows(corpus: Corpus | PairCorpus, tokenizer: AnyTokenizer, limit: int) -> PairRows:
    framedsides = [
        tokenizer.frame.rows(tokenizer.encode_many(side), limit) for side in sides(corpus)
    ]
    values = None
    if isinstance(corpus, PairCorpus) and corpus.values is not None:
        values = np.array(corpus.values)
    return PairRows(framedsides[0], framedsides[1] if len(framedsides) > 1 else None, values)
