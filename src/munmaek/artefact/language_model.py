"""A trained language model: score, continue and evaluate text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from munmaek.artefact.folder import write_folder
from munmaek.artefact.info import Info
from munmaek.artefact.inside import HeadsOff, Inside, one_row, piece_words
from munmaek.artefact.weights import save_config, save_network, save_tables
from munmaek.decode import from_single, sample
from munmaek.lm import BatchedLanguageModel, LanguageModel
from munmaek.metrics import Score, count_text, lm_scores, sign
from munmaek.models.ngram import NgramModel
from munmaek.nn.tape import Tape
from munmaek.tasks.base import tensor
from munmaek.tasks.lm import NeuralLanguageModel
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["ScoredText", "ScoredToken", "TrainedLanguageModel", "corpus_scores"]


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token and its natural-log probability given what stands before it."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A sentence, its natural-log probability to its end, and that of every token."""

    text: str
    logprob: float
    tokens: tuple[ScoredToken, ...]


@final
@dataclass(frozen=True, slots=True)
class TrainedLanguageModel:
    """A ``LanguageModel`` over ids, with the tokenizer that gives it text."""

    tokenizer: Tokenizer
    model: LanguageModel[Any]
    info: Info

    def score(self, texts: Sequence[str]) -> list[ScoredText]:
        """Natural-log probability of each text as one sentence, in their order."""
        encoded = [[*ids, self.tokenizer.eos] for ids in self.tokenizer.encode_many(texts)]
        scores = self.model.score_many(encoded)
        return [
            ScoredText(text, float(score.sum()), self._tokens(ids, score))
            for text, ids, score in zip(texts, encoded, scores, strict=True)
        ]

    def _tokens(self, ids: Sequence[int], score: NDArray[np.float64]) -> tuple[ScoredToken, ...]:
        return tuple(
            ScoredToken(self.tokenizer.token(token), float(logprob))
            for token, logprob in zip(ids, score, strict=True)
        )

    def evaluate(self, corpus: Corpus) -> dict[str, Score]:
        """Perplexity per token and per word, and bits per character and per byte."""
        return corpus_scores(self.model, self.tokenizer, corpus, stage=self.info.stage)

    def generate(
        self,
        prompt: str = "",
        *,
        rng: np.random.Generator,
        max_length: int = 60,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        count: int = 1,
    ) -> list[str]:
        """``count`` continuations of ``prompt``, each with the prompt before it.

        Args:
            prompt: how the text begins; may be empty.
            rng: where chance comes from.
            max_length: tokens at most.
            temperature: below 1 keeps closer to the likely.
            top_k: draw among the k likeliest only.
            top_p: draw among the likeliest that hold this much probability only.
            count: texts to make.
        """
        ids = self.tokenizer.encode(prompt)
        drawn = sample(
            self._rows(count),
            rng=rng,
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            prompt=ids,
            banned=self._never(),
        )
        return [self.tokenizer.decode([*ids, *each.tokens]) for each in drawn]

    def _never(self) -> tuple[int, ...]:
        tokenizer = self.tokenizer
        return (tokenizer.pad, tokenizer.unk, tokenizer.bos, tokenizer.mask)

    def _rows(self, count: int) -> BatchedLanguageModel[Any]:
        if isinstance(self.model, NeuralLanguageModel):
            return self.model.rows(count)
        return from_single(self.model, rows=count)

    def inside(self, text: str, *, off: HeadsOff | None = None) -> Inside:
        """What the model computed on ``text``: it reads <s> and the tokens, and predicts each.

        Args:
            text: one sentence.
            off: heads of a network to switch off.
        """
        tokenizer = self.tokenizer
        ids = tokenizer.encode(text)
        pieces, words = piece_words(tokenizer, text)
        plain = Inside(
            task="lm",
            stage=self.info.stage,
            tokens=(tokenizer.token(tokenizer.bos), *pieces),
            words=(-1, *words),
            target_tokens=(*pieces, tokenizer.token(tokenizer.eos)),
            target_words=(*words, -1),
            tensors={},
        )
        if isinstance(self.model, NeuralLanguageModel):
            return self._taped(plain, ids, off or {})
        scores = self.model.score([*ids, tokenizer.eos])
        return replace(plain, logprobs=tuple(float(score) for score in scores))

    @torch.inference_mode()
    def _taped(self, plain: Inside, ids: Sequence[int], off: HeadsOff) -> Inside:
        assert isinstance(self.model, NeuralLanguageModel)
        tape, network = Tape(off=off), self.model.network
        row = np.array([[self.tokenizer.bos, *ids]], dtype=np.int64)
        hidden, _ = network.forward(tensor(row, network), tape=tape)
        chances = network.logits(hidden[0]).double().log_softmax(-1).cpu().numpy()
        predicted = chances[np.arange(len(ids) + 1), [*ids, self.tokenizer.eos]]
        return replace(
            plain, logprobs=tuple(float(each) for each in predicted), tensors=one_row(tape)
        )

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, aside and renamed.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        model = self.model
        files: dict[str, Callable[[Path], None]] = {
            "tokenizer.json": self.tokenizer.save,
            "config.json": lambda path: save_config(path, self.info),
        }
        if isinstance(model, NgramModel):
            files["model.safetensors"] = lambda path: save_tables(model.tensors(), path)
        else:
            network: Any = getattr(model, "network")  # noqa: B009 - a neural model has one
            files["model.safetensors"] = lambda path: save_network(
                network, path, stage=self.info.stage
            )
        manifest = {**self.info.to_json(), "tokenizer": self.tokenizer.describe()}
        write_folder(Path(folder), files=files, manifest=manifest, force=force)


def corpus_scores(
    model: LanguageModel[Any], tokenizer: Tokenizer, corpus: Corpus, *, stage: str
) -> dict[str, Score]:
    """Scores of any language model over the tokenizer's ids, each line a sentence."""
    encoded = [[*ids, tokenizer.eos] for ids in tokenizer.encode_many(corpus.lines)]
    counts = count_text(corpus.lines)
    return lm_scores(
        [score.sum() for score in model.score_many(encoded)],
        tokens=[len(ids) for ids in encoded],
        words=counts.words,
        characters=counts.characters,
        utf8_bytes=counts.utf8_bytes,
        unknown=sum(ids.count(tokenizer.unk) for ids in encoded),
        signature=sign(task="lm", stage=stage, tokenizer=tokenizer.signature, oov=tokenizer.oov),
        rng=np.random.default_rng(0),
    )
