"""The work of task tag: tagged sentences to a trained tagger, and back from its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munmaek.fit.extra import Extra
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.weights import open_network
from munmaek.tasks.asked import Asked
from munmaek.tasks.judged import Judged
from munmaek.tasks.tag.data import Tagged, prepare_tagged
from munmaek.tasks.tag.model import Tagger
from munmaek.tasks.tag.options import TagRecipe
from munmaek.tasks.work import NOTHING_MORE, Published, Work
from munmaek.text.labels import unseen_note
from munmaek.text.memory import Sources
from munmaek.text.tagged import TaggedCorpus, read_tagged

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run

__all__ = ["Taggers"]


class Taggers(Work[TaggedCorpus, Tagged, Tagger]):
    """Sentences of tagged words in, a tagger out."""

    layouts = (("words", "labels"),)

    def read(self, paths: Sources, recipe: TagRecipe) -> TaggedCorpus:
        """Read sentences of words with labels."""
        return read_tagged(paths)

    def prepare(
        self,
        corpus: TaggedCorpus,
        valid: TaggedCorpus | None,
        recipe: TagRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Tagged:
        """Return the sentences with a tokenizer and their labels, with sentences held out."""
        return prepare_tagged(corpus, valid, recipe, tokenizer=tokenizer_of(recipe, init))

    def fit(self, prepared: Tagged, recipe: TagRecipe, run: "Run") -> Tagger:
        """Train the recipe's stage to label the words."""
        from munmaek.tasks.tag.fit import fit_tagger

        return fit_tagger(prepared, recipe, run)

    def remark(self, model: Tagger, corpus: TaggedCorpus) -> str:
        """Return how many labels of the corpus the model never saw."""
        given = [label for labels in corpus.labels for label in labels]
        return unseen_note(model.labels, given, name=corpus.name, unit="words")

    def strata(self, corpus: TaggedCorpus) -> Sequence[Any]:
        """Return the labels of each sentence's words."""
        return corpus.labels

    def judge(self, model: Tagger, corpus: TaggedCorpus, asked: Asked) -> Judged:
        """Judge the labels of words."""
        return model.judge(corpus)

    def read_test(self, model: Tagger, paths: Sources, asked: Asked) -> TaggedCorpus:
        """Read sentences of words with labels."""
        return read_tagged(paths)

    def published(self, model: Tagger) -> Published:
        """Return the network and its labels."""
        return Published(model.network, model.labels)

    def graph(self, model: Tagger) -> "Graph":
        """Return scores and probabilities of labels at each token."""
        from munmaek.tasks.tag.graphs import tagger_graph

        return tagger_graph(model)

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Tagger:
        """Open a network and its labels."""
        return Tagger(
            named_tokenizer(folder, manifest, "tokenizer"),
            open_network(folder, info),
            tuple(manifest["labels"]),
            info,
            manifest["limit"],
            manifest.get("whole_words", False),
            manifest.get("apart", False),
        )

    def adopt(self, opened: "OpenedCheckpoint") -> Tagger | None:
        """Return a checkpoint whose head labels tokens."""
        if opened.head != "tag":
            return None
        return Tagger(
            opened.tokenizer, opened.network, opened.labels.names, opened.info, opened.max_length
        )
