"""The work of task classify: labelled texts to a trained classifier, and back from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import ArtefactError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.opening import open_tables, part_folders
from munmaek.metrics.thresholds import Chosen, Thresholds, Wanted
from munmaek.models import stage_named
from munmaek.models.ngram import CountedClassifier, LogLinearNgrams, NgramClassifier
from munmaek.planning.facts import Facts, facts_of
from munmaek.tasks.asked import AskedRows
from munmaek.tasks.classify.data import Labelled, prepare_labelled
from munmaek.tasks.classify.mixed import LEAST, MixedClassifier, mix_classifiers
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.options import AskedLabels, ClassifyRecipe
from munmaek.tasks.judged import Judged
from munmaek.tasks.labelling import Labeller, label_measures
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.preparing import PAIR, SINGLE, columns_of, texts_of
from munmaek.tasks.work import NOTHING_MORE, Mixed, Mixing, Published, Work
from munmaek.text.corpora import LabelledCorpus, Pairs, read_labelled
from munmaek.text.labels import unseen_note
from munmaek.text.memory import Sources

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run
    from munmaek.tasks.classify.objective import NeuralClassifier

__all__ = ["Classifiers"]


class Classifiers(Work[LabelledCorpus, Labelled, Labeller]):
    """Labelled texts, or pairs of texts, in, a classifier out."""

    layouts = (SINGLE, PAIR)
    mixed = "a single classifier"

    def read(self, paths: Sources, recipe: ClassifyRecipe) -> LabelledCorpus:
        """Read texts and their labels from tables."""
        return read_labelled(paths, **columns_of(recipe))

    def facts(self, corpus: LabelledCorpus) -> Facts:
        """Return sizes of the texts, those of a pair together, and the number of labels."""
        return facts_of(texts_of(corpus), labels=len(set(corpus.every_label)))

    def prepare(
        self,
        corpus: LabelledCorpus,
        valid: LabelledCorpus | None,
        recipe: ClassifyRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Labelled:
        """Return texts as ids with their labels, with texts of each label held out."""
        tokenizer = tokenizer_of(recipe, init)
        soft = extra.soft_labels
        return prepare_labelled(
            corpus, valid, recipe, tokenizer=tokenizer, soft=soft, holding=holding
        )

    def fit(self, prepared: Labelled, recipe: ClassifyRecipe, run: "Run") -> Classifier:
        """Train or count the recipe's stage to tell the labels apart."""
        from munmaek.tasks.classify.fit import fit_classifier

        return fit_classifier(prepared, recipe, run)

    def can_mix(self, model: Labeller) -> bool:
        """Return whether it is no mixture itself."""
        return not isinstance(model, MixedClassifier)

    def mix(self, parts: Sequence[Any], how: Mixing) -> Mixed[Any]:
        """Return classifiers of the same labels as one."""
        if how.fuse:
            raise UnsupportedError("--fuse is for n-gram language models, not for classifiers")
        corpus = None
        if how.tune is not None:
            second = how.columns["second"]
            paired = second is not None or any(part.pairs for part in parts)
            corpus = read_labelled(
                how.tune,
                text_column=how.columns["text"],
                label_column=how.columns["label"],
                pairs=Pairs(second) if paired else None,
            )
        made = mix_classifiers(
            parts, weights=how.weights, tune=corpus, log_linear=how.log_linear, names=how.names
        )
        return Mixed(made, made.info.config["weights"], corpus)

    def together(self, parts: Sequence[Any], tune: LabelledCorpus) -> MixedClassifier:
        """Return classifiers as one, by exponents tuned on labelled texts."""
        return mix_classifiers(parts, tune=tune, log_linear=True)

    def likelihoods(self, model: Labeller, corpus: LabelledCorpus) -> Floats:
        """Return the natural-log probability of the label of each text; of an unknown one, none."""
        rows = np.maximum(model.logprobs(corpus.texts, corpus.seconds), LEAST)
        places = {label: place for place, label in enumerate(model.labels)}
        at = np.array([places.get(label, -1) for label in corpus.labels])
        return np.where(at < 0, LEAST, rows[np.arange(len(at)), at])

    def remark(self, model: Labeller, corpus: LabelledCorpus) -> str:
        """Return how many labels of the corpus the model never saw."""
        return unseen_note(model.labels, corpus.every_label, name=corpus.name)

    def measures(self, model: Labeller, by: MeasuredBy) -> TextMeasures:
        """Tell texts apart by the probability of a label."""
        return label_measures(model, by)

    def published(self, model: Labeller) -> Published:
        """Return the network, the labels, and the temperature as a part of its last layer."""
        network: Any = getattr(getattr(model, "model", None), "network", None)
        return Published(network, model.labels, model.several, scale=1.0 / model.temperature)

    def graph(self, model: Any) -> "Graph":
        """Return scores and probabilities of labels."""
        from munmaek.tasks.classify.graphs import classifier_graph

        return classifier_graph(model, model.model.network)

    def verify(self, model: Labeller) -> None:
        """Check that the tables of counts fit together."""
        scorer = getattr(model, "model", None)
        if isinstance(scorer, CountedClassifier):
            scorer.verify()

    def strata(self, corpus: LabelledCorpus) -> Sequence[Any]:
        """Return the labels of each text."""
        return corpus.sets or corpus.labels

    def judge(self, model: Labeller, corpus: LabelledCorpus, asked: AskedLabels) -> Judged:
        """Judge the label of each text, or its labels."""
        return model.judge(corpus, top_k=asked.top_k)

    def thresholded(
        self,
        model: Labeller,
        corpus: LabelledCorpus,
        *,
        wanted: Wanted,
        least: float,
        label: str | None,
    ) -> tuple[Labeller, list[Chosen]]:
        """Return the classifier with thresholds chosen on a corpus, and what each does there."""
        made: Any
        made, chosen = model.thresholded(corpus, wanted=wanted, least=least, label=label)
        record = {
            "data": {"name": corpus.name, "rows": corpus.size, "sha256": corpus.fingerprint},
            "chosen": [each.to_json() for each in chosen],
        }
        training = {**model.info.training, "thresholds": record}
        return replace(made, info=replace(made.info, training=training)), chosen

    def read_test(self, model: Labeller, paths: Sources, asked: AskedRows) -> LabelledCorpus:
        """Read texts and their labels from tables."""
        return read_labelled(paths, **columns_of(asked, paired=bool(model.pairs)))

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Labeller:
        """Open a counted classifier, a mixture or a network."""
        if info.is_mixture:
            return self._mixture(folder, manifest, info)
        return Classifier(
            named_tokenizer(folder, manifest, "tokenizer"),
            self._scorer(folder, manifest, info),
            tuple(cast("list[str]", manifest["labels"])),
            info,
            manifest["limit"],
            pairs=manifest.get("pairs", False),
            temperature=manifest.get("temperature", 1.0),
            thresholds=Thresholds.from_json(manifest.get("thresholds")),
        )

    def _scorer(
        self, folder: Path, manifest: Mapping[str, Any], info: Info
    ) -> "CountedClassifier | NeuralClassifier":
        if stage_named(info.stage).counted:
            if info.config.get("discriminative"):
                return open_tables(LogLinearNgrams, folder, info)
            return open_tables(NgramClassifier, folder, info)
        from munmaek.folder.weights import open_network
        from munmaek.tasks.classify.objective import NeuralClassifier

        network = open_network(folder, info)
        return NeuralClassifier(network, several=manifest.get("several", False))

    def _mixture(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> MixedClassifier:
        from munmaek.tasks.loading import load_for

        places = part_folders(folder, info)
        parts = tuple(load_for(place, "classify", what="a mixture") for place in places)
        for place, part in zip(places, parts, strict=True):
            if part.info.is_mixture:
                message = f"{place}: a mixture within a mixture; mix single classifiers"
                raise ArtefactError(message)
            if set(part.labels) != set(manifest["labels"]):
                message = f"{place}: other labels than the mixture's; copy the folder again"
                raise ArtefactError(message)
        return MixedClassifier(
            parts,
            tuple(info.config["weights"]),
            tuple(manifest["labels"]),
            info,
            pairs=manifest.get("pairs", False),
            temperature=manifest.get("temperature", 1.0),
            thresholds=Thresholds.from_json(manifest.get("thresholds")),
        )

    def adopt(self, opened: "OpenedCheckpoint") -> Classifier | None:
        """Return a checkpoint whose head gives labels."""
        labels = opened.labels
        if opened.head != "classify" or labels.rates:
            return None
        from munmaek.tasks.classify.objective import NeuralClassifier

        model = NeuralClassifier(opened.network, several=labels.several)
        return Classifier(
            opened.tokenizer, model, labels.names, opened.info, opened.max_length, pairs=None
        )
