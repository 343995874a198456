"""A trained language model: score, continue and evaluate text.

What only networks need is loaded when a network is used: n-grams do without torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import UnsupportedError
from munmaek.fit.trained import Files, Model, Writer
from munmaek.folder.info import Info
from munmaek.folder.settings import save_settings
from munmaek.folder.tables import save_tables
from munmaek.lm import BatchedLanguageModel, LanguageModel
from munmaek.metrics import Score
from munmaek.mixing import LogLinearMixture, Mixture
from munmaek.models.ngram import NgramModel
from munmaek.tasks.answering import Answers
from munmaek.tasks.inside import Accepts, Predictions, Question
from munmaek.tasks.judged import Judged
from munmaek.tasks.lm.look_up import (
    ExplainedText,
    Found,
    NextToken,
    VocabularyRow,
    explain,
    likeliest_meant,
    look_up,
    next_characters,
    query_spellings,
    vocabulary,
)
from munmaek.tasks.lm.scoring import (
    ScoredText,
    TextTotal,
    judged_text,
    score_texts,
    total,
)
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.text.corpora import Corpus
from munmaek.text.given import given_texts
from munmaek.text.spelling import spelling_of, unseen_bytes
from munmaek.text.tokenizers import Tokenizer

__all__ = ["TABLES", "TrainedLanguageModel"]

TABLES = "model.safetensors"
"""The file that holds counts or probabilities."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class TrainedLanguageModel(Model, Answers):
    """A ``LanguageModel`` over ids, with the tokenizer that gives it text."""

    tokenizer: Tokenizer
    model: LanguageModel[Any]
    info: Info

    text: TrainingText | None = None
    """The text that an n-gram model was counted from, where it was kept."""
    parts: tuple["TrainedLanguageModel", ...] = ()
    """The models of a mixture."""

    @property
    def is_distribution(self) -> bool:
        """Tell whether it gives probabilities; plain Stupid Backoff gives scores."""
        return not isinstance(self.model, NgramModel) or self.model.config.is_distribution

    @property
    def is_counted(self) -> bool:
        """Tell whether it is an n-gram model."""
        return isinstance(self.model, NgramModel)

    @property
    def has_network(self) -> bool:
        """Tell whether it is a network, neither an n-gram model nor a mixture."""
        return not isinstance(self.model, NgramModel | Mixture | LogLinearMixture)

    def score(self, texts: Sequence[str]) -> list[ScoredText]:
        """Score each text, or one, as one sentence: natural-log probabilities, in their order."""
        return score_texts(self.model, self.tokenizer, given_texts(texts))

    def total(self, texts: Sequence[str]) -> TextTotal:
        """Sum up all texts, each a sentence: log-probability, tokens, unknown ones."""
        return total(self.model, self.tokenizer, given_texts(texts))

    def explain(self, text: str) -> ExplainedText:
        """Explain one sentence token by token: the order that matched, each backoff weight paid.

        Raises:
            UnsupportedError: a model that has no orders.
        """
        return explain(self._ngram("explain"), self.tokenizer, text)

    def next_tokens(self, text: str = "", *, count: int = 10) -> list[NextToken]:
        """Return the tokens likeliest to follow ``text`` from the start of a sentence, best first.

        Tokens that are bytes of a character are not shown, but the characters that they spell.
        """
        state: Any = self.model.start()
        for token in self.tokenizer.encode(text):
            state = self.model.advance(state, token)
        if self.tokenizer.oov == "bytes":
            return next_characters(self.model, self.tokenizer, state, count=count)
        ids, logprobs = self._likeliest(state, count)
        return [
            NextToken(self.tokenizer.token(token), logprob)
            for token, logprob in zip(ids.tolist(), logprobs.tolist(), strict=True)
        ]

    def _likeliest(self, state: Any, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if isinstance(self.model, NgramModel):
            return self.model.next_words(state, count=count)
        logprobs = self.model.logprobs(state)
        ids = np.argsort(-logprobs, kind="stable")[:count].astype(np.int64)
        ids = ids[np.isfinite(logprobs[ids])]
        return ids, logprobs[ids]

    def look_up(self, query: str | Sequence[int], *, lines: int = 10) -> Found:
        """Look an n-gram up in the model and in its training text.

        Args:
            query: its text, which may begin with ``<s>`` and end with ``</s>``, or its ids. A text
                is looked for as it is spelled within a sentence and at the beginning of one.
            lines: lines of the training text to show at most.

        Raises:
            InputError: nothing to look for, or ids outside the vocabulary.
            UnsupportedError: not an n-gram model.
        """
        model = self._ngram("look-up")
        if isinstance(query, str):
            name, spelled = query, query_spellings(self.tokenizer, query)
        else:
            spelled = [list(query)]
            name = " ".join(self.tokenizer.token(token) for token in query)
        return likeliest_meant(
            [
                look_up(model, self.tokenizer, self.text, name, ids=ids, lines=lines)
                for ids in spelled
            ]
        )

    def vocabulary(self) -> list[VocabularyRow]:
        """List every token of an n-gram model with its probability without context.

        Raises:
            UnsupportedError: not an n-gram model.
        """
        return vocabulary(self._ngram("the vocabulary"), self.tokenizer, self.text)

    def _ngram(self, what: str) -> NgramModel:
        if not isinstance(self.model, NgramModel):
            message = f"{what} needs a model of stage 'ngram', this one is '{self.info.stage}'"
            raise UnsupportedError(message)
        return self.model

    def evaluate(self, corpus: Corpus) -> dict[str, Score]:
        """Return perplexity per token and per word, and bits per character and per byte.

        Raises:
            UnsupportedError: a model that gives scores and no probabilities.
        """
        return dict(self.judge(corpus).scores)

    def judge(self, corpus: Corpus) -> Judged:
        """Return the scores of ``evaluate`` with what they are computed of, line by line.

        Raises:
            UnsupportedError: a model that gives scores and no probabilities.
        """
        if not self.is_distribution:
            raise UnsupportedError(
                "Stupid Backoff gives scores that do not sum to 1, so it has no perplexity; "
                "choose another smoothing, or normalised = true in [model.smoothing]"
            )
        return judged_text(self.model, self.tokenizer, corpus, stage=self.info.stage)

    def generate(
        self,
        prompt: str = "",
        *,
        rng: np.random.Generator | int | None,
        max_length: int = 60,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        count: int = 1,
    ) -> list[str]:
        """Sample ``count`` continuations of ``prompt``, each with the prompt before it.

        Args:
            prompt: how the text begins; may be empty.
            rng: where chance comes from, or a seed; None seeds it anew.
            max_length: tokens at most.
            temperature: below 1 keeps closer to the likely.
            top_k: draw among the k likeliest only.
            top_p: draw among the likeliest that hold this much probability only.
            count: texts to make.
        """
        from munmaek.tasks.lm.walking import drawn_texts, walker_of

        ids, chance = self.tokenizer.encode(prompt), np.random.default_rng(rng)
        plain = temperature == 1 and top_k is None and top_p in (None, 1)
        if plain and (walker := walker_of(self)) is not None:
            texts = drawn_texts(walker, ids, chance, max_length=max_length, count=count)
            return [self.tokenizer.decode([*ids, *each]) for each in texts]
        from munmaek.decode import Drawing, sample  # counting and scoring need neither

        drawing = Drawing(
            chance,
            max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            banned=self.never_drawn(),
            spelling=spelling_of(self.tokenizer),
        )
        drawn = sample(self.rows(count), drawing, prompt=ids)
        return [self.tokenizer.decode([*ids, *each.tokens]) for each in drawn]

    def never_drawn(self) -> tuple[int, ...]:
        """Return the ids that no text has: special tokens, and bytes never seen."""
        tokenizer = self.tokenizer
        never = (tokenizer.pad, tokenizer.unk, tokenizer.bos, tokenizer.mask)
        if not isinstance(self.model, NgramModel):
            return never
        return (*never, *unseen_bytes(tokenizer, self.model.logprobs(())))

    def rows(self, count: int) -> BatchedLanguageModel[Any]:
        """Return ``count`` contexts of the model, to decode with."""
        if self.has_network:
            return cast("Any", self.model).rows(count)
        from munmaek.decode import from_single

        return from_single(self.model, rows=count)

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into: one sentence."""
        return Accepts(self.tokenizer, continues=True)

    def predictions(self, question: Question) -> Predictions:
        """Read a sentence and return what was computed, and each token's log-probability."""
        from munmaek.tasks.lm.predictions import sentence_predictions

        return sentence_predictions(self, question)

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {"tokenizer": self.tokenizer.describe()}

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        model, text = self.model, self.text
        files: dict[str, Writer] = {
            "tokenizer.json": self.tokenizer.save,
            "config.json": lambda path: save_settings(path, self.info),
        }
        if self.parts:
            files |= {f"part-{place}": part.save for place, part in enumerate(self.parts)}
        elif isinstance(model, NgramModel):
            files[TABLES] = lambda path: save_tables(model.tensors(), path)
        else:
            from munmaek.folder.weights import save_network

            network = cast("Any", model).network
            files["model.safetensors"] = lambda path: save_network(
                network, path, stage=self.info.stage
            )
        if text is not None:
            files["text.safetensors"] = lambda path: save_tables(text.tensors(), path)
        return files
