"""The demonstration's jobs: each trains or measures one thing, alike in any process."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from munmaek.comparison.crew import Job, Tell
from munmaek.comparison.demonstration_data import Data, labelled_corpus, lines_of, pairs_of
from munmaek.comparison.demonstration_plan import SMALL, Plan
from munmaek.comparison.entries import (
    classifier_row,
    encoder_row,
    language_model_row,
    mixture_row,
    translator_row,
)
from munmaek.comparison.yardsticks import yardsticks
from munmaek.fit.recipe import Recipe
from munmaek.fit.record import Progress
from munmaek.fit.running import Run
from munmaek.fit.vocabulary import own_tokenizer
from munmaek.look.measures import first_word_influence, reading_work
from munmaek.metrics import alignment_scores, resting_on
from munmaek.nn.products import unmeasured_products
from munmaek.phrases import Phrase
from munmaek.tasks.classify.fit import fit_classifier
from munmaek.tasks.lm.fit import fit_language_model
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.fit import fit_encoder
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.translate.fit import fit_translator
from munmaek.tasks.translate.model import Translator

if TYPE_CHECKING:
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = ["JOBS", "LABELS", "Demonstrating", "Outcome"]

Parts = dict[str, Any]

TRAINED = 0.9
"""Share of a job that is training; the rest is testing."""

SHOWN = ("나는 학교에서 공부한다", "I study at school")
"""The sentence of the test data whose alignment is drawn first."""

FILLS = 4
"""Test sentences in which a word is hidden, and that the report shows."""

LENGTHS = (8, 16, 32, 64, 128, 256, 512)

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "lm-ngram": ("5-gram", {}),
    "lm-elman": ("Elman RNN", {"cell": "elman"}),
    "lm-rnn": ("LSTM", {}),
    "lm-self_attention": ("self-attention", {}),
    "lm-transformer": ("Transformer", {}),
    "mlm-bert": ("BERT", {}),
    "translate-seq2seq": ("encoder–decoder", {}),
    "translate-attention": ("attention", {}),
    "translate-transformer": ("Transformer", {}),
    "classify-ngram": ("3-gram", {"order": 3}),
    "classify-rnn": ("LSTM", {}),
    "classify-attention": ("attention", {}),
    "classify-self_attention": ("self-attention", {}),
    "classify-transformer": ("Transformer", {}),
    "classify-bert": ("BERT", {}),
}
"""What is trained, by the row's name: what people call it, and its configuration."""

MIXTURE, LIMITS, YARDSTICKS = "lm-mixture", "limits", "yardsticks"

LANGUAGE_MODELS = tuple(name for name in NETWORKS if name.startswith("lm-"))
MEASURED = ("lm-elman", "lm-rnn", "lm-self_attention")
"""Those whose reach and work are drawn."""

LABELS = {**{name: label for name, (label, _) in NETWORKS.items()}, MIXTURE: "mixture"}

JOBS = (
    Job(YARDSTICKS),
    *(Job(name) for name in LANGUAGE_MODELS),
    Job("mlm-bert"),
    Job(MIXTURE, LANGUAGE_MODELS),
    *(Job(name) for name in NETWORKS if name.startswith("translate-")),
    Job(LIMITS, MEASURED),
    *(
        Job(name, ("mlm-bert",) if name == "classify-bert" else ())
        for name in NETWORKS
        if name.startswith("classify-")
    ),
)
"""In the order in which they begin: the longest not last, lest one process wait for another."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job gives."""

    row: dict[str, Any] | None = None
    """The model's entry in ``results.json``."""
    parts: Mapping[str, Any] | None = None
    """What else goes there: lists that are joined."""


