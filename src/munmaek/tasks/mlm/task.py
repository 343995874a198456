"""The work of task mlm: running text to a trained encoder, and back from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.exchange.sentence import load_settings
from munmaek.fit.extra import Extra
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.weights import open_network
from munmaek.tasks.embed.exchange import embeds, write_sentence_files
from munmaek.tasks.judged import Judged
from munmaek.tasks.lm.cached_text import CachedCorpus, prepared_text, text_for
from munmaek.tasks.lm.data import Text
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.minimal_pairs import MinimalPairs, read_minimal_pairs
from munmaek.tasks.mlm.judging import judged_masks, judged_minimal_pairs, judged_similarities
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.mlm.options import AskedMasked, MlmRecipe
from munmaek.tasks.mlm.pairs import PAIRS, is_pairs, test_pairs
from munmaek.tasks.mlm.text_measures import pseudo_measures, similarity_measures
from munmaek.tasks.service import Service
from munmaek.tasks.work import NOTHING_MORE, Measured, Published, Work, timed
from munmaek.text.corpora import Corpus, read_text
from munmaek.text.memory import Sources
from munmaek.text.pairs import PairCorpus

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run

__all__ = [
    "MaskedModels",
    "embedding_speed",
    "encoder_forms",
    "published_encoder",
    "restored_encoder",
]


class MaskedModels(Work[Corpus, Text, Encoder]):
    """Running text in, an encoder that fills masked words out."""

    layouts = (("text",), *PAIRS)

    def read(self, paths: Sources, recipe: MlmRecipe) -> Corpus:
        """Read running text, a line a text."""
        return read_text(paths, column=recipe.text_column)

    def read_to_train(self, paths: Sources, recipe: MlmRecipe, run: "Run") -> Corpus | CachedCorpus:
        """Read running text, a large one into a file of tokens when it is prepared."""
        return text_for(paths, recipe, run)

    def prepare(
        self,
        corpus: Corpus | CachedCorpus,
        valid: Corpus | None,
        recipe: MlmRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Text:
        """Return the lines as ids, with lines or whole documents held out."""
        tokenizer = tokenizer_of(recipe, init)
        return prepared_text(corpus, valid, recipe, tokenizer=tokenizer, holding=holding)

    def fit(self, prepared: Text, recipe: MlmRecipe, run: "Run") -> Encoder:
        """Train the recipe's stage to fill masked words."""
        from munmaek.tasks.mlm.fit import fit_encoder

        return fit_encoder(prepared, recipe, run)

    def judge(
        self, model: Encoder, corpus: Corpus | PairCorpus | MinimalPairs, asked: AskedMasked
    ) -> Judged:
        """Judge masked words of running text, the similarities of pairs, or minimal pairs."""
        if isinstance(corpus, MinimalPairs):
            return judged_minimal_pairs(model, corpus)
        if isinstance(corpus, PairCorpus):
            return judged_similarities(model, corpus)
        return judged_masks(model, corpus)

    def measure(self, model: Encoder, corpus: Corpus, asked: AskedMasked) -> Measured:
        """Measure masked words; texts embedded a second."""
        speed = embedding_speed(model, corpus.lines)
        return replace(super().measure(model, corpus, asked), per_second=speed)

    def read_test(
        self, model: Encoder, paths: Sources, asked: AskedMasked
    ) -> Corpus | PairCorpus | MinimalPairs:
        """Read running text, tables of pairs, or minimal pairs."""
        if asked.minimal_pairs:
            return read_minimal_pairs(paths, asked)
        if all(is_pairs(path) for path in paths):
            return test_pairs(paths, asked)
        return read_text(paths, column=asked.text_column)

    def measures(self, model: Encoder, by: MeasuredBy) -> TextMeasures:
        """Tell texts apart by their likeness to others, or by their pseudo-perplexity."""
        return similarity_measures(model, by) if by.like else pseudo_measures(model)

    def forms(self, model: Encoder) -> tuple[str, ...]:
        """Return the names of the forms that an encoder can be exported to."""
        return encoder_forms(super().forms(model))

    def published(self, model: Encoder) -> Published:
        """Return the network and, where vectors of texts are no plain means, how they are made."""
        return published_encoder(model, masks=True)

    def graph(self, model: Encoder) -> "Graph":
        """Return the scores of masked words, or vectors where there is no head for them."""
        from munmaek.tasks.mlm.graphs import filling_graph, vector_graph

        return (filling_graph if model.fills else vector_graph)(model)

    def services(self, model: Encoder, options: Mapping[str, Any]) -> list[Service]:
        """Return what gives vectors, and what searches an index."""
        from munmaek.tasks.mlm.services import encoder_services

        return encoder_services(model, options)

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Encoder:
        """Open a network, and what the record says of vectors of texts."""
        return restored_encoder(folder, manifest, info)

    def adopt(self, opened: "OpenedCheckpoint") -> Encoder | None:
        """Return a checkpoint that fills masked words or has no head; with its way to vectors."""
        if opened.head not in ("mlm", "base"):
            return None
        encoder = Encoder(opened.tokenizer, opened.network, opened.info, opened.max_length)
        if opened.sentence is None:
            return encoder
        return replace(
            encoder,
            pooling=opened.sentence.pooling,
            normalised=opened.sentence.normalised,
            sentence=opened.sentence.settings,
        )


def embedding_speed(model: Encoder, texts: Sequence[str]) -> float:
    """Return the texts that an encoder turns into vectors in a second, by the first of them."""
    some = texts[:1000]
    _, seconds = timed(lambda: model.embed(some))
    return len(some) / seconds


def published_encoder(model: Encoder, *, masks: bool) -> Published:
    """Return what of an encoder goes into the forms of others; ``masks`` are kept by its tokens."""
    write = partial(write_sentence_files, model)
    beside = write if embeds(model) else None
    return Published(model.network, masks=masks, sentences=write, beside=beside)


def encoder_forms(forms: Sequence[str]) -> tuple[str, ...]:
    """Return the forms of an encoder: those of its network, and that of its vectors."""
    return (*forms, "sentence-transformers") if "huggingface" in forms else tuple(forms)


def restored_encoder(folder: Path, manifest: Mapping[str, Any], info: Info) -> Encoder:
    """Return the encoder of a folder; one without a head for words is a network for vectors."""
    task = "embed" if "pooled" in info.sizes else info.task
    encoder = Encoder(
        named_tokenizer(folder, manifest, "tokenizer"),
        open_network(folder, info, task=task),
        info,
        manifest["limit"],
        pooling=manifest.get("pooling", "mean"),
        normalised=manifest.get("normalised", False),
    )
    if "sentence" not in manifest:
        return encoder
    return replace(encoder, sentence=load_settings(manifest["sentence"], folder))
