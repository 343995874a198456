"""Task grade: labels that stand on a scale, and a text's mean grade under the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from munmaek.fit.extra import Extra
from munmaek.fit.network import row_lengths, train_network
from munmaek.fit.running import Run
from munmaek.fit.trained import Files, Model
from munmaek.fit.vocabulary import tokenizer_of
from munmaek.folder.borrowing import named_tokenizer
from munmaek.folder.info import Info
from munmaek.folder.saving import model_files
from munmaek.folder.weights import open_network, save_network
from munmaek.metrics import Score, resting_on, sign_model
from munmaek.nn.tape import Tape
from munmaek.tasks.asked import AskedRows
from munmaek.tasks.classify.objective import Classification, row_scores
from munmaek.tasks.framing import framing_of
from munmaek.tasks.preparing import (
    SINGLE,
    columns_of,
    describe_split,
    labelled_tokenizer,
    parted_to_train,
)
from munmaek.tasks.recipe import Bounded, Rows
from munmaek.tasks.work import NOTHING_MORE, Work
from munmaek.text.corpora import LabelledCorpus, read_valued, values_of
from munmaek.text.memory import Sources


class GradeRecipe(Rows, Bounded):
    """Options of grading."""


@dataclass(frozen=True, slots=True)
class Graded:
    """Texts with a grade each."""

    tokenizer: Any
    grades: tuple[float, ...]
    train_corpus: LabelledCorpus
    valid_corpus: LabelledCorpus

    def describe(self) -> dict[str, Any]:
        """Return names, sizes and fingerprints."""
        train, held = self.train_corpus, self.valid_corpus
        return describe_split(train, train.size, held, held.size)


@dataclass(frozen=True, slots=True, repr=False)
class Grader(Model):
    """Says a text's grade."""

    tokenizer: Any
    network: Any
    grades: tuple[float, ...]
    info: Info
    limit: int

    def grade(self, texts: Sequence[str]) -> list[float]:
        """Return the mean of the grades, weighted by their probabilities, of each text."""
        framing = framing_of(self.info, self.tokenizer, self.limit)
        rows = framing.rows(self.tokenizer.encode_many(texts))
        with torch.inference_mode():
            scores = row_scores(self.network, rows, Tape())
        return (scores.double().softmax(1).numpy() @ np.array(self.grades)).tolist()

    def evaluate(self, corpus: LabelledCorpus) -> dict[str, Score]:
        """Return how far grades are from the right ones, on average."""
        signature = sign_model(self.tokenizer, task="grade", stage=self.info.stage)
        errors = np.abs(np.array(self.grade(corpus.texts)) - values_of(corpus))
        score = Score("mean_error", float(errors.mean()), "grades", signature)
        return resting_on({"mean_error": score}, corpus.name, corpus.size, "texts")

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        weights = partial(save_network, self.network, stage=self.info.stage)
        return model_files(self.info, self.tokenizer, weights)

    def manifest(self) -> Mapping[str, Any]:
        """Return what the record says besides."""
        return {
            "tokenizer": self.tokenizer.describe(),
            "labels": [f"{grade:g}" for grade in self.grades],
            "limit": self.limit,
        }

    def facts(self) -> Sequence[str]:
        """Return the scale."""
        return (f"grades {self.grades[0]:g} to {self.grades[-1]:g}",)


class Grades(Work[LabelledCorpus, Graded, Grader]):
    """Texts with grades in, a grader out."""

    layouts = (SINGLE,)

    def read(self, paths: Sources, recipe: GradeRecipe) -> LabelledCorpus:
        """Read texts and their grades."""
        return read_valued(paths, **columns_of(recipe))

    def prepare(
        self,
        corpus: LabelledCorpus,
        valid: Any,
        recipe: Any,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> Graded:
        """Return the texts, with some held out."""
        grades = tuple(sorted({*values_of(corpus)}))
        train, held = parted_to_train(corpus, valid, recipe)
        tokenizer = tokenizer_of(recipe, init) or labelled_tokenizer(train, recipe)
        return Graded(tokenizer, grades, train, held)

    def fit(self, prepared: Graded, recipe: GradeRecipe, run: Run) -> Grader:
        """Train a network to tell the grades apart."""
        tokenizer, limit = prepared.tokenizer, recipe.max_length
        framing = framing_of(Info("grade", recipe.stage, "", {}, {}, 0), tokenizer, limit)
        rows, labels = [], []
        for corpus in (prepared.train_corpus, prepared.valid_corpus):
            rows.append(framing.rows(tokenizer.encode_many(corpus.texts)))
            places = [prepared.grades.index(value) for value in values_of(corpus)]
            labels.append(np.array(places, dtype=np.int64))
        objective = Classification(
            train=rows[0],
            train_labels=labels[0],
            valid=rows[1],
            valid_labels=labels[1],
            pad=tokenizer.pad,
            max_tokens=recipe.max_tokens,
            seed=recipe.seed,
        )
        network, info = train_network(
            objective,
            recipe,
            run,
            sizes={"vocab_size": tokenizer.vocab_size, "label_count": len(prepared.grades)},
            data=prepared.describe(),
            lengths=row_lengths(rows[0].ids),
            tokenizers=(tokenizer,),
        )
        return Grader(tokenizer, network, prepared.grades, info, limit)

    def read_test(self, model: Grader, paths: Sources, asked: AskedRows) -> LabelledCorpus:
        """Read texts and their grades."""
        return read_valued(paths, **columns_of(asked))

    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> Grader:
        """Open a network and its scale."""
        return Grader(
            named_tokenizer(folder, manifest, "tokenizer"),
            open_network(folder, info),
            tuple(float(grade) for grade in manifest["labels"]),
            info,
            manifest["limit"],
        )