@contextmanager
def _steady() -> Generator[None]:
    """Inside, numbers depend neither on how many threads there are nor on what was measured."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with unmeasured_products():
            yield
    finally:
        torch.set_num_threads(threads)


class Demonstrating:
    """Does the jobs of one demonstration; models go from job to job through their folders."""

    def __init__(self, folder: Path, plan: Plan, seed: int, force: bool) -> None:
        self.folder = folder
        self.plan = plan
        self.seed = seed
        self.force = force
        self.data = Data(plan, seed)

    def run(self, name: str, tell: Tell) -> Outcome:
        """Do the job called ``name``."""
        tasks: dict[str, Callable[[str, Run], Outcome]] = {
            "lm": self._language_model,
            "mlm": self._encoder,
            "translate": self._translator,
            "classify": self._classifier,
        }
        others: dict[str, Callable[[], Outcome]] = {
            MIXTURE: self._mixture,
            LIMITS: self._limits,
            YARDSTICKS: self._yardsticks,
        }
        with _steady():
            if name in others:
                return others[name]()

            def told(progress: Progress) -> None:
                tell(TRAINED * progress.progress, progress.loss)

            init = self._load("mlm-bert") if name == "classify-bert" else None
            return tasks[name.split("-")[0]](name, Run(init=init, report=told))

    def _recipe(self, name: str) -> Recipe:
        task, _, stage = name.partition("-")
        stage = "rnn" if stage == "elman" else stage
        training = self.plan.trainings.get(name)
        options: dict[str, Any] = {} if training is None else dict(training.recipe)
        if training is not None:
            steps = {"steps": training.steps, "validations": self.plan.validations}
            options["train"] = {**steps, **training.train}
        return Recipe.of(
            {
                "task": task,
                "stage": stage,
                "vocab_size": self.plan.vocab_size,
                "model": {**SMALL.get(stage, {}), **NETWORKS[name][1]},
                "max_tokens": self.plan.max_tokens,
                "limit": 128,
                "seed": self.seed,
                **options,
            }
        )

    def _saved(self, model: Any, row: dict[str, Any], **parts: Any) -> Outcome:
        model.save(self._place(str(row["name"])), force=self.force)
        return Outcome(row, parts)

    def _place(self, name: str) -> Path:
        return self.folder / "models" / name

    def _load(self, name: str) -> Any:
        return load(self._place(name))

    def _test(self) -> Sequence[Phrase]:
        return self.data.book.test

    def _language_model(self, name: str, run: Run) -> Outcome:
        """Next word: n-gram, recurrences, self-attention, Transformer."""
        model = fit_language_model(self.data.text, self._recipe(name), run)
        row = language_model_row(model, lines_of("phrasebook (test)", self._test()), name=name)
        rng = np.random.default_rng(self.seed)
        text = model.generate("나는", rng=rng, temperature=0.8)[0]
        return self._saved(model, row, samples=[{"model": name, "prompt": "나는", "text": text}])

    def _mixture(self) -> Outcome:
        """The network that validates best and the n-gram model."""
        test = lines_of("phrasebook (test)", self._test())
        networks: dict[str, TrainedLanguageModel] = {
            name: self._load(name) for name in LANGUAGE_MODELS if name != "lm-ngram"
        }
        best = min(
            networks,
            key=lambda name: cast("float", networks[name].info.training["best_validation"]),
        )
        valid = self.data.text.valid_corpus
        assert valid is not None
        counted = self._load("lm-ngram")
        row = mixture_row(networks[best], counted, valid=valid, test=test, name=MIXTURE)
        return Outcome({**row, "parts": [best, "lm-ngram"]})

    def _encoder(self, name: str, run: Run) -> Outcome:
        """Masked words: BERT, and what it fills in."""
        model = fit_encoder(self.data.text, self._recipe(name), run)
        row = encoder_row(model, lines_of("phrasebook (test)", self._test()), name=name)
        return self._saved(model, row, fills=_fills(model, self._test()))

    def _classifier(self, name: str, run: Run) -> Outcome:
        """The sentence's type; BERT is fine-tuned."""
        own = own_tokenizer(run.init)
        texts = self.data.labelled if own is None else self.data.labelled_by(own)
        model = fit_classifier(texts, self._recipe(name), run)
        test = labelled_corpus("phrasebook (test)", self._test())
        return self._saved(model, classifier_row(model, test, name=name))

    def _translator(self, name: str, run: Run) -> Outcome:
        """Korean to English: the fixed vector, attention, the Transformer; and their links."""
        model = fit_translator(self.data.pairs, self._recipe(name), run)
        test = pairs_of("phrasebook (test)", self._test())
        plan = self.plan
        row, outputs = translator_row(model, test, name=name, beam=plan.beam, edges=plan.edges)
        parts: Parts = {"translations": _translations(self._test(), name, outputs)}
        if name != "translate-seq2seq":
            row["scores"]["aer"], parts["alignments"] = _links(model, name, self._test())
        return self._saved(model, row, **parts)

    def _limits(self) -> Outcome:
        """How far back each network reaches, and how its work grows with the sentence."""
        tokenizer = self.data.text.tokenizer
        encoded = tokenizer.encode_many([phrase.korean for phrase in self._test()])
        influence: list[Parts] = []
        work: list[Parts] = []
        for name in MEASURED:
            network: Any = self._load(name).model.network
            told = {"model": name, "label": LABELS[name]}
            distances = self.plan.distances
            norms = first_word_influence(network, encoded, bos=tokenizer.bos, distances=distances)
            influence.append({**told, "distance": distances, "norm": norms})
            counts = reading_work(network, vocab_size=tokenizer.vocab_size, lengths=LENGTHS)
            work.append({**told, "length": LENGTHS, "multiplications": counts})
        return Outcome(parts={"influence": influence, "work": work})

    def _yardsticks(self) -> Outcome:
        """What needs no network: what the data is, and what the models are judged by."""
        baselines = yardsticks(self.data.book, self.data.text.tokenizer)
        return Outcome(parts={"data": self.data.describe(), "baselines": baselines})


