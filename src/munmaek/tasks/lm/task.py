"""The work of task lm: running text to a trained language model, and back from its folder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import ArtefactError
from munmaek.fit.extra import Extra
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.manifest import MANIFEST
from munmaek.folder.opening import open_tables, part_folders
from munmaek.folder.tables import load_tables
from munmaek.models import stage_named
from munmaek.models.ngram import NgramModel
from munmaek.planning.facts import Facts
from munmaek.tasks.judged import Judged
from munmaek.tasks.lm.cached_text import CachedCorpus, facts_of_text, prepared_text, text_for
from munmaek.tasks.lm.combining import MixtureWithCounts, in_tokens
from munmaek.tasks.lm.data import Text
from munmaek.tasks.lm.fusing import mixed_by_fusing
from munmaek.tasks.lm.mixing import mix, mixture_of
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.options import AskedLines, LmRecipe
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.minimal_pairs import MinimalPairs, read_minimal_pairs
from munmaek.tasks.service import Continuing, Service
from munmaek.tasks.work import NOTHING_MORE, Measured, Mixed, Mixing, Work
from munmaek.text.corpora import Corpus, read_text
from munmaek.text.memory import Sources
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run
    from munmaek.tasks.counting import Counting

__all__ = ["LanguageModels"]


class LanguageModels(Work[Corpus, Text, TrainedLanguageModel]):
    """Running text in, a language model out."""

    layouts = (("text",),)
    combiner = MixtureWithCounts()
    mixed = "a language model"

    def read(self, paths: Sources, recipe: LmRecipe) -> Corpus:
        """Read running text, a line a sentence."""
        return read_text(paths, column=recipe.text_column)

    def read_to_train(self, paths: Sources, recipe: LmRecipe, run: "Run") -> Corpus | CachedCorpus:
        """Read running text, a large one into a file of tokens when it is prepared."""
        return text_for(paths, recipe, run)

    def facts(self, corpus: Corpus | CachedCorpus) -> Facts:
        """Return sizes of the text, and whether its lines go on from one another."""
        return facts_of_text(corpus)

    def prepare(
        self,
        corpus: Corpus | CachedCorpus,
        valid: Corpus | None,
        recipe: LmRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Text:
        """Return the lines as ids, with lines held out where the model needs them."""
        tokenizer = tokenizer_of(recipe, init)
        return prepared_text(corpus, valid, recipe, tokenizer=tokenizer, holding=holding)

    def fit(self, prepared: Text, recipe: LmRecipe, run: "Run") -> TrainedLanguageModel:
        """Train or count the recipe's stage to predict the next token."""
        from munmaek.tasks.lm.fit import fit_language_model

        return fit_language_model(prepared, recipe, run)

    def write(
        self,
        paths: Sources,
        valid: Sources,
        recipe: LmRecipe,
        extra: Extra,
        *,
        folder: Path | None,
        force: bool,
        report: Callable[[Any], None] | None,
    ) -> TrainedLanguageModel | None:
        """Count n-grams over files as they are, without a Python string for each word."""
        if not recipe.is_counted or recipe.train_rows is not None:
            return None
        from munmaek.tasks.lm.ngrams import reserved_of, resources_of, train_ngrams

        return train_ngrams(
            recipe,
            paths,
            folder=folder,
            valid=valid,
            force=force,
            resources=resources_of(extra),
            reserved=reserved_of(extra),
            report=report,
        )

    def count_on(self, engine: Any, recipe: LmRecipe, given: "Counting") -> TrainedLanguageModel:
        """Count n-grams on an engine, the same to the bit as ``write`` does."""
        if not recipe.is_counted:
            return super().count_on(engine, recipe, given)
        from munmaek.tasks.lm.merged import train_merged

        return train_merged(recipe, given, engine=engine)

    def validate(self, model: TrainedLanguageModel, prepared: Text) -> Measured | None:
        """Measure the probabilities of the lines held out; a score that is none has no measure."""
        if not model.is_distribution or prepared.valid_corpus is None:
            return None
        return Measured(model.evaluate(prepared.valid_corpus))

    def judge(
        self, model: TrainedLanguageModel, corpus: Corpus | MinimalPairs, asked: AskedLines
    ) -> Judged:
        """Judge the probabilities of a text, and of a model that adapts to it."""
        from munmaek.tasks.lm.measuring import judged_test

        return judged_test(model, corpus, asked)

    def measure(self, model: TrainedLanguageModel, corpus: Corpus, asked: AskedLines) -> Measured:
        """Measure the probabilities of a text; tokens a second."""
        measured = super().measure(model, corpus, asked)
        return in_tokens(measured, model.tokenizer, corpus)

    def mix(
        self, parts: Sequence[TrainedLanguageModel], how: Mixing
    ) -> Mixed[TrainedLanguageModel]:
        """Return models over one tokenizer as one; a product is too slow to measure by the way."""
        corpus = None if how.tune is None else read_text(how.tune, column=how.columns["text"])
        if how.fuse:
            return mixed_by_fusing(parts, how, corpus)
        made = mix(
            parts, weights=how.weights, tune=corpus, log_linear=how.log_linear, names=how.names
        )
        return Mixed(made, made.info.config["weights"], None if how.log_linear else corpus)

    def together(self, parts: Sequence[TrainedLanguageModel], tune: Corpus) -> TrainedLanguageModel:
        """Return models over one tokenizer as one, by shares tuned on a text."""
        return mix(parts, tune=tune)

    def likelihoods(self, model: TrainedLanguageModel, corpus: Corpus) -> Floats:
        """Return the natural-log probability of each line."""
        eos, encode = model.tokenizer.eos, model.tokenizer.encode_many
        lines = [[*ids, eos] for ids in encode(corpus.lines)]
        return np.array([float(row.sum()) for row in model.model.score_many(lines)])

    def measures(self, model: TrainedLanguageModel, by: MeasuredBy) -> TextMeasures:
        """Tell texts apart by their perplexity."""
        from munmaek.tasks.lm.text_measures import language_measures

        return language_measures(model, by)

    def forms(self, model: TrainedLanguageModel) -> tuple[str, ...]:
        """Return the forms that n-gram models have, or those of networks."""
        if model.is_counted:
            return ("arpa", "compact", "quantised", "fast")
        return super().forms(model)

    def graph(self, model: TrainedLanguageModel) -> "Graph":
        """Return the log-probability of each next token, and the state."""
        from munmaek.tasks.lm.graphs import language_graph

        return language_graph(model)

    def verify(self, model: TrainedLanguageModel) -> None:
        """Check that the tables of counts fit together, and the text that was kept with them."""
        if model.text is not None:
            model.text.verify(vocab_size=model.tokenizer.vocab_size)
        if isinstance(model.model, NgramModel):
            model.model.tables.verify()

    def read_test(
        self, model: TrainedLanguageModel, paths: Sources, asked: AskedLines
    ) -> Corpus | MinimalPairs:
        """Read running text, a line a sentence, or minimal pairs."""
        if asked.minimal_pairs:
            return read_minimal_pairs(paths, asked)
        return read_text(paths, column=asked.text_column)

    def services(self, model: TrainedLanguageModel, options: Mapping[str, Any]) -> list[Service]:
        """Return what continues texts."""
        from munmaek.tasks.lm.services import generating_service

        return [generating_service(model)]

    def continuing(self, model: TrainedLanguageModel) -> Continuing | None:
        """Return what continues texts; scores that are no probabilities are not drawn from."""
        from munmaek.tasks.lm.services import Continuations
        from munmaek.tasks.lm.walking import walker_of

        return Continuations(model, walker_of(model)) if model.is_distribution else None

    def restore(
        self, folder: Path, manifest: Mapping[str, Any], info: Info
    ) -> TrainedLanguageModel:
        """Open a counted model, a mixture or a network; the first two without torch."""
        tokenizer = cast("Tokenizer", named_tokenizer(folder, manifest, "tokenizer"))
        if info.is_mixture:
            return self._mixture(folder, info, tokenizer)
        if stage_named(info.stage).counted:
            model = open_tables(NgramModel, folder, info)
            return TrainedLanguageModel(tokenizer, model, info, _kept_text(folder, manifest))
        from munmaek.folder.weights import open_network
        from munmaek.tasks.lm.neural import language_model_of

        document = info.training.get("context") == "document"
        network = language_model_of(open_network(folder, info), tokenizer, document=document)
        return TrainedLanguageModel(tokenizer, network, info)

    def _mixture(self, folder: Path, info: Info, tokenizer: Tokenizer) -> TrainedLanguageModel:
        from munmaek.tasks.loading import load_for

        places = part_folders(folder, info)
        parts = tuple(load_for(place, "lm", what="a mixture") for place in places)
        for place, part in zip(places, parts, strict=True):
            if part.tokenizer.fingerprint != tokenizer.fingerprint:
                message = f"{place}: another tokenizer than the mixture's; copy the folder again"
                raise ArtefactError(message)
        try:
            model = mixture_of(parts, info.config)
        except ValueError as error:
            message = f"{folder / MANIFEST}: damaged ({error}); make the mixture again"
            raise ArtefactError(message) from error
        return TrainedLanguageModel(tokenizer, model, info, parts=parts)


def _kept_text(folder: Path, manifest: Mapping[str, Any]) -> TrainingText | None:
    if "text.safetensors" not in manifest["files"]:
        return None
    return TrainingText.from_tensors(load_tables(folder / "text.safetensors"))
