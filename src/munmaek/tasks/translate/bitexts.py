"""Sentence pairs as a translator is trained on them: with tags, and with those that a model made.

A tag is a word before the source that says what is wanted or where it comes from: the language of
the target (Johnson et al. 2017, §3), or that a model made the source (Caswell et al. 2019, §3).
"""

from munmaek.errors import InputError
from munmaek.tasks.translate.options import TranslateRecipe
from munmaek.text.memory import Sources
from munmaek.text.parallel import ParallelCorpus, read_parallel
from munmaek.text.sources import encoded

__all__ = ["read_back_translated", "read_pairs", "tagged"]


def read_pairs(paths: Sources, recipe: TranslateRecipe) -> ParallelCorpus:
    """Read sentence pairs, with the recipe's tags.

    Raises:
        InputError: what ``read_parallel`` raises.
    """
    corpus = read_parallel(paths, tag_column=recipe.tag_column, sides=recipe.sides)
    return tagged(corpus, recipe.source_tag)


def read_back_translated(paths: Sources, recipe: TranslateRecipe) -> ParallelCorpus:
    """Read sources that a model made of the targets, marked; pairs with an empty side are left out.

    Raises:
        InputError: what ``read_parallel`` raises, or no pair has text on both sides.
    """
    paths = encoded(paths, recipe.encoding)
    corpus = read_parallel(paths, tag_column=recipe.tag_column, sides=recipe.sides)
    full = [
        (source, target)
        for source, target in zip(corpus.sources, corpus.targets, strict=True)
        if source.strip() and target.strip()
    ]
    if not full:
        message = f"{corpus.name}: no pair has text on both sides; give sources and their targets"
        raise InputError(message)
    sources, targets = zip(*full, strict=True)
    kept = tagged(ParallelCorpus(corpus.name, sources, targets), recipe.source_tag)
    return tagged(kept, recipe.back_translated_tag)


def tagged(corpus: ParallelCorpus, tag: str) -> ParallelCorpus:
    """Put ``tag`` and a space before every source; an empty tag changes nothing."""
    if not tag:
        return corpus
    sources = tuple(f"{tag} {source}" for source in corpus.sources)
    return ParallelCorpus(corpus.name, sources, corpus.targets)
