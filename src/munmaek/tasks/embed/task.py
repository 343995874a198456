"""The work of task embed: texts, or pairs of one meaning, to a trained encoder of texts."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.errors import InputError
from munmaek.fit.extra import Extra
from munmaek.fit.vocabulary import make_tokenizer, tokenizer_of
from munmaek.folder.info import Info
from munmaek.tasks.asked import AskedPairs
from munmaek.tasks.embed.data import Texts, parted_texts, read_texts, read_validation, sides
from munmaek.tasks.embed.options import EmbedRecipe
from munmaek.tasks.judged import Judged
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.mlm.judging import judged_similarities
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.mlm.pairs import PAIRS, test_pairs
from munmaek.tasks.mlm.task import (
    embedding_speed,
    encoder_forms,
    published_encoder,
    restored_encoder,
)
from munmaek.tasks.mlm.text_measures import similarity_measures
from munmaek.tasks.service import Service
from munmaek.tasks.work import NOTHING_MORE, Measured, Published, Work
from munmaek.text.corpora import Corpus
from munmaek.text.memory import Sources
from munmaek.text.pairs import PairCorpus

if TYPE_CHECKING:
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run

__all__ = ["Embedders"]


class Embedders(Work[Corpus | PairCorpus, Texts, Encoder]):
    """Texts, each its own second, or pairs of one meaning in, an encoder out."""

    layouts = (("text",), *PAIRS)

    def read(self, paths: Sources, recipe: EmbedRecipe) -> Corpus | PairCorpus:
        """Read texts, or with ``recipe.pairs`` tables of pairs."""
        return read_texts(paths, recipe)

    def read_validation(self, paths: Sources, recipe: EmbedRecipe) -> PairCorpus:
        """Read tables of pairs, with numbers for Spearman's ρ."""
        return read_validation(paths)

    def unscored(self, info: Info) -> str:
        """Return what has scores."""
        return "texts alone have no scores; give --valid TABLE of pairs"

    def prepare(
        self,
        corpus: Corpus | PairCorpus,
        valid: PairCorpus | None,
        recipe: EmbedRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Texts:
        """Return the texts with a tokenizer, with texts held out where no pairs validate."""
        train, held = parted_texts(corpus, valid, recipe)
        tokenizer = tokenizer_of(recipe, init)
        if tokenizer is None:
            lines = [line for side in sides(train) for line in side]
            tokenizer = make_tokenizer(lines, recipe)
        return Texts(tokenizer, train, held)

    def fit(self, prepared: Texts, recipe: EmbedRecipe, run: "Run") -> Encoder:
        """Train the recipe's stage to bring texts of one meaning near each other."""
        from munmaek.tasks.embed.fit import fit_embedder

        return fit_embedder(prepared, recipe, run)

    def validate(self, model: Encoder, prepared: Texts) -> Measured | None:
        """Measure the similarities of pairs; texts alone have no scores."""
        held = prepared.valid_corpus
        return None if isinstance(held, Corpus) else Measured(model.evaluate_pairs(held))

    def check_test(self, corpus: Corpus | PairCorpus) -> None:
        """Make sure that there are pairs, for texts alone measure nothing.

        Raises:
            InputError: there are none.
        """
        if isinstance(corpus, Corpus):
            message = (
                f"{corpus.name}: texts alone, which measure nothing of embeddings; give --test "
                "FILE, a table of pairs of texts"
            )
            raise InputError(message)

    def judge(self, model: Encoder, corpus: PairCorpus, asked: AskedPairs) -> Judged:
        """Judge the similarities of pairs."""
        return judged_similarities(model, corpus)

    def measure(self, model: Encoder, corpus: PairCorpus, asked: AskedPairs) -> Measured:
        """Measure the similarities of pairs; texts embedded a second."""
        speed = embedding_speed(model, corpus.firsts)
        return replace(super().measure(model, corpus, asked), per_second=speed)

    def read_test(self, model: Encoder, paths: Sources, asked: AskedPairs) -> PairCorpus:
        """Read tables of pairs."""
        return test_pairs(paths, asked)

    def measures(self, model: Encoder, by: MeasuredBy) -> TextMeasures:
        """Tell texts apart by their likeness to others."""
        return similarity_measures(model, by)

    def forms(self, model: Encoder) -> tuple[str, ...]:
        """Return the names of the forms that an encoder can be exported to."""
        return encoder_forms(super().forms(model))

    def published(self, model: Encoder) -> Published:
        """Return the network and how vectors of texts are made."""
        return published_encoder(model, masks=False)

    def graph(self, model: Encoder) -> "Graph":
        """Return a vector for each text."""
        from munmaek.tasks.mlm.graphs import vector_graph

        return vector_graph(model)

    def services(self, model: Encoder, options: Mapping[str, Any]) -> list[Service]:
        """Return what gives vectors, and what searches an index."""
        from munmaek.tasks.mlm.services import encoder_services

        return encoder_services(model, options)

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Encoder:
        """Open a network and its way from a text to a vector."""
        return restored_encoder(folder, manifest, info)