def _fills(model: Encoder, phrases: Sequence[Phrase]) -> list[Parts]:
    """The first short test sentences in which the word before the last is one token, hidden."""
    entries: dict[str, Parts] = {}
    for phrase in phrases:
        words = phrase.korean.split()
        if 3 <= len(words) <= 6 and len(entries) < FILLS:
            answer, text = words[-2], " ".join([*words[:-2], "<mask>", words[-1]])
            if answer not in entries and len(model.tokenizer.encode(answer)) == 1:
                entries[answer] = _fill(model, text, answer)
    return list(entries.values())


def _fill(model: Encoder, text: str, answer: str) -> Parts:
    found = model.fill(text)[0]
    candidates = [{"token": token, "probability": share} for token, share in found.candidates]
    return {"text": text, "answer": answer, "candidates": candidates}


def _links(
    model: Translator, name: str, phrases: Sequence[Phrase]
) -> tuple[dict[str, Any], list[Parts]]:
    """The alignment error rate of the attention, and the matrices of the shown sentences."""
    aligned = model.align(
        [phrase.korean for phrase in phrases], [phrase.english for phrase in phrases]
    )
    scores = alignment_scores(
        [each.alignment or () for each in aligned],
        [phrase.links for phrase in phrases],
        signature=model.signature(beam=1).extended(("links", "argmax of attention, words")),
        rng=np.random.default_rng(0),
    )
    scores = resting_on(scores, "phrasebook (test)", len(phrases), "pairs")
    rate = scores["aer"].to_json()
    shown = _shown(phrases)
    matrices = [
        {
            "model": name,
            "source": list(each.source_words),
            "target": list(each.target_words),
            "weights": np.round(each.weights, 4).tolist(),
            "gold": [list(link) for link in phrase.links],
            "scores": {"aer": rate},
        }
        for phrase, each in zip(phrases, aligned, strict=True)
        if phrase in shown and each.weights is not None
    ]
    return rate, matrices


def _shown(phrases: Sequence[Phrase]) -> list[Phrase]:
    """The drawn sentences: the fixed one, and one of middle length."""
    fixed = [phrase for phrase in phrases if (phrase.korean, phrase.english) == SHOWN]
    middle = [phrase for phrase in phrases if len(phrase.english.split()) == 12][:1]
    return fixed + middle


def _translations(phrases: Sequence[Phrase], name: str, outputs: Sequence[str]) -> list[Parts]:
    """Five sentences from short to long, with what the model made of them."""
    order = sorted(range(len(phrases)), key=lambda index: len(phrases[index].english.split()))
    chosen = [order[int((len(order) - 1) * part)] for part in (0.1, 0.35, 0.6, 0.8, 0.97)]
    return [
        {
            "source": phrases[index].korean,
            "reference": phrases[index].english,
            "outputs": {name: outputs[index]},
        }
        for index in chosen
    ]
