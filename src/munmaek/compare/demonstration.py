"""The built-in phrasebook through the whole lineage: every stage, every task, one report."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.artefact import Classifier, Encoder, TrainedLanguageModel, Translator
from munmaek.compare.demonstration_plan import FULL, QUICK, SMALL, Plan
from munmaek.compare.entries import (
    classifier_row,
    encoder_row,
    language_model_row,
    mixture_row,
    results_header,
    translator_row,
)
from munmaek.compare.events import Event, Message, StageFinished, StageProgress, StageStarted
from munmaek.compare.report import write_report
from munmaek.compare.unfinished import made_aside
from munmaek.look.measures import first_word_influence, reading_speed
from munmaek.metrics import IbmModel1, alignment_scores, resting_on, sign
from munmaek.phrases import Phrase, Phrasebook, phrasebook
from munmaek.recipe import (
    Recipe,
    Run,
    fit_classifier,
    fit_encoder,
    fit_language_model,
    fit_translator,
    prepare_labelled,
    prepare_parallel,
    prepare_text,
)
from munmaek.recipe.prepare import Labelled, Parallel, Text
from munmaek.recipe.vocabulary import own_tokenizer
from munmaek.tasks.lm import NeuralLanguageModel
from munmaek.text.corpora import Corpus, LabelledCorpus, ParallelCorpus
from munmaek.train import Progress
from munmaek.writing import write_text

__all__ = ["demo"]

Report = Callable[[Event], None]
Results = dict[str, Any]

EDGES = (4, 8, 12, 16)
"""Upper bounds, in Korean words, of the lengths that translations are scored by."""

SHOWN = ("나는 학교에서 공부한다", "I study at school")
"""The sentence of the test data whose alignment is drawn first."""

MASKED = (("나는 <mask> 공부한다", "학교에서"), ("나는 너를 <mask>", "사랑해"))

DISTANCES = (1, 2, 3, 5, 8, 12, 16, 24)
LENGTHS = (8, 16, 32, 64, 128, 256, 512)


def _silent(_: Event) -> None:
    """Nobody listens."""


def demo(
    folder: Path,
    *,
    quick: bool = False,
    seed: int = 0,
    force: bool = False,
    report: Report = _silent,
) -> Results:
    """Train every stage at every task it can do, on the phrasebook, and write the report.

    Args:
        folder: for ``report.html``, ``results.json`` and ``models/TASK-STAGE/``.
        quick: less of everything, in under a minute.
        seed: of the phrasebook and the training.
        force: replace an earlier demonstration.
        report: told of every model as soon as it is trained.

    Returns:
        The content of ``results.json``.

    Raises:
        InputError: ``folder`` exists and ``force`` is false.
        DiskError: it cannot be written.
    """
    plan = QUICK if quick else FULL
    book = phrasebook(seed=seed, pairs=plan.pairs, valid=plan.valid, test=plan.test)
    command = "munmaek demo" + (" --quick" if quick else "") + (f" --seed {seed}" if seed else "")
    results = results_header(title="The lineage on the built-in phrasebook", command=command)
    results["data"] = _data(book)
    results["notes"] = [plan.note] if plan.note else []
    with made_aside(folder, asked=None, force=force) as work:
        show = _Demo(work, plan, seed, force, report, results)
        texts = show.language_models(book)
        show.limits(texts, book)
        show.classifiers(book, show.encoder(texts, book))
        show.translators(book)
        write_text(work / "results.json", json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        write_report(results, work / "report.html")
    report(Message(f"wrote {folder / 'report.html'}"))
    return results


def _data(book: Phrasebook) -> list[dict[str, Any]]:
    sizes = {"train": len(book.train), "valid": len(book.valid), "test": len(book.test)}
    print_of = _pairs("phrasebook", book.train).fingerprint
    tasks = ("lm", "classify", "translate", "mlm")
    return [
        {"name": "built-in phrasebook", "task": task, **sizes, "fingerprint": print_of}
        for task in tasks
    ]


def _lines(name: str, phrases: Sequence[Phrase]) -> Corpus:
    return Corpus(name, tuple(phrase.korean for phrase in phrases))


def _labelled(name: str, phrases: Sequence[Phrase]) -> LabelledCorpus:
    return LabelledCorpus(
        name,
        tuple(phrase.korean for phrase in phrases),
        tuple(phrase.label for phrase in phrases),
    )


def _pairs(name: str, phrases: Sequence[Phrase]) -> ParallelCorpus:
    return ParallelCorpus(
        name,
        tuple(phrase.korean for phrase in phrases),
        tuple(phrase.english for phrase in phrases),
    )


@dataclass(slots=True)
class _Demo:
    """One demonstration while it runs."""

    folder: Path
    plan: Plan
    seed: int
    force: bool
    report: Report
    results: Results

    def _recipe(
        self, task: str, stage: str, *, name: str, model: dict[str, Any] | None = None
    ) -> Recipe:
        seconds = self.plan.seconds.get(name)
        train = {"budget": seconds, "validations": self.plan.validations}
        return Recipe.of(
            {
                "task": task,
                "stage": stage,
                "vocab_size": self.plan.vocab_size,
                "model": {**SMALL.get(stage, {}), **(model or {})},
                "train": {} if seconds is None else train,
                "max_tokens": self.plan.max_tokens,
                "limit": 128,
                "seed": self.seed,
            }
        )

    def _begin(self, name: str, label: str) -> Run:
        task = name.split("-")[0]
        self.report(StageStarted(name, task, label, self.plan.seconds.get(name)))

        def tell(progress: Progress) -> None:
            self.report(StageProgress(name, progress.progress, progress.loss))

        return Run(report=tell)

    def _keep(self, model: Any, row: dict[str, Any]) -> None:
        name = str(row["name"])
        model.save(self.folder / "models" / name, force=self.force)
        self._add(row)

    def _add(self, row: dict[str, Any]) -> None:
        self.results["models"].append(row)
        self.report(StageFinished(str(row["name"]), row))

    def language_models(self, book: Phrasebook) -> tuple[Text, dict[str, TrainedLanguageModel]]:
        """Next word: n-gram, recurrences, self-attention, Transformer, and the best mixture."""
        recipe = self._recipe("lm", "ngram", name="lm-ngram")
        text = prepare_text(
            _lines("phrasebook", book.train), _lines("phrasebook (valid)", book.valid), recipe
        )
        test = _lines("phrasebook (test)", book.test)
        models: dict[str, TrainedLanguageModel] = {}
        chosen: dict[str, tuple[str, str, dict[str, Any]]] = {
            "lm-ngram": ("ngram", "5-gram", {}),
            "lm-elman": ("rnn", "Elman RNN", {"cell": "elman"}),
            "lm-rnn": ("rnn", "LSTM", {}),
            "lm-self_attention": ("self_attention", "self-attention", {}),
            "lm-transformer": ("transformer", "Transformer", {}),
        }
        for name, (stage, label, config) in chosen.items():
            run = self._begin(name, label)
            recipe = self._recipe("lm", stage, name=name, model=config)
            models[name] = fit_language_model(text, recipe, run)
            self._keep(models[name], language_model_row(models[name], test, name=name))
        bits = {
            row["name"]: row["scores"]["bits_per_character"]["value"]
            for row in self.results["models"]
            if row["stage"] != "ngram"
        }
        best = models[min(bits, key=lambda name: bits[name])]
        self._begin("lm-mixture", "mixture")
        valid = text.valid_corpus
        assert valid is not None
        self._add(mixture_row(best, models["lm-ngram"], valid=valid, test=test, name="lm-mixture"))
        self._samples(models)
        return text, models

    def _samples(self, models: Mapping[str, TrainedLanguageModel]) -> None:
        self.results["samples"] = [
            {
                "model": name,
                "prompt": "나는",
                "text": model.generate(
                    "나는", rng=np.random.default_rng(self.seed), temperature=0.8
                )[0],
            }
            for name, model in models.items()
        ]

    def limits(self, texts: tuple[Text, dict[str, TrainedLanguageModel]], book: Phrasebook) -> None:
        """How far back each network reaches, and how its speed grows with the sentence."""
        text, models = texts
        encoded = text.tokenizer.encode_many([phrase.korean for phrase in book.test])
        influence: list[dict[str, Any]] = []
        speed: list[dict[str, Any]] = []
        for name in ("lm-elman", "lm-rnn", "lm-self_attention"):
            model = models[name].model
            assert isinstance(model, NeuralLanguageModel)
            told = {"model": name, "label": models[name].info.label}
            norms = first_word_influence(
                model.network, encoded, bos=text.tokenizer.bos, distances=DISTANCES
            )
            influence.append({**told, "distance": DISTANCES, "norm": norms})
            speeds = reading_speed(
                model.network, vocab_size=text.tokenizer.vocab_size, lengths=LENGTHS
            )
            speed.append({**told, "length": LENGTHS, "tokens_per_second": speeds})
        self.results |= {"influence": influence, "speed": speed}

    def encoder(
        self, texts: tuple[Text, dict[str, TrainedLanguageModel]], book: Phrasebook
    ) -> Encoder:
        """Masked words: BERT, and what it fills in."""
        name = "mlm-bert"
        run = self._begin(name, "BERT")
        model = fit_encoder(texts[0], self._recipe("mlm", "bert", name=name), run)
        test = _lines("phrasebook (test)", book.test)
        self._keep(model, encoder_row(model, test, name=name))
        self.results["fills"] = [_fill(model, text, answer) for text, answer in MASKED]
        return model

    def classifiers(self, book: Phrasebook, encoder: Encoder) -> None:
        """The sentence's type, by every stage that can tell; BERT is fine-tuned."""
        recipe = self._recipe("classify", "ngram", name="classify-ngram")
        texts = self._labelled(book, recipe)
        own = self._labelled(book, recipe, encoder)
        test = _labelled("phrasebook (test)", book.test)
        labels = {
            "ngram": "Bayes 3-gram",
            "rnn": "LSTM",
            "attention": "attention",
            "self_attention": "self-attention",
            "transformer": "Transformer",
            "bert": "BERT",
        }
        for stage, label in labels.items():
            name = f"classify-{stage}"
            run = self._begin(name, label)
            config = {"order": 3} if stage == "ngram" else {}
            recipe = self._recipe("classify", stage, name=name, model=config)
            if stage == "bert":
                run = Run(init=encoder, report=run.report)
            model: Classifier = fit_classifier(own if stage == "bert" else texts, recipe, run)
            self._keep(model, classifier_row(model, test, name=name))

    def _labelled(
        self, book: Phrasebook, recipe: Recipe, encoder: Encoder | None = None
    ) -> Labelled:
        train, valid = _labelled("phrasebook", book.train), _labelled("valid", book.valid)
        return prepare_labelled(train, valid, recipe, tokenizer=own_tokenizer(encoder))

    def translators(self, book: Phrasebook) -> None:
        """Korean to English: the fixed vector, attention, the Transformer; and their links."""
        recipe = self._recipe("translate", "seq2seq", name="translate-seq2seq")
        pairs: Parallel = prepare_parallel(
            _pairs("phrasebook", book.train), _pairs("phrasebook (valid)", book.valid), recipe
        )
        test = _pairs("phrasebook (test)", book.test)
        models: dict[str, Translator] = {}
        outputs: dict[str, list[str]] = {}
        chosen = {
            "seq2seq": "encoder–decoder",
            "attention": "attention",
            "transformer": "Transformer",
        }
        for stage, label in chosen.items():
            name = f"translate-{stage}"
            run = self._begin(name, label)
            models[name] = fit_translator(pairs, self._recipe("translate", stage, name=name), run)
            row, outputs[name] = translator_row(
                models[name], test, name=name, beam=self.plan.beam, edges=EDGES
            )
            if stage != "seq2seq":
                row["scores"]["aer"] = self._links(models[name], name, book.test)
            self._keep(models[name], row)
        self._baseline_links(book)
        self.results["translations"] = _translations(book.test, outputs)

    def _links(self, model: Translator, name: str, phrases: Sequence[Phrase]) -> dict[str, Any]:
        """The alignment error rate of the attention, with the matrix of the shown sentence."""
        aligned = model.align(
            [phrase.korean for phrase in phrases], [phrase.english for phrase in phrases]
        )
        signature = model.signature(beam=1).extended(("links", "argmax of attention, words"))
        scores = alignment_scores(
            [each.alignment or () for each in aligned],
            [phrase.links for phrase in phrases],
            signature=signature,
            rng=np.random.default_rng(0),
        )
        scores = resting_on(scores, "phrasebook (test)", len(phrases), "pairs")
        told = {score: value.to_json() for score, value in scores.items()}
        for phrase, each in zip(phrases, aligned, strict=True):
            if phrase in _shown(phrases) and each.weights is not None:
                self.results.setdefault("alignments", []).append(
                    {
                        "model": name,
                        "source": list(each.source_words),
                        "target": list(each.target_words),
                        "weights": np.round(each.weights, 4).tolist(),
                        "gold": [list(link) for link in phrase.links],
                        "scores": {"aer": told["aer"]},
                    }
                )
        return told["aer"]

    def _baseline_links(self, book: Phrasebook) -> None:
        sources = [phrase.korean.split() for phrase in book.train]
        targets = [phrase.english.split() for phrase in book.train]
        aligner = IbmModel1.fit(sources, targets)
        scores = alignment_scores(
            [aligner.align(phrase.korean.split(), phrase.english.split()) for phrase in book.test],
            [phrase.links for phrase in book.test],
            signature=sign(task="align", stage="ibm1", tokenizer="words"),
            rng=np.random.default_rng(0),
        )
        scores = resting_on(scores, "phrasebook (test)", len(book.test), "pairs")
        told = {score: value.to_json() for score, value in scores.items()}
        self.results.setdefault("baselines", []).append(
            {"task": "align", "label": "IBM Model 1", "scores": told}
        )


def _fill(model: Encoder, text: str, answer: str) -> dict[str, Any]:
    found = model.fill(text)[0]
    return {
        "text": text,
        "answer": answer,
        "candidates": [
            {"token": token, "probability": probability} for token, probability in found.candidates
        ],
    }


def _shown(phrases: Sequence[Phrase]) -> list[Phrase]:
    """The drawn sentences: the fixed one, and one of middle length."""
    fixed = [phrase for phrase in phrases if (phrase.korean, phrase.english) == SHOWN]
    middle = [phrase for phrase in phrases if len(phrase.english.split()) == 12][:1]
    return fixed + middle


def _translations(
    phrases: Sequence[Phrase], outputs: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """From short to long, with what each model made of them."""
    order = sorted(range(len(phrases)), key=lambda index: len(phrases[index].english.split()))
    chosen = [order[int((len(order) - 1) * part)] for part in (0.1, 0.35, 0.6, 0.8, 0.97)]
    return [
        {
            "source": phrases[index].korean,
            "reference": phrases[index].english,
            "outputs": {name: texts[index] for name, texts in outputs.items()},
        }
        for index in chosen
    ]
