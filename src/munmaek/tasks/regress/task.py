"""The work of task regress: texts with values to a trained regressor, and back from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.fit.extra import Extra
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.weights import open_network
from munmaek.planning.facts import Facts, facts_of
from munmaek.tasks.asked import AskedRows
from munmaek.tasks.judged import Judged
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.preparing import PAIR, SINGLE, columns_of, texts_of
from munmaek.tasks.regress.data import Valued, prepare_valued
from munmaek.tasks.regress.model import LABEL, Regressor
from munmaek.tasks.regress.objective import NeuralRegressor
from munmaek.tasks.regress.options import RegressRecipe
from munmaek.tasks.work import NOTHING_MORE, Published, Work
from munmaek.text.corpora import LabelledCorpus, read_valued
from munmaek.text.memory import Sources

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run

__all__ = ["Regressors"]


class Regressors(Work[LabelledCorpus, Valued, Regressor]):
    """Texts, or pairs of texts, with numbers in, a regressor out."""

    layouts = (SINGLE, PAIR)

    def read(self, paths: Sources, recipe: RegressRecipe) -> LabelledCorpus:
        """Read texts and their numbers from tables."""
        return read_valued(paths, **columns_of(recipe))

    def facts(self, corpus: LabelledCorpus) -> Facts:
        """Return sizes of the texts, those of a pair together."""
        return facts_of(texts_of(corpus))

    def prepare(
        self,
        corpus: LabelledCorpus,
        valid: LabelledCorpus | None,
        recipe: RegressRecipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Valued:
        """Return texts as ids with their values scaled to 0 to 1, with texts held out."""
        return prepare_valued(corpus, valid, recipe, tokenizer=tokenizer_of(recipe, init))

    def fit(self, prepared: Valued, recipe: RegressRecipe, run: "Run") -> Regressor:
        """Train the recipe's stage to give the values."""
        from munmaek.tasks.regress.fit import fit_regressor

        return fit_regressor(prepared, recipe, run)

    def judge(self, model: Regressor, corpus: LabelledCorpus, asked: AskedRows) -> Judged:
        """Judge the number of each text."""
        return model.judge(corpus)

    def read_test(self, model: Regressor, paths: Sources, asked: AskedRows) -> LabelledCorpus:
        """Read texts and their numbers from tables."""
        return read_valued(paths, **columns_of(asked, paired=bool(model.pairs)))

    def measures(self, model: Regressor, by: MeasuredBy) -> TextMeasures:
        """Tell texts apart by their number."""

        def values(texts: Sequence[str]) -> Mapping[str, Floats]:
            return {"value": np.array([each.value for each in model.rate(texts)])}

        return TextMeasures(("value",), more_is_better=True, of=values)

    def published(self, model: Regressor) -> Published:
        """Return the network, and the range of its values as a part of its last layer."""
        scale = model.high - model.low
        return Published(model.model.network, (LABEL,), scale=scale, shift=model.low)

    def graph(self, model: Regressor) -> "Graph":
        """Return the number of each text."""
        from munmaek.tasks.regress.graphs import regressor_graph

        return regressor_graph(model)

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Regressor:
        """Open a network and the range of its values."""
        low, high = manifest["range"]
        return Regressor(
            named_tokenizer(folder, manifest, "tokenizer"),
            NeuralRegressor(open_network(folder, info)),
            info,
            manifest["limit"],
            manifest["pairs"],
            low=low,
            high=high,
        )

    def adopt(self, opened: "OpenedCheckpoint") -> Regressor | None:
        """Return a checkpoint whose head gives one number."""
        if opened.head != "classify" or not opened.labels.rates:
            return None
        info = replace(opened.info, task="regress")
        rater = NeuralRegressor(opened.network)
        return Regressor(opened.tokenizer, rater, info, opened.max_length, pairs=None)
